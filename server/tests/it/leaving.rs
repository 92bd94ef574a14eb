//! Somebody leaves: what they could do ends at once, what they did keeps their name.

use crate::support::{TestApp, on_both};
use orbit_server::auth::permission::Role;
use reqwest::Method;
use serde_json::json;

on_both!(who_is_deleted_can_do_nothing_more_and_comes_back_by_name, nobody_deletes_themselves_or_orbit);

async fn who_is_deleted_can_do_nothing_more_and_comes_back_by_name(orbit: TestApp) {
    let root = orbit.root();
    let dev = orbit.dev().await;
    let sam = orbit.person("sam", Role::Member, "payments").await;
    sam.topic("orders").made().await;
    let before = root.get("/v1/principals/sam").await.ok().id();

    root.delete("/v1/principals/sam").await.gone();
    sam.get("/v1/whoami").await.problem(401, "unauthenticated");
    root.get("/v1/principals/sam").await.problem(404, "principal.not-found");
    root.delete("/v1/principals/sam").await.problem(404, "principal.not-found");
    let role = json!({ "principal": "sam", "role": "viewer", "workspace": "payments" });
    root.post("/v1/memberships", role.clone()).await.problem(404, "principal.not-found");
    let listed = root.get("/v1/principals?limit=100").await;
    assert!(!listed.ok().raw.contains("\"sam\""), "{}", listed.raw);
    dev.topic("orders").active().await;
    let requests = root.get("/v1/requests?requester=sam").await;
    assert_eq!(requests.text("/items/0/requester"), "sam", "what they asked for keeps their name");

    let again = root.post("/v1/principals", json!({ "name": "sam", "kind": "service" })).await;
    assert_eq!(again.created().id(), before, "it is the same principal");
    sam.get("/v1/whoami").await.problem(401, "unauthenticated").says("revoked");
    assert_eq!(
        root.get("/v1/memberships?limit=100").await.raw.matches("\"sam\"").count(),
        0,
        "roles are not given back"
    );
    root.post("/v1/memberships", role).await.created();
}

async fn nobody_deletes_themselves_or_orbit(orbit: TestApp) {
    let root = orbit.root();
    root.delete("/v1/principals/root").await.problem(409, "principal.self").advises("another platform admin");
    root.delete("/v1/principals/orbit").await.problem(403, "forbidden");
    root.post("/v1/principals", json!({ "name": "kim" })).await.created();
    let read = root.get("/v1/principals/kim").await.ok().etag();
    root.call(Method::PATCH, "/v1/principals/kim").json(&json!({ "email": "kim@example.com" })).send().await.ok();
    root.call(Method::DELETE, "/v1/principals/kim").if_match(&read).send().await.problem(412, "stale");
}
