//! Time of day and ids that a test knows beforehand.

use crate::{id::Ids, ports::Clock};
use jiff::{SignedDuration, Timestamp};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};
use uuid::Uuid;

/// A clock that stands still until it is moved.
#[derive(Debug)]
pub struct FixedClock(Mutex<Timestamp>);

impl FixedClock {
    /// Stands at `now`.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }
    /// Moves on, or back.
    ///
    /// # Panics
    /// Where the result is no time that a calendar has.
    pub fn advance(&self, by: SignedDuration) {
        let mut now = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *now = now.checked_add(by).expect("a test stays within the calendar");
    }
}
/// Stands at 2026-01-01T00:00:00Z.
impl Default for FixedClock {
    fn default() -> Self {
        Self::at(Timestamp::constant(1_767_225_600, 0))
    }
}
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ids that count up from 1: `00000000-0000-7000-8000-000000000001`, … They look like UUIDv7 and sort like them.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl SequentialIds {
    const SHAPE: u128 = 0x7000_8000_0000_0000_0000;

    /// The id that is given out as the `n`th, counted from 1.
    #[must_use]
    pub fn nth(n: u64) -> Uuid {
        Uuid::from_u128(Self::SHAPE | u128::from(n))
    }
}
impl Ids for SequentialIds {
    fn fresh(&self) -> Uuid {
        Self::nth(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_stands_still_and_ids_count_up() {
        let clock = FixedClock::default();
        assert_eq!(clock.now().to_string(), "2026-01-01T00:00:00Z");
        clock.advance(SignedDuration::from_secs(61));
        assert_eq!(clock.now().to_string(), "2026-01-01T00:01:01Z");

        let ids = SequentialIds::default();
        assert_eq!(ids.fresh().to_string(), "00000000-0000-7000-8000-000000000001");
        assert_eq!(ids.fresh().get_version_num(), 7);
    }
}
