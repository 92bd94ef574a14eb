//! Orbit as its users meet it: stories through the API and through `terraform`, on a real Kafka.
#![expect(clippy::unwrap_used, reason = "a failed step of a story ends it")]

mod approval;
mod chaos;
mod clients;
mod cluster_trouble;
mod consent;
mod cut_off;
mod durable;
mod durable_cluster;
mod durable_postgres;
mod habits;
mod install;
mod interrupt;
mod lapsed;
mod lifecycle;
mod migration;
#[cfg(feature = "mongey")]
mod mongey;
mod newer;
mod once;
mod platform;
mod policy;
mod program;
mod quickstart;
mod reach;
mod reads;
mod secrets;
mod server_trouble;
mod teams;
mod world;
