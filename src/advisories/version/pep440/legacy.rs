//! Versions of before PEP 440, in the order that setuptools gave them.

use std::cmp::Ordering;

/// A part of a version of old, lesser kinds first.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// What is earlier than a release: a word up to `final`.
    Early(String),
    /// The end of a release.
    Final,
    /// A dash, which begins a patch.
    Patch,
    /// A word behind `final`, such as `post`.
    Late(String),
    /// A number without its leading zeros: the longer is the greater.
    Number(usize, String),
}

/// The parts of a version of old, with `Final` at the end. Zeros and dashes before what is earlier than a release
/// count for nothing, so that `1.0-alpha` is earlier than `1`.
pub(super) fn parts(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let kind = Kind::of(first);
        // A character that is neither letter nor digit is a part of its own.
        let end = match kind {
            Kind::Other => first.len_utf8(),
            _ => rest.find(|c| Kind::of(c) != kind).unwrap_or(rest.len()),
        };
        let (part, behind) = rest.split_at(end);
        rest = behind;
        match kind {
            Kind::Digits => {
                let digits = part.trim_start_matches('0');
                parts.push(Part::Number(digits.len(), digits.to_owned()));
            }
            Kind::Letters => push_word(&mut parts, part.to_ascii_lowercase()),
            Kind::Other if part == "." => {}
            Kind::Other if part == "-" => {
                trim_zeros(&mut parts);
                parts.push(Part::Patch);
            }
            Kind::Other => push_word(&mut parts, part.to_lowercase()),
        }
    }
    trim_zeros(&mut parts);
    parts.push(Part::Final);
    parts
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Digits,
    Letters,
    Other,
}

impl Kind {
    fn of(c: char) -> Kind {
        match c {
            '0'..='9' => Kind::Digits,
            'a'..='z' | 'A'..='Z' => Kind::Letters,
            _ => Kind::Other,
        }
    }
}

fn push_word(parts: &mut Vec<Part>, word: String) {
    let word = match word.as_str() {
        "pre" | "preview" | "rc" => "c".to_owned(),
        // Earlier than any letter.
        "dev" => "@".to_owned(),
        _ => word,
    };
    match word.as_str().cmp("final") {
        Ordering::Less => {
            while parts.last() == Some(&Part::Patch) {
                parts.pop();
            }
            trim_zeros(parts);
            parts.push(Part::Early(word));
        }
        Ordering::Equal => {
            trim_zeros(parts);
            parts.push(Part::Final);
        }
        Ordering::Greater => {
            trim_zeros(parts);
            parts.push(Part::Late(word));
        }
    }
}

fn trim_zeros(parts: &mut Vec<Part>) {
    while matches!(parts.last(), Some(Part::Number(0, _))) {
        parts.pop();
    }
}
