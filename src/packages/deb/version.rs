//! The order of Debian version numbers (deb-version(7)).

use std::cmp::Ordering;

/// Compares two versions as dpkg does: epochs, then upstream versions, then revisions.
///
/// Works on any text, so that no index can make it fail; what is no version is compared by the same rules.
pub fn compare(a: &str, b: &str) -> Ordering {
    let ((epoch_a, rest_a), (epoch_b, rest_b)) = (epoch(a), epoch(b));
    let ((upstream_a, revision_a), (upstream_b, revision_b)) = (revision(rest_a), revision(rest_b));
    compare_numbers(epoch_a, epoch_b)
        .then_with(|| compare_parts(upstream_a, upstream_b))
        .then_with(|| compare_parts(revision_a, revision_b))
}

/// Whether a text is a version that dpkg accepts: it begins with a digit and has no character of other fields.
pub fn is_valid(text: &str) -> bool {
    let (number, rest) = epoch(text);
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '~' | ':');
    !number.is_empty()
        && number.bytes().all(|b| b.is_ascii_digit())
        && rest.starts_with(|c: char| c.is_ascii_digit())
        && rest.chars().all(known)
}

/// A version without its epoch, as it stands in file names.
pub fn without_epoch(version: &str) -> &str {
    epoch(version).1
}

fn epoch(version: &str) -> (&str, &str) {
    version.split_once(':').unwrap_or(("0", version))
}

fn revision(version: &str) -> (&str, &str) {
    // No revision is the same as revision 0.
    version.rsplit_once('-').unwrap_or((version, "0"))
}

fn compare_numbers(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Alternates between stretches without digits and numbers.
fn compare_parts(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while !a.is_empty() || !b.is_empty() {
        let (word_a, word_b) = (word(&mut a), word(&mut b));
        let longest = word_a.len().max(word_b.len());
        for i in 0..longest {
            let order = weight(word_a.get(i)).cmp(&weight(word_b.get(i)));
            if order.is_ne() {
                return order;
            }
        }
        let order = compare_digits(digits(&mut a), digits(&mut b));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn word<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    split(text, |b| !b.is_ascii_digit())
}

fn digits<'a>(text: &mut &'a [u8]) -> &'a [u8] {
    split(text, |b| b.is_ascii_digit())
}

fn split<'a>(text: &mut &'a [u8], belongs: impl Fn(u8) -> bool) -> &'a [u8] {
    let end = text.iter().position(|&b| !belongs(b)).unwrap_or(text.len());
    let (head, tail) = text.split_at(end);
    *text = tail;
    head
}

fn compare_digits(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |number: &'_ [u8]| number.iter().position(|&b| b != b'0').unwrap_or(number.len());
    let (a, b) = (&a[significant(a)..], &b[significant(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// A tilde comes before the end, the end before letters, letters before all else.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(b) if b.is_ascii_alphabetic() => i32::from(*b),
        Some(b) => i32::from(*b) + 256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_have_dpkgs_order() {
        let mut sorted = [
            "0~~",
            "0~",
            "0",
            "0.0.1-1",
            "0.0.2-1",
            "1.0~beta1~svn1245",
            "1.0~beta1",
            "1.0~rc1",
            "1.0",
            "1.0-0.1",
            "1.0-1",
            "1.0-1~",
            "1.0a",
            "1.0+b1",
            "1.0-1+b1",
            "1.0.1",
            "1.2.3",
            "1.2.3-1",
            "1.10",
            "2",
            "10",
            "a",
            "1:0",
            "1:1.0",
            "2:0~",
        ];
        sorted.sort_by(|a, b| compare(a, b));
        let expected = [
            "0~~",
            "0~",
            "0",
            "0.0.1-1",
            "0.0.2-1",
            "1.0~beta1~svn1245",
            "1.0~beta1",
            "1.0~rc1",
            "1.0",
            "1.0-0.1",
            "1.0-1~",
            "1.0-1",
            "1.0-1+b1",
            "1.0a",
            "1.0+b1",
            "1.0.1",
            "1.2.3",
            "1.2.3-1",
            "1.10",
            "2",
            "10",
            "a",
            "1:0",
            "1:1.0",
            "2:0~",
        ];
        assert_eq!(sorted, expected);
        for (a, b) in
            [("1.0", "1.0-0"), ("0:1", "1"), ("1.00", "1.0"), ("00:1-0", "1"), ("1.000000000000000000000001", "1.1")]
        {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
        assert_eq!(compare("99999999999999999999999:1", "1:2"), Ordering::Greater);
    }

    #[test]
    fn the_order_is_that_of_another_implementation() {
        use proptest::prelude::*;
        let version = "([0-9]:)?[0-9][0-9a-c.+~]{0,6}(-[0-9a-c.+~]{1,4})?";
        proptest!(|(a in version, b in version)| {
            let (theirs_a, theirs_b): (debversion::Version, debversion::Version) = (a.parse().unwrap(), b.parse().unwrap());
            prop_assert_eq!(compare(&a, &b), theirs_a.cmp(&theirs_b), "{} {}", a, b);
        });
    }

    #[test]
    fn valid_versions_begin_with_a_digit() {
        for good in ["1", "1:2.3-4", "0~", "2.36-9+deb12u13", "1:1.2.13.dfsg-1", "20250419"] {
            assert!(is_valid(good), "{good}");
        }
        for bad in ["", "a", ":1", "x:1", "1:", "1 2", "1/2", "1\n", "ü"] {
            assert!(!is_valid(bad), "{bad}");
        }
        assert_eq!(without_epoch("1:2-3"), "2-3");
    }
}
