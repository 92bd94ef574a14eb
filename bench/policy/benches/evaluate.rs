//! Orbit's evaluator beside OPA's language (regorus) and Cedar, on the same rules and the same topic; and a draft over a whole estate.
//!
//! Each of n policies limits partitions, retention, replicas and one setting, wants names of one form, and asks for approval in `prod`. Rego says all of it
//! and collects the reasons, as Orbit does. Cedar has no regular expressions and answers allow or deny with the policies that decided, so its names are a
//! glob, it words no reasons, and approvals are left out: less work than the other two do.

use cedar_policy::{Authorizer, Context, Decision as Cedar, Entities, EntityUid, PolicySet, Request};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use orbit_core::{
    change::{Noun, Requester, TopicAction, TopicChange},
    documentation::Documentation,
    id::{ClusterId, EnvironmentId, PolicyId, TopicId, WorkspaceId},
    model::topic::TopicSpec,
    name::Slug,
    policy::{
        ClusterFacts, ConfigRule, Decision, Draft, Limits, Rulebook, Scope, TopicFacts, TopicPolicy, TopicRules,
    },
    ports::ClusterDescription,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, hint::black_box, time::Duration};
use uuid::Uuid;

const SIZES: [usize; 3] = [1, 20, 200];
const WEEK: i64 = 604_800_000;
const NAMES: &str = "[a-z]+(\\.[a-z0-9_-]+)*";

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}
fn at_most(max: i64) -> Limits {
    Limits { min: None, max: Some(max) }
}

fn partitions_max(n: usize) -> i64 {
    50 + i64::try_from(n).unwrap()
}

fn policy(n: usize) -> TopicPolicy {
    let message = ConfigRule { limits: at_most(2_000_000), ..ConfigRule::default() };
    let rules = TopicRules {
        naming_pattern: Some(NAMES.parse().unwrap()),
        partition_limits: Limits { min: Some(1), max: Some(partitions_max(n)) },
        retention_limits: at_most(5 * WEEK),
        replication_factor_limits: Limits { min: Some(1), max: Some(3) },
        require_approval_for: [slug("prod")].into(),
        config_rules: [("max.message.bytes".to_owned(), message)].into(),
        ..TopicRules::default()
    };
    let id = PolicyId::from_uuid(Uuid::from_u128(u128::try_from(n).unwrap() + 1));
    TopicPolicy { id, name: slug(&format!("policy-{n}")), version: 1, scope: Scope::Platform, rules: rules.into() }
}

fn rulebook(size: usize) -> Rulebook {
    Rulebook { topic_policies: (0..size).map(policy).collect() }
}

fn spec(partitions: u32) -> TopicSpec {
    let config = [("max.message.bytes", "1000000"), ("segment.ms", "3600000"), ("flush.ms", "1000")];
    TopicSpec {
        partitions: Some(partitions),
        replication_factor: Some(3),
        retention_ms: Some(WEEK),
        config: config.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        ..TopicSpec::default()
    }
}

fn create(name: &str, spec: TopicSpec) -> TopicChange {
    TopicChange {
        id: TopicId::from_uuid(Uuid::from_u128(1)),
        workspace_id: WorkspaceId::from_uuid(Uuid::from_u128(2)),
        workspace: slug("payments"),
        environment_id: EnvironmentId::from_uuid(Uuid::from_u128(3)),
        environment: slug("dev"),
        name: name.parse().unwrap(),
        cluster_id: ClusterId::from_uuid(Uuid::from_u128(4)),
        physical_name: format!("dev.payments.{name}").parse().unwrap(),
        action: TopicAction::Create { spec },
    }
}

fn facts() -> TopicFacts {
    let defaults = ["max.message.bytes", "segment.ms", "flush.ms", "retention.ms"];
    TopicFacts {
        requester: Requester { platform_admin: false },
        documentation: Documentation::default(),
        cluster: ClusterFacts {
            slug: slug("main"),
            trouble: None,
            description: Some(ClusterDescription {
                brokers: 3,
                default_partitions: Some(1),
                default_replication_factor: Some(3),
                topic_defaults: defaults.map(|key| (key.to_owned(), "1000".to_owned())).into(),
                ..ClusterDescription::default()
            }),
        },
        current: None,
        collides_with: None,
        unmanaged: false,
        quotas: vec![],
    }
}

const REGO: &str = r#"
package orbit
import rego.v1

covering contains p if { some p in data.policies; count(p.environments) == 0 }
covering contains p if { some p in data.policies; input.environment in p.environments }

deny contains m if { some p in covering; not regex.match(p.names, input.name); m := sprintf("the name %v does not fit %v of %v", [input.name, p.names, p.name]) }
deny contains m if { some p in covering; input.partitions > p.partitions_max; m := sprintf("exceeds limit of %v partitions of %v", [p.partitions_max, p.name]) }
deny contains m if { some p in covering; input.partitions < p.partitions_min; m := sprintf("is below limit of %v partitions of %v", [p.partitions_min, p.name]) }
deny contains m if { some p in covering; input.retention_ms > p.retention_max; m := sprintf("exceeds limit of %v ms of %v", [p.retention_max, p.name]) }
deny contains m if { some p in covering; input.replication_factor > p.replicas_max; m := sprintf("exceeds limit of %v replicas of %v", [p.replicas_max, p.name]) }
deny contains m if { some p in covering; input.replication_factor < p.replicas_min; m := sprintf("is below limit of %v replicas of %v", [p.replicas_min, p.name]) }
deny contains m if { some p in covering; some key, most in p.config_max; to_number(input.config[key]) > most; m := sprintf("%v exceeds limit of %v of %v", [key, most, p.name]) }
ask contains m if { some p in covering; input.environment in p.approval; m := sprintf("%v asks for approval", [p.name]) }
"#;

