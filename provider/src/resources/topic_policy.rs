//! Resource `orbit_kafka_topic_policy`.

use crate::{
    Orbit,
    plain::{self, SeenBy, convert, place},
    slug,
};
use orbit_api::{
    Approver as WireApprover, PolicyScope, RequestField, TopicPolicy, TopicPolicyCreate, TopicPolicyReplace,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tfplugin::{
    Applied, Attr, Attributes, Computed, Cx, Diagnostic, Diagnostics, Failure, Nested, Outcome, Resource, Schema, View,
    model,
};

model! {
    /// Guardrails for topics, of the platform or of one workspace. What is not set is not limited. Every policy that covers an environment is asked, and
    /// the strictest wins.
    pub(crate) struct ManagedPolicy {
        /// Its name: a lower-case letter, then lower-case letters, digits and hyphens, at most 39. A change makes another policy.
        name: String,
        /// Whom it binds: `platform`, everybody, or `workspace`. A change makes another policy.
        scope: String,
        /// Slug of the workspace, with scope `workspace`. A change makes another policy.
        workspace: Option<String>,
        /// Slugs of the environments that it covers. Default: all.
        environments: Option<BTreeSet<String>>,
        /// Regular expression that a topic's whole logical name must fit. At most 1,000 characters.
        naming_pattern: Option<String>,
        /// Regular expressions: a topic whose whole logical name fits one needs no approval by this policy's `require_approval_for`. At most 50.
        auto_approve_patterns: Option<BTreeSet<String>>,
        /// How many partitions.
        partition_limits: Option<Limits>,
        /// How long records may be kept, in milliseconds; for ever (-1) is longer than every limit.
        retention_limits: Option<Limits>,
        /// How many replicas.
        replication_factor_limits: Option<Limits>,
        /// Slugs of environments in which creating a topic or changing its partitions or settings waits for a person.
        require_approval_for: Option<BTreeSet<String>>,
        /// Slugs of environments in which deleting a topic waits for a person.
        require_deletion_approval_for: Option<BTreeSet<String>>,
        /// For how many hours a deletion that was accepted waits, and can be taken back; 1 to 8,760. Where several policies say so, the longest holds.
        deletion_lead_time_hours: Option<u32>,
        /// Whether deletion protection is on for topics that do not say. Default: false.
        deletion_protection_default: Option<bool>,
        /// Whether the requester may give the consent that this policy asks for. Default: false.
        allow_self_approval: Option<bool>,
        /// Who gives the consent that this policy asks for. Default: for a platform policy a platform admin or whom the environment names, for a workspace's
        /// an admin of the workspace.
        approvers: Option<BTreeSet<Approver>>,
        /// How many people have to consent where this policy asks, 1 to 10. Default: 1.
        quorum: Option<u8>,
        /// For how many hours a request waits that this policy asks for, 1 to 2,160. Default: 336, 14 days.
        request_validity_hours: Option<u32>,
        /// What a request for a topic has to say for itself: some of `justification`, `producers`, `consumers`, `schema_references`, `retention_rationale`,
        /// `links`.
        required_request_fields: Option<BTreeSet<String>>,
        /// The topic settings that may be given, by Kafka's names. Default: any. At most 100.
        allowed_configs: Option<BTreeSet<String>>,
        /// What is said of single topic settings, by Kafka's names. At most 100.
        config_rules: Option<BTreeMap<String, ConfigRule>>,
        /// The profile of a new topic that names none; one of `profiles`.
        default_profile: Option<String>,
        /// Presets that a topic can be asked for with (`profile = "audit"`), by name: a slug. At most 50.
        profiles: Option<BTreeMap<String, Profile>>,
        /// Orbit's id of it.
        id: Computed<String>,
        /// Counts up with every change.
        version: Computed<i64>,
    }
}

model! {
    /// A lower and an upper limit, both inclusive.
    #[derive(Serialize, Deserialize)]
    pub(crate) struct Limits {
        /// At least this.
        min: Option<i64>,
        /// At most this.
        max: Option<i64>,
    }
}

model! {
    /// Somebody whose consent counts in an environment: exactly one of role, workspace and principal.
    #[derive(Serialize, Eq, PartialOrd, Ord)]
    pub(crate) struct Approver {
        /// Slug of the environment.
        environment: String,
        /// `platform-admin`, or `workspace-admin`: an admin of the workspace that asks.
        role: Option<String>,
        /// Slug of a workspace: its admins, whoever asks.
        workspace: Option<String>,
        /// Name of a principal.
        principal: Option<String>,
    }
}

model! {
    /// What is said of one topic setting. What a topic does not set is judged at the cluster's default.
    #[derive(Serialize, Deserialize)]
    pub(crate) struct ConfigRule {
        /// It has to be given.
        required: Option<bool>,
        /// It must not be given.
        forbidden: Option<bool>,
        /// Smallest number that it may have.
        min: Option<i64>,
        /// Largest number that it may have; -1, Kafka's "without limit", is larger than every other.
        max: Option<i64>,
        /// The values that it may have. At most 50.
        values: Option<BTreeSet<String>>,
    }
}

model! {
    /// A preset for topics.
    #[derive(Serialize, Deserialize)]
    pub(crate) struct Profile {
        /// Number of partitions.
        partitions: Option<u32>,
        /// Replicas of each partition.
        replication_factor: Option<u16>,
        /// Topic settings by Kafka's name of them.
        config: Option<BTreeMap<String, String>>,
    }
}

impl Nested for Limits {
    fn attributes() -> Attributes<Self> {
        Attributes::new().attr(Self::min.optional()).attr(Self::max.optional())
    }
}

impl Nested for Approver {
    fn attributes() -> Attributes<Self> {
        let word = |text: &String| plain::word::<orbit_api::ApproverRole>(text).map(drop);
        Attributes::new()
            .attr(Self::environment.required())
            .attr(Self::role.optional().check(word))
            .attr(Self::workspace.optional())
            .attr(Self::principal.optional())
    }
}

impl Nested for ConfigRule {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::required.optional())
            .attr(Self::forbidden.optional())
            .attr(Self::min.optional())
            .attr(Self::max.optional())
            .attr(Self::values.optional())
    }
}

