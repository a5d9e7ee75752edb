//! Go's order: semantic versions for modules, and for Go itself what `go version` says.
//!
//! Advisories for the standard library write releases of Go as semantic versions (`1.22.0-rc.1`); binaries name the
//! toolchain that made them (`go1.22rc1`). Both are read, and both forms of a release are equal.

use super::digits;
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
        // Behind the release stands who changed the toolchain, and with which experiments.
        Some(toolchain) => toolchain.split(['-', '+', ' ']).next().unwrap_or_default(),
        None => text,
    };
    match split_stage(release) {
        Some((numbers, stage, count)) => Cow::Owned(format!("{numbers}-{stage}.{count}")),
        None => Cow::Borrowed(release),
    }
}

/// What stands without marks in a release that is not final: `1.22`, `rc` and `1`.
fn split_stage(release: &str) -> Option<(&str, &str, &str)> {
    let is_letter = |c: char| c.is_ascii_lowercase();
    let (numbers, rest) = release.split_at(release.find(is_letter)?);
    let (stage, count) = rest.split_at(rest.find(|c| !is_letter(c))?);
    let is_release = numbers.split('.').all(digits::is_number) && digits::is_number(count);
    is_release.then_some((numbers, stage, count))
}
