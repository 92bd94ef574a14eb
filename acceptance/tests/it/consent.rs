//! What needs consent, what does not, and what becomes of a request that something else overtakes.

use crate::world::{World, configuration, payments, policy};
use orbit_acceptance::{Terraform, eventually};
use orbit_api::{
    Action, Approve, PolicyScope, RequestState, Role, TopicPolicyCreate, TopicStatus, client::ClientError,
};

const PAYMENTS: &str = "orbit_kafka_topic.payments";

/// Payments, active in prod, as these lines have it.
async fn with_payments(world: &World, lines: &str) -> Terraform {
    let terraform = world.terraform(&payments(lines)).await;
    terraform.apply().await;
    world.approve().await;
    terraform.plan().await.is_empty();
    terraform.apply().await.ok();
    terraform
}

#[tokio::test]
async fn words_about_a_topic_and_leading_it_back_need_nobodys_consent() {
    let world = World::new().await;
    let terraform = with_payments(&world, "retention_ms = 60000").await;

    terraform.write(&configuration(&payments("retention_ms = 60000\ndescription = \"Payments\"\ntags = [\"a\"]")));
    terraform.apply().await.ok();
    world.kafka.configure_topic(&world.physical("prod", "payments"), "retention.ms=5").await;
    terraform.plan().await.ok_but_changes(&["update orbit_kafka_topic.payments"]);
    terraform.apply().await.ok();

    terraform.plan().await.is_empty();
    assert!(world.on_cluster().await["prod/payments"].settings.contains("retention.ms=60000"));
    assert!(world.requests().await.iter().all(|request| request.state == RequestState::Approved));
}

#[tokio::test]
async fn a_destroy_overtakes_a_change_that_waits() {
    let world = World::new().await;
    let terraform = with_payments(&world, "partitions = 2").await;
    terraform.write(&configuration(&payments("partitions = 4")));
    assert_eq!(terraform.apply().await.code, 0);
    let change = world.open_request().await;

    let destroy = terraform.destroy().await;

    let deletion = world.open_request().await;
    assert_eq!((deletion.items[0].action, change.items[0].action), (Action::Delete, Action::Update));
    destroy.fails(&["The deletion of topic", &deletion.id]);
    assert_eq!(world.states().await, [RequestState::Pending, RequestState::Superseded, RequestState::Approved]);
    world.approve().await;
    assert_eq!(terraform.destroy().await.code, 0);
    assert!(world.on_cluster().await.is_empty());
}

#[tokio::test]
async fn platform_and_workspace_both_have_to_consent_where_both_ask() {
    let world = World::new().await;
    let own = TopicPolicyCreate {
        require_approval_for: Some(vec!["prod".to_owned()]),
        ..policy("our-own", PolicyScope::Workspace)
    };
    world.orbit.admin().topic_policy_create(&own).await.unwrap();
    let lead = world.orbit.client(&world.person("lead", Role::Admin).await);
    let terraform = world.terraform(&payments("")).await;
    terraform.plan().await.warns(&["will need approval by", "a platform admin", "an admin of workspace payments-team"]);
    assert_eq!(terraform.apply().await.code, 0);

    let id = world.open_request().await.id;
    let half = lead.request_approve(&id, &Approve::default()).await.unwrap();
    assert_eq!(half.state, RequestState::Pending);
    assert_eq!(world.topic("prod", "payments").await.status, TopicStatus::PendingApproval);
    assert_eq!(world.approve().await.state, RequestState::Approved);
    terraform.plan().await.is_empty();
    assert_eq!(terraform.apply().await.code, 0);
    assert_eq!(terraform.attribute(PAYMENTS, "status").await, "active");
}

#[tokio::test]
async fn of_two_who_decide_at_once_one_does() {
    let world = World::new().await;
    let topic = world.ask_for("prod", "payments", 1).await;
    let request = world.open_request().await.id;
    let (one, other) = (world.orbit.admin(), world.orbit.admin());
    let approve = Approve::default();
    let reject = orbit_api::Reject { reason: "no".to_owned() };

    let (approved, rejected) =
        tokio::join!(one.request_approve(&request, &approve), other.request_reject(&request, &reject));

    let refused: Vec<ClientError> = [approved.err(), rejected.err()].into_iter().flatten().collect();
    assert_eq!(refused.iter().map(|e| e.code().unwrap()).collect::<Vec<_>>(), ["request.decided"]);
    let decided = world.orbit.admin().request_get(&request, None).await.unwrap();
    let expected = match decided.state {
        RequestState::Approved => TopicStatus::Active,
        _ => TopicStatus::Rejected,
    };
    assert_eq!(world.becomes("prod", "payments", expected).await.id, topic.id);
}

