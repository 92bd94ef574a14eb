//! Waiting for a person is a normal outcome: nothing is tainted, filed twice, or lost.

use crate::world::{World, configuration, key, payments, topic, with_payments};
use orbit_acceptance::Terraform;
use orbit_api::{Approve, RequestState, Role, TopicPatch, TopicStatus, client::TopicRead};
use serde_json::{Value, json};

const PAYMENTS: &str = "orbit_kafka_topic.payments";
const CREATE: [&str; 1] = ["create orbit_kafka_topic.payments"];
const UPDATE: [&str; 1] = ["update orbit_kafka_topic.payments"];

#[tokio::test]
async fn checklist_31_a_creation_waits_is_approved_and_is_active_without_another_apply() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2")).await;

    let plan = terraform.plan().await;
    plan.plans(&CREATE).warns(&[
        "The creation of topic payments-team/prod/payments will need approval by a platform admin",
        "require_approval_for of policy \"guardrails\" (platform, version 1)",
    ]);
    assert!(world.requests().await.is_empty(), "a plan files nothing");

    let apply = terraform.apply().await;
    apply.succeeds();
    let request = world.open_request().await;
    let waits = apply.warnings.iter().find(|told| told.summary.contains("waits for approval")).unwrap();
    waits.says(&[&request.id, &request.url, "a platform admin", "run-of-the-tests"]);
    let state = terraform.state(PAYMENTS).await.unwrap();
    assert_eq!((&state["status"], &state["request_url"]), (&json!("pending-approval"), &json!(request.url)));
    assert!(state["id"].as_str().unwrap().starts_with("top_"));
    assert!(world.on_cluster().await.is_empty(), "nothing happens before");

    // Applied again, it is the same request.
    terraform.plan().await.plans(&UPDATE).warns(&["waits for approval", &request.id]);
    terraform.apply().await.warns(&["waits for approval", &request.id]);
    assert_eq!(world.requests().await.len(), 1);

    let approved = world.approve().await;
    assert_eq!(approved.state, RequestState::Approved);
    // Nobody has to come back for it.
    world.becomes("prod", "payments", TopicStatus::Active).await;
    assert_eq!(world.on_cluster().await["prod/payments"].partitions, 2);
    terraform.plan().await.is_empty();
    terraform.plan_with(&["-refresh-only"]).await;
    terraform.apply().await.ok();
    let state = terraform.state(PAYMENTS).await.unwrap();
    assert_eq!((&state["status"], &state["request_url"]), (&json!("active"), &Value::Null));
    let topic = world.topic("prod", "payments").await;
    assert_eq!((topic.approval_required, topic.approved_by.as_deref()), (true, Some("admin")));
    terraform.plan_with(&["-refresh=false"]).await.is_empty();
    assert_eq!(world.requests().await.len(), 1);
}

#[tokio::test]
async fn the_plan_right_after_the_approval_is_empty() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2")).await;
    terraform.apply().await;
    world.approve().await;
    terraform.plan().await.is_empty();
    assert_eq!(world.topic("prod", "payments").await.status, TopicStatus::Active);
}

#[tokio::test]
async fn an_approval_between_plan_and_apply_is_just_success() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2")).await;
    terraform.apply().await;
    terraform.plan().await.plans(&UPDATE);
    world.approve().await;
    terraform.apply_plan().await.ok();
    assert_eq!(terraform.attribute(PAYMENTS, "status").await, "active");
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn checklist_31_a_rejection_warns_in_plan_fails_in_apply_and_taints_nothing() {
    let world = World::new().await;
    let both = format!("{}{}", payments("partitions = 40"), topic("dev", "orders", ""));
    let terraform = world.terraform(&payments("partitions = 40")).await;
    terraform.apply().await;
    let request = world.open_request().await;
    world.reject("far too many").await;
    let said = ["was rejected by admin", request.id.as_str(), "far too many"];

    // The rest of the repository still plans, and applies.
    terraform.write(&configuration(&both));
    let plan = terraform.plan().await;
    plan.plans(&["create orbit_kafka_topic.orders", UPDATE[0]]).warns(&said);
    let apply = terraform.apply().await;
    apply.fails(&said);
    assert_eq!(terraform.attribute("orbit_kafka_topic.orders", "status").await, "active");
    assert_eq!(terraform.attribute(PAYMENTS, "status").await, "rejected");
    assert_eq!(world.requests().await.len(), 2, "asking again files nothing");

    // Another wish is filed anew, under the same id.
    let id = terraform.attribute(PAYMENTS, "id").await;
    terraform.write(&configuration(&payments("partitions = 4")));
    terraform.apply().await;
    world.approve().await;
    terraform.plan().await.is_empty();
    assert_eq!(terraform.attribute(PAYMENTS, "id").await, id);
    assert_eq!(world.on_cluster().await["prod/payments"].partitions, 4);
}

