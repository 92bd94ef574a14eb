//! What belongs together, seen and decided together.

use crate::support::{TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use reqwest::Method;
use serde_json::{Value, json};

on_both!(the_requests_of_a_run_are_decided_with_one_call, a_run_that_attaches_is_waited_for_as_if_it_had_filed);
on_sqlite!(
    where_a_run_can_be_seen_is_shown_to_those_who_decide,
    each_is_decided_for_itself,
    what_a_decision_of_several_got_wrong
);

async fn the_requests_of_a_run_are_decided_with_one_call(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    for name in ["a", "b", "c"] {
        let body = json!({ "workspace": "payments", "environment": "prod", "name": name });
        let call = dev.call(Method::POST, "/v1/topics").header("orbit-run-id", "ci-4711");
        call.json(&body).send().await.accepted();
    }
    dev.topic("other").in_prod().create().await.accepted();

    let run = root.all("/v1/requests?run_id=ci-4711&state=pending", 2).await;
    let ids: Vec<_> = run.iter().map(|r| r["id"].clone()).collect();
    assert_eq!(ids.len(), 3);
    let decided =
        root.post("/v1/requests:decide", json!({ "requests": ids, "decision": "approve", "words": "fine" })).await;

    assert_eq!(decided.ok().count(), 3);
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(decided.body["items"][n]["request"]["id"], *id);
        assert_eq!(decided.body["items"][n]["request"]["state"], "approved");
    }
    for name in ["a", "b", "c"] {
        dev.topic(name).in_prod().active().await;
    }
    dev.topic("other").in_prod().get().await.has_status("pending-approval");
    assert_eq!(orbit.audit_of("payments/prod/a").await, ["request.filed", "request.approved", "operation.succeeded"]);
}

async fn a_run_that_attaches_is_waited_for_as_if_it_had_filed(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let ask = async |run: &str, partitions: u32| {
        let body = json!({ "workspace": "payments", "environment": "prod", "name": "a", "partitions": partitions });
        dev.call(Method::POST, "/v1/topics").header("orbit-run-id", run).json(&body).send().await.accepted();
    };
    let of = async |run: &str| -> Vec<Value> {
        let found = root.get(&format!("/v1/requests?run_id={run}&state=pending")).await;
        found.ok().body["items"].as_array().unwrap().iter().map(|r| r["id"].clone()).collect()
    };
    ask("ci-1", 3).await;
    for _ in 0..2 {
        ask("ci-2", 3).await;
        ask("ci-1", 3).await;
    }
    let filed = of("ci-1").await;
    assert_eq!((filed.len(), of("ci-2").await), (1, filed.clone()));
    assert_eq!(of("ci-3").await, Vec::<Value>::new());
    let request = root.get(&format!("/v1/requests/{}", filed[0].as_str().unwrap())).await;
    assert_eq!(request.body["run_id"], "ci-1", "who filed it");

    // Another wish is the run's own alone.
    ask("ci-2", 4).await;
    assert_eq!((of("ci-1").await, of("ci-2").await.len()), (vec![], 1));
}

async fn each_is_decided_for_itself(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let first = dev.topic("first").in_prod().create().await.request_id();
    let withdrawn = dev.topic("withdrawn").in_prod().create().await.request_id();
    dev.withdraw(&withdrawn).await.ok();
    let last = dev.topic("last").in_prod().create().await.request_id();

    let ids = json!([first, withdrawn, "req_nowhere", last]);
    let decided =
        root.post("/v1/requests:decide", json!({ "requests": ids, "decision": "reject", "words": "not now" })).await;

    let told: Vec<_> = decided.ok().body["items"].as_array().unwrap().iter().map(said).collect();
    assert_eq!(told, ["rejected", "request.decided", "request.not-found", "rejected"]);
    assert_eq!(dev.request(&last).await.text("/reason"), "not now");
    let theirs = lead.post("/v1/requests:decide", json!({ "requests": [first], "decision": "approve" })).await;
    assert_eq!(theirs.ok().body["items"].as_array().unwrap().iter().map(said).collect::<Vec<_>>(), ["request.decided"]);
}

fn said(item: &Value) -> &str {
    let state = item.pointer("/request/state").or_else(|| item.pointer("/problem/code"));
    state.and_then(Value::as_str).unwrap()
}

async fn what_a_decision_of_several_got_wrong(orbit: TestApp) {
    let root = orbit.root();
    let nothing = root.post("/v1/requests:decide", json!({ "requests": [], "decision": "reject" })).await;
    nothing.invalid().limits("/requests", "length", Some("1..200")).limits("/words", "missing", None);
    let many: Vec<_> = (0..201).map(|n| format!("req_{n}")).collect();
    let many = root.post("/v1/requests:decide", json!({ "requests": many, "decision": "maybe" })).await;
    many.invalid().limits("/requests", "length", Some("1..200"));
    assert_eq!(many.invalid().pointers(), ["/decision", "/requests"]);
}

async fn where_a_run_can_be_seen_is_shown_to_those_who_decide(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let topic = |name: &str| json!({ "workspace": "payments", "environment": "prod", "name": name });
    let ask = async |name: &str, url: &str| {
        let call = dev.call(Method::POST, "/v1/topics").header("orbit-run-id", "ci-7").header("orbit-run-url", url);
        call.json(&topic(name)).send().await
    };
    let id = ask("a", "https://ci.test/runs/7").await.request_id();
    assert_eq!(root.request(&id).await.text("/run_url"), "https://ci.test/runs/7");
    let later = ask("b", "https://ci.test/other").await.request_id();
    assert_eq!(
        root.request(&later).await.text("/run_url"),
        "https://ci.test/other",
        "no other call can say it for this one"
    );
    ask("c", "javascript:alert(1)").await.problem(400, "malformed").says("orbit-run-url");
}
