//! `ETag` and `If-Match`: who read something older does not write over what came since.

use crate::support::{TestApp, on_both};
use reqwest::Method;
use serde_json::{Value, json};

on_both!(
    every_write_takes_the_revision_that_was_read,
    null_takes_away_only_what_can_be_absent,
    a_topic_that_changed_is_not_written_over,
    a_request_that_changed_is_not_decided
);

async fn every_write_takes_the_revision_that_was_read(orbit: TestApp) {
    let root = orbit.root();
    root.post("/v1/workspaces", json!({ "slug": "w" })).await.created();
    root.post("/v1/environments", json!({ "slug": "e" })).await.created();
    root.register("c", "main.test:9092").await.created();
    root.post("/v1/topic-policies", json!({ "name": "p", "scope": "platform", "environments": ["e"] })).await.created();
    let mapping = root.post("/v1/environment-mappings", json!({ "environment": "e", "cluster": "c" })).await;
    let mapping = format!("/v1/environment-mappings/{}", mapping.created().id());
    let name = |name| json!({ "display_name": name });
    let limit = |max| json!({ "partition_limits": { "max": max } });
    for (path, change) in [
        (mapping.as_str(), None),
        ("/v1/topic-policies/p", Some((Method::PUT, limit(3), limit(4)))),
        ("/v1/workspaces/w", Some((Method::PATCH, name("new"), name("other")))),
        ("/v1/environments/e", Some((Method::PATCH, name("new"), name("other")))),
        ("/v1/clusters/c", Some((Method::PATCH, name("new"), name("other")))),
    ] {
        let read = root.get(path).await.ok().etag();
        if let Some((method, body, other)) = change {
            let changed = root.call(method.clone(), path).if_match(&read).json(&body).send().await;
            let now = changed.ok().etag();
            assert_ne!(now, read, "{path}");
            // Said again, as by who lost the answer, it is done; RFC 9110, 13.1.1.
            let again = root.call(method.clone(), path).if_match(&read).json(&body).send().await;
            assert_eq!(again.ok().etag(), now, "{path}");
            root.call(method.clone(), path)
                .if_match(&read)
                .json(&other)
                .send()
                .await
                .problem(412, "stale")
                .advises("read it again");
            root.call(Method::DELETE, path).if_match(&read).send().await.problem(412, "stale");
            root.call(method, path).if_match("*").json(&body).send().await.ok();
        } else {
            root.call(Method::DELETE, path).if_match("\"7\"").send().await.problem(412, "stale");
        }
        let now = root.get(path).await.ok().etag();
        root.call(Method::DELETE, path).if_match(&now).send().await.gone();
    }
    root.post("/v1/principals", json!({ "name": "kim" })).await.created();
    let kim = |mail: &'static str, etag: String| {
        root.call(Method::PATCH, "/v1/principals/kim").if_match(&etag).json(&json!({ "email": mail })).send()
    };
    let read = root.get("/v1/principals/kim").await.ok().etag();
    let now = kim("kim@example.com", read.clone()).await.ok().etag();
    assert_ne!(now, read);
    assert_eq!(kim("kim@example.com", read.clone()).await.ok().etag(), now);
    kim("late@example.com", read).await.problem(412, "stale").says("principal kim was changed");
}

async fn null_takes_away_only_what_can_be_absent(orbit: TestApp) {
    let root = orbit.root();
    let hook = json!({ "name": "ops", "webhook": { "url": "https://hooks.example.com/x" } });
    root.post("/v1/notification-channels", hook).await.created();
    for (path, field) in [
        ("/v1/workspaces/payments", "display_name"),
        ("/v1/environments/dev", "display_name"),
        ("/v1/environments/dev", "default_approvers"),
        ("/v1/clusters/main", "display_name"),
        ("/v1/clusters/main", "connection"),
        ("/v1/clusters/main", "credentials"),
        ("/v1/notification-channels/ops", "webhook"),
        ("/v1/notification-channels/ops", "events"),
    ] {
        let before = root.get(path).await.ok().etag();
        root.patch(path, json!({ field: null })).await.invalid().field(&format!("/{field}"));
        assert_eq!(root.get(path).await.etag(), before, "{path}");
    }
}

async fn a_topic_that_changed_is_not_written_over(orbit: TestApp) {
    let dev = orbit.dev().await;
    let orders = dev.topic("orders").partitions(3);
    let read = orders.made().await.etag();
    orders.patch(json!({ "description": "new" })).await.ok();
    let write = |method: Method, body: Value| dev.call(method, &orders.path()).if_match(&read).json(&body).send();

    write(Method::PATCH, json!({ "partitions": 4 })).await.problem(412, "stale").says("is at revision");
    write(Method::DELETE, json!({})).await.problem(412, "stale");

    assert_eq!(orders.active().await.body["partitions"], 3);
    let now = orders.get().await.etag();
    let (a, b) = tokio::join!(
        dev.call(Method::PATCH, &orders.path()).if_match(&now).json(&json!({ "description": "a" })).send(),
        dev.call(Method::PATCH, &orders.path()).if_match(&now).json(&json!({ "description": "b" })).send(),
    );
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "one of two at once wins");
    assert!(orders.fresh().await.etag() == orders.get().await.etag(), "a look is no change");
}

async fn a_request_that_changed_is_not_decided(orbit: TestApp) {
    let (dev, root) = (orbit.dev().await, orbit.root());
    let id = dev.topic("orders").in_prod().create().await.request_id();
    let read = root.request(&id).await.etag();
    let path = format!("/v1/requests/{id}/approve");
    root.call(Method::POST, &path).if_match("\"9\"").json(&json!({})).send().await.problem(412, "stale");
    root.call(Method::POST, &path).if_match(&read).json(&json!({})).send().await.ok();
}
