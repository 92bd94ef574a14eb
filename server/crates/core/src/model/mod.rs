//! What Orbit keeps: clusters, environments, topics.

pub mod cluster;
pub mod environment;
pub mod settings;
pub mod topic;
mod topic_status;
