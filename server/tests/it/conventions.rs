//! What `docs/api.md` says of every route, checked on every route that the document has: none is left out by being new.

use crate::support::{Answer, Person, TestApp, on_sqlite};
use orbit_server::{auth::throttle::CallRate, serve::Made};
use reqwest::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, num::NonZeroU32};

on_sqlite!(
    other_methods_are_405_and_named_in_allow,
    head_is_get_without_a_body,
    only_json_is_taken_and_given,
    answers_are_compressed_for_who_asks,
    calls_beyond_the_rate_are_refused_with_the_time_to_wait,
);

/// An operation of the document.
struct Operation {
    method: Method,
    path: String,
    id: String,
    told: Value,
}

fn document() -> Value {
    serde_json::to_value(orbit_server::http::openapi()).unwrap()
}

fn operations() -> Vec<Operation> {
    let document = document();
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, told) in item.as_object().unwrap() {
            let Ok(method) = method.to_uppercase().parse::<Method>() else { continue };
            let id = told["operationId"].as_str().unwrap().to_owned();
            all.push(Operation { method, path: path.clone(), id, told: told.clone() });
        }
    }
    assert!(all.len() > 70, "the document has {} operations", all.len());
    all
}

impl Operation {
    fn is_of_the_api(&self) -> bool {
        self.path.starts_with("/v1/")
    }
    fn takes(&self, place: &str, name: &str) -> bool {
        let parameters = self.told["parameters"].as_array().into_iter().flatten();
        parameters.into_iter().any(|p| p["in"] == place && p["name"] == name)
    }
    /// The path with names that lead nowhere.
    fn nowhere(&self) -> String {
        let parts = self.path.split('/').map(|part| if part.starts_with('{') { "nowhere" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }
    /// The schema of what it answers when all is well.
    fn answers(&self) -> Option<&Value> {
        ["200", "201", "202"]
            .iter()
            .find_map(|s| self.told["responses"][s]["content"]["application/json"].get("schema"))
    }
}

#[test]
fn ids_and_tags_and_refusals_are_of_one_pattern() {
    let mut ids = BTreeSet::new();
    for operation in operations() {
        let id = &operation.id;
        assert!(id.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{id}");
        assert!(ids.insert(id.clone()), "{id} twice");
        assert_eq!(operation.told["tags"].as_array().unwrap().len(), 1, "{id}");
        assert!(operation.told["summary"].as_str().is_some_and(|s| s.len() > 5), "{id} has no summary");
        if operation.is_of_the_api() {
            let refusal = &operation.told["responses"]["4XX"]["content"]["application/problem+json"]["schema"]["$ref"];
            assert_eq!(refusal, "#/components/schemas/Problem", "{id}");
            assert!(id.contains('_') || id == "whoami", "{id} is noun_verb");
        }
    }
}

#[test]
fn lists_are_pages() {
    // Few, and all of them told at once.
    const WHOLE: [&str; 2] = ["policy_pack_list", "request_inbox"];
    for operation in operations() {
        let schema = operation.answers().and_then(|schema| schema["$ref"].as_str()).unwrap_or_default();
        let is_page = schema.ends_with("Page");
        let is_list = operation.id.ends_with("_list") || operation.id.ends_with("_versions");
        if WHOLE.contains(&operation.id.as_str()) {
            continue;
        }
        assert_eq!(is_page, is_list, "{}: {schema}", operation.id);
        if is_page {
            assert!(operation.takes("query", "limit") && operation.takes("query", "cursor"), "{}", operation.id);
        }
    }
}

#[test]
fn what_changes_takes_an_etag_and_what_makes_something_takes_a_key() {
    // Roles and tokens are made and ended, never changed.
    const WITHOUT_REVISION: [&str; 2] = ["membership_delete", "token_revoke"];
    // Nothing is made, or another one each time.
    const WITHOUT_KEY: [&str; 5] =
        ["topic_acknowledge", "topic_evaluate", "request_evaluate", "topic_policy_backtest", "token_create"];
    for operation in operations().into_iter().filter(Operation::is_of_the_api) {
        let (id, method) = (operation.id.as_str(), operation.method.as_str());
        if ["PUT", "PATCH", "DELETE"].contains(&method) {
            assert_eq!(operation.takes("header", "If-Match"), !WITHOUT_REVISION.contains(&id), "{id}");
        }
        if method == "POST" {
            assert_eq!(operation.takes("header", "Idempotency-Key"), !WITHOUT_KEY.contains(&id), "{id}");
        }
        for (status, header) in
            [("201", "Location"), ("202", "Location"), ("4XX", "Retry-After"), ("5XX", "Retry-After")]
        {
            if let Some(answer) = operation.told["responses"].get(status) {
                assert!(answer["headers"].get(header).is_some(), "{id}: {status} without {header}");
            }
        }
        if operation.takes("header", "If-Match") && method != "DELETE" {
            let answers = operation.told["responses"].as_object().unwrap();
            let tagged = answers.iter().any(|(_, answer)| answer["headers"].get("ETag").is_some());
            assert!(tagged, "{id} takes an ETag, and its answer bears none");
        }
        if method == "PATCH" {
            let content = operation.told["requestBody"]["content"].as_object().unwrap();
            assert_eq!(content.keys().collect::<Vec<_>>(), ["application/merge-patch+json"], "{id}");
        }
        if operation.told["responses"].get("202").is_some() && operation.answers().is_some() {
            assert!(
                ["POST", "PUT", "PATCH", "DELETE"].contains(&method),
                "{id}: what is asynchronous changes something"
            );
        }
    }
}

#[test]
fn fields_are_in_snake_case_and_times_are_times() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        for (field, told) in schema["properties"].as_object().into_iter().flatten() {
            // The problem's own names are RFC 9457's.
            let snake = field.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
            assert!(snake, "{name}.{field}");
            assert!(
                told.get("description").is_some() || told.get("$ref").is_some() || told.get("oneOf").is_some(),
                "{name}.{field}"
            );
            if field.ends_with("_at") {
                assert_eq!(told["format"], "date-time", "{name}.{field}");
            }
        }
    }
}

async fn other_methods_are_405_and_named_in_allow(orbit: TestApp) {
    let root = orbit.root();
    let all = operations();
    let paths: BTreeSet<&str> = all.iter().map(|o| o.path.as_str()).collect();
    for path in paths {
        let of_path: Vec<&Operation> = all.iter().filter(|o| o.path == path).collect();
        let mut known: BTreeSet<String> = of_path.iter().map(|o| o.method.to_string()).collect();
        if known.contains("GET") {
            known.insert("HEAD".to_owned());
        }
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().filter(|m| !known.contains(*m)) {
            let answer = root.call(method.parse().unwrap(), &of_path[0].nowhere()).send().await;
            answer.problem(405, "method");
            let allowed: BTreeSet<String> = answer.header("allow").split(',').map(|m| m.trim().to_owned()).collect();
            assert_eq!(allowed, known, "{method} {path}");
        }
    }
}

async fn head_is_get_without_a_body(orbit: TestApp) {
    let root = orbit.root();
    for operation in operations().into_iter().filter(|o| o.method == Method::GET) {
        let path = operation.nowhere();
        let (get, head) = (root.get(&path).await, root.call(Method::HEAD, &path).send().await);
        assert_eq!((head.status, head.raw.as_str()), (get.status, ""), "{path}");
        assert_eq!(head.headers.get("content-type"), get.headers.get("content-type"), "{path}");
    }
    let (get, head) =
        (root.get("/v1/workspaces/payments").await, root.call(Method::HEAD, "/v1/workspaces/payments").send().await);
    assert_eq!((head.status, head.raw.as_str(), head.etag()), (200, "", get.etag()));
}

async fn only_json_is_taken_and_given(orbit: TestApp) {
    let root = orbit.root();
    for operation in operations().into_iter().filter(Operation::is_of_the_api) {
        let call = || root.call(operation.method.clone(), &operation.nowhere());
        call().header("accept", "text/html").send().await.problem(406, "not-acceptable").advises("application/json");
        let taken = call().header("accept", "text/html, application/*;q=0.8").send().await;
        assert_ne!(taken.status, 406, "{}", operation.id);
        if operation.told.get("requestBody").is_some() {
            let text = call().header("content-type", "text/plain").bare_text("name = orders").send().await;
            text.problem(415, "media-type").advises("application/json");
        }
    }
}

async fn answers_are_compressed_for_who_asks(orbit: TestApp) {
    let http = reqwest::Client::builder().no_gzip().build().unwrap();
    let get = async |encoding: &str| {
        let call = http.get(format!("{}/v1/openapi.json", orbit.url)).header("accept-encoding", encoding);
        call.send().await.unwrap()
    };
    for encoding in ["gzip", "zstd"] {
        let answer = get(encoding).await;
        assert_eq!(answer.headers()["content-encoding"], encoding);
        assert!(answer.headers()["vary"].to_str().unwrap().contains("accept-encoding"));
        assert!(answer.bytes().await.unwrap().len() < get("identity").await.bytes().await.unwrap().len() / 3);
    }
    assert!(get("identity").await.headers().get("content-encoding").is_none());
}

async fn calls_beyond_the_rate_are_refused_with_the_time_to_wait(orbit: TestApp) {
    const BURST: u32 = 3;
    let slow = |made: &mut Made| {
        made.calls = CallRate { per_second: NonZeroU32::MIN, burst: NonZeroU32::new(BURST).unwrap() };
    };
    let limited = orbit.replica(&slow).await;
    let (dev, other) = (orbit.dev().await.on(&limited), orbit.stranger("other").await.on(&limited));
    let look = async |who: &Person| -> Answer { who.get("/v1/whoami").await };

    for left in (0..BURST).rev() {
        let answer = look(&dev).await;
        assert_eq!(answer.ok().header("ratelimit-policy"), "\"principal\";q=3;w=3");
        assert!(answer.header("ratelimit").starts_with(&format!("\"principal\";r={left};t=")), "{:?}", answer.headers);
    }
    let refused = look(&dev).await;
    refused.problem(429, "too-many-calls").advises("Retry-After");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit")), ("1", "\"principal\";r=0;t=1"));
    look(&other).await.ok();
    dev.call(Method::POST, "/v1/workspaces").json(&json!({ "slug": "x" })).send().await.problem(429, "too-many-calls");
    limited.stop().await;
}
