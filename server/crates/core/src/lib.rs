//! Orbit's rules, without any I/O: what names are legal, what a topic is, what policy says of a change, how a request is decided, and how an
//! accepted change is carried out step by step.
//!
//! Nothing here knows a database, HTTP or librdkafka. What lives outside stands behind the traits of [`ports`]; workflows are driven through
//! [`workflow::Journal`], which the store implements.
#![deny(missing_docs)]

pub mod approval;
pub mod change;
pub mod documentation;
pub mod id;
pub mod model;
pub mod name;
pub mod notification;
pub mod policy;
pub mod ports;
pub mod secret;
#[cfg(feature = "testing")]
pub mod testing;
pub mod workflow;
pub mod workflows;
