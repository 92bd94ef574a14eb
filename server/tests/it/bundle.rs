//! Several changes asked for as one request: one verdict, one decision, one operation.

use crate::support::{Answer, Person, TestApp, on_both, on_sqlite};
use orbit_core::{
    ports::KafkaErrorKind,
    testing::{Fault, Method},
};
use orbit_server::auth::permission::Role;
use serde_json::{Value, json};

on_both!(
    what_it_would_be_answered_is_told_before,
    several_changes_are_decided_once_and_carried_out_by_one_operation,
    what_cannot_be_done_whole_is_taken_back_whole,
    a_limit_counts_what_stands_before_in_the_same_request,
    the_same_request_again_attaches_to_what_is_open,
);
on_sqlite!(
    what_policy_found_says_of_which_item,
    what_is_wrong_is_told_of_every_item,
    two_topics_that_kafka_would_not_tell_apart_are_denied,
    no_object_is_taken_out_of_a_request_that_is_open,
    one_of_its_topics_asked_for_alone_attaches,
    what_is_there_as_asked_needs_nothing,
    a_deletion_with_a_lead_time_holds_nothing_else_up,
    a_rejected_one_frees_all_and_is_reopened_whole,
    a_person_cancels_all_of_it,
    what_the_record_alone_would_do_is_taken_back_too,
    a_deletion_with_others_is_not_taken_back_by_one_of_its_topics,
    a_lead_time_that_came_since_is_told_to_who_approves,
    the_same_body_again_after_all_is_done_asks_for_nothing,
);

impl Person {
    async fn ask(&self, items: &[Value]) -> Answer {
        self.post("/v1/requests", json!({ "items": items, "justification": "the new checkout" })).await
    }
}

fn item(action: &str, environment: &str, name: &str, mut topic: Value) -> Value {
    topic["workspace"] = "payments".into();
    topic["environment"] = environment.into();
    topic["name"] = name.into();
    json!({ "action": action, "topic": topic })
}

fn create(name: &str) -> Value {
    item("create", "dev", name, json!({}))
}

/// Its steps in order: what is done to which topic.
fn steps(operation: &Answer) -> Vec<String> {
    let steps = operation.body["steps"].as_array().unwrap().iter();
    let named = |step: &Value| {
        let on = step["physical_name"].as_str().unwrap();
        format!("{} {}", step["name"].as_str().unwrap(), on.rsplit('.').next().unwrap())
    };
    steps.map(named).collect()
}

async fn several_changes_are_decided_once_and_carried_out_by_one_operation(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    for name in ["audit", "old"] {
        let made = dev.topic(name).in_prod().retention_ms(1_000).create().await;
        root.approve(&made.request_id()).await.ok();
        dev.topic(name).in_prod().active().await;
    }
    let items = [
        item("delete", "prod", "old", json!({})),
        item("create", "prod", "orders", json!({ "partitions": 3 })),
        item("update", "prod", "audit", json!({ "retention_ms": 2_000 })),
    ];

    let asked = dev.ask(&items).await;

    let id = asked.accepted().id();
    assert_eq!(asked.header("location"), format!("/v1/requests/{id}"));
    assert_eq!((asked.text("/state"), asked.text("/justification")), ("pending", "the new checkout"));
    let told =
        |field: &str| asked.body["items"].as_array().unwrap().iter().map(|i| i[field].clone()).collect::<Vec<_>>();
    assert_eq!(told("action"), ["delete", "create", "update"]);
    assert_eq!(told("object_key"), ["payments/prod/old", "payments/prod/orders", "payments/prod/audit"]);
    assert_eq!(asked.text("/verdict/reasons/0/field"), "/items/0/topic");
    assert!(asked.text("/verdict/reasons/0/message").starts_with("payments/prod/old: "));
    let waits = dev.topic("audit").in_prod().get().await;
    assert_eq!((waits.text("/request/action"), waits.conditions()), ("update", vec!["ChangePending"]));

    let approved = root.approve(&id).await;

    let operation = approved.ok().text("/operation_id");
    let ended = dev.operation_end(operation).await;
    assert_eq!((ended.text("/state"), ended.text("/kind")), ("succeeded", "Bundle"));
    let order = [
        "observe orders",
        "observe audit",
        "create orders",
        "change-configs audit",
        "settle audit",
        "delete old",
        "forget old",
        "activate orders",
    ];
    assert_eq!(steps(&ended), order);
    dev.topic("orders").in_prod().get().await.has_status("active");
    assert_eq!(dev.topic("audit").in_prod().get().await.body["retention_ms"], 2_000);
    dev.topic("old").in_prod().get().await.no_topic();
    let trail = ["request.filed", "request.approved", "operation.succeeded"];
    assert_eq!(orbit.audit_of("payments/prod/orders").await, trail);
    assert_eq!(orbit.audit_of("payments/prod/old").await[3..], trail);
}

