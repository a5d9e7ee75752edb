//! rpm's order (rpm-version(7)): `epoch:version-release`, each compared by runs of letters and of digits.

use super::{digits, pairwise};
use std::cmp::Ordering;

/// A version without a release stands for all of its releases, as in the dependencies of packages: advisories often
/// name only the version.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let ((epoch_a, version_a, release_a), (epoch_b, version_b, release_b)) = (split(a), split(b));
    let order = digits::compare(epoch_a, epoch_b).then_with(|| compare_parts(version_a, version_b));
    Some(match (release_a, release_b) {
        (Some(a), Some(b)) => order.then_with(|| compare_parts(a, b)),
        _ => order,
    })
}

/// Epoch, version and release. Digits before a colon are an epoch, and no other text is.
fn split(text: &str) -> (&str, &str, Option<&str>) {
    let (digits, rest) = digits::split(text);
    let (epoch, rest) = match rest.strip_prefix(':') {
        Some(rest) => (digits, rest),
        None => ("", text),
    };
    match rest.rsplit_once('-') {
        Some((version, release)) => (epoch, version, Some(release)),
        None => (epoch, rest, None),
    }
}

/// A part, lesser kinds first: a tilde is earlier than the end, and a caret is later than the end and earlier than
/// anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Tilde,
    End,
    Caret,
    Letters(&'a str),
    Digits(&'a str),
}

fn compare_parts(a: &str, b: &str) -> Ordering {
    pairwise::compare(parts(a), parts(b), |a, b| match (a, b) {
        (Some(Part::Digits(a)), Some(Part::Digits(b))) => digits::compare(a, b),
        (a, b) => a.unwrap_or(Part::End).cmp(&b.unwrap_or(Part::End)),
    })
}

fn parts(mut text: &str) -> impl Iterator<Item = Part<'_>> {
    std::iter::from_fn(move || {
        let (part, rest) = split_part(text)?;
        text = rest;
        Some(part)
    })
}

/// The first part of a text and what stands behind it. Characters that are in no part only separate.
fn split_part(text: &str) -> Option<(Part<'_>, &str)> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '~' | '^');
    let text = text.trim_start_matches(|c| !known(c));
    Some(match text.bytes().next()? {
        b'~' => (Part::Tilde, text.get(1..)?),
        b'^' => (Part::Caret, text.get(1..)?),
        b'0'..=b'9' => {
            let (digits, rest) = digits::split(text);
            (Part::Digits(digits), rest)
        }
        _ => {
            let (letters, rest) = text.split_at(text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len()));
            (Part::Letters(letters), rest)
        }
    })
}
