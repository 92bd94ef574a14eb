//! How many requests went to a cluster, by kind: what gathering saves shows here.

use std::sync::atomic::{AtomicU64, Ordering};

/// A kind of request; Kafka's own names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// `CreateTopics`
    CreateTopics,
    /// `DeleteTopics`
    DeleteTopics,
    /// `CreatePartitions`
    CreatePartitions,
    /// `IncrementalAlterConfigs`
    IncrementalAlterConfigs,
    /// `DescribeTopicPartitions` or `Metadata`
    DescribeTopics,
    /// `DescribeConfigs`
    DescribeConfigs,
    /// `DescribeCluster`
    DescribeCluster,
    /// `Metadata` of all topics
    ListTopics,
    /// `ListOffsets`
    ListOffsets,
}

impl Request {
    /// Every kind there is.
    pub const ALL: [Self; 9] = [
        Self::CreateTopics,
        Self::DeleteTopics,
        Self::CreatePartitions,
        Self::IncrementalAlterConfigs,
        Self::DescribeTopics,
        Self::DescribeConfigs,
        Self::DescribeCluster,
        Self::ListTopics,
        Self::ListOffsets,
    ];

    /// Its name, as metrics have it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CreateTopics => "CreateTopics",
            Self::DeleteTopics => "DeleteTopics",
            Self::CreatePartitions => "CreatePartitions",
            Self::IncrementalAlterConfigs => "IncrementalAlterConfigs",
            Self::DescribeTopics => "DescribeTopics",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::DescribeCluster => "DescribeCluster",
            Self::ListTopics => "ListTopics",
            Self::ListOffsets => "ListOffsets",
        }
    }
}

/// Counts, one for each kind.
#[derive(Debug, Default)]
pub(crate) struct Sent([AtomicU64; Request::ALL.len()]);

impl Sent {
    pub(crate) fn count(&self, request: Request) {
        self.0[request as usize].fetch_add(1, Ordering::Relaxed);
    }
    pub(crate) fn of(&self, request: Request) -> u64 {
        self.0[request as usize].load(Ordering::Relaxed)
    }
}
