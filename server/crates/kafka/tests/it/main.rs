//! The adapter against a real Kafka: `make test` starts one and hands on its address.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says so by a panic")]

mod configs;
mod connection;
mod outage;
mod rights;
mod support;
mod topics;
mod wire;
