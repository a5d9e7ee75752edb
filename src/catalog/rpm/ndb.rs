//! rpm's own database (`Packages.db`, lib/backend/ndb): pages of slots that say where blobs are, in blocks of 16 bytes.

use super::super::error::CatalogError;
use super::{LARGEST_HEADER, bytes_at, damaged, u32_le};
use std::io::{Read, Seek};

const FILE: u32 = u32::from_le_bytes(*b"RpmP");
const SLOT: u32 = u32::from_le_bytes(*b"Slot");
const BLOB: u32 = u32::from_le_bytes(*b"BlbS");

const PAGE: u64 = 4096;
const BLOCK: u64 = 16;
const SLOT_SIZE: usize = 16;

/// The file's header takes the place of two slots.
const HEADER: usize = 32;

/// The length of what stands before a blob.
const BLOB_HEADER: u64 = 16;

/// Whether a file begins like this database.
pub(super) fn is_one(head: &[u8]) -> bool {
    u32_le(head, 0) == Some(FILE)
}

/// Calls `each` with every blob.
pub(super) fn read(
    content: &mut (impl Read + Seek),
    size: u64,
    each: &mut impl FnMut(&[u8]) -> Result<(), CatalogError>,
) -> Result<(), CatalogError> {
    let head = bytes_at(content, 0, size.min(HEADER as u64))?;
    let pages = u32_le(&head, 12).map(u64::from).ok_or_else(damaged("its header is too short"))?;
    if pages == 0 || pages.saturating_mul(PAGE) > size {
        return Err(damaged("its slots are not in the file")());
    }
    // All blobs together fit into the file: slots that share one would make much of little.
    let mut left = size;
    for page in 0..pages {
        let bytes = bytes_at(content, page * PAGE, PAGE)?;
        let first = if page == 0 { HEADER } else { 0 };
        for slot in bytes.get(first..).unwrap_or_default().chunks_exact(SLOT_SIZE) {
            let Some((package, offset, length)) = place(slot)? else { continue };
            left = left.checked_sub(length).ok_or_else(damaged("its slots share blobs"))?;
            if length < BLOB_HEADER || offset.checked_add(length).is_none_or(|end| end > size) {
                return Err(damaged("a blob is not in the file")());
            }
            let header = bytes_at(content, offset, BLOB_HEADER)?;
            let blob = u32_le(&header, 12).map(u64::from).unwrap_or_default();
            if u32_le(&header, 0) != Some(BLOB) || u32_le(&header, 4) != Some(package) {
                return Err(damaged("a slot leads to no blob of its package")());
            }
            if blob > length - BLOB_HEADER || blob > LARGEST_HEADER {
                return Err(damaged("a blob is longer than its blocks")());
            }
            each(&bytes_at(content, offset + BLOB_HEADER, blob)?)?;
        }
    }
    Ok(())
}

/// The number of a slot's package and where its blob stands, in bytes; none for a free slot.
fn place(slot: &[u8]) -> Result<Option<(u32, u64, u64)>, CatalogError> {
    let word = |at: usize| u32_le(slot, at).unwrap_or_default();
    if word(0) != SLOT {
        return Err(damaged("a slot is not marked as one")());
    }
    let (package, offset, count) = (word(4), word(8), word(12));
    Ok((offset != 0).then_some((package, u64::from(offset) * BLOCK, u64::from(count) * BLOCK)))
}
