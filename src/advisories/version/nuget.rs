//! NuGet's order: semantic versions with up to four numbers, whose words have no case.

use super::semver::{Version, compare_identifiers_by, compare_numbers};
use std::cmp::Ordering;

pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (Version::read(a)?, Version::read(b)?);
    let prerelease = || match (a.prerelease, b.prerelease) {
        (Some(a), Some(b)) => compare_identifiers_by(a, b, in_any_case),
        (a, b) => a.is_none().cmp(&b.is_none()),
    };
    Some(compare_numbers(a.numbers, b.numbers).then_with(prerelease))
}

fn in_any_case(a: &str, b: &str) -> Ordering {
    a.bytes().map(|byte| byte.to_ascii_lowercase()).cmp(b.bytes().map(|byte| byte.to_ascii_lowercase()))
}
