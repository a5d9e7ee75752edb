//! The order of PEP 440, "Version Identification and Dependency Specification", as the `packaging` library has it.
//!
//! Before all of them come texts that PEP 440 does not know, in the order that setuptools gave them once: releases of
//! that time are still installed, and advisories still name them.

mod legacy;

use super::{digits, pairwise};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (a.trim(), b.trim());
    if a.is_empty() || b.is_empty() {
        return None;
    }
    Some(match (Version::read(a), Version::read(b)) {
        (Some(a), Some(b)) => a.compare(&b),
        (None, None) => legacy::parts(a).cmp(&legacy::parts(b)),
        (a, b) => a.is_some().cmp(&b.is_some()),
    })
}

/// A version in its parts; numbers that may be left out are then empty, which is 0.
struct Version<'a> {
    epoch: &'a str,
    /// Numbers between dots.
    release: &'a str,
    pre: Option<(Stage, &'a str)>,
    post: Option<&'a str>,
    dev: Option<&'a str>,
    local: Option<&'a str>,
}

/// What comes before a release, earliest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Alpha,
    Beta,
    Candidate,
}

/// The words for a stage. A word stands before the words that it begins with.
const STAGES: [(&str, Stage); 8] = [
    ("alpha", Stage::Alpha),
    ("a", Stage::Alpha),
    ("beta", Stage::Beta),
    ("b", Stage::Beta),
    ("rc", Stage::Candidate),
    ("c", Stage::Candidate),
    ("preview", Stage::Candidate),
    ("pre", Stage::Candidate),
];

const POSTS: [(&str, ()); 3] = [("post", ()), ("rev", ()), ("r", ())];
const DEVS: [(&str, ()); 1] = [("dev", ())];

impl<'a> Version<'a> {
    /// Reads a version in any spelling of PEP 440, appendix B.
    fn read(text: &'a str) -> Option<Self> {
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let (public, local) = text.split_once('+').map_or((text, None), |(public, local)| (public, Some(local)));
        let (epoch, mut rest) = public.split_once('!').unwrap_or(("0", public));
        let release = release(&mut rest);
        let pre = word_and_number(&mut rest, &STAGES);
        let post = implicit_post(&mut rest).or_else(|| Some(word_and_number(&mut rest, &POSTS)?.1));
        let dev = word_and_number(&mut rest, &DEVS).map(|(_, number)| number);
        let complete = rest.is_empty()
            && digits::is_number(epoch)
            && !release.is_empty()
            && local.is_none_or(|local| local.split(SEPARATORS).all(is_local));
        complete.then_some(Version { epoch, release, pre, post, dev, local })
    }

    fn compare(&self, other: &Version) -> Ordering {
        digits::compare(self.epoch, other.epoch)
            .then_with(|| super::semver::compare_numbers(self.release, other.release))
            .then_with(|| self.stage().cmp(&other.stage()))
            .then_with(|| compare_numbers(self.pre.map(|(_, n)| n), other.pre.map(|(_, n)| n)))
            .then_with(|| compare_numbers(self.post, other.post))
            .then_with(|| self.dev.is_none().cmp(&other.dev.is_none()))
            .then_with(|| compare_numbers(self.dev, other.dev))
            .then_with(|| compare_local(self.local, other.local))
    }

    /// What is only a development release comes before all stages, and what has no stage behind them.
    fn stage(&self) -> (u8, Option<Stage>) {
        match self.pre {
            Some((stage, _)) => (1, Some(stage)),
            None if self.post.is_none() && self.dev.is_some() => (0, None),
            None => (2, None),
        }
    }
}

const SEPARATORS: [char; 3] = ['-', '_', '.'];

/// Takes numbers with dots between them.
fn release<'a>(text: &mut &'a str) -> &'a str {
    let whole = *text;
    let mut end = digits::split(whole).0.len();
    while end > 0 {
        let digits = whole.get(end..).and_then(|rest| rest.strip_prefix('.')).map_or("", |rest| digits::split(rest).0);
        if digits.is_empty() {
            break;
        }
        end += 1 + digits.len();
    }
    let (release, rest) = whole.split_at(end);
    *text = rest;
    release
}

/// Takes one of the words, with a separator before and behind it or without, and the number behind it.
fn word_and_number<'a, T: Copy>(text: &mut &'a str, words: &[(&str, T)]) -> Option<(T, &'a str)> {
    let start = text.strip_prefix(SEPARATORS).unwrap_or(text);
    let (value, behind) = words.iter().find_map(|&(word, value)| Some((value, strip_word(start, word)?)))?;
    let (digits, rest) = digits::split(behind.strip_prefix(SEPARATORS).unwrap_or(behind));
    *text = rest;
    Some((value, digits))
}

fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(word.len())?;
    start.eq_ignore_ascii_case(word).then_some(rest)
}

/// Takes the short form of a post release: a dash and a number.
fn implicit_post<'a>(text: &mut &'a str) -> Option<&'a str> {
    let (digits, rest) = digits::split(text.strip_prefix('-')?);
    if digits.is_empty() {
        return None;
    }
    *text = rest;
    Some(digits)
}

/// A number that is not there comes before all others.
fn compare_numbers(a: Option<&str>, b: Option<&str>) -> Ordering {
    pairwise::compare_presence(a, b, digits::compare)
}

fn is_local(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Words come before numbers, in any case; no part comes before any part.
fn compare_local(a: Option<&str>, b: Option<&str>) -> Ordering {
    let compare = |a, b| match (digits::is_number(a), digits::is_number(b)) {
        (true, true) => digits::compare(a, b),
        (false, false) => lower(a).cmp(lower(b)),
        (a, b) => a.cmp(&b),
    };
    pairwise::compare(local_parts(a), local_parts(b), |a, b| pairwise::compare_presence(a, b, compare))
}

fn local_parts(local: Option<&str>) -> impl Iterator<Item = &str> {
    local.into_iter().flat_map(|local| local.split(SEPARATORS))
}

fn lower(text: &str) -> impl Iterator<Item = u8> {
    text.bytes().map(|byte| byte.to_ascii_lowercase())
}
