//! How many requests a cluster gets in a second, of one replica: a token bucket. What comes beyond waits.

use crate::native::Refusal;
use governor::{
    DefaultDirectRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};
use rdkafka::types::RDKafkaErrorCode as C;
use std::{num::NonZeroU32, sync::Arc, time::Duration};
use tokio::time::Instant;

/// The longest wait for a turn.
const TURN_COMES_WITHIN: Duration = Duration::from_millis(1_500);

/// A token bucket: requests per second over time, and how many may come at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestRate {
    /// Requests per second.
    pub per_second: NonZeroU32,
    /// How many at once.
    pub burst: NonZeroU32,
}

/// The bucket of one cluster. Clones share it.
#[derive(Clone)]
pub(crate) struct Pace(Option<Arc<DefaultDirectRateLimiter>>);

impl Pace {
    /// No rate is no limit.
    pub(crate) fn new(rate: Option<RequestRate>) -> Self {
        let quota = |rate: RequestRate| Quota::per_second(rate.per_second).allow_burst(rate.burst);
        Self(rate.map(|rate| Arc::new(RateLimiter::direct(quota(rate)))))
    }

    /// Waits for the turn of one request. Where that would take long, nothing is sent: whoever asked comes back.
    pub(crate) async fn turn(&self) -> Result<(), Refusal> {
        let Some(bucket) = &self.0 else { return Ok(()) };
        let until = Instant::now() + TURN_COMES_WITHIN;
        while let Err(early) = bucket.check() {
            let wait = early.wait_time_from(DefaultClock::default().now());
            if Instant::now() + wait > until {
                return Err(Refusal::new(C::QueueFull, "held back by the rate of requests"));
            }
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[tokio::test]
    async fn a_burst_goes_at_once_and_what_comes_beyond_waits() {
        let one = |n| NonZeroU32::new(n).unwrap();
        let pace = Pace::new(Some(RequestRate { per_second: one(1), burst: one(3) }));
        for _ in 0..3 {
            assert_eq!(pace.turn().now_or_never(), Some(Ok(())));
        }
        assert_eq!(pace.clone().turn().now_or_never(), None, "clones share the bucket");
        assert_eq!(Pace::new(None).turn().now_or_never(), Some(Ok(())));
    }

    #[tokio::test]
    async fn a_turn_that_is_far_off_is_refused_at_once() {
        let one = NonZeroU32::MIN;
        let slow = Quota::with_period(Duration::from_mins(1)).unwrap().allow_burst(one);
        let pace = Pace(Some(Arc::new(RateLimiter::direct(slow))));
        pace.turn().await.unwrap();
        assert_eq!(pace.turn().now_or_never().unwrap().unwrap_err().code, C::QueueFull as i32);
    }
}
