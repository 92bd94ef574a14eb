//! Evaluate answers what submit would, and files nothing.

use crate::support::{TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use serde_json::{Value, json};
use std::time::Duration;

on_both!(
    evaluate_answers_what_submit_would_and_files_nothing,
    each_of_a_batch_sees_those_before_it,
    what_stands_in_the_way_is_told,
    updates_and_deletions_are_judged_too,
    many_are_judged_beside_those_who_write,
);
on_sqlite!(
    a_viewer_may_evaluate,
    what_cannot_be_judged_is_a_problem_of_its_item,
    what_the_cluster_cannot_do_is_told_here,
    an_uncovered_environment_needs_a_platform_admin,
    a_batch_has_a_limit,
    a_rejected_request_is_told_until_something_differs,
);

async fn evaluate_answers_what_submit_would_and_files_nothing(orbit: TestApp) {
    let dev = orbit.dev().await;
    let (fine, waits, denied) =
        (dev.topic("fine"), dev.topic("waits").in_prod(), dev.topic("denied").partitions(60).retention_ms(5));
    let before = orbit.dump_of_work().await;

    let told = dev.evaluate(&[("create", fine.clone()), ("create", waits.clone()), ("create", denied.clone())]).await;

    assert_eq!(told.count(), 3);
    assert_eq!(orbit.dump_of_work().await, before);
    assert_eq!(told.decision(0), "allow");
    assert_eq!((told.text("/items/0/cluster"), told.text("/items/0/physical_name")), ("main", "dev.payments.fine"));
    assert_eq!(told.decision(1), "needs-approval");
    assert_eq!(told.text("/items/1/verdict/needs/0/approvers"), "a platform admin");
    assert_eq!(told.findings(1, "reasons"), [("/environment", "policy platform asks for approval in prod")]);
    assert_eq!(told.decision(2), "deny");
    let why = [("/partitions", "Denied: exceeds platform limit of 50 partitions")];
    assert_eq!(told.findings(2, "violations"), why);
    // And so it comes.
    assert!(fine.create().await.accepted().lacks("/request"));
    waits.create().await.accepted().has_status("pending-approval");
    denied.create().await.denied().names(why[0].0, why[0].1);
}

async fn each_of_a_batch_sees_those_before_it(orbit: TestApp) {
    let dev = orbit.dev().await;
    let topics = [dev.topic("orders.v1"), dev.topic("orders_v1"), dev.topic("orders.v1")];
    let items: Vec<_> = topics.iter().map(|t| ("create", t.clone())).collect();

    let told = dev.evaluate(&items).await;

    assert_eq!(told.decision(0), "allow");
    let collides = "Denied: the name on the cluster would be dev.payments.orders_v1, which collides with the topic \
                    dev.payments.orders.v1: Kafka does not tell '.' and '_' apart in topic names";
    assert_eq!(told.findings(1, "violations"), [("/name", collides)]);
    assert_eq!(told.decision(2), "allow", "the same topic twice is one topic");
    topics[0].made().await;
    topics[1].create().await.denied().names("/name", collides);
    assert_eq!(topics[1].evaluate("create").await.findings(0, "violations"), [("/name", collides)]);
}

async fn what_stands_in_the_way_is_told(orbit: TestApp) {
    let dev = orbit.dev().await;
    let eve = orbit.person("eve", Role::Member, "payments").await;
    let filed = dev.topic("orders").in_prod().partitions(6).create().await;

    let (equal, other) = (eve.topic("orders").in_prod().partitions(6), eve.topic("orders").in_prod().partitions(7));
    let (told, open) = (equal.evaluate("create").await, other.evaluate("create").await);

    assert_eq!(told.text("/items/0/request/id"), filed.request_id());
    assert_eq!(open.text("/items/0/problem/code"), "request.open");
    assert_eq!(open.text("/items/0/problem/request/id"), filed.request_id());
    assert!(open.lacks("/items/0/request") && open.lacks("/items/0/verdict"));
    other.create().await.problem(409, "request.open");
    let own = dev.topic("orders").in_prod().partitions(7).evaluate("create").await;
    assert_eq!(own.decision(0), "needs-approval");
    assert_eq!(own.text("/items/0/supersedes/id"), filed.request_id(), "the requester's own would be superseded");
    assert!(told.lacks("/items/0/supersedes"));
    let there = dev.topic("there");
    there.made().await;
    there.acknowledge().await.ok();
    assert_eq!(there.evaluate("create").await.text("/items/0/problem/code"), "topic.exists");
    orbit.main().hold();
    there.patch(json!({ "partitions": 3 })).await.accepted();
    let running = dev.topic("there").partitions(4).evaluate("update").await;
    assert_eq!(running.text("/items/0/problem/code"), "operation.running");
    orbit.main().release();
    there.active().await;
}

async fn updates_and_deletions_are_judged_too(orbit: TestApp) {
    let dev = orbit.dev().await;
    let (plain, kept) = (dev.topic("plain").partitions(6), dev.topic("kept").with("deletion_protection", true));
    plain.made().await;
    kept.made().await;
    let items = [
        ("update", plain.clone().partitions(3)),
        ("update", plain.clone().partitions(60)),
        ("update", plain.clone().partitions(7)),
        ("delete", plain.clone()),
        ("delete", kept),
        ("delete", dev.topic("nowhere")),
        ("update", dev.topic("nowhere")),
    ];

    let told = dev.evaluate(&items).await;

    assert!(told.findings(0, "violations")[0].1.starts_with("Denied: partitions cannot shrink from 6 to 3"));
    assert_eq!(told.findings(1, "violations")[0].1, "Denied: exceeds platform limit of 50 partitions");
    assert_eq!((told.decision(2), told.decision(3)), ("allow", "allow"));
    assert_eq!(told.findings(4, "violations")[0].1, "Denied: deletion protection of topic kept is on");
    for item in [5, 6] {
        assert_eq!(told.text(&format!("/items/{item}/problem/code")), "topic.not-found");
    }
    assert_eq!(plain.get().await.body["partitions"], 6);
}

/// Batches in every order beside submits: nobody waits for a lock of the other's, and nothing deadlocks.
async fn many_are_judged_beside_those_who_write(orbit: TestApp) {
    let root = orbit.root();
    orbit.brokers.at("second.test:9092");
    root.register("second", "second.test:9092").await.created();
    root.post("/v1/environments", json!({ "slug": "second" })).await.created();
    root.post("/v1/environment-mappings", json!({ "environment": "second", "cluster": "second" })).await.created();
    let dev = orbit.dev().await;
    let judged = async |round: usize, turned: bool| {
        let mut items: Vec<_> = (0..40)
            .map(|i| dev.topic(&format!("j{round}-{i}")).with("environment", if i % 2 == 0 { "dev" } else { "second" }))
            .map(|topic| ("create", topic))
            .collect();
        if turned {
            items.reverse();
        }
        let told = dev.evaluate(&items).await;
        assert_eq!(told.count(), 40);
        assert!((0..40).all(|i| told.decision(i) == "allow"), "{}", told.raw);
    };
    let written = async |place: &str| {
        for i in 0..10 {
            dev.topic(&format!("w-{i}")).with("environment", place).create().await.accepted();
        }
    };
    tokio::join!(
        judged(1, false),
        judged(2, true),
        judged(3, false),
        judged(4, true),
        written("dev"),
        written("second")
    );
}

async fn a_viewer_may_evaluate(orbit: TestApp) {
    let viewer = orbit.person("viewer", Role::Viewer, "payments").await;
    assert_eq!(viewer.topic("orders").evaluate("create").await.decision(0), "allow");
    viewer.topic("orders").create().await.problem(403, "forbidden").says("topic-write takes the role member");
    orbit.root().post("/v1/workspaces", json!({ "slug": "sales" })).await.created();
    let foreign = viewer.topic("orders").of("sales").evaluate("create").await;
    assert_eq!(foreign.text("/items/0/problem/code"), "workspace.not-found");
    let nobody = orbit.stranger("nobody").await;
    let told = nobody.topic("orders").evaluate("create").await;
    assert_eq!(told.text("/items/0/problem/code"), "workspace.not-found");
}

async fn what_cannot_be_judged_is_a_problem_of_its_item(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.post("/v1/environments", json!({ "slug": "empty" })).await.created();
    let items = [
        ("create", dev.topic("orders").of("nowhere")),
        ("create", dev.topic("orders").with("environment", "nowhere")),
        ("create", dev.topic("orders").with("environment", "empty")),
        ("create", dev.topic("bad name").with("partitions", 0)),
        ("create", dev.topic("fine")),
    ];
    let told = dev.evaluate(&items).await;
    let codes = ["workspace.not-found", "environment.not-found", "environment.no-cluster", "invalid"];
    for (i, code) in codes.into_iter().enumerate() {
        assert_eq!(told.text(&format!("/items/{i}/problem/code")), code);
        assert!(told.lacks(&format!("/items/{i}/verdict")));
    }
    assert_eq!(told.text("/items/0/problem/errors/0/pointer"), "/workspace");
    assert_eq!(told.text("/items/1/problem/errors/0/pointer"), "/environment");
    assert_eq!(told.body.pointer("/items/3/problem/errors").and_then(Value::as_array).unwrap().len(), 2);
    assert_eq!(told.decision(4), "allow");
}

async fn what_the_cluster_cannot_do_is_told_here(orbit: TestApp) {
    let dev = orbit.dev().await;
    orbit.main().kafka.put("dev.payments.taken", 1, &[]);
    orbit.looked_at("main").await;
    let items = [
        ("create", dev.topic("a").config("retentoin.ms", "5")),
        ("create", dev.topic("b").config("min.insync.replicas", "two")),
        ("create", dev.topic("c").with("replication_factor", 4)),
        ("create", dev.topic("taken")),
    ];
    let told = dev.evaluate(&items).await;
    assert_eq!(
        told.findings(0, "violations"),
        [("/config/retentoin.ms", "Denied: Kafka has no topic setting retentoin.ms")]
    );
    assert_eq!(told.findings(1, "violations")[0].0, "/config/min.insync.replicas");
    let brokers = "Denied: replication factor 4 needs 4 brokers, and cluster main has 3 brokers";
    assert_eq!(told.findings(2, "violations"), [("/replication_factor", brokers)]);
    let unmanaged = "Denied: a topic named dev.payments.taken is on cluster main already, and Orbit does not manage it";
    assert_eq!(told.findings(3, "violations"), [("/name", unmanaged)]);
    items[3].1.create().await.denied().names("/name", unmanaged);
}

async fn an_uncovered_environment_needs_a_platform_admin(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.platform_policy(json!({ "environments": ["prod"] })).await;
    let told = dev.topic("orders").evaluate("create").await;
    assert_eq!(told.decision(0), "needs-approval");
    assert_eq!(told.text("/items/0/verdict/reasons/0/code"), "topic.approval.no-policy");
    assert_eq!(root.topic("orders").evaluate("create").await.decision(0), "allow");
}

async fn a_batch_has_a_limit(orbit: TestApp) {
    let mut orbit = orbit;
    orbit.replaced(&|made| made.body_limit = 1 << 20).await.stop().await;
    let dev = orbit.dev().await;
    let item = json!({ "action": "create", "topic": { "workspace": "w", "environment": "e", "name": "n" } });
    let many = json!({ "items": vec![item; 1_001] });
    dev.post("/v1/topics:evaluate", many).await.invalid().limits("/items", "length", Some("1000"));
    assert_eq!(dev.post("/v1/topics:evaluate", json!({ "items": [] })).await.count(), 0);
    let one = |n: usize| {
        let topic = json!({ "workspace": "payments", "environment": "dev", "name": format!("n{n}"), "partitions": 3 });
        json!({ "action": "create", "topic": topic })
    };
    let most = dev.post("/v1/topics:evaluate", json!({ "items": (0..1_000).map(one).collect::<Vec<_>>() })).await;
    let decisions: Vec<_> = (0..most.ok().count()).map(|n| most.decision(n)).collect();
    assert_eq!(decisions, ["allow"; 1_000]);
}

async fn a_rejected_request_is_told_until_something_differs(orbit: TestApp) {
    let dev = orbit.somebody("dev", Some(Role::Member), Some("payments"), Duration::from_hours(1)).await;
    let orders = dev.topic("orders").in_prod();
    let id = orders.create().await.request_id();
    orbit.root().reject(&id, "no").await.ok();
    let told = orders.evaluate("create").await;
    assert_eq!((told.text("/items/0/request/id"), told.text("/items/0/request/reason")), (id.as_str(), "no"));
    let justified = orders.because("it has to be").evaluate("create").await;
    assert!(justified.lacks("/items/0/request"), "this one would be filed");
    assert_eq!(justified.decision(0), "needs-approval");
}
