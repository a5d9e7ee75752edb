//! apk's order (apk-package(5), as apk-tools 3 has it).
//!
//! A version is numbers with dots, perhaps a letter, suffixes with numbers (`_alpha`, `_rc2`, `_p1`), the hash of a
//! commit (`~4b825d`) and the revision of the package (`-r0`), in that order. Suffixes come before or after the bare version.

use super::{digits, pairwise};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    if !is_version(a) || !is_version(b) {
        return None;
    }
    Some(pairwise::compare(Tokens::of(a).flatten(), Tokens::of(b).flatten(), compare_tokens))
}

fn is_version(text: &str) -> bool {
    !text.is_empty() && Tokens::of(text).all(|token| token.is_some())
}

/// A part of a version. What may follow what is the order of the variants.
#[derive(Debug, Clone, Copy)]
enum Token<'a> {
    First(&'a str),
    /// Digits behind a dot.
    Digits(&'a str),
    Letter(u8),
    /// A suffix by its place in [`SUFFIXES`].
    Suffix(usize),
    SuffixNumber(&'a str),
    Hash(&'a str),
    Revision(&'a str),
}

/// The suffixes, earliest first; the first [`BEFORE_RELEASE`] of them are earlier than a version without any.
const SUFFIXES: [&str; 9] = ["alpha", "beta", "pre", "rc", "cvs", "svn", "git", "hg", "p"];
const BEFORE_RELEASE: usize = 4;

fn compare_tokens(a: Option<Token>, b: Option<Token>) -> Ordering {
    match (a, b) {
        // Digits behind a dot that begin with a zero are a fraction: 1.05 is earlier than 1.1.
        (Some(Token::Digits(a)), Some(Token::Digits(b))) if a.starts_with('0') || b.starts_with('0') => a.cmp(b),
        (Some(Token::First(a)), Some(Token::First(b)))
        | (Some(Token::Digits(a)), Some(Token::Digits(b)))
        | (Some(Token::SuffixNumber(a)), Some(Token::SuffixNumber(b)))
        | (Some(Token::Revision(a)), Some(Token::Revision(b))) => digits::compare(a, b),
        (Some(Token::Letter(a)), Some(Token::Letter(b))) => a.cmp(&b),
        (Some(Token::Suffix(a)), Some(Token::Suffix(b))) => a.cmp(&b),
        (Some(Token::Hash(a)), Some(Token::Hash(b))) => a.cmp(b),
        (a, b) => weight(a).cmp(&weight(b)),
    }
}

/// Where one version has a part of another kind than the other: what could stand earlier in a version is greater,
/// and anything is greater than the end, but a suffix of what is not yet released.
fn weight(token: Option<Token>) -> u8 {
    match token {
        Some(Token::Suffix(suffix)) if suffix < BEFORE_RELEASE => 0,
        None => 1,
        Some(Token::Revision(_)) => 2,
        Some(Token::Hash(_)) => 3,
        Some(Token::SuffixNumber(_)) => 4,
        Some(Token::Suffix(_)) => 5,
        Some(Token::Letter(_)) => 6,
        Some(Token::Digits(_)) => 7,
        Some(Token::First(_)) => 8,
    }
}

/// The parts of a text. One that is none where it should have gone on is no version, and the last.
struct Tokens<'a> {
    rest: &'a str,
    last: Option<Token<'a>>,
}

impl<'a> Tokens<'a> {
    fn of(text: &'a str) -> Self {
        Tokens { rest: text, last: None }
    }

    fn read(&mut self) -> Option<Token<'a>> {
        let first = self.rest.bytes().next()?;
        match (first, self.last) {
            (_, None) => self.digits(0).map(Token::First),
            (b'.', Some(Token::First(_) | Token::Digits(_))) => self.digits(1).map(Token::Digits),
            (b'a'..=b'z', Some(Token::First(_) | Token::Digits(_))) => {
                self.rest = self.rest.get(1..)?;
                Some(Token::Letter(first))
            }
            (b'_', Some(last)) if !matches!(last, Token::Hash(_) | Token::Revision(_)) => self.suffix(),
            (b'0'..=b'9', Some(Token::Suffix(_))) => self.digits(0).map(Token::SuffixNumber),
            (b'~', Some(last)) if !matches!(last, Token::Hash(_) | Token::Revision(_)) => self.hash(),
            (b'-', Some(last)) if !matches!(last, Token::Revision(_)) && self.rest.starts_with("-r") => {
                self.digits(2).map(Token::Revision)
            }
            _ => None,
        }
    }

    /// Takes `mark` bytes and the digits behind them.
    fn digits(&mut self, mark: usize) -> Option<&'a str> {
        let (digits, rest) = digits::split(self.rest.get(mark..)?);
        self.rest = rest;
        (!digits.is_empty()).then_some(digits)
    }

    fn suffix(&mut self) -> Option<Token<'a>> {
        let word = self.run(|c| c.is_ascii_lowercase())?;
        SUFFIXES.iter().position(|&suffix| suffix == word).map(Token::Suffix)
    }

    fn hash(&mut self) -> Option<Token<'a>> {
        self.run(|c| c.is_ascii_hexdigit()).map(Token::Hash)
    }

    /// Takes a mark and the characters behind it that belong to it, at least one.
    fn run(&mut self, belongs: impl Fn(char) -> bool) -> Option<&'a str> {
        let text = self.rest.get(1..)?;
        let (run, rest) = text.split_at(text.find(|c| !belongs(c)).unwrap_or(text.len()));
        self.rest = rest;
        (!run.is_empty()).then_some(run)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Option<Token<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.last = self.read();
        if self.last.is_none() {
            self.rest = "";
        }
        Some(self.last)
    }
}
