//! Who put a file into an image, and why.

use super::bill::{Bill, BilledFile};
use super::error::Error;
use super::opened::{ImageChoice, Opened, Predicate};
use super::session::Session;
use serde::Serialize;

/// Who put a path into an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The path that was asked for.
    pub path: String,
    /// The path that it leads to, where symbolic links lead elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leads_to: Option<String>,
    /// Who owns what is there; for a folder, everybody who has something in it.
    pub owners: Vec<OwnerReason>,
    /// Whether it is a folder.
    pub folder: bool,
}

/// Somebody who put something there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OwnerReason {
    /// `package`, `source`, `spec` or `base`.
    pub kind: &'static str,
    /// Its name, and for a package its version.
    pub name: String,
    /// The package's URL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purl: Option<String>,
    /// The line of the spec, or what kiln did in place of a maintainer script.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_by: Option<String>,
    /// For a package: from what the spec asks for to this package, each needing the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub wanted_by: Vec<String>,
    /// How many files of a folder.
    pub files: usize,
}

/// Says who put `path` into an image.
///
/// # Errors
/// Where the image has no such path or no bill of materials.
pub fn why(session: &Session<'_>, choice: &ImageChoice, path: &str) -> Result<Reason, Error> {
    let opened = Opened::open(session, choice)?;
    let tree = opened.tree(session)?;
    let place = tree.resolve_parent(path)?;
    let Some(entry) = tree.get(&place) else {
        return Err(Error::NotThere(format!("the image has no {path}")));
    };
    let bill = Bill::read(&opened.predicate(Predicate::Cyclonedx)?)?;
    let text = crate::evidence::path_text(place.as_bytes());
    let asked = format!("/{}", path.trim_matches('/'));
    let leads_to = (asked != text).then(|| text.clone());
    if !entry.is_dir() {
        let file = bill.files.get(&text);
        let file = file.ok_or_else(|| Error::NotThere(format!("the bill of materials does not list {text}")))?;
        let owners = vec![reason(&bill, file)];
        return Ok(Reason { path: path.into(), leads_to, owners, folder: false });
    }
    let below = format!("{}/", text.trim_end_matches('/'));
    let mut owners: Vec<OwnerReason> = Vec::new();
    for (_, file) in bill.files.iter().filter(|(name, _)| name.starts_with(&below)) {
        let found = OwnerReason { made_by: None, ..reason(&bill, file) };
        match owners.iter_mut().find(|known| (known.kind, &known.name) == (found.kind, &found.name)) {
            Some(known) => known.files += 1,
            None => owners.push(found),
        }
    }
    owners.sort();
    Ok(Reason { path: path.into(), leads_to, owners, folder: true })
}

/// Who owns a file.
pub(super) fn reason(bill: &Bill, file: &BilledFile) -> OwnerReason {
    let made_by = file.properties.get("kiln:made-by").cloned();
    let package = bill.packages.get(&file.owner);
    let name = |reference: &String| match bill.packages.get(reference) {
        Some(package) => package.name.clone(),
        None => reference.clone(),
    };
    OwnerReason {
        kind: match file.owner.split_once(':') {
            Some(("source", _)) => "source",
            Some(("base", _)) => "base",
            Some(("spec", _)) => "spec",
            _ => "package",
        },
        name: match package {
            Some(package) => format!("{} {}", package.name, package.version),
            None => file.owner_name.clone(),
        },
        purl: package.map(|package| package.purl.clone()),
        made_by,
        wanted_by: package.map(|_| bill.chain(&file.owner).iter().map(name).collect()).unwrap_or_default(),
        files: 1,
    }
}
