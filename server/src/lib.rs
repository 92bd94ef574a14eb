//! Orbit's server: REST API, policy, approvals and the durable runner.
//!
//! `http → app → core + store`; `runner` and `reconcile` drive what `app` left behind. `main.rs` wires concrete things together, and so do tests.

pub mod app;
pub mod auth;
pub mod clusters;
pub mod config;
pub mod dev;
pub mod http;
pub mod metrics;
pub mod notify;
pub mod reconcile;
pub mod runner;
pub mod serve;
pub mod system;
pub mod telemetry;
