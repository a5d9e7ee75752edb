//! rpm's database: packages as header blobs, in one of three containers; and the list that can take its place.

mod bdb;
mod header;
mod manifest;
mod ndb;
mod sqlite;

pub(super) use manifest::packages as listed_packages;

use super::dpkg::{FileList, MOST_PACKAGES};
use super::error::CatalogError;
use super::found::Found;
use std::io::{Read, Seek, SeekFrom};

const WHAT: &str = "database of rpm";

/// The largest header, in bytes. That of a kernel with all its modules has 3 MiB; rpm itself allows 256 MiB.
const LARGEST_HEADER: u64 = 64 << 20;

/// The packages that are installed, with their files.
pub(super) fn packages(content: &mut (impl Read + Seek), size: u64) -> Result<Vec<Found>, CatalogError> {
    let head = bytes_at(content, 0, size.min(64))?;
    let mut packages = Packages::new();
    let mut each = |blob: &[u8]| packages.add(blob);
    if sqlite::is_one(&head) {
        sqlite::read(content, size, &mut each)?;
    } else if ndb::is_one(&head) {
        ndb::read(content, size, &mut each)?;
    } else if bdb::is_one(&head) {
        bdb::read(content, size, &mut each)?;
    } else {
        return Err(damaged("it is neither SQLite nor ndb nor Berkeley DB")());
    }
    Ok(packages.found)
}

struct Packages {
    found: Vec<Found>,
    files: FileList,
}

impl Packages {
    fn new() -> Self {
        Packages { found: Vec::new(), files: FileList::new(WHAT) }
    }

    fn add(&mut self, blob: &[u8]) -> Result<(), CatalogError> {
        let package = header::package(blob, &mut self.files)?;
        self.push(package)
    }

    fn push(&mut self, package: Option<Found>) -> Result<(), CatalogError> {
        self.found.extend(package.and_then(Found::sound));
        if self.found.len() > MOST_PACKAGES {
            return Err(CatalogError::TooMuch { what: WHAT, limit: MOST_PACKAGES as u64, unit: "packages" });
        }
        Ok(())
    }
}

fn damaged(reason: &'static str) -> impl Fn() -> CatalogError {
    CatalogError::damaged(WHAT, reason)
}

/// `length` bytes of the file from `offset`. The caller bounds the length.
fn bytes_at(content: &mut (impl Read + Seek), offset: u64, length: u64) -> Result<Vec<u8>, CatalogError> {
    content.seek(SeekFrom::Start(offset)).map_err(CatalogError::reading(WHAT))?;
    let mut bytes = vec![0; length as usize];
    content.read_exact(&mut bytes).map_err(CatalogError::reading(WHAT))?;
    Ok(bytes)
}

/// Pages that were read. Each is read once, so that no chain goes in a circle and no two share what they hold.
struct Seen {
    pages: Vec<u64>,
}

impl Seen {
    /// No page of `count`.
    fn new(count: u64) -> Self {
        Seen { pages: vec![0; (count / 64 + 1) as usize] }
    }

    /// Notes a page.
    ///
    /// # Errors
    /// Where it is not in the file or was read before.
    fn visit(&mut self, page: u64) -> Result<(), CatalogError> {
        let word = self.pages.get_mut((page / 64) as usize).ok_or_else(damaged("a page is not in the file"))?;
        let bit = 1 << (page % 64);
        if *word & bit != 0 {
            return Err(damaged("two places lead to one page")());
        }
        *word |= bit;
        Ok(())
    }
}

fn u16_le(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn u32_le(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn u16_be(bytes: &[u8], at: usize) -> Option<u16> {
    u16_le(bytes, at).map(u16::swap_bytes)
}

fn u32_be(bytes: &[u8], at: usize) -> Option<u32> {
    u32_le(bytes, at).map(u32::swap_bytes)
}
