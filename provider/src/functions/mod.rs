//! One file per function.

pub(crate) mod physical_topic_name;
pub(crate) mod subject_name;
