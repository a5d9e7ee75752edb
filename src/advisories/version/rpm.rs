//! rpm's order (rpm-version(7)): `epoch:version-release`, each compared by runs of letters and of digits.

use super::digits;
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

fn compare_parts(mut a: &str, mut b: &str) -> Ordering {
    loop {
        let (left, right) = (next(&mut a), next(&mut b));
        let order = match (left, right) {
            (Part::Digits(a), Part::Digits(b)) => digits::compare(a, b),
            _ => left.cmp(&right),
        };
        if order.is_ne() || left == Part::End {
            return order;
        }
    }
}

/// The next part of a text. Characters that are in no part only separate.
fn next<'a>(text: &mut &'a str) -> Part<'a> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '~' | '^');
    let rest = text.trim_start_matches(|c| !known(c));
    let run = |belongs: fn(char) -> bool| rest.split_at(rest.find(|c| !belongs(c)).unwrap_or(rest.len()));
    let (part, rest) = match rest.bytes().next() {
        None => (Part::End, rest),
        Some(b'~') => (Part::Tilde, rest.get(1..).unwrap_or_default()),
        Some(b'^') => (Part::Caret, rest.get(1..).unwrap_or_default()),
        Some(b'0'..=b'9') => {
            let (digits, rest) = run(|c| c.is_ascii_digit());
            (Part::Digits(digits), rest)
        }
        Some(_) => {
            let (letters, rest) = run(|c| c.is_ascii_alphabetic());
            (Part::Letters(letters), rest)
        }
    };
    *text = rest;
    part
}
