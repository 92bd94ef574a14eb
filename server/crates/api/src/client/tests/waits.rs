//! Waiting for operations and requests.

use super::{client_of, operation, problem, seen, server};
use crate::{OperationState, RequestState, client::Waited};
use serde_json::json;
use std::{
    future::{pending, ready},
    time::Duration,
};
use wiremock::ResponseTemplate;

fn request(state: RequestState) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({
        "id": "req_1", "state": state, "workspace": "payments-team", "requester": "ci", "items": [],
        "verdict": {"decision": "needs-approval"}, "needs": [], "url": "https://orbit.example/r/req_1",
        "created_at": "2026-01-02T03:04:05Z", "expires_at": "2026-01-16T03:04:05Z", "revision": 1,
    }))
}

#[tokio::test]
async fn an_operation_is_polled_until_it_ends() {
    let states = [OperationState::Pending, OperationState::Waiting, OperationState::Succeeded];
    let (server, client) = server(states.map(operation)).await;

    let waited = client.wait_operation("op_1", pending()).await.unwrap();

    assert!(matches!(waited, Waited::Done(operation) if operation.state == OperationState::Succeeded));
    let requests = seen(&server).await;
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|r| r.url.path() == "/v1/operations/op_1" && r.url.query() == Some("wait=30s")));
}

#[tokio::test]
async fn a_request_is_polled_until_it_is_decided() {
    let (_server, client) = server([RequestState::Pending, RequestState::Rejected].map(request)).await;
    let waited = client.wait_request("req_1", pending()).await.unwrap();
    assert!(matches!(waited, Waited::Done(request) if request.state == RequestState::Rejected));
}

#[tokio::test]
async fn stopping_ends_the_wait_at_once_with_what_is_known() {
    let held_back = operation(OperationState::Running).set_delay(Duration::from_secs(20));
    let (server, client) = server([operation(OperationState::Running), held_back]).await;
    let stop = async {
        while seen(&server).await.len() < 2 {
            tokio::task::yield_now().await;
        }
    };

    let waited = client.wait_operation("op_1", stop).await.unwrap();

    assert!(matches!(waited, Waited::Stopped(Some(operation)) if operation.state == OperationState::Running));
}

#[tokio::test]
async fn who_has_stopped_already_asks_nothing() {
    let client = client_of("http://127.0.0.1:1");
    assert_eq!(client.wait_operation("op_1", ready(())).await.unwrap(), Waited::Stopped(None));
}

#[tokio::test]
async fn a_wait_fails_when_a_call_does() {
    let (_server, client) = server([problem(404, "operation.not-found")]).await;
    let error = client.wait_operation("op_1", pending()).await.unwrap_err();
    assert_eq!(error.code(), Some("operation.not-found"));
}
