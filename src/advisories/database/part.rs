//! A part: records by key, in blocks that are read alone.
//!
//! Blocks come first, each a frame of zstd; the index comes last, a frame too, and names of each block its first key, its
//! bytes as they are and unpacked, and its digest. A block is a sequence of keys with their records, sorted by key; the
//! records of one key may go on in the next blocks.

use super::facts::Layer;
use crate::advisories::wire::{Malformed, Reader, Writer};
use crate::oci::Digest;
use crate::store::{BlobWriter, Store, StoreError};
use rayon::prelude::*;
use std::fs::File;
use std::io::{self, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use zstd::bulk::Decompressor;

/// Bytes of a block, unpacked, from which on the next one begins. Larger ones pack better, smaller ones are read faster.
const BLOCK: usize = 16 << 10;
/// Bytes of a block that readers take: one record may be this large.
const MAX_BLOCK: u64 = 8 << 20;
/// Bytes of an index that readers take, packed or unpacked; a block needs about 60, and about 80 of memory.
const MAX_INDEX: u64 = 64 << 20;
/// Bytes of records that one look-up takes. All that is known of Linux and of Chromium is a tenth of it.
const MAX_TAKEN: u64 = 256 << 20;
/// Blocks that are packed at once.
const BATCH: usize = 256;
/// zstd's level: higher ones gain less than one in a hundred with such small blocks.
const LEVEL: i32 = 12;

/// What is wrong with a part.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// It cannot be read.
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    /// It is not what its manifest or its index says.
    #[error("it is damaged: {0} is not what its digest says")]
    Damaged(&'static str),
    /// It is what its manifest says, but makes no sense.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// It tells more than memory is taken for.
    #[error("it has more than {} MiB of records about the packages", MAX_TAKEN >> 20)]
    TooMuch,
}

impl From<Malformed> for PartError {
    fn from(_: Malformed) -> Self {
        PartError::Malformed("a record")
    }
}

/// Writes a part; keys must come sorted.
pub struct PartWriter {
    blob: BlobWriter,
    size: u64,
    index: Vec<Entry>,
    open: Writing,
    full: Vec<Writing>,
    records: u64,
}

/// A block that is not packed yet.
#[derive(Default)]
struct Writing {
    first: Option<String>,
    bytes: Vec<u8>,
}

/// What the index says of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    first: String,
    /// Where it begins; the index does not say this, as each begins where the one before ends.
    offset: u64,
    size: u64,
    unpacked: u64,
    digest: Digest,
}

impl PartWriter {
    /// A part without records.
    pub fn new(store: &Store) -> Result<Self, StoreError> {
        let blob = store.writer()?;
        Ok(PartWriter { blob, size: 0, index: vec![], open: Writing::default(), full: vec![], records: 0 })
    }

    /// Adds a record.
    pub fn add(&mut self, key: &str, record: &[u8]) -> io::Result<()> {
        let mut writer = Writer::new();
        writer.text(key);
        writer.bytes(record);
        self.records += 1;
        self.open.first.get_or_insert_with(|| key.to_owned());
        self.open.bytes.extend_from_slice(&writer.into_bytes());
        if self.open.bytes.len() >= BLOCK {
            self.full.push(std::mem::take(&mut self.open));
        }
        if self.full.len() >= BATCH { self.pack() } else { Ok(()) }
    }

    fn pack(&mut self) -> io::Result<()> {
        let blocks = std::mem::take(&mut self.full);
        let packed: Vec<io::Result<Vec<u8>>> =
            blocks.par_iter().map(|block| zstd::bulk::compress(&block.bytes, LEVEL)).collect();
        for (block, packed) in blocks.into_iter().zip(packed) {
            let packed = packed?;
            self.blob.write_all(&packed)?;
            let (size, unpacked) = (packed.len() as u64, block.bytes.len() as u64);
            let first = block.first.unwrap_or_default();
            self.index.push(Entry { first, offset: self.size, size, unpacked, digest: Digest::of(&packed) });
            self.size += size;
        }
        Ok(())
    }

    /// Writes the index; the part is in the store.
    pub fn finish(mut self) -> Result<Layer, StoreError> {
        if self.open.first.is_some() {
            self.full.push(std::mem::take(&mut self.open));
        }
        self.pack()?;
        let mut writer = Writer::new();
        writer.list(&self.index, |writer, entry| {
            writer.text(&entry.first);
            writer.number(entry.size);
            writer.number(entry.unpacked);
            writer.bytes(entry.digest.as_bytes());
        });
        let index = writer.into_bytes();
        let mut packed = (index.len() as u64).to_le_bytes().to_vec();
        packed.extend(zstd::bulk::compress(&index, LEVEL)?);
        self.blob.write_all(&packed)?;
        let (digest, size) = self.blob.commit()?;
        Ok(Layer { digest, size, index: Digest::of(&packed), index_size: packed.len() as u64, records: self.records })
    }
}

/// A part that is open. Its file is believed nothing: everything is checked by digest when it is read.
#[derive(Debug)]
pub struct Part {
    file: File,
    blocks: Vec<Entry>,
}

impl Part {
    /// Opens the file of a part by what its manifest says of it.
    pub fn open(file: File, layer: &Layer) -> Result<Part, PartError> {
        // Sizes in the manifest and the index are believed no further than the file goes: memory is taken by them.
        if file.metadata()?.len() != layer.size {
            return Err(PartError::Damaged("the part"));
        }
        let start = layer.size.checked_sub(layer.index_size).ok_or(PartError::Malformed("its index"))?;
        let mut hands = Hands::default();
        hands.read(&file, start..layer.size, MAX_INDEX, "its index", &layer.index)?;
        let size = hands.packed.first_chunk().ok_or(PartError::Malformed("its index"))?;
        let size = u64::from_le_bytes(*size);
        let index = hands.unpack(size_of::<u64>(), size, MAX_INDEX, "its index")?;
        let blocks = entries(index, start).map_err(|_| PartError::Malformed("its index"))?;
        Ok(Part { file, blocks })
    }

