//! The one time that evidence knows, as text.

/// `seconds` since 1970 as RFC 3339 in UTC; what lies outside of the years 1970 to 9999 is taken to their border.
pub(crate) fn rfc3339(seconds: i64) -> String {
    const LAST: i64 = 253_402_207_199;
    let time = jiff::Timestamp::from_second(seconds.clamp(0, LAST));
    time.expect("the years up to 9999 are in the range of a timestamp").to_string()
}

#[cfg(test)]
mod tests {
    use super::rfc3339;

    #[test]
    fn times_are_whole_seconds_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_700_000_000), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(-5), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(i64::MAX), "9999-12-30T21:59:59Z");
    }
}
