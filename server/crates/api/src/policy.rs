//! Topic policies.

use crate::{Decision, Layer, Need, TopicProfile, Verdict, wire};
use jiff::Timestamp;
use std::collections::BTreeMap;

wire! {
    /// Somebody whose consent counts: exactly one of the three.
    #[derive(Default)]
    input struct Approver {
        /// `platform-admin`, or `workspace-admin`: an admin of the workspace that asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub role: Option<ApproverRole>,
        /// Slug of a workspace: its admins, whoever asks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub workspace: Option<String>,
        /// Name of a principal.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub principal: Option<String>,
    }
}

wire! {
    /// What a policy says of one topic setting. What a topic does not set is judged at the cluster's default.
    #[derive(Default)]
    input struct ConfigRule {
        /// It has to be given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub required: Option<bool>,
        /// It must not be given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub forbidden: Option<bool>,
        /// Smallest number it may have.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub min: Option<i64>,
        /// Largest number it may have; -1, Kafka's "without limit", is larger than every other.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max: Option<i64>,
        /// The values that it may have. At most 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub values: Option<Vec<String>>,
    }
}

wire! {
    /// A role by which a policy names approvers.
    enum ApproverRole {
        /// A platform admin.
        PlatformAdmin,
        /// An admin of the workspace that asks.
        WorkspaceAdmin,
    }
}

wire! {
    /// What a request can say for itself, spelled like the field.
    enum RequestField {
        /// Why it is needed.
        Justification,
        /// What is going to write.
        Producers,
        /// What is going to read.
        Consumers,
        /// Schemas of the records.
        #[serde(rename = "schema_references")]
        SchemaReferences,
        /// Why records are kept for as long as asked.
        #[serde(rename = "retention_rationale")]
        RetentionRationale,
        /// Further reading.
        Links,
    }
}

wire! {
    /// Whom a policy binds.
    enum PolicyScope {
        /// Everybody.
        Platform,
        /// One workspace.
        Workspace,
    }
}

wire! {
    /// A lower and an upper limit, both inclusive, each optional.
    #[derive(Default)]
    input struct Limits {
        /// At least this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub min: Option<i64>,
        /// At most this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max: Option<i64>,
    }
}

