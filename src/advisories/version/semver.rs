//! Semantic versions 2.0.0 (semver.org), read with lenience: what stands in lock files and tags is not always one.
//!
//! Spaces, `=` and `v` before the numbers are left out, missing numbers are 0, there may be more than three, they may
//! have leading zeros, and the dash before a prerelease may be missing (`1.2.3beta`).

use super::{digits, pairwise};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(Version::read(a)?.compare(&Version::read(b)?))
}

/// As [`compare`], and of versions that are else equal, one with build metadata is the later (pub_semver).
pub(super) fn compare_with_build(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (Version::read(a)?, Version::read(b)?);
    Some(a.compare(&b).then_with(|| pairwise::compare_presence(a.build, b.build, compare_identifiers)))
}

/// A version in its parts.
pub(super) struct Version<'a> {
    /// Numbers between dots.
    pub(super) numbers: &'a str,
    /// Identifiers between dots, without the dash.
    pub(super) prerelease: Option<&'a str>,
    /// Identifiers between dots, without the plus.
    pub(super) build: Option<&'a str>,
}

impl<'a> Version<'a> {
    /// Reads a version; none where there are no numbers, or something that can stand in no version.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let text = text.strip_prefix('=').unwrap_or(text).trim_start();
        let text = text.strip_prefix(['v', 'V']).unwrap_or(text).trim_start();
        let (text, build) = text.split_once('+').map_or((text, None), |(text, build)| (text, Some(build)));
        let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (numbers, rest) = text.split_at(end);
        let prerelease = (!rest.is_empty()).then(|| rest.strip_prefix('-').unwrap_or(rest));
        let complete = numbers.split('.').all(digits::is_number)
            && prerelease.into_iter().chain(build).flat_map(|part| part.split('.')).all(is_identifier);
        complete.then_some(Version { numbers, prerelease, build })
    }

    /// How it stands to another one by the specification's section 11: build metadata counts for nothing.
    pub(super) fn compare(&self, other: &Version) -> Ordering {
        compare_numbers(self.numbers, other.numbers).then_with(|| match (self.prerelease, other.prerelease) {
            (Some(a), Some(b)) => compare_identifiers(a, b),
            // What is not yet released is earlier.
            (a, b) => a.is_none().cmp(&b.is_none()),
        })
    }
}

/// How numbers between dots stand to one another; missing ones are 0.
pub(super) fn compare_numbers(a: &str, b: &str) -> Ordering {
    let compare = |a: Option<&str>, b: Option<&str>| digits::compare(a.unwrap_or_default(), b.unwrap_or_default());
    pairwise::compare(a.split('.'), b.split('.'), compare)
}

/// How identifiers between dots stand to one another: numbers are less than words, and fewer less than more.
fn compare_identifiers(a: &str, b: &str) -> Ordering {
    compare_identifiers_by(a, b, str::cmp)
}

/// As for semantic versions, but with another order of words.
pub(super) fn compare_identifiers_by(a: &str, b: &str, words: impl Fn(&str, &str) -> Ordering) -> Ordering {
    let compare = |a, b| match (digits::is_number(a), digits::is_number(b)) {
        (true, true) => digits::compare(a, b),
        (false, false) => words(a, b),
        (a, b) => b.cmp(&a),
    };
    pairwise::compare(a.split('.'), b.split('.'), |a, b| pairwise::compare_presence(a, b, compare))
}

fn is_identifier(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
