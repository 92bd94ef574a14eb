//! Terraform provider for Orbit: from Terraform's schema to Orbit's wire types and back. It decides nothing itself: policy, waiting and truth
//! are the server's.

mod actions;
mod catalog;
mod data_sources;
mod evaluate;
mod functions;
mod judge;
mod lists;
mod memory;
mod on_pending;
mod orbit;
mod plain;
mod provider;
mod refresh;
mod resources;
mod say;
mod seen;
mod settle;
mod sheet;
mod slug;
mod wait;

pub use orbit::Orbit;
pub use provider::{OrbitProvider, Settings};
