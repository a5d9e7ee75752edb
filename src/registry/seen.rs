//! What the store remembers of registries: where a blob was seen, and what referred to an image.

use super::endpoint::Endpoint;
use crate::oci::{Descriptor, Digest, Reference, to_json};
use crate::store::{Store, StoreError};

/// The record's kind for the repositories of a registry that have a blob.
const BLOB: &str = "seen-blob";

/// The record's kind for what refers to a manifest in a repository.
const REFERRERS: &str = "seen-referrers";

/// As many repositories are remembered for one blob.
const REPOSITORIES: usize = 4;

/// Remembers that a place has a blob.
pub(super) fn note(store: &Store, place: &Endpoint, blob: &Digest) -> Result<(), StoreError> {
    let mut known = repositories(store, &place.registry, blob)?;
    if known.contains(&place.repository) {
        return Ok(());
    }
    known.insert(0, place.repository.clone());
    known.truncate(REPOSITORIES);
    store.set_record(BLOB, &blob_key(&place.registry, blob), &to_json(&known))
}

/// The repositories of a registry that had a blob when they were asked last, the latest first.
pub(super) fn repositories(store: &Store, registry: &str, blob: &Digest) -> Result<Vec<String>, StoreError> {
    let record = store.record(BLOB, &blob_key(registry, blob))?;
    // What an older kiln wrote, and this one cannot read, is as good as nothing.
    Ok(record.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default())
}

/// Remembers all that refers to a manifest.
pub(super) fn note_referrers(
    store: &Store,
    repository: &Reference,
    subject: &Digest,
    rows: &[Descriptor],
) -> Result<(), StoreError> {
    store.set_record(REFERRERS, &referrers_key(repository, subject), &to_json(&rows))
}

/// What referred to a manifest when the registry was asked last; none where it never was.
pub(super) fn referrers(
    store: &Store,
    repository: &Reference,
    subject: &Digest,
) -> Result<Option<Vec<Descriptor>>, StoreError> {
    let record = store.record(REFERRERS, &referrers_key(repository, subject))?;
    Ok(record.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
}

fn blob_key(registry: &str, blob: &Digest) -> Digest {
    Digest::of(format!("{registry}\n{blob}"))
}

fn referrers_key(repository: &Reference, subject: &Digest) -> Digest {
    Digest::of(format!("{repository}\n{subject}"))
}
