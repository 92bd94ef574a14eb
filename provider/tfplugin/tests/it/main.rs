//! The library on the real `terraform`, with the provider of `examples/ledger`, and its process seen from outside.

#![expect(clippy::unwrap_used, reason = "in the helpers of a test too, a failed unwrap is a failed test")]

mod anew;
mod approval;
mod basics;
mod corners;
mod harness;
#[path = "../../examples/ledger/provider/mod.rs"]
mod ledger;
mod newer;
mod newer_terraform;
mod odd;
mod process;
mod schema;
mod shapes;
mod steps;
mod terraform;
mod wire;
