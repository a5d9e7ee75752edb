//! `rpmdb.sqlite`: the table `Packages` of a SQLite database (SQLite database file format), whose second column has the
//! headers.
//!
//! What is only in the write-ahead log is not seen. rpm leaves none behind when it ends.

use super::super::error::CatalogError;
use super::{LARGEST_HEADER, Seen, bytes_at, damaged, u16_be, u32_be};
use std::io::{Read, Seek};

const MAGIC: &[u8] = b"SQLite format 3\0";

/// The deepest tree. With the smallest pages and 2^32 of them a tree has 11 levels.
const DEEPEST: usize = 20;

/// The types of pages of tables.
const INTERIOR: u8 = 5;
const LEAF: u8 = 13;

/// The length of the file's header, before which nothing of the first page's tree stands.
const FILE_HEADER: usize = 100;

/// Whether a file begins like this database.
pub(super) fn is_one(head: &[u8]) -> bool {
    head.starts_with(MAGIC)
}

/// Calls `each` with every header.
pub(super) fn read(
    content: &mut (impl Read + Seek),
    size: u64,
    each: &mut impl FnMut(&[u8]) -> Result<(), CatalogError>,
) -> Result<(), CatalogError> {
    let head = bytes_at(content, 0, size.min(FILE_HEADER as u64))?;
    let page_size = match u16_be(&head, 16) {
        Some(1) => 65_536,
        Some(size) if size >= 512 && size.is_power_of_two() => u64::from(size),
        _ => return Err(damaged("its pages have no possible size")()),
    };
    let reserved = head.get(20).copied().map(u64::from).unwrap_or_default();
    let usable = page_size.checked_sub(reserved).filter(|usable| *usable >= 480);
    let usable = usable.ok_or_else(damaged("its pages are reserved for something else"))?;
    let pages = size / page_size;
    let mut database = Database { content, page_size, usable, pages, left: 0 };
    let mut root = None;
    database.table(1, &mut |record| {
        // type, name, table, first page, SQL
        let is_packages = record.text(0) == Some(b"table") && record.text(1) == Some(b"Packages");
        if is_packages {
            root = record.number(3);
        }
        Ok(())
    })?;
    let root = root.ok_or_else(damaged("it has no table of packages"))?;
    database.table(root, &mut |record| each(record.blob(1).ok_or_else(damaged("a package is no blob"))?))
}

struct Database<'c, C> {
    content: &'c mut C,
    page_size: u64,
    usable: u64,
    pages: u64,
    /// Bytes of rows that the pages of the table may still hold: places that share a row would make much of little.
    left: u64,
}

impl<C: Read + Seek> Database<'_, C> {
    /// Calls `each` with every record of the table whose tree begins at page `root`, in the order of its rows.
    fn table(
        &mut self,
        root: u64,
        each: &mut impl FnMut(Record<'_>) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let mut seen = Seen::new(self.pages + 1);
        self.left = self.pages * self.page_size;
        // The pages that are still to be read, the next one last, each with its depth.
        let mut next = vec![(root, 0)];
        while let Some((number, depth)) = next.pop() {
            if depth > DEEPEST {
                return Err(damaged("its tree is too deep")());
            }
            let page = self.page(number, &mut seen)?;
            let start = if number == 1 { FILE_HEADER } else { 0 };
            let cells = Cells::read(&page, start).ok_or_else(damaged("a page has no cells where it says"))?;
            match cells.kind {
                INTERIOR => {
                    let left: Option<Vec<u64>> =
                        cells.starts().map(|at| Some(u64::from(u32_be(&page, at?)?))).collect();
                    let left = left.ok_or_else(damaged("a page leads nowhere"))?;
                    let right = u32_be(&page, start + 8).map(u64::from).ok_or_else(damaged("a page leads nowhere"))?;
                    next.extend(left.into_iter().chain([right]).rev().map(|child| (child, depth + 1)));
                }
                LEAF => {
                    for at in cells.starts() {
                        let at = at.ok_or_else(damaged("a row is not in its page"))?;
                        let payload = self.payload(&page, at, &mut seen)?;
                        each(Record::read(&payload).ok_or_else(damaged("a row has no columns where it says"))?)?;
                    }
                }
                _ => return Err(damaged("a page of its table is of another type")()),
            }
        }
        Ok(())
    }

    fn page(&mut self, number: u64, seen: &mut Seen) -> Result<Vec<u8>, CatalogError> {
        if number == 0 || number > self.pages {
            return Err(damaged("a page is not in the file")());
        }
        seen.visit(number)?;
        bytes_at(self.content, (number - 1) * self.page_size, self.page_size)
    }

    /// The payload of a row: its length, the number of the row, as much as the page holds, and the first of the pages
    /// with the rest.
    fn payload(&mut self, page: &[u8], at: usize, seen: &mut Seen) -> Result<Vec<u8>, CatalogError> {
        let short = damaged("a row is not in its page");
        let (length, length_size) = varint(page, at).ok_or_else(&short)?;
        let (_, row_size) = varint(page, at + length_size).ok_or_else(&short)?;
        if length > LARGEST_HEADER {
            return Err(CatalogError::TooMuch {
                what: super::WHAT,
                limit: LARGEST_HEADER,
                unit: "bytes of one package",
            });
        }
        let start = at + length_size + row_size;
        let local = self.local_length(length) as usize;
        self.left = self.left.checked_sub(local as u64).ok_or_else(damaged("its rows share bytes"))?;
        let mut payload = page.get(start..start + local).ok_or_else(&short)?.to_vec();
        let mut overflow = match length as usize > local {
            true => u32_be(page, start + local).ok_or_else(&short)?,
            false => 0,
        };
        while (payload.len() as u64) < length {
            let page = self.page(u64::from(overflow), seen)?;
            overflow = u32_be(&page, 0).ok_or_else(&short)?;
            let part = (length - payload.len() as u64).min(self.usable - 4) as usize;
            payload.extend_from_slice(page.get(4..4 + part).ok_or_else(&short)?);
        }
        Ok(payload)
    }

    /// How much of a payload stands in the page itself (section 1.6, B-tree pages).
    fn local_length(&self, length: u64) -> u64 {
        let most = self.usable - 35;
        if length <= most {
            return length;
        }
        let least = (self.usable - 12) * 32 / 255 - 23;
        let fitting = least + (length - least) % (self.usable - 4);
        if fitting <= most { fitting } else { least }
    }
}

