//! What changes of a topic that is there, deletions, and what Kafka itself will not have.

use super::*;

fn strict() -> [TopicPolicy; 1] {
    [platform(TopicRules {
        naming_pattern: Some(pattern("nothing-fits")),
        partition_limits: at_most(1),
        ..approval_in_dev()
    })]
}

#[test]
fn description_tags_and_owner_need_no_approval() {
    let before = partitions(6);
    let after = TopicSpec {
        description: Some("Orders".to_owned()),
        tags: ["pii".to_owned()].into(),
        owner_contact: Some("#payments".to_owned()),
        deletion_protection: Some(true),
        ..before.clone()
    };
    for policies in [&strict()[..], &[]] {
        let verdict = verdict(policies, &facts_of(before.clone()), &update(after.clone()));
        assert_eq!(verdict, Verdict::default());
    }
}

#[test]
fn making_the_cluster_what_it_was_to_be_needs_no_approval() {
    let spec = TopicSpec { cleanup_policy: Some(CleanupPolicy::CompactDelete), ..partitions(6) };
    let same = TopicSpec { partitions: Some(6), ..config("cleanup.policy", "delete,compact") };
    let drifted = seen(facts_of(spec.clone()), 3, 1);
    for after in [spec, same] {
        assert_eq!(verdict(&strict(), &drifted, &update(after)), Verdict::default());
    }
}

#[test]
fn a_name_that_a_later_pattern_does_not_fit_stays_and_is_told() {
    let policies = [platform(TopicRules { naming_pattern: Some(pattern("nothing-fits")), ..TopicRules::default() })];
    let verdict = verdict(&policies, &facts_of(partitions(6)), &update(partitions(7)));
    assert_eq!(verdict.violations, []);
    let [warning] = verdict.warnings.try_into().unwrap();
    assert_eq!((warning.code.as_str(), warning.field.as_str()), ("topic.name.pattern", "/name"));
    assert!(warning.message.starts_with("the name orders does not fit") && warning.remedy.contains("keeps its name"));
}

#[test]
fn a_change_on_the_cluster_is_judged_like_a_create() {
    for after in [partitions(7), retention(1), config("segment.ms", "60000")] {
        let verdict = verdict(&strict(), &facts_of(partitions(6)), &update(TopicSpec { partitions: Some(7), ..after }));
        assert_eq!(denials(&verdict), ["Denied: exceeds platform limit of 1 partitions"]);
        assert_eq!(reasons(&verdict), ["policy guardrails asks for approval in dev"]);
    }
    let unknown = verdict(&strict(), &facts(), &update(partitions(6)));
    assert_eq!(unknown.decision(), Decision::Deny, "where nothing is known of before");
    let unset = verdict(&strict(), &facts_of(retention(5)), &update(TopicSpec::default()));
    assert_eq!(unset.decision(), Decision::Deny, "to return to a default is a change too");
}

#[test]
fn partitions_do_not_shrink() {
    let shrink = |facts: TopicFacts, to| {
        let verdict = verdict(&[lenient()], &facts, &update(partitions(to)));
        denials(&verdict).join("\n")
    };
    let to = |have, want| {
        format!(
            "Denied: partitions cannot shrink from {have} to {want}: Kafka would lose the records of the partitions removed"
        )
    };
    assert_eq!(shrink(facts_of(partitions(6)), 5), to(6, 5));
    assert_eq!(shrink(facts_of(partitions(6)), 6), "");
    assert_eq!(shrink(facts_of(partitions(6)), 7), "");
    // The cluster counts, where it has more; also where the change is about nothing else.
    assert_eq!(shrink(seen(facts_of(partitions(6)), 12, 1), 8), to(12, 8));
    assert_eq!(shrink(seen(facts_of(partitions(6)), 12, 1), 6), to(12, 6));
    assert_eq!(shrink(seen(facts_of(TopicSpec::default()), 12, 1), 6), to(12, 6));
    assert_eq!(shrink(seen(facts_of(partitions(6)), 3, 1), 6), "");
    assert_eq!(shrink(seen(facts_of(partitions(6)), 3, 1), 5), to(6, 5));
    assert_eq!(shrink(facts_of(TopicSpec::default()), 6), "");

    let verdict = verdict(&[lenient()], &facts_of(partitions(6)), &update(partitions(5)));
    let finding = &verdict.violations[0];
    assert_eq!((finding.layer, finding.field.as_str()), (Layer::System, "/partitions"));
    assert_eq!(finding.remedy, "ask for at least 6, or create a topic of another name and move the data");
}