impl Nested for Profile {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::partitions.optional())
            .attr(Self::replication_factor.optional())
            .attr(Self::config.optional())
    }
}

impl ManagedPolicy {
    fn object(&self) -> String {
        format!("topic policy {}", self.name)
    }
}

/// The rules that are called on the wire as here, and mean the same in another type.
macro_rules! rules { ($($field:ident),* $(,)?) => {
    impl ManagedPolicy {
        /// What it is to say.
        fn rules(&self) -> Result<TopicPolicyReplace, Diagnostics> {
            Ok(TopicPolicyReplace {
                $($field: convert(&self.$field)?,)*
                approvers: self.approvers.as_ref().map(by_environment).transpose()?,
                allowed_configs: convert(&self.allowed_configs)?,
                require_schema: None,
            })
        }

        /// What Orbit says. What was written and says nothing, such as an empty list, stays as it was.
        fn told(policy: &TopicPolicy, written: Option<&Self>) -> Result<Self, Diagnostics> {
            Ok(Self {
                name: policy.name.clone(),
                scope: policy.scope.to_string(),
                workspace: policy.workspace.clone(),
                $($field: as_written(written.and_then(|it| it.$field.clone()), convert(&policy.$field)?),)*
                // None is not any: an empty list lets nothing be given.
                allowed_configs: convert(&policy.allowed_configs)?,
                approvers: as_written(
                    written.and_then(|it| it.approvers.clone()),
                    policy.approvers.as_ref().map(one_by_one),
                ),
                id: policy.id.clone().into(),
                version: policy.version.into(),
            })
        }
    }
} }

rules!(
    environments,
    naming_pattern,
    auto_approve_patterns,
    partition_limits,
    retention_limits,
    replication_factor_limits,
    require_approval_for,
    require_deletion_approval_for,
    deletion_lead_time_hours,
    deletion_protection_default,
    allow_self_approval,
    quorum,
    request_validity_hours,
    required_request_fields,
    config_rules,
    default_profile,
    profiles,
);

/// What Orbit says of a rule; as it was written, where that says the same. Orbit leaves out what says nothing.
fn as_written<T: Serialize>(written: Option<T>, told: Option<T>) -> Option<T> {
    if written.is_some() && said(&written) == said(&told) { written } else { told }
}

/// A rule without what says nothing: `false`, an empty list, an empty map, limits without a limit.
fn said(rule: &impl Serialize) -> Option<Value> {
    fn pruned(json: Value) -> Option<Value> {
        match json {
            Value::Null | Value::Bool(false) => None,
            Value::Array(items) => (!items.is_empty()).then_some(Value::Array(items)),
            Value::Object(items) => {
                let items: serde_json::Map<_, _> =
                    items.into_iter().filter_map(|(key, value)| Some((key, pruned(value)?))).collect();
                (!items.is_empty()).then_some(Value::Object(items))
            }
            json => Some(json),
        }
    }
    serde_json::to_value(rule).ok().and_then(pruned)
}

