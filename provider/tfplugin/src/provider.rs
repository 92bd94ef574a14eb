//! The provider itself.

use crate::{Diagnostics, Model, Registry, Schema, View};

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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// The version of Terraform or `OpenTofu`, for the user agent. Not for decisions: the two number differently.
    pub version: String,
}
