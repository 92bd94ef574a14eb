//! Bad input: told whole in one answer, with pointer, code, limit and remedy; nothing changes.

use crate::support::{Answer, Person, TestApp, on_both, on_sqlite};
use reqwest::Method;
use serde_json::{Value, json};

on_both!(every_wrong_field_is_told_in_one_answer_and_nothing_changes, the_character_nul_is_no_accident_of_the_server);
on_sqlite!(
    every_limit_of_a_topic_is_told,
    illegal_names_are_told_with_what_is_right,
    unknown_places_are_told_at_their_fields,
    bodies_that_are_no_json_or_too_large,
    every_noun_of_the_platform_tells_its_wrong_fields,
    every_limit_of_the_platform_is_told,
    clusters_tell_what_does_not_go_together,
    what_a_query_or_a_header_got_wrong,
    duplicates_are_told,
);

async fn every_wrong_field_is_told_in_one_answer_and_nothing_changes(orbit: TestApp) {
    let dev = orbit.dev().await;
    let before = orbit.dump_of_work().await;
    let body = json!({
        "workspace": "payments", "environment": "dev", "name": "bad name", "partitions": 0, "replication_factor": "three",
        "retention_ms": -2, "colour": "blue", "cleanup_policy": "shred", "config": { "a": 1, "retention.ms": "5" },
    });

    let refused = dev.post("/v1/topics", body).await;

    let pointers =
        ["/cleanup_policy", "/colour", "/config/a", "/name", "/partitions", "/replication_factor", "/retention_ms"];
    assert_eq!(refused.invalid().pointers(), pointers);
    let problem = refused.invalid();
    problem.says("7 fields are wrong");
    problem.limits("/partitions", "range", Some("1..100000"));
    problem.limits("/colour", "unknown-field", None);
    problem.limits("/replication_factor", "type", None);
    // Where it was to live, and what no database keeps, stand in the same answer.
    let nowhere = json!({ "workspace": "nowhere", "environment": "nowhere", "name": "bad name", "description": "a\0b", "partitions": 0 });
    let refused = dev.post("/v1/topics", nowhere).await;
    assert_eq!(refused.invalid().pointers(), ["/description", "/environment", "/name", "/partitions", "/workspace"]);
    refused.invalid().limits("/workspace", "workspace.not-found", None);
    assert_eq!(orbit.dump_of_work().await, before);
}

async fn the_character_nul_is_no_accident_of_the_server(orbit: TestApp) {
    let dev = orbit.dev().await;
    let body = json!({ "workspace": "payments", "environment": "dev", "name": "n", "description": "a\0b", "config": { "a\0": "b" }, "tags": ["\0"] });
    let refused = dev.post("/v1/topics", body).await;
    assert_eq!(refused.invalid().pointers(), ["/config", "/description", "/tags/0"]);
    let there = dev.topic("n");
    there.made().await;
    for wrong in [there.patch(json!({ "description": "\0" })).await, there.replace(json!({ "tags": ["\0"] })).await] {
        wrong.invalid();
    }
    for path in
        ["/v1/topics?name=a%00", "/v1/topics?workspace=%00", "/v1/workspaces/%00", "/v1/topics/payments%2F%00%2Fa"]
    {
        dev.get(path).await.problem(400, "malformed");
    }
    dev.get("/v1/workspaces?cursor=AA").await.problem(400, "malformed");
}

async fn refused(dev: &Person, field: &str, value: Value) -> Answer {
    dev.topic("orders").with(field, value).create().await
}

