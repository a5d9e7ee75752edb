//! Sets that were made before.

use super::super::stanza::Stanza;
use super::super::unpack::has_contents;
use super::{Database, Options, Owner, PackageSet, Scripts, SetError, Warning};
use crate::oci::Digest;
use crate::packages::deb::LockedPackage;
use crate::store::Store;
use crate::tree::{Tree, TreeError};
use serde::{Deserialize, Serialize};

/// The kind of record that sets are.
const RECORD: &str = "package-set";

/// Part of each key: to be raised when the same packages would become another set.
const FORMAT: u32 = 3;

/// What is kept of a set.
#[derive(Serialize, Deserialize)]
struct Record {
    tree: Digest,
    /// For each entry of the tree twice the package, and one more where it was made by a script.
    owners: Vec<u64>,
    packages: Vec<String>,
    warnings: Vec<(String, String)>,
}

/// What a set is made from.
#[derive(Serialize)]
struct Inputs<'a> {
    format: u32,
    kiln: &'a str,
    packages: Vec<(&'a str, &'a str, &'a str, Digest)>,
    architecture: &'a str,
    keep: [bool; 3],
    full: bool,
    skip: Vec<&'a str>,
    base: Option<Digest>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unpack: bool,
}

/// The key of the record for these packages and options.
pub(super) fn key(packages: &[LockedPackage], options: &Options, base: Option<&Tree>) -> Digest {
    let inputs = Inputs {
        format: FORMAT,
        kiln: env!("CARGO_PKG_VERSION"),
        packages: packages
            .iter()
            .map(|p| (p.name.as_str(), p.version.as_str(), p.architecture.as_str(), p.sha256))
            .collect(),
        architecture: &options.architecture,
        keep: [options.keep.man, options.keep.doc, options.keep.locale],
        full: options.database == Database::Full,
        skip: options.skip_scripts.iter().map(String::as_str).collect(),
        base: base.map(Tree::digest),
        unpack: options.scripts == Scripts::Leave,
    };
    Digest::of(serde_json::to_vec(&inputs).expect("strings, numbers and digests make JSON"))
}

/// The set under a key, if it is there whole.
pub(super) fn load(store: &Store, key: &Digest, packages: &[LockedPackage]) -> Result<Option<PackageSet>, SetError> {
    let Some(bytes) = store.record(RECORD, key)? else { return Ok(None) };
    let Ok(record) = serde_json::from_slice::<Record>(&bytes) else { return Ok(None) };
    let tree = match Tree::load(store, &record.tree) {
        Ok(tree) => tree,
        Err(TreeError::Store(e)) if !e.is_lost_content() => return Err(e.into()),
        Err(_) => return Ok(None),
    };
    let owners: Vec<Owner> = record
        .owners
        .iter()
        .filter_map(|n| Some(Owner { package: u32::try_from(n / 2).ok()?, made: n % 2 == 1 }))
        .collect();
    let stanzas: Result<Vec<Stanza>, _> = record.packages.iter().map(|text| Stanza::parse(text)).collect();
    let Ok(stanzas) = stanzas else { return Ok(None) };
    let is_sound = owners.len() == tree.len() && stanzas.len() == packages.len();
    if !is_sound || !has_contents(store, &tree) {
        return Ok(None);
    }
    let warnings = record.warnings.into_iter().map(|(package, text)| Warning { package, text }).collect();
    Ok(Some(PackageSet { tree, digest: record.tree, owners, packages: stanzas, warnings }))
}

/// Keeps a set.
pub(super) fn save(store: &Store, key: &Digest, set: &PackageSet) -> Result<(), SetError> {
    let record = Record {
        tree: set.digest,
        owners: set.owners.iter().map(|owner| u64::from(owner.package) * 2 + u64::from(owner.made)).collect(),
        packages: set.packages.iter().map(|stanza| stanza.text().to_owned()).collect(),
        warnings: set.warnings.iter().map(|w| (w.package.clone(), w.text.clone())).collect(),
    };
    let bytes = serde_json::to_vec(&record).expect("strings, numbers and digests make JSON");
    Ok(store.set_record(RECORD, key, &bytes)?)
}
