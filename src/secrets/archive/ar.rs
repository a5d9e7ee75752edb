//! ar, of which Debian's packages and static libraries are made.

use super::super::place;
use super::super::search::Search;
use std::io::{self, Read};

const MAGIC: &[u8; 8] = b"!<arch>\n";
const HEADER: usize = 60;

/// Whether a content begins as an ar archive.
pub(super) fn begins(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Searches all members. Without an error, it has read to the end.
pub(super) fn search(search: &mut Search, input: &mut dyn Read, depth: usize) -> io::Result<()> {
    io::copy(&mut (&mut *input).take(MAGIC.len() as u64), &mut io::sink())?;
    let mut header = Vec::with_capacity(HEADER);
    loop {
        header.clear();
        (&mut *input).take(HEADER as u64).read_to_end(&mut header)?;
        if header.is_empty() {
            return Ok(());
        }
        let (name, size) = read(&header).ok_or(io::ErrorKind::InvalidData)?;
        if !search.next_member() {
            return Ok(());
        }
        let mut body = (&mut *input).take(size);
        let shown = String::from_utf8_lossy(name).into_owned();
        search.bounded(&mut body, |search, body| search.member(shown, place::of_bytes(name), body, depth))?;
        io::copy(&mut body, &mut io::sink())?;
        if body.limit() > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        io::copy(&mut (&mut *input).take(size % 2), &mut io::sink())?;
    }
}

/// Name and size of a member. GNU ends names with a slash.
fn read(header: &[u8]) -> Option<(&[u8], u64)> {
    let (fields, end) = header.split_at_checked(HEADER - 2)?;
    let name = fields[..16].trim_ascii_end();
    let name = name.strip_suffix(b"/").filter(|name| !name.is_empty()).unwrap_or(name);
    let size = std::str::from_utf8(fields[48..].trim_ascii_end()).ok()?.parse().ok()?;
    (end == b"`\n").then_some((name, size))
}