#[tokio::test]
async fn checklist_31_destroying_what_waits_withdraws_it() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("")).await;
    terraform.apply().await;

    terraform.destroy().await.ok();

    assert_eq!(terraform.state(PAYMENTS).await, None);
    let all = world.requests().await;
    assert_eq!(all.iter().map(|request| request.state).collect::<Vec<_>>(), [RequestState::Withdrawn]);
    // And it can be asked for again.
    terraform.apply().await;
    world.approve().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn destroying_what_was_rejected_drops_its_record() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 40")).await;
    terraform.apply().await;
    world.reject("far too many").await;

    terraform.destroy().await.ok();

    assert_eq!(terraform.state(PAYMENTS).await, None);
    let gone = world.orbit.admin().topic_get("payments-team/prod/payments", TopicRead::default()).await.unwrap_err();
    assert_eq!(gone.code(), Some("topic.not-found"), "{gone}");
    // A topic of that name is a new one, with a chance of its own.
    terraform.apply().await;
    world.approve().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn another_name_under_approval_loses_nothing_on_the_way() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    let before = terraform.state(PAYMENTS).await.unwrap();
    terraform.write(&configuration(&payments("partitions = 2").replace("name = \"payments\"", "name = \"bills\"")));

    let plan = terraform.plan().await;
    plan.plans(&["replace orbit_kafka_topic.payments"]);
    for said in [
        "is replaced, and its records do not move",
        "The deletion of topic payments-team/prod/payments will need approval",
        "The creation of topic payments-team/prod/bills will need approval",
    ] {
        assert!(plan.warnings.iter().any(|told| told.summary.contains(said)), "{said}: {}", plan.text);
    }
    let apply = terraform.apply().await;
    let deletion = world.open_request().await;
    apply.fails(&["The deletion of topic payments-team/prod/payments waits for approval", &deletion.id]);
    assert_eq!(terraform.attribute(PAYMENTS, "id").await, before["id"]);
    assert_eq!(world.on_cluster().await.keys().collect::<Vec<_>>(), ["prod/payments"]);

    // Orbit deletes as soon as it may; the new topic is asked for by the next apply.
    world.approve().await;
    terraform.plan().await.plans(&CREATE);
    terraform.apply().await;
    assert_eq!(terraform.attribute(PAYMENTS, "status").await, "pending-approval");
    world.approve().await;
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await.keys().collect::<Vec<_>>(), ["prod/bills"]);
    assert_eq!(world.requests().await.len(), 3, "two creations and a deletion");
}

#[tokio::test]
async fn checklist_31_a_change_that_waits_shows_exactly_that_change_until_it_is_approved() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    terraform.write(&configuration(&payments("partitions = 4")));
    terraform.plan().await.plans(&UPDATE).warns(&["The change of topic", "will need approval by a platform admin"]);
    let apply = terraform.apply().await;
    apply.succeeds();
    let request = world.open_request().await;
    assert!(world.topic("prod", "payments").await.conditions.iter().any(|c| c.kind == "ChangePending"));
    for _ in 0..2 {
        terraform.plan().await.plans(&UPDATE).warns(&["waits for approval", &request.id, &request.url]);
        let changed = terraform.planned(PAYMENTS).await;
        assert_eq!(changed["partitions"], (json!(2), json!(4)), "{changed:?}");
        let others: Vec<_> = changed
            .keys()
            .filter(|name| !["partitions", "request_url", "workflow_id"].contains(&name.as_str()))
            .collect();
        assert!(others.is_empty(), "{others:?}");
        terraform.apply().await.warns(&["waits for approval", &request.id]);
    }
    assert_eq!(world.requests().await.len(), 2, "one for the creation, one for the change");

    world.approve().await;
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await["prod/payments"].partitions, 4);
}

#[tokio::test]
async fn a_configuration_that_is_reverted_takes_back_the_change_that_waits() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    terraform.write(&configuration(&payments("partitions = 4")));
    terraform.apply().await;
    let request = world.open_request().await;
    let said =
        ["The change of topic", "is not what the configuration says", request.id.as_str(), "takes that request back"];

    terraform.write(&configuration(&payments("partitions = 2")));
    terraform.plan().await.plans(&UPDATE).warns(&said);
    terraform.apply().await.warns(&said);
    terraform.plan().await.is_empty();

    assert_eq!(world.states().await, [RequestState::Approved, RequestState::Superseded, RequestState::Approved]);
    // Where the plan does not look first, the state holds what was asked for last.
    terraform.write(&configuration(&payments("partitions = 5")));
    terraform.apply().await;
    terraform.write(&configuration(&payments("partitions = 2")));
    terraform.plan_with(&["-refresh=false"]).await.plans(&UPDATE).warns(&["takes that request back"]);
    terraform.apply_plan().await;
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await["prod/payments"].partitions, 2);
}

