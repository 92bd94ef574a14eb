//! Clusters that refuse, or do not answer.

use crate::support::{Person, TestApp, on_both, on_sqlite, until};
use orbit_core::{
    ports::KafkaErrorKind,
    testing::{Fault, Method},
};
use orbit_server::auth::permission::Role;
use serde_json::json;

on_both!(
    a_topic_that_could_not_be_made_is_taken_up_again_under_its_id,
    an_unreachable_cluster_makes_work_wait_without_limit
);
on_sqlite!(
    a_passing_error_heals_by_itself,
    a_lost_reply_of_the_cluster_makes_one_topic,
    wrong_credentials_wait_and_the_right_ones_wake,
    credentials_that_do_not_work_are_refused_and_change_nothing,
    records_that_were_written_already_are_not_taken_back,
    an_address_that_leads_to_another_kafka_is_refused,
    credentials_are_not_sent_to_another_address,
);

async fn a_topic_that_could_not_be_made_is_taken_up_again_under_its_id(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(3);
    orbit.main().refuse_next_create();
    let created = orders.create().await;

    let ended = dev.operation_end(&created.operation_id()).await;

    assert_eq!(ended.text("/state"), "rolled-back");
    assert_eq!(ended.text("/error/code"), "kafka.refused");
    assert_eq!(ended.text("/error/message"), "the cluster answers Invalid");
    let states: Vec<_> = ended.body["steps"].as_array().unwrap().iter().map(|s| s["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["undone", "undone", "skipped"]);
    let failed = orders.settled("failed").await;
    assert_eq!(failed.text("/operation/error/code"), "kafka.refused");
    let again = orders.partitions(4).create().await;
    assert_eq!(again.accepted().id(), created.id());
    dev.topic("orders").active().await;
    let trail = ["request.filed", "operation.rolled-back", "request.filed", "operation.succeeded"];
    assert_eq!(orbit.audit_of("payments/dev/orders").await, trail);
}

async fn waiting(dev: &Person, operation: &str) {
    until("the operation waits", async || (dev.operation(operation).await.text("/state") == "waiting").then_some(()))
        .await;
}

async fn an_unreachable_cluster_makes_work_wait_without_limit(orbit: TestApp) {
    let dev = orbit.dev().await;
    orbit.main().go_down();
    orbit.looked_at("main").await;
    let orders = dev.topic("orders");

    let created = orders.create().await;

    created.accepted().has_status("provisioning");
    waiting(&dev, &created.operation_id()).await;
    let seen = orders.get().await;
    assert_eq!(seen.conditions(), ["ClusterUnreachable"]);
    assert_eq!(seen.text("/operation/error/code"), "operation.waiting");
    let step = dev.operation(&created.operation_id()).await;
    assert!(step.body.pointer("/steps/0/waits").unwrap().as_u64().unwrap() >= 1);
    assert_eq!(step.body.pointer("/steps/0/attempts").unwrap(), 0, "waiting is not failing");
    assert_eq!(orbit.root().get("/v1/clusters/main").await.body["reachable"], false);

    // Far into its waits, which grow to 15 seconds, the first look that goes well wakes it.
    orbit.raw("UPDATE operation SET due_at = due_at + 3600000000").await;
    orbit.main().heal();
    orbit.looked_at("main").await;

    assert_eq!(dev.operation_end(&created.operation_id()).await.text("/state"), "succeeded");
    assert!(orders.active().await.conditions().is_empty());
}

async fn a_passing_error_heals_by_itself(orbit: TestApp) {
    let dev = orbit.dev().await;
    let kafka = orbit.main().kafka;
    kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(KafkaErrorKind::Passing));
    kafka.fault_once(Method::TopicsCreate, Fault::FailBefore(KafkaErrorKind::Passing));
    let created = dev.topic("orders").create().await;
    let ended = dev.operation_end(&created.operation_id()).await;
    assert_eq!(ended.text("/state"), "succeeded");
    assert_eq!(kafka.made("dev.payments.orders"), 1);
}

async fn a_lost_reply_of_the_cluster_makes_one_topic(orbit: TestApp) {
    let dev = orbit.dev().await;
    let kafka = orbit.main().kafka;
    kafka.fault_once(Method::TopicsCreate, Fault::LoseReply);
    let created = dev.topic("orders").create().await;
    assert_eq!(dev.operation_end(&created.operation_id()).await.text("/state"), "succeeded");
    assert_eq!(kafka.made("dev.payments.orders"), 1);
}

async fn wrong_credentials_wait_and_the_right_ones_wake(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let broker = orbit.brokers.at("safe.test:9092");
    broker.takes_password("first");
    root.register_with_password("safe", "safe.test:9092", "first").await.created();
    root.post("/v1/environments", json!({ "slug": "safe" })).await.created();
    root.post("/v1/environment-mappings", json!({ "environment": "safe", "cluster": "safe" })).await.created();
    until("the cluster is looked at", async || orbit.cluster("safe").await.topics_seen_at).await;
    broker.takes_password("second");
    orbit.looked_at("safe").await;
    let seen = root.get("/v1/clusters/safe").await;
    assert_eq!(
        (seen.text("/validation_status"), seen.text("/last_error")),
        ("invalid", "the cluster refuses the password")
    );
    assert_eq!(seen.body["reachable"], true);
    let orders = dev.topic("orders").with("environment", "safe");
    let created = orders.create().await;
    waiting(&dev, &created.operation_id()).await;
    orbit.raw("UPDATE operation SET due_at = due_at + 3600000000").await;

    let mended = root.patch("/v1/clusters/safe", json!({ "credentials": { "sasl_password": "second" } })).await;

    assert_eq!(mended.ok().text("/validation_status"), "valid");
    assert_eq!(dev.operation_end(&created.operation_id()).await.text("/state"), "succeeded");
}

async fn credentials_that_do_not_work_are_refused_and_change_nothing(orbit: TestApp) {
    let root = orbit.root();
    let broker = orbit.brokers.at("safe.test:9092");
    broker.takes_password("first");
    let refused = root.register_with_password("safe", "safe.test:9092", "guess").await;
    let problem = refused.problem(422, "cluster.connection");
    problem.limits("/credentials/sasl_password", "cluster.connection", None);
    root.register_with_password("safe", "safe.test:9092", "first").await.created();
    until("the cluster is looked at", async || orbit.cluster("safe").await.topics_seen_at).await;
    let before = orbit.dump_of_work().await;
    let patch = json!({ "credentials": { "sasl_password": "guess" } });
    root.patch("/v1/clusters/safe", patch).await.problem(422, "cluster.connection");
    let elsewhere =
        json!({ "connection": { "bootstrap_servers": ["nobody.test:1"], "security_protocol": "PLAINTEXT" } });
    root.patch("/v1/clusters/safe", elsewhere).await.is(422);
    assert_eq!(orbit.dump_of_work().await, before);
}

async fn records_that_were_written_already_are_not_taken_back(orbit: TestApp) {
    let dev = orbit.dev().await;
    let kafka = orbit.main().kafka;
    kafka.let_producers_write_at_once();
    kafka.fault_once(Method::TopicsCreate, Fault::FailAfter(KafkaErrorKind::Invalid));
    let created = dev.topic("orders").create().await;
    let ended = dev.operation_end(&created.operation_id()).await;
    assert_eq!(ended.text("/state"), "stuck");
    assert!(kafka.topic("dev.payments.orders").is_some());
    let metrics = orbit.root().get("/metrics").await;
    assert!(metrics.raw.contains("orbit_operations{state=\"stuck\"} 1"), "{}", metrics.raw);

    // Whoever wants something of it is told how to get on.
    let orders = dev.topic("orders");
    orders.delete().await.problem(409, "operation.stuck").advises("/retry");
    assert_eq!(orders.evaluate("delete").await.text("/items/0/problem/code"), "operation.stuck");
    let retry = format!("/v1/operations/{}/retry", created.operation_id());
    dev.post(&retry, json!({})).await.problem(403, "forbidden");
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    lead.post(&retry, json!({})).await.accepted();
    assert_eq!(dev.operation_end(&created.operation_id()).await.text("/state"), "stuck", "the records are there still");
    kafka.edit(&orders.physical(), |topic| topic.records = false);
    lead.post(&retry, json!({})).await.accepted();
    assert_eq!(dev.operation_end(&created.operation_id()).await.text("/state"), "rolled-back");
    orders.settled("failed").await;
    assert!(kafka.topic(&orders.physical()).is_none());
    lead.post(&retry, json!({})).await.problem(409, "operation.state").says("the operation is rolled-back");
    let trail = orbit.audit_of(&orders.key()).await;
    assert_eq!(trail.iter().filter(|action| *action == "operation.retried").count(), 2, "{trail:?}");
}

async fn an_address_that_leads_to_another_kafka_is_refused(orbit: TestApp) {
    let (root, dev) = (orbit.root(), orbit.dev().await);
    dev.topic("orders").made().await;
    orbit.brokers.at("other.test:9092").kafka.becomes_another("other-kafka");
    let connection = json!({ "bootstrap_servers": ["other.test:9092"], "security_protocol": "PLAINTEXT" });

    let refused = root.patch("/v1/clusters/main", json!({ "connection": connection })).await;

    refused.problem(409, "cluster.other-kafka").says("its id is other-kafka").advises("check the bootstrap servers");
    assert_eq!(root.get("/v1/clusters/main").await.text("/connection/bootstrap_servers/0"), "main.test:9092");
    // A name that moves is met by the next look, and nothing that it shows is noted.
    orbit.main().kafka.becomes_another("other-kafka");
    orbit.looked_at("main").await;
    let seen = root.get("/v1/clusters/main").await;
    assert_eq!(seen.text("/validation_status"), "invalid");
    assert!(seen.text("/last_error").contains("another Kafka cluster"));
}

async fn credentials_are_not_sent_to_another_address(orbit: TestApp) {
    let root = orbit.root();
    let (safe, other) = (orbit.brokers.at("safe.test:9092"), orbit.brokers.at("other.test:9092"));
    safe.takes_password("secret");
    other.takes_password("secret");
    root.register_with_password("safe", "safe.test:9092", "secret").await.created();
    let leads_to = |address: &str, mechanism: &str| {
        json!({
            "bootstrap_servers": [address], "security_protocol": "SASL_SSL", "sasl_mechanism": mechanism, "sasl_username": "orbit",
        })
    };

    for connection in [leads_to("other.test:9092", "SCRAM-SHA-512"), leads_to("safe.test:9092", "PLAIN")] {
        let refused = root.patch("/v1/clusters/safe", json!({ "connection": connection })).await;
        refused.invalid().limits("/credentials", "missing", None);
        let given = json!({ "connection": connection, "credentials": { "sasl_password": "secret" } });
        root.patch("/v1/clusters/safe", given).await.ok();
        let back = json!({ "connection": leads_to("safe.test:9092", "SCRAM-SHA-512"), "credentials": { "sasl_password": "secret" } });
        root.patch("/v1/clusters/safe", back).await.ok();
    }
    root.patch("/v1/clusters/safe", json!({ "connection": leads_to("safe.test:9092", "SCRAM-SHA-512") })).await.ok();
}