    /// Reads the records of keys, which must be sorted and differ. `read` gets a key's position and a record of it, on any
    /// thread; what it makes of them comes in the order of keys and records.
    pub fn look_up<T: Send>(
        &self,
        keys: &[&str],
        read: impl Fn(usize, &[u8]) -> Result<Option<T>, Malformed> + Sync,
    ) -> Result<Vec<T>, PartError> {
        let taken = AtomicU64::new(0);
        let take = |position, record: &[u8]| {
            let length = record.len() as u64;
            match taken.fetch_add(length, Ordering::Relaxed).saturating_add(length) {
                ..=MAX_TAKEN => Ok(read(position, record)?),
                _ => Err(PartError::TooMuch),
            }
        };
        let found: Result<Vec<Vec<T>>, PartError> = self
            .wanted(keys)
            .into_par_iter()
            .map_init(Hands::default, |hands, (block, range)| self.look_into(hands, block, keys, range, &take))
            .collect();
        Ok(found?.into_iter().flatten().collect())
    }

    /// The blocks that may have records of keys, with the positions of those keys.
    fn wanted(&self, keys: &[&str]) -> Vec<(usize, Range<usize>)> {
        let mut wanted: Vec<(usize, Range<usize>)> = vec![];
        for (position, key) in keys.iter().enumerate() {
            // The block before the first that begins with the key may end with it.
            let start = self.blocks.partition_point(|block| block.first.as_str() < *key).saturating_sub(1);
            let end = self.blocks.partition_point(|block| block.first.as_str() <= *key);
            for block in start..end {
                match wanted.last_mut() {
                    Some((last, range)) if *last == block => range.end = position + 1,
                    _ => wanted.push((block, position..position + 1)),
                }
            }
        }
        wanted
    }

    fn look_into<T>(
        &self,
        hands: &mut Hands,
        block: usize,
        keys: &[&str],
        range: Range<usize>,
        take: &impl Fn(usize, &[u8]) -> Result<Option<T>, PartError>,
    ) -> Result<Vec<T>, PartError> {
        let (Some(entry), Some(wanted)) = (self.blocks.get(block), keys.get(range.clone())) else { return Ok(vec![]) };
        let place = entry.offset..entry.offset.saturating_add(entry.size);
        // What cannot be packed grows a little.
        hands.read(&self.file, place, 2 * MAX_BLOCK, "a block", &entry.digest)?;
        let mut reader = Reader::new(hands.unpack(0, entry.unpacked, MAX_BLOCK, "a block")?);
        let mut found = vec![];
        while !reader.is_empty() {
            let (key, record) = (reader.bytes()?, reader.bytes()?);
            if let Ok(position) = wanted.binary_search_by(|wanted| wanted.as_bytes().cmp(key)) {
                found.extend(take(range.start + position, record)?);
            }
        }
        Ok(found)
    }
}

fn entries(index: &[u8], end: u64) -> Result<Vec<Entry>, Malformed> {
    let mut reader = Reader::new(index);
    let mut offset = 0u64;
    let blocks = reader.list(|reader| {
        let (first, size, unpacked) = (reader.text()?.to_owned(), reader.number()?, reader.number()?);
        let digest = Digest::from_bytes(reader.bytes()?.try_into().map_err(|_| Malformed)?);
        let begins = offset;
        offset = offset.checked_add(size).filter(|next| *next <= end).ok_or(Malformed)?;
        Ok(Entry { first, offset: begins, size, unpacked, digest })
    })?;
    let sorted = blocks.windows(2).all(|pair| matches!(pair, [a, b] if a.first <= b.first));
    if sorted && reader.is_empty() { Ok(blocks) } else { Err(Malformed) }
}

/// What a thread reads with: room that serves for one block after the other.
#[derive(Default)]
struct Hands {
    packed: Vec<u8>,
    bytes: Vec<u8>,
    unpacker: Option<Decompressor<'static>>,
}

impl Hands {
    /// Reads a stretch of a file, at most `limit` bytes, and checks it.
    fn read(
        &mut self,
        file: &File,
        place: Range<u64>,
        limit: u64,
        what: &'static str,
        digest: &Digest,
    ) -> Result<(), PartError> {
        let size = place.end.saturating_sub(place.start);
        let length = usize::try_from(size).ok().filter(|_| size <= limit).ok_or(PartError::Malformed(what))?;
        self.packed.resize(length, 0);
        match file.read_exact_at(&mut self.packed, place.start) {
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Err(PartError::Damaged(what)),
            other => other?,
        }
        if Digest::of(&self.packed) == *digest { Ok(()) } else { Err(PartError::Damaged(what)) }
    }

    /// Unpacks what was read, from `start` on, which must give `size` bytes.
    fn unpack(&mut self, start: usize, size: u64, limit: u64, what: &'static str) -> Result<&[u8], PartError> {
        let malformed = || PartError::Malformed(what);
        let capacity = usize::try_from(size).ok().filter(|_| size <= limit).ok_or_else(malformed)?;
        let unpacker = match &mut self.unpacker {
            Some(unpacker) => unpacker,
            none => none.insert(Decompressor::new()?),
        };
        self.bytes.resize(capacity, 0);
        let frame = self.packed.get(start..).ok_or_else(malformed)?;
        let length = unpacker.decompress_to_buffer(frame, self.bytes.as_mut_slice()).map_err(|_| malformed())?;
        if length == capacity { Ok(&self.bytes) } else { Err(malformed()) }
    }
}
