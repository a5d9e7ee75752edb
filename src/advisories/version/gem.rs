//! The order of `Gem::Version`: numbers and words, where a word is earlier than any number and than nothing.

use super::{digits, pairwise};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    // What is missing is 0, as 1.0 and 1.0.0 are the same.
    let number = |segment: Option<_>| segment.unwrap_or(Segment::Number(""));
    Some(pairwise::compare(segments(a)?, segments(b)?, |a, b| number(a).compare(number(b))))
}

#[derive(Debug, Clone, Copy)]
enum Segment<'a> {
    Word(&'a str),
    Number(&'a str),
}

impl Segment<'_> {
    fn compare(self, other: Segment<'_>) -> Ordering {
        match (self, other) {
            (Segment::Number(a), Segment::Number(b)) => digits::compare(a, b),
            (Segment::Word(a), Segment::Word(b)) => a.cmp(b),
            (Segment::Word(_), Segment::Number(_)) => Ordering::Less,
            (Segment::Number(_), Segment::Word(_)) => Ordering::Greater,
        }
    }

    fn is_zero(self) -> bool {
        matches!(self, Segment::Number(digits) if digits::is_zero(digits))
    }
}

/// The segments of a version; none where it is none. Zeros before the first word count for nothing.
fn segments(text: &str) -> Option<Vec<Segment<'_>>> {
    let text = without_platform(text.trim());
    let (release, prerelease) = text.split_once('-').map_or((text, None), |(a, b)| (a, Some(b)));
    let complete = release.starts_with(|c: char| c.is_ascii_digit())
        && release.split('.').all(|part| is_part(part, false))
        && prerelease.into_iter().flat_map(|part| part.split('.')).all(|part| is_part(part, true));
    if !complete {
        return None;
    }
    let mut segments = Vec::with_capacity(4);
    push_segments(&mut segments, release);
    // A dash is another way to write `.pre.`.
    for part in prerelease.into_iter().flat_map(|part| part.split('-')) {
        segments.push(Segment::Word("pre"));
        push_segments(&mut segments, part);
    }
    let words = segments.iter().position(|segment| matches!(segment, Segment::Word(_))).unwrap_or(segments.len());
    let zeros = segments.iter().take(words).rev().take_while(|segment| segment.is_zero()).count();
    segments.drain(words - zeros..words);
    Some(segments)
}

/// Adds the runs of digits and of letters of a text.
fn push_segments<'a>(segments: &mut Vec<Segment<'a>>, mut text: &'a str) {
    while !text.is_empty() {
        let (digits, rest) = digits::split(text);
        let (word, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len()));
        segments.extend((!digits.is_empty()).then_some(Segment::Number(digits)));
        segments.extend((!word.is_empty()).then_some(Segment::Word(word)));
        text = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    }
}

fn is_part(part: &str, dashes: bool) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || (dashes && byte == b'-'))
}

/// A version without the platform that lock files and names of packages write behind it: `1.16.0-x86_64-linux` is
/// 1.16.0, and not something before it.
fn without_platform(text: &str) -> &str {
    let platform = |behind: &str| is_platform(behind.split(['-', '_']).next().unwrap_or_default());
    text.split_once('-').filter(|(_, behind)| platform(behind)).map_or(text, |(version, _)| version)
}

/// Whether the name of a platform that gems are built for begins with a word.
fn is_platform(word: &str) -> bool {
    matches!(
        word,
        "aarch64"
            | "amd64"
            | "arm"
            | "arm64"
            | "armv6"
            | "armv7"
            | "armv8"
            | "i386"
            | "i686"
            | "ppc64le"
            | "riscv64"
            | "s390x"
            | "universal"
            | "x64"
            | "x86"
            | "dalvik"
            | "java"
            | "jruby"
            | "mingw"
            | "mingw32"
            | "mswin"
            | "mswin32"
            | "mswin64"
    )
}
