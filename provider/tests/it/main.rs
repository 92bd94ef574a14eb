//! The provider in Terraform's hands, without Terraform and without Orbit: tfplugin's stand-in for the one, a fake for the other.
#![expect(clippy::unwrap_used, reason = "a failed step of a story ends it")]

mod actions;
mod anew;
mod data_sources;
mod docs;
mod everyday;
mod fake;
mod lists;
mod many;
mod modes;
mod moved;
mod pending;
mod refusals;
mod sight;
mod terraform;
mod trouble;
mod wishes;
mod world;
