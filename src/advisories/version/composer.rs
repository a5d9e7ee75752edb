//! Composer's normal form of versions in the order of PHP's `version_compare`.
//!
//! Numbers are filled up to four. Behind them may stand a stability with numbers, and `dev`: `1.0-beta.2` is earlier
//! than `1.0`, which is earlier than `1.0-p1`.

use super::{digits, pairwise};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    match (branch(a), branch(b)) {
        // Nobody knows what is on a branch; Composer takes it for earlier than all releases.
        (Some(a), Some(b)) => (a == b).then_some(Ordering::Equal),
        (Some(_), None) => parts(b).map(|_| Ordering::Less),
        (None, Some(_)) => parts(a).map(|_| Ordering::Greater),
        (None, None) => Some(pairwise::compare(parts(a)?, parts(b)?, compare_parts)),
    }
}

/// The name of the branch that a development version is of.
fn branch(text: &str) -> Option<&str> {
    let (start, name) = text.trim().split_at_checked(4)?;
    (start.eq_ignore_ascii_case("dev-") && !name.is_empty()).then_some(name)
}

/// A part of a version.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Number(&'a str),
    Word(Word),
}

/// A word, earliest first. Numbers stand between `Candidate` and `Patch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Unknown,
    Dev,
    Alpha,
    Beta,
    Candidate,
    Patch,
}

/// What words begin with, as PHP looks at them.
const WORDS: [(&str, Word); 6] = [
    ("dev", Word::Dev),
    ("a", Word::Alpha),
    ("b", Word::Beta),
    ("rc", Word::Candidate),
    ("p", Word::Patch),
    ("", Word::Unknown),
];

fn compare_parts(a: Option<Part>, b: Option<Part>) -> Ordering {
    match (a, b) {
        (Some(Part::Number(a)), Some(Part::Number(b))) => digits::compare(a, b),
        _ => weight(a).cmp(&weight(b)),
    }
}

/// The end comes behind what is not yet stable, and before a number.
fn weight(part: Option<Part>) -> (u8, Option<Word>) {
    match part {
        Some(Part::Word(Word::Patch)) => (3, None),
        Some(Part::Number(_)) => (2, None),
        None => (1, None),
        Some(Part::Word(word)) => (0, Some(word)),
    }
}

/// What stands for `x` in `1.x-dev`: later than all releases of that branch.
const ANY: &str = "9999999";

/// How many numbers the normal form has.
const NUMBERS: usize = 4;

/// The parts of a version in its normal form; none where it does not begin with a number.
fn parts(text: &str) -> Option<Vec<Part<'_>>> {
    let text = text.trim();
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    // Behind these stand a wanted stability, a commit and build metadata.
    let mut rest = text.split(['@', '#', '+']).next().unwrap_or_default();
    if !rest.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut parts = Vec::with_capacity(NUMBERS + 2);
    let (mut fill, mut in_numbers) = ("0", true);
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let (digits, behind) = digits::split(rest);
            parts.push(Part::Number(digits));
            rest = behind;
        } else if first.is_alphabetic() {
            let (word, behind) = rest.split_at(rest.find(|c: char| !c.is_alphabetic()).unwrap_or(rest.len()));
            rest = behind;
            if in_numbers && word.eq_ignore_ascii_case("x") {
                fill = ANY;
                parts.push(Part::Number(ANY));
            } else {
                fill_up(&mut parts, in_numbers, fill);
                in_numbers = false;
                parts.extend(read_word(word).map(Part::Word));
            }
        } else {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
        }
    }
    fill_up(&mut parts, in_numbers, fill);
    Some(parts)
}

fn fill_up<'a>(parts: &mut Vec<Part<'a>>, in_numbers: bool, fill: &'a str) {
    while in_numbers && parts.len() < NUMBERS {
        parts.push(Part::Number(fill));
    }
}

/// What a word says; `stable` says nothing.
fn read_word(word: &str) -> Option<Word> {
    if word.eq_ignore_ascii_case("stable") {
        return None;
    }
    let begins = |start: &str| word.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start));
    WORDS.into_iter().find(|(start, _)| begins(start)).map(|(_, word)| word)
}
