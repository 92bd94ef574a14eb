//! Topics before the rules.

use super::{
    limits::Judge,
    quota::{self, Amounts, Growth, Quota, Resource},
    rulebook::{Rulebook, Scope, TopicPolicy},
    verdict::{Finding, LEAD_TIME, Layer, Needs, RuleRef, Verdict, lead_text},
};
use crate::{
    change::{Requester, TopicAction, TopicChange},
    documentation::Documentation,
    model::{
        settings::{self, RETENTION_BYTES, SettingError, Settings},
        topic::TopicSpec,
    },
    name::Slug,
    ports::ClusterDescription,
};

/// The code of a name that does not fit.
pub(super) const NAME_PATTERN: &str = "topic.name.pattern";

/// What policy may know of the cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterFacts {
    /// Its name.
    pub slug: Slug,
    /// What it told of itself; `None` until it was reached for the first time.
    pub description: Option<ClusterDescription>,
    /// What is wrong with it, for the user, where it did not answer or refused when it was last looked at.
    pub trouble: Option<String>,
}

/// The topic as it stands before the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentTopic {
    /// What it is to be by now.
    pub spec: TopicSpec,
    /// How many partitions it has on the cluster, where it was looked at.
    pub observed_partitions: Option<u32>,
    /// How many replicas it has on the cluster, where it was looked at.
    pub observed_replication_factor: Option<u16>,
}

/// What policy may look at when a topic is created, changed or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicFacts {
    /// Who asks.
    pub requester: Requester,
    /// What the request says for itself.
    pub documentation: Documentation,
    /// The cluster that the topic lives on, or is to.
    pub cluster: ClusterFacts,
    /// The topic before the change; `None` when it is created.
    pub current: Option<CurrentTopic>,
    /// Another topic of Orbit's that the physical name collides with (Kafka takes `.` and `_` for the same).
    pub collides_with: Option<String>,
    /// Whether a topic of that physical name is on the cluster that Orbit does not own.
    pub unmanaged: bool,
    /// The limits of its workspace and its cluster, and what is taken of them.
    pub quotas: Vec<Quota>,
}

impl TopicFacts {
    /// What the topic takes of its workspace's and its cluster's limits, and what it is to take.
    pub(crate) fn growth(&self, spec: &TopicSpec) -> Growth {
        let (current, cluster) = (self.current.as_ref(), self.cluster.description.as_ref());
        let partitions = current.and_then(|c| c.observed_partitions.or(c.spec.partitions()));
        Growth {
            has: current.map(|c| topic_claims(&c.spec, partitions, cluster)).unwrap_or_default(),
            wants: topic_claims(spec, partitions, cluster),
        }
    }
}

/// What a topic takes of its workspace's and its cluster's limits. `has`: how many partitions it has, where it is there.
#[must_use]
pub fn topic_claims(spec: &TopicSpec, has: Option<u32>, cluster: Option<&ClusterDescription>) -> Amounts {
    let default = cluster.and_then(|c| c.default_partitions);
    let partitions = i64::from(spec.partitions().or(has).or(default).unwrap_or(1));
    let folded = spec.folded();
    let kept = folded.get(RETENTION_BYTES).or_else(|| cluster?.topic_defaults.get(RETENTION_BYTES));
    let kept = kept.and_then(|bytes| bytes.trim().parse::<i64>().ok()).filter(|bytes| *bytes >= 0);
    let retained = kept.map_or(-1, |bytes| bytes.saturating_mul(partitions));
    Amounts::from([(Resource::Topics, 1), (Resource::Partitions, partitions), (Resource::RetainedBytes, retained)])
}

/// Judges a change of a topic.
pub(crate) fn judge(change: &TopicChange, rules: &Rulebook, facts: &TopicFacts) -> Verdict {
    let mut verdict = Verdict::default();
    match &change.action {
        TopicAction::Create { spec } => {
            check_name_is_free(change, facts, &mut verdict);
            judge_covered(change, spec, rules, facts, &mut verdict);
        }
        TopicAction::Update { spec } => {
            check_growth(spec, facts, &mut verdict);
            // Description, tags and owner never need approval, nor does making the cluster what it was to be.
            if facts.current.as_ref().is_none_or(|c| c.spec.differs_on_cluster(spec)) {
                judge_covered(change, spec, rules, facts, &mut verdict);
                keep_name(&mut verdict);
            }
        }
        TopicAction::Delete => judge_deletion(change, rules, facts, &mut verdict),
    }
    warn_of_trouble(facts, &mut verdict);
    verdict.note_winners();
    verdict
}

