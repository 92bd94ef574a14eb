//! What the acceptance tests drive Orbit with: the programs as they are built, a real Kafka, a real PostgreSQL and a real `terraform`.
//!
//! Nothing here knows Orbit from the inside: servers are processes that are told apart by their addresses, killed and started again; everything that
//! is known of them came over the wire, or stands in their logs. A part that is missing on the machine fails the test with a sentence.
#![deny(missing_docs)]
#![expect(clippy::must_use_candidate, reason = "stories end in assertions, and drop what those hand on")]
#![expect(
    clippy::missing_panics_doc,
    reason = "all of this is for tests: what does not work ends them, at the place that asked for it"
)]

mod authority;
mod cluster;
mod cuts;
mod front;
mod orbit;
mod postgres;
mod process;
mod proxy;
mod setting;
mod terraform;
mod told;
mod wait;

pub use cluster::{Kafka, OnCluster};
pub use cuts::Cuts;
pub use front::{Canned, ConnectProxy, TlsFront};
pub use orbit::{Orbit, Setup};
pub use postgres::{Database, HeldBack};
pub use proxy::Proxy;
pub use setting::{bin, fresh, generator, mongeys_provider, repository};
pub use terraform::{Changed, Terraform, UnderWay};
pub use told::{Run, Told};
pub use wait::{BOUND, eventually, eventually_within, within};
