//! The server itself, its document and its error reference.

use crate::support::{TestApp, on_both, on_sqlite, until};
use orbit_server::app::Code;
use reqwest::Method;
use serde_json::Value;
use std::{collections::BTreeSet, path::Path};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

on_both!(the_server_tells_how_it_is);
on_sqlite!(
    a_server_that_goes_down_says_so_to_who_is_still_connected,
    the_api_can_be_read_and_tried_without_any_other_server,
);

async fn the_server_tells_how_it_is(orbit: TestApp) {
    let anyone = orbit.root();
    let get = async |path: &str| anyone.bare_call(Method::GET, path).send().await;
    assert_eq!(get("/healthz").await.ok().raw, "ok\n");
    assert_eq!(get("/readyz").await.ok().raw, "ready\n");
    let dev = orbit.dev().await;
    dev.topic("orders").made().await;
    dev.topic("orders").create().await.created();
    let figures = get("/metrics").await;
    for line in [
        "orbit_http_requests_total{method=\"POST\",route=\"/v1/topics\",status=\"202\"} 1",
        "orbit_http_requests_total{method=\"POST\",route=\"/v1/topics\",status=\"201\"} 1",
        "# EOF",
    ] {
        assert!(figures.ok().raw.contains(line), "{line} is not in {}", figures.raw);
    }
    let page = get("/docs/errors").await;
    assert!(page.ok().header("content-type").starts_with("text/markdown"));
    let id = "my-own-request-id";
    let told = anyone.bare_call(Method::GET, "/v1/nothing").header("x-request-id", id).send().await;
    assert_eq!(told.text("/request_id"), id);
    let document = get("/v1/openapi.json").await;
    assert_eq!(document.ok().body, serde_json::to_value(orbit_server::http::openapi()).unwrap());
    assert_eq!(document.header("x-content-type-options"), "nosniff");
    assert_eq!(document.header("cache-control"), "no-store");
}

async fn the_api_can_be_read_and_tried_without_any_other_server(orbit: TestApp) {
    let anyone = orbit.root();
    let get = async |path: &str| anyone.bare_call(Method::GET, path).send().await;
    let page = get("/docs/api/").await;
    assert!(page.ok().header("content-type").starts_with("text/html"));
    assert!(page.header("content-security-policy").starts_with("default-src 'none'; script-src 'self'; "));
    let of = |attribute: &'static str| page.raw.split(attribute).skip(1).map(|rest| rest.split('"').next().unwrap());
    let parts: Vec<_> = of("src=\"").chain(of("href=\"")).collect();
    assert!(parts.len() > 4, "{parts:?}");
    for part in parts {
        assert!(!part.contains(':') && !part.starts_with("//"), "{part} is on another server");
        get(&format!("/docs/api/{}", part.trim_start_matches("./"))).await.ok();
    }
    let starts = get("/docs/api/swagger-initializer.js").await;
    assert!(
        starts.raw.contains(r#""url": "/v1/openapi.json""#) && starts.raw.contains(r#""validatorUrl": "none""#),
        "{}",
        starts.raw
    );
    get("/docs/api/nothing.js").await.problem(404, "no-route");
}

async fn a_server_that_goes_down_says_so_to_who_is_still_connected(orbit: TestApp) {
    let root = orbit.root();
    let mut connection = TcpStream::connect(orbit.url.strip_prefix("http://").unwrap()).await.unwrap();
    connection.write_all(b"GET /readyz HTTP/1.1\r\nhost: orbit\r\n").await.unwrap();
    // Connections on which nothing has come in are closed; some calls later it has read the beginning of this one.
    for _ in 0..10 {
        root.bare_call(Method::GET, "/healthz").send().await.ok();
    }
    orbit.tell_to_stop();
    until("it goes down", async || orbit.app.runner.is_stopping().then_some(())).await;

    connection.write_all(b"\r\n").await.unwrap();

    let mut told = String::new();
    connection.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains("the server is going down"), "{told}");
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Codes of findings, of fields, and of failures of operations, as the sources spell them.
fn codes_in_the_sources() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let sources =
        ["server/crates/core/src/policy", "server/crates/core/src/workflows", "server/crates/core/src/workflow"];
    for folder in sources {
        for entry in std::fs::read_dir(repository().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if path.is_file() && !name.contains("test") {
                found.extend(codes_of(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.extend(["operation.waiting", "operation.stuck", "topic.name.length"].map(str::to_owned));
    found
}

/// Texts such as `topic.partitions.limit`: of the first words that codes have.
fn codes_of(source: &str) -> impl Iterator<Item = String> {
    let is_code = |text: &&str| {
        let mut words = text.split('.');
        let first = words.next().is_some_and(|w| ["topic", "kafka", "operation", "workflow"].contains(&w));
        let rest: Vec<_> = words.collect();
        let fits = |w: &&str| !w.is_empty() && w.chars().all(|c| c.is_ascii_lowercase() || c == '-');
        first && !rest.is_empty() && rest.iter().all(fits)
    };
    source.split('"').skip(1).step_by(2).filter(is_code).map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// As Markdown makes it of a heading: GitHub's rule, for the characters that codes have.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#')).map(|h| h.trim_start_matches('#').trim());
    let plain =
        |h: &str| h.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | '_')).collect::<String>();
    let ids = page.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    headings.map(|h| plain(h).to_lowercase().replace(' ', "-")).chain(ids).collect()
}

#[test]
fn every_code_has_a_section_in_the_error_reference() {
    let page = std::fs::read_to_string(repository().join("docs/errors.md")).unwrap();
    let anchors = anchors(&page);
    let known = Code::ALL.iter().map(|code| code.as_str().to_owned());
    let all: BTreeSet<String> = known.chain(codes_in_the_sources()).collect();
    assert!(all.contains("topic.partitions.limit") && all.contains("kafka.refused"), "{all:?}");
    let missing: Vec<_> = all.iter().filter(|code| !anchors.contains(&code.replace('.', "-"))).collect();
    assert!(missing.is_empty(), "docs/errors.md has no section for {missing:?}");
}

#[test]
fn the_openapi_document_is_the_committed_one() {
    let document = orbit_server::http::openapi().to_pretty_json().unwrap() + "\n";
    let file = repository().join("openapi/orbit.v1.json");
    if std::env::var_os("ORBIT_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, &document).unwrap();
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == document,
        "openapi/orbit.v1.json is not what the server says: run this test with ORBIT_BLESS=1"
    );
}

#[test]
fn the_openapi_document_is_sane() {
    let document = serde_json::to_value(orbit_server::http::openapi()).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut ids = BTreeSet::new();
    let mut references = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let at = format!("{method} {path}");
            let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{at} has no operationId"));
            assert!(ids.insert(id.to_owned()), "{id} is there twice");
            assert!(operation["tags"].as_array().is_some_and(|tags| tags.len() == 1), "{at} has no tag");
            let named = path.matches('{').count();
            let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            assert_eq!(parameters.iter().filter(|p| p["in"] == "path").count(), named, "{at}");
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{at} never goes well");
            for (status, response) in responses.iter().filter(|(s, _)| !s.starts_with('2')) {
                let kinds = response["content"].as_object().unwrap_or_else(|| panic!("{at} {status} has no body"));
                let problem = |kind: &Value| kind["schema"]["$ref"] == "#/components/schemas/Problem";
                assert!(
                    kinds.contains_key("application/problem+json") && kinds.values().all(problem),
                    "{at} {status}: {kinds:?}"
                );
            }
            let open = ["healthz", "readyz", "metrics"].contains(&id);
            assert_eq!(responses.contains_key("4XX"), !open, "{at}");
        }
    }
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect(value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|v| collect(v, into));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, into)),
        _ => {}
    }
}

