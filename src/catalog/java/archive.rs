//! Zip files that may be bombs.

use super::super::error::CatalogError;
use super::super::question::JAVA_ARCHIVES;
use super::WHAT;
use std::cell::Cell;
use std::io::{self, Read, Seek, SeekFrom};
use std::rc::Rc;
use zip::ZipArchive;

/// The most bytes that are read to list an archive's entries, each of which takes some hundred bytes of memory. 100 000
/// classes take 10 MiB.
const LARGEST_LIST: u64 = 32 << 20;

/// The most bytes that are unpacked of one file, with all that is inside.
const MOST_UNPACKED: u64 = 4 << 30;

/// The most bytes of archives inside of archives that are in memory at once.
const MOST_HELD: u64 = 256 << 20;

/// The most files of one archive that are read.
const MOST_FILES: usize = 20_000;

/// The longest path in an archive that is looked at, in bytes: what is found keeps its paths.
const LONGEST_PATH: usize = 1024;

/// What one file may cost, shared by all archives in it.
pub(super) struct Budget {
    unpacked: Cell<u64>,
    held: Cell<u64>,
}

impl Budget {
    /// The budget of a file of which nothing was read.
    pub(super) fn new() -> Self {
        Budget { unpacked: Cell::new(0), held: Cell::new(0) }
    }

    /// Gives back memory that held a nested archive.
    pub(super) fn release(&self, size: u64) {
        self.held.set(self.held.get().saturating_sub(size));
    }

    /// What may still be unpacked, or held of it.
    fn left(&self) -> u64 {
        MOST_UNPACKED.saturating_sub(self.unpacked.get())
    }

    fn spend(&self, bytes: u64) -> Result<(), CatalogError> {
        self.unpacked.set(self.unpacked.get().saturating_add(bytes));
        if self.unpacked.get() > MOST_UNPACKED {
            return Err(CatalogError::TooMuch { what: WHAT, limit: MOST_UNPACKED, unit: "unpacked bytes" });
        }
        Ok(())
    }
}

/// An opened archive with the names of the files in it that say something.
pub(super) struct Archive<'b, R> {
    zip: ZipArchive<Metered<R>>,
    budget: &'b Budget,
    names: Vec<String>,
}

impl<'b, R: Read + Seek> Archive<'b, R> {
    /// Lists the entries.
    ///
    /// # Errors
    /// Where it is no zip file, or the list is too long.
    pub(super) fn open(content: R, budget: &'b Budget) -> Result<Self, CatalogError> {
        let left = Rc::new(Cell::new(LARGEST_LIST));
        let metered = Metered { content, left: left.clone() };
        let zip = ZipArchive::new(metered).map_err(|error| match error {
            zip::result::ZipError::Io(source) if source.kind() == io::ErrorKind::QuotaExceeded => {
                CatalogError::TooMuch { what: WHAT, limit: LARGEST_LIST, unit: "bytes in its list of files" }
            }
            _ => CatalogError::Damaged { what: WHAT, reason: "it is no zip file" },
        })?;
        left.set(u64::MAX);
        let is_wanted =
            |name: &String| name.len() <= LONGEST_PATH && (is_manifest(name) || is_maven(name) || is_archive(name));
        let names = zip.file_names().filter_map(|name| name.ok().map(|name| name.into_owned())).filter(is_wanted);
        let mut names: Vec<String> = names.take(MOST_FILES + 1).collect();
        if names.len() > MOST_FILES {
            return Err(CatalogError::TooMuch { what: WHAT, limit: MOST_FILES as u64, unit: "artefacts" });
        }
        names.sort();
        Ok(Archive { zip, budget, names })
    }

    /// The path of the manifest.
    pub(super) fn find_manifest(&self) -> Option<String> {
        self.names.iter().find(|name| is_manifest(name)).cloned()
    }

    /// The paths of Maven's files of one name.
    pub(super) fn maven_files(&self, name: &str) -> Vec<String> {
        self.names.iter().filter(|path| is_maven(path) && path.ends_with(name)).cloned().collect()
    }

    /// The paths of the archives inside.
    pub(super) fn nested(&self) -> Vec<String> {
        self.names.iter().filter(|name| is_archive(name)).cloned().collect()
    }

    /// A small file, as far as it can be unpacked.
    pub(super) fn text(&mut self, path: &str, limit: u64) -> Result<String, CatalogError> {
        let bytes = self.unpack(path, limit)?.unwrap_or_default();
        if bytes.len() as u64 > limit {
            return Err(CatalogError::TooMuch { what: WHAT, limit, unit: "bytes in its metadata" });
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// An archive inside, which [`Budget::release`] is told of when it is done with; none where it cannot be unpacked.
    pub(super) fn nested_bytes(&mut self, path: &str) -> Result<Option<Vec<u8>>, CatalogError> {
        let limit = MOST_HELD.saturating_sub(self.budget.held.get());
        let Some(bytes) = self.unpack(path, limit)? else { return Ok(None) };
        let size = bytes.len() as u64;
        if size > limit {
            return Err(CatalogError::TooMuch { what: WHAT, limit: MOST_HELD, unit: "bytes of archives in it" });
        }
        self.budget.held.set(self.budget.held.get() + size);
        Ok(Some(bytes))
    }

    /// The bytes of a file, up to one more than `limit`; none where it is encrypted, damaged or packed as nobody does.
    fn unpack(&mut self, path: &str, limit: u64) -> Result<Option<Vec<u8>>, CatalogError> {
        let Ok(file) = self.zip.by_name(path) else { return Ok(None) };
        let mut bytes = Vec::new();
        let result = file.take(limit.min(self.budget.left()) + 1).read_to_end(&mut bytes);
        self.budget.spend(bytes.len() as u64)?;
        Ok(result.is_ok().then_some(bytes))
    }
}

fn is_manifest(name: &str) -> bool {
    name.eq_ignore_ascii_case("META-INF/MANIFEST.MF")
}

fn is_maven(name: &str) -> bool {
    name.contains("META-INF/maven/") && (name.ends_with("/pom.properties") || name.ends_with("/pom.xml"))
}

fn is_archive(name: &str) -> bool {
    let end = name.rfind('.').and_then(|dot| name.get(dot..)).unwrap_or_default();
    JAVA_ARCHIVES.iter().any(|known| end.eq_ignore_ascii_case(known))
}

/// A content of which no more than a part may be read until it is said otherwise.
struct Metered<R> {
    content: R,
    left: Rc<Cell<u64>>,
}

impl<R: Read> Read for Metered<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.left.get();
        if left == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::QuotaExceeded.into());
        }
        let length = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let read = self.content.read(&mut buffer[..length])?;
        self.left.set(left - read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Metered<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.content.seek(to)
    }
}
