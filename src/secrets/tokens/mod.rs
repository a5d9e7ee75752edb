//! Tokens that are known by their look: a mark that issuers put into them, and characters of a certain kind and number
//! around it.
//!
//! The tables beside this file hold one row for each form. All marks are searched for together, in runs
//! (`runs`) and shortly before them; where one stands, its rows are compared with what is around it.

mod code;
mod intelligence;
mod messages;
mod operations;
mod platforms;
mod services;

use super::plausible;
use super::rule::Rule;
use super::set::Set;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::ops::Range;
use std::sync::LazyLock;

/// No mark begins further before the run that makes a token long enough.
pub(super) const OUTSIDE: usize = 10;

/// One form of a token.
#[derive(Debug)]
pub(super) struct Token {
    rule: &'static str,
    /// The mark.
    mark: &'static str,
    /// What stands before the mark: characters, at least and at most so many.
    lead: Option<(Set, usize, usize)>,
    /// What follows the mark, in order.
    parts: &'static [Part],
    edge: Edge,
    /// Judges the whole token.
    check: Option<fn(&[u8]) -> bool>,
}

/// A part of a token behind its mark.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// This text.
    Is(&'static str),
    /// Characters, at least and at most so many. It takes all that there are; more than allowed are none.
    Of(Set, usize, usize),
}

use Part::{Is, Of};

/// What may stand before a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edge {
    /// Anything: in programs, texts stand without anything between them. For marks that nothing else has.
    Anything,
    /// No letter and no digit.
    Word,
    /// Nothing that could be a part of the token: for long tokens, so that each run is tried once.
    Run,
    /// Nothing of base64, before it and behind it: for marks that data in base64 has now and then.
    Alone,
}

const fn token(rule: &'static str, mark: &'static str, parts: &'static [Part]) -> Token {
    Token { rule, mark, lead: None, parts, edge: Edge::Word, check: None }
}

impl Token {
    const fn anywhere(self) -> Token {
        Token { edge: Edge::Anything, ..self }
    }

    const fn whole_run(self) -> Token {
        Token { edge: Edge::Run, ..self }
    }

    const fn alone(self) -> Token {
        Token { edge: Edge::Alone, ..self }
    }

    const fn behind(self, set: Set, least: usize, most: usize) -> Token {
        Token { lead: Some((set, least, most)), ..self }
    }

    const fn checked(self, check: fn(&[u8]) -> bool) -> Token {
        Token { check: Some(check), ..self }
    }

    /// Where the token stands whose mark is at `at`.
    fn matched(&self, text: &[u8], at: usize) -> Option<Range<usize>> {
        let start = match self.lead {
            None => at,
            Some((set, least, most)) => {
                let lead = set.trailing(&text[..at], most + 1);
                (least..=most).contains(&lead).then(|| at - lead)?
            }
        };
        if !self.begins(&text[..start]) {
            return None;
        }
        let mut end = at + self.mark.len();
        let body = end;
        for (i, part) in self.parts.iter().enumerate() {
            let rest = text.get(end..)?;
            end += match *part {
                Is(word) => rest.starts_with(word.as_bytes()).then_some(word.len())?,
                Of(set, _, most) if self.is_open() && i + 1 == self.parts.len() => {
                    (set.leading(rest, most) == most).then_some(most)?
                }
                Of(set, least, most) => Some(set.leading(rest, most + 1)).filter(|n| (least..=most).contains(n))?,
            };
        }
        if !self.is_open() && text.get(end).is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let random =
            plausible::random(text.get(body..end).filter(|body| body.len() >= 12).unwrap_or(&text[start..end]));
        let sound = random && self.check.is_none_or(|check| check(&text[start..end]));
        sound.then_some(start..end)
    }

    /// Whether it ends where it ends, whatever follows: where its mark and its checksum prove it.
    fn is_open(&self) -> bool {
        self.edge == Edge::Anything && self.check.is_some()
    }

    /// Whether a token can begin behind this text.
    fn begins(&self, before: &[u8]) -> bool {
        let Some(last) = before.last() else { return true };
        let free = match self.edge {
            Edge::Anything => true,
            Edge::Word => !last.is_ascii_alphanumeric(),
            Edge::Run => !Set::NAME.has(*last),
            Edge::Alone => !Set::BASE64_ANY.has(*last) || *last == b'=',
        };
        free || ends_with_escape(before)
    }
}

/// Whether a text ends with what stands for another character: `\n`, `\t`, `\r` of JSON and programs, `%3D` of addresses.
pub(super) fn ends_with_escape(text: &[u8]) -> bool {
    match text {
        [.., b'\\', b'n' | b't' | b'r'] => true,
        [.., b'%', a, b] => Set::HEX_ANY.has(*a) && Set::HEX_ANY.has(*b),
        _ => false,
    }
}

/// What stands at a mark.
pub(super) enum Mark {
    /// A form of this table.
    Form(&'static Token),
    /// Something that is judged by code of its own: this many-th of the marks that the caller gave.
    Own(usize),
}

/// All marks, to be searched for together.
pub(super) struct Marks {
    automaton: AhoCorasick,
    marks: Vec<Mark>,
}

impl Marks {
    /// The marks of the tables and `own` marks of the caller.
    ///
    /// # Panics
    /// Where there are too many marks for an automaton, which does not depend on what is read.
    fn new(own: &[&'static str]) -> Marks {
        let tables =
            [code::TABLE, intelligence::TABLE, messages::TABLE, operations::TABLE, platforms::TABLE, services::TABLE];
        let forms: Vec<&'static Token> = tables.into_iter().flatten().collect();
        let words = forms.iter().map(|token| token.mark).chain(own.iter().copied());
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::DFA))
            .match_kind(MatchKind::Standard)
            .build(words)
            .expect("a few hundred short words make a small automaton");
        let marks = forms.into_iter().map(Mark::Form).chain((0..own.len()).map(Mark::Own)).collect();
        Marks { automaton, marks }
    }

    /// Calls `found` with each mark in `text` and where it begins.
    pub(super) fn each(&self, text: &[u8], mut found: impl FnMut(&Mark, usize, usize)) {
        for hit in self.automaton.find_overlapping_iter(text) {
            if let Some(mark) = self.marks.get(hit.pattern().as_usize()) {
                found(mark, hit.start(), hit.end());
            }
        }
    }
}

/// The marks, with those of `marks::OWN` behind the tables'.
pub(super) static MARKS: LazyLock<Marks> = LazyLock::new(|| Marks::new(super::marks::OWN));

/// The token that stands at the mark of a form, and how many of its first bytes everybody knows.
pub(super) fn at(token: &'static Token, text: &[u8], at: usize) -> Option<(&'static Rule, Range<usize>, usize)> {
    let range = token.matched(text, at)?;
    let known = if range.start == at { token.mark.len() } else { 0 };
    Some((Rule::named(token.rule)?, range, known))
}
