//! Orbit to Kafka clusters: the port [`KafkaAdmin`](orbit_core::ports::KafkaAdmin) over librdkafka.
//!
//! - [`KafkaCluster`]: one cluster's client; cheap to clone, and free until something is asked of it.
//! - [`check`]: tries a connection from the outside in, and names the part that fails.
//!
//! Changes that many ask for at once are gathered in a lane per kind of request, and sent at a rate that the platform team sets.
//!
//! Every error code of Kafka's and librdkafka's goes through one table, `error_table.rs`. `native` is the only module with `unsafe`; why it is there, and
//! why topics are made and deleted over `wire` instead, is in `docs/adr/0004` and `0007`.

mod admin;
mod bulk;
mod calls;
mod client;
mod cluster;
mod defaults;
mod error_table;
mod errors;
mod health;
mod lane;
mod native;
mod pace;
mod sent;
mod validate;
mod wire;

pub use cluster::KafkaCluster;
pub use pace::RequestRate;
pub use sent::Request;
pub use validate::{ConnectionFailure, check};
