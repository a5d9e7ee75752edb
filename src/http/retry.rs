//! When to try again, and how long to wait before.

use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

/// Whether a status says "not now" rather than "no".
pub(super) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// Exponential back-off with full jitter above one half, so that many clients do not come back at once.
pub(super) fn back_off(first: Duration, most: Duration, attempt: u32) -> Duration {
    let whole = first.saturating_mul(1 << attempt.min(16)).min(most);
    let random = RandomState::new().hash_one(attempt) as f64 / u64::MAX as f64;
    whole.mul_f64(0.5 + 0.5 * random)
}

/// How long the server wants us to wait; a date counts from the server's own clock.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let now = date(headers.get(DATE)?.to_str().ok()?)?;
    Duration::try_from(date(text)?.duration_since(now)).ok().or(Some(Duration::ZERO))
}

fn date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_limit_and_vary() {
        let (first, most) = (Duration::from_millis(100), Duration::from_secs(2));
        for attempt in 0..40 {
            let wait = back_off(first, most, attempt);
            let whole = first.saturating_mul(1 << attempt.min(16)).min(most);
            assert!(wait >= whole / 2 && wait <= whole, "{attempt}: {wait:?}");
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let headers = |pairs: &[(reqwest::header::HeaderName, &'static str)]| {
            pairs.iter().map(|(n, v)| (n.clone(), v.parse().unwrap())).collect::<HeaderMap>()
        };
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "7")])), Some(Duration::from_secs(7)));
        let dated = [(DATE, "Sat, 12 Sep 2026 07:55:41 GMT"), (RETRY_AFTER, "Sat, 12 Sep 2026 07:55:44 GMT")];
        assert_eq!(retry_after(&headers(&dated)), Some(Duration::from_secs(3)));
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "soon")])), None);
        assert_eq!(retry_after(&headers(&[])), None);
    }
}
