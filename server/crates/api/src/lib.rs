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

/// Tells "absent" from "null": `None` is absent, `Some(None)` is null.
mod double_option {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[expect(clippy::option_option, reason = "absent, null and given are three things in a merge patch")]
    #[expect(clippy::ref_option, reason = "the shape that serde asks for")]
    pub(crate) fn serialize<T: Serialize, S: Serializer>(value: &Option<Option<T>>, s: S) -> Result<S::Ok, S::Error> {
        value.as_ref().and_then(Option::as_ref).serialize(s)
    }
    #[expect(clippy::option_option, reason = "absent, null and given are three things in a merge patch")]
    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        d: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::<T>::deserialize(d).map(Some)
    }
}

/// A field of a merge patch that can be given anew and not be taken away: null, which would take it away (RFC 7396), is refused.
mod kept {
    use serde::{Deserialize, Deserializer};

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(d: D) -> Result<Option<T>, D::Error> {
        T::deserialize(d).map(Some)
    }
}

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
