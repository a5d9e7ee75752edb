//! From words to what they stand for.

use super::pattern::Pattern;
use super::syntax::{List, Operation, Piece, Word};
use super::{Input, Io, MAX_TEXT, Output, Run, Shell};

/// Characters, each with whether it was quoted.
type Text = Vec<(char, bool)>;

/// Words being split from what expansions yield.
#[derive(Default)]
struct Fields {
    done: Vec<Text>,
    open: Text,
    /// Whether the open one counts even if it is empty.
    exists: bool,
}

impl Fields {
    fn end(&mut self) {
        if std::mem::take(&mut self.exists) {
            self.done.push(std::mem::take(&mut self.open));
        }
    }

    fn push(&mut self, text: &str, quoted: bool) {
        self.open.extend(text.chars().map(|c| (c, quoted)));
        self.exists |= quoted || !text.is_empty();
    }

    /// Adds what an unquoted expansion yielded: it is split.
    fn split(&mut self, text: &str, separators: &str) {
        for c in text.chars() {
            if !separators.contains(c) {
                self.open.push((c, false));
                self.exists = true;
            } else if c.is_ascii_whitespace() {
                self.end();
            } else {
                self.exists = true;
                self.end();
            }
        }
    }
}

impl Shell<'_> {
    /// The words of a command: split and with patterns of paths resolved.
    pub(super) fn expand(&mut self, words: &[Word], io: &mut Io) -> Run<Vec<String>> {
        let mut result = Vec::new();
        for word in words {
            let mut fields = Fields::default();
            self.collect(word, io, &mut fields)?;
            fields.end();
            for field in fields.done {
                self.paths(&field, &mut result);
            }
        }
        Ok(result)
    }

    /// A word that stays one.
    pub(super) fn expand_one(&mut self, word: &Word, io: &mut Io) -> Run<String> {
        Ok(self.expand_text(word, io)?.into_iter().map(|(c, _)| c).collect())
    }

    /// A word that is a pattern.
    pub(super) fn expand_pattern(&mut self, word: &Word, io: &mut Io) -> Run<Pattern> {
        Ok(Pattern::new(&self.expand_text(word, io)?))
    }

    fn expand_text(&mut self, word: &Word, io: &mut Io) -> Run<Text> {
        let mut text = Text::new();
        for piece in &word.0 {
            match piece {
                Piece::Text { text: own, quoted } => text.extend(own.chars().map(|c| (c, *quoted))),
                Piece::Parameter { name, operation, quoted } => {
                    let value = self.parameter(name, operation, io)?;
                    text.extend(value.chars().map(|c| (c, *quoted)));
                }
                Piece::Command { body, quoted } => {
                    let value = self.substitute(body, io)?;
                    text.extend(value.chars().map(|c| (c, *quoted)));
                }
                Piece::Arithmetic { expression, .. } => {
                    text.extend(self.arithmetic(expression, io)?.chars().map(|c| (c, true)));
                }
            }
        }
        if text.len() > MAX_TEXT { Err(self.obstacle("a text becomes too long")) } else { Ok(text) }
    }

    fn collect(&mut self, word: &Word, io: &mut Io, fields: &mut Fields) -> Run<()> {
        for piece in &word.0 {
            let (value, quoted) = match piece {
                Piece::Text { text, quoted } => {
                    fields.push(text, *quoted);
                    continue;
                }
                Piece::Parameter { name, operation: Operation::Value, quoted: true } if name == "@" => {
                    for (i, parameter) in self.state.parameters.iter().enumerate() {
                        if i > 0 {
                            fields.end();
                        }
                        fields.push(parameter, true);
                    }
                    continue;
                }
                // `${x+"$@"}`: what is quoted inside stays whole.
                Piece::Parameter { name, operation: Operation::Fallback { kind: '+', colon, word }, quoted: false } => {
                    if self.is_set(name, *colon) {
                        self.collect(word, io, fields)?;
                    }
                    continue;
                }
                Piece::Parameter { name, operation, quoted } => (self.parameter(name, operation, io)?, *quoted),
                Piece::Command { body, quoted } => (self.substitute(body, io)?, *quoted),
                Piece::Arithmetic { expression, quoted } => (self.arithmetic(expression, io)?, *quoted),
            };
            if quoted {
                fields.push(&value, true);
            } else {
                let separators = self.variable("IFS").unwrap_or(" \t\n").to_owned();
                fields.split(&value, &separators);
            }
        }
        Ok(())
    }

    fn is_set(&self, name: &str, colon: bool) -> bool {
        self.lookup(name).is_some_and(|value| !colon || !value.is_empty())
    }

    fn lookup(&self, name: &str) -> Option<String> {
        let parameters = &self.state.parameters;
        match name {
            "@" | "*" => (!parameters.is_empty()).then(|| parameters.join(" ")),
            "#" => Some(parameters.len().to_string()),
            "?" => Some(self.status.to_string()),
            "$" => Some("2".to_owned()),
            "0" => Some(self.state.name.clone()),
            "-" => Some(if self.state.exits { "e" } else { "" }.to_owned()),
            "!" => None,
            _ => match name.parse::<usize>() {
                Ok(position) => parameters.get(position.checked_sub(1)?).cloned(),
                Err(_) => self.variable(name).map(str::to_owned),
            },
        }
    }

    fn parameter(&mut self, name: &str, operation: &Operation, io: &mut Io) -> Run<String> {
        let value = self.lookup(name);
        match operation {
            Operation::Fallback { kind, colon, word } => {
                let is_set = self.is_set(name, *colon);
                match kind {
                    '+' if is_set => self.expand_one(word, io),
                    '+' => Ok(String::new()),
                    _ if is_set => Ok(value.unwrap_or_default()),
                    '-' => self.expand_one(word, io),
                    '=' => {
                        let fallback = self.expand_one(word, io)?;
                        self.set_variable(name, fallback.clone());
                        Ok(fallback)
                    }
                    _ => {
                        let message = self.expand_one(word, io)?;
                        io.complain(format!("{name}: {message}"));
                        Err(super::Stop::Exit(2))
                    }
                }
            }
            _ if value.is_none() && self.state.strict && !matches!(name, "@" | "*") => {
                io.complain(format!("{name}: parameter not set"));
                Err(super::Stop::Exit(2))
            }
            Operation::Value => Ok(value.unwrap_or_default()),
            Operation::Length => Ok(value.unwrap_or_default().chars().count().to_string()),
            Operation::Trim { suffix, longest, pattern } => {
                let value = value.unwrap_or_default();
                let pattern = self.expand_pattern(pattern, io)?;
                self.check_pattern(&value)?;
                Ok(if *suffix {
                    value[..pattern.suffix(&value, *longest).unwrap_or(value.len())].to_owned()
                } else {
                    value[pattern.prefix(&value, *longest).unwrap_or(0)..].to_owned()
                })
            }
            Operation::Replace { all, pattern, with } => {
                let value = value.unwrap_or_default();
                let pattern = self.expand_pattern(pattern, io)?;
                let with = self.expand_one(with, io)?;
                self.check_pattern(&value)?;
                Ok(replace(&value, &pattern, &with, *all))
            }
        }
    }

    /// Trimming tries every length: only texts that a person could have written are worth it.
    fn check_pattern(&self, value: &str) -> Run<()> {
        if value.len() > 8192 { Err(self.obstacle("a text is too long to be matched")) } else { Ok(()) }
    }

    /// What a command prints, without the line ends behind it.
    fn substitute(&mut self, body: &List, io: &mut Io) -> Run<String> {
        let (output, buffer) = Output::buffer();
        let mut inner = io.clone();
        inner.0.insert(1, super::Stream::Out(output));
        self.status = self.subshell(|shell| shell.run_list(body, &mut inner))?;
        self.substituted = Some(self.status);
        let printed = buffer.borrow();
        if printed.len() > MAX_TEXT {
            return Err(self.obstacle("a command prints too much"));
        }
        // As a shell does, NUL bytes are dropped.
        let text = String::from_utf8_lossy(&printed).replace('\0', "");
        Ok(text.trim_end_matches('\n').to_owned())
    }

    fn arithmetic(&mut self, expression: &Word, io: &mut Io) -> Run<String> {
        let text = self.expand_one(expression, io)?;
        let mut sum = Sum { text: text.as_bytes(), at: 0, shell: self, depth: 0 };
        match sum.comparison().filter(|_| sum.peek().is_none()) {
            Some(value) => Ok(value.to_string()),
            None => Err(self.obstacle(format!("the sum `{text}` is not understood"))),
        }
    }

    /// Adds the paths that a word with unquoted `*`, `?` or `[` stands for, or the word itself.
    fn paths(&self, field: &Text, result: &mut Vec<String>) {
        let plain: String = field.iter().map(|(c, _)| *c).collect();
        if !Pattern::new(field).is_special() {
            result.push(plain);
            return;
        }
        let mut found = vec![if plain.starts_with('/') { "/".to_owned() } else { String::new() }];
        for part in field.split(|(c, _)| *c == '/').filter(|part| !part.is_empty()) {
            let pattern = Pattern::new(part);
            let text: String = part.iter().map(|(c, _)| *c).collect();
            let hidden = text.starts_with('.');
            let mut next = Vec::new();
            for base in found {
                let join = |name: &str| {
                    if base.is_empty() || base.ends_with('/') {
                        format!("{base}{name}")
                    } else {
                        format!("{base}/{name}")
                    }
                };
                if pattern.is_special() {
                    let names = self.root.names(&self.path(if base.is_empty() { "." } else { &base }));
                    let fit = |n: &String| (hidden || !n.starts_with('.')) && pattern.matches(n);
                    next.extend(names.iter().filter(|n| fit(n)).map(|n| join(n)));
                } else if self.root.stat(&self.path(&join(&text)), false).is_some() {
                    next.push(join(&text));
                }
            }
            found = next;
        }
        if found.is_empty() {
            result.push(plain);
        } else {
            result.extend(found);
        }
    }
}

