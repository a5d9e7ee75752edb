//! Tar archives: reading those of strangers, writing our own.
//!
//! [`Reader`] takes a stream apart, entry by entry, and refuses whatever two
//! readers could understand differently. [`read`] builds a [`Change`] on it
//! and puts the contents of files into the store. [`write`] makes the one
//! archive that a change has. [`decompress`] stands in front of reading.
//!
//! An archive is hostile. No name leads out of the root, no count, size or
//! depth is without a bound, and what the archive claims about itself is
//! believed only as far as its bytes bear it out.
//!
//! [`Change`]: super::Change

mod decompress;
mod header;
mod pax;
mod reader;
mod unpack;
mod write;

pub use decompress::{Compression, Decompressed, decompress};
pub use reader::{Header, Kind, Member, Reader};
pub use unpack::{Map, Options, Unpacked, read, unpack};
pub use write::{Sink, write};

use super::{PathError, TreeError};
use crate::store::StoreError;
use std::io;

/// What an archive may have at most.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Entries.
    pub entries: u64,
    /// Bytes, headers and padding included.
    pub size: u64,
    /// Parts of one path.
    pub depth: usize,
    /// Bytes of one entry's extended header: long names and extended attributes.
    pub extension: u64,
}

impl Default for Limits {
    /// Far above what real images and packages have.
    fn default() -> Self {
        Limits { entries: 2_000_000, size: 64 << 30, depth: 256, extension: 1 << 20 }
    }
}

/// Why an archive cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// The bytes cannot be read, decompressed or written.
    #[error("cannot read the archive: {0}")]
    Read(io::Error),
    /// The archive cannot be written.
    #[error("cannot write the archive: {0}")]
    Write(io::Error),
    /// The archive stops in the middle.
    #[error("the archive is cut short: it ends at byte {0} without its end mark")]
    Truncated(u64),
    /// A header is damaged or none at all.
    #[error("the archive is damaged: the header at byte {at} {reason}")]
    Header {
        /// Where it begins.
        at: u64,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An entry is of a kind, or has a name or a property, that is refused.
    #[error("the archive's entry `{name}` is refused: {reason}")]
    Refused {
        /// The entry as the archive names it.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An entry's name is none that a tree can hold.
    #[error("the archive's entry `{name}` is refused: {source}")]
    Name {
        /// The entry as the archive names it.
        name: String,
        /// What is wrong with its name.
        source: PathError,
    },
    /// A hard link leads to nothing.
    #[error("the archive's entry `{name}` is refused: it is a hard link to `{target}`, {reason}")]
    HardLink {
        /// The entry.
        name: String,
        /// Where it leads.
        target: String,
        /// What is wrong with that.
        reason: &'static str,
    },
    /// More of something than is allowed.
    #[error("the archive is refused: it has more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// A tree cannot be written as a layer because a name in it means something else there.
    #[error("{0} cannot be in a layer: names that begin with `.wh.` mean the removal of a file there")]
    ReservedName(super::TreePath),
    /// An entry does not fit into the tree.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TarError {
    /// Finds the error of this module or of the store in what came through [`io::Read`].
    fn reading(error: io::Error) -> Self {
        let error = match error.downcast::<TarError>() {
            Ok(own) => return own,
            Err(error) => error,
        };
        error.downcast::<StoreError>().map_or_else(TarError::Read, TarError::Store)
    }
}

/// A name of an archive, fit for a message.
fn shown(name: &[u8]) -> String {
    let end = name.len().min(200);
    name[..end].escape_ascii().to_string()
}

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
