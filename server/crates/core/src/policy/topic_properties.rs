//! What holds for any set of policies.

use super::*;
use crate::{documentation::RequestField, policy::ConfigRule};
use proptest::{prelude::*, sample::select};
use std::collections::{BTreeMap, BTreeSet};

fn environments() -> impl Strategy<Value = BTreeSet<Slug>> {
    select(vec![vec![], vec!["dev"], vec!["prod"], vec!["dev", "prod"]])
        .prop_map(|names| names.into_iter().map(slug).collect())
}

fn limits(values: &'static [i64]) -> impl Strategy<Value = Limits> {
    let side = || prop::option::weighted(0.3, select(values));
    (side(), side()).prop_map(|(min, max)| Limits { min, max })
}

fn patterns() -> impl Strategy<Value = Option<Pattern>> {
    prop::option::weighted(0.3, select(vec![".*", "orders", "parcels", "[a-z]+\\.v1"])).prop_map(|p| p.map(pattern))
}

fn rules() -> impl Strategy<Value = TopicRules> {
    let limited = (limits(&[1, 6, 12, 50]), limits(&[-1, 0, 1_000, 604_800_000]), limits(&[1, 2, 3]));
    let asked = (environments(), environments(), any::<bool>(), prop::option::of(1..4_u8));
    let more = (any::<bool>(), prop::option::of(1..100_u32), any::<bool>());
    (environments(), patterns(), patterns(), (limited, config_rules(), more), asked).prop_map(
        |(environments, naming_pattern, lifted, limited, (approval, deletion, own, quorum))| {
            let ((partition, retention, replication), config_rules, (documented, lead, protects)) = limited;
            TopicRules {
                environments,
                naming_pattern,
                auto_approve_patterns: lifted.into_iter().collect(),
                partition_limits: partition,
                retention_limits: retention,
                replication_factor_limits: replication,
                require_approval_for: approval,
                require_deletion_approval_for: deletion,
                allow_self_approval: own,
                quorum,
                config_rules,
                required_request_fields: documented.then_some(RequestField::Consumers).into_iter().collect(),
                deletion_lead_time_hours: lead,
                deletion_protection_default: protects,
                ..TopicRules::default()
            }
        },
    )
}

fn config_rules() -> impl Strategy<Value = BTreeMap<String, ConfigRule>> {
    let rule = (any::<bool>(), any::<bool>(), limits(&[-1, 1, 5_000]), prop::option::of(select(vec!["5", "7"])));
    let rule = rule.prop_map(|(required, forbidden, limits, value)| {
        let values = value.into_iter().map(str::to_owned).collect();
        ConfigRule { required, forbidden, limits, values }
    });
    prop::collection::btree_map(select(vec!["flush.ms".to_owned(), "retention.ms".to_owned()]), rule, 0..2)
}

fn scope() -> impl Strategy<Value = Scope> {
    select(vec![Scope::Platform, Scope::Workspace(PAYMENTS), Scope::Workspace(SHIPPING)])
}

fn any_policy() -> impl Strategy<Value = TopicPolicy> {
    let name = select(vec!["first", "second", "third"]);
    (name, scope(), rules()).prop_map(|(name, scope, rules)| policy(name, scope, rules))
}

/// A policy of the platform that covers dev.
fn covering() -> impl Strategy<Value = TopicPolicy> {
    rules().prop_map(|rules| platform(TopicRules { environments: BTreeSet::new(), ..rules }))
}

fn spec() -> impl Strategy<Value = TopicSpec> {
    let partitions = prop::option::of(select(vec![1_u32, 6, 60]));
    let replicas = prop::option::of(1..5_u16);
    let retention = prop::option::of(select(vec![-1_i64, 0, 500, 1_000_000]));
    let config = select(vec![None, Some(("segment.ms", "5")), Some(("flush.ms", "6")), Some(("retention.mss", "5"))]);
    (partitions, replicas, retention, config).prop_map(|(partitions, replication_factor, retention_ms, config)| {
        TopicSpec {
            partitions,
            replication_factor,
            retention_ms,
            config: config.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect(),
            ..TopicSpec::default()
        }
    })
}