#[test]
fn the_replication_factor_does_not_change() {
    let told = |facts: TopicFacts, spec| {
        let verdict = verdict(&[lenient()], &facts, &update(spec));
        denials(&verdict).join("\n")
    };
    let from_to = |have, want| {
        format!("Denied: the replication factor cannot change from {have} to {want}: unsupported by provider")
    };
    assert_eq!(told(facts_of(replicas(2)), replicas(3)), from_to(2, 3));
    assert_eq!(told(seen(facts_of(TopicSpec::default()), 6, 1), replicas(3)), from_to(1, 3));
    // What the cluster has already may be written down.
    assert_eq!(told(seen(facts_of(TopicSpec::default()), 6, 3), replicas(3)), "");
    assert_eq!(told(seen(facts_of(replicas(2)), 6, 3), replicas(3)), "");
    // Replicas that were moved past Orbit do not stand in the way of another change.
    let longer = TopicSpec { retention_ms: Some(5), ..replicas(2) };
    assert_eq!(told(seen(facts_of(replicas(2)), 6, 3), longer), "");
}

#[test]
fn a_name_that_is_taken_on_the_cluster_is_told() {
    let mut facts = facts();
    facts.collides_with = Some("payments/dev/or.ders".to_owned());
    facts.unmanaged = true;
    let denied = verdict(&[lenient()], &facts, &create(partitions(6)));
    assert_eq!(
        denials(&denied),
        [
            "Denied: the name on the cluster would be dev.payments.orders, which collides with the topic payments/dev/or.ders: \
             Kafka does not tell '.' and '_' apart in topic names",
            "Denied: a topic named dev.payments.orders is on cluster kafka-1 already, and Orbit does not manage it",
        ]
    );
    let by_admin = verdict(&[lenient()], &platform_admin(facts), &create(partitions(6)));
    assert_eq!(by_admin.decision(), Decision::Deny, "nobody can grant an exception");
}

#[test]
fn settings_that_kafka_would_refuse_are_told_before_it_does() {
    let told = |spec| {
        let verdict = verdict(&[lenient()], &facts(), &create(spec));
        let tell = |f: &Finding| format!("{} {}: {}; {}", f.code, f.field, f.message, f.remedy);
        verdict.violations.iter().map(tell).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        told(config("retention.mss", "5")),
        "topic.config.unknown /config/retention.mss: Denied: Kafka has no topic setting retention.mss; did you mean retention.ms?"
    );
    assert_eq!(
        told(config("a/b", "5")),
        "topic.config.unknown /config/a~1b: Denied: Kafka has no topic setting a/b; \
         take it out; Kafka's documentation lists the topic settings"
    );
    assert_eq!(
        told(retention(-2)),
        "topic.config.value /retention_ms: Denied: retention.ms cannot be \"-2\": it takes a whole number of at least -1; \
         give a whole number of at least -1"
    );
    assert_eq!(told(config("vendor.tier", "cold")), "", "the cluster told of it");
    assert_eq!(
        told(config("vendor.tear", "cold")),
        "topic.config.unknown /config/vendor.tear: Denied: Kafka has no topic setting vendor.tear; did you mean vendor.tier?"
    );
}

