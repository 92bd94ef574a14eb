//! Answers as plain Rust values.

use super::Refusal;

/// Answer to one item of a call, by the item's name.
#[derive(Debug, Clone)]
pub(crate) struct Named<T> {
    pub(crate) name: String,
    pub(crate) outcome: Result<T, Refusal>,
}

/// A topic as `DescribeTopics` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicPartitions {
    pub(crate) id: u128,
    pub(crate) partitions: u32,
    pub(crate) replication_factor: u16,
}

/// One setting as `DescribeConfigs` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConfigEntry {
    pub(crate) name: String,
    /// Absent where the setting has none, or is sensitive.
    pub(crate) value: Option<String>,
    /// Whether it is given on the topic itself (`DYNAMIC_TOPIC_CONFIG`).
    pub(crate) own: bool,
    /// What would hold if it were not given on the topic: the first synonym that is not the topic's own.
    pub(crate) inherited: Option<String>,
}

/// A right on a resource; Kafka's own names (`AclOperation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Right {
    Create,
    Delete,
    Alter,
    Describe,
    DescribeConfigs,
    AlterConfigs,
}

impl Right {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Delete => "Delete",
            Self::Alter => "Alter",
            Self::Describe => "Describe",
            Self::DescribeConfigs => "DescribeConfigs",
            Self::AlterConfigs => "AlterConfigs",
        }
    }
    /// By Kafka's number; the others are no concern of Orbit's.
    pub(super) fn from_number(number: i32) -> Option<Self> {
        match number {
            5 => Some(Self::Create),
            6 => Some(Self::Delete),
            7 => Some(Self::Alter),
            8 => Some(Self::Describe),
            10 => Some(Self::DescribeConfigs),
            11 => Some(Self::AlterConfigs),
            _ => None,
        }
    }
}

/// The cluster as `DescribeCluster` tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClusterNodes {
    pub(crate) id: Option<String>,
    /// Ids of the brokers that are alive.
    pub(crate) brokers: Vec<i32>,
    /// What the principal may do on the cluster; absent where the cluster does not tell.
    pub(crate) rights: Option<Vec<Right>>,
}
