//! What goes over Orbit's wire: JSON in `snake_case`, enum values in kebab-case, problems after RFC 9457.
//!
//! With the feature `client` a typed client comes along, with `openapi` the schemas of the OpenAPI document.
#![deny(missing_docs)]

#[cfg(feature = "client")]
pub mod client;
mod cluster;
mod environment;
mod limits;
mod notification;
mod operation;
mod pack;
mod page;
mod people;
mod policy;
mod problem;
mod request;
mod topic;

pub use cluster::*;
pub use environment::*;
pub use limits::*;
pub use notification::*;
pub use operation::*;
pub use pack::*;
pub use page::*;
pub use people::*;
pub use policy::*;
pub use problem::*;
pub use request::*;
pub use topic::*;

/// Declares wire types: serde, Debug, Clone, `PartialEq`, and the OpenAPI schema where asked for. `input` refuses unknown fields.
macro_rules! wire {
    ($(#[$meta:meta])* input struct $Name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(deny_unknown_fields)]
        pub struct $Name { $($body)* }
    };
    ($(#[$meta:meta])* struct $Name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $Name { $($body)* }
    };
    ($(#[$meta:meta])* enum $Name:ident { $($body:tt)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        #[serde(rename_all = "kebab-case")]
        pub enum $Name { $($body)* }
        impl std::fmt::Display for $Name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                serde::Serialize::serialize(self, f)
            }
        }
    };
}
pub(crate) use wire;
