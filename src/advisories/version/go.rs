//! Go's order: semantic versions for modules, and for Go itself what `go version` says.
//!
//! Advisories for the standard library write releases of Go as semantic versions (`1.22.0-rc.1`); binaries name the
//! toolchain that made them (`go1.22rc1`). Both are read, and both forms of a release are equal.

use super::number;
use super::semver::Version;
use std::borrow::Cow;
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (semantic(a), semantic(b));
    Some(Version::read(&a)?.compare(&Version::read(&b)?))
}

/// A version as a semantic one: `go1.22rc1 X:nocoverageredesign` is `1.22-rc.1`.
fn semantic(text: &str) -> Cow<'_, str> {
    let text = text.trim();
    let release = match text.strip_prefix("go") {
        // Behind the name of a toolchain stands who changed it, and with which experiments.
        Some(release) => release.split(['-', ' ', '+']).next().unwrap_or_default(),
        None => text,
    };
    let end = release.bytes().position(|byte| byte.is_ascii_lowercase() && byte != b'v').unwrap_or(release.len());
    let (numbers, rest) = release.split_at_checked(end).unwrap_or((release, ""));
    let (word, count) = rest.split_at(rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len()));
    let glued = numbers.ends_with(|c: char| c.is_ascii_digit()) && !numbers.contains(['-', '+']);
    match glued && number::is_number(count) {
        true if !word.is_empty() => Cow::Owned(format!("{numbers}-{word}.{count}")),
        _ => Cow::Borrowed(release),
    }
}
