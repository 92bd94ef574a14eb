//! One file per resource.

pub(crate) mod cluster;
pub(crate) mod environment;
pub(crate) mod environment_mapping;
pub(crate) mod membership;
pub(crate) mod service_principal;
pub(crate) mod topic;
pub(crate) mod topic_policy;
pub(crate) mod workspace;