fn any_change() -> impl Strategy<Value = TopicChange> {
    prop_oneof![spec().prop_map(create), spec().prop_map(update), Just(change(TopicAction::Delete)),]
}

fn any_facts() -> impl Strategy<Value = TopicFacts> {
    let current = prop::option::of((spec(), prop::option::of(1..70_u32)));
    (any::<bool>(), any::<bool>(), any::<bool>(), current).prop_map(|(platform_admin, unmanaged, reached, current)| {
        let mut facts = facts();
        facts.requester.platform_admin = platform_admin;
        facts.unmanaged = unmanaged;
        if !reached {
            facts.cluster.description = None;
        }
        facts.current = current.map(|(spec, observed_partitions)| CurrentTopic {
            spec,
            observed_partitions,
            observed_replication_factor: None,
        });
        facts
    })
}

/// Whether every finding of `few` is among `many`, as often, whichever of them won.
fn within(few: &[Finding], many: &[Finding]) -> bool {
    let mut left: Vec<_> = many.iter().collect();
    few.iter().all(|finding| {
        let finding = Finding { overruled_by: None, ..finding.clone() };
        let place = left.iter().position(|f| Finding { overruled_by: None, ..(*f).clone() } == finding);
        place.map(|place| left.swap_remove(place)).is_some()
    })
}

fn same(a: &[Finding], b: &[Finding]) -> bool {
    a.len() == b.len() && within(a, b)
}

