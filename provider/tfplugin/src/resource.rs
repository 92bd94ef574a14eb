//! What authors write: resources and data sources.

use crate::{Applied, Change, Cx, Diagnostics, Failure, Model, Outcome, Schema, View};
use std::fmt;

/// A state as JSON, the form in which old states arrive. Numbers beyond 64 bits are strings of their digits, in what comes and, as you like, in what goes.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// A managed resource. The file of one reads top-down: model, schema, plan, read, create, update, delete, import.
pub trait Resource: Model {
    /// The client of the provider.
    type Client: Send + Sync + 'static;
    /// The type in the configuration, prefix included: `ledger_object`.
    const NAME: &'static str;

    /// The attributes.
    fn schema() -> Schema<Self>;

    /// Rules over several attributes of the configuration. Single ones have [`check`](crate::schema::Attribute::check).
    /// Runs without a client, and while much is not known yet: pass over what is [`Attr::Unknown`](crate::Attr::Unknown).
    ///
    /// # Errors
    /// What is wrong with the configuration.
    fn validate(_config: View<'_, Self>) -> Result<(), Diagnostics> {
        Ok(())
    }

    /// Looks at a planned change, and may adjust it, refuse it, or warn about it. Runs for destroy too, and at apply
    /// once more, when all inputs are known. It must have no effect on the server.
    fn plan(
        _cx: &Cx<Self::Client>,
        _change: &mut Change<'_, Self>,
    ) -> impl Future<Output = Result<(), Diagnostics>> + Send {
        async { Ok(()) }
    }

    /// Refreshes the state. `None` is the only way to say that the object is gone; an error never does.
    fn read(cx: &Cx<Self::Client>, now: Self) -> impl Future<Output = Result<Option<Self>, Diagnostics>> + Send;

    /// Creates the object. Every [`Computed`](crate::Computed) in `want` that is absent must be set in what is
    /// returned, everything else must come back as it was.
    fn create(cx: &Cx<Self::Client>, want: Self) -> impl Future<Output = Outcome<Self>> + Send;

    /// Changes the object in place.
    fn update(cx: &Cx<Self::Client>, was: Self, want: Self) -> impl Future<Output = Outcome<Self>> + Send;

    /// Deletes the object. It is no error if it is gone already. An error leaves it in the state.
    fn delete(cx: &Cx<Self::Client>, was: Self) -> impl Future<Output = Result<Applied<()>, Failure<Self>>> + Send;

    /// Finds an existing object by the id that the user gives.
    fn import(_cx: &Cx<Self::Client>, _id: String) -> impl Future<Output = Result<Self, Diagnostics>> + Send {
        async { Err(format!("{} cannot be imported", Self::NAME).into()) }
    }

    /// Finds an existing object by its identity: the attributes that [`identity`](crate::schema::Attribute::identity)
    /// marks, everything else null.
    fn import_by(
        _cx: &Cx<Self::Client>,
        _identity: View<'_, Self>,
    ) -> impl Future<Output = Result<Self, Diagnostics>> + Send {
        async { Err(format!("{} cannot be imported by its identity, only by its id", Self::NAME).into()) }
    }

    /// Takes over an object that a resource of another type holds, perhaps one of another provider: what a `moved` block
    /// across types asks for. `None` where nothing is known of that type. Terraform reads the object next, which fills
    /// in what is left open. Runs without a client.
    ///
    /// # Errors
    /// If the type is known, and this state of it cannot be taken over.
    fn move_from(_source: &MoveSource) -> Result<Option<Self>, Diagnostics> {
        Ok(None)
    }

    /// Brings a state from version `from` to `from + 1`. Called in a chain until the current version is reached.
    ///
    /// # Errors
    /// If the state cannot be brought there.
    fn upgrade(from: u32, _state: JsonObject) -> Result<JsonObject, Diagnostics> {
        Err(format!("no upgrade of {} from version {from} of its state is known", Self::NAME).into())
    }
}

/// An object of another type that is to become one of this.
#[derive(Clone, PartialEq)]
pub struct MoveSource {
    /// The address of its provider, for example `registry.terraform.io/mongey/kafka`.
    pub provider: String,
    /// Its type.
    pub type_name: String,
    /// The version of its schema.
    pub version: i64,
    /// Its state.
    pub state: JsonObject,
    /// What tells it from others, with the version of that; none where its provider has no identities, or Terraform knows none.
    pub identity: Option<(i64, JsonObject)>,
}

/// Without its state: there may be secrets in it.
impl fmt::Debug for MoveSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { provider, type_name, version, .. } = self;
        let mut debug = f.debug_struct("MoveSource");
        debug
            .field("provider", provider)
            .field("type_name", type_name)
            .field("version", version)
            .finish_non_exhaustive()
    }
}

/// A data source: reads, changes nothing.
pub trait DataSource: Model {
    /// The client of the provider.
    type Client: Send + Sync + 'static;
    /// The type in the configuration, prefix included: `ledger_objects`.
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

    /// Fills in what is [`Computed`](crate::Computed). Only called once all inputs are known.
    fn read(cx: &Cx<Self::Client>, query: Self) -> impl Future<Output = Result<Self, Diagnostics>> + Send;
}
