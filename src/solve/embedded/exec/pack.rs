//! The result of a command as one content, so that other machines can have it.
//!
//! A pack is zstd of: a line that says what it is, the length of the record and the record, then each tree with its length
//! before it, then the contents that the command brought, whose lengths are in the record. Lengths have eight bytes, the
//! lowest first.

use super::result::{self, Made};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use std::collections::BTreeSet;
use std::io::{self, Read, Write};

const FORM: &[u8] = b"kiln result 1\n";

/// The longest record that is read.
const LONGEST_RECORD: u64 = 256 << 20;

/// Packs that are in the store, by the keys of their results.
const KIND: &str = "exec-pack";

const LEVEL: i32 = 3;

/// Why a pack cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// It ends too early, or is compressed in another way.
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It is something else.
    #[error("it is no result of a command that this version of kiln reads")]
    Form,
    /// What is in it is not what it says, or the store fails.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Packs the result under a key: the digest and the size of the pack, which is in the store then. None where there is no
/// such result.
///
/// # Errors
/// Where the store fails, and where content of the result is gone.
pub fn pack(store: &Store, key: &Digest) -> Result<Option<(Digest, u64)>, PackError> {
    if let Some(known) = known(store, key)? {
        return Ok(Some(known));
    }
    let Some((record, made)) = result::read(store, key)? else { return Ok(None) };
    let mut out = zstd::Encoder::new(store.writer()?, LEVEL)?;
    out.write_all(FORM)?;
    out.write_all(&(record.len() as u64).to_le_bytes())?;
    out.write_all(&record)?;
    for tree in trees(&made) {
        let size = store.size(&tree).ok_or(StoreError::Missing(tree))?;
        out.write_all(&size.to_le_bytes())?;
        io::copy(&mut store.reader(&tree)?, &mut out)?;
    }
    for (content, _) in &made.brought {
        io::copy(&mut store.reader(content)?, &mut out)?;
    }
    let (digest, size) = out.finish()?.commit()?;
    remember(store, key, &digest, size)?;
    Ok(Some((digest, size)))
}

/// Brings the result of which the pack `digest`, which is in the store, tells. What it says of contents is checked by their
/// digests; that the command leaves this is the word of whoever made the pack.
///
/// # Errors
/// Where the pack is damaged or no pack: then there is no result under the key either.
pub fn unpack(store: &Store, key: &Digest, digest: &Digest) -> Result<(), PackError> {
    let size = store.size(digest).ok_or(StoreError::Missing(*digest))?;
    let mut from = zstd::Decoder::new(store.reader(digest)?)?;
    let mut form = [0; FORM.len()];
    from.read_exact(&mut form)?;
    let length = number(&mut from)?;
    if form != FORM || length > LONGEST_RECORD {
        return Err(PackError::Form);
    }
    let mut record = Vec::new();
    from.by_ref().take(length).read_to_end(&mut record)?;
    let made = result::decode(&record).ok_or(PackError::Form)?;
    for tree in trees(&made) {
        let length = number(&mut from)?;
        bring(store, &tree, length, &mut from)?;
    }
    for (content, length) in &made.brought {
        bring(store, content, *length, &mut from)?;
    }
    if from.read(&mut [0])? != 0 {
        return Err(PackError::Form);
    }
    result::remember(store, key, &made)?;
    Ok(remember(store, key, digest, size)?)
}

fn trees(made: &Made) -> BTreeSet<Digest> {
    made.values.iter().map(super::Value::tree_digest).collect()
}

fn bring(store: &Store, content: &Digest, length: u64, from: &mut impl Read) -> Result<(), PackError> {
    let mut from = from.take(length);
    if store.size(content) == Some(length) {
        let skipped = io::copy(&mut from, &mut io::sink())?;
        return if skipped == length { Ok(()) } else { Err(PackError::Form) };
    }
    let mut writer = store.writer()?;
    io::copy(&mut from, &mut writer)?;
    writer.commit_as(content)?;
    Ok(())
}

fn number(from: &mut impl Read) -> io::Result<u64> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn known(store: &Store, key: &Digest) -> Result<Option<(Digest, u64)>, StoreError> {
    let Some(record) = store.record(KIND, key)? else { return Ok(None) };
    let read = |record: &[u8]| {
        let (digest, size) = record.split_first_chunk::<32>()?;
        Some((Digest::from_bytes(*digest), u64::from_le_bytes(size.try_into().ok()?)))
    };
    Ok(read(&record).filter(|(digest, size)| store.size(digest) == Some(*size)))
}

fn remember(store: &Store, key: &Digest, digest: &Digest, size: u64) -> Result<(), StoreError> {
    store.set_record(KIND, key, &[digest.as_bytes().as_slice(), &size.to_le_bytes()].concat())
}
