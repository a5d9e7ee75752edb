//! Paragraphs of `Name: value` lines, as dpkg and Python write them.

use super::content::Lines;
use super::error::CatalogError;
use std::io::Read;

/// One paragraph: of the fields that were asked for those that it has, each with its first value.
#[derive(Debug, Default)]
pub(super) struct Paragraph {
    fields: Vec<(&'static str, String)>,
}

/// The values that may stand several times in one paragraph and that are kept of one name.
const MOST_REPEATED: usize = 64;

impl Paragraph {
    /// The first value of a field: what stands behind the colon, and of more lines the first alone.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a field that may be repeated.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.fields.iter().filter(move |(field, _)| *field == name).map(|(_, value)| value.as_str())
    }
}

/// Reads paragraphs one at a time and keeps of each only the fields that matter, so that memory does not grow with what
/// stands in the text.
pub(super) struct Paragraphs<R> {
    lines: Lines<R>,
    wanted: &'static [&'static str],
}

impl<R: Read> Paragraphs<R> {
    /// The paragraphs of `content` with the fields `wanted`, whose case does not count.
    pub(super) fn new(content: R, wanted: &'static [&'static str], what: &'static str) -> Self {
        Paragraphs { lines: Lines::new(content, what), wanted }
    }

    /// The next paragraph that has a line; it may have none of the fields. Lines that are no fields are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Paragraph>, CatalogError> {
        let mut paragraph = Paragraph::default();
        let mut has_line = false;
        while let Some(line) = self.lines.next()? {
            if line.trim_ascii().is_empty() {
                if has_line {
                    return Ok(Some(paragraph));
                }
                continue;
            }
            has_line = true;
            if line.starts_with(b" ") || line.starts_with(b"\t") {
                continue;
            }
            let Some(colon) = line.iter().position(|b| *b == b':') else { continue };
            let Some(name) = self.wanted.iter().find(|name| name.as_bytes().eq_ignore_ascii_case(&line[..colon]))
            else {
                continue;
            };
            if paragraph.all(name).count() < MOST_REPEATED {
                let value = String::from_utf8_lossy(line[colon + 1..].trim_ascii()).into_owned();
                paragraph.fields.push((name, value));
            }
        }
        Ok(has_line.then_some(paragraph))
    }
}