/// Puts `with` in place of the first or of all longest matches.
fn replace(value: &str, pattern: &Pattern, with: &str, all: bool) -> String {
    let mut result = String::new();
    let mut rest = value;
    while let Some(c) = rest.chars().next() {
        match pattern.prefix(rest, true).filter(|length| *length > 0) {
            Some(length) => {
                result.push_str(with);
                rest = &rest[length..];
                if !all {
                    break;
                }
            }
            None => {
                result.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    result + rest
}

/// `$((…))`: whole numbers, the four operations, remainder, comparisons and brackets.
struct Sum<'a, 'b, 'c> {
    text: &'a [u8],
    at: usize,
    shell: &'b Shell<'c>,
    depth: u32,
}

impl Sum<'_, '_, '_> {
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn eat(&mut self, operator: &str) -> bool {
        self.peek();
        let found = self.text[self.at..].starts_with(operator.as_bytes());
        self.at += if found { operator.len() } else { 0 };
        found
    }

    fn comparison(&mut self) -> Option<i64> {
        type Compare = fn(&i64, &i64) -> bool;
        const COMPARISONS: [(&str, Compare); 6] =
            [("==", i64::eq), ("!=", i64::ne), ("<=", i64::le), (">=", i64::ge), ("<", i64::lt), (">", i64::gt)];
        let left = self.sum()?;
        for (operator, holds) in COMPARISONS {
            if self.eat(operator) {
                return Some(i64::from(holds(&left, &self.sum()?)));
            }
        }
        Some(left)
    }

    fn sum(&mut self) -> Option<i64> {
        let mut value = self.product()?;
        loop {
            if self.eat("+") {
                value = value.checked_add(self.product()?)?;
            } else if self.eat("-") {
                value = value.checked_sub(self.product()?)?;
            } else {
                return Some(value);
            }
        }
    }

    fn product(&mut self) -> Option<i64> {
        let mut value = self.factor()?;
        loop {
            if self.eat("*") {
                value = value.checked_mul(self.factor()?)?;
            } else if self.eat("/") {
                value = value.checked_div(self.factor()?)?;
            } else if self.eat("%") {
                value = value.checked_rem(self.factor()?)?;
            } else {
                return Some(value);
            }
        }
    }

    fn factor(&mut self) -> Option<i64> {
        self.depth += 1;
        if self.depth > 50 {
            return None;
        }
        let value = match self.peek()? {
            b'(' => {
                self.at += 1;
                let value = self.comparison()?;
                self.eat(")").then_some(value)?
            }
            b'-' => {
                self.at += 1;
                self.factor()?.checked_neg()?
            }
            b'0'..=b'9' => self.number()?,
            _ => {
                let start = self.at;
                while self.text.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_') {
                    self.at += 1;
                }
                let name = std::str::from_utf8(&self.text[start..self.at]).ok().filter(|n| !n.is_empty())?;
                self.shell.variable(name).unwrap_or("0").trim().parse().ok()?
            }
        };
        self.depth -= 1;
        Some(value)
    }

    fn number(&mut self) -> Option<i64> {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_alphanumeric) {
            self.at += 1;
        }
        let digits = std::str::from_utf8(&self.text[start..self.at]).ok()?;
        match digits.strip_prefix('0') {
            Some("") => Some(0),
            Some(rest) if rest.starts_with(['x', 'X']) => i64::from_str_radix(&rest[1..], 16).ok(),
            Some(rest) => i64::from_str_radix(rest, 8).ok(),
            None => digits.parse().ok(),
        }
    }
}

/// An input of text.
pub(super) fn text_input(text: String) -> Input {
    Input::new(text.into_bytes())
}
