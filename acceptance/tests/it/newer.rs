//! What came with Terraform 1.14: lists and actions. An older one says that it knows of neither.

use crate::world::{World, address, configuration, payments, topic};
use orbit_acceptance::Terraform;
use orbit_api::{RequestState, TopicStatus};
use std::fs;

const INVOKE: [&str; 5] =
    ["apply", "-json", "-input=false", "-auto-approve", "-invoke=action.orbit_wait_for_approval.run"];

fn waits(lines: &str) -> String {
    format!("action \"orbit_wait_for_approval\" \"run\" {{\n  config {{\n{lines}\n  }}\n}}\n")
}

/// Two topics in prod whose creations wait, and the action that waits for them.
async fn two_that_wait(world: &World, lines: &str) -> Terraform {
    let resources = format!("{}{}", payments("partitions = 2"), topic("prod", "bills", "partitions = 2"));
    let terraform = world.terraform(&resources).await;
    terraform.apply().await;
    terraform.write(&configuration(&format!("{resources}{}", waits(lines))));
    terraform
}

/// Whether this Terraform has actions. One that has none names the block that it does not know.
async fn has_actions(terraform: &Terraform) -> bool {
    if terraform.is_since_1(14).await && !terraform.is_opentofu().await {
        return true;
    }
    let validated = terraform.run(&["validate", "-no-color"]).await;
    assert!(validated.code == 1 && validated.text.contains("action"), "{}", validated.text);
    false
}

#[tokio::test]
async fn checklist_41_an_action_waits_until_all_requests_of_the_run_are_approved() {
    let world = World::new().await;
    let terraform = two_that_wait(&world, "timeout = \"2m\"").await;
    if !has_actions(&terraform).await {
        return;
    }
    let ids: Vec<String> = world.requests().await.into_iter().map(|request| request.id).collect();
    let (invoked, ()) = tokio::join!(terraform.run(&INVOKE), async {
        for id in &ids {
            world.orbit.admin().request_approve(id, &<_>::default()).await.unwrap();
        }
    });
    invoked.succeeds();
    for id in &ids {
        assert!(invoked.text.contains(&format!("Request {id} is approved by admin")), "{}", invoked.text);
    }
    world.becomes("prod", "bills", TopicStatus::Active).await;
}

#[tokio::test]
async fn checklist_41_an_action_fails_on_a_refusal_that_was_there_before_it() {
    let world = World::new().await;
    let terraform = two_that_wait(&world, "").await;
    if !has_actions(&terraform).await {
        return;
    }
    let refused = world.requests().await.remove(0).id;
    world.orbit.admin().request_reject(&refused, &orbit_api::Reject { reason: "not now".to_owned() }).await.unwrap();
    terraform.run(&INVOKE).await.fails(&[&refused, "is rejected by admin", "not now"]);
    assert_eq!(world.open_request().await.state, RequestState::Pending, "the other one stays open");
}

#[tokio::test]
async fn checklist_41_an_action_waits_no_longer_than_it_may() {
    let world = World::new().await;
    let terraform = two_that_wait(&world, "timeout = \"2s\"").await;
    if !has_actions(&terraform).await {
        return;
    }
    let urls: Vec<String> = world.requests().await.into_iter().map(|request| request.url).collect();
    let told = ["Not all requests are decided after 2 s", "set a longer `timeout`", &urls[0], &urls[1]];
    terraform.run(&INVOKE).await.fails(&told);
}

#[tokio::test]
async fn checklist_41_a_query_finds_topics_and_writes_their_configuration() {
    let world = World::new().await;
    let terraform = world.terraform("").await;
    for name in ["orders", "events"] {
        world.ask_for("dev", name, 2).await;
        world.becomes("dev", name, TopicStatus::Active).await;
    }
    let query = "list \"orbit_kafka_topic\" \"mine\" {\n  provider = orbit\n  config {\n    workspace = \"payments-team\"\n    \
                 environment = \"dev\"\n  }\n}\n";
    fs::write(terraform.path("topics.tfquery.hcl"), query).unwrap();
    let found = terraform.run(&["query", "-no-color", "-generate-config-out=found.tf"]).await;
    if !terraform.is_since_1(14).await || terraform.is_opentofu().await {
        assert!(found.code != 0 && found.text.contains("query"), "{}", found.text);
        return;
    }
    assert_eq!(found.code, 0, "{}", found.text);

    // What it wrote is imported without a change.
    terraform.plan().await.plans(&["import orbit_kafka_topic.mine_0", "import orbit_kafka_topic.mine_1"]);
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    let names =
        [terraform.attribute(&address("mine_0"), "name").await, terraform.attribute(&address("mine_1"), "name").await];
    assert!(names.contains(&"orders".into()) && names.contains(&"events".into()), "{names:?}");
}

#[tokio::test]
async fn checklist_41_an_action_that_would_wait_for_nothing_says_so() {
    let world = World::new().await;
    let mut terraform = two_that_wait(&world, "").await;
    if !has_actions(&terraform).await {
        return;
    }
    terraform.set("ORBIT_RUN_ID", "mistyped");
    terraform.run(&INVOKE).await.warns(&["Run mistyped has filed no request", "is that the run's id?"]);
    terraform.set("ORBIT_RUN_ID", "");
    for name in [
        "GITHUB_RUN_ID",
        "CI_PIPELINE_ID",
        "BUILD_TAG",
        "BUILD_ID",
        "BUILD_BUILDID",
        "BUILDKITE_BUILD_ID",
        "CIRCLE_WORKFLOW_ID",
        "TFC_RUN_ID",
    ] {
        terraform.set(name, "");
    }
    terraform.run(&INVOKE).await.fails(&["Which run to wait for is not said", "ORBIT_RUN_ID"]);
}
