//! Orbit to Kafka clusters: the port [`KafkaAdmin`](orbit_core::ports::KafkaAdmin) over librdkafka.
//!
//! - [`KafkaCluster`]: one cluster's client; cheap to clone, and free until something is asked of it.
//! - [`check`]: tries a connection from the outside in, and names the part that fails.
//!
//! Every error code of Kafka's and librdkafka's goes through one table, `error_table.rs`. `native` is the only module with `unsafe`; why it is there, and
//! what deleting by name leaves open, is in `docs/adr/0004-rdkafka-with-a-wrapper.md`.

mod admin;
mod bulk;
mod calls;
mod client;
mod defaults;
mod error_table;
mod errors;
mod health;
mod native;
mod validate;

pub use client::KafkaCluster;
pub use validate::{ConnectionFailure, check};