async fn every_limit_of_a_topic_is_told(orbit: TestApp) {
    let dev = orbit.dev().await;
    let many_tags: Vec<_> = (0..33).map(|i| format!("t{i}")).collect();
    let many_settings: serde_json::Map<_, _> = (0..65).map(|i| (format!("k{i}"), json!("v"))).collect();
    for (field, value, pointer, code, limit) in [
        ("partitions", json!(0), "/partitions", "range", Some("1..100000")),
        ("partitions", json!(100_001), "/partitions", "range", Some("1..100000")),
        ("partitions", json!(-1), "/partitions", "type", None),
        ("partitions", json!(1.5), "/partitions", "type", None),
        ("partitions", json!(99_999_999_999_u64), "/partitions", "type", None),
        ("replication_factor", json!(0), "/replication_factor", "range", Some("1..100")),
        ("replication_factor", json!(101), "/replication_factor", "range", Some("1..100")),
        ("retention_ms", json!(-2), "/retention_ms", "range", Some("-1..9223372036854775807")),
        ("cleanup_policy", json!("shred"), "/cleanup_policy", "type", None),
        ("compression", json!("rar"), "/compression", "type", None),
        ("description", json!("x".repeat(2_001)), "/description", "length", Some("2000")),
        ("owner_contact", json!("x".repeat(201)), "/owner_contact", "length", Some("200")),
        ("justification", json!("x".repeat(2_001)), "/justification", "length", Some("2000")),
        ("tags", json!(many_tags), "/tags", "length", Some("32")),
        ("tags", json!([""]), "/tags/0", "length", Some("64")),
        ("tags", json!(["x".repeat(65)]), "/tags/0", "length", Some("64")),
        ("tags", json!("sales"), "/tags", "type", None),
        ("config", json!(many_settings), "/config", "length", Some("64")),
        ("config", json!({ "": "v" }), "/config/", "length", Some("100")),
        ("config", json!({ "a/b~c": "v".repeat(1_001) }), "/config/a~1b~0c", "length", Some("1000")),
        ("config", json!(["a"]), "/config", "type", None),
        ("deletion_protection", json!("yes"), "/deletion_protection", "type", None),
        ("kafka_topic_id", json!("x"), "/kafka_topic_id", "unknown-field", None),
    ] {
        let answer = refused(&dev, field, value).await;
        answer.invalid().limits(pointer, code, limit);
        assert_eq!(answer.invalid().pointers(), [pointer]);
    }
    let twice = dev.topic("orders").retention_ms(1).config("retention.ms", "2").create().await;
    assert_eq!(twice.invalid().pointers().len(), 1);
    twice.invalid().limits("/retention_ms", "given-twice", None);
    let same = dev.topic("same").retention_ms(1).config("retention.ms", "1").create().await;
    same.accepted();
}

async fn illegal_names_are_told_with_what_is_right(orbit: TestApp) {
    let dev = orbit.dev().await;
    let before = orbit.dump_of_work().await;
    for (name, detail) in [
        (String::new(), "is empty: at least one character is due"),
        ("x".repeat(250), "has 250 characters: at most 249 are allowed"),
        ("or ders".into(), "has the character ' ' at position 2: letters, digits, '.', '_' and '-' are allowed"),
        ("größe".into(), "has the character 'ö' at position 2: letters, digits, '.', '_' and '-' are allowed"),
        ("a/b".into(), "has the character '/' at position 1: letters, digits, '.', '_' and '-' are allowed"),
        (".".into(), "\".\" is reserved: Kafka refuses it as a topic name"),
    ] {
        dev.topic(&name).create().await.invalid().names("/name", detail);
    }
    dev.topic("__consumer_offsets").create().await.invalid().limits("/name", "format", None);
    // Legal by itself, too long with the environment and the workspace before it.
    dev.topic(&"x".repeat(249)).create().await.invalid().limits("/name", "topic.name.length", Some("249"));
    assert_eq!(orbit.dump_of_work().await, before);
    let longest = dev.topic(&"x".repeat(249 - "dev.payments.".len()));
    longest.create().await.accepted();
}

async fn unknown_places_are_told_at_their_fields(orbit: TestApp) {
    let dev = orbit.dev().await;
    orbit.root().post("/v1/environments", json!({ "slug": "empty" })).await.created();
    let before = orbit.dump_of_work().await;
    let nowhere = dev.topic("orders").of("nowhere").create().await;
    nowhere.problem(404, "workspace.not-found").limits("/workspace", "workspace.not-found", None);
    let nowhere = dev.topic("orders").with("environment", "nowhere").create().await;
    nowhere.problem(404, "environment.not-found").limits("/environment", "environment.not-found", None);
    let both = dev.topic("orders").of("nowhere").with("environment", "nowhere").create().await;
    assert_eq!(both.problem(404, "workspace.not-found").pointers(), ["/environment", "/workspace"]);
    let unmapped = dev.topic("orders").with("environment", "empty").create().await;
    unmapped.problem(409, "environment.no-cluster").advises("POST /v1/environment-mappings");
    assert_eq!(orbit.dump_of_work().await, before);
}