#[tokio::test]
async fn a_topic_that_is_kept_takes_back_its_deletion_that_waits() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    assert_eq!(terraform.destroy().await.code, 1);
    let request = world.open_request().await;
    let said = ["The deletion of topic", "is not what the configuration says", request.id.as_str()];

    terraform.plan().await.plans(&UPDATE).warns(&said);
    terraform.apply().await.warns(&said);
    terraform.plan().await.is_empty();

    let too_late = world.orbit.admin().request_approve(&request.id, &Approve::default()).await.unwrap_err();
    assert_eq!(too_late.code(), Some("request.decided"), "{too_late}");
    assert_eq!(world.on_cluster().await.len(), 1);
}

#[tokio::test]
async fn a_deletion_that_was_approved_before_it_could_be_taken_back_is_told() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    assert_eq!(terraform.destroy().await.code, 1);
    terraform.plan().await.plans(&UPDATE);
    world.approve().await;

    let apply = terraform.apply_plan().await;

    // However far it is.
    let told = ["is being deleted: operation", "is gone since the state was written"];
    let is_told = |words: &str| told.iter().any(|part| words.contains(part));
    assert!(apply.warnings.iter().any(|told| is_told(&told.summary)), "{}", apply.text);
    terraform.plan().await.plans(&CREATE);
}

#[tokio::test]
async fn what_somebody_asked_for_over_rest_is_shown_and_left_alone() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    let id = terraform.attribute(PAYMENTS, "id").await;
    // With the very same token.
    let more = TopicPatch { partitions: Some(Some(4)), ..TopicPatch::default() };
    world.orbit.developer().topic_update(id.as_str().unwrap(), &more).await.unwrap();
    let request = world.open_request().await;

    let plan = terraform.plan().await;
    plan.warns(&["The change of topic", "waits for approval", &request.id]);
    assert_eq!((plan.code, plan.changes.len()), (0, 0), "{}", plan.text);
    assert_eq!(terraform.apply().await.code, 0);

    assert_eq!(world.open_request().await.id, request.id);
}

#[tokio::test]
async fn checklist_31_a_rejected_change_keeps_the_topic_as_it_was() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    terraform.write(&configuration(&payments("partitions = 40")));
    terraform.apply().await;
    world.reject("far too many").await;
    let said = ["was rejected by admin", "far too many"];
    terraform.plan().await.plans(&UPDATE).warns(&said);
    terraform.apply().await.fails(&said);
    assert_eq!(terraform.attribute(PAYMENTS, "partitions").await, 2);
    terraform.write(&configuration(&payments("partitions = 2")));
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await["prod/payments"].partitions, 2);
}

#[tokio::test]
async fn checklist_31_a_deletion_that_waits_is_an_error_every_time_and_the_next_one_attaches() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    let before = terraform.state(PAYMENTS).await.unwrap();

    let destroy = terraform.destroy().await;
    let request = world.open_request().await;
    destroy.fails(&["The deletion of topic payments-team/prod/payments waits for approval", &request.id, &request.url]);
    terraform.destroy().await.fails(&[&request.id, &request.url]);
    assert_eq!(world.requests().await.len(), 2);
    let mut after = terraform.state(PAYMENTS).await.unwrap();
    // Its address came with the refresh; nothing else did.
    after["request_url"] = before["request_url"].clone();
    assert_eq!(after, before);
    assert_eq!(world.on_cluster().await.len(), 1);

    world.approve().await;
    let gone = terraform.destroy().await;
    gone.succeeds();
    assert_eq!(terraform.state(PAYMENTS).await, None);
    assert!(world.on_cluster().await.is_empty());
}

