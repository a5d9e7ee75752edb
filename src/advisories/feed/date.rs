//! Times that feeds name.

/// Earlier times are none: `0001-01-01` is what a generator writes that knows none.
const FIRST: i64 = 631_152_000;

/// A time of RFC 3339 or ISO 8601, or a day, as seconds since 1970; none where it is no real one.
pub fn seconds(text: &str) -> Option<i64> {
    let text = text.trim();
    let seconds = match text.parse::<jiff::Timestamp>() {
        Ok(time) => time.as_second(),
        Err(_) => {
            let time = jiff::fmt::strtime::parse("%Y-%m-%dT%H:%M:%S%z", text).and_then(|time| time.to_timestamp());
            let midnight = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
            time.ok().or_else(|| midnight().map(|day| day.timestamp()))?.as_second()
        }
    };
    (seconds >= FIRST).then_some(seconds)
}

/// Seconds since 1970 as RFC 3339 in UTC; none beyond the year 9999.
pub fn rfc3339(seconds: i64) -> Option<String> {
    Some(jiff::Timestamp::from_second(seconds).ok()?.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_feeds_write_them() {
        for (text, expected) in [
            ("2024-08-01T12:34:56Z", Some("2024-08-01T12:34:56Z")),
            ("2024-08-01T12:34:56.789012Z", Some("2024-08-01T12:34:56Z")),
            ("2024-08-01T00:00:00+0000", Some("2024-08-01T00:00:00Z")),
            ("2024-08-01T02:00:00+0200", Some("2024-08-01T00:00:00Z")),
            ("2024-08-01T02:00:00+02:00", Some("2024-08-01T00:00:00Z")),
            ("2024-08-01", Some("2024-08-01T00:00:00Z")),
            ("0001-01-01T00:00:00Z", None),
            ("1970-01-01T00:00:00Z", None),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(seconds(text).and_then(rfc3339).as_deref(), expected, "{text}");
        }
    }
}