/// Those of request bodies are called by the role table.
#[test]
fn the_examples_of_the_document_are_what_the_types_say() {
    fn read_back<T: serde::de::DeserializeOwned + serde::Serialize>(schemas: &Value, name: &str) {
        let example = &schemas[name]["examples"][0];
        let read: T = serde_json::from_value(example.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(serde_json::to_value(read).unwrap(), *example, "{name}");
    }
    let document = serde_json::to_value(orbit_server::http::openapi()).unwrap();
    let schemas = &document["components"]["schemas"];
    read_back::<orbit_api::Problem>(schemas, "Problem");
    read_back::<orbit_api::Topic>(schemas, "Topic");
    read_back::<orbit_api::Request>(schemas, "Request");
    read_back::<orbit_api::Operation>(schemas, "Operation");
    read_back::<orbit_api::TopicEvaluation>(schemas, "TopicEvaluation");
    let with_example = schemas.as_object().unwrap().values().filter(|schema| schema.get("examples").is_some());
    assert_eq!(with_example.count(), 5, "each is read back above");
}

/// What the Rust client has no function for: `/metrics` is text for Prometheus.
const NOT_IN_THE_CLIENT: [&str; 1] = ["metrics"];

#[test]
fn the_rust_client_covers_every_operation_of_the_document() {
    let folder = repository().join("server/crates/api/src/client");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let source: String =
        files.filter(|file| file.is_file()).map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let has = |operation: &str| {
        let verbs = ["fn", "create", "get", "list", "update", "delete"];
        let ends = |rest: &str| rest.starts_with(['(', ',', ')', '\n']);
        verbs.iter().any(|verb| source.split(&format!("{verb} {operation}")).skip(1).any(ends))
    };
    let document = serde_json::to_value(orbit_server::http::openapi()).unwrap();
    let items = document["paths"].as_object().unwrap().values().flat_map(|item| item.as_object().unwrap().values());
    let operations: Vec<_> = items.filter_map(|operation| operation["operationId"].as_str()).collect();
    assert!(operations.len() > 70, "{}", operations.len());
    let missing: Vec<_> = operations.iter().filter(|o| !has(o) && !NOT_IN_THE_CLIENT.contains(o)).collect();
    assert!(missing.is_empty(), "the client lacks {missing:?}");
}
