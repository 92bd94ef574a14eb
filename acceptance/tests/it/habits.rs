//! What people who use Terraform take for granted, and no other file is about.

use crate::world::{World, address, configuration, key, topic};
use orbit_acceptance::Orbit;
use orbit_api::{TopicPatch, TopicStatus};
use serde_json::Value;

/// How many calls that change something the server has had.
async fn writes(orbit: &Orbit) -> u64 {
    let (_, metrics) = orbit.get("/metrics").await.unwrap();
    let counts = metrics.lines().filter(|line| line.starts_with("orbit_http_requests_total"));
    let writes = counts.filter(|line| {
        let reads = line.contains("method=\"GET\"") || line.contains(":evaluate") || line.contains(":acknowledge");
        !reads
    });
    writes.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
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
    for parallelism in ["1", "10", "100"] {
        let many = format!(
            "resource \"orbit_kafka_topic\" \"many\" {{\n  count = 24\n  environment = \"dev\"\n  \
             name = \"p{parallelism}-${{count.index}}\"\n  partitions = 1\n}}\n"
        );
        terraform.write(&configuration(&many));
        let at_a_time = format!("-parallelism={parallelism}");
        let apply = terraform.run(&["apply", "-json", "-input=false", "-auto-approve", &at_a_time]).await;
        assert_eq!((apply.code, apply.errors.len()), (0, 0), "{}", apply.text);
        terraform.plan_with(&[&at_a_time]).await.is_empty();
        assert_eq!(world.on_cluster().await.len(), 24);
    }
}

#[tokio::test]
async fn checklist_34_one_that_waits_for_a_person_keeps_the_only_slot_no_longer_than_it_is_allowed() {
    let world = World::new().await;
    let waits = topic("prod", "guarded", "on_pending = \"wait\"\ntimeouts = { create = \"2s\" }");
    let terraform = world.terraform(&format!("{waits}{}", topic("dev", "free", ""))).await;
    let apply = terraform.run(&["apply", "-json", "-input=false", "-auto-approve", "-parallelism=1"]).await;
    assert_eq!((apply.code, apply.errors.len()), (0, 0), "{}", apply.text);
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
