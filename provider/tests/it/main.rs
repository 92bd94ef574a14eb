//! The provider in Terraform's hands, without Terraform and without Orbit: tfplugin's stand-in for the one, a fake for the other.
#![expect(clippy::unwrap_used, reason = "a failed step of a story ends it")]

mod data_sources;
mod everyday;
mod fake;
mod pending;
mod refusals;
mod terraform;
mod trouble;
mod world;
