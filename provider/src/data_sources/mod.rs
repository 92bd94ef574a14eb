//! One file per data source.

pub(crate) mod clusters;
pub(crate) mod environments;
mod facts;
pub(crate) mod topic;
pub(crate) mod topic_evaluation;
pub(crate) mod topics;

pub(crate) use facts::TopicData;
