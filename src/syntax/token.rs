//! A text as tokens: every byte of it belongs to exactly one.

use super::mistake::{self, Mistakes};
use crate::diagnostic::{FileId, Span};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Spaces and tabs.
    Space,
    /// One line break.
    Newline,
    /// `// …`, without the line break.
    LineComment,
    /// `/* … */`, nested ones included.
    BlockComment,
    /// A backslash that joins two lines, with all up to and including the line break.
    Continuation,
    /// `/-`.
    Slashdash,
    /// `;`.
    Semicolon,
    /// `{`.
    Open,
    /// `}`.
    Close,
    /// `(`.
    OpenType,
    /// `)`.
    CloseType,
    /// `=`.
    Equals,
    /// A word or a number without quotes.
    Bare,
    /// `#true` and its like.
    Keyword,
    /// A string in quotes; `multi` if in three of them.
    Quoted {
        /// Over several lines.
        multi: bool,
    },
    /// A string between `#"` and `"#`; `multi` if in three quotes.
    Raw {
        /// Over several lines.
        multi: bool,
    },
    /// Something that is no token; it was reported.
    Bad,
}

impl Kind {
    /// Whether a value or a name stands here.
    pub(super) fn is_word(self) -> bool {
        matches!(self, Kind::Bare | Kind::Keyword | Kind::Quoted { .. } | Kind::Raw { .. } | Kind::Bad)
    }

    /// Whether it separates two values on one line.
    pub(super) fn is_node_space(self) -> bool {
        matches!(self, Kind::Space | Kind::BlockComment | Kind::Continuation)
    }

    /// Whether it may stand between two nodes without ending one.
    pub(super) fn is_line_space(self) -> bool {
        self.is_node_space() || matches!(self, Kind::Newline | Kind::LineComment)
    }
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// What it is.
    pub(super) kind: Kind,
    /// Its first byte.
    pub(super) start: usize,
    /// One past its last byte.
    pub(super) end: usize,
}

/// Splits a text into tokens and reports what is none.
pub(super) fn tokens(text: &str, file: FileId, mistakes: &mut Mistakes) -> Vec<Token> {
    let mut lexer = Lexer { text, at: 0, file, mistakes };
    let mut tokens = Vec::new();
    while lexer.at < text.len() && !lexer.mistakes.full() {
        let start = lexer.at;
        let kind = lexer.next();
        tokens.push(Token { kind, start, end: lexer.at });
    }
    tokens
}

struct Lexer<'t, 'm> {
    text: &'t str,
    at: usize,
    file: FileId,
    mistakes: &'m mut Mistakes,
}

