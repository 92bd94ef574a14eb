//! The provider itself.

use crate::{Diagnostic, Diagnostics, Model, Registry, Schema, Severity, View};
use std::sync::{Mutex, PoisonError};
use tokio_util::sync::CancellationToken;

/// A Terraform provider: its own configuration, the client made of it, and what it offers.
pub trait Provider: Send + Sync + 'static {
    /// The `provider` block.
    type Config: Model;
    /// What every handler gets, made once per process.
    type Client: Send + Sync + 'static;
    /// The name in the registry and the prefix of every type, for example `ledger`.
    const NAME: &'static str;
    /// Where configurations find it, host included: `registry.terraform.io/example/ledger`.
    const SOURCE: &'static str;

    /// The rules of the `provider` block.
    fn schema() -> Schema<Self::Config>;

    /// The resources, data sources, functions and so on.
    fn registry() -> Registry<Self::Client>;

    /// Rules over several attributes of the `provider` block. Runs at `validate`, where much is not known yet.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn validate(_config: View<'_, Self::Config>) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Makes the client. Terraform starts a provider three to five times per command and configures it in most of
    /// them, so this should connect to nothing: let the first request do that.
    ///
    /// An attribute can be unknown at plan, when it comes from a resource that is not there yet: [`View::known`] turns
    /// that into an error, [`View::get`] lets you go on without.
    fn configure(
        config: View<'_, Self::Config>,
        host: &Host,
    ) -> impl Future<Output = Result<Self::Client, Diagnostics>> + Send;

    /// Does what is left to do before the process ends, within a second. A host that is killed leaves no time for it.
    fn close(_client: &Self::Client) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Who started the provider.
#[derive(Debug)]
pub struct Host {
    /// The version of Terraform or `OpenTofu`, for the user agent. Not for decisions: the two number differently.
    pub version: String,
    stop: CancellationToken,
    warnings: Mutex<Vec<Diagnostic>>,
}

impl Host {
    /// A host of this version, which nobody stops: for a test of [`Provider::configure`].
    #[must_use]
    pub fn new(version: impl Into<String>) -> Self {
        Self { version: version.into(), stop: CancellationToken::new(), warnings: Mutex::default() }
    }

    pub(crate) fn stopped_by(self, stop: CancellationToken) -> Self {
        Self { stop, ..self }
    }

    /// Completes when the user wants Terraform to stop: end at once then.
    pub async fn stopping(&self) {
        self.stop.cancelled().await;
    }

    /// Tells the user something that stops nothing.
    pub fn warn(&self, warning: impl Into<Diagnostic>) {
        let warning = Diagnostic { severity: Severity::Warning, ..warning.into() };
        self.warnings.lock().unwrap_or_else(PoisonError::into_inner).push(warning);
    }

    pub(crate) fn into_warnings(self) -> Diagnostics {
        self.warnings.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect()
    }
}
