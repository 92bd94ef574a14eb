//! Cancellation by generation: what runs is cancelled, what comes later is not.

use std::{
    mem,
    sync::{Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// Terraform's wish that the provider stops what it is doing. It may come more than once, and the provider stays up.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    generation: Mutex<CancellationToken>,
}

impl Stop {
    /// The token of the calls that start now.
    pub(crate) fn current(&self) -> CancellationToken {
        self.generation.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Cancels every call in flight and arms a new token.
    pub(crate) fn stop(&self) {
        let mut generation = self.generation.lock().unwrap_or_else(PoisonError::into_inner);
        mem::take(&mut *generation).cancel();
    }
}
