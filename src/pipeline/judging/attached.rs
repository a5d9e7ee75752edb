//! What is attached to an image that is scanned: where its files come from, as its own bill of materials tells, and which
//! proofs there are. Nobody's word is checked here, so it explains findings and makes none go away.

use super::super::bill::Bill;
use super::super::error::Error;
use super::super::opened::{Opened, Predicate};
use crate::evidence::bytes_of;
use crate::evidence::scan::{Place, SpecLine};
use crate::policy::Proofs;
use crate::tree::TreePath;
use std::collections::BTreeSet;

/// What is attached to an image.
#[derive(Default)]
pub(super) struct Attached {
    bill: Option<Bill>,
    has_provenance: bool,
}

/// Reads it; what is not there, or of other tools, explains nothing.
pub(super) fn read(opened: &Opened) -> Result<Attached, Error> {
    let found = |wanted: Predicate| match opened.predicate(wanted) {
        Ok(document) => Ok(Some(document)),
        Err(Error::NotThere(_)) => Ok(None),
        Err(error) => Err(error),
    };
    let bill = found(Predicate::Cyclonedx)?.and_then(|document| Bill::read(&document).ok());
    Ok(Attached { bill, has_provenance: found(Predicate::Provenance)?.is_some() })
}

impl Attached {
    /// The proofs that are there, unchecked.
    pub(super) fn proofs(&self) -> Proofs {
        let provenance = self.has_provenance.then_some(1);
        Proofs { sbom: self.bill.is_some(), provenance, ..Proofs::default() }
    }

    /// The paths that packages own by the bill of materials.
    pub(super) fn owned(&self) -> BTreeSet<TreePath> {
        let files = self.bill.iter().flat_map(|bill| &bill.files).filter(|(_, file)| file.owner_type == "library");
        files.filter_map(|(path, _)| TreePath::new(bytes_of(path.trim_start_matches('/'))).ok()).collect()
    }

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
