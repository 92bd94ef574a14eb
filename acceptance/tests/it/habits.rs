//! What people who use Terraform take for granted, and no other file is about.

use crate::world::{World, address, configuration, key, many, topic};
use orbit_acceptance::{Orbit, Terraform, eventually};
use orbit_api::{Decide, RequestState, RequestsDecide, TopicPatch, TopicStatus};
use serde_json::Value;

/// How many calls that change something the server has had.
async fn writes(orbit: &Orbit) -> u64 {
    let reads =
        |line: &str| line.contains("method=\"GET\"") || line.contains(":evaluate") || line.contains(":acknowledge");
    counted(orbit, |line| !reads(line)).await
}

/// How many calls it has had.
async fn calls(orbit: &Orbit) -> u64 {
    counted(orbit, |_| true).await
}

async fn counted(orbit: &Orbit, counts: impl Fn(&str) -> bool) -> u64 {
    let (_, metrics) = orbit.get("/metrics").await.unwrap();
    let lines = metrics.lines().filter(|line| line.starts_with("orbit_http_requests_total") && counts(line));
    lines.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

/// The same topics, by keys of a map.
fn keyed(label: &str, keys: [&str; 2], lines: &str) -> String {
    let [first, second] = keys;
    format!(
        "resource \"orbit_kafka_topic\" \"{label}\" {{\n  for_each = {{ {first} = \"orders\", {second} = \"bills\" }}\n  \
         environment = \"dev\"\n  name = each.value\n{lines}\n}}\n"
    )
}

#[tokio::test]
async fn checklist_26_what_moves_within_terraform_or_leaves_it_is_no_business_of_the_servers() {
    let world = World::new().await;
    let terraform = world.terraform(&keyed("mine", ["a", "b"], "")).await;
    terraform.apply().await.ok();
    let before = writes(&world.orbit).await;

    let moved = "moved {\n  from = orbit_kafka_topic.mine[\"a\"]\n  to = orbit_kafka_topic.mine[\"x\"]\n}\n";
    terraform.write(&configuration(&format!("{}{moved}", keyed("mine", ["x", "b"], ""))));
    terraform.apply().await.ok();
    let renamed = "moved {\n  from = orbit_kafka_topic.mine\n  to = orbit_kafka_topic.ours\n}\n";
    terraform.write(&configuration(&format!("{}{renamed}", keyed("ours", ["x", "b"], ""))));
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    let removed = "removed {\n  from = orbit_kafka_topic.ours\n  lifecycle {\n    destroy = false\n  }\n}\n";
    terraform.write(&configuration(removed));
    assert_eq!(terraform.apply().await.code, 0);

    assert_eq!(writes(&world.orbit).await, before);
    assert_eq!(world.on_cluster().await.len(), 2);
    assert_eq!(terraform.state("orbit_kafka_topic.ours[\"x\"]").await, None);
}

#[tokio::test]
async fn checklist_34_one_ten_or_a_hundred_at_a_time_come_to_the_same() {
    let world = World::new().await;
    let terraform = world.terraform("").await;
    // More than there are slots, of Terraform's workers and of the client's calls.
    for (parallelism, count) in [("1", 12), ("10", 30), ("100", 120)] {
        let many = format!(
            "resource \"orbit_kafka_topic\" \"many\" {{\n  count = {count}\n  environment = \"dev\"\n  \
             name = \"p{parallelism}-${{count.index}}\"\n  partitions = 1\n}}\n"
        );
        terraform.write(&configuration(&many));
        let at_a_time = format!("-parallelism={parallelism}");
        let apply = terraform.run(&["apply", "-json", "-input=false", "-auto-approve", &at_a_time]).await;
        apply.succeeds();
        terraform.plan_with(&[&at_a_time]).await.is_empty();
        assert_eq!(world.on_cluster().await.len(), count);
    }
}

#[tokio::test]
async fn checklist_34_a_hundred_that_wait_for_people_hold_up_nobody() {
    let world = World::new().await;
    let waiting = many("prod", 80).replace("partitions = 1", "partitions = 1\n  on_pending = \"wait\"");
    let free = many("dev", 15).replace("\"many\"", "\"free\"");
    let terraform = world.terraform(&format!("{waiting}{free}")).await;
    let apply = terraform.begin_apply_at_once(100);
    let pending = eventually("all are asked for, and what waits for nobody is there", || async {
        let all = world.requests().await;
        let pending: Vec<_> = all.iter().filter(|r| r.state == RequestState::Pending).map(|r| r.id.clone()).collect();
        (pending.len() == 80 && world.on_cluster().await.len() == 15).then_some(pending)
    })
    .await;
    let decide = RequestsDecide { requests: pending, decision: Decide::Approve, on_denial: None, words: None };
    world.orbit.admin().requests_decide(&decide).await.unwrap();
    apply.end().await.succeeds();
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await.len(), 95);
}

