#![doc = include_str!("../README.md")]
#![deny(missing_docs)]

mod cx;
mod diag;
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
pub mod value;

pub use cx::Cx;
pub use diag::{Diagnostic, Diagnostics, Severity};
pub use outcome::{Applied, Failure, Outcome};
pub use plan::{Action, Change, View};
pub use provider::{Host, Provider};
pub use registry::Registry;
pub use resource::{DataSource, JsonObject, Resource};
pub use schema::{Attributes, Field, Model, Nested, Schema};
pub use serve::serve;
pub use value::{Attr, AttributeType, Computed, Number, NumberError, Path, Step, Type, Value, ValueError};
