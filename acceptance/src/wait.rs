//! Waiting for what is so sooner or later. Never a sleep of a fixed length: a look, and another, up to a bound.

use std::{panic::Location, time::Duration};
use tokio::time::{Instant, sleep, timeout};

/// How long most things may take on a busy machine.
pub const BOUND: Duration = Duration::from_mins(1);

const BETWEEN_LOOKS: Duration = Duration::from_millis(25);

/// Looks until there is something to see, boundedly, and answers it.
#[track_caller]
pub fn eventually<T, Look: Future<Output = Option<T>>>(
    what: &str,
    look: impl FnMut() -> Look,
) -> impl Future<Output = T> {
    eventually_within(BOUND, what, look)
}

/// The same, for what takes longer by its nature.
#[track_caller]
pub fn eventually_within<T, Look: Future<Output = Option<T>>>(
    bound: Duration,
    what: &str,
    mut look: impl FnMut() -> Look,
) -> impl Future<Output = T> {
    let asked_at = Location::caller();
    async move {
        let deadline = Instant::now() + bound;
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            assert!(Instant::now() < deadline, "not within {bound:?}: {what} (asked at {asked_at})");
            sleep(BETWEEN_LOOKS).await;
        }
    }
}

/// What `work` comes to; fails when it takes longer than `bound`.
#[track_caller]
pub fn within<T>(bound: Duration, what: &str, work: impl Future<Output = T>) -> impl Future<Output = T> {
    let asked_at = Location::caller();
    async move {
        timeout(bound, work).await.unwrap_or_else(|_| panic!("{what} took longer than {bound:?} (asked at {asked_at})"))
    }
}