fn rego(size: usize) -> regorus::Engine {
    let policies: Vec<Value> = (0..size)
        .map(|n| {
            json!({
                "name": format!("policy-{n}"), "environments": [], "names": format!("^(?:{NAMES})$"), "partitions_min": 1,
                "partitions_max": partitions_max(n), "retention_max": 5 * WEEK, "replicas_min": 1, "replicas_max": 3,
                "approval": ["prod"], "config_max": { "max.message.bytes": 2_000_000 },
            })
        })
        .collect();
    let mut engine = regorus::Engine::new();
    engine.add_policy("orbit.rego".to_owned(), REGO.to_owned()).unwrap();
    engine.add_data_json(&json!({ "policies": policies }).to_string()).unwrap();
    engine
}

fn rego_input(partitions: u32) -> regorus::Value {
    let input = json!({
        "environment": "dev", "name": "orders.created.v1", "partitions": partitions, "retention_ms": WEEK, "replication_factor": 3,
        "config": { "max.message.bytes": "1000000", "segment.ms": "3600000", "flush.ms": "1000" },
    });
    regorus::Value::from_json_str(&input.to_string()).unwrap()
}

fn denials(engine: &mut regorus::Engine, input: &regorus::Value) -> usize {
    engine.set_input(input.clone());
    let denied = engine.eval_rule("data.orbit.deny".to_owned()).unwrap();
    let asked = engine.eval_rule("data.orbit.ask".to_owned()).unwrap();
    black_box(asked);
    denied.as_set().unwrap().len()
}

fn cedar(size: usize) -> PolicySet {
    let forbid = |n| {
        format!(
            "@id(\"policy-{n}\") forbid (principal, action == Action::\"create\", resource) when {{ !(context.name like \"orders.*\") || \
             context.partitions > {} || context.partitions < 1 || context.retention_ms > {} || context.replication_factor > 3 || \
             context.replication_factor < 1 || context.max_message_bytes > 2000000 }};",
            partitions_max(n),
            5 * WEEK,
        )
    };
    let all: Vec<String> = (0..size).map(forbid).collect();
    format!("permit (principal, action, resource);\n{}", all.join("\n")).parse().unwrap()
}

fn cedar_request(partitions: u32) -> Request {
    let uid = |text: &str| -> EntityUid { text.parse().unwrap() };
    let context = json!({
        "name": "orders.created.v1", "partitions": partitions, "retention_ms": WEEK, "replication_factor": 3, "max_message_bytes": 1_000_000,
    });
    let context = Context::from_json_value(context, None).unwrap();
    Request::new(uid("User::\"dev\""), uid("Action::\"create\""), uid("Topic::\"orders\""), context, None).unwrap()
}

/// A topic that nobody denies, and one that some policies do.
const WISHES: [(&str, u32); 2] = [("allowed", 6), ("denied", 60)];

fn evaluate(c: &mut Criterion) {
    for (wish, partitions) in WISHES {
        let mut group = c.benchmark_group(format!("evaluate-{wish}"));
        for size in SIZES {
            let broken = (0..size).filter(|n| i64::from(partitions) > partitions_max(*n)).count();
            let (rules, change, facts) = (rulebook(size), create("orders.created.v1", spec(partitions)), facts());
            let verdict = change.judge(&rules, &facts);
            assert_eq!(verdict.violations.len(), broken);
            let by_orbit = BenchmarkId::new("orbit", size);
            group.bench_function(by_orbit, |b| b.iter(|| black_box(change.judge(black_box(&rules), &facts)).decision()));

            let (mut engine, input) = (rego(size), rego_input(partitions));
            assert_eq!(denials(&mut engine, &input), broken);
            group.bench_function(BenchmarkId::new("regorus", size), |b| b.iter(|| denials(&mut engine, &input)));

            let (policies, request, authorizer) = (cedar(size), cedar_request(partitions), Authorizer::new());
            let entities = Entities::empty();
            let decided = || authorizer.is_authorized(black_box(&request), &policies, &entities);
            assert_eq!(decided().decision() == Cedar::Deny, broken > 0);
            group.bench_function(BenchmarkId::new("cedar", size), |b| b.iter(|| decided().decision()));
        }
        group.finish();
    }
}

/// 50,000 topics, a draft beside 199 policies, on one core.
fn estate(c: &mut Criterion) {
    const TOPICS: usize = 50_000;
    let (others, then) = (rulebook(199), TopicPolicy { name: slug("draft"), ..policy(0) });
    let draft = Draft { others: &others, today: None, then: Some(&then) };
    let facts = facts();
    let topics: Vec<_> = (0..TOPICS).map(|n| create(&format!("orders.n{n}.v1"), spec(u32::try_from(n % 48).unwrap() + 1))).collect();
    let mut group = c.benchmark_group("backtest");
    group.sample_size(10).measurement_time(Duration::from_secs(30));
    group.bench_function("50000-topics-200-policies", |b| {
        b.iter(|| {
            let mut tally = BTreeMap::<Decision, usize>::new();
            for topic in &topics {
                let TopicAction::Create { spec } = &topic.action else { continue };
                *tally.entry(draft.judge(topic, spec, &facts).1.decision()).or_default() += 1;
            }
            assert_eq!(tally, BTreeMap::from([(Decision::Allow, TOPICS)]));
        });
    });
    group.finish();
}

criterion_group!(benches, evaluate, estate);
criterion_main!(benches);