/// Who may not consent to their own request under `a`, may not under `b` either, and whom `a` asks `b` asks.
fn asks_no_less(a: &Verdict, b: &Verdict) -> bool {
    a.needs.iter().all(|asked| {
        let now = b.needs.iter().find(|n| n.layer == asked.layer);
        now.is_some_and(|now| (asked.self_approval || !now.self_approval) && now.quorum >= asked.quorum)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn where_the_platform_covers_a_policy_more_never_allows_more(
        covering in covering(),
        some in prop::collection::vec(any_policy(), 0..4),
        more in any_policy(),
        change in any_change(),
        facts in any_facts(),
    ) {
        let mut policies = vec![covering];
        policies.extend(some);
        let before = verdict(&policies, &facts, &change);
        policies.push(more);
        let after = verdict(&policies, &facts, &change);
        prop_assert!(after.decision() >= before.decision());
        prop_assert!(within(&before.violations, &after.violations));
        prop_assert!(within(&before.reasons, &after.reasons));
        prop_assert!(asks_no_less(&before, &after));
    }

    #[test]
    fn the_order_of_policies_is_of_no_matter(
        policies in prop::collection::vec(any_policy(), 0..5).prop_shuffle(),
        change in any_change(),
        facts in any_facts(),
        turns in 0..5_usize,
    ) {
        let mut turned = policies.clone();
        turned.rotate_left(turns.min(policies.len()));
        let turned_back = turned.iter().rev().cloned().collect::<Vec<_>>();
        let one = verdict(&policies, &facts, &change);
        for other in [turned, turned_back] {
            let other = verdict(&other, &facts, &change);
            prop_assert_eq!(one.decision(), other.decision());
            prop_assert_eq!(&one.needs, &other.needs);
            prop_assert!(same(&one.violations, &other.violations) && same(&one.reasons, &other.reasons));
        }
    }

    #[test]
    fn a_layer_is_asked_exactly_where_it_gave_a_reason_and_lets_requesters_only_where_all_of_it_do(
        policies in prop::collection::vec(any_policy(), 0..5),
        change in any_change(),
        facts in any_facts(),
    ) {
        let numbered = |(n, policy)| TopicPolicy { id: PolicyId::from_uuid(Uuid::from_u128(n)), ..policy };
        let policies: Vec<_> = (0..).zip(policies).map(numbered).collect();
        let verdict = verdict(&policies, &facts, &change);
        let asked: BTreeSet<_> = verdict.needs.iter().map(|n| n.layer).collect();
        prop_assert_eq!(asked.len(), verdict.needs.len(), "a line per layer");
        prop_assert_eq!(&asked, &verdict.reasons.iter().map(|f| f.layer).collect());
        for need in &verdict.needs {
            let mut asked_by = verdict.reasons.iter().filter(|f| f.layer == need.layer);
            let grants = |f: &Finding| policies.iter().any(|p| f.rule.policy == Some(p.id) && p.rules.allow_self_approval);
            prop_assert_eq!(need.self_approval, asked_by.all(grants));
        }
    }

    #[test]
    fn the_merged_book_allows_exactly_what_no_policy_denies(
        policies in prop::collection::vec(any_policy(), 0..5),
        spec in spec(),
    ) {
        let rules = Rulebook { topic_policies: policies.clone() };
        let book = rules.effective(&slug("dev"), PAYMENTS);
        let told = verdict(&policies, &facts(), &create(spec.clone()));
        let denied = |code: &str| told.violations.iter().any(|f| f.code == code);
        let partitions = i64::from(spec.partitions.unwrap_or(6));
        prop_assert_eq!(denied("topic.partitions.limit"), !book.partitions.hold(partitions));
        let replicas = i64::from(spec.replication_factor.unwrap_or(2));
        prop_assert_eq!(denied("topic.replication-factor.limit"), !book.replication_factor.hold(replicas));
        let retention = spec.retention_ms.unwrap_or(604_800_000);
        prop_assert_eq!(denied("topic.retention.limit"), !book.retention_ms.hold(retention));
        let fits = book.naming_patterns.iter().all(|p| p.value.fits("orders"));
        prop_assert_eq!(denied("topic.name.pattern"), !fits);
        prop_assert_eq!(denied("topic.request-field"), !book.required_request_fields.is_empty());
        let asks = |deletions| book.asks.iter().any(|a| a.deletions == deletions && !a.unless.iter().any(|p| p.fits("orders")));
        let asked = |told: &Verdict, code: &str| told.reasons.iter().any(|f| f.code == code);
        prop_assert_eq!(asked(&told, "topic.approval.environment"), asks(false));
        prop_assert_eq!(asked(&told, "topic.approval.no-policy"), !book.covered);
        let gone = verdict(&policies, &facts_of(spec), &change(TopicAction::Delete));
        prop_assert_eq!(asked(&gone, "topic.approval.deletion"), asks(true));
        prop_assert_eq!(gone.lead_hours, book.deletion_lead_time_hours.map(|l| l.value));
        prop_assert_eq!(!gone.violations.is_empty(), book.deletion_protection_default.is_some());
    }

    #[test]
    fn what_contradicts_itself_lets_nothing_through(
        policies in prop::collection::vec(any_policy(), 0..5),
        spec in spec(),
    ) {
        let rules = Rulebook { topic_policies: policies.clone() };
        if !rules.effective(&slug("dev"), PAYMENTS).contradictions().is_empty() {
            prop_assert_eq!(verdict(&policies, &facts(), &create(spec)).decision(), Decision::Deny);
        }
    }

    #[test]
    fn of_the_limits_that_are_broken_one_won(
        policies in prop::collection::vec(any_policy(), 0..5),
        spec in spec(),
    ) {
        let told = verdict(&policies, &facts(), &create(spec));
        for lost in told.violations.iter().filter(|f| f.overruled_by.is_some()) {
            let won = told.violations.iter().find(|f| f.overruled_by.is_none() && (&f.code, &f.rule.rule) == (&lost.code, &lost.rule.rule));
            prop_assert!(won.is_some_and(|won| Some(&won.rule.name) == lost.overruled_by.as_ref()));
        }
    }

    #[test]
    fn verdicts_of_several_items_are_one_in_any_grouping(
        policies in prop::collection::vec(any_policy(), 0..4),
        changes in (any_change(), any_change(), any_change()),
        facts in any_facts(),
    ) {
        let [a, b, c] = [changes.0, changes.1, changes.2].map(|change| verdict(&policies, &facts, &change));
        let left = a.clone().and(b.clone()).and(c.clone());
        let right = a.clone().and(b.clone().and(c.clone()));
        prop_assert_eq!(&left, &right);
        let strictest = a.decision().max(b.decision()).max(c.decision());
        prop_assert_eq!(left.decision(), strictest);
        prop_assert!([a, b, c].iter().all(|each| asks_no_less(each, &left)));
    }
}
