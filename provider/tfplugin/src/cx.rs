//! What a handler can reach besides its arguments.

use crate::{Diagnostic, Diagnostics, Severity};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::error::Category;
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio_util::sync::CancellationToken;

/// The surroundings of one call: client, cancellation, warnings and private state.
pub struct Cx<C> {
    /// What [`Provider::configure`](crate::Provider::configure) made.
    pub client: Arc<C>,
    stop: CancellationToken,
    request_id: String,
    deferral_allowed: bool,
    planned_private: Vec<u8>,
    notes: Mutex<Notes>,
}

/// Without the private state, which may hold secrets.
impl<C: fmt::Debug> fmt::Debug for Cx<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { client, request_id, .. } = self;
        f.debug_struct("Cx").field("client", client).field("request_id", request_id).finish_non_exhaustive()
    }
}

/// What a call leaves beside its result.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) warnings: Vec<Diagnostic>,
    pub(crate) private: Vec<u8>,
    pub(crate) deferral: Option<Deferral>,
}

/// Why something has to wait for another run. Part of the protocol, behind `-allow-deferral` in experimental builds of
/// Terraform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deferral {
    /// Something in the resource's configuration is not known yet.
    ResourceConfigUnknown,
    /// Something in the provider's configuration is not known yet.
    ProviderConfigUnknown,
    /// Something that it needs does not exist yet.
    AbsentPrerequisite,
}

/// The bytes in the state: an envelope, so that the library can store something of its own one day.
#[derive(serde::Serialize, serde::Deserialize)]
struct Envelope<P> {
    provider: P,
}

impl<C> Cx<C> {
    pub(crate) fn new(client: Arc<C>, stop: CancellationToken, private: Vec<u8>) -> Self {
        let notes = Notes { private, ..Notes::default() };
        Self {
            client,
            stop,
            request_id: crate::rpc::request_id(),
            deferral_allowed: false,
            planned_private: Vec::new(),
            notes: Mutex::new(notes),
        }
    }

    pub(crate) fn may_defer(mut self, allowed: bool) -> Self {
        self.deferral_allowed = allowed;
        self
    }

    pub(crate) fn planned_before(mut self, private: Vec<u8>) -> Self {
        self.planned_private = private;
        self
    }

    /// The id of this call, as it stands in the log beside everything that happens in it: for the server's log, too.
    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.request_id
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
        open_envelope(&self.notes().private)
    }

    /// What the plan that the user saw has stored by [`set_private`](Self::set_private), in the plan just before an apply.
    /// Terraform 1.16 and newer hand it on; for others there is none.
    ///
    /// # Errors
    /// If what is stored is not a `P`.
    pub fn planned_private<P: DeserializeOwned>(&self) -> Result<Option<P>, Diagnostics> {
        open_envelope(&self.planned_private)
    }

    /// Puts the object off to another run. Return what is known from the call then; Terraform uses it only to show it.
    ///
    /// # Errors
    /// If this Terraform cannot put anything off.
    pub fn defer(&self, why: Deferral) -> Result<(), Diagnostics> {
        if !self.deferral_allowed {
            let what = match why {
                Deferral::ResourceConfigUnknown => "Something in its configuration is not known yet",
                Deferral::ProviderConfigUnknown => "Something in the provider's configuration is not known yet",
                Deferral::AbsentPrerequisite => "Something that it needs does not exist yet",
            };
            return Err(Diagnostic::error(what)
                .detail("Apply what it depends on first, with -target, and then everything.")
                .into());
        }
        self.notes().deferral = Some(why);
        Ok(())
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

    pub(crate) fn into_notes(self) -> Notes {
        self.notes.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// The result of a call and what it leaves beside that. Where it fails, its warnings are told with the error.
    pub(crate) fn settle<T>(self, result: Result<T, Diagnostics>) -> Result<(T, Notes), Diagnostics> {
        let notes = self.into_notes();
        match result {
            Ok(value) => Ok((value, notes)),
            Err(e) => Err(e.or_some_error().after(notes.warnings)),
        }
    }

    /// Nothing panics while the lock is held, so a poisoned one is whole.
    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open_envelope<P: DeserializeOwned>(bytes: &[u8]) -> Result<Option<P>, Diagnostics> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let envelope: Result<Envelope<P>, _> = serde_json::from_slice(bytes);
    envelope
        .map(|envelope| Some(envelope.provider))
        // Not in serde's words, which quote what is stored: it may be a secret.
        .map_err(|e| match e.classify() {
            Category::Data => format!("the private data in the state are no {}", std::any::type_name::<P>()).into(),
            _ => "the private data in the state are no JSON".into(),
        })
}
