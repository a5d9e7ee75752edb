//! Contents, read no further than is sane.

use super::error::CatalogError;
use std::io::{BufRead, BufReader, Read};

/// All of a text that is small by its nature, without the mark of UTF-8 that some editors put before it.
///
/// # Errors
/// Where it is larger than `limit` bytes, or cannot be read.
pub(super) fn whole(content: &mut impl Read, limit: u64, what: &'static str) -> Result<Vec<u8>, CatalogError> {
    let mut bytes = Vec::new();
    content.take(limit + 1).read_to_end(&mut bytes).map_err(CatalogError::reading(what))?;
    if bytes.len() as u64 > limit {
        return Err(CatalogError::TooMuch { what, limit, unit: "bytes" });
    }
    if bytes.starts_with(b"\xef\xbb\xbf") {
        bytes.drain(..3);
    }
    Ok(bytes)
}

/// The longest line that is kept, in bytes: descriptions and lists of dependencies have some thousand.
const LONGEST_LINE: usize = 256 << 10;

/// The lines of a content of any length, one at a time, without their ends.
pub(super) struct Lines<R> {
    content: BufReader<R>,
    line: Vec<u8>,
    what: &'static str,
}

impl<R: Read> Lines<R> {
    /// The lines of `content`, which errors call `what`.
    pub(super) fn new(content: R, what: &'static str) -> Self {
        Lines { content: BufReader::with_capacity(64 << 10, content), line: Vec::new(), what }
    }

    /// The next line; what is beyond [`LONGEST_LINE`] of one is read and dropped.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, CatalogError> {
        self.line.clear();
        let mut has_any = false;
        loop {
            let chunk = self.content.fill_buf().map_err(CatalogError::reading(self.what))?;
            if chunk.is_empty() {
                break;
            }
            has_any = true;
            let end = chunk.iter().position(|b| *b == b'\n');
            let part = &chunk[..end.unwrap_or(chunk.len())];
            let room = LONGEST_LINE - self.line.len();
            self.line.extend_from_slice(&part[..part.len().min(room)]);
            let used = part.len() + usize::from(end.is_some());
            self.content.consume(used);
            if end.is_some() {
                break;
            }
        }
        Ok(has_any.then(|| self.line.strip_suffix(b"\r").unwrap_or(&self.line)))
    }
}
