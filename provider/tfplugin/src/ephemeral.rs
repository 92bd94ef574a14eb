//! Values that live as long as a run: ephemeral resources.

use crate::{Cx, Diagnostics, Model, Schema, View};
use std::time::SystemTime;

/// An ephemeral resource: something that is opened when a run needs it, renewed while the run lasts, and closed at its
/// end. Nothing of it is in a plan or a state. Terraform 1.10 and newer, `OpenTofu` 1.11 and newer.
///
/// What is to be remembered goes into [`Cx::set_private`]. What `open` stores is what `close` gets; what a renewal stores,
/// only the next renewal gets.
pub trait EphemeralResource: Model {
    /// The client of the provider.
    type Client: Send + Sync + 'static;
    /// The type in the configuration, prefix included: `ledger_token`.
    const NAME: &'static str;

    /// The attributes: inputs are required or optional, results computed.
    fn schema() -> Schema<Self>;

    /// Rules over several attributes of the configuration.
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn validate(_config: View<'_, Self>) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Fills in what is [`Computed`](crate::Computed). Called in every phase in which something refers to it, once all
    /// inputs are known.
    fn open(cx: &Cx<Self::Client>, query: Self) -> impl Future<Output = Result<Opened<Self>, Diagnostics>> + Send;

    /// Prolongs what was opened; the answer is when to come again. Only called after [`Opened::renew_at`].
    fn renew(_cx: &Cx<Self::Client>) -> impl Future<Output = Result<Option<SystemTime>, Diagnostics>> + Send {
        async { Err(format!("{} cannot be renewed", Self::NAME).into()) }
    }

    /// Ends what was opened. Nothing to do where it ends by itself.
    fn close(_cx: &Cx<Self::Client>) -> impl Future<Output = Result<(), Diagnostics>> + Send {
        async { Ok(()) }
    }
}

/// Something that is open.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened<T> {
    pub(crate) value: T,
    pub(crate) renew_at: Option<SystemTime>,
}

impl<T> Opened<T> {
    /// When Terraform should call [`EphemeralResource::renew`], if it needs the value for that long.
    #[must_use]
    pub fn renew_at(mut self, at: SystemTime) -> Self {
        self.renew_at = Some(at);
        self
    }
}

impl<T> From<T> for Opened<T> {
    fn from(value: T) -> Self {
        Self { value, renew_at: None }
    }
}
