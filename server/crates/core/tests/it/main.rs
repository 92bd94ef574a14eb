//! Tests of core through its public API.
#![expect(clippy::unwrap_used, reason = "clippy counts only `#[test]` functions as tests, not the helpers beside them")]

mod change;
mod fakes;
mod interference;
mod lagging;
mod random_faults;
mod shapes;
mod turn;
mod workflows;
