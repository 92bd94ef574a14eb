//! Stories against a server that is played by wiremock.

mod calls;
mod errors;
mod retries;
mod waits;

use super::{Client, retry::Retry};
use crate::{OperationState, TopicCreate, TopicSpec};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const TOKEN: &str = "orbit_canary_token";

/// Short pauses, so that nobody waits.
fn quick() -> Retry {
    Retry {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(5),
        budget: Duration::from_secs(5),
        down: Duration::from_millis(50),
        ..Retry::default()
    }
}

fn client_of(endpoint: &str) -> Client {
    Client::builder(endpoint).token(TOKEN).run_id("run-7").retry(quick()).build().unwrap()
}

/// A server that answers one call after the other with these, and the last one for ever.
async fn server(answers: impl IntoIterator<Item = ResponseTemplate>) -> (MockServer, Client) {
    let server = MockServer::start().await;
    for answer in answers {
        Mock::given(any()).respond_with(answer).up_to_n_times(1).mount(&server).await;
    }
    let client = client_of(&server.uri());
    (server, client)
}

async fn seen(server: &MockServer) -> Vec<Request> {
    server.received_requests().await.unwrap()
}

#[track_caller]
fn header(request: &Request, name: &str) -> String {
    let value = request.headers.get(name).unwrap_or_else(|| panic!("no {name}"));
    value.to_str().unwrap().to_owned()
}

fn orders() -> TopicCreate {
    let spec = TopicSpec { partitions: Some(6), ..TopicSpec::default() };
    TopicCreate::new("payments-team", "dev", "orders", spec)
}

fn topic() -> Value {
    json!({
        "id": "top_1", "workspace": "payments-team", "environment": "dev", "name": "orders", "partitions": 6,
        "cluster": "main", "physical_name": "dev.payments-team.orders", "status": "active", "approval_required": false,
        "revision": 1, "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
    })
}

fn problem(status: u16, code: &str) -> ResponseTemplate {
    let body = json!({
        "type": format!("https://orbit.example/errors#{code}"), "title": code, "status": status, "code": code,
        "detail": "It did not work.",
    });
    ResponseTemplate::new(status).set_body_raw(body.to_string(), "application/problem+json")
}

fn operation(state: OperationState) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "op_1", "kind": "TopicProvisioning", "state": state, "workspace": "payments-team", "cluster": "main",
        "request_id": "req_1", "steps": [], "created_at": "2026-01-02T03:04:05Z",
    }))
}
