//! PAX records: `LENGTH KEY=VALUE\n`, where the length counts the whole record.

/// What begins the keys of extended attributes.
pub(super) const XATTR: &[u8] = b"SCHILY.xattr.";

/// The records of an extended header, in their order; none where they are malformed.
pub(super) fn records(mut body: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut records = Vec::new();
    while !body.is_empty() {
        let space = body.iter().take(20).position(|b| *b == b' ')?;
        let (digits, _) = body.split_at(space);
        if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let length: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
        if length <= space + 1 {
            return None;
        }
        let (record, rest) = body.split_at_checked(length)?;
        let record = record[space + 1..].strip_suffix(b"\n")?;
        let equals = record.iter().position(|b| *b == b'=').filter(|at| *at > 0)?;
        records.push((&record[..equals], &record[equals + 1..]));
        body = rest;
    }
    Some(records)
}

/// Appends one record.
pub(super) fn put_record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    // Space, equals sign and line end.
    let fixed = key.len() + value.len() + 3;
    let digits = |n: usize| n.to_string().len();
    let mut length = fixed + digits(fixed);
    length = fixed + digits(length);
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Whole seconds out of `-1.5` or `1700000000.123456789`, rounded down, and whether they were rounded; none for what is no
/// decimal number.
pub(super) fn seconds(value: &[u8]) -> Option<(i64, bool)> {
    let text = std::str::from_utf8(value).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if !fraction.bytes().all(|b| b.is_ascii_digit()) || whole.starts_with('+') {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let has_fraction = fraction.bytes().any(|b| b != b'0');
    let rounds_down = whole.starts_with('-') && has_fraction;
    Some((seconds.checked_sub(i64::from(rounds_down))?, has_fraction))
}

/// An unsigned decimal number.
pub(super) fn number(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}