#[tokio::test]
async fn checklist_34_one_that_waits_for_a_person_keeps_the_only_slot_no_longer_than_it_is_allowed() {
    let world = World::new().await;
    let waits = topic("prod", "guarded", "on_pending = \"wait\"\ntimeouts = { create = \"2s\" }");
    let terraform = world.terraform(&format!("{waits}{}", topic("dev", "free", ""))).await;
    let apply = terraform.run(&["apply", "-json", "-input=false", "-auto-approve", "-parallelism=1"]).await;
    apply.succeeds();
    assert!(apply.warnings.iter().any(|told| told.detail.contains("timeouts = { create")), "{}", apply.text);
    assert_eq!(world.topic("dev", "free").await.status, TopicStatus::Active);
    assert_eq!(terraform.attribute(&address("guarded"), "status").await, "pending-approval");
}

#[tokio::test]
async fn checklist_38_a_call_stands_in_both_logs_under_one_id() {
    let world = World::new().await;
    let mut terraform = world.terraform(&topic("dev", "orders", "")).await;
    terraform.set("TF_LOG", "JSON");
    terraform.set("TF_LOG_PATH", &terraform.path("trace.log").display().to_string());
    terraform.apply().await.ok();
    let log = std::fs::read_to_string(terraform.path("trace.log")).unwrap();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let answered: Vec<Value> = lines
        .filter(|line| {
            line["call"].as_str().is_some_and(|call| call.ends_with("/v1/topics")) && line["tf_req_id"].is_string()
        })
        .filter(|line| line["@message"].as_str().is_some_and(|text| text.contains("answered")))
        .collect();
    let id = answered.iter().find_map(|line| line["request_id"].as_str()).unwrap_or_else(|| panic!("{log}"));
    assert!(world.orbit.log().contains(id), "{id} is in Orbit's log too");
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
}

/// Identity came with 1.12; an older Terraform says that it knows of none.
#[tokio::test]
async fn checklist_06_an_import_block_may_say_the_identity() {
    let world = World::new().await;
    world.ask_for("dev", "orders", 2).await;
    world.becomes("dev", "orders", TopicStatus::Active).await;
    let import = "import {\n  to = orbit_kafka_topic.orders\n  identity = {\n    workspace = \"payments-team\"\n    \
                  environment = \"dev\"\n    name = \"orders\"\n  }\n}\n";
    let block = topic("dev", "orders", "partitions = 2");
    let terraform = world.terraform(&block).await;
    terraform.write(&configuration(&format!("{block}{import}")));
    let plan = terraform.plan().await;
    if !terraform.is_since_1(12).await {
        let told =
            plan.errors.iter().find(|told| told.detail.contains("An argument named \"identity\" is not expected"));
        assert!(told.is_some() && plan.code == 1, "{}", plan.text);
        return;
    }
    assert_eq!((plan.errors.len(), plan.warnings.len()), (0, 0), "{}", plan.text);
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 3")));
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn checklist_32_what_somebody_changed_of_a_topic_between_plan_and_apply_is_not_written_over() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("dev", "orders", "partitions = 2")).await;
    terraform.apply().await.ok();
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 3")));
    terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]);
    let longer = TopicPatch { retention_ms: Some(Some(3_600_000)), ..TopicPatch::default() };
    let changed = world.orbit.developer().topic_update(&key("dev", "orders"), &longer).await.unwrap().into_inner();
    world.succeeds(&changed.operation.unwrap().id).await;

    let apply = terraform.apply_plan().await;

    apply.fails(&["topic payments-team/dev/orders", "plan again"]);
    let now = world.topic("dev", "orders").await;
    assert_eq!((now.partitions, now.retention_ms), (Some(2), Some(3_600_000)));
    // A new plan shows what it would undo.
    terraform.plan().await.plans(&["update orbit_kafka_topic.orders"]);
    assert_eq!(terraform.planned(&address("orders")).await["retention_ms"].0, 3_600_000);
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await["dev/orders"].partitions, 3);
}

