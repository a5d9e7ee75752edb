//! `Packages` before rpm 4.16: a hash table of Berkeley DB (dbinc/db_page.h), whose values are headers.

use super::super::error::CatalogError;
use super::{LARGEST_HEADER, Seen, bytes_at, damaged, u16_le, u32_le};
use std::io::{Read, Seek};

const MAGIC: u32 = 0x0006_1561;

/// Types of pages.
const HASH_UNSORTED: u8 = 2;
const OVERFLOW: u8 = 7;
const HASH: u8 = 13;

/// Types of values in a hash page: in the page, or in pages of their own.
const IN_PAGE: u8 = 1;
const OFF_PAGE: u8 = 3;

/// The length of a page's header.
const HEADER: usize = 26;

/// The shortest header of a package: what is shorter is rpm's count of packages.
const SHORTEST_HEADER: usize = 16;

/// Whether a file begins like this database, in either order of bytes.
pub(super) fn is_one(head: &[u8]) -> bool {
    u32_le(head, 12).is_some_and(|magic| magic == MAGIC || magic.swap_bytes() == MAGIC)
}

/// Calls `each` with every header, in the order of the pages.
pub(super) fn read(
    content: &mut (impl Read + Seek),
    size: u64,
    each: &mut impl FnMut(&[u8]) -> Result<(), CatalogError>,
) -> Result<(), CatalogError> {
    let head = bytes_at(content, 0, size.min(64))?;
    let is_swapped = u32_le(&head, 12) != Some(MAGIC);
    let order = Order { is_swapped };
    let page_size = order.u32(&head, 20).map(u64::from).unwrap_or_default();
    if !(512..=65_536).contains(&page_size) || !page_size.is_power_of_two() {
        return Err(damaged("its pages have no possible size")());
    }
    if head.get(24) != Some(&0) {
        return Err(damaged("it is encrypted")());
    }
    let pages = size / page_size;
    let mut database = Database { content, page_size, order, seen: Seen::new(pages), pages };
    for number in 1..pages {
        let page = database.page(number)?;
        if matches!(page.get(25), Some(&(HASH | HASH_UNSORTED))) {
            database.hash_page(&page, each)?;
        }
    }
    Ok(())
}

struct Database<'c, C> {
    content: &'c mut C,
    page_size: u64,
    order: Order,
    /// The overflow pages that were read.
    seen: Seen,
    pages: u64,
}

impl<C: Read + Seek> Database<'_, C> {
    fn page(&mut self, number: u64) -> Result<Vec<u8>, CatalogError> {
        if number >= self.pages {
            return Err(damaged("a page is not in the file")());
        }
        bytes_at(self.content, number * self.page_size, self.page_size)
    }

    /// Calls `each` with the values of a page; keys and values take turns.
    fn hash_page(
        &mut self,
        page: &[u8],
        each: &mut impl FnMut(&[u8]) -> Result<(), CatalogError>,
    ) -> Result<(), CatalogError> {
        let short = damaged("a value is not in its page");
        let count = usize::from(self.order.u16(page, 20).ok_or_else(&short)?);
        // Values grow from the end of the page: each ends where the one before it begins.
        let mut end = page.len();
        for i in 0..count {
            let start = usize::from(self.order.u16(page, HEADER + 2 * i).ok_or_else(&short)?);
            let value = page.get(start..end).ok_or_else(&short)?;
            end = start;
            if i % 2 == 0 {
                continue;
            }
            match value.first() {
                Some(&IN_PAGE) if value.len() > SHORTEST_HEADER => each(&value[1..])?,
                Some(&IN_PAGE) => {}
                Some(&OFF_PAGE) => {
                    let first = self.order.u32(value, 4).ok_or_else(&short)?;
                    let length = self.order.u32(value, 8).ok_or_else(&short)?;
                    each(&self.overflow(u64::from(first), u64::from(length))?)?;
                }
                _ => return Err(damaged("a value is of another type")()),
            }
        }
        Ok(())
    }

    /// A value in a chain of pages. No two chains share a page, so that all values together fit into the file.
    fn overflow(&mut self, first: u64, length: u64) -> Result<Vec<u8>, CatalogError> {
        if length > LARGEST_HEADER {
            return Err(CatalogError::TooMuch {
                what: super::WHAT,
                limit: LARGEST_HEADER,
                unit: "bytes of one package",
            });
        }
        let mut value = Vec::new();
        let mut number = first;
        while (value.len() as u64) < length {
            let page = self.page(number)?;
            self.seen.visit(number)?;
            if page.get(25) != Some(&OVERFLOW) {
                return Err(damaged("a value goes on in a page of another type")());
            }
            let used = self.order.u16(&page, 22).map(usize::from).unwrap_or_default();
            let part = page.get(HEADER..).and_then(|rest| rest.get(..used));
            let part = part.filter(|part| !part.is_empty()).ok_or_else(damaged("a page has less than it says"))?;
            value.extend_from_slice(part);
            number = self.order.u32(&page, 16).map(u64::from).unwrap_or_default();
        }
        value.truncate(length as usize);
        Ok(value)
    }
}

/// The order of bytes of the machine that wrote the file.
#[derive(Clone, Copy)]
struct Order {
    is_swapped: bool,
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        u16_le(bytes, at).map(|number| if self.is_swapped { number.swap_bytes() } else { number })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        u32_le(bytes, at).map(|number| if self.is_swapped { number.swap_bytes() } else { number })
    }
}
