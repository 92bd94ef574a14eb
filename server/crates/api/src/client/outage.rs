//! A server that cannot be reached is given up once, not by each of a thousand calls.

use super::ClientError;
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Since when nobody answers, and what whoever gave up was told.
#[derive(Debug, Default)]
pub(super) struct Outage(Mutex<Option<(Instant, ClientError)>>);

impl Outage {
    /// Whether a call has given up, and nobody has answered since.
    pub(super) fn lasts(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// What a call is told that had better not try: what the one was told that gave up less than this ago.
    pub(super) fn told(&self, rest: Duration) -> Option<ClientError> {
        let outage = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        outage.as_ref().filter(|(since, _)| since.elapsed() < rest).map(|(_, error)| error.clone())
    }

    /// A call gives up.
    pub(super) fn begins(&self, error: &ClientError) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), error.clone()));
    }

    /// Somebody has answered.
    pub(super) fn ends(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}
