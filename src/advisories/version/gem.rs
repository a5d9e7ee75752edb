//! The order of `Gem::Version`: numbers and words, where a word is earlier than any number and than nothing.

use super::digits;
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (segments(a)?, segments(b)?);
    let longest = a.len().max(b.len());
    let order = (0..longest).map(|i| segment(&a, i).compare(segment(&b, i))).find(|order| order.is_ne());
    Some(order.unwrap_or(Ordering::Equal))
}

/// What is missing is 0, as 1.0 and 1.0.0 are the same.
fn segment<'a>(segments: &[Segment<'a>], i: usize) -> Segment<'a> {
    segments.get(i).copied().unwrap_or(Segment::Number(""))
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
}

/// The segments of a version; none where it is none. Zeros before the first word count for nothing.
fn segments(text: &str) -> Option<Vec<Segment<'_>>> {
    let text = without_platform(text.trim());
    let (release, prerelease) = text.split_once('-').map_or((text, None), |(a, b)| (a, Some(b)));
    let starts = release.starts_with(|c: char| c.is_ascii_digit());
    let words = prerelease.into_iter().flat_map(|part| part.split('.')).all(|part| is_part(part, true));
    if !starts || !release.split('.').all(|part| is_part(part, false)) || !words {
        return None;
    }
    let mut segments = Vec::with_capacity(4);
    push_segments(&mut segments, release);
    if let Some(prerelease) = prerelease {
        // A dash is another way to write `.pre.`, also the dashes behind the first.
        for part in prerelease.split('-') {
            push_segments(&mut segments, "pre");
            push_segments(&mut segments, part);
        }
    }
    Some(segments)
}

fn push_segments<'a>(segments: &mut Vec<Segment<'a>>, mut text: &'a str) {
    while let Some(first) = text.chars().next() {
        let (segment, rest) = match first {
            '0'..='9' => digits::split(text),
            'a'..='z' | 'A'..='Z' => text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len())),
            _ => ("", text.get(first.len_utf8()..).unwrap_or_default()),
        };
        text = rest;
        match first {
            '0'..='9' => segments.push(Segment::Number(segment)),
            'a'..='z' | 'A'..='Z' => {
                if !segments.iter().any(|segment| matches!(segment, Segment::Word(_))) {
                    trim_zeros(segments);
                }
                segments.push(Segment::Word(segment));
            }
            _ => {}
        }
    }
}

fn trim_zeros(segments: &mut Vec<Segment>) {
    while matches!(segments.last(), Some(Segment::Number(digits)) if digits::is_zero(digits)) {
        segments.pop();
    }
}

fn is_part(part: &str, dashes: bool) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || (dashes && byte == b'-'))
}

/// What platforms begin with that gems are built for: `nokogiri 1.16.0-x86_64-linux` is nokogiri 1.16.0.
const PLATFORMS: [&str; 22] = [
    "aarch64",
    "amd64",
    "arm",
    "arm64",
    "armv6",
    "armv7",
    "armv8",
    "dalvik",
    "i386",
    "i686",
    "java",
    "jruby",
    "mingw",
    "mingw32",
    "mswin",
    "mswin32",
    "mswin64",
    "ppc64le",
    "riscv64",
    "universal",
    "x64",
    "x86",
];

/// A version without the platform that lock files and names of packages write behind it.
fn without_platform(text: &str) -> &str {
    text.split_once('-')
        .filter(|(_, platform)| {
            let word = platform.split(['-', '_']).next().unwrap_or_default();
            PLATFORMS.contains(&word)
        })
        .map_or(text, |(version, _)| version)
}
