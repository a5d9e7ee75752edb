//! Words: quotes and expansions.

use super::parse::{Parsed, Parser, parse_from};
use super::syntax::{Operation, Piece, Word};
use std::rc::Rc;

impl Parser<'_> {
    /// A word, if one stands here.
    pub(super) fn word(&mut self) -> Parsed<Option<Word>> {
        let mut pieces = Vec::new();
        let mut any = false;
        while let Some(c) = self.peek() {
            match c {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                _ => any = true,
            }
            self.piece(c, &mut pieces)?;
        }
        Ok(any.then_some(Word(pieces)))
    }

    /// One piece outside of double quotes.
    fn piece(&mut self, c: char, pieces: &mut Vec<Piece>) -> Parsed<()> {
        match c {
            '\'' => {
                self.advance(1);
                let length = self.rest().find('\'').ok_or_else(|| self.fail("a `'` is not closed"))?;
                let text = self.rest()[..length].to_owned();
                self.advance(length + 1);
                pieces.push(Piece::Text { text, quoted: true });
            }
            '"' => {
                self.advance(1);
                let Word(inner) = self.quoted_pieces(Some('"'))?;
                if inner.is_empty() {
                    // Empty quotes make an empty word.
                    pieces.push(Piece::Text { text: String::new(), quoted: true });
                }
                pieces.extend(inner);
            }
            '\\' => {
                self.advance(1);
                match self.next() {
                    Some('\n') => {}
                    Some(c) => push_text(pieces, c, true),
                    None => push_text(pieces, '\\', true),
                }
            }
            '$' | '`' => self.expansion(false, pieces)?,
            _ => {
                self.advance(c.len_utf8());
                push_text(pieces, c, false);
            }
        }
        Ok(())
    }

    /// Text with expansions, up to `end`, which is passed over; without one, up to the end of the input.
    pub(super) fn quoted_pieces(&mut self, end: Option<char>) -> Parsed<Word> {
        let mut pieces = Vec::new();
        loop {
            match self.peek() {
                None if end.is_none() => return Ok(Word(pieces)),
                None => return Err(self.fail("a `\"` is not closed")),
                Some(c) if Some(c) == end => {
                    self.advance(1);
                    return Ok(Word(pieces));
                }
                Some('\\') => {
                    self.advance(1);
                    match self.peek() {
                        Some('\n') => self.advance(1),
                        Some(c) if "$`\\".contains(c) || Some(c) == end => {
                            self.advance(1);
                            push_text(&mut pieces, c, true);
                        }
                        _ => push_text(&mut pieces, '\\', true),
                    }
                }
                Some('$' | '`') => self.expansion(true, &mut pieces)?,
                Some(c) => {
                    self.advance(c.len_utf8());
                    push_text(&mut pieces, c, true);
                }
            }
        }
    }

    /// What begins with `$` or a backquote.
    fn expansion(&mut self, quoted: bool, pieces: &mut Vec<Piece>) -> Parsed<()> {
        let piece = if self.eat("`") {
            self.backquotes(quoted)?
        } else if self.starts("$((") && self.arithmetic_end().is_some() {
            let end = self.arithmetic_end().expect("it was just found");
            let text = self.rest()[3..end].to_owned();
            let mut inner = Parser { text: &text, at: 0, line: self.line, depth: self.depth, here: Vec::new() };
            let expression = inner.quoted_pieces(None)?;
            self.advance(end + 2);
            Piece::Arithmetic { expression, quoted }
        } else if self.eat("$(") {
            let body = Rc::new(self.deeper(Self::list)?);
            if !self.eat(")") {
                return Err(self.fail("a `$(` is not closed"));
            }
            Piece::Command { body, quoted }
        } else if self.eat("${") {
            self.deeper(|p| p.braces(quoted))?
        } else {
            self.advance(1);
            let name = match self.peek() {
                Some(c) if "@*#?$!-".contains(c) || c.is_ascii_digit() => c.to_string(),
                Some(c) if c.is_ascii_alphabetic() || c == '_' => self.name().to_owned(),
                _ => {
                    push_text(pieces, '$', true);
                    return Ok(());
                }
            };
            self.advance(name.len());
            Piece::Parameter { name, operation: Operation::Value, quoted }
        };
        pieces.push(piece);
        Ok(())
    }

    fn name(&self) -> &str {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    }

    /// Where the `))` of the `$((` here stands.
    fn arithmetic_end(&self) -> Option<usize> {
        let rest = self.rest().as_bytes();
        let mut depth = 0;
        for (i, byte) in rest.iter().enumerate().skip(3) {
            match byte {
                b'(' => depth += 1,
                b')' if depth > 0 => depth -= 1,
                b')' => return (rest.get(i + 1) == Some(&b')')).then_some(i),
                _ => {}
            }
        }
        None
    }

    fn backquotes(&mut self, quoted: bool) -> Parsed<Piece> {
        let line = self.line;
        let mut text = String::new();
        loop {
            match self.next() {
                None => return Err(self.fail("a backquote is not closed")),
                Some('`') => break,
                Some('\\') => match self.next() {
                    Some(c) if "$`\\".contains(c) || (quoted && c == '"') => text.push(c),
                    Some(c) => text.extend(['\\', c]),
                    None => return Err(self.fail("a backquote is not closed")),
                },
                Some(c) => text.push(c),
            }
        }
        let body = self.deeper(|p| parse_from(&text, line, p.depth))?;
        Ok(Piece::Command { body: Rc::new(body), quoted })
    }

    /// What stands in `${…}`.
    fn braces(&mut self, quoted: bool) -> Parsed<Piece> {
        let length = self.starts("#") && !self.starts("#}") && !self.starts("#:");
        if length {
            self.advance(1);
        }
        let name = match self.peek() {
            Some(c) if "@*#?$!-".contains(c) => c.to_string(),
            Some(c) if c.is_ascii_digit() => self.rest().chars().take_while(char::is_ascii_digit).collect(),
            _ => self.name().to_owned(),
        };
        if name.is_empty() {
            return Err(self.fail("a `${` has no name that is understood"));
        }
        self.advance(name.len());
        if length {
            let piece = Piece::Parameter { name, operation: Operation::Length, quoted };
            return if self.eat("}") { Ok(piece) } else { Err(self.fail("a `${#` is not closed")) };
        }
        let operation = self.operation(quoted)?;
        Ok(Piece::Parameter { name, operation, quoted })
    }

    fn operation(&mut self, quoted: bool) -> Parsed<Operation> {
        if self.eat("}") {
            return Ok(Operation::Value);
        }
        for (text, suffix, longest) in
            [("##", false, true), ("#", false, false), ("%%", true, true), ("%", true, false)]
        {
            if self.eat(text) {
                return Ok(Operation::Trim { suffix, longest, pattern: self.brace_word(false, None)? });
            }
        }
        if self.eat("/") {
            let all = self.eat("/");
            let pattern = self.brace_word(false, Some('/'))?;
            let with =
                if self.text[..self.at].ends_with('/') { self.brace_word(quoted, None)? } else { Word::default() };
            return Ok(Operation::Replace { all, pattern, with });
        }
        let colon = self.eat(":");
        match self.next() {
            Some(kind @ ('-' | '=' | '?' | '+')) => {
                Ok(Operation::Fallback { kind, colon, word: self.brace_word(quoted, None)? })
            }
            _ => Err(self.fail("a `${…}` is not understood")),
        }
    }

    /// The word up to `}`, or to `stop` where there is one; what ended it is passed over.
    fn brace_word(&mut self, quoted: bool, stop: Option<char>) -> Parsed<Word> {
        let mut pieces = Vec::new();
        loop {
            match self.peek() {
                None => return Err(self.fail("a `${` is not closed")),
                Some(c) if c == '}' || Some(c) == stop => {
                    self.advance(1);
                    return Ok(Word(pieces));
                }
                Some(c) if quoted && !"\"\\$`".contains(c) => {
                    self.advance(c.len_utf8());
                    push_text(&mut pieces, c, true);
                }
                Some('$' | '`') => self.expansion(quoted, &mut pieces)?,
                Some(c) => self.piece(c, &mut pieces)?,
            }
        }
    }
}

fn push_text(pieces: &mut Vec<Piece>, c: char, as_quoted: bool) {
    if let Some(Piece::Text { text, quoted }) = pieces.last_mut()
        && *quoted == as_quoted
    {
        text.push(c);
        return;
    }
    pieces.push(Piece::Text { text: c.to_string(), quoted: as_quoted });
}