async fn bodies_that_are_no_json_or_too_large(orbit: TestApp) {
    let dev = orbit.dev().await;
    let before = orbit.dump_of_work().await;
    let post = |text: &str| dev.call(Method::POST, "/v1/topics").text(text).send();
    post("{\"name\": ").await.problem(400, "malformed").says("the body is no JSON: line 1, column 9");
    post(&"[".repeat(10_000)).await.problem(400, "malformed");
    for no_object in ["[]", "\"text\"", "null", "7"] {
        post(no_object).await.problem(422, "invalid");
    }
    let empty = dev.call(Method::POST, "/v1/topics").send().await;
    assert_eq!(empty.invalid().pointers(), ["/environment", "/name", "/workspace"]);
    let large = json!({ "description": "x".repeat(70_000) });
    dev.post("/v1/topics", large.clone()).await.problem(413, "too-large").advises("server.body_limit_bytes");
    dev.patch("/v1/topics/payments%2Fdev%2Forders", large).await.problem(413, "too-large");
    let form = dev.call(Method::POST, "/v1/topics").header("content-type", "text/plain").text("{}").send().await;
    form.problem(415, "media-type").advises("send application/json");
    let latin = dev.call(Method::DELETE, "/v1/topics/payments%2Fdev%2Forders").text("{\"force\": true}").send().await;
    latin.invalid().limits("/force", "unknown-field", None);
    assert_eq!(orbit.dump_of_work().await, before);
}

async fn every_noun_of_the_platform_tells_its_wrong_fields(orbit: TestApp) {
    let root = orbit.root();
    let before = orbit.dump_of_work().await;
    let long = "x".repeat(101);
    for (path, body, pointers) in [
        ("/v1/workspaces", json!({ "slug": "Pay", "display_name": long }), vec!["/display_name", "/slug"]),
        ("/v1/environments", json!({ "slug": "1", "naming_template": "{what}" }), vec!["/naming_template", "/slug"]),
        (
            "/v1/environments",
            json!({ "slug": "x".repeat(40), "default_approvers": vec!["a"; 51] }),
            vec!["/default_approvers", "/slug"],
        ),
        ("/v1/environment-mappings", json!({ "priority": "high" }), vec!["/cluster", "/environment", "/priority"]),
        (
            "/v1/topic-policies",
            json!({
                "name": "A", "scope": "workspace", "partition_limits": { "min": 9, "max": 3 }, "retention_limits": { "min": -1 },
                "naming_pattern": "(", "auto_approve_patterns": ["(?=a)"], "require_approval_for": ["Prod"], "require_schema": true,
            }),
            vec![
                "/auto_approve_patterns/0",
                "/name",
                "/naming_pattern",
                "/partition_limits",
                "/require_approval_for/0",
                "/require_schema",
                "/retention_limits/min",
                "/workspace",
            ],
        ),
        (
            "/v1/topic-policies",
            json!({ "name": "a", "scope": "platform", "environments": ["nowhere"] }),
            vec!["/environments"],
        ),
        ("/v1/principals", json!({ "name": "a b", "kind": "robot" }), vec!["/kind", "/name"]),
        ("/v1/memberships", json!({ "principal": "root", "role": "member" }), vec!["/workspace"]),
        (
            "/v1/memberships",
            json!({ "principal": "root", "role": "platform-admin", "workspace": "payments" }),
            vec!["/workspace"],
        ),
        ("/v1/tokens", json!({ "name": long, "expires_in_seconds": 0 }), vec!["/expires_in_seconds", "/name"]),
        ("/v1/clusters", json!({ "slug": "-" }), vec!["/connection", "/slug"]),
        (
            "/v1/clusters",
            json!({ "slug": "-", "connection": { "bootstrap_servers": [] } }),
            vec!["/connection/bootstrap_servers", "/connection/security_protocol", "/slug"],
        ),
    ] {
        let refused = root.post(path, body).await;
        assert_eq!(refused.invalid().pointers(), pointers, "{path}");
    }
    assert_eq!(orbit.dump_of_work().await, before);
}