/// The cells of a page, by the places that it lists.
struct Cells<'p> {
    kind: u8,
    list: &'p [u8],
}

impl<'p> Cells<'p> {
    /// Reads a page whose header stands at `start`.
    fn read(page: &'p [u8], start: usize) -> Option<Self> {
        let kind = *page.get(start)?;
        let count = usize::from(u16_be(page, start + 3)?);
        let header = if kind == INTERIOR { 12 } else { 8 };
        Some(Cells { kind, list: page.get(start + header..)?.get(..count * 2)? })
    }

    fn starts(&self) -> impl Iterator<Item = Option<usize>> {
        self.list.chunks_exact(2).map(|place| u16_be(place, 0).map(usize::from))
    }
}

/// A row: types of its columns, and their values.
struct Record<'r> {
    columns: Vec<(u64, &'r [u8])>,
}

/// The most columns that are looked at: both tables have fewer.
const MOST_COLUMNS: usize = 8;

impl<'r> Record<'r> {
    fn read(payload: &'r [u8]) -> Option<Self> {
        let (header, mut at) = varint(payload, 0)?;
        let header = usize::try_from(header).ok()?;
        let mut values = payload.get(header..)?;
        let mut columns = Vec::new();
        while at < header && columns.len() < MOST_COLUMNS {
            let (kind, size) = varint(payload, at)?;
            at += size;
            let length = match kind {
                0 | 8..=11 => 0,
                1..=4 => kind,
                5 => 6,
                6 | 7 => 8,
                _ => (kind - 12) / 2,
            };
            let (value, rest) = values.split_at_checked(usize::try_from(length).ok()?)?;
            columns.push((kind, value));
            values = rest;
        }
        Some(Record { columns })
    }

    fn blob(&self, column: usize) -> Option<&'r [u8]> {
        self.columns.get(column).filter(|(kind, _)| *kind >= 12 && kind % 2 == 0).map(|(_, value)| *value)
    }

    fn text(&self, column: usize) -> Option<&'r [u8]> {
        self.columns.get(column).filter(|(kind, _)| *kind >= 13 && kind % 2 == 1).map(|(_, value)| *value)
    }

    fn number(&self, column: usize) -> Option<u64> {
        let (kind, value) = self.columns.get(column)?;
        match kind {
            9 => Some(1),
            1..=6 => Some(value.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))),
            _ => None,
        }
    }
}

/// A number of one to nine bytes, the highest first, and its length.
fn varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut number = 0u64;
    for length in 1..=8 {
        let byte = *bytes.get(at.checked_add(length - 1)?)?;
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, length));
        }
    }
    let last = *bytes.get(at.checked_add(8)?)?;
    Some((number << 8 | u64::from(last), 9))
}