fn judge_covered(change: &TopicChange, spec: &TopicSpec, rules: &Rulebook, facts: &TopicFacts, verdict: &mut Verdict) {
    if !judge_spec(change, spec, rules, facts, verdict) {
        ask_uncovered(change, facts, verdict);
    }
}

/// A topic keeps its name, so a pattern that came later denies no change of it: whoever changes it is told.
fn keep_name(verdict: &mut Verdict) {
    let (names, others) = std::mem::take(&mut verdict.violations).into_iter().partition(|f| f.code == NAME_PATTERN);
    verdict.violations = others;
    let names: Vec<Finding> = names;
    verdict.warnings.extend(names.into_iter().map(|finding| Finding {
        message: finding.message.replacen("Denied: ", "", 1),
        remedy: "nothing has to be done: the topic keeps its name; a new one would be refused".to_owned(),
        ..finding
    }));
}

/// Nothing is denied for it: the work waits until the cluster answers. But whoever waits with it wants to know.
fn warn_of_trouble(facts: &TopicFacts, verdict: &mut Verdict) {
    let Some(trouble) = &facts.cluster.trouble else { return };
    let cluster = &facts.cluster.slug;
    verdict.warnings.push(system(
        "cluster.unreachable",
        "cluster.reachable",
        "/environment",
        format!("cluster {cluster} is not well at this moment: {}", trouble.trim_end_matches('.')),
        "apply anyway: the work waits, without limit, until the cluster answers; or tell the platform team",
    ));
}

fn system(code: &str, rule: &str, field: &str, message: String, remedy: &str) -> Finding {
    Finding {
        code: code.to_owned(),
        layer: Layer::System,
        rule: RuleRef { policy: None, name: "kafka".to_owned(), version: None, rule: rule.to_owned() },
        field: field.to_owned(),
        limit: None,
        value: None,
        overruled_by: None,
        message,
        remedy: remedy.to_owned(),
    }
}

fn check_name_is_free(change: &TopicChange, facts: &TopicFacts, verdict: &mut Verdict) {
    let physical = &change.physical_name;
    if let Some(other) = &facts.collides_with {
        verdict.violations.push(system(
            "topic.name.collision",
            "name.collision",
            "/name",
            format!(
                "Denied: the name on the cluster would be {physical}, which collides with the topic {other}: \
                 Kafka does not tell '.' and '_' apart in topic names"
            ),
            "choose another name",
        ));
    }
    if facts.unmanaged {
        let cluster = &facts.cluster.slug;
        verdict.violations.push(system(
            "topic.unmanaged",
            "name.unmanaged",
            "/name",
            format!("Denied: a topic named {physical} is on cluster {cluster} already, and Orbit does not manage it"),
            "choose another name, or have the topic on the cluster removed by its owner",
        ));
    }
}

/// What the cluster cannot do. Asked of every update, since a topic that was grown past Orbit cannot be led back to fewer partitions either.
fn check_growth(spec: &TopicSpec, facts: &TopicFacts, verdict: &mut Verdict) {
    let Some(current) = &facts.current else { return };
    let have = current.observed_partitions.max(current.spec.partitions());
    if let (Some(want), Some(have)) = (spec.partitions(), have)
        && want < have
    {
        let mut f = system(
            "topic.partitions.shrink",
            "partitions.grow-only",
            "/partitions",
            format!(
                "Denied: partitions cannot shrink from {have} to {want}: Kafka would lose the records of the partitions removed"
            ),
            &format!("ask for at least {have}, or create a topic of another name and move the data"),
        );
        f.limit = Some(have.to_string());
        f.value = Some(want.to_string());
        verdict.violations.push(f);
    }
    // Only where the change asks for another factor: a cluster whose replicas were moved past Orbit does not stand in the way of other changes.
    let was = current.spec.replication_factor();
    if let (Some(want), Some(have)) = (spec.replication_factor(), current.observed_replication_factor.or(was))
        && want != have
        && Some(want) != was
    {
        verdict.violations.push(system(
            "topic.replication-factor.change",
            "replication-factor.fixed",
            "/replication_factor",
            format!("Denied: the replication factor cannot change from {have} to {want}: unsupported by provider"),
            "keep the number; a change of replicas takes a reassignment, which Orbit does not do yet",
        ));
    }
}