#[tokio::test]
async fn an_approval_is_judged_by_the_rules_of_its_day() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 40")).await;
    terraform.apply().await;
    let stricter = TopicPolicyCreate {
        partition_limits: Some(orbit_api::Limits { min: None, max: Some(10) }),
        ..crate::world::guardrails()
    };
    world.orbit.admin().topic_policy_replace("guardrails", &stricter.rules(), None).await.unwrap();

    let id = world.open_request().await.id;
    let refused = world.orbit.admin().request_approve(&id, &Approve::default()).await.unwrap_err();

    let problem = refused.problem().unwrap();
    assert_eq!(problem.code, "policy.denied");
    assert_eq!(problem.detail, "Denied: exceeds platform limit of 10 partitions");
    assert_eq!(world.open_request().await.id, id, "it stays open");
    // The requester asks for what is allowed by now.
    terraform.write(&configuration(&payments("partitions = 10")));
    assert_eq!(terraform.apply().await.code, 0);
    world.approve().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn an_apply_may_fail_over_what_waits_and_the_next_one_attaches() {
    let world = World::new().await;
    let mut terraform = world.terraform(&payments("partitions = 2")).await;
    terraform.set("ORBIT_ON_PENDING", "fail");
    for _ in 0..2 {
        let apply = terraform.apply().await;
        apply.fails(&["The creation of topic", "waits for approval", &world.open_request().await.id]);
        assert_eq!(terraform.state(PAYMENTS).await, None, "nothing to taint");
    }
    assert_eq!(world.requests().await.len(), 1);

    world.approve().await;
    world.becomes("prod", "payments", TopicStatus::Active).await;
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!(world.requests().await.len(), 1);
}

#[tokio::test]
async fn an_apply_may_wait_for_the_decision() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2\non_pending = \"wait\"")).await;
    let apply = terraform.begin_apply();
    eventually("the request is filed", || async { (!world.requests().await.is_empty()).then_some(()) }).await;
    world.approve().await;

    let apply = apply.end().await;

    apply.succeeds();
    assert_eq!(terraform.attribute(PAYMENTS, "status").await, "active");
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn an_apply_that_waits_for_the_decision_fails_on_a_rejection_and_keeps_nothing_to_taint() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2\non_pending = \"wait\"")).await;
    let apply = terraform.begin_apply();
    eventually("the request is filed", || async { (!world.requests().await.is_empty()).then_some(()) }).await;
    world.reject("two is one too many").await;

    apply.end().await.fails(&["was rejected by admin", "two is one too many"]);

    assert_eq!(terraform.state(PAYMENTS).await, None);
    terraform.write(&configuration(&payments("partitions = 1")));
    terraform.apply().await;
    world.approve().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn a_change_may_wait_for_the_decision_or_fail_over_it() {
    let world = World::new().await;
    let mut terraform = with_payments(&world, "partitions = 2").await;
    terraform.set("ORBIT_ON_PENDING", "fail");
    terraform.write(&configuration(&payments("partitions = 3")));
    for _ in 0..2 {
        let apply = terraform.apply().await;
        apply.fails(&["The change of topic", "waits for approval", &world.open_request().await.id]);
        assert_eq!(terraform.attribute(PAYMENTS, "partitions").await, 2, "the state stays as it was");
    }
    terraform.set("ORBIT_ON_PENDING", "wait");
    let apply = terraform.begin_apply();
    let waited_for = format!("/v1/requests/{}", world.open_request().await.id);
    eventually("the apply waits", || async { world.orbit.log().contains(&waited_for).then_some(()) }).await;
    world.approve().await;

    let apply = apply.end().await;

    apply.succeeds();
    assert_eq!(terraform.attribute(PAYMENTS, "partitions").await, 3);
    assert_eq!(world.requests().await.len(), 2);
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn a_deletion_that_waits_is_an_error_in_every_mode() {
    let world = World::new().await;
    let mut terraform = with_payments(&world, "partitions = 2").await;
    for mode in ["return", "fail", "wait"] {
        terraform.set("ORBIT_ON_PENDING", mode);
        terraform.destroy().await.fails(&["The deletion of topic", &world.open_request().await.id]);
        assert!(terraform.state(PAYMENTS).await.is_some(), "{mode}");
    }
    assert_eq!(world.requests().await.len(), 2);
}
