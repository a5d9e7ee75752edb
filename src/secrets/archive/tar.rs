//! tar (POSIX.1-1988 ustar, and the names that GNU and pax put before a member).

use super::super::place;
use super::super::search::Search;
use std::io::{self, Read};

const BLOCK: usize = 512;
/// No name is longer.
const MAX_NAME: u64 = 64 << 10;

/// Whether a content begins as a tar archive: with a header whose checksum is right.
pub(super) fn begins(start: &[u8]) -> bool {
    start.first_chunk::<BLOCK>().is_some_and(|header| header[257..262] == *b"ustar" && is_sound(header))
}

/// Searches all members. Without an error, it has read to the blocks of zeros at the end.
pub(super) fn search(search: &mut Search, input: &mut dyn Read, depth: usize) -> io::Result<()> {
    let mut header = [0; BLOCK];
    let mut long_name: Option<Vec<u8>> = None;
    while read_block(input, &mut header)? && header != [0; BLOCK] {
        if !is_sound(&header) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let size = number(&header[124..136]).ok_or(io::ErrorKind::InvalidData)?;
        if header[156] == b'S' && header[482] != 0 {
            pass_sparse_map(input)?;
        }
        let mut body = (&mut *input).take(size);
        match header[156] {
            b'L' | b'x' if size <= MAX_NAME => {
                let mut value = Vec::new();
                body.read_to_end(&mut value)?;
                long_name = if header[156] == b'L' { Some(value) } else { pax_path(&value).or(long_name) };
            }
            b'0' | 0 | b'7' | b'S' => {
                let name = long_name.take().unwrap_or_else(|| short_name(&header));
                if !search.next_member() {
                    return Ok(());
                }
                let name_end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
                let name = &name[..name_end];
                let shown = String::from_utf8_lossy(name).into_owned();
                search.bounded(&mut body, |search, body| search.member(shown, place::of_bytes(name), body, depth))?;
            }
            _ => long_name = None,
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

/// The path among pax records, each `<length> <key>=<value>\n`.
fn pax_path(mut records: &[u8]) -> Option<Vec<u8>> {
    let mut path = None;
    while let Some(space) = records.iter().position(|b| *b == b' ') {
        let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
        let record = records.get(space + 1..length)?;
        if let Some(value) = record.strip_prefix(b"path=") {
            path = Some(value.strip_suffix(b"\n").unwrap_or(value).to_vec());
        }
        records = records.get(length..)?;
    }
    path
}
