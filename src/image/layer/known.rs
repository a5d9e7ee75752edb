//! Blocks that earlier layers have: what was compressed once is cut out of the layer that it is in.
//!
//! A block is known by what it is made of: the headers in it and which bytes of which stored contents. So
//! nobody need hash the block itself, and a changed file costs the compression of the blocks around it.

use super::Compression;
use crate::oci::{Digest, Digester};
use crate::store::{Store, StoreError};
use serde::{Deserialize, Serialize};

/// The kind of record that tells where a compressed block is.
const RECORD: &str = "block";

/// The version of what goes into the key of such a record; another one forgets them all.
const RECORDS: &[u8] = b"kiln block 1";

/// What a block is made of, as it grows.
pub(super) struct Recipe(Digester);

/// A part of a stored layer that is one compressed block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The layer's blob.
    pub(super) blob: Digest,
    /// Where the block begins in it.
    pub(super) offset: u64,
    /// How many bytes it has.
    pub(super) size: u64,
}

impl Recipe {
    pub(super) fn new(compression: Compression) -> Self {
        let mut recipe = Recipe(Digester::new());
        recipe.frame(RECORDS);
        recipe.frame(compression.name().as_bytes());
        recipe.frame(compression.compressor().as_bytes());
        recipe
    }

    /// Adds bytes that stand for themselves.
    pub(super) fn frame(&mut self, bytes: &[u8]) {
        self.0.update(b"f");
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// Adds `size` bytes of `content` from `offset` on.
    pub(super) fn content(&mut self, content: &Digest, offset: u64, size: u64) {
        self.0.update(b"c");
        self.0.update(content.as_bytes());
        self.0.update(&offset.to_le_bytes());
        self.0.update(&size.to_le_bytes());
    }

    pub(super) fn finish(self) -> Digest {
        self.0.finish()
    }
}

/// The block in compressed form, if some layer in the store has it.
///
/// Whatever is missing or damaged only means that it is compressed again.
pub(super) fn recall(store: &Store, block: &Digest) -> Option<Vec<u8>> {
    let record = store.record(RECORD, block).ok()??;
    let place: Place = serde_json::from_slice(&record).ok()?;
    store.read_part(&place.blob, place.offset, place.size).ok()
}

/// Remembers where a block is, in place of where it was before.
pub(super) fn remember(store: &Store, block: &Digest, place: &Place) -> Result<(), StoreError> {
    let record = serde_json::to_vec(place).expect("a place has no maps");
    store.set_record(RECORD, block, &record)
}
