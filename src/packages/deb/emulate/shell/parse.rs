//! From the text of a script to its syntax: the shell's grammar as POSIX has it, and what Debian's scripts
//! take from bash.
//!
//! Whatever is not understood is an error; nothing is passed over.

use super::syntax::{AndOr, Arm, Body, Command, Join, List, Piece, Pipeline, Redirect, RedirectKind, Word};
use std::cell::OnceCell;
use std::rc::Rc;

/// How deep constructs may be nested.
const MAX_DEPTH: u32 = 60;

/// Why a text is no script that kiln can read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// The line, counted from 1.
    pub(crate) line: u32,
    /// What is wrong there.
    pub(crate) reason: &'static str,
}

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// Reads a script.
pub(super) fn parse(text: &str) -> Parsed<List> {
    parse_from(text, 1, 0)
}

/// Reads a piece of a script that began on a later line, as deep as it stood.
pub(super) fn parse_from(text: &str, line: u32, depth: u32) -> Parsed<List> {
    let mut parser = Parser { text, at: 0, line, depth, here: Vec::new() };
    let list = parser.list()?;
    parser.blank();
    if parser.at < text.len() {
        return Err(parser.fail("something stands there that belongs to no command"));
    }
    if parser.here.is_empty() { Ok(list) } else { Err(parser.fail("the text of a `<<` is missing")) }
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    pub(super) line: u32,
    pub(super) depth: u32,
    /// Texts behind the present line that were announced but not read yet.
    pub(super) here: Vec<Here>,
}

pub(super) struct Here {
    end: String,
    strip_tabs: bool,
    literal: bool,
    cell: Rc<OnceCell<Word>>,
}

