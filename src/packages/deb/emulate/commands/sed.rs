//! `sed`: substitution, printing, deleting, by line or expression.

use super::options::Known;
use super::pattern::{Style, compile};
use crate::packages::deb::emulate::shell::{Io, Run, Shell};
use crate::packages::deb::root::Fault;
use regex::bytes::{Captures, Regex};

/// Which lines a command is for.
enum Address {
    Line(usize),
    Last,
    Match(Regex),
}

enum Action {
    Substitute {
        pattern: Regex,
        with: Vec<Piece>,
        all: bool,
        print: bool,
    },
    Transliterate(Vec<(u8, u8)>),
    Print,
    Delete,
    Quit,
    Append(Vec<u8>),
    Insert(Vec<u8>),
    Change(Vec<u8>),
    /// The position of the command behind the closing bracket.
    Block(usize),
    Nothing,
}

/// A piece of what is put in place of a match.
enum Piece {
    Text(Vec<u8>),
    Group(usize),
}

struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    action: Action,
}

pub(super) fn sed(shell: &mut Shell<'_>, arguments: &[String], io: &mut Io) -> Run<i32> {
    const KNOWN: Known = Known {
        flags: "nErsuiz",
        valued: "ef",
        long: &[("expression", 'e'), ("quiet", 'n'), ("silent", 'n'), ("regexp-extended", 'E'), ("in-place", 'i')],
    };
    // `-i.bak` keeps a copy, which nothing here needs.
    let arguments: Vec<String> = arguments
        .iter()
        .map(|a| if a.starts_with("-i") && a.contains('.') { "-i".to_owned() } else { a.clone() })
        .collect();
    let given = KNOWN.read(shell, &arguments)?;
    if given.has('f') || given.has('z') {
        return Err(shell.obstacle("this option of `sed` is not understood"));
    }
    let mut operands = given.operands.as_slice();
    let mut script: Vec<&str> = given.values('e').collect();
    if script.is_empty() {
        let Some((first, rest)) = operands.split_first() else { return Err(shell.obstacle("`sed` has no script")) };
        (script, operands) = (vec![first.as_str()], rest);
    }
    let text = script.join("\n");
    let extended = given.has('E') || given.has('r');
    let commands = Reader { text: &text, at: 0, extended }.commands();
    let commands = commands.ok_or_else(|| shell.obstacle("this `sed` script is not understood"))?;
    let quiet = given.has('n');
    if given.has('i') {
        return in_place(shell, &commands, quiet, operands, io);
    }
    let (bytes, status) = super::text::inputs(shell, "sed", operands, io)?;
    io.print(run(&commands, quiet, &bytes));
    Ok(status)
}

fn in_place(shell: &mut Shell<'_>, commands: &[Command], quiet: bool, files: &[String], io: &Io) -> Run<i32> {
    let mut status = 0;
    for file in files {
        let path = shell.path(file);
        let change = |shell: &mut Shell<'_>| -> Result<(), Fault> {
            let old = shell.root.read(&path)?;
            let new = run(commands, quiet, &old);
            if new == old { Ok(()) } else { shell.root.write(&path, &new, 0o644) }
        };
        let result = change(shell);
        status = status.max(shell.answer(io, "sed", file, result)?);
    }
    Ok(status)
}

/// Runs a script over a text.
fn run(commands: &[Command], quiet: bool, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    let has_end = lines.last().is_some_and(|last| last.is_empty());
    if has_end {
        lines.pop();
    }
    // For each command with two addresses, whether it is between them.
    let mut inside = vec![false; commands.len()];
    'lines: for (number, line) in lines.iter().enumerate() {
        let last = number + 1 == lines.len();
        let end: &[u8] = if last && !has_end { b"" } else { b"\n" };
        let mut space = line.to_vec();
        let mut after = Vec::new();
        let mut at = 0;
        while let Some(command) = commands.get(at) {
            let applies = command.applies(number + 1, last, &space, &mut inside[at]);
            at += 1;
            match &command.action {
                Action::Block(behind) if !applies => at = *behind,
                _ if !applies => {}
                Action::Substitute { pattern, with, all, print } => {
                    let limit = if *all { 0 } else { 1 };
                    let changed = pattern.replacen(&space, limit, |groups: &Captures<'_>| fill(with, groups));
                    if let std::borrow::Cow::Owned(new) = changed {
                        space = new;
                        if *print {
                            out.extend_from_slice(&[&space, end].concat());
                        }
                    }
                }
                Action::Transliterate(pairs) => {
                    for byte in &mut space {
                        if let Some((_, to)) = pairs.iter().find(|(from, _)| from == byte) {
                            *byte = *to;
                        }
                    }
                }
                Action::Print => out.extend_from_slice(&[&space, end].concat()),
                Action::Delete => {
                    out.extend_from_slice(&after);
                    continue 'lines;
                }
                Action::Quit => {
                    if !quiet {
                        out.extend_from_slice(&[&space, end].concat());
                    }
                    out.extend_from_slice(&after);
                    return out;
                }
                Action::Append(text) => after.extend_from_slice(text),
                Action::Insert(text) => out.extend_from_slice(text),
                Action::Change(text) => {
                    if command.to.is_none() || !inside[at - 1] {
                        out.extend_from_slice(text);
                    }
                    continue 'lines;
                }
                Action::Block(_) | Action::Nothing => {}
            }
        }
        if !quiet {
            out.extend_from_slice(&[&space, end].concat());
        }
        out.extend_from_slice(&after);
    }
    out
}

