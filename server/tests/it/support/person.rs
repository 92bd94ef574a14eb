//! Somebody with a token, and the calls they make.

use super::{Answer, Running, TestApp};
use reqwest::{Method, header};
use serde_json::{Value, json};

/// Somebody who calls Orbit.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) token: String,
    url: String,
    http: reqwest::Client,
}

/// A call that is being made.
pub(crate) struct Call(reqwest::RequestBuilder);

impl Call {
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }
    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }
    pub(crate) fn if_match(self, etag: &str) -> Self {
        self.header("if-match", etag)
    }
    pub(crate) fn json(self, body: &Value) -> Self {
        Self(self.0.json(body))
    }
    /// A body that need not be JSON, sent as if it were.
    pub(crate) fn text(self, body: impl Into<String>) -> Self {
        Self(self.0.header(header::CONTENT_TYPE, "application/json").body(body.into()))
    }
    /// A body of whatever type the call says.
    pub(crate) fn bare_text(self, body: &str) -> Self {
        Self(self.0.body(body.to_owned()))
    }
    pub(crate) async fn send(self) -> Answer {
        let response = self.0.send().await.expect("the server answers");
        Answer::read(response).await
    }
}

impl Person {
    pub(crate) fn new(token: &str, orbit: &TestApp) -> Self {
        Self { token: token.to_owned(), url: orbit.url.clone(), http: orbit.http.clone() }
    }
    /// The same one, calling another server.
    pub(crate) fn on(&self, server: &Running) -> Self {
        Self { url: server.url.clone(), ..self.clone() }
    }
    /// The same one with another token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: token.to_owned(), ..self.clone() }
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        Call(self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token))
    }
    pub(crate) fn bare_call(&self, method: Method, path: &str) -> Call {
        Call(self.http.request(method, format!("{}{path}", self.url)))
    }
    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path).json(&body).send().await
    }
    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path).json(&body).send().await
    }
    pub(crate) async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path).json(&body).send().await
    }
    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).send().await
    }

    /// Registers a cluster without credentials.
    pub(crate) async fn register(&self, slug: &str, address: &str) -> Answer {
        let connection = json!({ "bootstrap_servers": [address], "security_protocol": "PLAINTEXT" });
        self.post("/v1/clusters", json!({ "slug": slug, "connection": connection })).await
    }
    /// Registers a cluster that takes a password.
    pub(crate) async fn register_with_password(&self, slug: &str, address: &str, password: &str) -> Answer {
        let connection = json!({
            "bootstrap_servers": [address], "security_protocol": "SASL_SSL", "sasl_mechanism": "SCRAM-SHA-512", "sasl_username": "orbit",
        });
        let credentials = json!({ "sasl_password": password });
        self.post("/v1/clusters", json!({ "slug": slug, "connection": connection, "credentials": credentials })).await
    }
    /// Replaces the policy that every story begins with.
    pub(crate) async fn platform_policy(&self, rules: Value) {
        self.put("/v1/topic-policies/platform", rules).await.ok();
    }

    pub(crate) async fn request(&self, id: &str) -> Answer {
        self.get(&format!("/v1/requests/{id}")).await
    }
    pub(crate) async fn approve(&self, id: &str) -> Answer {
        self.post(&format!("/v1/requests/{id}/approve"), json!({})).await
    }
    pub(crate) async fn reject(&self, id: &str, reason: &str) -> Answer {
        self.post(&format!("/v1/requests/{id}/reject"), json!({ "reason": reason })).await
    }
    pub(crate) async fn withdraw(&self, id: &str) -> Answer {
        self.post(&format!("/v1/requests/{id}/withdraw"), json!({})).await
    }
    pub(crate) async fn operation(&self, id: &str) -> Answer {
        self.get(&format!("/v1/operations/{id}")).await
    }
    /// The operation once it is over.
    pub(crate) async fn operation_end(&self, id: &str) -> Answer {
        super::until("the operation is over", async || {
            let seen = self.get(&format!("/v1/operations/{id}?wait=5s")).await;
            let over = ["succeeded", "rolled-back", "stuck", "cancelled"].contains(&seen.ok().text("/state"));
            over.then_some(seen)
        })
        .await
    }

    /// Every item of a list, page by page. Panics where a page is larger than asked.
    pub(crate) async fn all(&self, list: &str, limit: usize) -> Vec<Value> {
        let (mut items, mut cursor) = (Vec::new(), String::new());
        let glue = if list.contains('?') { '&' } else { '?' };
        for _ in 0..1_000 {
            let page = self.get(&format!("{list}{glue}limit={limit}{cursor}")).await;
            let these = page.ok().body["items"].as_array().unwrap().clone();
            assert!(these.len() <= limit, "{list} gives {} items of at most {limit}", these.len());
            items.extend(these);
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
        panic!("{list} does not end");
    }
}
