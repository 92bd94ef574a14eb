//! Reconcilers: periodic and poked, without input. They look at the world and do the same thing each time.

mod cluster_health;
mod observe;
mod postman;
mod sweep;

pub use cluster_health::ClusterHealth;
pub use observe::observe;
pub use postman::Postman;
pub use sweep::Sweep;
