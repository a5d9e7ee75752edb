//! The parts of two versions, side by side.

use std::cmp::Ordering;

/// The order of the first two parts that differ. Where one version has fewer parts, the other's are compared with none.
pub(super) fn compare<T>(
    a: impl IntoIterator<Item = T>,
    b: impl IntoIterator<Item = T>,
    compare: impl Fn(Option<T>, Option<T>) -> Ordering,
) -> Ordering {
    let (mut a, mut b) = (a.into_iter().fuse(), b.into_iter().fuse());
    loop {
        let (left, right) = (a.next(), b.next());
        if left.is_none() && right.is_none() {
            return Ordering::Equal;
        }
        let order = compare(left, right);
        if order.is_ne() {
            return order;
        }
    }
}

/// Compares what is there with what is not: something is greater than nothing.
pub(super) fn compare_presence<T>(a: Option<T>, b: Option<T>, compare: impl Fn(T, T) -> Ordering) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => compare(a, b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    }
}
