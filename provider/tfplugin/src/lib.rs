#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod action;
mod cx;
mod diag;
pub mod docs;
mod ephemeral;
mod function;
mod list;
mod outcome;
mod plan;
mod proto;
mod provider;
mod registry;
mod resource;
mod rpc;
pub mod schema;
mod serve;
pub mod testing;
mod timeouts;
pub mod value;

pub use action::{Progress, ProviderAction};
pub use cx::{Cx, Deferral};
pub use diag::{Diagnostic, Diagnostics, Severity};
pub use ephemeral::{EphemeralResource, Opened};
pub use function::{Function, FunctionError, Parameters};
pub use list::{Found, ListResource};
pub use outcome::{Applied, Failure, Outcome};
pub use plan::{Action, Change, View};
pub use provider::{Host, Provider};
pub use registry::Registry;
pub use resource::{DataSource, JsonObject, MoveSource, Resource};
pub use schema::{Attributes, Field, Model, Nested, Schema};
pub use serve::serve;
pub use timeouts::{Timed, Timeouts};
pub use value::{
    Attr, AttributeType, Computed, Dynamic, GoDuration, JsonText, Number, NumberError, Path, Step, Type, Value,
    ValueError, WriteOnly,
};