async fn what_cannot_be_done_whole_is_taken_back_whole(orbit: TestApp) {
    let dev = orbit.dev().await;
    let old = dev.topic("old").made().await;
    orbit.main().kafka.fault_once(Method::TopicsDelete, Fault::FailBefore(KafkaErrorKind::Forbidden));

    let asked = dev.ask(&[create("orders"), item("delete", "dev", "old", json!({})), create("refunds")]).await;

    let operation = asked.accepted().header("location").rsplit('/').next().unwrap();
    let ended = dev.operation_end(operation).await;
    assert_eq!((ended.text("/state"), ended.text("/error/code")), ("rolled-back", "kafka.forbidden"));
    assert_eq!(ended.text("/error/message"), "dev.payments.old: the cluster answers Forbidden");
    for name in ["orders", "refunds"] {
        dev.topic(name).get().await.has_status("failed");
    }
    dev.topic("old").get().await.has_status("active");
    let left: Vec<_> = orbit.main().kafka.snapshot().into_keys().map(|name| name.to_string()).collect();
    assert_eq!(left, [old.text("/physical_name")]);
    // Everything is free again.
    dev.ask(&[create("orders"), item("delete", "dev", "old", json!({}))]).await.accepted();
    dev.topic("orders").active().await;
    dev.topic("old").vanished().await;
}

async fn a_limit_counts_what_stands_before_in_the_same_request(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.put("/v1/workspaces/payments/limits", json!({ "topics": 2 })).await.ok();

    let denied = dev.ask(&[create("a"), create("b"), create("c")]).await;

    assert_eq!(denied.denied().pointers(), ["/items/2/topic"]);
    denied.denied().says("payments/dev/c: ");
    dev.topic("a").get().await.no_topic();
    assert_eq!(orbit.audit_of("payments/dev/a").await, ["request.denied"]);
    dev.ask(&[create("a"), create("b")]).await.accepted();
}

async fn the_same_request_again_attaches_to_what_is_open(orbit: TestApp) {
    let dev = orbit.dev().await;
    let items = [item("create", "prod", "a", json!({})), item("create", "prod", "b", json!({}))];
    let body = json!({ "items": items });
    let once = async || dev.call(reqwest::Method::POST, "/v1/requests").key("k").json(&body).send().await;

    let asked = once().await;

    assert_eq!(once().await.accepted().id(), asked.accepted().id());
    let again = dev.post("/v1/requests", json!({ "items": [items[1], items[0]] })).await;
    assert_eq!(again.accepted().id(), asked.id(), "the order makes no other request");
    let other = dev.call(reqwest::Method::POST, "/v1/requests").key("k").json(&json!({ "items": [items[0]] })).send();
    other.await.problem(422, "idempotency-key");
    assert_eq!(dev.all("/v1/requests?state=pending", 10).await.len(), 1);
}

async fn what_policy_found_says_of_which_item(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.platform_policy(json!({ "partition_limits": { "max": 5 } })).await;
    let items = [
        item("create", "dev", "a", json!({ "partitions": 6 })),
        create("b"),
        item("create", "dev", "c", json!({ "partitions": 7 })),
    ];

    let denied = dev.ask(&items).await;

    assert_eq!(denied.denied().pointers(), ["/items/0/topic/partitions", "/items/2/topic/partitions"]);
    denied
        .denied()
        .names("/items/2/topic/partitions", "payments/dev/c: Denied: exceeds platform limit of 5 partitions");
}

