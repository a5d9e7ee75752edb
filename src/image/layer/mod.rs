//! Layers: changes as compressed archives in the store.
//!
//! The archive is cut into blocks which are compressed on all cores, each by
//! itself, and joined in order: a gzip stream of many members, a Zstandard
//! stream of many frames. So the bytes do not depend on how many cores there
//! are, memory does not depend on the size of the layer, and a block that an
//! earlier layer has is taken from there. The price is size, as no block sees
//! the one before: 0.3 % for gzip, 1 % for Zstandard.
//!
//! The digest of the plain archive (`diff_id`) never changes between versions
//! of kiln; that of the compressed one changes with the compressor, whose
//! version [`Compression::compressor`] tells.

mod blocks;
mod budget;
mod compress;
mod known;

pub use compress::Compression;

use crate::oci::{Descriptor, Digest, Digester};
use crate::store::{Store, StoreError};
use crate::tree::Change;
use crate::tree::flatten::Packed;
use crate::tree::tar::{self, TarError};
use budget::Budget;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;

/// The version of what goes into the key of a recorded layer; another one forgets them all.
const RECORDS: &str = "kiln layer 1";

/// As many layers as are made at the same time: more do not help, as each is compressed on all cores.
const AT_ONCE: usize = 3;

/// Plain bytes that are under way at once. More threads than this many bytes have blocks find nothing to do, but
/// then making and hashing the archive, each on one core, are what takes the time.
const UNDER_WAY: usize = 40 << 20;

/// A layer whose blob is in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// The blob.
    pub descriptor: Descriptor,
    /// The digest of the plain archive.
    pub diff_id: Digest,
    /// The size of the plain archive in bytes, where it is known: not of layers that another tool made.
    pub plain_size: Option<u64>,
}

impl Layer {
    /// What there is to unpack.
    pub fn packed(&self) -> Packed<'_> {
        (&self.descriptor, self.diff_id)
    }
}

/// Why a layer could not be made.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// The archive could not be written.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gives no threads, or a level is none that the compressor has.
    #[error("cannot compress: {0}")]
    Compress(io::Error),
}

/// Makes layers on a number of threads.
#[derive(Debug)]
pub struct Packer {
    compressing: rayon::ThreadPool,
    /// Each makes one archive and waits for its compression, so they are no threads of the other pool.
    making: rayon::ThreadPool,
    threads: usize,
}

impl Packer {
    /// Compresses on as many threads as are wanted; the bytes do not depend on it.
    ///
    /// # Errors
    /// [`LayerError::Compress`] where the system gives no threads.
    pub fn new(threads: NonZeroUsize) -> Result<Self, LayerError> {
        let threads = threads.get().min(UNDER_WAY >> 20);
        let pool = |name: &'static str, count| {
            let builder =
                rayon::ThreadPoolBuilder::new().num_threads(count).thread_name(move |i| format!("{name}-{i}"));
            builder.build().map_err(|e| LayerError::Compress(io::Error::other(e)))
        };
        Ok(Packer { compressing: pool("compress", threads)?, making: pool("layer", AT_ONCE)?, threads })
    }

    /// Compresses on all cores.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn on_all_cores() -> Result<Self, LayerError> {
        Self::new(std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN))
    }

    /// Makes the layers of `changes`, in their order.
    ///
    /// A layer that was made before from the same change is not made again as long as its blob is in the store.
    ///
    /// # Errors
    /// The first error in the order of the changes.
    pub fn pack_all(
        &self,
        changes: &[Change],
        store: &Store,
        epoch: i64,
        compression: Compression,
    ) -> Result<Vec<Layer>, LayerError> {
        let budget = self.budget(compression);
        let make = |change| self.pack_within(&budget, change, store, epoch, compression);
        let made: Vec<Result<Layer, LayerError>> = self.making.install(|| changes.par_iter().map(make).collect());
        made.into_iter().collect()
    }

    /// Makes one layer.
    ///
    /// # Errors
    /// Where contents are missing in the store, or the store fails.
    pub fn pack(
        &self,
        change: &Change,
        store: &Store,
        epoch: i64,
        compression: Compression,
    ) -> Result<Layer, LayerError> {
        self.pack_within(&self.budget(compression), change, store, epoch, compression)
    }

    /// Enough for all threads and for each layer that waits for its turn.
    fn budget(&self, compression: Compression) -> Arc<Budget> {
        Budget::new((2 * self.threads + AT_ONCE).min(UNDER_WAY / compression.block_size()))
    }

    fn pack_within(
        &self,
        budget: &Arc<Budget>,
        change: &Change,
        store: &Store,
        epoch: i64,
        compression: Compression,
    ) -> Result<Layer, LayerError> {
        let key = key(change, epoch, compression);
        if let Some(layer) = recorded(store, &key)? {
            return Ok(layer);
        }
        let joined = blocks::compress(&self.compressing, budget, compression, store, |out| {
            tar::write(change, store, epoch, out)
        })?;
        let (diff_id, plain_size) = (joined.diff_id, Some(joined.plain_size));
        let (digest, size) = joined.commit(store)?;
        let layer = Layer { descriptor: Descriptor::new(compression.media_type(), digest, size), diff_id, plain_size };
        let value = serde_json::to_vec(&layer).expect("a layer has no maps with odd keys");
        store.set_record("layer", &key, &value)?;
        Ok(layer)
    }
}

/// What a layer's bytes depend on.
fn key(change: &Change, epoch: i64, compression: Compression) -> Digest {
    let mut key = Digester::new();
    let mut put = |bytes: &[u8]| {
        key.update(&(bytes.len() as u64).to_le_bytes());
        key.update(bytes);
    };
    put(RECORDS.as_bytes());
    put(&epoch.to_le_bytes());
    put(compression.name().as_bytes());
    put(compression.compressor().as_bytes());
    put(change.entries.digest().as_bytes());
    for (kind, paths) in [(b"removed", &change.removed), (b"opaque\0", &change.opaque)] {
        put(kind);
        paths.iter().for_each(|path| put(path.as_bytes()));
    }
    key.finish()
}

/// The layer that was made before, if it is all there.
fn recorded(store: &Store, key: &Digest) -> Result<Option<Layer>, LayerError> {
    let Some(value) = store.record("layer", key)? else { return Ok(None) };
    let layer: Option<Layer> = serde_json::from_slice(&value).ok();
    Ok(layer.filter(|layer| store.size(&layer.descriptor.digest) == Some(layer.descriptor.size)))
}

#[cfg(test)]
mod tests;
