//! Who has to consent.

use super::*;

#[test]
fn a_policy_asks_for_approval_in_its_environments() {
    let verdict_with = |rules| verdict(&[platform(rules)], &facts(), &create(partitions(6)));
    let asked = verdict_with(approval_in_dev());
    assert_eq!(asked.decision(), Decision::NeedsApproval);
    assert_eq!(reasons(&asked), ["policy guardrails asks for approval in dev"]);
    assert_eq!(asked.reasons[0].rule.rule, "require_approval_for");
    let needs = |self_approval| Needs::of(Layer::Platform, self_approval);
    assert_eq!(asked.needs, [needs(false)].into());

    let own = verdict_with(TopicRules { allow_self_approval: true, ..approval_in_dev() });
    assert_eq!(own.needs, [needs(true)].into());
    let in_prod = verdict_with(TopicRules { require_approval_for: [slug("prod")].into(), ..TopicRules::default() });
    assert_eq!(in_prod.decision(), Decision::Allow);
}

#[test]
fn an_auto_approve_pattern_lifts_only_its_own_policy() {
    let lifts = |s: &str| TopicRules { auto_approve_patterns: vec![pattern(s)], ..approval_in_dev() };
    let asked_by = |policies: &[TopicPolicy]| {
        let verdict = verdict(policies, &facts(), &create(partitions(6)));
        verdict.reasons.iter().map(|f| f.rule.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(asked_by(&[platform(lifts("orders"))]), [] as [&str; 0]);
    assert_eq!(asked_by(&[platform(lifts("order"))]), ["guardrails"], "the whole name has to fit");
    assert_eq!(asked_by(&[platform(lifts("order.*")), of_payments(approval_in_dev())]), ["team-rules"]);
    assert_eq!(asked_by(&[platform(approval_in_dev()), of_payments(lifts(".*"))]), ["guardrails"]);
    let denied = platform(TopicRules { partition_limits: at_most(1), ..lifts(".*") });
    let verdict = verdict(&[denied], &facts(), &create(partitions(6)));
    assert_eq!(verdict.decision(), Decision::Deny, "it lifts no limit");
}

#[test]
fn where_both_layers_ask_both_have_to_consent() {
    let own = |rules| TopicRules { allow_self_approval: true, ..rules };
    let policies = [platform(own(approval_in_dev())), of_payments(own(approval_in_dev())), platform(approval_in_dev())];
    let verdict = verdict(&policies, &facts(), &create(partitions(6)));
    let needs: Vec<_> = verdict.needs.iter().map(|n| (n.layer, n.self_approval)).collect();
    assert_eq!(needs, [(Layer::Platform, false), (Layer::Workspace, true)]);
    assert_eq!(verdict.reasons.len(), 3);
}

#[test]
fn where_no_policy_of_the_platform_covers_the_environment_everybody_but_a_platform_admin_asks() {
    let only_prod = TopicRules { environments: [slug("prod")].into(), ..TopicRules::default() };
    let uncovered = [
        vec![],
        vec![platform(only_prod)],
        // A workspace cannot lift the platform's default by writing a policy.
        vec![of_payments(TopicRules::default())],
    ];
    let changes = [create(partitions(6)), change(TopicAction::Delete)];
    for (policies, change) in uncovered.iter().flat_map(|p| changes.iter().map(move |c| (p, c))) {
        let asked = verdict(policies, &facts(), change);
        assert_eq!(reasons(&asked), ["no policy of the platform covers dev, so a platform admin decides"]);
        assert_eq!(asked.needs.iter().map(|n| n.layer).collect::<Vec<_>>(), [Layer::Platform]);
        let admin = verdict(policies, &platform_admin(facts()), change);
        assert_eq!(admin.decision(), Decision::Allow);
    }
}

#[test]
fn policies_of_other_workspaces_and_environments_do_not_bind() {
    let strict = limit_partitions(at_most(1));
    let in_prod = TopicRules { environments: [slug("prod")].into(), ..strict.clone() };
    let policies = [lenient(), policy("theirs", Scope::Workspace(SHIPPING), strict), platform(in_prod)];
    let verdict = verdict(&policies, &facts(), &create(partitions(6)));
    assert_eq!(verdict, Verdict::default());
}