async fn what_is_wrong_is_told_of_every_item(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    dev.topic("there").made().await;
    let nothing = dev.ask(&[]).await;
    nothing.invalid().limits("/items", "length", Some("1..100"));
    let many: Vec<_> = (0..101).map(|n| create(&format!("t{n}"))).collect();
    dev.ask(&many).await.invalid().limits("/items", "length", Some("1..100"));

    let items = [
        item("create", "dev", "no spaces", json!({ "justification": "mine" })),
        item("create", "dev", "ok", json!({ "justification": "mine" })),
        item("create", "dev", "ok", json!({ "partitions": 0 })),
    ];
    let wrong = dev.ask(&items).await;
    assert_eq!(wrong.invalid().pointers(), ["/items/0/topic/name", "/items/1/topic", "/items/2/topic/partitions"]);

    let items = [
        create("there"),
        item("update", "dev", "nowhere", json!({})),
        item("create", "nowhere", "a", json!({})),
        create("b"),
    ];
    let places = dev.ask(&items).await;
    assert_eq!(places.problem(404, "environment.not-found").pointers(), ["/items/2/topic/environment"]);
    let items = [create("there"), item("update", "dev", "nowhere", json!({})), create("b"), create("b")];
    let stand = dev.ask(&items).await;
    assert_eq!(
        stand.invalid().pointers(),
        ["/items/1/topic", "/items/3/topic/name"],
        "what is there as asked is no error"
    );
    stand.invalid().names("/items/3/topic/name", "is the topic of /items/2 again");
    let more = dev.ask(&[item("delete", "dev", "there", json!({ "description": "why" }))]).await;
    assert_eq!(more.invalid().field("/items/0/topic")["code"], "request.delete-only");

    root.post("/v1/workspaces", json!({ "slug": "shipping" })).await.created();
    let mut elsewhere = create("a");
    elsewhere["topic"]["workspace"] = "shipping".into();
    let hidden = dev.ask(&[create("a"), elsewhere.clone()]).await;
    assert_eq!(hidden.problem(404, "workspace.not-found").pointers(), ["/items/1/topic/workspace"]);
    let two = root.ask(&[create("a"), elsewhere]).await;
    two.invalid().names("/items/1/topic/workspace", "is shipping, and /items/0 is of payments");
}

async fn two_topics_that_kafka_would_not_tell_apart_are_denied(orbit: TestApp) {
    let dev = orbit.dev().await;
    let denied = dev.ask(&[create("a.b"), create("a_b")]).await;
    assert_eq!(denied.denied().pointers(), ["/items/1/topic/name"]);
    dev.ask(&[create("a.b"), create("a-b")]).await.accepted();
}

async fn no_object_is_taken_out_of_a_request_that_is_open(orbit: TestApp) {
    let dev = orbit.dev().await;
    let wide = |name: &str, partitions: u32| item("create", "prod", name, json!({ "partitions": partitions }));
    let asked = dev.ask(&[wide("a", 1), wide("b", 1)]).await.accepted().id();

    let alone = dev.topic("a").in_prod().partitions(2).create().await;
    alone.problem(409, "request.open").says("payments/prod/a is one of 2 objects of a request of dev that is open");
    alone.problem(409, "request.open").advises(&format!("POST /v1/requests/{asked}/withdraw"));
    dev.topic("a").in_prod().delete().await.problem(409, "request.open");
    assert_eq!(dev.topic("a").in_prod().evaluate("delete").await.text("/items/0/problem/code"), "request.open");
    dev.ask(&[wide("a", 2), wide("c", 1)]).await.problem(409, "request.open");
    assert_eq!(dev.request(&asked).await.text("/state"), "pending");

    // All of them anew take its place, whatever comes to them.
    let anew = dev.ask(&[wide("a", 2), wide("b", 1), wide("c", 1)]).await;
    assert_ne!(anew.accepted().id(), asked);
    assert_eq!(dev.request(&asked).await.text("/state"), "superseded");
    dev.withdraw(&anew.id()).await.ok();
    for name in ["a", "b", "c"] {
        dev.topic(name).in_prod().get().await.has_status("withdrawn");
    }
}

async fn one_of_its_topics_asked_for_alone_attaches(orbit: TestApp) {
    let dev = orbit.dev().await;
    let asked = dev.ask(&[item("create", "prod", "a", json!({})), item("create", "prod", "b", json!({}))]).await;
    assert_eq!(dev.topic("a").in_prod().create().await.accepted().request_id(), asked.id());
}

async fn what_is_there_as_asked_needs_nothing(orbit: TestApp) {
    let dev = orbit.dev().await;
    dev.topic("a").partitions(3).made().await;
    let there = item("update", "dev", "a", json!({ "partitions": 3 }));

    dev.ask(std::slice::from_ref(&there)).await.gone();

    assert_eq!(dev.all("/v1/requests", 10).await.len(), 1, "that of its creation");
    let words = item("update", "dev", "a", json!({ "partitions": 3, "description": "orders" }));
    let done = dev.ask(&[words]).await;
    assert_eq!(done.created().text("/state"), "approved");
    assert_eq!(done.header("location"), format!("/v1/requests/{}", done.id()));
    let rest =
        dev.ask(&[item("update", "dev", "a", json!({ "partitions": 3, "description": "orders" })), create("b")]).await;
    assert_eq!(rest.accepted().body["items"].as_array().unwrap().len(), 1, "only what is to be done is asked for");
}

