//! From one archive to one compressed blob, by way of all cores.
//!
//! Four kinds of threads work at once: the caller's makes the archive and cuts
//! it, one hashes it, a pool compresses, one joins the results and writes and
//! hashes them. Each block needs a permit from when its first byte comes until
//! it is written, so whoever is ahead of the others waits.
//!
//! A block ends when it is full, or where the rule of [`Cut`] ends it: so the blocks
//! after a change are those of the archive before it, and are [known](known).

use super::budget::{Budget, Permit};
use super::known::{self, Place, Recipe};
use super::{Compression, LayerError};
use crate::image::cut::Cut;
use crate::oci::{Digest, Digester};
use crate::store::{BlobWriter, Store, StoreError};
use crate::tree::TreePath;
use crate::tree::tar::{Sink, TarError};
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

/// A blob that is written and not yet named.
pub(super) struct Joined {
    blob: BlobWriter,
    /// What each block is made of, and its compressed size.
    blocks: Vec<(Digest, u64)>,
    pub(super) diff_id: Digest,
    pub(super) plain_size: u64,
}

/// A block that is being compressed: its result comes here.
struct Pending {
    recipe: Digest,
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
        let mut blocks = Blocks { pool, budget, compression, store, filling: None, to_hasher, to_joiner };
        let made = make(&mut blocks).and_then(|()| blocks.send().map_err(TarError::Write));
        drop(blocks);
        let (diff_id, plain_size) = hasher.join().expect("hashing does not panic");
        let joined = joiner.join().expect("joining does not panic");
        // When the joiner gives up, the maker fails as well, but only because nobody listens.
        let (blob, blocks) = joined?;
        made?;
        Ok(Joined { blob, blocks, diff_id, plain_size })
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

fn join(store: &Store, pending: Receiver<Pending>) -> Result<(BlobWriter, Vec<(Digest, u64)>), LayerError> {
    let (mut blob, mut blocks) = (store.writer()?, Vec::new());
    for block in pending {
        let died = |_| LayerError::Compress(io::Error::other("a compressing thread died"));
        let bytes = block.result.recv().map_err(died)?.map_err(LayerError::Compress)?;
        blob.write_all(&bytes).map_err(StoreError::from)?;
        blocks.push((block.recipe, bytes.len() as u64));
    }
    Ok((blob, blocks))
}

impl Joined {
    /// Names the blob and remembers which blocks it has; gives its digest and size.
    pub(super) fn commit(self, store: &Store) -> Result<(Digest, u64), StoreError> {
        let (blob, size) = self.blob.commit()?;
        let mut offset = 0;
        for (recipe, size) in self.blocks {
            known::remember(store, &recipe, &Place { blob, offset, size })?;
            offset += size;
        }
        Ok((blob, size))
    }
}

/// Cuts what is written to it into blocks and sends them on their ways.
pub(super) struct Blocks<'a> {
    pool: &'a rayon::ThreadPool,
    budget: &'a Arc<Budget>,
    compression: Compression,
    store: &'a Store,
    filling: Option<Filling>,
    to_hasher: SyncSender<Arc<Vec<u8>>>,
    to_joiner: Sender<Pending>,
}

/// A block that is not full yet.
struct Filling {
    bytes: Vec<u8>,
    recipe: Recipe,
    permit: Permit,
}

impl Blocks<'_> {
    /// Takes all of `bytes`; `note` tells the recipe of the block which of them it got, from where to where.
    fn take(&mut self, mut bytes: &[u8], mut note: impl FnMut(&mut Recipe, &[u8])) -> io::Result<()> {
        let size = self.compression.block_size();
        while !bytes.is_empty() {
            let filling = self.filling.get_or_insert_with(|| Filling {
                permit: self.budget.take(),
                bytes: Vec::with_capacity(size),
                recipe: Recipe::new(self.compression),
            });
            let (now, later) = bytes.split_at(bytes.len().min(size - filling.bytes.len()));
            filling.bytes.extend_from_slice(now);
            note(&mut filling.recipe, now);
            if filling.bytes.len() == size {
                self.send()?;
            }
            bytes = later;
        }
        Ok(())
    }

    /// Sends the block that is being filled, if there is one.
    fn send(&mut self) -> io::Result<()> {
        let Some(Filling { bytes, recipe, permit }) = self.filling.take() else { return Ok(()) };
        let gone = || io::Error::new(io::ErrorKind::BrokenPipe, "the layer's writer gave up");
        let (block, recipe) = (Arc::new(bytes), recipe.finish());
        let (to_pending, result) = sync_channel(1);
        self.to_joiner.send(Pending { recipe, result, _permit: permit }).map_err(|_| gone())?;
        self.to_hasher.send(block.clone()).map_err(|_| gone())?;
        let (compression, store) = (self.compression, self.store.clone());
        self.pool.spawn_fifo(move || {
            let bytes = known::recall(&store, &recipe).map_or_else(|| compression.compress(&block), Ok);
            // Nobody waits for them where the layer was given up.
            let _ = to_pending.send(bytes);
        });
        Ok(())
    }
}

impl Sink for Blocks<'_> {
    fn begin(&mut self, path: &TreePath, size: u64) -> io::Result<()> {
        let cut = Cut { full: self.compression.block_size() as u64 };
        let filled = self.filling.as_ref().map_or(0, |filling| filling.bytes.len() as u64);
        if cut.before(filled, path, size) { self.send() } else { Ok(()) }
    }

    fn frame(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.take(bytes, |recipe, taken| recipe.frame(taken))
    }

    fn content(&mut self, content: &Digest, mut offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.take(bytes, |recipe, taken| {
            recipe.content(content, offset, taken.len() as u64);
            offset += taken.len() as u64;
        })
    }
}
