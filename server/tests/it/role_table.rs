//! Every endpoint as every role: a table made by calling all of them, and compared. An endpoint that is new, or may be called by somebody else than before,
//! shows as a difference. `ORBIT_BLESS=1` writes it anew.

use crate::support::{Person, TestApp, on_sqlite};
use orbit_server::auth::permission::Role;
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt::Write as _, path::Path};

on_sqlite!(who_may_call_what_is_as_the_table_says);

/// Those who call, beside nobody.
const ROLES: [&str; 5] = ["stranger", "viewer", "member", "admin", "platform"];

/// What stands in the place of a path's names: things of the workspace `payments` that are there.
async fn things(orbit: &TestApp) -> BTreeMap<&'static str, String> {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let topic = dev.topic("orders").made().await;
    let operation = dev.topic("parcels").create().await.operation_id();
    dev.operation_end(&operation).await;
    let own = json!({ "name": "own", "scope": "workspace", "workspace": "payments" });
    let policy = root.post("/v1/topic-policies", own).await.created().id();
    let channel =
        json!({ "name": "ops", "workspace": "payments", "webhook": { "url": "https://hooks.example.com/x" } });
    let channel = root.post("/v1/notification-channels", channel).await;
    let channel = channel.created().text("/name").to_owned();
    root.post(&format!("/v1/notification-channels/{channel}/test"), json!({})).await.accepted();
    let sent = root.all(&format!("/v1/notification-channels/{channel}/deliveries"), 500).await;
    let delivery = sent[0]["id"].as_str().unwrap().to_owned();
    let mapping = root.all("/v1/environment-mappings", 500).await[0]["id"].as_str().unwrap().to_owned();
    [
        ("topic", topic.id()),
        ("operation", operation),
        ("policy", policy),
        ("channel", channel),
        ("delivery", delivery),
        ("mapping", mapping),
        ("cluster", "main".to_owned()),
        ("environment", "dev".to_owned()),
        ("workspace", "payments".to_owned()),
        ("principal", "dev".to_owned()),
        ("pack", "messaging-bus".to_owned()),
    ]
    .into()
}

fn filled(path: &str, things: &BTreeMap<&str, String>) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        Some(name) => things.get(name).unwrap_or_else(|| panic!("the table needs a {name} for {path}")).clone(),
        None => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// A request, and a role and a token of somebody else, which are over after a call that may end them: new ones for each.
async fn fresh(orbit: &TestApp, things: &mut BTreeMap<&'static str, String>, n: usize) {
    let (root, dev) = (orbit.root(), orbit.dev().await);
    let secret = format!("secret-{n}");
    things.insert("request", dev.topic(&secret).in_prod().create().await.request_id());
    let name = format!("somebody-{n}");
    orbit.stranger(&name).await;
    let role = json!({ "principal": name, "role": "viewer", "workspace": "payments" });
    things.insert("membership", root.post("/v1/memberships", role).await.created().id());
    let token = json!({ "principal": name, "name": "spare" });
    things.insert("token", root.post("/v1/tokens", token).await.created().id());
}

struct Operation {
    method: Method,
    path: String,
    id: String,
    /// The document's example: right as far as its own shape goes, so that it is the rights that decide.
    body: Option<Value>,
}

/// Every operation, what is deleted last.
fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(orbit_server::http::openapi()).unwrap();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, told) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let id = told["operationId"].as_str().unwrap().to_owned();
            let body = told.get("requestBody").map(|body| {
                let example = body["content"].as_object().unwrap().values().find_map(|content| content.get("example"));
                example.unwrap_or_else(|| panic!("{id} takes a body, and the document has no example of it")).clone()
            });
            all.push(Operation { method, path: path.clone(), id, body });
        }
    }
    all.sort_by_key(|o| (o.method == Method::DELETE, o.path.clone(), o.method.to_string()));
    all
}

/// What comes of a call, as far as rights go.
async fn outcome(who: Option<&Person>, root: &Person, operation: &Operation, path: &str) -> &'static str {
    let method = &operation.method;
    let call = match who {
        Some(who) => who.call(method.clone(), path),
        None => root.bare_call(method.clone(), path),
    };
    // A stale revision: what would be deleted or changed stays, for those who come after.
    let call = if path.contains("/requests/") { call } else { call.if_match("\"999999\"") };
    let answer = if let Some(body) = &operation.body { call.json(body) } else { call };
    match answer.send().await {
        answer if answer.status == 201 => {
            // What was made can be seen where the answer says.
            let there = answer.header("location");
            assert!(there.starts_with("/v1/"), "{method} {path}: {there:?}");
            root.get(there).await.ok();
            "may"
        }
        answer if answer.status == 401 => "no token",
        answer if answer.status == 403 => "forbidden",
        answer if answer.status == 404 => "hidden",
        answer if answer.body["code"] == "invalid" && operation.body.is_some() => {
            panic!("the document's example for {} is wrong: {}", operation.id, answer.raw)
        }
        answer if answer.status < 500 => "may",
        answer => panic!("{method} {path}: {} {}", answer.status, answer.raw),
    }
}

async fn who_may_call_what_is_as_the_table_says(orbit: TestApp) {
    let mut things = things(&orbit).await;
    let mut calls = 0;
    let root = orbit.root();
    orbit.root().post("/v1/workspaces", json!({ "slug": "elsewhere" })).await.created();
    // Who rules another workspace is a stranger in this one.
    let people = [
        orbit.person("rules-elsewhere", Role::Admin, "elsewhere").await,
        orbit.person("vera", Role::Viewer, "payments").await,
        orbit.person("max", Role::Member, "payments").await,
        orbit.person("ada", Role::Admin, "payments").await,
        root.clone(),
    ];
    let mut table = String::from("# method path: nobody, then ");
    let _ = writeln!(table, "{}", ROLES.join(", "));
    for operation in operations() {
        let mut row = Vec::new();
        for who in [None].into_iter().chain(people.iter().map(Some)) {
            calls += 1;
            fresh(&orbit, &mut things, calls).await;
            row.push(outcome(who, &root, &operation, &filled(&operation.path, &things)).await);
        }
        let _ = writeln!(table, "{} {}: {}", operation.method, operation.path, row.join(", "));
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/role_table.txt");
    if std::env::var_os("ORBIT_BLESS").is_some() {
        std::fs::write(&golden, &table).unwrap();
    }
    assert_eq!(
        table,
        std::fs::read_to_string(&golden).unwrap_or_default(),
        "who may call what has changed: look twice"
    );
}