fn by_environment(all: &BTreeSet<Approver>) -> Result<BTreeMap<String, Vec<WireApprover>>, Diagnostics> {
    let mut by: BTreeMap<String, Vec<WireApprover>> = BTreeMap::new();
    for approver in all {
        let wire = WireApprover {
            role: approver.role.as_deref().map(plain::word).transpose()?,
            workspace: approver.workspace.clone(),
            principal: approver.principal.clone(),
        };
        by.entry(approver.environment.clone()).or_default().push(wire);
    }
    Ok(by)
}

fn one_by_one(by: &BTreeMap<String, Vec<WireApprover>>) -> BTreeSet<Approver> {
    let each = by.iter().flat_map(|(environment, approvers)| approvers.iter().map(move |wire| (environment, wire)));
    each.map(|(environment, wire)| Approver {
        environment: environment.clone(),
        role: wire.role.map(|role| role.to_string()),
        workspace: wire.workspace.clone(),
        principal: wire.principal.clone(),
    })
    .collect()
}

impl Resource for ManagedPolicy {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_topic_policy";

    fn schema() -> Schema<Self> {
        let fields =
            |all: &BTreeSet<String>| all.iter().try_for_each(|text| plain::word::<RequestField>(text).map(drop));
        Schema::version(0)
            .attr(Self::name.required().replace().identity().check(|text| slug::check(text)))
            .attr(Self::scope.default("platform").replace().check(|text| plain::word::<PolicyScope>(text).map(drop)))
            .attr(Self::workspace.optional().replace().check(|text| slug::check(text)))
            .attr(Self::environments.optional())
            .attr(Self::naming_pattern.optional())
            .attr(Self::auto_approve_patterns.optional())
            .attr(Self::partition_limits.optional())
            .attr(Self::retention_limits.optional())
            .attr(Self::replication_factor_limits.optional())
            .attr(Self::require_approval_for.optional())
            .attr(Self::require_deletion_approval_for.optional())
            .attr(Self::deletion_lead_time_hours.optional())
            .attr(Self::deletion_protection_default.optional())
            .attr(Self::allow_self_approval.optional())
            .attr(Self::approvers.optional())
            .attr(Self::quorum.optional())
            .attr(Self::request_validity_hours.optional())
            .attr(Self::required_request_fields.optional().check(fields))
            .attr(Self::allowed_configs.optional())
            .attr(Self::config_rules.optional())
            .attr(Self::default_profile.optional())
            .attr(Self::profiles.optional())
            .attr(Self::id.computed().keep())
            .attr(Self::version.computed())
    }

    fn validate(config: View<'_, Self>) -> Result<(), Diagnostics> {
        let scope = match config.get(Self::scope) {
            Attr::Known(scope) => scope,
            Attr::Null => "platform".to_owned(),
            Attr::Unknown => return Ok(()),
        };
        let wrong = match config.get(Self::workspace) {
            Attr::Known(_) if scope == "platform" => {
                "A policy of the platform binds everybody: leave workspace out, or set scope = \"workspace\""
            }
            Attr::Null if scope == "workspace" => "A policy of a workspace says which: set workspace",
            _ => return Ok(()),
        };
        Err(Diagnostic::error(wrong).at(Self::workspace).into())
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        let seen_by = now.workspace.as_deref().map_or(SeenBy::Everybody, SeenBy::Workspace);
        let found = plain::look(cx, (&now.object(), now.id.require()?), seen_by).await?;
        found.map(|policy| Self::told(&policy, Some(&now))).transpose()
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        let new = TopicPolicyCreate::new(&want.name, want.workspace.clone(), want.rules()?);
        let import = format!("{}.NAME {}", Self::NAME, want.name);
        let call = cx.client.client()?.topic_policy_create(&new);
        let made = plain::create(cx, &want.object(), &place::<Self>, &import, call).await?;
        Ok(Applied::Done(Self::told(&made, Some(&want))?))
    }

    async fn update(cx: &Cx<Orbit>, was: Self, want: Self) -> Outcome<Self> {
        let rules = want.rules()?;
        let call = cx.client.client()?.topic_policy_replace(was.id.require()?, &rules, plain::revision(cx)?);
        let now = plain::write(cx, &want.object(), &place::<Self>, call).await?;
        Ok(Applied::Done(Self::told(&now, Some(&want))?))
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let call = cx.client.client()?.topic_policy_delete(was.id.require()?);
        plain::delete::<TopicPolicy>(cx, &was.object(), call).await?;
        Ok(Applied::Done(()))
    }

    async fn import(cx: &Cx<Orbit>, id: String) -> Result<Self, Diagnostics> {
        let call = cx.client.client()?.topic_policy_get(&id);
        Self::told(&plain::import(cx, &format!("topic policy {id}"), call).await?, None)
    }

    async fn import_by(cx: &Cx<Orbit>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        Self::import(cx, plain::part(identity, Self::name)?).await
    }
}
