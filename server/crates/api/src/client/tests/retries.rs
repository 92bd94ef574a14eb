//! Trying again, and giving up.

use super::{client_of, header, orders, problem, quick, seen, server, topic};
use crate::{
    TokenCreate,
    client::{Client, ClientError, TopicRead, retry::Retry},
};
use std::{
    collections::BTreeSet,
    net::TcpListener,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use wiremock::ResponseTemplate;

fn busy(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

fn fine() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_json(topic())
}

/// An address that nobody listens at.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_busy_server_is_asked_again_with_the_same_key() {
    let (server, client) = server([problem(503, "unavailable"), busy(429), busy(502), busy(504), fine(), fine()]).await;

    client.topic_create(&orders()).await.unwrap();
    client.topic_create(&orders()).await.unwrap();

    let requests = seen(&server).await;
    let keys: Vec<String> = requests.iter().map(|request| header(request, "idempotency-key")).collect();
    assert_eq!(keys.len(), 6);
    assert_eq!(keys[..5].iter().collect::<BTreeSet<_>>().len(), 1, "one key over the retries of a call");
    assert_ne!(keys[0], keys[5], "a fresh one for the next call");
}

#[tokio::test]
async fn whoever_has_no_calls_left_waits_for_the_next_one() {
    let spent = fine().insert_header("ratelimit", "\"principal\";r=0;t=1");
    let (_server, client) = server([spent, fine()]).await;
    let begun = Instant::now();
    client.topic_create(&orders()).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(1), "that answer was there already");
    client.topic_create(&orders()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn checklist_34_so_many_calls_are_under_way_and_no_more() {
    const LATE: Duration = Duration::from_millis(60);
    let (server, _) = server(std::iter::repeat_n(fine().set_delay(LATE), 7)).await;
    let client = Client::builder(server.uri()).retry(quick()).at_once(2).build().unwrap();
    let begun = Instant::now();
    let mut calls = JoinSet::new();
    for _ in 0..6 {
        let client = client.clone();
        calls.spawn(async move { client.topic_create(&orders()).await.map(drop) });
    }
    calls.spawn(async move { client.topic_make(&orders(), Duration::from_secs(1)).await.map(drop) });
    assert!(calls.join_all().await.iter().all(Result::is_ok));
    assert!(begun.elapsed() >= 3 * LATE, "two at a time, and one that the server may hold back");
}

#[tokio::test]
async fn checklist_33_retry_after_is_obeyed() {
    let (_server, client) = server([busy(503).insert_header("retry-after", "1"), fine()]).await;
    let begun = Instant::now();
    client.topic_create(&orders()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_server_that_asks_for_more_patience_than_there_is_is_told_at_once() {
    let (server, client) = server([problem(429, "rate-limited").insert_header("retry-after", "3600")]).await;
    let begun = Instant::now();
    let error = client.topic_create(&orders()).await.unwrap_err();
    assert_eq!(error.code(), Some("rate-limited"));
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(seen(&server).await.len(), 1);
}

#[tokio::test]
async fn what_will_not_go_better_is_not_tried_again() {
    for status in [400, 401, 403, 404, 409, 422, 500] {
        let (server, client) = server([problem(status, "no"), fine()]).await;
        assert_eq!(client.topic_create(&orders()).await.unwrap_err().code(), Some("no"));
        assert_eq!(seen(&server).await.len(), 1, "{status}");
    }
}

#[tokio::test]
async fn the_budget_ends() {
    let retry = Retry { budget: Duration::from_millis(60), ..quick() };
    let (server, _) = server(std::iter::repeat_n(problem(503, "unavailable"), 1_000)).await;
    let client = Client::builder(server.uri()).retry(retry).build().unwrap();
    let error = client.topic_get("top_1", TopicRead::default()).await.unwrap_err();
    assert_eq!(error.code(), Some("unavailable"));
    assert!((2..1_000).contains(&seen(&server).await.len()));
}

#[tokio::test]
async fn checklist_36_a_proxy_without_a_server_behind_it_is_told_as_soon_as_nobody_at_all() {
    let page = ResponseTemplate::new(502).set_body_raw("<html>no upstream</html>", "text/html");
    let down = Duration::from_millis(100);
    let retry = Retry { down, longest: Duration::from_millis(20), budget: Duration::from_mins(10), ..quick() };
    let (proxy, _) = server(std::iter::repeat_n(page.clone(), 1_000)).await;
    let client = Client::builder(proxy.uri()).retry(retry.clone()).build().unwrap();
    let error = client.whoami().await.unwrap_err();
    assert!(matches!(error, ClientError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("502 Bad Gateway, text/html instead of JSON: <html>no upstream"), "{error}");

    // Once Orbit has answered, it is a server that starts anew: waited for beyond that.
    let tries = std::iter::once(fine()).chain(std::iter::repeat_n(page, 40)).chain([fine()]);
    let (proxy, _) = server(tries).await;
    let retry = Retry { first: Duration::from_millis(20), ..retry };
    let client = Client::builder(proxy.uri()).retry(retry).build().unwrap();
    client.topic_create(&orders()).await.unwrap();
    client.topic_create(&orders()).await.unwrap();
    assert_eq!(seen(&proxy).await.len(), 42);
}

#[tokio::test]
async fn checklist_36_a_server_that_nobody_reaches_is_given_up_once_and_not_by_every_call() {
    let page = ResponseTemplate::new(502);
    let retry = Retry { down: Duration::from_millis(40), budget: Duration::from_mins(10), ..quick() };
    let (proxy, _) = server(std::iter::repeat_n(page.clone(), 1_000)).await;
    let client = Client::builder(proxy.uri()).retry(retry.clone()).build().unwrap();
    let error = client.whoami().await.unwrap_err();
    let tries = seen(&proxy).await.len();
    for _ in 0..50 {
        assert_eq!(client.whoami().await.unwrap_err(), error, "the same is told");
    }
    assert_eq!(seen(&proxy).await.len(), tries, "and nobody tried");

    // A while later each looks once, and the first answer ends it.
    let answers = std::iter::repeat_n(page, 40).chain(std::iter::repeat_n(fine(), 2));
    let (proxy, _) = server(answers).await;
    let client = Client::builder(proxy.uri()).retry(Retry { rest: Duration::ZERO, ..retry }).build().unwrap();
    client.whoami().await.unwrap_err();
    let tries = seen(&proxy).await.len();
    assert!(tries < 38, "{tries}");
    client.whoami().await.unwrap_err();
    assert_eq!(seen(&proxy).await.len(), tries + 1);
    while client.topic_create(&orders()).await.is_err() {}
    client.topic_create(&orders()).await.unwrap();
    assert_eq!(seen(&proxy).await.len(), 42);
}

#[tokio::test]
async fn checklist_36_a_server_that_takes_connections_and_says_nothing_is_told_unless_it_is_only_slow() {
    let retry = Retry { silence: Duration::from_millis(40), ..quick() };
    let dead = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", dead.local_addr().unwrap());
    let client = Client::builder(&address).retry(retry.clone()).build().unwrap();
    let error = client.whoami().await.unwrap_err().to_string();
    let expected = format!("cannot reach Orbit at {address}: no answer within 0 s, nor to GET {address}/healthz");
    assert_eq!(error, expected);

    let slow = fine().set_delay(Duration::from_millis(300));
    let (server, _) = server([slow, ResponseTemplate::new(200)]).await;
    let client = Client::builder(server.uri()).retry(retry).build().unwrap();
    client.topic_create(&orders()).await.unwrap();
    assert_eq!(seen(&server).await[1].url.path(), "/healthz");
}

#[tokio::test]
async fn nobody_there_is_told_with_address_and_cause() {
    let address = nobody();
    let error = client_of(&address).whoami().await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with(&format!("cannot reach Orbit at {address}: ")), "{text}");
    assert!(text.contains("Connection refused"), "{text}");
}

#[tokio::test]
async fn an_unknown_name_is_told_with_its_cause() {
    let error = client_of("http://orbit.invalid").whoami().await.unwrap_err().to_string();
    assert!(error.starts_with("cannot reach Orbit at http://orbit.invalid: "), "{error}");
    assert!(error.contains("lookup") || error.contains("dns"), "{error}");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_told() {
    let retry = Retry { answer: Duration::from_millis(20), budget: Duration::from_millis(50), ..quick() };
    let late = fine().set_delay(Duration::from_secs(5));
    let (server, _) = server([late.clone(), late.clone(), late.clone(), late]).await;
    let client = Client::builder(server.uri()).retry(retry).build().unwrap();
    let error = client.topic_create(&orders()).await.unwrap_err();
    assert!(error.to_string().contains("no answer within"), "{error}");
}

#[tokio::test]
async fn whether_the_server_is_ready_is_asked_once() {
    let (server, client) = server([problem(503, "unavailable"), ResponseTemplate::new(200)]).await;
    assert_eq!(client.readyz().await.unwrap_err().code(), Some("unavailable"));
    client.readyz().await.unwrap();
    assert_eq!(seen(&server).await.len(), 2);
}

#[tokio::test]
async fn a_token_is_minted_once() {
    let (server, client) = server([busy(503), fine()]).await;
    let new = TokenCreate { principal: None, name: "ci".to_owned(), expires_in_seconds: None };
    client.token_create(&new).await.unwrap_err();
    assert_eq!(seen(&server).await.len(), 1, "a second one would be another token, which nobody knows of");
}