#[tokio::test]
async fn checklist_03_a_second_apply_writes_nothing() {
    let world = World::new().await;
    let terraform = world.terraform(&keyed("mine", ["a", "b"], "partitions = 2")).await;
    terraform.apply().await.ok();
    terraform.apply().await.ok();
    let (before, state) = (writes(&world.orbit).await, std::fs::read(terraform.path("terraform.tfstate")).unwrap());

    terraform.apply().await.ok();

    assert_eq!(writes(&world.orbit).await, before);
    assert_eq!(std::fs::read(terraform.path("terraform.tfstate")).unwrap(), state, "nor is the state written anew");
}

#[tokio::test]
async fn checklist_17_a_protected_topic_is_an_error_of_the_plan_that_would_delete_it() {
    let world = World::new().await;
    let protected = topic("dev", "orders", "deletion_protection = true");
    let terraform = world.terraform(&protected).await;
    terraform.apply().await.ok();
    let told = ["deletion protection", "set deletion_protection to false"];
    terraform.plan_with(&["-destroy"]).await.fails(&told);
    terraform.write(&configuration(&protected.replace("name = \"orders\"", "name = \"sales\"")));
    let replaced = terraform.plan().await;
    assert_eq!(replaced.code, 1);
    replaced.errors[0].says(&told);
    terraform.write(&configuration(""));
    terraform.plan().await.fails(&told);
    assert_eq!(world.on_cluster().await.len(), 1);

    terraform.write(&configuration(&protected.replace("true", "false")));
    terraform.apply().await.ok();
    terraform.destroy().await.ok();
}

#[tokio::test]
async fn checklist_18_what_is_not_known_at_plan_is_judged_when_it_is_applied() {
    let world = World::new().await;
    let later = |partitions: u32| {
        let input = format!("resource \"terraform_data\" \"later\" {{\n  input = {partitions}\n}}\n");
        format!("{input}{}", topic("dev", "orders", "partitions = terraform_data.later.output"))
    };
    let terraform = world.terraform(&later(60)).await;
    let created = ["create orbit_kafka_topic.orders", "create terraform_data.later"];
    terraform.plan().await.ok_but_changes(&created);
    terraform.apply_plan().await.fails(&["exceeds platform limit of 50 partitions"]);
    assert_eq!(terraform.state(&address("orders")).await, None);

    terraform.write(&configuration(&later(4)));
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await["dev/orders"].partitions, 4);
}

#[tokio::test]
async fn checklist_21_an_address_that_comes_with_the_apply_is_no_error_of_the_plan() {
    let world = World::new().await;
    let address_later =
        format!("resource \"terraform_data\" \"orbit\" {{\n  input = \"{}\"\n}}\n", world.orbit.endpoint());
    let block = configuration(&format!("{address_later}{}", topic("dev", "orders", "partitions = 2")));
    let block =
        block.replace("provider \"orbit\" {\n", "provider \"orbit\" {\n  endpoint = terraform_data.orbit.output\n");
    let mut terraform = Terraform::empty("", &world.orbit.developer_token());
    terraform.set("ORBIT_ENDPOINT", "");
    terraform.write(&block);
    terraform.init().await;
    terraform.plan().await.ok_but_changes(&["create orbit_kafka_topic.orders", "create terraform_data.orbit"]);
    terraform.apply_plan().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!(world.topic("dev", "orders").await.status, TopicStatus::Active);
}

