//! What the stand-in answers.

use crate::{Action, Deferral, Diagnostics, Path, Severity, Value};
use serde_json::Value as Json;

/// A plan for one resource.
#[derive(Debug)]
#[must_use]
pub struct Plan {
    /// What would be done.
    pub action: Action,
    /// The object now.
    pub before: Json,
    /// The object after, as far as it is known; unknown values are null here.
    pub after: Json,
    /// The attributes that are "known after apply", sorted.
    pub unknown: Vec<String>,
    /// Why a replacement.
    pub requires_replace: Vec<Path>,
    /// What the provider tells.
    pub diagnostics: Diagnostics,
    /// Why the provider puts it off to another run. There is nothing to apply then.
    pub deferred: Option<Deferral>,
    pub(super) address: String,
    pub(super) config: Value,
    pub(super) prior: Value,
    pub(super) planned: Value,
    pub(super) identity: Value,
    pub(super) private: Vec<u8>,
}

/// The result of an apply, a refresh or an import.
#[derive(Debug)]
#[must_use]
pub struct Report {
    /// The object in the state.
    pub state: Option<Json>,
    /// Whether the next apply would destroy the object and create another.
    pub tainted: bool,
    /// What the provider tells.
    pub diagnostics: Diagnostics,
    /// Why the provider puts it off to another run.
    pub deferred: Option<Deferral>,
}

pub(super) fn texts(diagnostics: &Diagnostics, severity: Severity) -> Vec<String> {
    diagnostics.iter().filter(|d| d.severity == severity).map(ToString::to_string).collect()
}

impl Plan {
    /// The errors, as text with the attribute first.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        texts(&self.diagnostics, Severity::Error)
    }

    /// The warnings, as text with the attribute first.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        texts(&self.diagnostics, Severity::Warning)
    }

    /// Asserts that there is nothing to do and nothing to say.
    ///
    /// # Panics
    /// If there is.
    #[track_caller]
    pub fn is_empty(&self) {
        assert!(self.diagnostics.is_empty(), "{:?}", self.diagnostics);
        assert_eq!(self.action, Action::NoOp, "{} -> {}", self.before, self.after);
    }
}

impl Report {
    /// The errors, as text with the attribute first.
    #[must_use]
    pub fn errors(&self) -> Vec<String> {
        texts(&self.diagnostics, Severity::Error)
    }

    /// The warnings, as text with the attribute first.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        texts(&self.diagnostics, Severity::Warning)
    }

    /// Asserts that it went well, and gives the state; null if there is no object.
    ///
    /// # Panics
    /// If the provider told an error.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "the assertion is use enough")]
    pub fn ok(self) -> Json {
        assert!(!self.diagnostics.has_error(), "{:?}", self.diagnostics);
        self.state.unwrap_or(Json::Null)
    }
}
