//! SHA-1 digests of files, which SPDX 2.3 demands and nothing else in kiln needs.
//!
//! What was once computed is remembered in the store, in a few records, so that an unchanged image reads no file and one
//! changed file costs the reading of that file and the writing of one record.

use crate::evidence::inventory::{File, FileKind, bytes_of};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use rayon::prelude::*;
use sha1::{Digest as _, Sha1};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _};

type Table = BTreeMap<Digest, [u8; 20]>;

const KIND: &str = "spdx-sha-rows";
/// How many records there are.
const SHARDS: u8 = 16;
/// A row of a record: SHA-256, SHA-1.
const ROW: usize = 52;
/// A record that has grown beyond this begins anew.
const MAX_ROWS: usize = 1 << 16;

/// Why the SHA-1 of a file is not known.
#[derive(Debug, thiserror::Error)]
pub enum Sha1Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The content cannot be read.
    #[error("cannot read {digest}: {error}")]
    Read {
        /// Which content.
        digest: Digest,
        /// Why.
        error: io::Error,
    },
}

/// Gives every file that has none its SHA-1; the contents of regular files are read from the store.
pub fn fill_sha1(files: &mut [File], store: &Store) -> Result<(), Sha1Error> {
    let mut wanted: BTreeMap<u8, BTreeSet<Digest>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.sha1.is_none() && file.kind == FileKind::Regular) {
        wanted.entry(shard(&file.sha256)).or_default().insert(file.sha256);
    }
    let wanted: Vec<_> = wanted.into_iter().collect();
    let tables = wanted.par_iter().map(|(shard, digests)| complete(store, *shard, digests));
    let tables: BTreeMap<u8, Table> =
        wanted.iter().map(|(shard, _)| *shard).zip(tables.collect::<Result<Vec<_>, _>>()?).collect();
    for file in files.iter_mut().filter(|file| file.sha1.is_none()) {
        file.sha1 = match &file.kind {
            FileKind::Regular => tables.get(&shard(&file.sha256)).and_then(|t| t.get(&file.sha256)).copied(),
            FileKind::Symlink { target } => Some(Sha1::digest(bytes_of(target)).into()),
            FileKind::Special => Some(Sha1::digest("").into()),
        };
    }
    Ok(())
}

/// The record that a content is in.
fn shard(digest: &Digest) -> u8 {
    digest.as_bytes()[0] % SHARDS
}

/// One record with all that is wanted of it.
fn complete(store: &Store, shard: u8, wanted: &BTreeSet<Digest>) -> Result<Table, Sha1Error> {
    let key = Digest::of([shard]);
    let mut table = store.record(KIND, &key)?.map(|record| decode(&record)).unwrap_or_default();
    let missing: Vec<&Digest> = wanted.iter().filter(|digest| !table.contains_key(*digest)).collect();
    if missing.is_empty() {
        return Ok(table);
    }
    if table.len() + missing.len() > MAX_ROWS {
        table.retain(|digest, _| wanted.contains(digest));
    }
    let buffer = || vec![0; 256 << 10];
    let new = missing.par_iter().map_init(buffer, |buffer, digest| Ok((**digest, compute(store, digest, buffer)?)));
    table.extend(new.collect::<Result<Vec<_>, Sha1Error>>()?);
    store.set_record(KIND, &key, &encode(&table))?;
    Ok(table)
}

fn compute(store: &Store, digest: &Digest, buffer: &mut [u8]) -> Result<[u8; 20], Sha1Error> {
    let mut content = store.reader(digest)?;
    let mut sha1 = Sha1::new();
    loop {
        match content.read(buffer).map_err(|error| Sha1Error::Read { digest: *digest, error })? {
            0 => return Ok(sha1.finalize().into()),
            count => sha1.update(&buffer[..count]),
        }
    }
}

fn encode(table: &Table) -> Vec<u8> {
    table.iter().flat_map(|(digest, sha1)| digest.as_bytes().iter().chain(sha1).copied()).collect()
}

fn decode(record: &[u8]) -> Table {
    let rows = record.chunks_exact(ROW).filter_map(|row| {
        let (sha256, sha1) = row.split_at(32);
        Some((Digest::from_bytes(sha256.try_into().ok()?), sha1.try_into().ok()?))
    });
    rows.collect()
}
