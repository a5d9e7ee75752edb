//! Where things stand in an ELF file (System V ABI, chapter 4), in files that may lie about it.

use super::error::CatalogError;
use std::io::{Read, Seek, SeekFrom};

const WHAT: &str = "ELF file";

/// The most sections and segments that are looked at. Programs have less than a hundred.
const MOST_HEADERS: u64 = 16_384;

/// The most bytes of the table of names, and the longest name that is kept.
const NAMES: u64 = 1 << 20;
const LONGEST_NAME: usize = 64;

/// A run of bytes of the file, with what it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The name of a section; segments have none.
    pub(super) name: String,
    /// The type of the section or segment.
    pub(super) kind: u32,
    /// Its flags.
    pub(super) flags: u64,
    /// Where it is in memory.
    pub(super) address: u64,
    /// Where it is in the file.
    pub(super) offset: u64,
    /// Its length in the file, in bytes; it ends before the file does.
    pub(super) size: u64,
}

/// The parts of an ELF file.
#[derive(Debug)]
pub(super) struct Elf {
    /// Whether addresses have 64 bits.
    pub(super) is_64: bool,
    /// Whether numbers begin with their highest byte.
    pub(super) is_big: bool,
    /// The sections that lie in the file.
    pub(super) sections: Vec<Part>,
    /// The segments that lie in the file.
    pub(super) segments: Vec<Part>,
}

/// Types of segments.
pub(super) const PT_LOAD: u32 = 1;
pub(super) const PT_NOTE: u32 = 4;

/// The flag of segments that are written to.
pub(super) const PF_W: u64 = 2;

/// The type of sections that have no bytes in the file.
const SHT_NOBITS: u32 = 8;

impl Elf {
    /// Reads the headers; none where the file is no ELF file, which one small read tells. Parts that do not lie in the
    /// file are left out: such a file runs as long as nobody needs them.
    pub(super) fn read(content: &mut (impl Read + Seek), size: u64) -> Result<Option<Elf>, CatalogError> {
        let head = bytes_at(content, 0, size.min(64))?;
        let (is_64, is_big) = match head.get(..6) {
            Some([0x7f, b'E', b'L', b'F', class @ 1..=2, order @ 1..=2]) => (*class == 2, *order == 2),
            _ => return Ok(None),
        };
        let n = Numbers { bytes: &head, is_64, is_big };
        let Some(places) = Places::read(n) else { return Ok(None) };
        let mut elf = Elf { is_64, is_big, sections: Vec::new(), segments: Vec::new() };
        elf.segments = elf.read_segments(content, size, &places)?;
        elf.sections = elf.read_sections(content, size, &places)?;
        Ok(Some(elf))
    }

    /// The first section of a name.
    pub(super) fn section(&self, name: &str) -> Option<&Part> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Where the byte at an address in memory stands in the file, and how many follow it there.
    pub(super) fn at_address(&self, address: u64) -> Option<(u64, u64)> {
        self.segments.iter().filter(|segment| segment.kind == PT_LOAD).find_map(|segment| {
            let within = address.checked_sub(segment.address).filter(|within| *within < segment.size)?;
            Some((segment.offset + within, segment.size - within))
        })
    }

    /// The number of the word size that stands at `offset` in `bytes`.
    pub(super) fn word(&self, bytes: &[u8], offset: usize) -> Option<u64> {
        Numbers { bytes, is_64: self.is_64, is_big: self.is_big }.word(offset)
    }

    /// The number of 32 bits that stands at `offset` in `bytes`.
    pub(super) fn u32(&self, bytes: &[u8], offset: usize) -> Option<u32> {
        Numbers { bytes, is_64: self.is_64, is_big: self.is_big }.u32(offset)
    }

    fn read_segments(
        &self,
        content: &mut (impl Read + Seek),
        size: u64,
        places: &Places,
    ) -> Result<Vec<Part>, CatalogError> {
        let length = if self.is_64 { 56 } else { 32 };
        let Some(table) = table(content, size, places.segments, places.segment_count, length)? else {
            return Ok(Vec::new());
        };
        let parts = table.chunks_exact(length as usize).filter_map(|row| {
            let n = Numbers { bytes: row, is_64: self.is_64, is_big: self.is_big };
            let (flags, offset, address, length) = match self.is_64 {
                true => (n.u32(4)?, n.word(8)?, n.word(16)?, n.word(32)?),
                false => (n.u32(24)?, n.word(4)?, n.word(8)?, n.word(16)?),
            };
            let name = String::new();
            Some(Part { name, kind: n.u32(0)?, flags: u64::from(flags), address, offset, size: length })
        });
        Ok(parts.filter(|part| part.lies_in(size)).collect())
    }