/// What is said of a topic that is to be so. Answers whether a policy of the platform covers it; where none does, that is the caller's to tell.
pub(super) fn judge_spec(
    change: &TopicChange,
    spec: &TopicSpec,
    rules: &Rulebook,
    facts: &TopicFacts,
    verdict: &mut Verdict,
) -> bool {
    let folded = spec.folded();
    check_settings(spec, &folded, facts, verdict);
    check_brokers(spec, facts, verdict);
    let pointer = |resource| match resource {
        Resource::Topics => String::new(),
        Resource::Partitions => "/partitions".to_owned(),
        Resource::RetainedBytes => spec.pointer(RETENTION_BYTES),
    };
    if !facts.quotas.is_empty() {
        quota::judge(&facts.quotas, &facts.growth(spec), pointer, verdict);
    }
    let mut covered = false;
    for policy in rules.covering(&change.environment, change.workspace_id) {
        covered |= judge_by(policy, (change, spec, &folded), facts, verdict);
    }
    covered
}

/// What one policy that covers a topic says of it. Answers whether it is the platform's.
pub(super) fn judge_by(
    policy: &TopicPolicy,
    (change, spec, folded): (&TopicChange, &TopicSpec, &Settings),
    facts: &TopicFacts,
    verdict: &mut Verdict,
) -> bool {
    Judge { policy, spec, folded, facts, verdict }.judge(change);
    let rules = &policy.rules;
    if rules.require_approval_for.contains(&change.environment)
        && !rules.auto_approve_patterns.iter().any(|p| p.fits(change.name.as_str()))
    {
        let environment = &change.environment;
        let reason = Finding {
            code: "topic.approval.environment".to_owned(),
            layer: layer(policy),
            rule: rule(policy, "require_approval_for"),
            field: "/environment".to_owned(),
            limit: None,
            value: Some(environment.to_string()),
            overruled_by: None,
            message: format!("policy {} asks for approval in {environment}", policy.name),
            remedy: "wait for the approval".to_owned(),
        };
        asked(verdict, policy, environment, reason);
    }
    policy.scope == Scope::Platform
}

fn check_settings(spec: &TopicSpec, folded: &Settings, facts: &TopicFacts, verdict: &mut Verdict) {
    let known = facts.cluster.description.as_ref();
    for (key, value) in folded {
        let names = known.iter().flat_map(|d| d.topic_defaults.keys()).map(String::as_str);
        let field = spec.pointer(key);
        let mut finding = match settings::check(key, value, names) {
            Ok(()) => continue,
            Err(SettingError::Unknown { nearest }) => system(
                "topic.config.unknown",
                "config.known",
                &field,
                format!("Denied: Kafka has no topic setting {key}"),
                &nearest.map_or_else(
                    || "take it out; Kafka's documentation lists the topic settings".to_owned(),
                    |name| format!("did you mean {name}?"),
                ),
            ),
            Err(SettingError::Value { takes }) => {
                let mut f = system(
                    "topic.config.value",
                    "config.value",
                    &field,
                    format!("Denied: {key} cannot be {value:?}: it takes {takes}"),
                    &format!("give {takes}"),
                );
                f.limit = Some(takes);
                f
            }
        };
        finding.value = Some(value.clone());
        verdict.violations.push(finding);
    }
}

fn check_brokers(spec: &TopicSpec, facts: &TopicFacts, verdict: &mut Verdict) {
    let (Some(want), Some(cluster)) = (spec.replication_factor(), &facts.cluster.description) else {
        return;
    };
    // Brokers are counted as they are alive: one that restarts must not stand in the way of a change that is about something else.
    if facts.current.as_ref().is_some_and(|current| current.spec.replication_factor() == Some(want)) {
        return;
    }
    if u32::from(want) > cluster.brokers {
        let (brokers, slug) = (cluster.brokers, &facts.cluster.slug);
        let s = if brokers == 1 { "" } else { "s" };
        let mut f = system(
            "topic.replication-factor.brokers",
            "replication-factor.brokers",
            "/replication_factor",
            format!(
                "Denied: replication factor {want} needs {want} brokers, and cluster {slug} has {brokers} broker{s}"
            ),
            &format!("ask for at most {brokers}"),
        );
        f.limit = Some(brokers.to_string());
        f.value = Some(want.to_string());
        verdict.violations.push(f);
    }
}

fn judge_deletion(change: &TopicChange, rules: &Rulebook, facts: &TopicFacts, verdict: &mut Verdict) {
    check_protection(change, rules, facts, verdict);
    let (mut covered, mut longest) = (false, None);
    for policy in rules.covering(&change.environment, change.workspace_id) {
        covered |= policy.scope == Scope::Platform;
        let hours = policy.rules.deletion_lead_time_hours;
        if hours > verdict.lead_hours {
            longest = Some(policy);
        }
        verdict.not_before(hours);
        if policy.rules.require_deletion_approval_for.contains(&change.environment) {
            let environment = &change.environment;
            asked(
                verdict,
                policy,
                environment,
                Finding {
                    code: "topic.approval.deletion".to_owned(),
                    layer: layer(policy),
                    rule: rule(policy, "require_deletion_approval_for"),
                    field: String::new(),
                    limit: None,
                    value: Some(environment.to_string()),
                    overruled_by: None,
                    message: format!("policy {} asks for approval of deletions in {environment}", policy.name),
                    remedy: "wait for the approval".to_owned(),
                },
            );
        }
    }
    if let Some(policy) = longest {
        tell_lead(change, policy, verdict);
    }
    if !covered {
        ask_uncovered(change, facts, verdict);
    }
}