macro_rules! policy_types { ($($(#[doc = $doc:literal])* $field:ident : $T:ty,)*) => {
    wire! {
        /// A topic policy to create. What is absent is not limited.
        input struct TopicPolicyCreate {
            /// `[a-z][a-z0-9-]{0,38}`, unique, immutable.
            pub name: String,
            /// Whom it binds.
            pub scope: PolicyScope,
            /// Slug or id of the workspace, with scope `workspace`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub workspace: Option<String>,
            $($(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$T>,)*
        }
    }
    wire! {
        /// What a topic policy is to say, whole: what is absent is not limited any more.
        #[derive(Default)]
        input struct TopicPolicyReplace {
            $($(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$T>,)*
        }
    }
    wire! {
        /// Guardrails for topics.
        struct TopicPolicy {
            /// Its id.
            pub id: String,
            /// Its name.
            pub name: String,
            /// Whom it binds.
            pub scope: PolicyScope,
            /// Slug of the workspace, with scope `workspace`.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub workspace: Option<String>,
            $($(#[doc = $doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$T>,)*
            /// Counts up with every change; also the ETag.
            pub version: i64,
            /// The policy pack that it comes from.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub pack: Option<String>,
            /// In which version of that.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub pack_version: Option<i64>,
            /// When it was created.
            pub created_at: Timestamp,
            /// When it was last changed.
            pub updated_at: Timestamp,
        }
    }
    impl TopicPolicyCreate {
        /// A policy to create that says `rules`: of the platform, or of a workspace, by slug or id.
        #[must_use]
        pub fn new(name: impl Into<String>, workspace: Option<String>, rules: TopicPolicyReplace) -> Self {
            let scope = if workspace.is_some() { PolicyScope::Workspace } else { PolicyScope::Platform };
            Self { name: name.into(), scope, workspace, $($field: rules.$field),* }
        }
        /// What it is to say.
        #[must_use]
        pub fn rules(&self) -> TopicPolicyReplace { TopicPolicyReplace { $($field: self.$field.clone()),* } }
    }
} }

wire! {
    /// A topic policy as it was in one of its versions.
    struct TopicPolicyVersion {
        /// What it said; `version` and `updated_at` are those of then.
        pub policy: TopicPolicy,
        /// The name of who wrote it; absent where it was written before versions were kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub written_by: Option<String>,
    }
}

wire! {
    /// Which version of a topic policy is to hold again.
    input struct TopicPolicyRestore {
        /// Its number. What it said becomes a new version.
        pub version: i64,
    }
}

wire! {
    /// A draft of a policy to try on the topics that are there.
    input struct TopicPolicyBacktest {
        /// The draft. With the name of a policy, it takes that one's place.
        pub draft: TopicPolicyCreate,
        /// How many topics to list, at most 1,000. Default 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub limit: Option<u32>,
    }
}

wire! {
    /// How many topics would get what.
    struct Tally {
        /// Go ahead.
        pub allow: u64,
        /// Wait for a person.
        pub needs_approval: u64,
        /// Do not go ahead.
        pub deny: u64,
    }
}

wire! {
    /// A topic that would fare otherwise than today, or would not simply go ahead.
    struct BacktestedTopic {
        /// `workspace/environment/name`.
        pub topic: String,
        /// What it would get, were it asked for today.
        pub today: Decision,
        /// What it would get with the draft.
        pub then: Verdict,
    }
}

wire! {
    /// What a draft of a policy would do to the topics that are there, were they asked for today.
    struct TopicPolicyBacktested {
        /// How many topics were judged.
        pub topics: u64,
        /// What they would get without the draft.
        pub today: Tally,
        /// What they would get with it.
        pub then: Tally,
        /// How many fare otherwise.
        pub changed: u64,
        /// Those that fare otherwise, then those that would not simply go ahead: as many as were asked for.
        pub items: Vec<BacktestedTopic>,
        /// Environments in which no topic at all could be created any more, and why.
        pub locks_out: BTreeMap<String, Vec<String>>,
    }
}

wire! {
    /// Whose word something is.
    struct PolicySource {
        /// Name of the policy.
        pub policy: String,
        /// Its version.
        pub version: i64,
        /// Who made it.
        pub layer: Layer,
    }
}

wire! {
    /// A number that holds, and whose word it is.
    struct EffectiveNumber {
        /// The number.
        pub value: i64,
        /// Whose word.
        #[serde(flatten)]
        pub source: PolicySource,
    }
}

wire! {
    /// The tightest limits of all policies.
    #[derive(Default)]
    struct EffectiveLimits {
        /// At least this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub min: Option<EffectiveNumber>,
        /// At most this.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max: Option<EffectiveNumber>,
    }
}

wire! {
    /// What holds of one topic setting.
    struct EffectiveConfig {
        /// Who requires it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub required: Option<PolicySource>,
        /// Who forbids it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub forbidden: Option<PolicySource>,
        /// Bounds of a number.
        pub limits: EffectiveLimits,
        /// The values that every policy allows; any where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub values: Option<Vec<String>>,
    }
}

wire! {
    /// A text that holds, and whose word it is.
    struct EffectiveText {
        /// The text.
        pub value: String,
        /// Whose word.
        #[serde(flatten)]
        pub source: PolicySource,
    }
}

wire! {
    /// A consent that a policy asks for.
    struct EffectiveApproval {
        /// Whether it is about deletions; else about creations, and changes of partitions and settings.
        pub deletions: bool,
        /// Names that need none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub auto_approve_patterns: Vec<String>,
        /// Whose consent.
        pub need: Need,
        /// For how many hours a request waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request_validity_hours: Option<u32>,
        /// Who asks.
        #[serde(flatten)]
        pub source: PolicySource,
    }
}

wire! {
    /// A profile that there is.
    struct EffectiveProfile {
        /// What it gives.
        pub preset: TopicProfile,
        /// Whose it is.
        #[serde(flatten)]
        pub source: PolicySource,
    }
}

wire! {
    /// The rule book of a workspace in an environment, merged: what holds, and whose word it is.
    struct EffectivePolicy {
        /// Slug of the workspace.
        pub workspace: String,
        /// Slug of the environment.
        pub environment: String,
        /// The policies that are asked: the platform's, then the workspace's own.
        pub policies: Vec<PolicySource>,
        /// Whether one of the platform's is among them: else everybody but a platform admin needs a platform admin's approval.
        pub covered: bool,
        /// A name has to fit them all, whole.
        pub naming_patterns: Vec<EffectiveText>,
        /// How many partitions.
        pub partition_limits: EffectiveLimits,
        /// How long records may be kept, in milliseconds.
        pub retention_limits: EffectiveLimits,
        /// How many replicas.
        pub replication_factor_limits: EffectiveLimits,
        /// The settings that every policy allows; any where absent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub allowed_configs: Option<Vec<String>>,
        /// What is said of single settings, by Kafka's names.
        pub config_rules: BTreeMap<String, EffectiveConfig>,
        /// What a request has to say for itself, and who wants to know.
        pub required_request_fields: BTreeMap<String, PolicySource>,
        /// The consents that are asked for.
        pub approvals: Vec<EffectiveApproval>,
        /// For how many hours a deletion waits.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deletion_lead_time_hours: Option<EffectiveNumber>,
        /// Who protects topics that do not say from deletion.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub deletion_protection_default: Option<PolicySource>,
        /// The profiles that there are.
        pub profiles: BTreeMap<String, EffectiveProfile>,
        /// The profile of a new topic that names none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub default_profile: Option<EffectiveText>,
        /// What contradicts itself, so that no topic at all can be created, in words.
        pub contradictions: Vec<String>,
    }
}

policy_types! {
    /// Slugs of the environments it covers; all where absent or empty.
    environments: Vec<String>,
    /// Regular expression that a topic's whole logical name must fit. At most 1,000 characters.
    naming_pattern: String,
    /// Regular expressions: a topic whose whole logical name fits one needs no approval by this policy's `require_approval_for`. At most 50.
    auto_approve_patterns: Vec<String>,
    /// How many partitions.
    partition_limits: Limits,
    /// How long records may be kept, in milliseconds; for ever (-1) is longer than every limit.
    retention_limits: Limits,
    /// How many replicas.
    replication_factor_limits: Limits,
    /// Slugs of environments in which creating a topic or changing its partitions or settings waits for a person.
    require_approval_for: Vec<String>,
    /// Slugs of environments in which deleting a topic waits for a person.
    require_deletion_approval_for: Vec<String>,
    /// For how many hours a deletion that was accepted waits, and can be taken back; 1 to 8,760. Where several policies say so, the longest holds.
    deletion_lead_time_hours: u32,
    /// Whether deletion protection is on for topics that do not say. Default false.
    deletion_protection_default: bool,
    /// Whether the requester may give the consent that this policy asks for. Default false.
    allow_self_approval: bool,
    /// Who gives the consent that this policy asks for, by slug of the environment. Default: for a platform policy a platform admin or whom the environment
    /// names, for a workspace's an admin of the workspace.
    approvers: BTreeMap<String, Vec<Approver>>,
    /// How many people have to consent where this policy asks, 1 to 10. Default 1.
    quorum: u8,
    /// For how many hours a request waits that this policy asks for, 1 to 2,160. Default 336, 14 days.
    request_validity_hours: u32,
    /// What a request for a topic, or for a change of its partitions or settings, has to say for itself. A deletion need not.
    required_request_fields: Vec<RequestField>,
    /// The topic settings that may be given, by Kafka's names; any where absent. At most 100.
    allowed_configs: Vec<String>,
    /// What is said of single topic settings, by Kafka's names. At most 100.
    config_rules: BTreeMap<String, ConfigRule>,
    /// The profile of a new topic that names none; one of `profiles`.
    default_profile: String,
    /// Presets that a topic can be asked for with (`profile = "audit"`), by name: a slug. At most 50.
    profiles: BTreeMap<String, TopicProfile>,
    /// Whether a topic needs a schema before it is created. Refused with `not-available` until Orbit keeps schemas.
    require_schema: bool,
}
