//! The canary: a password and tokens that are put in come out nowhere.

use crate::support::{Answer, Person, TestApp, on_both, until};
use serde_json::json;
use std::{
    fmt::Write as _,
    io,
    sync::{Mutex, PoisonError},
};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

on_both!(credentials_and_tokens_are_told_to_nobody);

const PASSWORD: &str = "canary-4f9a-password";
const OTHER: &str = "canary-77c1-password";
const KEY: &str = "canary-0b52-private-key";
/// The private key of a connection that is kept, and the certificate that goes with it: no secret, so it is found.
const KEPT_KEY: &str = "canary-9d3e-private-key";
const KEPT_CERTIFICATE: &str = "canary-9d3e-certificate";

static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Everything that is logged, at every level.
struct Log;
impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        Self
    }
}

/// The caller's own HTTP client is no part of Orbit.
fn listen() {
    let filter = EnvFilter::new("trace,reqwest=off,hyper_util::client=off,h2=off");
    // Where the tests share a process, the first one listens for all.
    drop(tracing_subscriber::fmt().with_env_filter(filter).with_writer(Log).with_ansi(false).try_init());
}

/// As it is, and as a dump shows bytes.
fn spellings(secret: &str) -> [String; 3] {
    let mut hex = String::new();
    for byte in secret.bytes() {
        let _ = write!(hex, "{byte:02x}");
    }
    [secret.to_owned(), hex.to_uppercase(), hex]
}

/// A cluster with a client certificate: it stays registered, so its key stands in the database, encrypted.
async fn register_with_key(root: &Person) -> Vec<Answer> {
    let pem = |what: &str, text: &str| format!("-----BEGIN {what}-----\n{text}\n-----END {what}-----\n");
    let connection = json!({
        "bootstrap_servers": ["mutual.test:9093"], "security_protocol": "SSL", "client_certificate_pem": pem("CERTIFICATE", KEPT_CERTIFICATE),
    });
    let credentials = json!({ "client_key_pem": pem("PRIVATE KEY", KEPT_KEY) });
    let cluster = json!({ "slug": "mutual", "connection": connection, "credentials": credentials });
    let made = root.post("/v1/clusters", cluster.clone()).await;
    made.created();
    let again = root.post("/v1/clusters", cluster).await;
    again.problem(409, "cluster.exists");
    let changed = root.patch("/v1/clusters/mutual", json!({ "credentials": credentials })).await;
    changed.ok();
    let halved = root.patch("/v1/clusters/mutual", json!({ "credentials": { "sasl_password": KEPT_KEY } })).await;
    halved.invalid();
    vec![made, again, changed, halved, root.get("/v1/clusters/mutual").await]
}

async fn credentials_and_tokens_are_told_to_nobody(orbit: TestApp) {
    listen();
    let (root, dev) = (orbit.root(), orbit.dev().await);
    let broker = orbit.brokers.at("safe.test:9092");
    broker.takes_password(PASSWORD);
    let mut said = vec![];

    said.push(root.register_with_password("wrong", "safe.test:9092", OTHER).await);
    said.push(root.register_with_password("safe", "safe.test:9092", PASSWORD).await);
    said.push(root.register_with_password("safe", "safe.test:9092", PASSWORD).await);
    // Wrong shapes: what is told of a field must not tell its value.
    let badly =
        json!({ "slug": "X", "credentials": { "sasl_password": PASSWORD, "client_key_pem": KEY, "more": KEY } });
    said.push(root.post("/v1/clusters", badly).await);
    said.push(root.post("/v1/clusters", json!({ "slug": "x", "credentials": PASSWORD })).await);
    said.push(root.patch("/v1/clusters/safe", json!({ "credentials": { "sasl_password": OTHER } })).await);
    said.push(root.patch("/v1/clusters/safe", json!({ "credentials": { "client_key_pem": KEY } })).await);
    said.push(root.patch("/v1/clusters/safe", json!({ "display_name": "safe" })).await);
    broker.takes_password(OTHER);
    orbit.looked_at("safe").await;
    said.push(root.patch("/v1/clusters/safe", json!({ "credentials": { "sasl_password": OTHER } })).await);
    orbit.brokers.at("mutual.test:9093");
    said.extend(register_with_key(&root).await);
    let minted = dev.post("/v1/tokens", json!({ "name": "second" })).await;
    let token = minted.created().text("/token").to_owned();
    said.push(dev.with_token(&token).get("/v1/whoami").await);
    said.push(dev.with_token(&format!("{token}x")).get("/v1/whoami").await);
    for path in ["/v1/clusters", "/v1/clusters/safe", "/v1/tokens", "/v1/openapi.json", "/metrics"] {
        said.push(root.get(path).await);
    }
    said.push(root.delete("/v1/clusters/safe").await);
    until("the use of the token is noted", async || {
        let tokens = dev.get("/v1/tokens").await.ok().body["items"].as_array().unwrap().clone();
        tokens.iter().any(|token| token["name"] == "second" && token["last_used_at"].is_string()).then_some(())
    })
    .await;

    let mut places: Vec<(String, String)> = said
        .into_iter()
        .map(|answer| ("an answer".to_owned(), format!("{:?} {}", answer.headers, answer.raw)))
        .collect();
    for (table, rows) in orbit.dump().await {
        places.push((format!("table {table}"), rows.join("\n")));
    }
    for file in orbit.files() {
        places.push((file.display().to_string(), String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned()));
    }
    let log = String::from_utf8_lossy(&LOG.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    assert!(log.contains("call answered"), "the log was listened to");
    places.push(("the log".to_owned(), log));
    let found =
        |text: &str, what: &str| places.iter().any(|(place, all)| place.starts_with(what) && all.contains(text));
    assert!(found(KEPT_CERTIFICATE, "an answer") && found(KEPT_CERTIFICATE, "table cluster"), "who looks so finds");
    for secret in [PASSWORD, OTHER, KEY, KEPT_KEY, &token, &dev.token, &root.token] {
        for spelling in spellings(secret) {
            for (place, text) in &places {
                assert!(!text.contains(&spelling), "{spelling} is in {place}");
            }
        }
    }
}
