//! What the contents of an image's files say: [packages](catalogue) and [secrets](search). Whatever build or scan asks,
//! the same content is asked the same once; the answers are kept by its digest.

mod packages;
mod secrets;
#[cfg(test)]
mod tests;

pub use packages::{Catalogued, catalogue};
pub use secrets::{LayeredFile, LeakyFile, Searched, search};

use crate::oci::Digest;
use crate::store::{Ledger, Store, StoreError};
use crate::tree::{Entry, Tree};
use std::io;

/// Why contents could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A content could not be read from the store.
    #[error("cannot read the content {digest}: {source}")]
    Read {
        /// The content.
        digest: Digest,
        /// What the system said.
        source: io::Error,
    },
}

impl ContentError {
    /// For `map_err`: a content that could not be read.
    fn reading(digest: Digest) -> impl Fn(io::Error) -> ContentError {
        move |source| ContentError::Read { digest, source }
    }
}

/// Small files that say something about an image.
const MAX_SAYING: u64 = 1 << 20;

/// The content of a small file, links followed; none where there is none, or it is far too large.
///
/// # Errors
/// Where the store fails.
pub fn small_file(tree: &Tree, path: &str, store: &Store) -> Result<Option<Vec<u8>>, StoreError> {
    let Ok(path) = tree.resolve(path) else { return Ok(None) };
    let Some(entry) = tree.get(&path).filter(|entry| entry.size() <= MAX_SAYING) else { return Ok(None) };
    entry.content().map(|content: &Digest| store.read(content, MAX_SAYING)).transpose()
}

/// An answer that a ledger keeps. Most say nothing, and are empty there.
trait Remembered: Sized {
    /// None for what cannot be read any more.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// None for what is to be found out again.
    fn written(&self) -> Option<Vec<u8>>;
}

/// The answer that the ledger has under a key, or else the one that is found now.
fn remembered<T: Remembered>(
    ledger: &Ledger<'_>,
    key: &Digest,
    find: impl FnOnce() -> Result<T, ContentError>,
) -> Result<T, ContentError> {
    if let Some(known) = ledger.get(key)?.as_deref().and_then(T::read) {
        return Ok(known);
    }
    let found = find()?;
    if let Some(bytes) = found.written() {
        ledger.put(key, bytes)?;
    }
    Ok(found)
}

/// The content of a file that has one, and its size.
fn content(entry: &Entry) -> Option<(Digest, u64)> {
    entry.content().map(|content| (*content, entry.size())).filter(|(_, size)| *size > 0)
}
