//! What commands write, as lines that do nothing to a terminal.

use std::collections::BTreeMap;

/// The longest line that is kept whole, in bytes.
const LONGEST: usize = 16 << 10;

/// Gathers what several commands write into whole lines.
#[derive(Debug, Default)]
pub(super) struct Lines {
    open: BTreeMap<u64, Vec<u8>>,
}

impl Lines {
    /// The lines that these bytes of a command end.
    pub(super) fn push(&mut self, number: u64, bytes: &[u8]) -> Vec<String> {
        let open = self.open.entry(number).or_default();
        let mut lines = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            open.extend_from_slice(piece);
            if piece.ends_with(b"\n") || open.len() > LONGEST {
                lines.push(line(&std::mem::take(open)));
            }
        }
        lines
    }

    /// What a command wrote last without ending the line.
    pub(super) fn finish(&mut self, number: u64) -> Option<String> {
        self.open.remove(&number).filter(|rest| !rest.is_empty()).map(|rest| line(&rest))
    }
}

/// A line without its end. Of one that was written over again and again, as bars of progress are, the last state.
fn line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let text = text.trim_end_matches(['\n', '\r']);
    visible(text.rsplit('\r').next().unwrap_or(text))
}

/// A line whose characters do nothing to a terminal: colours and other sequences are left out, the rest is replaced.
pub(super) fn visible(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            '\u{1b}' => skip_sequence(&mut rest),
            '\t' => out.push_str("    "),
            c if c.is_control() => out.push('\u{fffd}'),
            // They turn text around.
            '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Passes over an escape sequence (ECMA-48): `ESC [ … letter`, `ESC ] … BEL`, or two characters.
fn skip_sequence(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => while rest.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
        Some(']') => while rest.next().is_some_and(|c| c != '\u{7}' && c != '\\') {},
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_become_lines_of_their_commands() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(1, b"one\ntw"), ["one"]);
        assert_eq!(lines.push(2, b"other\r\n"), ["other"]);
        assert_eq!(lines.push(1, b"o\nthree"), ["two"]);
        assert_eq!(lines.finish(1).as_deref(), Some("three"));
        assert_eq!(lines.finish(2), None);
        assert_eq!(lines.push(3, &vec![b'x'; LONGEST + 1]).len(), 1, "no line grows for ever");
    }

    #[test]
    fn nothing_reaches_a_terminal_that_does_something_there() {
        assert_eq!(visible("\u{1b}[1;31mred\u{1b}[0m \u{1b}]0;title\u{7}text\u{1b}c"), "red text");
        assert_eq!(visible("a\u{8}b\u{202e}c\td"), "a\u{fffd}b\u{fffd}c    d");
        assert_eq!(line(b"10%\r50%\r100%\r\n"), "100%");
        assert_eq!(line(b"\xff\xfe"), "\u{fffd}\u{fffd}");
    }
}
