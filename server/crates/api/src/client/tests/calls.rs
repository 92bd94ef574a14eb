//! What goes over the wire.

use super::{header, operation, orders, seen, server, topic};
use crate::{
    OperationState, TopicPatch, TopicSpec,
    client::{Client, Deleted, PageQuery, Submitted, TopicQuery, TopicRead},
};
use serde_json::{Value, json};
use std::time::Duration;
use wiremock::ResponseTemplate;

fn ok(body: Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

#[tokio::test]
async fn a_create_carries_token_key_and_run() {
    let (server, client) = server([ResponseTemplate::new(202).set_body_json(topic())]).await;

    let answer = client.topic_create(&orders()).await.unwrap();

    assert!(matches!(answer, Submitted::Accepted(topic) if topic.id == "top_1"));
    let request = &seen(&server).await[0];
    assert_eq!((request.method.as_str(), request.url.path()), ("POST", "/v1/topics"));
    assert_eq!(header(request, "authorization"), format!("Bearer {}", super::TOKEN));
    assert_eq!(header(request, "orbit-run-id"), "run-7");
    assert_eq!(header(request, "idempotency-key").len(), 36);
    assert_eq!(header(request, "content-type"), "application/json");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({"workspace": "payments-team", "environment": "dev", "name": "orders", "partitions": 6});
    assert_eq!(body, expected);
}

#[tokio::test]
async fn created_is_done_and_accepted_is_not() {
    let (_server, client) = server([ResponseTemplate::new(201).set_body_json(topic())]).await;
    assert!(matches!(client.topic_create(&orders()).await.unwrap(), Submitted::Done(_)));
}

#[tokio::test]
async fn a_natural_key_is_one_segment_of_the_path() {
    let (server, client) = server([ok(topic())]).await;
    let read = TopicRead { fresh: true, acknowledge: true };

    client.topic_get("payments-team/dev/orders", read).await.unwrap();

    let request = &seen(&server).await[0];
    assert_eq!(request.url.path(), "/v1/topics/payments-team%2Fdev%2Forders");
    assert_eq!(request.url.query(), Some("observe=fresh&acknowledge=true"));
    assert!(!request.headers.contains_key("idempotency-key"));
    assert!(!request.headers.contains_key("orbit-run-id"));
}

#[tokio::test]
async fn a_patch_is_a_merge_patch_in_which_null_unsets() {
    let (server, client) = server([ok(topic())]).await;
    let config = [("flush.ms".to_owned(), Some("5".to_owned())), ("segment.ms".to_owned(), None)];
    let patch = TopicPatch {
        partitions: Some(Some(12)),
        retention_ms: Some(None),
        config: Some(Some(config.into())),
        ..TopicPatch::default()
    };

    client.topic_update("top_1", &patch).await.unwrap();

    let request = &seen(&server).await[0];
    assert_eq!((request.method.as_str(), request.url.path()), ("PATCH", "/v1/topics/top_1"));
    assert_eq!(header(request, "content-type"), "application/merge-patch+json");
    assert_eq!(header(request, "orbit-run-id"), "run-7");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!((&body["partitions"], &body["retention_ms"]), (&json!(12), &Value::Null));
    assert!(body.as_object().unwrap().contains_key("retention_ms"), "null, not absent");
    assert_eq!(body["config"], json!({ "flush.ms": "5", "segment.ms": null }));
    assert!(!body.as_object().unwrap().contains_key("justification"));
}

#[tokio::test]
async fn a_replacement_is_the_whole_topic() {
    let (server, client) = server([ok(topic())]).await;
    let spec = TopicSpec { partitions: Some(12), ..TopicSpec::default() };

    client.topic_replace("top_1", &spec.into(), None).await.unwrap();

    let request = &seen(&server).await[0];
    assert_eq!((request.method.as_str(), request.url.path()), ("PUT", "/v1/topics/top_1"));
    assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), json!({ "partitions": 12 }));
}

#[tokio::test]
async fn a_delete_says_whether_it_is_gone() {
    let answers = [ResponseTemplate::new(204), ResponseTemplate::new(202).set_body_json(topic())];
    let (_server, client) = server(answers).await;
    assert_eq!(client.topic_delete("top_1", None).await.unwrap(), Deleted::Gone);
    assert!(
        matches!(client.topic_delete("top_1", None).await.unwrap(), Deleted::Accepted(topic) if topic.id == "top_1")
    );
}

#[tokio::test]
async fn a_list_takes_filters_and_a_cursor() {
    let page = json!({"items": [topic()], "next_cursor": "b", "brand_new_field": 1});
    let (server, client) = server([ok(page)]).await;
    let query = TopicQuery {
        workspace: Some("payments-team".into()),
        name: Some("a&b".into()),
        page: PageQuery { limit: Some(5), cursor: Some("a".into()) },
        ..TopicQuery::default()
    };

    let page = client.topic_list(&query).await.unwrap();

    assert_eq!(page.next_cursor.as_deref(), Some("b"));
    assert_eq!(seen(&server).await[0].url.query(), Some("workspace=payments-team&name=a%26b&limit=5&cursor=a"));
}

#[tokio::test]
async fn all_environments_are_read_page_after_page() {
    let page = |slug: &str, next: Option<&str>| {
        ok(json!({"next_cursor": next, "items": [{
            "id": slug, "slug": slug, "display_name": slug, "naming_template": "{name}", "default_approvers": [],
            "clusters": [], "revision": 1, "created_at": "2026-01-02T03:04:05Z",
        }]}))
    };
    let (server, client) = server([page("dev", Some("2")), page("prod", None)]).await;

    let all = client.environment_all().await.unwrap();

    assert_eq!(all.iter().map(|e| e.slug.as_str()).collect::<Vec<_>>(), ["dev", "prod"]);
    let queries: Vec<_> = seen(&server).await.iter().map(|r| r.url.query().map(str::to_owned)).collect();
    assert_eq!(queries, [None, Some("cursor=2".to_owned())]);
}

#[tokio::test]
async fn a_long_poll_says_how_long() {
    let (server, client) = server([operation(OperationState::Running)]).await;
    client.operation_get("op_1", Some(Duration::from_secs(30))).await.unwrap();
    assert_eq!(seen(&server).await[0].url.query(), Some("wait=30s"));
}

#[tokio::test]
async fn the_endpoint_may_have_a_path_of_its_own() {
    let (server, _) = server([ResponseTemplate::new(200)]).await;
    let client = Client::builder(format!("{}/orbit/", server.uri())).build().unwrap();
    client.healthz().await.unwrap();
    assert_eq!(seen(&server).await[0].url.path(), "/orbit/healthz");
}
