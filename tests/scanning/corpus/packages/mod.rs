//! Packages with known holes, in all the ways in which images tell of packages.

mod distributions;
mod libraries;

use super::{Image, Project};
use crate::support::deb::Archive;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Which of the two versions an image has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Affected,
    Fixed,
}

impl Version {
    fn of(self, affected: &'static str, fixed: &'static str) -> &'static str {
        match self {
            Version::Affected => affected,
            Version::Fixed => fixed,
        }
    }
}

/// A hole of a package, as an advisory tells it.
struct Advised {
    id: String,
    ecosystem: &'static str,
    /// Where another package of the name has a hole too, in all versions.
    elsewhere: &'static str,
    name: &'static str,
    fixed: &'static str,
}

/// The advisories about all packages.
pub(super) fn advisories() -> Vec<Value> {
    let both = |told: Advised| {
        let Advised { id, ecosystem, elsewhere, name, fixed } = told;
        [advisory(&id, ecosystem, name, fixed), advisory(&format!("{id}-elsewhere"), elsewhere, name, "9999")]
    };
    libraries::advised().into_iter().chain(distributions::advised()).flat_map(both).collect()
}

fn advisory(id: &str, ecosystem: &str, name: &str, fixed: &str) -> Value {
    json!({
        "schema_version": "1.7.0",
        "id": id,
        "modified": "2026-11-20T00:00:00Z",
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
        }],
    })
}

/// All images.
pub(super) fn images(which: Version) -> BTreeMap<&'static str, Image> {
    let mut images = distributions::images(which);
    images.insert("libraries", libraries::image(which));
    images
}

pub(super) fn planted() -> BTreeMap<&'static str, Image> {
    images(Version::Affected)
}

/// How many packages all images have.
pub(super) fn count() -> usize {
    libraries::count() + distributions::count()
}

/// Debian's packages, as kiln installs them.
pub(super) fn archive(which: Version) -> Archive {
    distributions::archive(which)
}

#[test]
fn packages_with_holes_are_found() {
    Project::new(&archive(Version::Affected), &advisories()).judge(&planted());
}
