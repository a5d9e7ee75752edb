//! Bytes from outside as text.

use super::mistake::{self, Mistakes};
use crate::diagnostic::{Diagnostic, FileId, Sources, Span};

/// The longest text that is read, in bytes.
pub const MAX_TEXT: usize = 1 << 20;

/// Adds a file to the sources, if it is a text: UTF-8, not too long, no characters that could deceive a reader.
///
/// Where it is none, as much of it is added as the diagnostics need to point at.
pub fn add(sources: &mut Sources, name: &str, bytes: &[u8]) -> Result<FileId, Vec<Diagnostic>> {
    add_up_to(sources, name, bytes, MAX_TEXT)
}

/// As [`add`], with another limit: for texts that programs write, which may be longer than what people do.
pub fn add_up_to(sources: &mut Sources, name: &str, bytes: &[u8], limit: usize) -> Result<FileId, Vec<Diagnostic>> {
    if bytes.len() > limit {
        let beginning = String::from_utf8_lossy(&bytes[..bytes.len().min(SHOWN)]);
        let id = sources.add(name, first_line(&beginning));
        return Err(vec![mistake::too_long(Span::new(id, 0, 0), limit)]);
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => check(sources.add(name, text), text),
        Err(error) => Err(vec![undecodable(sources, name, bytes, error.valid_up_to())]),
    }
}

/// How much of an unreadable file is kept to show.
const SHOWN: usize = 200;

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

fn undecodable(sources: &mut Sources, name: &str, bytes: &[u8], valid: usize) -> Diagnostic {
    let utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
    if utf16 {
        let id = sources.add(name, "");
        return mistake::utf16(Span::new(id, 0, 0));
    }
    // The text up to the bad byte and a little more, so that the diagnostic can show its line.
    let end = bytes.len().min(valid + SHOWN);
    let id = sources.add(name, String::from_utf8_lossy(&bytes[..end]));
    mistake::not_utf8(Span::new(id, valid, valid + '\u{fffd}'.len_utf8()), bytes[valid])
}

fn check(file: FileId, text: &str) -> Result<FileId, Vec<Diagnostic>> {
    if let Some(c @ '\u{feff}') = text.chars().next() {
        return Err(vec![mistake::byte_order_mark(Span::new(file, 0, c.len_utf8()))]);
    }
    // UTF-16 of English text without a mark is valid UTF-8: every second character is NUL.
    let nuls = text.bytes().filter(|b| *b == 0).count();
    if nuls > 0 && nuls >= text.len() / 3 {
        return Err(vec![mistake::utf16(Span::new(file, 0, 0))]);
    }
    let mut mistakes = Mistakes::default();
    for (at, c) in text.char_indices().filter(|(_, c)| is_forbidden(*c)) {
        mistakes.add(mistake::forbidden_character(Span::new(file, at, at + c.len_utf8()), c));
        if mistakes.full() {
            break;
        }
    }
    mistakes.into_result(file)
}

/// Characters that KDL 2 allows nowhere in a text.
pub(super) fn is_forbidden(c: char) -> bool {
    matches!(
        c,
        '\0'..='\u{8}' | '\u{e}'..='\u{1f}' | '\u{7f}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}
