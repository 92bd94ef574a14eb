//! Topics.

use crate::{OperationSummary, Problem, RequestSummary, Verdict, wire};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

wire! {
    /// What becomes of old records.
    enum CleanupPolicy {
        /// Deleted by age or size.
        Delete,
        /// Only the last record of a key is kept.
        Compact,
        /// Both.
        #[serde(rename = "compact,delete")]
        CompactDelete,
    }
}

wire! {
    /// How records are compressed.
    enum Compression {
        /// Not at all; Kafka's `uncompressed`.
        None,
        /// gzip
        Gzip,
        /// Snappy
        Snappy,
        /// LZ4
        Lz4,
        /// Zstandard
        Zstd,
    }
}

wire! {
    /// Where a topic is on its way.
    enum TopicStatus {
        /// Its creation waits for a person.
        PendingApproval,
        /// It is being made.
        Provisioning,
        /// It is on the cluster.
        Active,
        /// It could not be made.
        Failed,
        /// It is being deleted.
        Deleting,
        /// Its creation was refused by a person.
        Rejected,
        /// Its creation was taken back.
        Withdrawn,
        /// Nobody decided its creation in time.
        Expired,
    }
}

/// The types that share what a topic can be given, so that the fields and their documentation stand once.
macro_rules! topic_types { ($($(#[doc = $doc:literal])* $field:ident : $T:ty,)*; $($(#[doc = $said:literal])* $word:ident : $W:ty,)*) => {
    wire! {
        /// A topic to create. What is absent is not managed: the cluster's default applies and never shows as a difference.
        input struct TopicCreate {
            /// Slug or id of the workspace that is to own it.
            pub workspace: String,
            /// Slug or id of the environment.
            pub environment: String,
            /// Logical name: 1 to 249 of `[A-Za-z0-9._-]`, not starting with `__`.
            pub name: String,
            $($(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$T>,)*
            /// Further topic settings by Kafka's name of them. Orbit manages only what is given; the broker's defaults never show as a difference.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub config: Option<BTreeMap<String, String>>,
            $($(#[doc = $said])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $word: Option<$W>,)*
        }
    }
    wire! {
        /// What to change on a topic, as a JSON merge patch (RFC 7396): absent stays as it is, null unsets; so it is within `config` too.
        #[derive(Default)]
        input struct TopicPatch {
            $($(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::double_option")]
                #[cfg_attr(feature = "openapi", schema(value_type = Option<$T>))]
                pub $field: Option<Option<$T>>,)*
            /// Further topic settings to change: a setting that is absent stays as it is, null unsets it.
            #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::double_option")]
            #[cfg_attr(feature = "openapi", schema(value_type = Option<BTreeMap<String, Option<String>>>))]
            pub config: Option<Option<BTreeMap<String, Option<String>>>>,
            $($(#[doc = $said])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $word: Option<$W>,)*
        }
    }
    wire! {
        /// What a topic is to be, whole: what is absent is unset.
        #[derive(Default)]
        input struct TopicReplace {
            $($(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$T>,)*
            /// Further topic settings by Kafka's name of them: exactly these.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub config: Option<BTreeMap<String, String>>,
            $($(#[doc = $said])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $word: Option<$W>,)*
        }
    }
    wire! {
        /// What a topic is to be.
        #[derive(Default)]
        input struct TopicSpec {
            $($(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$T>,)*
            /// Further topic settings by Kafka's name of them.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub config: Option<BTreeMap<String, String>>,
        }
    }
    wire! {
        /// What a request says for itself, for those who decide; not kept in the topic.
        #[derive(Default)]
        input struct Documentation {
            $($(#[doc = $said])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $word: Option<$W>,)*
        }
    }
    wire! {
        /// Several changes to ask for as one request: one verdict, one decision, one operation. All of it happens, or nothing of it stays.
        input struct RequestCreate {
            /// 1 to 100 changes of different topics of one workspace, in the order in which they are judged. Topics are deleted last, whatever the order.
            pub items: Vec<RequestCreateItem>,
            $($(#[doc = $said])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $word: Option<$W>,)*
        }
    }
    wire! {
        /// A topic.
        struct Topic {
            /// Orbit's id of it.
            pub id: String,
            /// Slug of the workspace that owns it.
            pub workspace: String,
            /// Slug of its environment.
            pub environment: String,
            /// Logical name.
            pub name: String,
            $($(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$T>,)*
            /// Further topic settings that Orbit manages, by Kafka's name of them.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub config: Option<BTreeMap<String, String>>,
            /// The profile that a policy gave it, since it named none.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub default_profile: Option<String>,
            /// What its profile gave when it was asked for.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub from_profile: Option<TopicProfile>,
            /// Slug of the cluster that it lives on, resolved when it was asked for.
            pub cluster: String,
            /// Its name there.
            pub physical_name: String,
            /// Kafka's id of it (KIP-516), once it is on the cluster.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub kafka_topic_id: Option<String>,
            /// Where it is on its way.
            pub status: TopicStatus,
            /// What is worth knowing of it: `ChangePending`, `Drifted`, `ClusterUnreachable`, `DeletionScheduled`.
            #[serde(default)]
            pub conditions: Vec<Condition>,
            /// How the cluster differs from what the topic is to be, field by field.
            #[serde(default)]
            pub drift: Vec<Difference>,
            /// What the cluster showed when it was last looked at.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub observed: Option<ObservedTopic>,
            /// The newest request about it that is open, or that was refused.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub request: Option<RequestSummary>,
            /// When it is deleted, where that was accepted with a lead time: it can be restored until then.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub deletes_at: Option<Timestamp>,
            /// The newest operation on it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub operation: Option<OperationSummary>,
            /// Id of the newest operation on it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub workflow_id: Option<String>,
            /// Whether whoever asked for it has seen it: from then on an equal create is a duplicate, not a lost reply.
            #[serde(default)]
            pub acknowledged: bool,
            /// Whether its creation needed a person's consent.
            pub approval_required: bool,
            /// Who gave it.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub approved_by: Option<String>,
            /// When it was given.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub approved_at: Option<Timestamp>,
            /// Counts up with every change; also the ETag.
            pub revision: i64,
            /// When it was first asked for.
            pub created_at: Timestamp,
            /// When its record last changed.
            pub updated_at: Timestamp,
        }
    }
    impl TopicCreate {
        /// A topic to create that has `spec`.
        #[must_use]
        pub fn new(workspace: impl Into<String>, environment: impl Into<String>, name: impl Into<String>, spec: TopicSpec) -> Self {
            Self { workspace: workspace.into(), environment: environment.into(), name: name.into(), config: spec.config, $($field: spec.$field,)* $($word: None),* }
        }
        /// What it is to be.
        #[must_use]
        pub fn spec(&self) -> TopicSpec { TopicSpec { config: self.config.clone(), $($field: self.$field.clone()),* } }
    }
    impl Topic {
        /// What it is to be.
        #[must_use]
        pub fn spec(&self) -> TopicSpec { TopicSpec { config: self.config.clone(), $($field: self.$field.clone()),* } }
    }
    impl TopicReplace {
        /// What it is to be.
        #[must_use]
        pub fn spec(&self) -> TopicSpec { TopicSpec { config: self.config.clone(), $($field: self.$field.clone()),* } }
    }
    impl From<TopicSpec> for TopicReplace {
        fn from(spec: TopicSpec) -> Self { Self { config: spec.config, $($field: spec.$field,)* $($word: None),* } }
    }
    impl TopicCreate {
        /// What the request says for itself.
        #[must_use]
        pub fn documentation(&self) -> Documentation { Documentation { $($word: self.$word.clone()),* } }
        /// The same, with what the request says for itself.
        #[must_use]
        pub fn documented(self, words: Documentation) -> Self { Self { $($word: words.$word,)* ..self } }
    }
    impl RequestCreate {
        /// A request for these changes.
        #[must_use]
        pub fn new(items: Vec<RequestCreateItem>, words: Documentation) -> Self { Self { items, $($word: words.$word),* } }
        /// What it says for itself.
        #[must_use]
        pub fn documentation(&self) -> Documentation { Documentation { $($word: self.$word.clone()),* } }
    }
    impl TopicReplace {
        /// What the request says for itself.
        #[must_use]
        pub fn documentation(&self) -> Documentation { Documentation { $($word: self.$word.clone()),* } }
        /// The same, with what the request says for itself.
        #[must_use]
        pub fn documented(self, words: Documentation) -> Self { Self { $($word: words.$word,)* ..self } }
    }
    impl TopicPatch {
        /// What the request says for itself.
        #[must_use]
        pub fn documentation(&self) -> Documentation { Documentation { $($word: self.$word.clone()),* } }
        /// What `before` becomes.
        #[must_use]
        pub fn apply(self, before: TopicSpec) -> TopicSpec {
            TopicSpec { config: merged(before.config, self.config), $($field: self.$field.unwrap_or(before.$field)),* }
        }
    }
} }

topic_types! {
    /// A preset that a policy offers, for example `audit`. What it gives holds where nothing else is said, is copied when the topic is asked for, and does
    /// not change with the policy later.
    profile: String,
    /// Number of partitions, 1 to 100,000. Can grow, never shrink.
    partitions: u32,
    /// Replicas of each partition, at most as many as the cluster has brokers. Fixed once the topic is made.
    replication_factor: u16,
    /// How long records are kept, in milliseconds; -1 is for ever.
    retention_ms: i64,
    /// What becomes of old records.
    cleanup_policy: CleanupPolicy,
    /// How records are compressed.
    compression: Compression,
    /// What the topic is for. At most 2,000 characters.
    description: String,
    /// Words to find it by: at most 32 of at most 64 characters.
    tags: BTreeSet<String>,
    /// Whom to ask: an address or a channel. At most 200 characters.
    owner_contact: String,
    /// While on, the topic cannot be deleted.
    deletion_protection: bool,
    ;
    /// Why, for those who decide. At most 2,000 characters.
    justification: String,
    /// What is going to write to it: at most 50 texts of at most 200 characters.
    producers: Vec<String>,
    /// What is going to read from it: at most 50 texts of at most 200 characters.
    consumers: Vec<String>,
    /// Schemas of its records, for example subjects of a registry: at most 50 texts of at most 200 characters.
    schema_references: Vec<String>,
    /// Why records are kept for as long as asked. At most 2,000 characters.
    retention_rationale: String,
    /// Further reading for those who decide, a ticket or a design: at most 50 texts of at most 200 characters.
    links: Vec<String>,
}

wire! {
    /// What a profile gives a topic.
    #[derive(Default)]
    input struct TopicProfile {
        /// Number of partitions, 1 to 100,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub partitions: Option<u32>,
        /// Replicas of each partition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub replication_factor: Option<u16>,
        /// Topic settings by Kafka's name of them: `retention.ms`, `cleanup.policy`, …
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub config: Option<BTreeMap<String, String>>,
    }
}

/// A map after a merge patch of it.
#[expect(clippy::option_option, reason = "absent, null and given are three things in a merge patch")]
fn merged(
    before: Option<BTreeMap<String, String>>,
    patch: Option<Option<BTreeMap<String, Option<String>>>>,
) -> Option<BTreeMap<String, String>> {
    let Some(patch) = patch else { return before };
    let mut after = before.filter(|_| patch.is_some()).unwrap_or_default();
    for (key, value) in patch? {
        match value {
            Some(value) => drop(after.insert(key, value)),
            None => drop(after.remove(&key)),
        }
    }
    Some(after).filter(|map| !map.is_empty())
}

wire! {
    /// What is worth knowing of an object beside its status.
    struct Condition {
        /// What kind: `ChangePending`, `Drifted`, `ClusterUnreachable`, `DeletionScheduled`.
        #[serde(rename = "type")]
        pub kind: String,
        /// More of it, for a person.
        pub message: String,
    }
}

wire! {
    /// A field that differs.
    struct Difference {
        /// JSON pointer of the field; empty where the whole object differs (it is gone, or another one has its name).
        pub field: String,
        /// What was, or is to be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub before: Option<String>,
        /// What is to be, or is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub after: Option<String>,
    }
}

wire! {
    /// What the cluster showed of a topic.
    struct ObservedTopic {
        /// When it was looked at; to the minute where it looked the same again.
        pub at: Timestamp,
        /// Whether it was there, and was the one that Orbit made.
        pub present: bool,
        /// How many partitions it has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub partitions: Option<u32>,
        /// Replicas of its first partition.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub replication_factor: Option<u16>,
        /// Settings that are given on the topic itself.
        #[serde(default)]
        pub config: BTreeMap<String, String>,
    }
}

wire! {
    /// Create, update or delete.
    enum Action {
        /// The object is new, or taken up again after it failed.
        Create,
        /// The object changes.
        Update,
        /// The object goes.
        Delete,
    }
}

wire! {
    /// Topics that the caller has seen.
    input struct TopicAcknowledge {
        /// Their ids, at most 1,000.
        pub topics: Vec<String>,
    }
}

wire! {
    /// Changes to judge together: each sees those before it. Files nothing.
    input struct TopicEvaluate {
        /// At most 1,000.
        pub items: Vec<TopicEvaluateItem>,
    }
}

wire! {
    /// One change to judge.
    input struct TopicEvaluateItem {
        /// What is to happen.
        pub action: Action,
        /// The topic: for `update` all that it is to be, for `delete` its workspace, environment and name.
        pub topic: TopicCreate,
    }
}

wire! {
    /// One change of several that a request asks for.
    input struct RequestCreateItem {
        /// What is to happen.
        pub action: Action,
        /// The topic: for `update` all that it is to be, for `delete` its workspace, environment and name. What is said for those who decide stands
        /// beside `items`, not here.
        pub topic: TopicCreate,
    }
}

wire! {
    /// What submit would answer.
    struct TopicEvaluation {
        /// One per item, in the order asked.
        pub items: Vec<TopicEvaluationItem>,
    }
}

wire! {
    /// What submit would answer to one change: a verdict, or the problem that keeps it from being judged.
    struct TopicEvaluationItem {
        /// The verdict.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub verdict: Option<Verdict>,
        /// Why it cannot be judged: an unknown workspace, an illegal name, a request of somebody else's that is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub problem: Option<Problem>,
        /// The topic's name on the cluster.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub physical_name: Option<String>,
        /// The cluster it would live on.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cluster: Option<String>,
        /// The request of the same intent that is open, or that was refused.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request: Option<RequestSummary>,
        /// The open request of another intent that this one would take the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub supersedes: Option<RequestSummary>,
    }
}