async fn every_limit_of_the_platform_is_told(orbit: TestApp) {
    let (root, dev) = (orbit.root(), orbit.dev().await);
    let request = format!("/v1/requests/{}", dev.topic("orders").in_prod().create().await.request_id());
    let (approve, reject) = (format!("{request}/approve"), format!("{request}/reject"));
    let before = orbit.dump_of_work().await;
    let connection = |servers: &[String]| json!({ "bootstrap_servers": servers, "security_protocol": "PLAINTEXT" });
    let main = connection(&["main.test:9092".to_owned()]);
    let cluster = |field: &str, value: Value| json!({ "slug": "second", "connection": &main, field: value });
    let policy = |field: &str, value: Value| json!({ "name": "more", "scope": "platform", field: value });
    let servers: Vec<_> = (1..=21).map(|n| format!("kafka-{n}.test:9092")).collect();
    for (path, body, pointer, code, limit) in [
        ("/v1/clusters", cluster("region", json!("x".repeat(101))), "/region", "length", Some("100")),
        ("/v1/clusters", cluster("residency", json!("x".repeat(101))), "/residency", "length", Some("100")),
        (
            "/v1/clusters",
            cluster("connection", connection(&servers)),
            "/connection/bootstrap_servers",
            "length",
            Some("20"),
        ),
        (
            "/v1/topic-policies",
            policy("auto_approve_patterns", json!(vec!["a"; 51])),
            "/auto_approve_patterns",
            "length",
            Some("50"),
        ),
        ("/v1/principals", json!({ "name": "x".repeat(201) }), "/name", "format", Some("200")),
        (
            "/v1/tokens",
            json!({ "name": "long", "expires_in_seconds": 31_536_001 }),
            "/expires_in_seconds",
            "range",
            Some("1..31536000"),
        ),
        (&approve, json!({ "comment": "x".repeat(2_001) }), "/comment", "length", Some("2000")),
        (&reject, json!({ "reason": "x".repeat(2_001) }), "/reason", "length", Some("2000")),
        (&reject, json!({ "reason": " " }), "/reason", "missing", None),
    ] {
        let refused = root.post(path, body).await;
        refused.invalid().limits(pointer, code, limit);
        assert_eq!(refused.invalid().pointers(), [pointer], "{path}");
    }
    for (field, value, pointer) in [
        ("naming_pattern", json!("x".repeat(1_001)), "/naming_pattern"),
        ("auto_approve_patterns", json!(["a", "x".repeat(1_001)]), "/auto_approve_patterns/1"),
    ] {
        let refused = root.post("/v1/topic-policies", policy(field, value)).await;
        assert_eq!(refused.invalid().pointers(), [pointer]);
        assert!(refused.raw.contains("at most 1,000 characters"), "{}", refused.raw);
    }
    assert_eq!(orbit.dump_of_work().await, before);
    // What is just within its limit is taken.
    root.post("/v1/principals", json!({ "name": "x".repeat(200) })).await.created();
    root.post("/v1/clusters", cluster("region", json!("x".repeat(100)))).await.created();
    root.post("/v1/topic-policies", policy("auto_approve_patterns", json!(vec!["x*".repeat(500); 50]))).await.created();
    root.post("/v1/tokens", json!({ "name": "long", "expires_in_seconds": 31_536_000 })).await.created();
    root.post(&approve, json!({ "comment": "x".repeat(2_000) })).await.ok();
}

async fn clusters_tell_what_does_not_go_together(orbit: TestApp) {
    let root = orbit.root();
    let post = async |connection: Value, credentials: Value| {
        root.post("/v1/clusters", json!({ "slug": "c", "connection": connection, "credentials": credentials })).await
    };
    let servers = json!(["kafka", ":9092", "a:1,b:2", "a:99999"]);
    let refused = post(json!({ "bootstrap_servers": servers, "security_protocol": "PLAINTEXT" }), json!({})).await;
    assert_eq!(refused.invalid().pointers().len(), 4);
    let none =
        post(json!({ "bootstrap_servers": [], "security_protocol": "SASL_SSL" }), json!({ "client_key_pem": "k" }))
            .await;
    let pointers = [
        "/connection/bootstrap_servers",
        "/connection/sasl_mechanism",
        "/connection/sasl_username",
        "/credentials/client_key_pem",
        "/credentials/sasl_password",
    ];
    assert_eq!(none.invalid().pointers(), pointers);
    let plain = json!({ "bootstrap_servers": ["nobody.test:9092"], "security_protocol": "PLAINTEXT" });
    post(plain.clone(), json!({ "sasl_password": "x" })).await.invalid().limits(
        "/credentials/sasl_password",
        "missing",
        None,
    );
    let dead = post(plain, json!({})).await;
    let problem = dead.problem(422, "cluster.connection");
    problem.limits("/connection/bootstrap_servers", "cluster.connection", None);
    root.get("/v1/clusters/c").await.problem(404, "cluster.not-found");
}

