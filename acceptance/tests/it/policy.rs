//! What policy forbids is told in the plan, at the line that asks for it, in the same words as through the API.

use crate::world::{World, configuration, guardrails, policy, topic, wish};
use orbit_acceptance::Told;
use orbit_api::{
    CleanupPolicy, Limits, PolicyScope, RequestField, TopicCreate, TopicPolicyCreate, TopicPolicyReplace, TopicProfile,
};

const DENIED: &str = "Denied: exceeds platform limit of 50 partitions";

fn at_most(name: &str, scope: PolicyScope, partitions: i64) -> TopicPolicyCreate {
    TopicPolicyCreate { partition_limits: Some(Limits { min: None, max: Some(partitions) }), ..policy(name, scope) }
}

#[tokio::test]
async fn checklist_20_a_denial_names_rule_layer_limit_and_value_at_the_line_that_asks() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("dev", "orders", "partitions = 60")).await;

    let plan = terraform.plan().await;

    let told = plan.fails(&[DENIED]);
    assert_eq!(told.summary, DENIED);
    told.points_at("partitions = 60").says(&[
        "value 60",
        "limit 50",
        "partition_limits.max of policy \"guardrails\" (platform, version 1)",
        "ask for at most 50",
    ]);
    assert_eq!(told.address, "orbit_kafka_topic.orders");
    terraform.apply().await.fails(&[DENIED]);
    assert!(world.requests().await.is_empty(), "a denial files nothing");
    assert!(world.on_cluster().await.is_empty());
}

#[tokio::test]
async fn the_api_says_the_same_words() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("dev", "orders", "partitions = 60")).await;
    let in_plan = terraform.plan().await.errors[0].clone();

    let denied = world.orbit.developer().topic_create(&wish("dev", "orders", 60)).await.unwrap_err();

    let problem = denied.problem().unwrap();
    assert_eq!((problem.status, problem.code.as_str(), problem.detail.as_str()), (422, "policy.denied", DENIED));
    let [field] = problem.errors.as_slice() else { panic!("{problem:#?}") };
    assert_eq!(field.pointer, "/partitions");
    assert_eq!((field.limit.as_deref(), field.value.as_deref()), (Some("50"), Some("60")));
    let rule = field.rule.clone().unwrap();
    assert!(rule.contains("partition_limits.max of ") && rule.contains("\"guardrails\""), "{rule}");
    says_the_same(&in_plan, &[&field.detail, &field.code, field.remedy.as_deref().unwrap()]);
}

#[track_caller]
fn says_the_same(told: &Told, parts: &[&str]) {
    told.says(parts);
}

#[tokio::test]
async fn of_platform_and_workspace_the_most_restrictive_wins() {
    let world = World::new().await;
    let admin = world.orbit.admin();
    admin.topic_policy_create(&at_most("our-own", PolicyScope::Workspace, 10)).await.unwrap();
    let terraform = world.terraform(&topic("dev", "orders", "partitions = 20")).await;

    // Within the platform's 50, beyond the team's own 10.
    terraform
        .plan()
        .await
        .fails(&["Denied: exceeds workspace limit of 10 partitions", "\"our-own\" (workspace, version 1)"]);

    // What the workspace allows, the platform can still forbid.
    admin.topic_policy_create(&at_most("tighter", PolicyScope::Platform, 5)).await.unwrap();
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 8")));
    terraform
        .plan()
        .await
        .fails(&["Denied: exceeds platform limit of 5 partitions", "\"tighter\" (platform, version 1)"]);

    // Both are broken: both are told.
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 11")));
    let plan = terraform.plan().await;
    let summaries: Vec<_> = plan.errors.iter().map(|told| told.summary.as_str()).collect();
    assert!(summaries.contains(&"Denied: exceeds workspace limit of 10 partitions"), "{summaries:?}");
    assert!(summaries.contains(&"Denied: exceeds platform limit of 5 partitions"), "{summaries:?}");

    terraform.write(&configuration(&topic("dev", "orders", "partitions = 5")));
    terraform.apply().await.ok();
}

