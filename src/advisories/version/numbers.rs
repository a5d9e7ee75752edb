//! Lists of numbers: R's `package_version` and Haskell's package versioning policy.

use super::digits;
use std::cmp::Ordering;

/// Numbers stand between dots or dashes. Of two lists that agree as far as they go, the longer is the later:
/// `1.0` is earlier than `1.0.0`.
pub(super) fn compare(a: &str, b: &str) -> Option<Ordering> {
    if !numbers(a).all(digits::is_number) || !numbers(b).all(digits::is_number) {
        return None;
    }
    let (mut a, mut b) = (numbers(a), numbers(b));
    loop {
        let order = match (a.next(), b.next()) {
            (Some(a), Some(b)) => digits::compare(a, b),
            (None, None) => return Some(Ordering::Equal),
            (left, right) => left.is_some().cmp(&right.is_some()),
        };
        if order.is_ne() {
            return Some(order);
        }
    }
}

fn numbers(text: &str) -> impl Iterator<Item = &str> {
    text.split(['.', '-'])
}
