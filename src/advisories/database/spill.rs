//! Records that wait on disk until all feeds are read, and their order.

use crate::advisories::feed::MAX_RECORDS;
use crate::advisories::record::{Record, Source};
use crate::oci::Digest;
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;

/// Bytes on disk, at most.
const MAX_SPILLED: u64 = 64 << 30;
/// Parts of a database, at most; OSV has about 50 ecosystems.
const MAX_PARTS: usize = 1000;

/// Records on disk; where they are, and what they are sorted by, is in memory.
pub struct Spill {
    file: BufWriter<File>,
    size: u64,
    count: u64,
    parts: BTreeMap<String, Vec<Place>>,
}

/// A record on disk. The order is that in which records stand in a part: of several with one name and one source the
/// newest comes first, and where two are as new as each other, the bytes decide and not who came first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The package.
    pub name: String,
    /// Who tells it.
    pub source: Source,
    /// The advisory's name.
    pub id: String,
    modified: std::cmp::Reverse<Option<String>>,
    digest: [u8; 32],
    offset: u64,
    size: u32,
}

impl Spill {
    /// Nothing yet; the file has no name, and is gone with this.
    pub fn new(store: &Store) -> Result<Self, StoreError> {
        let folder = store.scratch_folder()?;
        let path = folder.join("records");
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        std::fs::remove_file(&path)?;
        std::fs::remove_dir(&folder)?;
        Ok(Spill { file: BufWriter::with_capacity(1 << 20, file), size: 0, count: 0, parts: BTreeMap::new() })
    }

    /// Keeps a record of a package.
    pub fn add(&mut self, part: String, name: String, record: &Record) -> io::Result<()> {
        let bytes = record.to_bytes();
        let size = u32::try_from(bytes.len()).map_err(|_| io::Error::other("a record is too large"))?;
        let next = self.size + u64::from(size);
        let parts = self.parts.len() + usize::from(!self.parts.contains_key(&part));
        if self.count >= MAX_RECORDS || next > MAX_SPILLED || parts > MAX_PARTS {
            let reason = format!(
                "a database has at most {MAX_RECORDS} records of {MAX_PARTS} ecosystems with {MAX_SPILLED} bytes together"
            );
            return Err(io::Error::other(reason));
        }
        self.file.write_all(&bytes)?;
        let description = &record.description;
        self.parts.entry(part).or_default().push(Place {
            name,
            source: description.source,
            id: description.id.clone(),
            modified: std::cmp::Reverse(description.modified.clone()),
            digest: *Digest::of(&bytes).as_bytes(),
            offset: self.size,
            size,
        });
        (self.size, self.count) = (next, self.count + 1);
        Ok(())
    }

    /// All records by part, sorted, and how to read them. Of advisories that several feeds have, the newest is left.
    pub fn finish(self) -> io::Result<(BTreeMap<String, Vec<Place>>, Spilled)> {
        let file = self.file.into_inner().map_err(|e| e.into_error())?;
        let mut parts = self.parts;
        for places in parts.values_mut() {
            places.sort_unstable();
            places
                .dedup_by(|later, kept| (&later.name, later.source, &later.id) == (&kept.name, kept.source, &kept.id));
        }
        Ok((parts, Spilled(file)))
    }
}

/// The file of records.
pub struct Spilled(File);

impl Spilled {
    /// Reads a record.
    pub fn read(&self, place: &Place) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; place.size as usize];
        self.0.read_exact_at(&mut bytes, place.offset)?;
        Ok(bytes)
    }
}
