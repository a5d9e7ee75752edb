//! An order of versions for people.

use std::cmp::Ordering;

/// Compares versions of one package: numbers by value, `~` before everything, as dpkg does (deb-version(7)), which is
/// near enough for others. It only chooses what to tell where the same package has several holes with different
/// repairs; what is affected was decided before, by each ecosystem's own order.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a_epoch, a) = epoch(a);
    let (b_epoch, b) = epoch(b);
    numbers(a_epoch, b_epoch).then_with(|| parts(a.as_bytes(), b.as_bytes()))
}

fn epoch(version: &str) -> (&str, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if epoch.bytes().all(|b| b.is_ascii_digit()) => (epoch, rest),
        _ => ("0", version),
    }
}

fn parts(mut a: &[u8], mut b: &[u8]) -> Ordering {
    loop {
        let (a_word, a_rest) = split(a, |b| !b.is_ascii_digit());
        let (b_word, b_rest) = split(b, |b| !b.is_ascii_digit());
        let (a_number, a_rest) = split(a_rest, |b| b.is_ascii_digit());
        let (b_number, b_rest) = split(b_rest, |b| b.is_ascii_digit());
        let text = |number| std::str::from_utf8(number).unwrap_or_default();
        let order = words(a_word, b_word).then_with(|| numbers(text(a_number), text(b_number)));
        if order != Ordering::Equal || (a_rest.is_empty() && b_rest.is_empty()) {
            return order;
        }
        (a, b) = (a_rest, b_rest);
    }
}

fn split(text: &[u8], belongs: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let length = text.iter().take_while(|b| belongs(b)).count();
    text.split_at(length)
}

fn words(a: &[u8], b: &[u8]) -> Ordering {
    // The end stands between `~` and letters, and those before all other signs.
    let weight = |b: Option<&u8>| match b {
        Some(b'~') => -1,
        None => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(*b),
        Some(b) => i32::from(*b) + 256,
    };
    let weights = (0..a.len().max(b.len())).map(|i| weight(a.get(i)).cmp(&weight(b.get(i))));
    weights.fold(Ordering::Equal, Ordering::then)
}

/// Numbers of any length.
fn numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::compare;
    use std::cmp::Ordering;

    #[test]
    fn versions_are_ordered_as_people_read_them() {
        let sorted = ["1.0~rc1", "1.0", "1.0-1", "1.0-1+deb13u1", "1.0-1+deb13u10", "1.2", "1.10", "10", "1:0.1"];
        for (i, a) in sorted.iter().enumerate() {
            for (j, b) in sorted.iter().enumerate() {
                assert_eq!(compare(a, b), i.cmp(&j), "{a} {b}");
            }
        }
        assert_eq!(compare("1.01", "1.1"), Ordering::Equal);
        assert_eq!(compare("", ""), Ordering::Equal);
        let long = "9".repeat(100_000);
        assert_eq!(compare(&long, "1"), Ordering::Greater);
    }
}