impl Parser<'_> {
    pub(super) fn fail(&self, reason: &'static str) -> SyntaxError {
        SyntaxError { line: self.line, reason }
    }

    pub(super) fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn starts(&self, prefix: &str) -> bool {
        self.rest().starts_with(prefix)
    }

    pub(super) fn eat(&mut self, prefix: &str) -> bool {
        let found = self.starts(prefix);
        if found {
            self.advance(prefix.len());
        }
        found
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        let passed = &self.text[self.at..self.at + bytes];
        self.line += passed.bytes().filter(|b| *b == b'\n').count() as u32;
        self.at += bytes;
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.advance(c.len_utf8());
        Some(c)
    }

    /// Passes over spaces, continued lines and comments.
    fn blank(&mut self) {
        loop {
            if self.eat(" ") || self.eat("\t") || self.eat("\\\n") {
                continue;
            }
            if self.starts("#") {
                let end = self.rest().find('\n').unwrap_or(self.rest().len());
                self.advance(end);
            }
            return;
        }
    }

    /// Passes over line ends too; texts of `<<` are read where their line ends.
    fn lines(&mut self) -> Parsed<()> {
        loop {
            self.blank();
            if !self.line_end()? {
                return Ok(());
            }
        }
    }

    fn line_end(&mut self) -> Parsed<bool> {
        if !self.eat("\n") {
            return Ok(false);
        }
        for here in std::mem::take(&mut self.here) {
            self.here_text(here)?;
        }
        Ok(true)
    }

    fn here_text(&mut self, here: Here) -> Parsed<()> {
        let mut body = String::new();
        let start = self.line;
        loop {
            if self.at == self.text.len() {
                return Err(self.fail("the text of a `<<` has no end"));
            }
            let length = self.rest().find('\n').map_or(self.rest().len(), |end| end + 1);
            let line = self.rest()[..length].to_owned();
            self.advance(length);
            let line = if here.strip_tabs { line.trim_start_matches('\t') } else { &line };
            if line.strip_suffix('\n').unwrap_or(line) == here.end {
                break;
            }
            body.push_str(line);
        }
        let word = if here.literal {
            Word(vec![Piece::Text { text: body, quoted: true }])
        } else {
            let mut parser = Parser { text: &body, at: 0, line: start, depth: self.depth, here: Vec::new() };
            parser.quoted_pieces(None)?
        };
        here.cell.set(word).map_err(|_| self.fail("the text of a `<<` is read twice"))
    }

    /// Runs `inner` one level deeper.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(self.fail("it is nested too deeply"));
        }
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Commands up to something that ends a list: a closing keyword, `)`, `;;` or the end.
    pub(super) fn list(&mut self) -> Parsed<List> {
        let mut list = List::default();
        loop {
            self.lines()?;
            if self.at_list_end() {
                return Ok(list);
            }
            let mut item = self.deeper(Self::and_or)?;
            self.blank();
            if self.starts("&") && !self.starts("&&") {
                self.advance(1);
                item.background = true;
            } else if !self.starts(";;") && !self.eat(";") && !self.starts("\n") && !self.at_list_end() {
                return Err(self.fail("a command does not end where it should"));
            }
            list.0.push(item);
        }
    }

    fn at_list_end(&self) -> bool {
        const CLOSING: [&str; 8] = ["then", "else", "elif", "fi", "do", "done", "esac", "}"];
        self.at == self.text.len()
            || self.starts(")")
            || self.starts(";;")
            || self.keyword().is_some_and(|word| CLOSING.contains(&word))
    }

    /// The word here, if it could be a keyword: plain and ended.
    fn keyword(&self) -> Option<&str> {
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || ";&|<>()".contains(c)).unwrap_or(rest.len());
        Some(&rest[..end]).filter(|word| !word.is_empty())
    }

    fn eat_keyword(&mut self, word: &str) -> bool {
        let found = self.keyword() == Some(word);
        if found {
            self.advance(word.len());
        }
        found
    }

    fn expect(&mut self, word: &str, reason: &'static str) -> Parsed<()> {
        self.lines()?;
        if self.eat_keyword(word) { Ok(()) } else { Err(self.fail(reason)) }
    }

    fn and_or(&mut self) -> Parsed<AndOr> {
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            self.blank();
            let join = if self.eat("&&") {
                Join::And
            } else if self.eat("||") {
                Join::Or
            } else {
                return Ok(AndOr { first, rest, background: false });
            };
            self.lines()?;
            rest.push((join, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Parsed<Pipeline> {
        self.blank();
        let mut negated = false;
        while self.eat_keyword("!") {
            negated = !negated;
            self.blank();
        }
        let mut commands = vec![self.command()?];
        loop {
            self.blank();
            if self.starts("||") || !self.eat("|") {
                return Ok(Pipeline { negated, commands });
            }
            self.lines()?;
            commands.push(self.command()?);
        }
    }

    fn command(&mut self) -> Parsed<Command> {
        self.blank();
        let line = self.line;
        let keyword = self.keyword().map(str::to_owned);
        let body = match keyword.as_deref() {
            Some("if") => self.if_command()?,
            Some("while" | "until") => self.loop_command()?,
            Some("for") => self.for_command()?,
            Some("case") => self.case_command()?,
            Some("{") => {
                self.advance(1);
                let list = self.list()?;
                self.expect("}", "a `{` is not closed")?;
                Body::Group(list)
            }
            Some("[[") => {
                self.advance(2);
                self.condition()?
            }
            Some("function") => {
                self.advance("function".len());
                self.blank();
                let name = self.keyword().map(str::to_owned).ok_or_else(|| self.fail("a function has no name"))?;
                self.advance(name.len());
                self.blank();
                if self.eat("(") {
                    self.blank();
                    if !self.eat(")") {
                        return Err(self.fail("a function's `(` is not closed"));
                    }
                }
                return self.function(name, line);
            }
            _ if self.starts("((") => return Err(self.fail("`((…))` is not understood")),
            _ if self.eat("(") => {
                let list = self.list()?;
                if !self.eat(")") {
                    return Err(self.fail("a `(` is not closed"));
                }
                Body::Subshell(list)
            }
            _ => return self.simple(line),
        };
        let mut redirects = Vec::new();
        while let Some(redirect) = self.redirect()? {
            redirects.push(redirect);
        }
        Ok(Command { line, body, redirects })
    }

    fn function(&mut self, name: String, line: u32) -> Parsed<Command> {
        self.lines()?;
        let body = Rc::new(self.deeper(Self::command)?);
        Ok(Command { line, body: Body::Function { name, body }, redirects: Vec::new() })
    }

    fn if_command(&mut self) -> Parsed<Body> {
        let mut branches = Vec::new();
        self.advance("if".len());
        loop {
            let condition = self.list()?;
            self.expect("then", "an `if` has no `then`")?;
            branches.push((condition, self.list()?));
            self.lines()?;
            if self.eat_keyword("elif") {
                continue;
            }
            let otherwise = if self.eat_keyword("else") { Some(self.list()?) } else { None };
            self.expect("fi", "an `if` has no `fi`")?;
            return Ok(Body::If { branches, otherwise });
        }
    }

    fn loop_command(&mut self) -> Parsed<Body> {
        let until = self.keyword() == Some("until");
        self.advance("while".len());
        let condition = self.list()?;
        let body = self.do_done()?;
        Ok(Body::Loop { until, condition, body })
    }

    fn do_done(&mut self) -> Parsed<List> {
        self.expect("do", "a loop has no `do`")?;
        let body = self.list()?;
        self.expect("done", "a loop has no `done`")?;
        Ok(body)
    }

    fn for_command(&mut self) -> Parsed<Body> {
        self.advance("for".len());
        self.blank();
        let name = self.keyword().filter(|name| is_name(name)).map(str::to_owned);
        let name = name.ok_or_else(|| self.fail("a `for` has no name"))?;
        self.advance(name.len());
        self.lines()?;
        let words = if self.eat_keyword("in") {
            let mut words = Vec::new();
            self.blank();
            while let Some(word) = self.word()? {
                words.push(word);
                self.blank();
            }
            Some(words)
        } else {
            None
        };
        self.blank();
        self.eat(";");
        let body = self.do_done()?;
        Ok(Body::For { name, words, body })
    }

    fn case_command(&mut self) -> Parsed<Body> {
        self.advance("case".len());
        self.blank();
        let word = self.word()?.ok_or_else(|| self.fail("a `case` has no word"))?;
        self.expect("in", "a `case` has no `in`")?;
        let mut arms = Vec::new();
        loop {
            self.lines()?;
            if self.eat_keyword("esac") {
                return Ok(Body::Case { word, arms });
            }
            self.eat("(");
            let mut patterns = Vec::new();
            loop {
                self.blank();
                patterns.push(self.word()?.ok_or_else(|| self.fail("an arm of a `case` has no pattern"))?);
                self.blank();
                if !self.eat("|") {
                    break;
                }
            }
            if !self.eat(")") {
                return Err(self.fail("an arm of a `case` has no `)`"));
            }
            let body = self.list()?;
            arms.push(Arm { patterns, body });
            self.lines()?;
            if self.starts(";;&") || !self.eat(";;") && self.keyword() != Some("esac") {
                return Err(self.fail("an arm of a `case` does not end"));
            }
        }
    }

    fn condition(&mut self) -> Parsed<Body> {
        let mut words = Vec::new();
        loop {
            self.lines()?;
            if self.eat_keyword("]]") {
                return Ok(Body::Condition(words));
            }
            let operator = ["&&", "||", "<", ">", "(", ")"].into_iter().find(|op| self.starts(op));
            if let Some(operator) = operator {
                self.advance(operator.len());
                words.push(Word(vec![Piece::Text { text: operator.to_owned(), quoted: false }]));
                continue;
            }
            words.push(self.word()?.ok_or_else(|| self.fail("a `[[` is not closed"))?);
        }
    }

    fn simple(&mut self, line: u32) -> Parsed<Command> {
        let (mut assignments, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blank();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            if words.is_empty()
                && let Some(assignment) = self.assignment()?
            {
                assignments.push(assignment);
                continue;
            }
            if let [Word(pieces)] = words.as_slice()
                && self.starts("(")
                && let [Piece::Text { text, quoted: false }] = pieces.as_slice()
                && assignments.is_empty()
                && redirects.is_empty()
            {
                let name = text.clone();
                self.advance(1);
                self.blank();
                if !self.eat(")") {
                    return Err(self.fail("a function's `(` is not closed"));
                }
                return self.function(name, line);
            }
            match self.word()? {
                Some(word) => words.push(word),
                None => break,
            }
        }
        if assignments.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.fail("a command is missing"));
        }
        Ok(Command { line, body: Body::Simple { assignments, words }, redirects })
    }

    fn assignment(&mut self) -> Parsed<Option<(String, Word)>> {
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = rest[..end].to_owned();
        if !is_name(&name) || !rest[end..].starts_with('=') {
            if is_name(&name) && (rest[end..].starts_with("+=") || rest[end..].starts_with('[')) {
                return Err(self.fail("arrays and `+=` are not understood"));
            }
            return Ok(None);
        }
        self.advance(end + 1);
        if self.starts("(") {
            return Err(self.fail("arrays are not understood"));
        }
        Ok(Some((name, self.word()?.unwrap_or_default())))
    }

    fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        self.blank();
        let digits = self.rest().bytes().take_while(u8::is_ascii_digit).count();
        let both = digits == 0 && (self.starts("&>") || self.starts(">&") && !self.rest()[2..].starts_with(is_target));
        if both && self.starts("&>") {
            return Err(self.fail("`&>` is not understood"));
        }
        if !matches!(self.rest().as_bytes().get(digits), Some(b'<' | b'>')) || digits > 3 {
            return Ok(None);
        }
        let number: Option<u32> = self.rest()[..digits].parse().ok();
        self.advance(digits);
        const OPERATORS: [&str; 9] = ["<<-", "<<<", "<<", "<&", "<", ">>", ">&", ">|", ">"];
        let operator = OPERATORS.into_iter().find(|op| self.starts(op)).expect("it was seen to begin with one");
        self.advance(operator.len());
        self.blank();
        let descriptor = number.unwrap_or(if operator.starts_with('<') { 0 } else { 1 });
        if operator == "<<" || operator == "<<-" {
            return self.here(descriptor, operator == "<<-").map(Some);
        }
        let word = self.word()?.ok_or_else(|| self.fail("a redirection leads to nothing"))?;
        let kind = match operator {
            "<" => RedirectKind::Read(word),
            ">" | ">|" => RedirectKind::Write(word),
            ">>" => RedirectKind::Append(word),
            "<&" | ">&" => RedirectKind::Duplicate(word),
            _ => return Err(self.fail("`<<<` is not understood")),
        };
        Ok(Some(Redirect { descriptor, kind }))
    }

    fn here(&mut self, descriptor: u32, strip_tabs: bool) -> Parsed<Redirect> {
        let word = self.word()?.ok_or_else(|| self.fail("a `<<` has no end mark"))?;
        let mut end = String::new();
        let mut literal = false;
        for piece in &word.0 {
            let Piece::Text { text, quoted } = piece else {
                return Err(self.fail("the end mark of a `<<` is no text"));
            };
            end.push_str(text);
            literal |= quoted;
        }
        let cell = Rc::new(OnceCell::new());
        self.here.push(Here { end, strip_tabs, literal, cell: cell.clone() });
        Ok(Redirect { descriptor, kind: RedirectKind::Here(cell) })
    }
}

fn is_target(c: char) -> bool {
    c.is_ascii_digit() || c == '-' || c == '$' || c == ' '
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}
