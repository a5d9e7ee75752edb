//! Lists of numbers: R's `package_version` and Haskell's package versioning policy.

use super::{digits, pairwise};
use std::cmp::Ordering;

/// Numbers stand between dots or dashes. Of two lists that agree as far as they go, the longer is the later:
/// `1.0` is earlier than `1.0.0`.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    if !numbers(a).all(digits::is_number) || !numbers(b).all(digits::is_number) {
        return None;
    }
    let compare = |a, b| pairwise::compare_presence(a, b, digits::compare);
    Some(pairwise::compare(numbers(a), numbers(b), compare))
}

fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '-'])
}