async fn a_deletion_with_a_lead_time_holds_nothing_else_up(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    for name in ["a", "b"] {
        dev.topic(name).made().await;
    }
    root.platform_policy(json!({ "deletion_lead_time_hours": 72 })).await;
    let (a, b) = (item("delete", "dev", "a", json!({})), item("delete", "dev", "b", json!({})));

    let mixed = dev.ask(&[create("c"), a.clone()]).await;
    let why =
        "payments/dev/a is deleted 72 hours after the request is accepted, and the other changes would wait for that";
    mixed.invalid().names("/items/1/action", why);

    dev.ask(&[a, b]).await.accepted();
    assert_eq!(dev.topic("b").get().await.conditions(), ["DeletionScheduled"]);
}

async fn a_rejected_one_frees_all_and_is_reopened_whole(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let items = [item("create", "prod", "a", json!({})), item("create", "prod", "b", json!({}))];
    let asked = dev.ask(&items).await.accepted().id();
    root.reject(&asked, "not now").await.ok();
    for name in ["a", "b"] {
        dev.topic(name).in_prod().get().await.has_status("rejected");
    }
    dev.ask(&items).await.problem(409, "request.rejected");

    root.post(&format!("/v1/requests/{asked}/reopen"), json!({})).await.ok();

    dev.topic("b").in_prod().get().await.has_status("pending-approval");
    root.approve(&asked).await.ok();
    for name in ["a", "b"] {
        dev.topic(name).in_prod().active().await;
    }
}

async fn a_person_cancels_all_of_it(orbit: TestApp) {
    let dev = orbit.dev().await;
    orbit.main().go_down();
    let asked = dev.ask(&[create("a"), create("b")]).await;
    let operation = asked.accepted().header("location").rsplit('/').next().unwrap().to_owned();
    dev.post(&format!("/v1/operations/{operation}/cancel"), json!({})).await.accepted();
    orbit.main().heal();
    assert_eq!(dev.operation_end(&operation).await.text("/state"), "cancelled");
    for name in ["a", "b"] {
        dev.topic(name).get().await.has_status("failed");
    }
    assert!(orbit.main().kafka.snapshot().is_empty());
}

async fn what_the_record_alone_would_do_is_taken_back_too(orbit: TestApp) {
    let dev = orbit.dev().await;
    dev.topic("a").with("description", "old").made().await;
    orbit.main().refuse_next_create();

    let asked = dev.ask(&[item("update", "dev", "a", json!({ "description": "new" })), create("b")]).await;

    let operation = asked.accepted().header("location").rsplit('/').next().unwrap();
    assert_eq!(dev.operation_end(operation).await.text("/state"), "rolled-back");
    assert_eq!(dev.topic("a").get().await.text("/description"), "old");
    let again = dev.ask(&[item("update", "dev", "a", json!({ "description": "new" })), create("b")]).await;
    let operation = again.accepted().header("location").rsplit('/').next().unwrap();
    assert_eq!(dev.operation_end(operation).await.text("/state"), "succeeded");
    assert_eq!(dev.topic("a").get().await.text("/description"), "new");
}

async fn a_deletion_with_others_is_not_taken_back_by_one_of_its_topics(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    for name in ["a", "b"] {
        dev.topic(name).made().await;
    }
    root.platform_policy(json!({ "deletion_lead_time_hours": 72 })).await;
    let asked = dev.ask(&[item("delete", "dev", "a", json!({})), item("delete", "dev", "b", json!({}))]).await;
    let operation = asked.accepted().header("location").rsplit('/').next().unwrap().to_owned();

    let kept = dev.post(&format!("{}/restore", dev.topic("a").path()), json!({})).await;

    kept.problem(409, "request.open").says("payments/dev/a is deleted together with 1 more, by one request of dev");
    kept.problem(409, "request.open").advises(&format!("POST /v1/operations/{operation}/cancel"));
    dev.post(&format!("/v1/operations/{operation}/cancel"), json!({})).await.accepted();
    for name in ["a", "b"] {
        dev.topic(name).get().await.has_status("active");
    }
}

async fn a_lead_time_that_came_since_is_told_to_who_approves(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let old = dev.topic("old").in_prod().create().await.request_id();
    root.approve(&old).await.ok();
    dev.topic("old").in_prod().active().await;
    let asked = dev.ask(&[item("create", "prod", "a", json!({})), item("delete", "prod", "old", json!({}))]).await;
    let id = asked.accepted().id();
    root.platform_policy(json!({ "deletion_lead_time_hours": 72 })).await;

    let refused = root.approve(&id).await;

    refused.invalid().names("/items/1/action", "payments/prod/old is deleted 72 hours after the request is accepted, and the other changes would wait for that");
    refused.invalid().advises("reject it");
    assert_eq!(dev.request(&id).await.text("/state"), "pending");
}

