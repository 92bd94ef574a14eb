//! How many calls a principal may make: a token bucket for each, of this replica. Every answer to somebody known tells what is left of it
//! (draft-ietf-httpapi-ratelimit-headers); a call beyond it is refused, with the time to wait.

use crate::app::{Code, Refusal};
use axum::{
    extract::Request,
    http::{Extensions, HeaderValue, header},
    middleware::Next,
    response::Response,
};
use governor::{
    DefaultKeyedRateLimiter, Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DefaultKeyedStateStore,
};
use orbit_core::id::PrincipalId;
use std::{
    num::NonZeroU32,
    sync::{Arc, OnceLock},
    time::Duration,
};

/// A token bucket: calls per second over time, and how many may come at once after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallRate {
    /// Calls per second.
    pub per_second: NonZeroU32,
    /// Calls at once.
    pub burst: NonZeroU32,
}

type Buckets = RateLimiter<PrincipalId, DefaultKeyedStateStore<PrincipalId>, DefaultClock, StateInformationMiddleware>;

/// The buckets of all principals.
pub struct Throttle {
    rate: CallRate,
    buckets: Buckets,
}

/// What is left of a principal's bucket, noted by who identifies it, for the answer's headers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Left(Arc<OnceLock<Budget>>);

#[derive(Debug, Clone, Copy)]
struct Budget {
    rate: CallRate,
    remaining: u32,
    /// Until the bucket is full again, or, where it is empty, until the next call.
    wait: Duration,
}

impl Throttle {
    /// Full buckets.
    #[must_use]
    pub fn new(rate: CallRate) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let buckets: DefaultKeyedRateLimiter<PrincipalId> = RateLimiter::keyed(quota);
        Self { rate, buckets: buckets.with_middleware() }
    }

    /// Takes one call out of a principal's bucket, and notes what is left.
    pub(crate) fn take(&self, who: PrincipalId, extensions: &Extensions) -> Result<(), Refusal> {
        let (budget, taken) = match self.buckets.check_key(&who) {
            Ok(left) => {
                let remaining = left.remaining_burst_capacity();
                let missing = self.rate.burst.get().saturating_sub(remaining);
                let wait = Duration::from_secs(1).saturating_mul(missing) / self.rate.per_second.get();
                (Budget { rate: self.rate, remaining, wait }, Ok(()))
            }
            Err(early) => {
                let wait = early.wait_time_from(DefaultClock::default().now());
                (Budget { rate: self.rate, remaining: 0, wait }, Err(self.too_many()))
            }
        };
        if let Some(Left(place)) = extensions.get() {
            // Who is identified twice in a call has the first note stand.
            let _ = place.set(budget);
        }
        taken
    }

    fn too_many(&self) -> Refusal {
        let CallRate { per_second, burst } = self.rate;
        Refusal::new(
            Code::TooManyCalls,
            format!("you make more than {per_second} calls in a second ({burst} at once after a pause)"),
        )
        .remedy("wait as long as Retry-After says; server.calls_per_second is the limit")
    }
}

/// Seconds, rounded up.
fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

/// Tells what is left.
pub(crate) async fn layer(mut request: Request, next: Next) -> Response {
    let left = Left::default();
    request.extensions_mut().insert(left.clone());
    let mut response = next.run(request).await;
    if let Some(Budget { rate, remaining, wait }) = left.0.get().copied() {
        let CallRate { per_second, burst } = rate;
        // The window in which the whole bucket fills.
        let window = burst.get().div_ceil(per_second.get());
        let policy = format!("\"principal\";q={burst};w={window}");
        let state = format!("\"principal\";r={remaining};t={}", seconds(wait));
        let headers = response.headers_mut();
        for (name, text) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&text) {
                headers.insert(name, value);
            }
        }
        if remaining == 0 && response.status() == Code::TooManyCalls.status() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds(wait).max(1)));
        }
    }
    response
}