#[tokio::test]
async fn a_limit_cannot_be_dodged_through_config() {
    let world = World::new().await;
    let day = Some(Limits { min: None, max: Some(86_400_000) });
    let short = TopicPolicyCreate { retention_limits: day, ..policy("a-day", PolicyScope::Platform) };
    world.orbit.admin().topic_policy_create(&short).await.unwrap();
    let denied = "Denied: exceeds platform limit of 86400000 ms retention";

    let terraform = world.terraform(&topic("dev", "orders", "config = { \"retention.ms\" = \"-1\" }")).await;
    terraform.plan().await.fails(&[denied]).points_at("config = { \"retention.ms\" = \"-1\" }");
    terraform.write(&configuration(&topic("dev", "orders", "retention_ms = -1")));
    terraform.plan().await.fails(&[denied]).points_at("retention_ms = -1");
    // Not set at all is the broker's default of a week.
    terraform.write(&configuration(&topic("dev", "orders", "")));
    terraform.plan().await.fails(&["retention_ms is not set, and the cluster's default of 604800000 exceeds"]);
    terraform.write(&configuration(&topic("dev", "orders", "retention_ms = 86400000")));
    terraform.apply().await.ok();
}

#[tokio::test]
async fn what_a_policy_wants_to_know_is_said_in_the_resource() {
    let world = World::new().await;
    let fields = Some(vec![RequestField::Producers, RequestField::RetentionRationale]);
    let documented =
        TopicPolicyCreate { required_request_fields: fields, ..policy("documented", PolicyScope::Platform) };
    world.orbit.admin().topic_policy_create(&documented).await.unwrap();
    let terraform = world
        .terraform(&topic("prod", "orders", "request = {\n retention_rationale = \"refunds\"\n producers = []\n }"))
        .await;
    let denied = "Denied: the platform wants to know producers with every request for a topic";
    terraform.plan().await.fails(&[denied]).points_at("request = { retention_rationale = \"refunds\" producers = [] }");

    let words =
        r#"request = { producers = ["checkout"], retention_rationale = "refunds", justification = "the fair" }"#;
    terraform.write(&configuration(&topic("prod", "orders", words)));
    assert_eq!(terraform.apply().await.code, 0);
    let request = world.open_request().await;
    let said = &request.documentation;
    assert_eq!(said.producers.as_deref(), Some(&["checkout".to_owned()][..]));
    assert_eq!(
        (said.retention_rationale.as_deref(), said.justification.as_deref()),
        (Some("refunds"), Some("the fair"))
    );
    world.approve().await;
    terraform.plan().await.is_empty();

    // The data source says what the resource would hear.
    let judged = |words: &str| {
        format!(
            "data \"orbit_kafka_topic_evaluation\" \"more\" {{\n  environment = \"prod\"\n  name = \"more\"\n  {words}\n}}\n"
        )
    };
    for (words, decision) in [
        ("", "deny"),
        ("request = { producers = [\"checkout\"], retention_rationale = \"refunds\" }", "needs-approval"),
    ] {
        terraform.write(&configuration(&judged(words)));
        terraform.plan().await;
        terraform.run(&["apply", "-auto-approve", "-refresh-only"]).await;
        assert_eq!(
            terraform.attribute("data.orbit_kafka_topic_evaluation.more", "decision").await,
            decision,
            "{words}"
        );
    }
}

#[tokio::test]
async fn a_name_that_does_not_fit_is_told_at_the_name() {
    let world = World::new().await;
    let pattern = Some("[a-z]+\\.v[0-9]+".to_owned());
    let naming = TopicPolicyCreate { naming_pattern: pattern, ..policy("naming", PolicyScope::Platform) };
    world.orbit.admin().topic_policy_create(&naming).await.unwrap();
    let terraform = world.terraform(&topic("dev", "orders", "")).await;
    terraform
        .plan()
        .await
        .fails(&["Denied: the name orders does not fit the platform pattern"])
        .points_at("name = \"orders\"");
}

#[tokio::test]
async fn a_plan_is_judged_again_when_it_is_applied() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("dev", "orders", "partitions = 6")).await;
    terraform.plan().await.plans(&["create orbit_kafka_topic.orders"]);
    let stricter = TopicPolicyCreate { partition_limits: Some(Limits { min: None, max: Some(5) }), ..guardrails() };
    world.orbit.admin().topic_policy_replace("guardrails", &stricter.rules(), None).await.unwrap();

    let apply = terraform.apply_plan().await;

    apply.fails(&["Denied: exceeds platform limit of 5 partitions", "version 2"]).points_at("partitions = 6");
    assert_eq!(terraform.state("orbit_kafka_topic.orders").await, None);
    assert!(world.requests().await.is_empty() && world.on_cluster().await.is_empty());
}

