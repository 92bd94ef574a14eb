use super::*;
use crate::{
    id::{ClusterId, EnvironmentId, PolicyId, TopicId, WorkspaceId},
    model::topic::CleanupPolicy,
    policy::{Decision, Limits, Needs, Pattern, TopicRules},
};
use uuid::Uuid;

#[path = "topic_approval_tests.rs"]
mod approval;
#[path = "topic_change_tests.rs"]
mod changes;
#[path = "topic_properties.rs"]
mod properties;

// --- the stage ---

const PAYMENTS: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(1));
const SHIPPING: WorkspaceId = WorkspaceId::from_uuid(Uuid::from_u128(2));

fn slug(s: &str) -> Slug {
    s.parse().unwrap()
}
fn pattern(s: &str) -> Pattern {
    s.parse().unwrap()
}

fn policy(name: &str, scope: Scope, rules: TopicRules) -> TopicPolicy {
    TopicPolicy {
        id: PolicyId::from_uuid(Uuid::from_u128(7)),
        name: slug(name),
        version: 3,
        scope,
        rules: rules.into(),
    }
}
fn platform(rules: TopicRules) -> TopicPolicy {
    policy("guardrails", Scope::Platform, rules)
}
fn of_payments(rules: TopicRules) -> TopicPolicy {
    policy("team-rules", Scope::Workspace(PAYMENTS), rules)
}
/// A policy of the platform that limits nothing: so that something covers the environment.
fn lenient() -> TopicPolicy {
    platform(TopicRules::default())
}

/// The topic `orders` of payments in dev.
fn change(action: TopicAction) -> TopicChange {
    TopicChange {
        id: TopicId::from_uuid(Uuid::from_u128(3)),
        workspace_id: PAYMENTS,
        workspace: slug("payments"),
        environment_id: EnvironmentId::from_uuid(Uuid::from_u128(4)),
        environment: slug("dev"),
        name: "orders".parse().unwrap(),
        cluster_id: ClusterId::from_uuid(Uuid::from_u128(5)),
        physical_name: "dev.payments.orders".parse().unwrap(),
        action,
    }
}
fn create(spec: TopicSpec) -> TopicChange {
    change(TopicAction::Create { spec })
}
fn update(spec: TopicSpec) -> TopicChange {
    change(TopicAction::Update { spec })
}

/// A member asks; three brokers, six partitions, a week of retention by default.
fn facts() -> TopicFacts {
    let defaults = [("retention.ms", "604800000"), ("vendor.tier", "hot")];
    TopicFacts {
        requester: Requester { platform_admin: false },
        documentation: Documentation::default(),
        cluster: ClusterFacts {
            slug: slug("kafka-1"),
            trouble: None,
            description: Some(ClusterDescription {
                brokers: 3,
                default_partitions: Some(6),
                default_replication_factor: Some(2),
                topic_defaults: defaults.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                ..ClusterDescription::default()
            }),
        },
        current: None,
        collides_with: None,
        unmanaged: false,
        quotas: vec![],
    }
}
fn facts_of(spec: TopicSpec) -> TopicFacts {
    TopicFacts {
        current: Some(CurrentTopic { spec, observed_partitions: None, observed_replication_factor: None }),
        ..facts()
    }
}
fn seen(mut facts: TopicFacts, partitions: u32, replication_factor: u16) -> TopicFacts {
    let current = facts.current.as_mut().unwrap();
    current.observed_partitions = Some(partitions);
    current.observed_replication_factor = Some(replication_factor);
    facts
}
fn platform_admin(facts: TopicFacts) -> TopicFacts {
    TopicFacts { requester: Requester { platform_admin: true }, ..facts }
}

fn verdict(policies: &[TopicPolicy], facts: &TopicFacts, change: &TopicChange) -> Verdict {
    let rules = Rulebook { topic_policies: policies.to_vec() };
    judge(change, &rules, facts)
}
fn denials(verdict: &Verdict) -> Vec<&str> {
    verdict.violations.iter().map(|f| f.message.as_str()).collect()
}
fn reasons(verdict: &Verdict) -> Vec<&str> {
    verdict.reasons.iter().map(|f| f.message.as_str()).collect()
}

fn partitions(n: u32) -> TopicSpec {
    TopicSpec { partitions: Some(n), ..TopicSpec::default() }
}
fn replicas(n: u16) -> TopicSpec {
    TopicSpec { replication_factor: Some(n), ..TopicSpec::default() }
}
fn retention(ms: i64) -> TopicSpec {
    TopicSpec { retention_ms: Some(ms), ..TopicSpec::default() }
}
fn config(key: &str, value: &str) -> TopicSpec {
    TopicSpec { config: [(key.to_owned(), value.to_owned())].into(), ..TopicSpec::default() }
}

const fn at_most(max: i64) -> Limits {
    Limits { min: None, max: Some(max) }
}
const fn at_least(min: i64) -> Limits {
    Limits { min: Some(min), max: None }
}
fn limit_partitions(limits: Limits) -> TopicRules {
    TopicRules { partition_limits: limits, ..TopicRules::default() }
}
fn limit_retention(limits: Limits) -> TopicRules {
    TopicRules { retention_limits: limits, ..TopicRules::default() }
}
fn limit_replicas(limits: Limits) -> TopicRules {
    TopicRules { replication_factor_limits: limits, ..TopicRules::default() }
}
fn approval_in_dev() -> TopicRules {
    TopicRules { require_approval_for: [slug("dev")].into(), ..TopicRules::default() }
}
fn deletion_approval_in_dev() -> TopicRules {
    TopicRules { require_deletion_approval_for: [slug("dev")].into(), ..TopicRules::default() }
}