async fn what_a_query_or_a_header_got_wrong(orbit: TestApp) {
    let dev = orbit.dev().await;
    dev.get("/v1/topics?limit=0").await.invalid().limits("limit", "range", Some("500"));
    dev.get("/v1/topics?limit=501").await.invalid().limits("limit", "range", Some("500"));
    dev.get("/v1/topics?limit=many").await.invalid().field("limit");
    dev.get("/v1/topics?status=gone").await.invalid().field("status");
    let negative = "is of another type: a whole number that is not negative, and not too large is expected";
    dev.get("/v1/topics?limit=-1").await.invalid().names("limit", negative);
    dev.get("/v1/topics?cursor=%25").await.problem(400, "malformed").advises("begin without a cursor");
    dev.get("/v1/topics/%ff").await.problem(400, "malformed");
    dev.get("/v1/nothing").await.problem(404, "no-route");
    dev.call(Method::PUT, "/v1/topics").send().await.problem(405, "method");
    dev.get("/v1/requests/req_0?wait=soon").await.invalid().limits("wait", "format", Some("60s"));
    let orders = dev.topic("orders").path();
    dev.call(Method::DELETE, &orders).if_match("three").send().await.problem(400, "malformed");
    let long = "k".repeat(201);
    let topic = json!({ "workspace": "payments", "environment": "dev", "name": "n" });
    dev.call(Method::POST, "/v1/topics")
        .key(&long)
        .json(&topic)
        .send()
        .await
        .problem(400, "malformed")
        .says("idempotency-key");
    let run = dev.call(Method::POST, "/v1/topics").header("orbit-run-id", &long).json(&topic).send().await;
    run.problem(400, "malformed").says("orbit-run-id");
}

async fn duplicates_are_told(orbit: TestApp) {
    let root = orbit.root();
    let before = orbit.dump_of_work().await;
    for (path, body, pointer, code) in [
        ("/v1/workspaces", json!({ "slug": "payments" }), "/slug", "workspace.exists"),
        ("/v1/environments", json!({ "slug": "dev" }), "/slug", "environment.exists"),
        ("/v1/topic-policies", json!({ "name": "platform", "scope": "platform" }), "/name", "policy.exists"),
        ("/v1/principals", json!({ "name": "root" }), "/name", "principal.exists"),
    ] {
        root.post(path, body).await.problem(409, code).limits(pointer, code, None);
    }
    for (path, body, code) in [
        ("/v1/environment-mappings", json!({ "environment": "dev", "cluster": "main" }), "mapping.exists"),
        ("/v1/memberships", json!({ "principal": "root", "role": "platform-admin" }), "membership.exists"),
    ] {
        root.post(path, body).await.problem(409, code);
    }
    root.register("main", "main.test:9092").await.problem(409, "cluster.exists").limits(
        "/slug",
        "cluster.exists",
        None,
    );
    for (path, code) in [
        ("/v1/workspaces/nowhere", "workspace.not-found"),
        ("/v1/environments/nowhere", "environment.not-found"),
        ("/v1/clusters/nowhere", "cluster.not-found"),
        ("/v1/environment-mappings/nowhere", "mapping.not-found"),
        ("/v1/topic-policies/nowhere", "policy.not-found"),
        ("/v1/principals/nobody", "principal.not-found"),
        ("/v1/topics/nowhere", "topic.not-found"),
        ("/v1/requests/nowhere", "request.not-found"),
        ("/v1/operations/nowhere", "operation.not-found"),
    ] {
        root.get(path).await.problem(404, code);
    }
    for (path, code) in [
        ("/v1/environments/dev", "environment.in-use"),
        ("/v1/clusters/main", "cluster.in-use"),
        ("/v1/memberships/nobody", "membership.not-found"),
        ("/v1/tokens/nobody", "token.not-found"),
    ] {
        let status = if code.ends_with("in-use") { 409 } else { 404 };
        root.delete(path).await.problem(status, code);
    }
    assert_eq!(orbit.dump_of_work().await, before);
}
