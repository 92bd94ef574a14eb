//! What a handler can reach besides its arguments.

use crate::{Diagnostic, Diagnostics, Severity};
use serde::{Serialize, de::DeserializeOwned};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_util::sync::CancellationToken;

/// The surroundings of one call: client, cancellation, warnings and private state.
#[derive(Debug)]
pub struct Cx<C> {
    /// What [`Provider::configure`](crate::Provider::configure) made.
    pub client: Arc<C>,
    stop: CancellationToken,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    warnings: Vec<Diagnostic>,
    private: Vec<u8>,
}

/// The bytes in the state: an envelope, so that the library can store something of its own one day.
#[derive(serde::Serialize, serde::Deserialize)]
struct Envelope<P> {
    provider: P,
}

impl<C> Cx<C> {
    pub(crate) fn new(client: Arc<C>, stop: CancellationToken, private: Vec<u8>) -> Self {
        let notes = Notes { private, warnings: Vec::new() };
        Self { client, stop, notes: Mutex::new(notes) }
    }

    /// Completes when the user wants Terraform to stop. Terraform then waits for the handlers in flight, without a
    /// limit of its own, so every wait must end at once: `select!` on this, and store what is known, as
    /// [`Applied::Pending`](crate::Applied::Pending) or as an error. Requests in flight should be finished, not dropped:
    /// otherwise nobody knows what they did.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Whether [`stopping`](Self::stopping) has completed.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// A token that is cancelled with this call, to hand on to tasks.
    #[must_use]
    pub fn stop_token(&self) -> CancellationToken {
        self.stop.clone()
    }

    /// Tells the user something that stops nothing.
    pub fn warn(&self, warning: impl Into<Diagnostic>) {
        let mut warning = warning.into();
        warning.severity = Severity::Warning;
        self.notes().warnings.push(warning);
    }

    /// What [`set_private`](Self::set_private) stored for this object, in this or an earlier run.
    ///
    /// # Errors
    /// If what is stored is not a `P`.
    pub fn private<P: DeserializeOwned>(&self) -> Result<Option<P>, Diagnostics> {
        let notes = self.notes();
        if notes.private.is_empty() {
            return Ok(None);
        }
        let envelope: Result<Envelope<P>, _> = serde_json::from_slice(&notes.private);
        envelope
            .map(|envelope| Some(envelope.provider))
            .map_err(|e| format!("the private data in the state cannot be read: {e}").into())
    }

    /// Stores something beside the object that users do not see. Works in read, create, update and import, and in a
    /// delete that fails. A plan gets what is in the state, and Terraform plans twice: what the plan that users see stores
    /// is lost, what the one just before the apply stores is handed to create, update or delete.
    ///
    /// # Errors
    /// If `P` cannot be written as JSON.
    pub fn set_private<P: Serialize>(&self, value: &P) -> Result<(), Diagnostics> {
        let bytes = serde_json::to_vec(&Envelope { provider: value });
        self.notes().private = bytes.map_err(|e| format!("private data cannot be stored: {e}"))?;
        Ok(())
    }

    pub(crate) fn into_notes(self) -> (Vec<Diagnostic>, Vec<u8>) {
        let notes = self.notes.into_inner().unwrap_or_else(PoisonError::into_inner);
        (notes.warnings, notes.private)
    }

    /// Nothing panics while the lock is held, so a poisoned one is whole.
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
