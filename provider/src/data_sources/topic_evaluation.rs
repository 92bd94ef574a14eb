//! Data source `orbit_kafka_topic_evaluation`.

use crate::{
    Orbit,
    orbit::{ask, nowhere},
    plain,
    resources::topic::RequestWords,
    say,
};
use orbit_api::{Action, Documentation, Finding as Wire, TopicCreate, TopicEvaluate, TopicEvaluateItem, TopicSpec};
use std::collections::BTreeMap;
use tfplugin::{Attributes, Computed, Cx, DataSource, Diagnostic, Diagnostics, Nested, Schema, model};

model! {
    /// What Orbit would answer to a topic, or to a change of one, without asking for it: for checks, and for choosing what is allowed.
    pub(crate) struct Evaluation {
        /// What is to happen: `create`, `update` or `delete`. Default: `create`.
        action: Option<String>,
        /// Slug of the workspace. Default: the provider's.
        workspace: Computed<String>,
        /// Slug of the environment.
        environment: String,
        /// Name of the topic.
        name: String,
        /// A preset that a policy offers.
        profile: Option<String>,
        /// Number of partitions.
        partitions: Option<u32>,
        /// Replicas of each partition.
        replication_factor: Option<u16>,
        /// How long records are kept, in milliseconds; `-1` is for ever.
        retention_ms: Option<i64>,
        /// What becomes of old records: `delete`, `compact` or `compact,delete`.
        cleanup_policy: Option<String>,
        /// How records are compressed: `none`, `gzip`, `snappy`, `lz4` or `zstd`.
        compression: Option<String>,
        /// Further topic settings by Kafka's name of them.
        config: Option<BTreeMap<String, String>>,
        /// What a request about it would say for itself: a policy may ask for it.
        request: Option<RequestWords>,
        /// `allow`, `needs-approval` or `deny`; none where it cannot be judged.
        decision: Computed<Option<String>>,
        /// Why it cannot be judged.
        problem: Computed<Option<String>>,
        /// Why not: all of it.
        violations: Computed<Vec<Finding>>,
        /// Why a person has to consent.
        reasons: Computed<Vec<Finding>>,
        /// What is worth knowing.
        warnings: Computed<Vec<Finding>>,
        /// Who has to consent, in words.
        approvers: Computed<Vec<String>>,
        /// The topic's name on the cluster.
        physical_name: Computed<Option<String>>,
        /// The cluster that it would live on.
        cluster: Computed<Option<String>>,
    }
}

model! {
    /// One thing that policy found.
    pub(crate) struct Finding {
        /// Stable code, for example `topic.partitions.limit`.
        code: Computed<String>,
        /// Name of the policy; `kafka` or `orbit` where those set the rule.
        policy: Computed<String>,
        /// The rule's field in the policy, for example `partition_limits.max`.
        rule: Computed<String>,
        /// JSON pointer of the field that it is about; empty for the whole topic.
        field: Computed<String>,
        /// The limit, where the rule has one.
        limit: Computed<Option<String>>,
        /// The value that was asked for.
        value: Computed<Option<String>>,
        /// A sentence for a person.
        message: Computed<String>,
        /// What to do.
        remedy: Computed<String>,
    }
}

impl Nested for Finding {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::code.computed())
            .attr(Self::policy.computed())
            .attr(Self::rule.computed())
            .attr(Self::field.computed())
            .attr(Self::limit.computed())
            .attr(Self::value.computed())
            .attr(Self::message.computed())
            .attr(Self::remedy.computed())
    }
}

impl Finding {
    fn told(it: &Wire) -> Self {
        Self {
            code: it.code.clone().into(),
            policy: it.policy.clone().into(),
            rule: it.rule.clone().into(),
            field: it.field.clone().into(),
            limit: it.limit.clone().into(),
            value: it.value.clone().into(),
            message: it.message.clone().into(),
            remedy: it.remedy.clone().into(),
        }
    }
}

impl DataSource for Evaluation {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_topic_evaluation";

    fn schema() -> Schema<Self> {
        Schema::new()
            .attr(Self::action.optional().check(|text| plain::word::<Action>(text).map(drop)))
            .attr(Self::workspace.optional_computed().check(|text| crate::slug::check(text)))
            .attr(Self::environment.required())
            .attr(Self::name.required())
            .attr(Self::profile.optional())
            .attr(Self::partitions.optional())
            .attr(Self::replication_factor.optional())
            .attr(Self::retention_ms.optional())
            .attr(Self::cleanup_policy.optional().check(|text| plain::word::<orbit_api::CleanupPolicy>(text).map(drop)))
            .attr(Self::compression.optional().check(|text| plain::word::<orbit_api::Compression>(text).map(drop)))
            .attr(Self::config.optional())
            .attr(Self::request.optional())
            .attr(Self::decision.computed())
            .attr(Self::problem.computed())
            .attr(Self::violations.computed())
            .attr(Self::reasons.computed())
            .attr(Self::warnings.computed())
            .attr(Self::approvers.computed())
            .attr(Self::physical_name.computed())
            .attr(Self::cluster.computed())
    }

    async fn read(cx: &Cx<Orbit>, query: Self) -> Result<Self, Diagnostics> {
        let workspace = cx.client.workspace_or(query.workspace.get()).map_err(|e| e.at(Self::workspace))?;
        let spec = TopicSpec {
            profile: query.profile.clone(),
            partitions: query.partitions,
            replication_factor: query.replication_factor,
            retention_ms: query.retention_ms,
            cleanup_policy: query.cleanup_policy.as_deref().map(plain::word).transpose()?,
            compression: query.compression.as_deref().map(plain::word).transpose()?,
            config: query.config.clone(),
            ..TopicSpec::default()
        };
        let words = query.request.as_ref().map(Documentation::from).unwrap_or_default();
        let topic = TopicCreate::new(&workspace, &query.environment, &query.name, spec).documented(words);
        let action = query.action.as_deref().map_or(Ok(Action::Create), plain::word)?;
        let object = say::topic(&workspace, &query.environment, &query.name);
        // By itself: judged together with a resource's own change of the same topic, both would count towards a limit.
        let asked = TopicEvaluate { items: vec![TopicEvaluateItem { action, topic }] };
        let answer = ask(cx, cx.client.client()?.topic_evaluate(&asked)).await;
        let item = answer.map_err(|e| e.tell(&object, &nowhere))?.items.pop();
        let item = item.ok_or_else(|| Diagnostic::error(format!("Orbit gave no verdict on {object}")))?;
        let findings =
            |all: Option<&Vec<Wire>>| -> Vec<Finding> { all.into_iter().flatten().map(Finding::told).collect() };
        let verdict = item.verdict.as_ref();
        let approvers: Vec<String> =
            verdict.into_iter().flat_map(|verdict| &verdict.needs).map(|need| need.approvers.clone()).collect();
        Ok(Self {
            workspace: workspace.into(),
            decision: verdict.map(|verdict| verdict.decision.to_string()).into(),
            problem: item.problem.as_ref().map(say::in_a_sentence).into(),
            violations: findings(verdict.map(|verdict| &verdict.violations)).into(),
            reasons: findings(verdict.map(|verdict| &verdict.reasons)).into(),
            warnings: findings(verdict.map(|verdict| &verdict.warnings)).into(),
            approvers: approvers.into(),
            physical_name: item.physical_name.into(),
            cluster: item.cluster.into(),
            ..query
        })
    }
}