#[tokio::test]
async fn checklist_31_a_rejected_deletion_leaves_the_topic_alone() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    assert_eq!(terraform.destroy().await.code, 1);
    world.reject("somebody still reads it").await;
    terraform.destroy().await.fails(&["was rejected by admin", "somebody still reads it"]);
    assert_eq!(world.topic("prod", "payments").await.status, TopicStatus::Active);
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn checklist_31_what_a_request_says_for_itself_reaches_who_decides_and_counts_after_a_rejection() {
    let world = World::new().await;
    let said = |words: &str| payments(&format!("partitions = 2\nrequest = {{ {words} }}"));
    let terraform = world.terraform(&said("justification = \"the fair\"")).await;
    terraform.apply().await;
    let request = world.open_request().await;
    // An approver asks for the ticket, and gets it with the request that waits.
    let with_ticket = said("justification = \"the fair\", links = [\"https://tickets.example.com/1\"]");
    terraform.write(&configuration(&with_ticket));
    terraform.apply().await.warns(&["waits for approval", &request.id]);
    let seen = world.open_request().await;
    assert_eq!(
        (&seen.id, seen.documentation.links.as_deref()),
        (&request.id, Some(&["https://tickets.example.com/1".to_owned()][..]))
    );
    world.reject("not this year").await;
    terraform.plan().await.warns(&["was rejected by admin", "say more for it in `request`"]);
    terraform.apply().await.fails(&["was rejected by admin", "not this year"]);
    assert_eq!(world.requests().await.len(), 1, "the same is not filed again");

    terraform.write(&configuration(&said("justification = \"the spring fair\"")));
    terraform.apply().await.warns_also(&["waits for approval"]);
    assert_eq!(world.requests().await.len(), 2);
    world.approve().await;
    world.becomes("prod", "payments", TopicStatus::Active).await;
    terraform.plan().await.is_empty();

    // A deletion says the same as the last apply.
    terraform.destroy().await.fails(&["waits for approval"]);
    assert_eq!(world.open_request().await.documentation.justification.as_deref(), Some("the spring fair"));
    world.reject("it is read").await;
    terraform.plan_with(&["-destroy"]).await.warns(&["was rejected by admin", "applied before the destroy"]);
    terraform.destroy().await.fails(&["was rejected by admin", "it is read"]);
    assert_eq!(world.requests().await.len(), 3);
    terraform.write(&configuration(&said("justification = \"nobody reads it any more\"")));
    terraform.apply().await.ok();
    terraform.plan_with(&["-destroy"]).await.warns(&["will need approval"]);
    terraform.destroy().await.fails(&["waits for approval"]);
    assert_eq!(world.requests().await.len(), 4);
}

#[tokio::test]
async fn what_is_terraforms_own_is_no_change_and_leaves_alone_what_a_colleague_asked_for() {
    let world = World::new().await;
    let terraform = with_payments(&world).await;
    let carol = world.orbit.client(&world.person("carol", Role::Member).await);
    let more = TopicPatch { partitions: Some(Some(4)), ..TopicPatch::default() };
    carol.topic_update(&key("prod", "payments"), &more).await.unwrap();
    let request = world.open_request().await;

    terraform.write(&configuration(&payments(
        "partitions = 2\ntimeouts = { update = \"5m\" }\nrequest = { links = [\"https://tickets.example.com/1\"] }",
    )));
    terraform.apply().await.succeeds();

    assert_eq!(world.open_request().await.id, request.id);
    assert_eq!(world.requests().await.len(), 2);
}

#[tokio::test]
async fn four_eyes_are_two_people_and_not_two_tokens() {
    let world = World::new().await;
    let client = world.orbit.client(&world.person("carol", Role::Admin).await);
    // A member of the team who may decide for the platform too.
    let both =
        orbit_api::MembershipCreate { principal: "carol".to_owned(), role: Role::PlatformAdmin, workspace: None };
    world.orbit.admin().membership_create(&both).await.unwrap();
    let terraform =
        Terraform::new(&world.orbit, &world.token_of("carol", None).await.0, &configuration(&payments(""))).await;
    terraform.apply().await;
    let request = world.open_request().await;
    assert_eq!(request.requester, "carol");

    let refused = client.request_approve(&request.id, &Approve::default()).await.unwrap_err();

    assert_eq!(refused.code(), Some("request.not-yours"), "{refused}");
    assert_eq!(world.topic("prod", "payments").await.status, TopicStatus::PendingApproval);
    let nobody = world.orbit.developer().request_approve(&request.id, &Approve::default()).await.unwrap_err();
    assert_eq!(nobody.code(), Some("request.not-yours"), "{nobody}");
    world.approve().await;
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn checklist_31_a_withdrawn_request_can_be_filed_again_and_an_open_one_is_superseded_by_its_requester() {
    let world = World::new().await;
    let terraform = world.terraform(&payments("partitions = 2")).await;
    terraform.apply().await;
    let developer = world.orbit.developer();
    developer.request_withdraw(&world.open_request().await.id).await.unwrap();
    let apply = terraform.apply().await;
    apply.succeeds();
    assert_eq!(terraform.attribute(PAYMENTS, "status").await, "pending-approval");

    terraform.write(&configuration(&payments("partitions = 3")));
    terraform.apply().await;
    assert_eq!(world.states().await, [RequestState::Pending, RequestState::Superseded, RequestState::Withdrawn]);
    world.approve().await;
    terraform.plan().await.is_empty();
    let id = terraform.attribute(PAYMENTS, "id").await;
    let topic = developer.topic_get(id.as_str().unwrap(), TopicRead::default()).await.unwrap();
    assert_eq!((topic.partitions, topic.approved_by.as_deref()), (Some(3), Some("admin")));
}
