//! Deeds without an object: `action` blocks.

use crate::{Cx, Diagnostics, Model, Schema, View};
use tokio::sync::mpsc;

/// An action: something that is done and leaves nothing in the state. Its fields are what `config` of an `action` block
/// is set to. Run by `lifecycle.action_trigger` of a resource or by `-invoke`. Terraform 1.14 and newer.
pub trait ProviderAction: Model {
    /// The client of the provider.
    type Client: Send + Sync + 'static;
    /// The type in the configuration, prefix included: `ledger_audit`.
    const NAME: &'static str;

    /// The attributes of `config`: required or optional.
    fn schema() -> Schema<Self>;

    /// Rules over several attributes of the configuration.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn validate(_config: View<'_, Self>) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Looks at it at plan, and may refuse it or warn about it. Values may be unknown yet; write-only ones are there. It
    /// must have no effect.
    fn plan(_cx: &Cx<Self::Client>, _config: View<'_, Self>) -> impl Future<Output = Result<(), Diagnostics>> + Send {
        async { Ok(()) }
    }

    /// Does it. End at once when [`Cx::stopping`] completes.
    fn invoke(
        cx: &Cx<Self::Client>,
        config: Self,
        progress: &Progress,
    ) -> impl Future<Output = Result<(), Diagnostics>> + Send;
}

/// What an action tells while it is under way. Terraform shows each text as it comes.
#[derive(Clone, Debug)]
pub struct Progress(pub(crate) mpsc::UnboundedSender<Told>);

/// What is on its way to Terraform.
#[derive(Debug)]
pub(crate) enum Told {
    /// A text.
    Progress(String),
    /// The end: nothing comes after it.
    Completed(Diagnostics),
}

impl Progress {
    /// Tells something. Does nothing once the action is over.
    pub fn tell(&self, text: impl Into<String>) {
        // Nobody listens any more: the call is over, or Terraform is gone.
        let _hung_up = self.0.send(Told::Progress(text.into()));
    }
}