async fn the_same_body_again_after_all_is_done_asks_for_nothing(orbit: TestApp) {
    let dev = orbit.dev().await;
    dev.topic("old").made().await;
    let audit = json!({ "retention_ms": 1_000 });
    dev.topic("audit").retention_ms(1).made().await;
    let items = [
        item("create", "dev", "orders", json!({ "partitions": 2 })),
        item("update", "dev", "audit", audit.clone()),
        item("delete", "dev", "old", json!({})),
    ];
    let asked = dev.ask(&items).await;
    let operation = asked.accepted().header("location").rsplit('/').next().unwrap();
    assert_eq!(dev.operation_end(operation).await.text("/state"), "succeeded");
    dev.topic("orders").acknowledge().await.ok();

    let again = json!({ "items": items, "justification": "the new checkout" });
    let once = async || dev.call(reqwest::Method::POST, "/v1/requests").key("k").json(&again).send().await;
    once().await.gone();

    // Kept under its key: it is not asked for anew where the world has moved on.
    dev.topic("audit").patch(json!({ "retention_ms": 5_000 })).await.accepted();
    dev.topic("audit").active().await;
    once().await.gone();
    // What is as asked is left out, and what policy finds points to where the rest stands in the body, and in the request.
    let waits = dev.ask(&[items[0].clone(), item("create", "prod", "new", json!({}))]).await;
    assert_eq!(waits.accepted().body["items"].as_array().unwrap().len(), 1);
    assert_eq!(waits.text("/verdict/reasons/0/field"), "/environment");
}

async fn what_it_would_be_answered_is_told_before(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let asks = async |who: &Person, items: &[Value]| who.post("/v1/requests:evaluate", json!({ "items": items })).await;
    let (a, b) = (item("create", "dev", "a", json!({})), item("create", "prod", "b", json!({ "partitions": 2 })));

    let would = asks(&dev, &[a.clone(), b.clone()]).await;
    assert_eq!(would.ok().text("/verdict/decision"), "needs-approval");
    assert_eq!(would.text("/verdict/needs/0/approvers"), "a platform admin");
    assert_eq!(
        asks(&orbit.person("vera", Role::Viewer, "payments").await, std::slice::from_ref(&a)).await.ok().body["verdict"]
            ["decision"],
        "allow"
    );
    assert_eq!(dev.get("/v1/requests").await.count(), 0, "nothing was filed");
    // Names and limits count among the items, and what forbids says where.
    let denied = asks(&dev, &[item("create", "dev", "x.y", json!({})), item("create", "dev", "x_y", json!({}))]).await;
    assert_eq!(denied.ok().text("/verdict/decision"), "deny");
    assert_eq!(denied.text("/verdict/violations/0/field"), "/items/1/topic/name");
    root.put("/v1/workspaces/payments/limits", json!({ "topics": 1 })).await.ok();
    assert_eq!(asks(&dev, &[a.clone(), b.clone()]).await.text("/verdict/decision"), "deny");
    root.put("/v1/workspaces/payments/limits", json!({})).await.ok();

    let filed = dev.ask(&[a.clone(), b.clone()]).await.accepted().id();
    let same = asks(&dev, &[a.clone(), b.clone()]).await;
    assert_eq!((same.text("/request/id"), same.text("/verdict/decision")), (filed.as_str(), "needs-approval"));
    assert_eq!(same.text("/verdict/needs/0/approvers"), "a platform admin");
    let other = item("create", "prod", "b", json!({ "partitions": 3 }));
    assert_eq!(asks(&dev, &[a.clone(), other.clone()]).await.text("/supersedes/0/id"), filed);
    asks(&dev, &[other]).await.problem(409, "request.open").says("one of 2 objects");
    assert_eq!(dev.request(&filed).await.text("/state"), "pending");

    // What has a lead time does not go with other things.
    dev.withdraw(&filed).await.ok();
    dev.topic("old").made().await;
    root.platform_policy(json!({ "deletion_lead_time_hours": 2 })).await;
    let mixed = asks(&dev, &[a, item("delete", "dev", "old", json!({}))]).await;
    mixed.invalid().field("/items/1/action");
    asks(&dev, &[]).await.invalid().field("/items");
}