fn fill(pieces: &[Piece], groups: &Captures<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Group(n) => out.extend_from_slice(groups.get(*n).map_or(b"", |m| m.as_bytes())),
        }
    }
    out
}

impl Address {
    fn meets(&self, number: usize, last: bool, space: &[u8]) -> bool {
        match self {
            Address::Line(line) => *line == number,
            Address::Last => last,
            Address::Match(pattern) => pattern.is_match(space),
        }
    }
}

impl Command {
    fn applies(&self, number: usize, last: bool, space: &[u8], inside: &mut bool) -> bool {
        let meets = match (&self.from, &self.to) {
            (None, _) => true,
            (Some(from), None) => from.meets(number, last, space),
            (Some(_), Some(to)) if *inside => {
                // A line number that has passed ends the range at once.
                *inside = !match to {
                    Address::Line(line) => *line <= number,
                    other => other.meets(number, last, space),
                };
                true
            }
            (Some(from), Some(to)) => {
                let begins = from.meets(number, last, space);
                *inside = begins && !matches!(to, Address::Line(line) if *line <= number);
                begins
            }
        };
        meets != self.negated
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    extended: bool,
}

impl Reader<'_> {
    fn commands(mut self) -> Option<Vec<Command>> {
        let mut commands: Vec<Command> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            self.skip(|c| c.is_whitespace() || c == ';');
            let Some(c) = self.peek() else { return open.is_empty().then_some(commands) };
            if c == '}' {
                self.at += 1;
                let block = open.pop()?;
                commands[block].action = Action::Block(commands.len());
                continue;
            }
            let from = self.address()?;
            self.skip(|c| c == ' ');
            let to = if self.eat(',') {
                self.skip(|c| c == ' ');
                Some(self.address()??)
            } else {
                None
            };
            self.skip(|c| c == ' ');
            let negated = self.eat('!');
            self.skip(|c| c == ' ');
            let action = self.action()?;
            if matches!(action, Action::Block(_)) {
                open.push(commands.len());
            }
            commands.push(Command { from, to, negated, action });
        }
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        self.at += if found { c.len_utf8() } else { 0 };
        found
    }

    fn skip(&mut self, over: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&over) {
            self.next();
        }
    }

    /// The outer option is none for what is not understood.
    fn address(&mut self) -> Option<Option<Address>> {
        Some(Some(match self.peek() {
            Some('$') => {
                self.at += 1;
                Address::Last
            }
            Some('0'..='9') => {
                let start = self.at;
                self.skip(|c| c.is_ascii_digit());
                Address::Line(self.text[start..self.at].parse().ok()?)
            }
            Some('/') => {
                self.at += 1;
                Address::Match(self.pattern('/', false)?)
            }
            Some('\\') => {
                self.at += 1;
                let delimiter = self.next()?;
                Address::Match(self.pattern(delimiter, false)?)
            }
            _ => return Some(None),
        }))
    }

    fn pattern(&mut self, delimiter: char, any_case: bool) -> Option<Regex> {
        let text = self.until(delimiter, true)?;
        compile(&text, Style { extended: self.extended, any_case, ..Style::default() })
    }

    /// The text up to a delimiter, which behind a backslash stands for itself; in brackets it is nothing special.
    fn until(&mut self, delimiter: char, brackets: bool) -> Option<String> {
        let mut text = String::new();
        let mut bracket = false;
        loop {
            let c = self.next()?;
            match c {
                c if c == delimiter && !bracket => return Some(text),
                '\\' if !bracket => {
                    let next = self.next()?;
                    if next != delimiter || "()|{}+?1234567890&".contains(next) {
                        text.push('\\');
                    }
                    text.push(next);
                    continue;
                }
                '[' if brackets && !bracket => {
                    bracket = true;
                    text.push(c);
                    if self.eat('^') {
                        text.push('^');
                    }
                    if self.eat(']') {
                        text.push(']');
                    }
                    continue;
                }
                ']' => bracket = false,
                _ => {}
            }
            text.push(c);
        }
    }

    fn action(&mut self) -> Option<Action> {
        let action = match self.next()? {
            '{' => return Some(Action::Block(0)),
            '#' => {
                self.skip(|c| c != '\n');
                return Some(Action::Nothing);
            }
            's' => self.substitute()?,
            'y' => {
                let delimiter = self.next()?;
                let (from, to) = (self.until(delimiter, false)?, self.until(delimiter, false)?);
                let is_plain = from.len() == to.len() && from.is_ascii() && to.is_ascii() && !from.contains('\\');
                is_plain.then(|| Action::Transliterate(from.bytes().zip(to.bytes()).collect()))?
            }
            'p' => Action::Print,
            'd' => Action::Delete,
            'q' => Action::Quit,
            'a' => return Some(Action::Append(self.lines_of_text())),
            'i' => return Some(Action::Insert(self.lines_of_text())),
            'c' => return Some(Action::Change(self.lines_of_text())),
            _ => return None,
        };
        self.skip(|c| c == ' ');
        matches!(self.peek(), None | Some(';' | '\n' | '}')).then_some(action)
    }

    /// What follows `a`, `i` and `c`: text up to a line end without a backslash before it.
    fn lines_of_text(&mut self) -> Vec<u8> {
        self.skip(|c| c == ' ');
        if self.eat('\\') {
            self.skip(|c| c == ' ');
            self.eat('\n');
        }
        let mut text = String::new();
        while let Some(c) = self.next() {
            match c {
                '\n' => break,
                '\\' => text.extend(self.next()),
                c => text.push(c),
            }
        }
        text.push('\n');
        text.into_bytes()
    }

    fn substitute(&mut self) -> Option<Action> {
        let delimiter = self.next()?;
        let pattern = self.until(delimiter, true)?;
        let with = self.until(delimiter, false)?;
        let (mut all, mut print, mut any_case) = (false, false, false);
        loop {
            match self.peek() {
                Some('g') => all = true,
                Some('p') => print = true,
                Some('i' | 'I') => any_case = true,
                Some('0'..='9' | 'e' | 'w' | 'm' | 'M') => return None,
                _ => break,
            }
            self.next();
        }
        let pattern = compile(&pattern, Style { extended: self.extended, any_case, ..Style::default() })?;
        let with = replacement(&with)?;
        let within = |piece: &Piece| !matches!(piece, Piece::Group(n) if *n >= pattern.captures_len());
        with.iter().all(within).then_some(Action::Substitute { pattern, with, all, print })
    }
}

