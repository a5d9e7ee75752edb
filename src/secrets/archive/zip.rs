//! zip (APPNOTE 6.3.10) read by the headers before each member, since the list at the end would need the whole archive.
//!
//! Where a header does not know the size of its member, as writers to a pipe leave it open, deflated data ends by itself.

use super::super::leak::Gap;
use super::super::place;
use super::super::search::Search;
use flate2::bufread::DeflateDecoder;
use std::io::{self, BufRead, BufReader, Read};

const LOCAL_HEADER: [u8; 4] = *b"PK\x03\x04";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
/// What stands in a size that is too large for its field.
const ELSEWHERE: u32 = u32::MAX;

/// A header behind its first four bytes.
struct Header {
    flags: u16,
    method: u16,
    packed: u64,
    name: Vec<u8>,
    /// Whether sizes have 64 bits.
    is_64: bool,
}

/// Whether a content begins as a zip archive: with a header that somebody wrote, and not with a text that has its first letters.
pub(super) fn begins(start: &[u8]) -> bool {
    let Some(rest) = start.strip_prefix(&LOCAL_HEADER) else { return false };
    let method = rest.get(4..6).map(|m| u16::from_le_bytes([m[0], m[1]]));
    let name_length = rest.get(22..24).map(|n| usize::from(u16::from_le_bytes([n[0], n[1]])));
    let name = name_length.and_then(|length| rest.get(26..26 + length));
    method.is_some_and(|method| method < 100)
        && name.is_some_and(|name| !name.is_empty() && !name.iter().any(u8::is_ascii_control))
}

/// Searches all members, and what stands behind them.
pub(super) fn search(search: &mut Search, input: &mut dyn Read, depth: usize) -> io::Result<()> {
    let mut input = BufReader::with_capacity(64 << 10, input);
    let result = members(search, &mut input, depth);
    search.rest(&mut input)?;
    result
}

fn members(search: &mut Search, input: &mut BufReader<&mut dyn Read>, depth: usize) -> io::Result<()> {
    while input.fill_buf()?.starts_with(b"PK") && starts_with(input, LOCAL_HEADER)? {
        let header = header(input)?;
        if !search.next_member() {
            return Ok(());
        }
        member(search, &header, input, depth)?;
    }
    Ok(())
}

fn member(search: &mut Search, header: &Header, input: &mut BufReader<&mut dyn Read>, depth: usize) -> io::Result<()> {
    let open = header.flags & 8 != 0 && header.packed == 0;
    let readable = matches!(header.method, 0 | 8) && header.flags & 1 == 0;
    if !readable {
        search.gap(if header.flags & 1 != 0 { Gap::Encrypted } else { Gap::Damaged });
    }
    if open && (!readable || header.method == 0) {
        // Nothing says where it ends.
        return if header.name.ends_with(b"/") {
            descriptor(header, input)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        };
    }
    let (name, place) = (String::from_utf8_lossy(&header.name).into_owned(), place::of_bytes(&header.name));
    if open {
        let mut unpacked = DeflateDecoder::new(&mut *input);
        search.bounded(&mut unpacked, |search, content| search.member(name, place, content, depth))?;
        return descriptor(header, input);
    }
    let mut packed = (&mut *input).take(header.packed);
    let result = match (readable, header.method) {
        (false, _) => Ok(()),
        (true, 0) => search.bounded(&mut packed, |search, content| search.member(name, place, content, depth)),
        (true, _) => {
            let mut unpacked = DeflateDecoder::new(&mut packed);
            search.bounded(&mut unpacked, |search, content| search.member(name, place, content, depth))
        }
    };
    if result.is_err() {
        // The next member is where the header says.
        search.gap(Gap::Damaged);
    }
    io::copy(&mut packed, &mut io::sink())?;
    match packed.limit() {
        0 if header.flags & 8 != 0 => descriptor(header, input),
        0 => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Passes over what stands behind a member whose header did not know it: checksum and sizes, with or without a signature.
fn descriptor(header: &Header, input: &mut impl BufRead) -> io::Result<()> {
    let sizes = if header.is_64 { 16 } else { 8 };
    let signed = starts_with(input, DESCRIPTOR)?;
    // Four bytes of the checksum were read in place of a signature.
    let rest = if signed { 4 + sizes } else { sizes };
    io::copy(&mut input.take(rest), &mut io::sink())?;
    Ok(())
}

/// Reads four bytes and compares them.
fn starts_with(input: &mut impl Read, signature: [u8; 4]) -> io::Result<bool> {
    let mut found = [0; 4];
    input.read_exact(&mut found)?;
    Ok(found == signature)
}

fn header(input: &mut impl Read) -> io::Result<Header> {
    let mut fixed = [0; 26];
    input.read_exact(&mut fixed)?;
    let u16_at = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
    let u32_at = |at: usize| u32::from_le_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
    let (packed, unpacked) = (u32_at(14), u32_at(18));
    let mut name = vec![0; u16_at(22).into()];
    input.read_exact(&mut name)?;
    let mut extra = vec![0; u16_at(24).into()];
    input.read_exact(&mut extra)?;
    let sizes = zip64(&extra);
    let packed = match sizes {
        // The size of what comes out stands first, where it is not in the header.
        Some(sizes) if packed == ELSEWHERE => {
            if unpacked == ELSEWHERE {
                sizes[1]
            } else {
                sizes[0]
            }
        }
        _ => packed.into(),
    };
    Ok(Header { flags: u16_at(2), method: u16_at(4), packed, name, is_64: sizes.is_some() })
}

/// The sizes in an extra field of kind 1 (section 4.5.3).
fn zip64(mut extra: &[u8]) -> Option<[u64; 2]> {
    while let [a, b, c, d, rest @ ..] = extra {
        let length = usize::from(u16::from_le_bytes([*c, *d]));
        let value = rest.get(..length)?;
        if u16::from_le_bytes([*a, *b]) == 1 {
            let size = |at: usize| value.get(at..at + 8).and_then(|v| v.try_into().ok()).map_or(0, u64::from_le_bytes);
            return Some([size(0), size(8)]);
        }
        extra = &rest[length..];
    }
    None
}