#[tokio::test]
async fn an_approval_that_came_to_be_asked_for_after_the_plan_is_asked_for() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("dev", "orders", "partitions = 2")).await;
    terraform.apply().await.ok();
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 3")));
    terraform.plan().await.ok_but_changes(&["update orbit_kafka_topic.orders"]);
    let stricter = TopicPolicyCreate { require_approval_for: Some(vec!["dev".to_owned()]), ..guardrails() };
    world.orbit.admin().topic_policy_replace("guardrails", &stricter.rules(), None).await.unwrap();

    let apply = terraform.apply_plan().await;

    apply.succeeds();
    let request = world.open_request().await;
    assert!(apply.warnings.iter().any(|told| told.summary.contains(&request.id)), "{:#?}", apply.warnings);
    terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]).warns(&["waits for approval", &request.id]);
    world.approve().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn a_policy_that_comes_later_leaves_what_is_there_alone() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("dev", "orders", "partitions = 6")).await;
    terraform.apply().await.ok();
    let stricter = TopicPolicyCreate { partition_limits: Some(Limits { min: None, max: Some(5) }), ..guardrails() };
    world.orbit.admin().topic_policy_replace("guardrails", &stricter.rules(), None).await.unwrap();
    terraform.plan().await.is_empty();
    // Words about it do not concern policy; the cluster does.
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 6\ndescription = \"Orders\"")));
    terraform.apply().await.ok();
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 6\nretention_ms = 1000")));
    terraform.plan().await.fails(&["Denied: exceeds platform limit of 5 partitions"]);
}

#[tokio::test]
async fn all_that_is_wrong_is_told_at_once() {
    let world = World::new().await;
    let lines =
        "partitions = 60\nreplication_factor = 3\nconfig = { \"retention.sm\" = \"1\" }\ncleanup_policy = \"delete\"";
    let terraform = world.terraform(&topic("dev", "orders", lines)).await;
    let plan = terraform.plan().await;
    assert_eq!(plan.errors.len(), 3, "{:#?}", plan.errors);

    let mut wish: TopicCreate = wish("dev", "orders", 60);
    wish.replication_factor = Some(3);
    wish.cleanup_policy = Some(CleanupPolicy::Delete);
    wish.config = Some([("retention.sm".to_owned(), "1".to_owned())].into());
    let denied = world.orbit.developer().topic_create(&wish).await.unwrap_err();
    let told: Vec<_> = denied.problem().unwrap().errors.iter().map(|e| e.detail.clone()).collect();
    let planned: Vec<_> = plan.errors.iter().map(|told| told.summary.clone()).collect();
    assert_eq!(
        {
            let mut t = told;
            t.sort();
            t
        },
        {
            let mut p = planned;
            p.sort();
            p
        }
    );
}

#[tokio::test]
async fn a_topic_asked_for_with_a_profile_plans_empty_and_keeps_what_it_got() {
    let world = World::new().await;
    let rules = |partitions: u32| TopicPolicyReplace {
        profiles: Some(
            [(
                "audit".to_owned(),
                TopicProfile {
                    partitions: Some(partitions),
                    config: Some([("retention.ms".to_owned(), "7776000000".to_owned())].into()),
                    ..TopicProfile::default()
                },
            )]
            .into(),
        ),
        ..TopicPolicyReplace::default()
    };
    world.orbit.admin().topic_policy_replace("guardrails", &rules(6), None).await.unwrap();
    let terraform = world.terraform(&topic("dev", "trail", "profile = \"audit\"")).await;

    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    let made = &world.on_cluster().await["dev/trail"];
    assert_eq!(made.partitions, 6);
    assert!(made.settings.contains("retention.ms=7776000000"), "{made:?}");

    world.orbit.admin().topic_policy_replace("guardrails", &rules(12), None).await.unwrap();
    terraform.plan().await.is_empty();
    terraform.write(&configuration(&topic("dev", "trail", "profile = \"adit\"")));
    terraform.plan().await.fails(&["there is no such profile in dev", "take one of: audit"]);
}
