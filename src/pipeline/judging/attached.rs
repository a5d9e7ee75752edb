//! Where the files of an image that is scanned come from, as its own bill of materials tells. Nobody's word is checked here,
//! so it explains findings and makes none go away.

use super::super::bill::Bill;
use super::super::error::Error;
use super::super::opened::{Opened, Predicate};
use crate::evidence::scan::{Place, SpecLine};

/// What is attached to an image.
#[derive(Default)]
pub(super) struct Attached {
    bill: Option<Bill>,
}

/// Reads it; what is not there, or of other tools, explains nothing.
pub(super) fn read(opened: &Opened) -> Result<Attached, Error> {
    let bill = match opened.predicate(Predicate::Cyclonedx) {
        Ok(document) => Bill::read(&document).ok(),
        Err(Error::NotThere(_)) => None,
        Err(error) => return Err(error),
    };
    Ok(Attached { bill })
}

impl Attached {
    /// Says of a path where it comes from.
    pub(super) fn locate(&self, place: &mut Place) {
        let file = place.path.as_ref().and_then(|path| self.bill.as_ref()?.files.get(path));
        let Some(file) = file else { return };
        let word = match file.owner_type.as_str() {
            "library" => "package",
            "container" => "base",
            _ => "source",
        };
        place.origin.owner = Some(format!("{word} {} {}", file.owner_name, file.owner_version).trim_end().to_owned());
        place.origin.stages = file.stages.clone();
        place.origin.spec = file.made_by.first().and_then(|line| {
            let (file, line) = line.rsplit_once(':')?;
            Some(SpecLine { file: file.to_owned(), line: line.parse().ok()? })
        });
    }
}
