//! tar (POSIX.1-1988 ustar, and the names that GNU and pax put before a member).

use super::super::place;
use super::super::search::Search;
use std::io::{self, Read};

const BLOCK: usize = 512;
/// What stands before a member about it is not longer.
const MAX_RECORDS: u64 = 64 << 10;

/// What was said of the next member before its header.
#[derive(Default)]
struct Records {
    name: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Whether a content begins as a tar archive: with a header whose checksum is right.
pub(super) fn begins(start: &[u8]) -> bool {
    start.first_chunk::<BLOCK>().is_some_and(|header| header[257..262] == *b"ustar" && is_sound(header))
}

/// Searches all members. Without an error, it has read to the blocks of zeros at the end.
pub(super) fn search(search: &mut Search, input: &mut dyn Read, depth: usize) -> io::Result<()> {
    let mut header = [0; BLOCK];
    let mut next = Records::default();
    while read_block(input, &mut header)? && header != [0; BLOCK] {
        if !is_sound(&header) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let is_record = matches!(header[156], b'L' | b'K' | b'x' | b'g');
        let records = if is_record { Records::default() } else { std::mem::take(&mut next) };
        let size = records.size.or_else(|| number(&header[124..136])).ok_or(io::ErrorKind::InvalidData)?;
        if header[156] == b'S' && header[482] != 0 {
            pass_sparse_map(input)?;
        }
        let mut body = (&mut *input).take(size);
        match header[156] {
            b'L' | b'x' if size <= MAX_RECORDS => {
                let mut value = Vec::new();
                body.read_to_end(&mut value)?;
                match header[156] {
                    b'L' => next.name = Some(value),
                    _ => next.read_pax(&value),
                }
            }
            b'0' | 0 | b'7' | b'S' => {
                let name = records.name.unwrap_or_else(|| short_name(&header));
                if !search.next_member() {
                    return Ok(());
                }
                let name_end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
                let name = &name[..name_end];
                let shown = String::from_utf8_lossy(name).into_owned();
                search.bounded(&mut body, |search, body| search.member(shown, place::of_bytes(name), body, depth))?;
            }
            _ => {}
        }
        io::copy(&mut body, &mut io::sink())?;
        if body.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let padding = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        io::copy(&mut (&mut *input).take(padding), &mut io::sink())?;
    }
    Ok(())
}

/// GNU's sparse files may have more headers, each of which says whether another follows.
fn pass_sparse_map(input: &mut dyn Read) -> io::Result<()> {
    let mut block = [0; BLOCK];
    while read_block(input, &mut block)? && block[504] != 0 {}
    Ok(())
}

/// Reads a block; false at the end.
fn read_block(input: &mut dyn Read, block: &mut [u8; BLOCK]) -> io::Result<bool> {
    match input.read_exact(block) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        result => result.map(|()| true),
    }
}

/// Whether the sum of a header's bytes is what it says, with spaces in place of the sum. Some writers took the bytes for
/// signed ones.
fn is_sound(header: &[u8; BLOCK]) -> bool {
    let bytes = || header[..148].iter().chain(b"        ").chain(&header[156..]);
    let unsigned: i64 = bytes().map(|b| i64::from(*b)).sum();
    let signed: i64 = bytes().map(|b| i64::from(b.cast_signed())).sum();
    let said = number(&header[148..156]).and_then(|sum| i64::try_from(sum).ok());
    said == Some(unsigned) || said == Some(signed)
}

/// An octal number, or GNU's binary one.
fn number(field: &[u8]) -> Option<u64> {
    if field.first() == Some(&0x80) {
        return field[1..].iter().try_fold(0u64, |n, b| n.checked_mul(256)?.checked_add(u64::from(*b)));
    }
    let digits = field.trim_ascii_start().split(|b| matches!(b, 0 | b' ')).next().unwrap_or_default();
    digits.iter().try_fold(0, |n: u64, b| match b {
        b'0'..=b'7' => Some(n * 8 + u64::from(b - b'0')),
        _ => None,
    })
}

fn short_name(header: &[u8; BLOCK]) -> Vec<u8> {
    let text = |field: &[u8]| field.split(|b| *b == 0).next().unwrap_or_default().to_vec();
    let prefix = if header[257..263] == *b"ustar\0" { text(&header[345..500]) } else { Vec::new() };
    let name = text(&header[..100]);
    if prefix.is_empty() { name } else { [&prefix[..], b"/", &name].concat() }
}

impl Records {
    /// Takes path and size from pax records, each `<length> <key>=<value>\n`; what is damaged ends them.
    fn read_pax(&mut self, mut records: &[u8]) {
        while let Some(space) = records.iter().position(|b| *b == b' ') {
            let length = number_of_digits(&records[..space]).and_then(|length| usize::try_from(length).ok());
            let Some((record, rest)) = length.and_then(|length| records.split_at_checked(length)) else { return };
            let record = record.get(space + 1..).unwrap_or_default();
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            if let Some(path) = record.strip_prefix(b"path=") {
                self.name = Some(path.to_vec());
            }
            if let Some(size) = record.strip_prefix(b"size=") {
                self.size = number_of_digits(size);
            }
            if rest.len() == records.len() {
                return;
            }
            records = rest;
        }
    }
}

fn number_of_digits(text: &[u8]) -> Option<u64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}