fn replacement(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut plain = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let group = match c {
            '&' => Some(0),
            '\\' => match chars.next()? {
                digit @ '0'..='9' => digit.to_digit(10).map(|d| d as usize),
                'n' => {
                    plain.push(b'\n');
                    None
                }
                't' => {
                    plain.push(b'\t');
                    None
                }
                // Changing case is GNU's own.
                'L' | 'U' | 'l' | 'u' | 'E' => return None,
                other => {
                    plain.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                    None
                }
            },
            other => {
                plain.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes());
                None
            }
        };
        if let Some(group) = group {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
            pieces.push(Piece::Group(group));
        }
    }
    pieces.push(Piece::Text(plain));
    Some(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sed(script: &str, quiet: bool, text: &str) -> String {
        let commands = Reader { text: script, at: 0, extended: false }.commands().unwrap();
        String::from_utf8(run(&commands, quiet, text.as_bytes())).unwrap()
    }

    #[test]
    fn scripts_do_what_they_should() {
        let text = "one\ntwo\nthree\n";
        let cases = [
            ("s/o/0/", "0ne\ntw0\nthree\n"),
            ("s/\\(t\\)\\(.\\)/\\2\\1/;s|e$|&!|", "one!\nwto\nhtree!\n"),
            ("2d", "one\nthree\n"),
            ("$d", "one\ntwo\n"),
            ("/tw/,$d", "one\n"),
            ("/tw/!d", "two\n"),
            ("2q", "one\ntwo\n"),
            ("/two/a\\\nnext", "one\ntwo\nnext\nthree\n"),
            ("1i\\first", "first\none\ntwo\nthree\n"),
            ("/two/{s/t/T/;s/w/W/}", "one\nTWo\nthree\n"),
            ("y/eo/30/", "0n3\ntw0\nthr33\n"),
            ("s/[/]x//", "one\ntwo\nthree\n"),
        ];
        for (script, expected) in cases {
            assert_eq!(sed(script, false, text), expected, "{script}");
        }
        assert_eq!(sed("/t/p", true, text), "two\nthree\n");
        assert_eq!(sed("s/one/1/p", true, text), "1\n");
        assert_eq!(sed("s/x/y/", false, "no end"), "no end");
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for script in ["s/a/b/w file", "N;P", "s/a", "{p", "s/a/\\2/", ":x;bx", "e reboot", "s/\\(a\\)\\1/b/"] {
            assert!(Reader { text: script, at: 0, extended: false }.commands().is_none(), "{script}");
        }
    }
}
