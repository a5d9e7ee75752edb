//! The store, looked at and cleared.

use super::error::Error;
use crate::store::{Bounds, Pruned, Store};
use serde::Serialize;
use std::path::Path;

/// What the store holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheReport {
    /// Its folder.
    pub path: String,
    /// By kind: contents, trees on disk and commands' caches first, then the kinds of records.
    pub kinds: Vec<CacheKind>,
}

/// How much of one kind there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheKind {
    /// `blobs`, `layers`, `caches`, or the kind of record.
    pub kind: String,
    /// How many.
    pub count: u64,
    /// Their sizes together, in bytes.
    pub bytes: u64,
}

/// Says what the store holds.
pub fn cache_show(folder: &Path) -> Result<CacheReport, Error> {
    let usage = Store::open(folder)?.usage()?;
    let kinds = usage.into_iter().map(|row| CacheKind { kind: row.kind, count: row.count, bytes: row.bytes });
    Ok(CacheReport { path: folder.display().to_string(), kinds: kinds.collect() })
}

/// Removes what is old or too much, or everything; it is made or fetched anew when it is needed.
pub fn cache_prune(folder: &Path, bounds: Bounds) -> Result<Pruned, Error> {
    Ok(Store::prune(folder, bounds)?)
}
