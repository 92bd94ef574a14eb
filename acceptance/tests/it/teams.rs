//! What a development team's repository does: the example, its pipeline, and what the exit codes say while something waits.

use crate::world::{World, address, configuration, topic};
use orbit_acceptance::Terraform;
use orbit_api::TopicStatus;
use std::time::Duration;
use tokio::process::Command;

/// The script that waits for approvals, as a pipeline runs it after an apply.
fn waits(terraform: &Terraform, world: &World, at_most: &str) -> Command {
    let mut command = Command::new(terraform.path("ci/wait-for-approval.sh"));
    command
        .env("ORBIT_ENDPOINT", world.orbit.endpoint())
        .env("ORBIT_TOKEN", world.orbit.developer_token())
        .env("ORBIT_RUN_ID", "run-of-the-tests")
        .env("WAIT_SECONDS", at_most)
        .env("PAUSE_SECONDS", "0.2")
        .kill_on_drop(true);
    command
}

#[tokio::test]
async fn a_teams_repository_applies_waits_outside_terraform_and_applies_again() {
    let world = World::new().await;
    let terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    terraform.copy("examples/terraform/team-repository");
    terraform.init().await;
    assert_eq!(terraform.apply().await.code, 0);
    assert_eq!(world.topic("dev", "invoices").await.status, TopicStatus::Active);
    assert_eq!(world.topic("prod", "invoices").await.status, TopicStatus::PendingApproval);

    let in_vain = waits(&terraform, &world, "1").output().await.unwrap();
    assert_eq!(in_vain.status.code(), Some(1));
    let told = String::from_utf8_lossy(&in_vain.stderr).into_owned();
    assert!(told.contains("still pending:") && told.contains("/v1/requests/req_"), "{told}");

    let mut pipeline = waits(&terraform, &world, "60").spawn().unwrap();
    assert!(
        tokio::time::timeout(Duration::from_secs(1), pipeline.wait()).await.is_err(),
        "it waits as long as nobody has decided"
    );
    world.approve().await;
    assert!(pipeline.wait().await.unwrap().success());
    assert_eq!(terraform.apply().await.code, 0);
    terraform.plan().await.is_empty();
    assert_eq!(world.topic("prod", "invoices").await.status, TopicStatus::Active);
    assert_eq!(world.requests().await.iter().filter(|request| request.url.contains("req_")).count(), 3);
}

#[tokio::test]
async fn a_pipeline_hears_that_people_said_no() {
    let world = World::new().await;
    let terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    terraform.copy("examples/terraform/team-repository");
    terraform.init().await;
    terraform.apply().await;
    world.reject("one archive is enough").await;
    let ended = waits(&terraform, &world, "60").output().await.unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("one archive is enough"));
    terraform.apply().await.fails(&["was rejected by admin", "one archive is enough"]);
}

/// As the guide has it.
#[tokio::test]
async fn exit_codes_say_what_waits_what_is_done_and_what_was_refused() {
    let world = World::new().await;
    let mut terraform = world.terraform(&topic("prod", "orders", "partitions = 2")).await;
    assert_eq!(terraform.plan().await.code, 2);
    assert_eq!(terraform.apply().await.code, 0);
    for _ in 0..2 {
        terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]).warns(&["waits for approval"]);
        assert_eq!(terraform.apply().await.code, 0);
    }
    terraform.set("ORBIT_ON_PENDING", "fail");
    terraform.apply().await.fails(&["waits for approval"]);
    terraform.set("ORBIT_ON_PENDING", "return");
    assert_eq!(world.requests().await.len(), 1, "filed once");
    world.approve().await;
    world.becomes("prod", "orders", TopicStatus::Active).await;
    assert_eq!(terraform.plan().await.code, 0);

    terraform.write(&configuration(&topic("prod", "orders", "partitions = 3")));
    assert_eq!(terraform.apply().await.code, 0);
    world.reject("two are enough").await;
    let plan = terraform.plan().await;
    assert_eq!(plan.code, 2);
    plan.warns(&["was rejected", "two are enough"]);
    terraform.apply().await.fails(&["was rejected", "two are enough"]);

    terraform.write(&configuration(&topic("prod", "orders", "partitions = 2")));
    terraform.apply().await;
    assert_eq!(terraform.plan().await.code, 0);
    terraform.destroy().await.fails(&["The deletion of topic payments-team/prod/orders waits for approval"]);
    assert!(terraform.state(&address("orders")).await.is_some());
    world.reject("still read").await;
    terraform.destroy().await.fails(&["was rejected", "still read"]);
    assert!(terraform.state(&address("orders")).await.is_some());
}