impl<'t> Lexer<'t, '_> {
    /// Takes at least one character; the caller saw that there is one.
    fn next(&mut self) -> Kind {
        let rest = self.rest();
        let first = rest.chars().next().unwrap_or_default();
        let length = newline(rest);
        if length > 0 {
            self.at += length;
            return Kind::Newline;
        }
        if is_space(first) {
            self.take_while(is_space);
            return Kind::Space;
        }
        match first {
            '/' if rest.starts_with("//") => self.line_comment(),
            '/' if rest.starts_with("/*") => self.block_comment(),
            '/' if rest.starts_with("/-") => self.take(2, Kind::Slashdash),
            '\\' => self.continuation(),
            ';' => self.take(1, Kind::Semicolon),
            '{' => self.take(1, Kind::Open),
            '}' => self.take(1, Kind::Close),
            '(' => self.take(1, Kind::OpenType),
            ')' => self.take(1, Kind::CloseType),
            '=' => self.take(1, Kind::Equals),
            '"' => self.quoted(),
            '#' => self.hash(),
            _ => self.bare(),
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn take(&mut self, bytes: usize, kind: Kind) -> Kind {
        self.at += bytes;
        kind
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) {
        let rest = self.rest();
        self.at += rest.find(|c| !wanted(c)).unwrap_or(rest.len());
    }

    fn line_comment(&mut self) -> Kind {
        self.take_while(|c| !is_newline(c));
        Kind::LineComment
    }

    fn block_comment(&mut self) -> Kind {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut open = 0usize;
        while self.at < bytes.len() {
            let step = match &bytes[self.at..] {
                [b'/', b'*', ..] => {
                    open += 1;
                    2
                }
                [b'*', b'/', ..] => {
                    open -= 1;
                    2
                }
                _ => 1,
            };
            self.at += step;
            if open == 0 {
                return Kind::BlockComment;
            }
        }
        self.report(mistake::open_comment(self.span(start, start + 2)));
        Kind::BlockComment
    }

    fn continuation(&mut self) -> Kind {
        let start = self.at;
        self.at += 1;
        self.take_while(is_space);
        if self.rest().starts_with("//") {
            self.take_while(|c| !is_newline(c));
        }
        let length = newline(self.rest());
        if length == 0 && !self.rest().is_empty() {
            self.at = start + 1;
            self.report(mistake::stray_backslash(self.span(start, start + 1)));
            return Kind::Bad;
        }
        self.take(length, Kind::Continuation)
    }

    /// `"…"` or `"""` over several lines.
    fn quoted(&mut self) -> Kind {
        let multi = self.rest().starts_with("\"\"\"");
        let start = self.at;
        if multi && newline(&self.text[self.at + 3..]) == 0 {
            return self.triple_quotes_on_a_line();
        }
        self.at += if multi { 3 } else { 1 };
        let bytes = self.text.as_bytes();
        while self.at < bytes.len() {
            match bytes[self.at] {
                // An escaped line break is white space, also in a string on one line.
                b'\\' if !multi => self.escape(),
                b'\\' => self.at += 1 + self.text[self.at + 1..].chars().next().map_or(0, char::len_utf8),
                b'"' if !multi => return self.take(1, Kind::Quoted { multi }),
                b'"' if bytes[self.at..].starts_with(b"\"\"\"") => return self.take(3, Kind::Quoted { multi }),
                _ if !multi && newline(self.rest()) > 0 => break,
                _ => self.at += self.rest().chars().next().map_or(1, char::len_utf8),
            }
        }
        let opening = self.span(start, start + if multi { 3 } else { 1 });
        let whole = self.span(start, self.at);
        self.report(mistake::open_string(if multi { opening } else { whole }, multi));
        Kind::Bad
    }

    /// A backslash in a string on one line, with what it escapes.
    fn escape(&mut self) {
        self.at += 1;
        let rest = self.rest();
        let blank = rest.find(|c| !is_space(c) && !is_newline(c)).unwrap_or(rest.len());
        self.at += if blank > 0 { blank } else { rest.chars().next().map_or(0, char::len_utf8) };
    }

    fn triple_quotes_on_a_line(&mut self) -> Kind {
        let start = self.at;
        let line = self.rest().find(is_newline).unwrap_or(self.rest().len());
        let close = self.rest()[3..line].find("\"\"\"").map(|i| i + 6);
        self.at += close.unwrap_or(line);
        self.report(mistake::text_after_triple_quotes(self.span(start, start + 3)));
        Kind::Bad
    }

    /// A raw string or a keyword.
    fn hash(&mut self) -> Kind {
        let start = self.at;
        self.take_while(|c| c == '#');
        let hashes = &self.text[start..self.at];
        if !self.rest().starts_with('"') {
            self.take_while(is_bare);
            return Kind::Keyword;
        }
        let multi = self.rest().strip_prefix("\"\"\"").is_some_and(|rest| newline(rest) > 0);
        let quotes = if multi { "\"\"\"" } else { "\"" };
        self.at += quotes.len();
        let rest = self.rest();
        let line = if multi { rest.len() } else { rest.find(is_newline).unwrap_or(rest.len()) };
        let mut from = 0;
        while let Some(found) = rest[from..line].find(quotes).map(|i| from + i) {
            if rest[found + quotes.len()..line].starts_with(hashes) {
                self.at += found + quotes.len() + hashes.len();
                return Kind::Raw { multi };
            }
            from = found + 1;
        }
        self.at += line;
        let opening = start + hashes.len() + quotes.len();
        let end = if multi { opening } else { self.at };
        self.report(mistake::open_raw_string(self.span(start, end), quotes, hashes));
        Kind::Bad
    }

    fn bare(&mut self) -> Kind {
        let start = self.at;
        self.take_while(is_bare);
        // What people write without quotes though it needs them: paths and addresses. That `src/*` and `http://x`
        // would begin a comment in the middle is never what was meant, so a comment wants a space before it.
        if self.rest().starts_with(['/', '[', ']', '#']) {
            self.take_while(|c| is_bare(c) || matches!(c, '/' | '[' | ']' | '#'));
            self.report(mistake::needs_quotes(self.span(start, self.at), &self.text[start..self.at]));
            return Kind::Bad;
        }
        // KDL would take these characters as parts of the word, which is never what was meant either.
        let word = &self.text[start..self.at];
        if word.starts_with('\'') {
            let line =
                &self.text[start..start + self.text[start..].find(is_newline).unwrap_or(self.text.len() - start)];
            let close = line[1..].find('\'').map_or(word.len(), |i| i + 2);
            self.at = start + close.max(word.len());
            self.report(mistake::single_quotes(self.span(start, self.at)));
            return Kind::Bad;
        }
        if word.len() > 1 && word.ends_with(',') {
            self.report(mistake::comma(self.span(self.at - 1, self.at)));
            return Kind::Bad;
        }
        Kind::Bare
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn report(&mut self, diagnostic: crate::diagnostic::Diagnostic) {
        self.mistakes.add(diagnostic);
    }
}

/// The length of the line break that a text begins with, or 0.
pub(super) fn newline(text: &str) -> usize {
    match text.chars().next() {
        Some('\r') if text.starts_with("\r\n") => 2,
        Some(c) if is_newline(c) => c.len_utf8(),
        _ => 0,
    }
}

pub(super) fn is_newline(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{b}' | '\u{c}' | '\u{2028}' | '\u{2029}')
}

pub(super) fn is_space(c: char) -> bool {
    matches!(c, '\t' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Whether a word without quotes may hold this character.
pub(super) fn is_bare(c: char) -> bool {
    !is_space(c)
        && !is_newline(c)
        && !matches!(c, '\\' | '/' | '(' | ')' | '{' | '}' | '[' | ']' | ';' | '"' | '#' | '=')
}
