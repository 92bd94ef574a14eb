//! When to try again, and when to give up. Times are data, so that tests need not wait.

use http::{HeaderMap, header::RETRY_AFTER};
use jiff::Timestamp;
use std::time::Duration;

/// The times of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Retry {
    /// The longest first pause. Doubles with each try.
    pub(super) first: Duration,
    /// No pause is longer, unless the server asks for it.
    pub(super) longest: Duration,
    /// No try begins later than this after the first.
    pub(super) budget: Duration,
    /// A server that nobody listens for is given up after this; together with `connect` it stays below ten seconds.
    pub(super) down: Duration,
    /// So long after a call has given up, no other one tries.
    pub(super) rest: Duration,
    /// How long to wait for a connection.
    pub(super) connect: Duration,
    /// How long to wait for an answer.
    pub(super) answer: Duration,
    /// Where none has ever come: after how long to ask whether anybody is there at all, and how long to wait for that.
    pub(super) silence: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(400),
            longest: Duration::from_secs(10),
            budget: Duration::from_mins(2),
            down: Duration::from_secs(6),
            rest: Duration::from_secs(5),
            connect: Duration::from_secs(3),
            answer: Duration::from_secs(30),
            silence: Duration::from_secs(4),
        }
    }
}

impl Retry {
    /// The pause after try number `tried` (from 1): full jitter, `roll` in 0..1, on top of what the server asked for.
    pub(super) fn pause(&self, tried: u32, asked: Option<Duration>, roll: f64) -> Duration {
        let doubled = self.first.saturating_mul(1_u32.checked_shl(tried.saturating_sub(1)).unwrap_or(u32::MAX));
        let jitter = doubled.min(self.longest).mul_f64(roll.clamp(0.0, 1.0));
        // Those who were told the same time should not all come back in the same instant.
        asked.map_or(jitter, |asked| asked + jitter.min(self.first))
    }
}

/// What the server asks for, in seconds or as a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(at.duration_since(now).try_into().unwrap_or(Duration::ZERO))
}

/// A random id.
#[expect(clippy::disallowed_methods, reason = "keys of calls, which nobody can or need tell beforehand")]
pub(super) fn fresh() -> uuid::Uuid {
    uuid::Uuid::now_v7()
}

/// Now, to measure a server's date against.
#[expect(clippy::disallowed_methods, reason = "the client's own clock is the only one here")]
pub(super) fn now() -> Timestamp {
    Timestamp::now()
}

/// A number in 0..1, from the random half of a version 7 UUID.
pub(super) fn roll() -> f64 {
    let [.., a, b, c, d] = fresh().into_bytes();
    f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_are_jittered_in_full() {
        let retry = Retry::default();
        let longest = |tried| retry.pause(tried, None, 1.0).as_millis();
        assert_eq!([1, 2, 3].map(longest), [400, 800, 1_600]);
        assert_eq!([20, 40, 4_000].map(longest), [10_000; 3]);
        assert_eq!(retry.pause(7, None, 0.0), Duration::ZERO);
    }

    #[test]
    fn what_the_server_asks_for_is_a_lower_bound() {
        let retry = Retry::default();
        let asked = Some(Duration::from_secs(30));
        assert_eq!(retry.pause(9, asked, 0.0), Duration::from_secs(30));
        assert_eq!(retry.pause(9, asked, 1.0), Duration::from_millis(30_400));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let told = |text: &str| retry_after(&HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]), now);
        assert_eq!(told("7"), Some(Duration::from_secs(7)));
        assert_eq!(told("Fri, 02 Jan 2026 03:04:15 GMT"), Some(Duration::from_secs(10)));
        assert_eq!(told("Fri, 02 Jan 2026 03:00:00 GMT"), Some(Duration::ZERO), "long past");
        assert_eq!(told("soon"), None);
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn rolls_differ_and_stay_in_range() {
        let rolls: Vec<f64> = (0..100).map(|_| roll()).collect();
        assert!(rolls.iter().all(|r| (0.0..=1.0).contains(r)));
        assert!(rolls.windows(2).any(|w| (w[0] - w[1]).abs() > 0.01));
    }

    #[test]
    fn a_server_that_is_down_is_told_within_ten_seconds() {
        let Retry { down, connect, silence, .. } = Retry::default();
        assert!(down + connect < Duration::from_secs(10) && 2 * silence < Duration::from_secs(10));
    }
}
