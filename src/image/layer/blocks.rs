//! From one stream of plain bytes to one compressed blob, by way of all cores.
//!
//! Four kinds of threads work at once: the caller's makes the stream and cuts
//! it, one hashes it, a pool compresses, one joins the results and writes and
//! hashes them. Bounded channels hold each back that is ahead of the others.

use super::{Compression, LayerError};
use crate::oci::{Digest, Digester};
use crate::store::{BlobWriter, Store, StoreError};
use crate::tree::tar::TarError;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// A blob that is written and not yet named.
pub(super) struct Joined {
    pub(super) blob: BlobWriter,
    pub(super) diff_id: Digest,
    pub(super) plain_size: u64,
}

/// A block that is being compressed: its result comes here.
type Pending = Receiver<io::Result<Vec<u8>>>;

/// Compresses what `make` writes.
pub(super) fn compress(
    pool: &rayon::ThreadPool,
    in_flight: usize,
    compression: Compression,
    store: &Store,
    make: impl FnOnce(&mut Blocks<'_>) -> Result<(), TarError>,
) -> Result<Joined, LayerError> {
    let (to_hasher, plain) = sync_channel(in_flight);
    let (to_joiner, pending) = sync_channel(in_flight);
    std::thread::scope(|scope| {
        let hasher = scope.spawn(|| hash(plain));
        let joiner = scope.spawn(|| join(store, pending));
        let mut blocks = Blocks { pool, compression, block: Vec::new(), to_hasher, to_joiner };
        let made = make(&mut blocks).and_then(|()| blocks.finish().map_err(TarError::Write));
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
        let block = block.recv().map_err(|_| LayerError::Compress(io::Error::other("a compressing thread died")))?;
        blob.write_all(&block.map_err(LayerError::Compress)?).map_err(StoreError::from)?;
    }
    Ok(blob)
}

/// Cuts what is written to it into blocks and sends them on their ways.
pub(super) struct Blocks<'a> {
    pool: &'a rayon::ThreadPool,
    compression: Compression,
    block: Vec<u8>,
    to_hasher: SyncSender<Arc<Vec<u8>>>,
    to_joiner: SyncSender<Pending>,
}

impl Blocks<'_> {
    fn send(&mut self) -> io::Result<()> {
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the layer's writer gave up");
        let block = Arc::new(std::mem::take(&mut self.block));
        let (result, pending) = sync_channel(1);
        self.to_joiner.send(pending).map_err(|_| gone())?;
        self.to_hasher.send(block.clone()).map_err(|_| gone())?;
        let compression = self.compression;
        self.pool.spawn_fifo(move || {
            // Nobody waits for it where the layer was given up.
            let _ = result.send(compression.compress(&block));
        });
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.block.is_empty() { Ok(()) } else { self.send() }
    }
}

impl Write for Blocks<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = self.compression.block_size();
        if self.block.capacity() == 0 {
            self.block.reserve_exact(size);
        }
        let count = bytes.len().min(size - self.block.len());
        self.block.extend_from_slice(&bytes[..count]);
        if self.block.len() == size {
            self.send()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