    fn read_sections(
        &self,
        content: &mut (impl Read + Seek),
        size: u64,
        places: &Places,
    ) -> Result<Vec<Part>, CatalogError> {
        let length = if self.is_64 { 64 } else { 40 };
        let Some(table) = table(content, size, places.sections, places.section_count, length)? else {
            return Ok(Vec::new());
        };
        let rows: Vec<(u32, Part)> = table
            .chunks_exact(length as usize)
            .filter_map(|row| {
                let n = Numbers { bytes: row, is_64: self.is_64, is_big: self.is_big };
                let (flags, address, offset, length) = match self.is_64 {
                    true => (n.word(8)?, n.word(16)?, n.word(24)?, n.word(32)?),
                    false => (n.word(8)?, n.word(12)?, n.word(16)?, n.word(20)?),
                };
                let name = String::new();
                Some((n.u32(0)?, Part { name, kind: n.u32(4)?, flags, address, offset, size: length }))
            })
            .collect();
        let names = match rows.get(places.names).map(|(_, part)| part) {
            Some(part) if part.lies_in(size) => bytes_at(content, part.offset, part.size.min(NAMES))?,
            _ => Vec::new(),
        };
        let named = rows.into_iter().map(|(at, part)| Part { name: name_at(&names, at), ..part });
        Ok(named.filter(|part| part.kind != SHT_NOBITS && part.lies_in(size)).collect())
    }
}

impl Part {
    fn lies_in(&self, size: u64) -> bool {
        self.offset.checked_add(self.size).is_some_and(|end| end <= size)
    }
}

/// Where the tables stand, by the file's own header.
struct Places {
    segments: u64,
    segment_count: u64,
    sections: u64,
    section_count: u64,
    names: usize,
}

impl Places {
    fn read(n: Numbers<'_>) -> Option<Self> {
        // After entry, both offsets and the flags the rows are counted, in both classes with the same distances.
        let (segments, sections, counts) = if n.is_64 { (32, 40, 54) } else { (28, 32, 42) };
        Some(Places {
            segments: n.word(segments)?,
            sections: n.word(sections)?,
            segment_count: u64::from(n.u16(counts + 2)?),
            section_count: u64::from(n.u16(counts + 6)?),
            names: usize::from(n.u16(counts + 8)?),
        })
    }
}

/// The bytes of a table of headers, if it lies in the file and is none of object files, which have many sections.
fn table(
    content: &mut (impl Read + Seek),
    size: u64,
    offset: u64,
    count: u64,
    length: u64,
) -> Result<Option<Vec<u8>>, CatalogError> {
    let bytes = count * length;
    if offset == 0 || count == 0 || count > MOST_HEADERS || offset.checked_add(bytes).is_none_or(|end| end > size) {
        return Ok(None);
    }
    bytes_at(content, offset, bytes).map(Some)
}

fn name_at(names: &[u8], at: u32) -> String {
    let name = names.get(at as usize..).unwrap_or_default();
    let name = &name[..name.len().min(LONGEST_NAME)];
    String::from_utf8_lossy(name.split(|b| *b == 0).next().unwrap_or_default()).into_owned()
}

/// `length` bytes of the file from `offset`. The caller bounds the length.
pub(super) fn bytes_at(content: &mut (impl Read + Seek), offset: u64, length: u64) -> Result<Vec<u8>, CatalogError> {
    content.seek(SeekFrom::Start(offset)).map_err(CatalogError::reading(WHAT))?;
    let mut bytes = vec![0; length as usize];
    content.read_exact(&mut bytes).map_err(CatalogError::reading(WHAT))?;
    Ok(bytes)
}

/// Numbers in bytes, in the file's own order and size.
#[derive(Clone, Copy)]
struct Numbers<'a> {
    bytes: &'a [u8],
    is_64: bool,
    is_big: bool,
}

impl Numbers<'_> {
    fn array<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        let mut array: [u8; N] = self.bytes.get(offset..offset.checked_add(N)?)?.try_into().ok()?;
        if self.is_big {
            array.reverse();
        }
        Some(array)
    }

    fn u16(&self, offset: usize) -> Option<u16> {
        self.array(offset).map(u16::from_le_bytes)
    }

    fn u32(&self, offset: usize) -> Option<u32> {
        self.array(offset).map(u32::from_le_bytes)
    }

    fn word(&self, offset: usize) -> Option<u64> {
        if self.is_64 { self.array(offset).map(u64::from_le_bytes) } else { self.u32(offset).map(u64::from) }
    }
}
