//! Numbers of any length.

use std::cmp::Ordering;

/// How two runs of digits stand to one another as numbers. No digits are zero. Nothing overflows: the longer
/// number without its leading zeros is the greater.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (significant(a), significant(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Whether a run of digits is the number zero.
pub(super) fn is_zero(digits: &str) -> bool {
    significant(digits).is_empty()
}

/// Whether a text is digits and nothing else, at least one.
pub(super) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Splits a text behind the digits that it begins with.
pub(super) fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

fn significant(digits: &str) -> &str {
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_any_length() {
        assert_eq!(compare("9", "10"), Ordering::Less);
        assert_eq!(compare("010", "10"), Ordering::Equal);
        assert_eq!(compare("", "0"), Ordering::Equal);
        assert_eq!(compare(&"9".repeat(40), &format!("1{}", "0".repeat(40))), Ordering::Less);
        assert_eq!(split("12ü3"), ("12", "ü3"));
        assert!(is_zero("000") && is_zero("") && !is_zero("010"));
        assert!(is_number("0") && !is_number("") && !is_number("1a") && !is_number("٣"));
    }
}
