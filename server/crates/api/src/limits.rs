//! Limits of workspaces and clusters on how much they may hold in all.

use crate::wire;

wire! {
    /// How much of each resource, at most. What is absent is not limited.
    #[derive(Default)]
    input struct ResourceAmounts {
        /// Topics, those that wait for a person included.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub topics: Option<i64>,
        /// Partitions of its topics, without replicas.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub partitions: Option<i64>,
        /// Bytes that its topics may keep: `retention.bytes`, which Kafka counts per partition, times partitions. With this limit a new topic has to
        /// set `retention.bytes`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub retained_bytes: Option<i64>,
    }
}

wire! {
    /// Limits, and what is taken of them.
    struct ResourceLimits {
        /// At most so much in all.
        pub limits: ResourceAmounts,
        /// What is taken, open requests included.
        pub used: ResourceAmounts,
        /// Topics without `retention.bytes`: they are not in `used.retained_bytes`.
        pub topics_without_retention_bytes: i64,
        /// Counts up with every change; also the ETag. 0 where no limit was ever set.
        pub revision: i64,
    }
}
