//! The time of day and fresh ids: the only file that asks the machine for either.

use jiff::Timestamp;
use orbit_core::{id::Ids, ports::Clock};
use uuid::Uuid;

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the time of day comes in")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// UUIDv7 of the machine's clock and randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(clippy::disallowed_methods, reason = "this is where fresh ids come in")]
    fn fresh(&self) -> Uuid {
        Uuid::now_v7()
    }
}