#[test]
fn more_replicas_than_brokers_are_told() {
    let told = |brokers| {
        let mut facts = facts();
        facts.cluster.description.as_mut().unwrap().brokers = brokers;
        let verdict = verdict(&[lenient()], &facts, &create(replicas(3)));
        denials(&verdict).join("\n")
    };
    assert_eq!(told(1), "Denied: replication factor 3 needs 3 brokers, and cluster kafka-1 has 1 broker");
    assert_eq!(told(2), "Denied: replication factor 3 needs 3 brokers, and cluster kafka-1 has 2 brokers");
    assert_eq!(told(3), "");
}

#[test]
fn a_broker_that_restarts_stands_in_the_way_of_no_other_change() {
    let told = |before: TopicSpec| {
        let mut facts = facts_of(before);
        facts.cluster.description.as_mut().unwrap().brokers = 2;
        let verdict = verdict(&[lenient()], &facts, &update(TopicSpec { retention_ms: Some(5), ..replicas(3) }));
        denials(&verdict).join("\n")
    };
    assert_eq!(told(replicas(3)), "");
    assert_eq!(
        told(TopicSpec::default()),
        "Denied: replication factor 3 needs 3 brokers, and cluster kafka-1 has 2 brokers",
        "where the change asks for it"
    );
}

#[test]
fn what_is_not_set_of_a_topic_that_is_there_is_judged_at_what_it_has() {
    let told = |rules, facts: &TopicFacts| {
        let verdict = verdict(&[platform(rules)], facts, &update(retention(5)));
        let tell = |f: &Finding| format!("{}; {}", f.message, f.remedy);
        verdict.violations.iter().map(tell).collect::<Vec<_>>().join("\n")
    };
    // The cluster's defaults are 6 partitions and 2 replicas.
    let small = seen(facts_of(TopicSpec::default()), 3, 1);
    assert_eq!(told(limit_partitions(at_most(5)), &small), "");
    assert_eq!(
        told(limit_replicas(at_least(2)), &small),
        "Denied: replication_factor is not set, and the topic's 1 is below platform limit of 2 replicas; \
         ask the platform admins for an exception"
    );
    let unseen = facts_of(partitions(3));
    assert_eq!(told(limit_partitions(at_most(5)), &unseen), "", "what it was to be, where it was not looked at");
    assert_eq!(
        told(limit_partitions(at_most(5)), &facts_of(TopicSpec::default())),
        "Denied: partitions is not set, and the cluster's default of 6 exceeds platform limit of 5 partitions; set partitions to at most 5"
    );
}

#[test]
fn a_protected_topic_is_not_deleted() {
    let deleting = |protection| {
        let spec = TopicSpec { deletion_protection: protection, ..TopicSpec::default() };
        verdict(&[lenient()], &facts_of(spec), &change(TopicAction::Delete))
    };
    let denied = deleting(Some(true));
    assert_eq!(denials(&denied), ["Denied: deletion protection of topic orders is on"]);
    assert_eq!(denied.violations[0].rule.name, "orbit");
    assert_eq!(denied.violations[0].remedy, "set deletion_protection to false first, as a change of its own");
    assert_eq!(deleting(Some(false)), Verdict::default());
    assert_eq!(deleting(None), Verdict::default());
}

#[test]
fn deletions_have_a_rule_of_their_own() {
    let asked_by = |rules| {
        let verdict = verdict(&[platform(rules)], &facts_of(partitions(6)), &change(TopicAction::Delete));
        verdict.reasons.iter().map(|f| f.message.clone()).collect::<Vec<_>>()
    };
    let asked = ["policy guardrails asks for approval of deletions in dev"];
    assert_eq!(asked_by(deletion_approval_in_dev()), asked);
    assert_eq!(asked_by(approval_in_dev()), [] as [&str; 0]);
    // Limits and names do not keep anybody from deleting, and no pattern approves a deletion.
    let rules = TopicRules {
        naming_pattern: Some(pattern("nothing-fits")),
        auto_approve_patterns: vec![pattern(".*")],
        partition_limits: at_most(1),
        ..deletion_approval_in_dev()
    };
    assert_eq!(asked_by(rules), asked);
}