/// What the topic says of its protection holds; where it says nothing, what the policies say.
fn check_protection(change: &TopicChange, rules: &Rulebook, facts: &TopicFacts, verdict: &mut Verdict) {
    let own = facts.current.as_ref().and_then(|c| c.spec.deletion_protection);
    let protected = |layer, rule, why: &str| Finding {
        layer,
        rule,
        ..system(
            "topic.deletion-protected",
            "deletion_protection",
            "/deletion_protection",
            format!("Denied: deletion protection of topic {} is on{why}", change.name),
            "set deletion_protection to false first, as a change of its own",
        )
    };
    if own == Some(true) {
        let rule = RuleRef { policy: None, name: "orbit".into(), version: None, rule: "deletion_protection".into() };
        verdict.violations.push(protected(Layer::System, rule, ""));
    }
    if own.is_some() {
        return;
    }
    let covering = rules.covering(&change.environment, change.workspace_id);
    for policy in covering.filter(|p| p.rules.deletion_protection_default) {
        let why = format!(", as policy {} has it in {}", policy.name, change.environment);
        let rule = rule(policy, "deletion_protection_default");
        verdict.violations.push(protected(layer(policy), rule, &why));
    }
}

/// That a deletion waits is no reason to ask anybody, but whoever deletes wants to know.
fn tell_lead(change: &TopicChange, policy: &TopicPolicy, verdict: &mut Verdict) {
    let Some(hours) = policy.rules.deletion_lead_time_hours else { return };
    verdict.warnings.push(Finding {
        code: LEAD_TIME.to_owned(),
        layer: layer(policy),
        rule: rule(policy, "deletion_lead_time_hours"),
        field: String::new(),
        limit: Some(hours.to_string()),
        value: None,
        overruled_by: None,
        message: lead_text(hours),
        remedy: format!("to take it back: POST /v1/topics/{}/restore", change.id),
    });
}

/// Where no policy of the platform covers an environment, everybody but a platform admin needs approval. A workspace's own policy does
/// not count, or a workspace could lift the platform's default by writing one.
pub(super) fn ask_uncovered(change: &TopicChange, facts: &TopicFacts, verdict: &mut Verdict) {
    if facts.requester.platform_admin {
        return;
    }
    let environment = &change.environment;
    verdict.ask(
        Finding {
            code: "topic.approval.no-policy".to_owned(),
            layer: Layer::Platform,
            rule: RuleRef { policy: None, name: "orbit".to_owned(), version: None, rule: "no-policy".to_owned() },
            field: "/environment".to_owned(),
            limit: None,
            value: Some(environment.to_string()),
            overruled_by: None,
            message: format!("no policy of the platform covers {environment}, so a platform admin decides"),
            remedy: "wait for the approval, or ask the platform team for a policy".to_owned(),
        },
        Needs::of(Layer::Platform, false),
    );
}

/// A policy asks for the consent of whom it names, of so many, within its time.
fn asked(verdict: &mut Verdict, policy: &TopicPolicy, environment: &Slug, reason: Finding) {
    verdict.ask(reason, need(policy, environment));
    verdict.valid_for(policy.rules.request_validity_hours);
}

/// Whose consent a policy asks for.
pub(super) fn need(policy: &TopicPolicy, environment: &Slug) -> Needs {
    let rules = &policy.rules;
    Needs {
        layer: layer(policy),
        approvers: rules.approvers.get(environment).cloned().unwrap_or_default(),
        quorum: rules.quorum.unwrap_or(1).max(1),
        self_approval: rules.allow_self_approval,
    }
}

pub(super) fn layer(policy: &TopicPolicy) -> Layer {
    match policy.scope {
        Scope::Platform => Layer::Platform,
        Scope::Workspace(_) => Layer::Workspace,
    }
}

pub(super) fn rule(policy: &TopicPolicy, rule: &str) -> RuleRef {
    RuleRef {
        policy: Some(policy.id),
        name: policy.name.to_string(),
        version: Some(policy.version),
        rule: rule.to_owned(),
    }
}

#[cfg(test)]
#[path = "topic_tests.rs"]
mod tests;
