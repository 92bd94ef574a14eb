//! What is told when something is wrong, and what never is.

use super::{TOKEN, client_of, orders, problem, server};
use crate::client::{BuildError, Client, ClientError};
use serde_json::json;
use wiremock::ResponseTemplate;

#[tokio::test]
async fn a_problem_arrives_whole() {
    let body = json!({
        "type": "https://orbit.example/errors#policy-denied", "title": "Denied by policy", "status": 422, "code": "policy.denied",
        "detail": "1 rule denies the change.", "request_id": "r-1", "field_of_a_later_version": {},
        "errors": [{
            "pointer": "/partitions", "code": "topic.partitions.limit", "limit": "50", "value": "60",
            "detail": "Denied: exceeds platform limit of 50 partitions", "rule": "\"prod guardrails\" (platform policy, version 7)",
            "remedy": "ask for at most 50",
        }],
    });
    let (_server, client) =
        server([ResponseTemplate::new(422).set_body_raw(body.to_string(), "application/problem+json")]).await;

    let error = client.topic_create(&orders()).await.unwrap_err();

    let problem = error.problem().unwrap();
    assert_eq!((problem.code.as_str(), problem.errors[0].limit.as_deref()), ("policy.denied", Some("50")));
    let text = error.to_string();
    assert_eq!(
        text,
        "1 rule denies the change. [policy.denied]\n  /partitions: Denied: exceeds platform limit of 50 partitions"
    );
}

#[tokio::test]
async fn a_proxys_page_is_told_as_such() {
    let page = ResponseTemplate::new(200).set_body_raw("<html>\n <b>Sign in</b> to continue</html>", "text/html");
    let (server, client) = server([page]).await;
    let error = client.topic_create(&orders()).await.unwrap_err().to_string();
    let call = format!("POST {}/v1/topics was not answered by Orbit as expected (HTTP status 200)", server.uri());
    assert!(error.starts_with(&call), "{error}");
    assert!(error.contains("text/html instead of JSON: <html> <b>Sign in</b> to continue</html>"), "{error}");
}

#[tokio::test]
async fn an_error_that_is_no_problem_is_told_with_its_beginning() {
    let long = "x".repeat(10_000);
    let (_server, client) = server([ResponseTemplate::new(500).set_body_raw(long, "text/plain")]).await;
    let error = client.whoami().await.unwrap_err();
    assert!(matches!(&error, ClientError::Unexpected { status: 500, what, .. } if what.ends_with("xxx…")), "{error}");
    assert!(error.to_string().len() < 400);
}

#[tokio::test]
async fn json_of_another_kind_is_told() {
    let (_server, client) = server([ResponseTemplate::new(200).set_body_json(json!({"hello": "world"}))]).await;
    let error = client.whoami().await.unwrap_err().to_string();
    assert!(error.contains("does not understand the answer: missing field `principal`"), "{error}");
}

#[tokio::test]
async fn an_answer_of_another_version_says_what_to_upgrade() {
    let odd = || ResponseTemplate::new(200).set_body_json(json!({"hello": "world"}));
    for (version, told) in [
        ("99.0.0", Some("and this is orbit-api 0.1.0: upgrade orbit-api")),
        ("0.0.1", Some("upgrade the server")),
        (env!("CARGO_PKG_VERSION"), None),
    ] {
        let (_server, client) = server([odd().insert_header("orbit-version", version)]).await;
        let error = client.whoami().await.unwrap_err().to_string();
        assert_eq!(error.contains("upgrade"), told.is_some(), "{error}");
        assert!(told.is_none_or(|told| error.contains(told) && error.contains(version)), "{error}");
    }
    let (_server, client) = server([problem(404, "no-route").insert_header("orbit-version", "0.0.1")]).await;
    let error = client.topic_acknowledge(vec![]).await.unwrap_err();
    let remedy = error.problem().unwrap().remedy.clone().unwrap();
    assert!(remedy.contains("The server is Orbit 0.0.1") && remedy.contains("upgrade the server"), "{remedy}");
    let (_server, client) = server([problem(404, "topic.not-found").insert_header("orbit-version", "0.0.1")]).await;
    assert_eq!(client.whoami().await.unwrap_err().problem().unwrap().remedy, None, "that has nothing to do with it");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (_server, client) =
        server([ResponseTemplate::new(308).insert_header("location", "https://elsewhere.example/")]).await;
    let error = client.whoami().await.unwrap_err().to_string();
    assert!(error.contains("it redirects to https://elsewhere.example/"), "{error}");
}

#[tokio::test]
async fn the_token_is_in_no_text() {
    let (_server, client) = server([problem(401, "unauthenticated")]).await;
    let error = client.whoami().await.unwrap_err();
    let builder = Client::builder("http://localhost").token(TOKEN);
    let bad = Client::builder("http://localhost").token(format!("{TOKEN}\n")).build().unwrap_err();
    for text in [
        format!("{client:?}"),
        format!("{builder:?}"),
        format!("{error:?} {error}"),
        format!("{bad:?} {bad}"),
        format!("{:?}", client.shared.authorization),
    ] {
        assert!(!text.contains(TOKEN), "{text}");
    }
}

#[test]
fn an_endpoint_must_be_one() {
    for (endpoint, part) in [
        ("orbit.example.com", "an example is https://orbit.example.com"),
        ("ftp://orbit.example.com", "does not begin with https:// or http://"),
        ("https://orbit.example.com/?x=1", "query"),
        ("", "an example is"),
    ] {
        let error = Client::builder(endpoint).build().unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let error = Client::builder("https://me:s3cret@orbit.example.com").build().unwrap_err();
    assert!(!format!("{error:?} {error}").contains("s3cret"), "{error}");
}

#[test]
fn certificate_authorities_must_be_some() {
    let build = |builder: crate::client::Builder| builder.build().unwrap_err().to_string();
    let missing = build(Client::builder("https://localhost").ca_file("no/such.pem"));
    assert!(missing.contains("no/such.pem") && missing.contains("No such file"), "{missing}");
    let empty = build(Client::builder("https://localhost").ca_pem("not a certificate"));
    assert!(empty.contains("there is no PEM certificate in it"), "{empty}");
}

#[test]
fn a_run_id_must_be_sendable() {
    for id in ["", "ü", "a\nb", &"x".repeat(201)] {
        let error = Client::builder("http://localhost").run_id(id).build().unwrap_err();
        assert_eq!(error, BuildError::RunId(id.to_owned()));
    }
    assert_eq!(client_of("http://localhost").run_id(), Some("run-7"));
}
