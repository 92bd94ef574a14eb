//! What waits for me: by the same rule that decides.

use crate::support::{Answer, TestApp, on_both, on_sqlite};
use orbit_server::auth::permission::Role;
use serde_json::{Value, json};

on_both!(an_inbox_holds_what_my_consent_brings_on);
on_sqlite!(an_inbox_is_filtered_and_counted, a_request_shows_what_else_its_requester_has_open);

const INBOX: &str = "/v1/requests:inbox";

fn objects(answer: &Answer) -> Vec<&str> {
    let items = answer.ok().body["items"].as_array().unwrap();
    assert_eq!(answer.body["total"], items.len());
    items.iter().map(|i| i["items"][0]["object_key"].as_str().unwrap()).collect()
}

async fn an_inbox_holds_what_my_consent_brings_on(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let lead = orbit.person("lead", Role::Admin, "payments").await;
    let kim = orbit.stranger("kim").await;
    root.post("/v1/environments", json!({ "slug": "qa", "default_approvers": ["kim"] })).await.created();
    root.post("/v1/environment-mappings", json!({ "environment": "qa", "cluster": "main" })).await.created();
    root.platform_policy(json!({ "require_approval_for": ["prod", "qa"] })).await;
    let own = json!({ "name": "own", "scope": "workspace", "workspace": "payments", "require_approval_for": ["prod"] });
    root.post("/v1/topic-policies", own).await.created();

    let both = dev.topic("both").in_prod().create().await.request_id();
    dev.topic("qa").with("environment", "qa").create().await.accepted();
    lead.topic("leads").in_prod().create().await.accepted();
    root.topic("roots").with("environment", "qa").create().await.accepted();

    assert_eq!(objects(&dev.get(INBOX).await), [""; 0], "one's own, and no right to decide");
    assert_eq!(objects(&root.get(INBOX).await), ["payments/prod/both", "payments/qa/qa", "payments/prod/leads"]);
    assert_eq!(objects(&lead.get(INBOX).await), ["payments/prod/both"], "its own takes somebody else");
    assert_eq!(objects(&kim.get(INBOX).await), ["payments/qa/qa", "payments/qa/roots"]);
    // What I have consented to does not wait for me any more, and for the others still.
    root.approve(&both).await.ok();
    assert_eq!(objects(&root.get(INBOX).await), ["payments/qa/qa", "payments/prod/leads"]);
    assert_eq!(objects(&lead.get(INBOX).await), ["payments/prod/both"]);
    lead.reject(&both, "no").await.ok();
    assert_eq!(objects(&lead.get(INBOX).await), [""; 0]);
}

async fn an_inbox_is_filtered_and_counted(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    root.post("/v1/workspaces", json!({ "slug": "shipping" })).await.created();
    let ship = orbit.person("ship", Role::Member, "shipping").await;
    root.platform_policy(json!({ "require_approval_for": ["dev", "prod"] })).await;
    let first = dev.topic("a").create().await.request_id();
    dev.topic("b").in_prod().create().await.accepted();
    ship.topic("c").of("shipping").in_prod().create().await.accepted();

    let all = root.get(INBOX).await;
    assert_eq!(all.ok().body["workspaces"], json!({ "payments": 2, "shipping": 1 }));
    assert_eq!(all.body["environments"], json!({ "dev": 1, "prod": 2 }));
    assert_eq!((&all.body["nouns"], &all.body["complete"]), (&json!({ "topic": 3 }), &json!(true)));
    assert_eq!(all.text("/oldest_at"), root.request(&first).await.text("/created_at"));
    let some = async |query: &str| -> Vec<String> {
        objects(&root.get(&format!("{INBOX}?{query}")).await).into_iter().map(str::to_owned).collect()
    };
    assert_eq!(some("environment=prod").await, ["payments/prod/b", "shipping/prod/c"]);
    assert_eq!(some("workspace=shipping&noun=topic").await, ["shipping/prod/c"]);
    let few = root.get(&format!("{INBOX}?limit=1")).await;
    assert_eq!((&few.body["total"], few.text("/items/0/id")), (&json!(3), first.as_str()));
    let counts = root.get(&format!("{INBOX}?limit=0")).await;
    assert_eq!((&counts.body["total"], &counts.body["items"]), (&json!(3), &json!([])));
    root.get(&format!("{INBOX}?limit=201")).await.invalid().field("limit");
    root.get(&format!("{INBOX}?environment=moon")).await.problem(404, "environment.not-found");
    let nothing = orbit.stranger("x").await.get(INBOX).await;
    assert_eq!((&nothing.ok().body["total"], nothing.lacks("/oldest_at")), (&json!(0), true));
}

async fn a_request_shows_what_else_its_requester_has_open(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let a = dev.topic("a").in_prod().create().await.request_id();
    let b = dev.topic("b").in_prod().create().await.request_id();
    root.topic("other").in_prod().create().await.accepted();
    let shown = root.request(&a).await;
    let open: Vec<_> = shown.body["requester_open"].as_array().unwrap().iter().map(|o| o["id"].clone()).collect();
    assert_eq!(open, [Value::from(b.clone())]);
    assert_eq!(shown.body["requester_open"][0]["objects"], json!(["payments/prod/b"]));
    root.approve(&b).await.ok();
    assert_eq!(root.request(&a).await.body["requester_open"], json!([]));
    // Who decides one of them from outside the workspace sees no other.
    let (auditor, c) = (orbit.stranger("auditor").await, dev.topic("c").in_prod());
    let asks = json!({ "name": "asks", "scope": "platform", "require_approval_for": ["prod"], "environments": ["prod"], "approvers": { "prod": [{ "principal": "auditor" }] } });
    root.delete("/v1/topic-policies/platform").await.gone();
    root.post("/v1/topic-policies", asks).await.created();
    let c = c.create().await.request_id();
    assert_eq!(auditor.request(&c).await.body["requester_open"], json!([]), "only who may see it");
    assert_eq!(root.request(&c).await.body["requester_open"].as_array().unwrap().len(), 1);
}