// --- limits ---

#[test]
fn a_limit_is_told_with_its_layer_its_number_and_its_unit() {
    let p = |limits, spec| (platform(limit_partitions(limits)), spec);
    let w = |limits, spec| (of_payments(limit_partitions(limits)), spec);
    let r = |limits, spec| (platform(limit_retention(limits)), spec);
    let f = |limits, spec| (platform(limit_replicas(limits)), spec);
    let table = [
        (p(at_most(50), partitions(60)), "Denied: exceeds platform limit of 50 partitions"),
        (p(at_most(50), partitions(50)), ""),
        (p(at_least(3), partitions(2)), "Denied: is below platform limit of 3 partitions"),
        (p(at_least(3), partitions(3)), ""),
        (w(at_most(12), partitions(13)), "Denied: exceeds workspace limit of 12 partitions"),
        (r(at_most(1_000), retention(1_001)), "Denied: exceeds platform limit of 1000 ms retention"),
        (r(at_least(1_000), retention(999)), "Denied: is below platform limit of 1000 ms retention"),
        (r(at_most(1_000), config("retention.ms", " 1001")), "Denied: exceeds platform limit of 1000 ms retention"),
        // For ever is longer than every limit, and no limit is shorter than for ever.
        (r(at_most(i64::MAX - 1), retention(-1)), "Denied: exceeds platform limit of 9223372036854775806 ms retention"),
        (r(at_least(1_000), retention(-1)), ""),
        (r(at_most(-1), retention(-1)), ""),
        (r(at_most(-1), retention(i64::MAX)), ""),
        (r(at_least(-1), retention(1_000)), "Denied: is below platform limit of -1 ms retention"),
        (f(at_most(1), replicas(2)), "Denied: exceeds platform limit of 1 replicas"),
        (f(at_least(3), replicas(2)), "Denied: is below platform limit of 3 replicas"),
        (f(at_least(3), replicas(3)), ""),
    ];
    for ((policy, spec), message) in table {
        let verdict = verdict(&[lenient(), policy], &facts(), &create(spec));
        let expected: &[&str] = if message.is_empty() { &[] } else { &[message] };
        assert_eq!(denials(&verdict), expected);
        assert_eq!(reasons(&verdict), [] as [&str; 0]);
    }
}

#[test]
fn a_denial_names_rule_field_limit_value_and_remedy() {
    let policies = [platform(limit_partitions(at_most(50)))];
    let verdict = verdict(&policies, &facts(), &create(partitions(60)));
    assert_eq!(verdict.decision(), Decision::Deny);
    assert_eq!(
        verdict.violations,
        [Finding {
            code: "topic.partitions.limit".to_owned(),
            layer: Layer::Platform,
            rule: RuleRef {
                policy: Some(policies[0].id),
                name: "guardrails".to_owned(),
                version: Some(3),
                rule: "partition_limits.max".to_owned(),
            },
            field: "/partitions".to_owned(),
            limit: Some("50".to_owned()),
            value: Some("60".to_owned()),
            overruled_by: None,
            message: "Denied: exceeds platform limit of 50 partitions".to_owned(),
            remedy: "ask for at most 50, or ask the platform admins for an exception".to_owned(),
        }]
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_by_both_layers() {
    let policies = [
        of_payments(limit_partitions(at_most(12))),
        platform(TopicRules { naming_pattern: Some(pattern("[a-z]+\\.v[0-9]+")), ..limit_partitions(at_most(50)) }),
    ];
    let verdict = verdict(&policies, &facts(), &create(partitions(60)));
    assert_eq!(
        denials(&verdict),
        [
            "Denied: exceeds workspace limit of 12 partitions",
            "Denied: the name orders does not fit the platform pattern [a-z]+\\.v[0-9]+",
            "Denied: exceeds platform limit of 50 partitions",
        ]
    );
}

#[test]
fn what_is_not_set_is_judged_at_the_clusters_default() {
    let told = |rules, facts: &TopicFacts| {
        let verdict = verdict(&[platform(rules)], facts, &create(TopicSpec::default()));
        let tell = |f: &Finding| format!("{}; {}", f.message, f.remedy);
        verdict.violations.iter().map(tell).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        told(limit_partitions(at_most(5)), &facts()),
        "Denied: partitions is not set, and the cluster's default of 6 exceeds platform limit of 5 partitions; set partitions to at most 5"
    );
    assert_eq!(
        told(limit_retention(at_most(1_000)), &facts()),
        "Denied: retention_ms is not set, and the cluster's default of 604800000 exceeds platform limit of 1000 ms retention; \
         set retention_ms to at most 1000"
    );
    assert_eq!(
        told(limit_replicas(at_least(3)), &facts()),
        "Denied: replication_factor is not set, and the cluster's default of 2 is below platform limit of 3 replicas; \
         set replication_factor to at least 3"
    );
    assert_eq!(told(limit_partitions(at_most(6)), &facts()), "");
    let mut unknown = facts();
    unknown.cluster.description = None;
    assert_eq!(
        told(limit_partitions(at_most(50)), &unknown),
        "Denied: partitions is not set, the platform limits it, and the cluster's default is not known; set partitions"
    );
    assert_eq!(told(TopicRules::default(), &unknown), "");
}
