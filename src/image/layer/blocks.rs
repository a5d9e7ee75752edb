//! From one stream of plain bytes to one compressed blob, by way of all cores.
//!
//! Four kinds of threads work at once: the caller's makes the stream and cuts
//! it, one hashes it, a pool compresses, one joins the results and writes and
//! hashes them. Each block needs a permit from when its first byte comes until
//! it is written, so whoever is ahead of the others waits.

use super::budget::{Budget, Permit};
use super::{Compression, LayerError};
use crate::oci::{Digest, Digester};
use crate::store::{BlobWriter, Store, StoreError};
use crate::tree::tar::TarError;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// A blob that is written and not yet named.
pub(super) struct Joined {
    pub(super) blob: BlobWriter,
    pub(super) diff_id: Digest,
    pub(super) plain_size: u64,
}

/// A block that is being compressed: its result comes here.
struct Pending {
    result: Receiver<io::Result<Vec<u8>>>,
    _permit: Permit,
}

/// Blocks that wait to be hashed; they may be written already, so permits do not count them.
const UNHASHED: usize = 2;

/// Compresses what `make` writes.
pub(super) fn compress(
    pool: &rayon::ThreadPool,
    budget: &Arc<Budget>,
    compression: Compression,
    store: &Store,
    make: impl FnOnce(&mut Blocks<'_>) -> Result<(), TarError>,
) -> Result<Joined, LayerError> {
    let (to_hasher, plain) = sync_channel(UNHASHED);
    let (to_joiner, pending) = channel();
    std::thread::scope(|scope| {
        let hasher = scope.spawn(|| hash(plain));
        let joiner = scope.spawn(|| join(store, pending));
        let mut blocks = Blocks { pool, budget, compression, filling: None, to_hasher, to_joiner };
        let made = make(&mut blocks).and_then(|()| blocks.send().map_err(TarError::Write));
        drop(blocks);
        let (diff_id, plain_size) = hasher.join().expect("hashing does not panic");
        let blob = joiner.join().expect("joining does not panic");
        // When the joiner gives up, the maker fails as well, but only because nobody listens.
        let blob = blob?;
        made?;
        Ok(Joined { blob, diff_id, plain_size })
    })
}

fn hash(blocks: Receiver<Arc<Vec<u8>>>) -> (Digest, u64) {
    let mut digester = Digester::new();
    for block in blocks {
        digester.update(&block);
    }
    let size = digester.length();
    (digester.finish(), size)
}

fn join(store: &Store, pending: Receiver<Pending>) -> Result<BlobWriter, LayerError> {
    let mut blob = store.writer()?;
    for block in pending {
        let died = |_| LayerError::Compress(io::Error::other("a compressing thread died"));
        let bytes = block.result.recv().map_err(died)?.map_err(LayerError::Compress)?;
        blob.write_all(&bytes).map_err(StoreError::from)?;
    }
    Ok(blob)
}

/// Cuts what is written to it into blocks and sends them on their ways.
pub(super) struct Blocks<'a> {
    pool: &'a rayon::ThreadPool,
    budget: &'a Arc<Budget>,
    compression: Compression,
    filling: Option<(Vec<u8>, Permit)>,
    to_hasher: SyncSender<Arc<Vec<u8>>>,
    to_joiner: Sender<Pending>,
}

impl Blocks<'_> {
    /// Sends the block that is being filled, if there is one.
    fn send(&mut self) -> io::Result<()> {
        let Some((block, permit)) = self.filling.take() else { return Ok(()) };
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the layer's writer gave up");
        let block = Arc::new(block);
        let (to_pending, result) = sync_channel(1);
        self.to_joiner.send(Pending { result, _permit: permit }).map_err(|_| gone())?;
        self.to_hasher.send(block.clone()).map_err(|_| gone())?;
        let compression = self.compression;
        self.pool.spawn_fifo(move || {
            // Nobody waits for it where the layer was given up.
            let _ = to_pending.send(compression.compress(&block));
        });
        Ok(())
    }
}

impl Write for Blocks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = self.compression.block_size();
        let (block, _) = self.filling.get_or_insert_with(|| {
            let permit = self.budget.take();
            (Vec::with_capacity(size), permit)
        });
        let count = bytes.len().min(size - block.len());
        block.extend_from_slice(&bytes[..count]);
        if block.len() == size {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
