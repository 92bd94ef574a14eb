//! What can be known of a topic: the same, alone and in a list.

use orbit_api::Topic;
use std::collections::{BTreeMap, BTreeSet};
use tfplugin::{Attributes, Computed, Diagnostics, Nested, model};

macro_rules! facts { ($($(#[doc = $doc:literal])* $field:ident : $T:ty = |$topic:ident| $value:expr;)*) => {
    model! {
        /// A topic of Orbit's, as it is to be and as its cluster shows it.
        pub(crate) struct TopicData {
            /// Slug of the workspace that owns it. Default: the provider's.
            workspace: Computed<String>,
            /// Slug of its environment.
            environment: String,
            /// Its name.
            name: String,
            $($(#[doc = $doc])* $field: Computed<$T>,)*
        }
    }
    model! {
        /// A topic.
        pub(crate) struct TopicItem {
            /// Slug of the workspace that owns it.
            workspace: Computed<String>,
            /// Slug of its environment.
            environment: Computed<String>,
            /// Its name.
            name: Computed<String>,
            $($(#[doc = $doc])* $field: Computed<$T>,)*
        }
    }
    impl Nested for TopicItem {
        fn attributes() -> Attributes<Self> {
            Attributes::new()
                .attr(Self::workspace.computed())
                .attr(Self::environment.computed())
                .attr(Self::name.computed())
                $(.attr(Self::$field.computed()))*
        }
    }
    impl TopicData {
        pub(crate) fn schema_of() -> tfplugin::Schema<Self> {
            tfplugin::Schema::new()
                .attr(Self::workspace.optional_computed().check(|text| crate::slug::check(text)))
                .attr(Self::environment.required())
                .attr(Self::name.required())
                $(.attr(Self::$field.computed()))*
        }

        pub(crate) fn told(topic: &Topic) -> Result<Self, Diagnostics> {
            Ok(Self {
                workspace: topic.workspace.clone().into(),
                environment: topic.environment.clone(),
                name: topic.name.clone(),
                $($field: { let $topic = topic; let value: $T = $value; value.into() },)*
            })
        }
    }
    impl TopicItem {
        pub(crate) fn told(topic: &Topic) -> Self {
            Self {
                workspace: topic.workspace.clone().into(),
                environment: topic.environment.clone().into(),
                name: topic.name.clone().into(),
                $($field: { let $topic = topic; let value: $T = $value; value.into() },)*
            }
        }
    }
} }

facts! {
    /// Orbit's id of it.
    id: String = |t| t.id.clone();
    /// Slug of the cluster that it lives on.
    cluster: String = |t| t.cluster.clone();
    /// Its name there.
    physical_name: String = |t| t.physical_name.clone();
    /// Kafka's id of it, once it is on the cluster.
    kafka_topic_id: Option<String> = |t| t.kafka_topic_id.clone();
    /// `pending-approval`, `provisioning`, `active`, `failed`, `deleting`, `rejected`, `withdrawn` or `expired`.
    status: String = |t| t.status.to_string();
    /// The profile that it was asked for with, or that a policy gave it.
    profile: Option<String> = |t| t.profile.clone().or_else(|| t.default_profile.clone());
    /// Number of partitions, where it is managed.
    partitions: Option<u32> = |t| t.partitions;
    /// Replicas of each partition, where they are managed.
    replication_factor: Option<u16> = |t| t.replication_factor;
    /// How long records are kept, in milliseconds, where it is managed; `-1` is for ever.
    retention_ms: Option<i64> = |t| t.retention_ms;
    /// What becomes of old records, where it is managed.
    cleanup_policy: Option<String> = |t| t.cleanup_policy.map(|policy| policy.to_string());
    /// How records are compressed, where it is managed.
    compression: Option<String> = |t| t.compression.map(|compression| compression.to_string());
    /// Further settings that are managed, by Kafka's name of them.
    config: BTreeMap<String, String> = |t| t.config.clone().unwrap_or_default();
    /// What it is for.
    description: Option<String> = |t| t.description.clone();
    /// Words to find it by.
    tags: BTreeSet<String> = |t| t.tags.clone().unwrap_or_default();
    /// Whom to ask about it.
    owner_contact: Option<String> = |t| t.owner_contact.clone();
    /// Whether it cannot be deleted.
    deletion_protection: bool = |t| t.deletion_protection.unwrap_or_default();
    /// What is worth knowing of it now: `ChangePending`, `Drifted`, `ClusterUnreachable`, `DeletionScheduled`.
    conditions: Vec<Condition> = |t| t.conditions.iter().map(Condition::told).collect();
    /// How the cluster differs from what the topic is to be, field by field.
    drift: Vec<Difference> = |t| t.drift.iter().map(Difference::told).collect();
    /// What the cluster showed when it was last looked at.
    observed: Option<Observed> = |t| t.observed.as_ref().map(Observed::told);
    /// Where the newest request about it can be seen, while one is open or after one was refused.
    request_url: Option<String> = |t| t.request.as_ref().map(|request| request.url.clone());
    /// Who decides that, in words.
    approvers: Option<String> = |t| t.request.as_ref().map(|request| request.approvers.clone());
    /// Id of the newest operation on it.
    workflow_id: Option<String> = |t| t.workflow_id.clone();
    /// Whether its creation needed a person's consent.
    approval_required: bool = |t| t.approval_required;
    /// Who gave it.
    approved_by: Option<String> = |t| t.approved_by.clone();
    /// When it was given.
    approved_at: Option<String> = |t| t.approved_at.map(|at| at.to_string());
    /// When it is deleted, where that was accepted with a lead time.
    deletes_at: Option<String> = |t| t.deletes_at.map(|at| at.to_string());
    /// When it was first asked for.
    created_at: String = |t| t.created_at.to_string();
    /// When its record last changed.
    updated_at: String = |t| t.updated_at.to_string();
}

model! {
    /// Something worth knowing.
    pub(crate) struct Condition {
        /// What kind.
        r#type: Computed<String>,
        /// More of it.
        message: Computed<String>,
    }
}

model! {
    /// A field that differs.
    pub(crate) struct Difference {
        /// JSON pointer of the field; empty where the whole topic differs: it is gone, or another one has its name.
        field: Computed<String>,
        /// What is to be.
        want: Computed<Option<String>>,
        /// What is.
        have: Computed<Option<String>>,
    }
}

model! {
    /// What the cluster showed.
    pub(crate) struct Observed {
        /// When it was looked at.
        at: Computed<String>,
        /// Whether it was there, and was the one that Orbit made.
        present: Computed<bool>,
        /// How many partitions it has.
        partitions: Computed<Option<u32>>,
        /// Replicas of its first partition.
        replication_factor: Computed<Option<u16>>,
        /// Settings that are given on the topic itself.
        config: Computed<BTreeMap<String, String>>,
    }
}

impl Nested for Condition {
    fn attributes() -> Attributes<Self> {
        Attributes::new().attr(Self::r#type.computed()).attr(Self::message.computed())
    }
}

impl Nested for Difference {
    fn attributes() -> Attributes<Self> {
        Attributes::new().attr(Self::field.computed()).attr(Self::want.computed()).attr(Self::have.computed())
    }
}

impl Nested for Observed {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::at.computed())
            .attr(Self::present.computed())
            .attr(Self::partitions.computed())
            .attr(Self::replication_factor.computed())
            .attr(Self::config.computed())
    }
}

impl Condition {
    fn told(it: &orbit_api::Condition) -> Self {
        Self { r#type: it.kind.clone().into(), message: it.message.clone().into() }
    }
}

impl Difference {
    fn told(it: &orbit_api::Difference) -> Self {
        Self { field: it.field.clone().into(), want: it.before.clone().into(), have: it.after.clone().into() }
    }
}

impl Observed {
    fn told(it: &orbit_api::ObservedTopic) -> Self {
        Self {
            at: it.at.to_string().into(),
            present: it.present.into(),
            partitions: it.partitions.into(),
            replication_factor: it.replication_factor.into(),
            config: it.config.clone().into(),
        }
    }
}
