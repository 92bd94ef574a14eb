//! Calls wait while the server has said that there are none left: better than to be refused, and to come again.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// A client does not rest for longer: whoever asks for more answers 429, and says so there.
const LONGEST: Duration = Duration::from_secs(10);

/// When the next call may go.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<Option<Instant>>);

impl Pace {
    /// Completes when it may.
    pub(super) async fn turn(&self) {
        let at = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = at {
            tokio::time::sleep_until(at).await;
        }
    }

    /// No call before this has passed.
    pub(super) fn rest(&self, pause: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + pause.min(LONGEST));
    }
}
