//! What a single token says; the kdl crate is asked where that is not its very text.

use super::mistake::{self, Mistakes};
use super::token::{self, Kind, Token};
use super::{Name, Value};
use crate::diagnostic::{Diagnostic, FileId, Span};
use kdl::{KdlEntry, KdlValue};

/// Reads tokens of one text.
#[derive(Clone, Copy)]
pub(super) struct Words<'t> {
    pub(super) text: &'t str,
    pub(super) file: FileId,
}

impl<'t> Words<'t> {
    pub(super) fn span(&self, token: Token) -> Span {
        Span::new(self.file, token.start, token.end)
    }

    pub(super) fn text(&self, token: Token) -> &'t str {
        &self.text[token.start..token.end]
    }

    /// The token as a word; None if it is none, which is reported by `complain`.
    pub(super) fn name(
        &self,
        token: Token,
        mistakes: &mut Mistakes,
        complain: fn(Span, &str) -> Diagnostic,
    ) -> Option<Name> {
        match self.value(token, mistakes)? {
            Value::String { text, .. } => Some(Name { text, span: self.span(token) }),
            _ => {
                mistakes.add(complain(self.span(token), self.text(token)));
                None
            }
        }
    }

    /// The token as a value; None if it is none, which is reported.
    pub(super) fn value(&self, token: Token, mistakes: &mut Mistakes) -> Option<Value> {
        let text = self.text(token);
        let read = match token.kind {
            Kind::Bare => self.bare(token),
            Kind::Keyword => self.keyword(token),
            Kind::Quoted { multi: false } if !text.contains('\\') => Ok(string(&text[1..text.len() - 1], false)),
            Kind::Quoted { .. } => self.ask(token, false),
            Kind::Raw { .. } => self.ask(token, true),
            // It was reported as a token.
            _ => return None,
        };
        read.map_err(|mistake| mistakes.add(mistake)).ok()
    }

    fn bare(&self, token: Token) -> Result<Value, Diagnostic> {
        let word = self.text(token);
        let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
        let number = unsigned.starts_with(|c: char| c.is_ascii_digit());
        let dotted = unsigned.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
        match word {
            "true" | "false" | "null" | "inf" | "-inf" | "nan" => Err(mistake::bare_keyword(self.span(token), word)),
            _ if dotted => Err(mistake::bad_number(self.span(token), word)),
            _ if number => self.number(token),
            _ => Ok(string(word, false)),
        }
    }

    fn number(&self, token: Token) -> Result<Value, Diagnostic> {
        let word = self.text(token);
        let bad = || mistake::bad_number(self.span(token), word);
        match KdlEntry::parse(word).map_err(|_| bad())?.value() {
            KdlValue::Integer(number) => Ok(Value::Int(*number)),
            KdlValue::Float(number) => Ok(Value::Float(*number)),
            _ => Err(bad()),
        }
    }

    fn keyword(&self, token: Token) -> Result<Value, Diagnostic> {
        match self.text(token) {
            "#true" => Ok(Value::Bool(true)),
            "#false" => Ok(Value::Bool(false)),
            "#null" => Ok(Value::Null),
            "#inf" => Ok(Value::Float(f64::INFINITY)),
            "#-inf" => Ok(Value::Float(f64::NEG_INFINITY)),
            "#nan" => Ok(Value::Float(f64::NAN)),
            word => Err(mistake::unknown_keyword(self.span(token), word)),
        }
    }

    /// Has the kdl crate read a string, and explains what it could not read.
    fn ask(&self, token: Token, raw: bool) -> Result<Value, Diagnostic> {
        if let Some(mistake) = self.known_mistake(token, raw) {
            return Err(mistake);
        }
        match KdlEntry::parse(self.text(token)) {
            Ok(entry) => match entry.value() {
                KdlValue::String(text) => Ok(string(text, raw)),
                other => Err(mistake::bad_value(self.span(token), &format!("`{other}` is no text"))),
            },
            Err(error) => Err(self.translated(token, &error)),
        }
    }

    /// The mistakes that people make, found here because the crate's spans for them are too wide.
    fn known_mistake(&self, token: Token, raw: bool) -> Option<Diagnostic> {
        if !raw && let Some(mistake) = self.bad_escape(token) {
            return Some(mistake);
        }
        let multi = matches!(token.kind, Kind::Quoted { multi: true } | Kind::Raw { multi: true });
        if multi { self.bad_lines(token, raw) } else { None }
    }

    fn bad_escape(&self, token: Token) -> Option<Diagnostic> {
        let text = self.text(token);
        let mut at = 0;
        while let Some(found) = text[at..].find('\\') {
            let start = at + found;
            let rest = &text[start + 1..];
            let next = rest.chars().next()?;
            let length = match next {
                'u' => unicode_escape(rest),
                c if "nrtbfs\\\"".contains(c) || token::is_space(c) || token::is_newline(c) => Some(next.len_utf8()),
                _ => None,
            };
            match length {
                Some(length) => at = start + 1 + length,
                None => {
                    let end = start + 1 + next.len_utf8();
                    let span = Span::new(self.file, token.start + start, token.start + end);
                    return Some(mistake::bad_escape(span, &text[start..end]));
                }
            }
        }
        None
    }

    /// Checks that the closing quotes stand alone and that each line begins as theirs does.
    fn bad_lines(&self, token: Token, raw: bool) -> Option<Diagnostic> {
        let text = self.text(token);
        if !raw && text.contains('\\') {
            // An escaped line break may stand anywhere; the crate knows best.
            return None;
        }
        let body = text.trim_end_matches('#').strip_suffix("\"\"\"")?;
        let last = body.rfind(token::is_newline)?;
        let last = last + body[last..].chars().next().map_or(1, char::len_utf8);
        let indent = &body[last..];
        let span = |start: usize, end: usize| Span::new(self.file, token.start + start, token.start + end);
        if !indent.chars().all(token::is_space) {
            return Some(mistake::closing_quotes_not_alone(span(body.len(), text.len())));
        }
        let mut start = body.find(token::is_newline)?;
        while start < last {
            start += token::newline(&body[start..]);
            let end = body[start..].find(token::is_newline).map_or(body.len(), |i| start + i);
            let line = &body[start..end];
            if !line.starts_with(indent) && !line.chars().all(token::is_space) {
                let blank = line.len() - line.trim_start_matches(token::is_space).len();
                let first = line[blank..].chars().next().map_or(0, char::len_utf8);
                return Some(mistake::bad_indent(span(start, start + blank + first)));
            }
            start = end;
        }
        None
    }

    /// The crate's first complaint, at its place in the text; its spans count from the token's start.
    fn translated(&self, token: Token, error: &kdl::KdlError) -> Diagnostic {
        let Some(first) = error.diagnostics.first() else {
            return mistake::bad_value(self.span(token), "it breaks KDL's rules");
        };
        let reason = first.message.as_deref().unwrap_or("it breaks KDL's rules");
        let mut start = token.start + first.span.offset().min(token.end - token.start);
        let mut end = (start + first.span.len()).min(token.end);
        if !self.text.is_char_boundary(start) || !self.text.is_char_boundary(end) || start == end {
            (start, end) = (token.start, token.end);
        }
        mistake::bad_value(Span::new(self.file, start, end), reason)
    }
}

fn string(text: &str, raw: bool) -> Value {
    Value::String { text: text.to_owned(), raw }
}

/// The length of `u{…}` at the beginning of a text, if it names a character.
fn unicode_escape(text: &str) -> Option<usize> {
    let digits = text.strip_prefix("u{")?.split_once('}')?.0;
    let valid = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, 16).ok().filter(|_| valid)?;
    char::from_u32(code).map(|_| "u{".len() + digits.len() + "}".len())
}
