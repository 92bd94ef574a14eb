//! What a development team's repository does: the example, its pipeline, and what the exit codes say while something waits.

use crate::world::{World, address, configuration, topic};
use orbit_acceptance::{Terraform, repository};
use orbit_api::{Request, RequestState, TopicStatus};
use std::{fs, time::Duration};
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
async fn an_approver_decides_all_of_a_run_as_one() {
    let world = World::new().await;
    let terraform = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    terraform.copy("examples/terraform/team-repository");
    fs::write(terraform.path("more.tf"), topic("prod", "archive", "partitions = 1")).unwrap();
    terraform.init().await;
    terraform.apply().await;
    let waiting = world.requests().await.iter().filter(|request| request.state == RequestState::Pending).count();
    assert_eq!(waiting, 2);
    let decides = async |run: &str| {
        let mut command = Command::new(terraform.path("ci/decide-run.sh"));
        command.args([run, "approve", "seen together"]);
        command.env("ORBIT_ENDPOINT", world.orbit.endpoint()).env("ORBIT_TOKEN", world.orbit.admin_token());
        let output = command.output().await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    assert_eq!(decides("another-run").await, (Some(1), "nothing of run another-run waits\n".to_owned()));
    let (code, said) = decides("run-of-the-tests").await;
    assert_eq!((code, said.matches("approved: ").count()), (Some(0), waiting), "{said}");
    assert!(waits(&terraform, &world, "60").output().await.unwrap().status.success());
    let together = |request: &&Request| request.reason.as_deref() == Some("seen together");
    assert_eq!(world.requests().await.iter().filter(together).count(), waiting);
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

#[tokio::test]
async fn a_pipeline_hears_that_another_run_asked_for_something_else() {
    let world = World::new().await;
    let scripts = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    scripts.copy("examples/terraform/team-repository");
    let mut terraform = world.terraform(&topic("prod", "orders", "partitions = 2")).await;
    terraform.apply().await;
    terraform.write(&configuration(&topic("prod", "orders", "partitions = 3")));
    terraform.apply().await;
    let mut pipeline = waits(&scripts, &world, "60").spawn().unwrap();
    world.approve().await;
    assert!(pipeline.wait().await.unwrap().success(), "the run itself asked for something else, and got it");
    world.becomes("prod", "orders", TopicStatus::Active).await;

    terraform.write(&configuration(&topic("prod", "orders", "partitions = 4")));
    terraform.apply().await;
    terraform.set("ORBIT_RUN_ID", "a-later-run");
    terraform.write(&configuration(&topic("prod", "orders", "partitions = 5")));
    terraform.apply().await;
    world.approve().await;
    let ended = waits(&scripts, &world, "60").output().await.unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!((ended.status.code(), told.matches("superseded: ").count()), (Some(1), 1), "{told}");
}

/// What the guide has pipelines do, as it stands there: the part of a block that goes from one line to another.
fn from_the_guide(first: &str, last: &str) -> String {
    let guide = fs::read_to_string(repository().join("provider/docs/guides/approvals-in-ci.md")).unwrap();
    let from = guide.find(first).unwrap_or_else(|| panic!("the guide says nothing like {first}"));
    let length = guide[from..].find(last).unwrap_or_else(|| panic!("the guide says nothing like {last}"));
    let rest = &guide[from + length..];
    guide[from..from + length + rest.find('\n').unwrap_or(rest.len())].to_owned()
}

/// A script of a pipeline that does not sleep as long as the guide says.
fn script(text: &str, world: &World, token: &str, run: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("sleep() {{ command sleep 0.1; }}\n{text}")]).kill_on_drop(true);
    command.env("ORBIT_ENDPOINT", world.orbit.endpoint()).env("ORBIT_TOKEN", token);
    command.env("ORBIT_RUN_ID", run).env("RUN", run);
    command
}

#[tokio::test]
async fn the_recipe_of_the_guide_waits_decides_and_says_what_is_still_pending() {
    let world = World::new().await;
    let resources = format!("{}{}", topic("prod", "orders", ""), topic("prod", "bills", ""));
    let terraform = world.terraform(&resources).await;
    terraform.apply().await;
    let loops = from_the_guide("open=all", "still pending:");
    let developer = world.orbit.developer_token();
    let wait = |text: &str| script(text, &world, &developer, "run-of-the-tests");

    let in_vain = wait(&loops.replace("seq 240", "seq 3")).output().await.unwrap();
    let told = String::from_utf8_lossy(&in_vain.stderr).into_owned();
    assert_eq!((in_vain.status.code(), told.matches("/v1/requests/req_").count()), (Some(1), 2), "{told}");
    let mut pipeline = wait(&loops).spawn().unwrap();
    let calls = from_the_guide(
        "curl --fail --silent --show-error --get \"$ORBIT_ENDPOINT/v1/requests\" --header \"Authorization: Bearer $ORBIT_TOKEN\" \\\n  --data-urlencode \"run_id=$RUN\"",
        "requests:decide\"",
    );
    let decided = script(&calls, &world, &world.orbit.admin_token(), "run-of-the-tests").output().await.unwrap();
    assert!(decided.status.success(), "{decided:?}");
    assert!(pipeline.wait().await.unwrap().success());
    terraform.apply().await.succeeds();
    assert!(world.requests().await.iter().all(|request| request.state == RequestState::Approved));
}

#[tokio::test]
async fn a_job_that_is_run_again_waits_for_what_it_asked_for_last() {
    let world = World::new().await;
    let scripts = Terraform::empty(&world.orbit.endpoint(), &world.orbit.developer_token());
    scripts.copy("examples/terraform/team-repository");
    let terraform = world.terraform(&topic("prod", "orders", "partitions = 2")).await;
    terraform.apply().await;
    let first = world.open_request().await;
    world.orbit.developer().request_withdraw(&first.id).await.unwrap();
    let ended = waits(&scripts, &world, "60").output().await.unwrap();
    assert!(String::from_utf8_lossy(&ended.stderr).contains("withdrawn: "), "{ended:?}");

    terraform.apply().await;
    world.approve().await;
    let ended = waits(&scripts, &world, "60").output().await.unwrap();
    assert!(ended.status.success(), "{ended:?}");
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
