//! A download as a tree of one file.

use crate::llb::attr;
use crate::oci::Digest;
use crate::solve::{Fetch, FetchError};
use crate::store::{Store, StoreError};
use crate::tree::{Entry, PathError, Tree, TreePath};
use std::collections::BTreeMap;

/// Why a download cannot be made a tree.
#[derive(Debug, thiserror::Error)]
pub enum HttpSourceError {
    /// Nobody said what the file must be.
    #[error("the download has no digest: a build takes only what is pinned; run `kiln lock`")]
    NotPinned,
    /// An attribute is wrong.
    #[error("the attribute {name} of the source is malformed: `{value}`")]
    Attribute {
        /// Which.
        name: &'static str,
        /// What it says, shortened.
        value: String,
    },
    /// No file can have that name.
    #[error(transparent)]
    Name(#[from] PathError),
    /// The download failed.
    #[error(transparent)]
    Fetch(#[from] FetchError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The tree, and whether the file was in the store already.
pub(in super::super) fn read(
    url: &str,
    attrs: &BTreeMap<String, String>,
    store: &Store,
    fetch: &dyn Fetch,
) -> Result<(Tree, bool), HttpSourceError> {
    let checksum = attrs.get(attr::HTTP_CHECKSUM).ok_or(HttpSourceError::NotPinned)?;
    let digest: Digest = checksum.parse().map_err(|_| malformed(attr::HTTP_CHECKSUM, checksum))?;
    let path = TreePath::root().join(name(url, attrs).as_bytes())?;
    let mode = number(attrs, attr::HTTP_PERM, 8)?.unwrap_or(0o600);
    let mode = u16::try_from(mode).ok().filter(|mode| *mode <= 0o7777);
    let mode = mode.ok_or_else(|| malformed(attr::HTTP_PERM, &attrs[attr::HTTP_PERM]))?;
    let uid = number(attrs, attr::HTTP_UID, 10)?.unwrap_or(0);
    let gid = number(attrs, attr::HTTP_GID, 10)?.unwrap_or(0);

    let was_there = store.has(&digest);
    if !was_there {
        fetch.fetch(url, &digest, store)?;
    }
    let size = store.size(&digest).ok_or(StoreError::Missing(digest))?;
    Ok(([(path, Entry::file(digest, size, mode).owned_by(uid, gid))].into_iter().collect(), was_there))
}

/// The file's name: as was asked for, else the last part of the address, else `download`.
fn name(url: &str, attrs: &BTreeMap<String, String>) -> String {
    if let Some(name) = attrs.get(attr::HTTP_FILENAME) {
        return name.clone();
    }
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let path = path.split_once("://").map_or("", |(_, rest)| rest).split_once('/').map_or("", |(_, path)| path);
    let last = path.rsplit('/').next().unwrap_or_default();
    let last = percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned();
    if matches!(last.as_str(), "" | "." | "..") || last.contains(['/', '\0']) { "download".to_owned() } else { last }
}

fn number(attrs: &BTreeMap<String, String>, name: &'static str, radix: u32) -> Result<Option<u32>, HttpSourceError> {
    let read = |text: &String| u32::from_str_radix(text, radix).map_err(|_| malformed(name, text));
    attrs.get(name).map(read).transpose()
}

fn malformed(name: &'static str, value: &str) -> HttpSourceError {
    HttpSourceError::Attribute { name, value: value.chars().take(80).collect() }
}
