//! The library on the real `terraform`, with the provider of `examples/ledger`, and its process seen from outside.

#![expect(clippy::unwrap_used, reason = "in the helpers of a test too, a failed unwrap is a failed test")]

mod anew;
mod approval;
mod basics;
mod harness;
mod process;
mod schema;
mod shapes;
#[path = "../../examples/ledger/store.rs"]
#[expect(dead_code, reason = "the tests look and decide; they do not ask")]
mod store;
mod terraform;