#[tokio::test]
async fn checklist_27_a_refresh_that_takes_longer_than_it_may_is_an_error_and_forgets_nothing() {
    let world = World::new().await;
    let terraform = world.terraform(&topic("dev", "orders", "timeouts = { read = \"1s\" }")).await;
    terraform.apply().await.ok();
    world.orbit.freeze();

    let plan = terraform.plan().await;

    world.orbit.thaw();
    plan.fails(&["Orbit did not show topic payments-team/dev/orders within 1s", "timeouts = { read"]);
    assert!(terraform.state(&address("orders")).await.is_some());
    terraform.plan().await.is_empty();
}

#[tokio::test]
async fn checklist_33_a_server_that_takes_few_calls_is_called_as_often_as_it_says() {
    let few = [("ORBIT_SERVER__CALLS_PER_SECOND", "10"), ("ORBIT_SERVER__CALL_BURST", "10")];
    let world = World::set_up(&few).await;
    let terraform = world.terraform(&many("dev", 40)).await;
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    assert_eq!(world.on_cluster().await.len(), 40);
    let refused = counted(&world.orbit, |line| line.contains("429")).await;
    assert!(refused <= 20, "{refused} calls were made when the server had said that none are left");
}

#[tokio::test]
async fn checklist_35_a_plan_over_many_topics_is_a_few_calls() {
    let world = World::new().await;
    let terraform = world.terraform(&many("dev", 60)).await;
    terraform.apply().await.ok();
    terraform.plan().await.is_empty();
    let before = calls(&world.orbit).await;

    terraform.plan().await.is_empty();

    // Four looks, the list of the rest, and the figures themselves.
    let made = calls(&world.orbit).await - before;
    assert!(made <= 8, "{made} calls");

    let before = calls(&world.orbit).await;
    let plan = terraform.plan_with(&[&format!("-target={}[7]", address("many"))]).await;
    assert_eq!((plan.code, plan.errors.len()), (0, 0), "{}", plan.text);
    let made = calls(&world.orbit).await - before;
    assert!(made <= 3, "{made} calls for one topic that was asked for alone");
}

#[tokio::test]
async fn checklist_35_a_plan_over_many_members_is_a_few_calls_and_shows_who_was_sent_away() {
    let world = World::new().await;
    let members = "resource \"orbit_service_principal\" \"bots\" {\n  count = 30\n  name  = \"bot-${count.index}\"\n}\n\
                   resource \"orbit_membership\" \"bots\" {\n  count     = 30\n  workspace = \"payments-team\"\n  \
                   principal = orbit_service_principal.bots[count.index].name\n  role      = \"member\"\n}\n";
    let terraform = Terraform::new(&world.orbit, &world.orbit.admin_token(), &configuration(members)).await;
    terraform.apply().await.ok();
    let before = calls(&world.orbit).await;

    terraform.plan().await.is_empty();

    // Of each kind eight looks and a list, and the figures themselves.
    let made = calls(&world.orbit).await - before;
    assert!(made <= 19, "{made} calls");

    let gone = terraform.attribute("orbit_membership.bots[29]", "id").await;
    world.orbit.admin().membership_delete(gone.as_str().unwrap()).await.unwrap();
    terraform.plan().await.plans(&["create orbit_membership.bots[29]"]);
}

#[tokio::test]
async fn checklist_35_a_plan_over_many_topics_that_wait_is_a_few_calls_too() {
    let world = World::new().await;
    let terraform = world.terraform(&many("prod", 30)).await;
    assert_eq!(terraform.apply().await.code, 0);
    let before = calls(&world.orbit).await;

    let plan = terraform.plan().await;

    assert_eq!((plan.code, plan.changes.len(), plan.warnings.len()), (2, 30, 30), "{}", plan.text);
    let made = calls(&world.orbit).await - before;
    assert!(made <= 8, "{made} calls");
}
