//! Mapping and overlay.

use super::{ManagedTopic, drift, mapping};
use orbit_api::{Topic, TopicSpec};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tfplugin::{Computed, Model as _};

fn told(more: Value) -> Topic {
    let mut topic = json!({
        "id": "top_1", "workspace": "payments-team", "environment": "prod", "name": "orders", "cluster": "main",
        "physical_name": "prod.payments-team.orders", "kafka_topic_id": "k-1", "status": "active", "workflow_id": "op_1",
        "approval_required": false, "revision": 1,
        "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
    });
    if let (Value::Object(topic), Value::Object(more)) = (&mut topic, more) {
        topic.extend(more);
    }
    serde_json::from_value(topic).unwrap()
}

fn state(more: Value) -> ManagedTopic {
    ManagedTopic::imported(&told(more))
}

fn settings(all: &[(&str, &str)]) -> BTreeMap<String, String> {
    all.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn every_attribute_goes_there_and_back() {
    let all = json!({
        "partitions": 6, "replication_factor": 3, "retention_ms": -1, "cleanup_policy": "compact,delete", "compression": "none",
        "config": {"min.insync.replicas": "2"}, "description": "d", "tags": ["a"], "owner_contact": "o", "deletion_protection": true,
    });
    let expected: TopicSpec = serde_json::from_value(all.clone()).unwrap();
    let state = state(all);
    assert_eq!(state.spec().unwrap(), expected);
    assert_eq!(ManagedTopic::from_object(&state.to_object()).unwrap(), state);
    assert_eq!(
        state.clone().refreshed(&told(serde_json::to_value(expected).unwrap())),
        state,
        "a refresh of the same changes nothing"
    );
}

#[test]
fn what_is_left_to_orbit_is_filled_in_and_what_was_planned_stays() {
    let planned = ManagedTopic {
        cluster: "elsewhere".to_owned().into(),
        id: Computed::absent(),
        status: Computed::absent(),
        workflow_id: Computed::absent(),
        ..state(json!({}))
    };
    let filled = planned.filled(&told(json!({})));
    assert_eq!(filled.cluster.get().unwrap(), "elsewhere");
    assert_eq!(filled.id.get().unwrap(), "top_1");
    assert_eq!(filled.status.get().unwrap(), "active");
    assert_eq!(filled.workflow_id.get().unwrap().as_deref(), Some("op_1"));
}

#[test]
fn a_request_is_linked_while_it_is_open_or_refused() {
    for (standing, linked) in
        [("pending", true), ("rejected", true), ("withdrawn", false), ("expired", false), ("approved", false)]
    {
        let request = json!({
            "id": "req_1", "state": standing, "action": "update", "url": "https://o/r", "requester": "ci", "approvers": "a", "because": "b",
        });
        let state = state(json!({"request": request}));
        assert_eq!(state.request_url.get().unwrap().is_some(), linked, "{standing}");
    }
}

#[test]
fn a_refresh_keeps_how_the_user_wrote_what_means_the_same() {
    let written = ManagedTopic {
        config: Some(settings(&[("a", "1,2"), ("b", "007"), ("c", "TRUE")])),
        tags: Some([].into()),
        description: Some(String::new()),
        deletion_protection: None,
        ..state(json!({}))
    };
    let told = told(json!({"config": {"a": "2, 1", "b": "7", "c": "true"}, "deletion_protection": false}));
    assert_eq!(written.clone().refreshed(&told), written);
}

#[test]
fn a_refresh_shows_what_somebody_asked_for_elsewhere() {
    let now = state(json!({"description": "old", "config": {"a": "1"}}));
    let found = now.refreshed(&told(
        json!({"description": "new", "config": {"a": "1", "b": "2"}, "retention_ms": 5, "deletion_protection": true}),
    ));
    assert_eq!(found.description.as_deref(), Some("new"));
    assert_eq!(found.config, Some(settings(&[("a", "1"), ("b", "2")])));
    assert_eq!((found.retention_ms, found.deletion_protection), (Some(5), Some(true)));
}

#[test]
fn drift_is_laid_over_in_terraforms_words() {
    let drift = json!([
        {"field": "/partitions", "before": "6", "after": "12"},
        {"field": "/replication_factor", "before": "3", "after": "2"},
        {"field": "/retention_ms", "before": "1"},
        {"field": "/cleanup_policy", "before": "delete", "after": "compact"},
        {"field": "/compression", "before": "zstd", "after": "uncompressed"},
        {"field": "/config/a", "before": "1", "after": "2"},
        {"field": "/config/odd~1key~0", "before": "1"},
        {"field": "/of_a_later_version", "after": "?"},
    ]);
    let topic = told(json!({
        "partitions": 6, "replication_factor": 3, "retention_ms": 1, "cleanup_policy": "delete", "compression": "zstd",
        "config": {"a": "1", "odd/key~": "1", "b": "3"}, "drift": drift,
    }));
    let found = drift::overlay(&topic);
    assert_eq!((found.partitions, found.replication_factor, found.retention_ms), (Some(12), Some(2), None));
    assert_eq!((found.cleanup_policy.as_deref(), found.compression.as_deref()), (Some("compact"), Some("none")));
    assert_eq!(found.config, Some(settings(&[("a", "2"), ("b", "3")])));
    assert!(!drift::is_gone(&topic));
}

#[test]
fn what_is_gone_has_no_kafka_id() {
    let gone = told(json!({"drift": [{"field": ""}]}));
    let found = state(json!({})).refreshed(&gone);
    assert_eq!((found.kafka_topic_id.get().unwrap(), found.id.get().unwrap().as_str()), (&None, "top_1"));
}

#[test]
fn pointers_lead_to_where_the_user_wrote_it() {
    let in_field = state(json!({"retention_ms": 5}));
    let in_config = state(json!({"config": {"retention.ms": "5"}}));
    let place = |state: &ManagedTopic, pointer: &str| state.place(pointer).map(|path| path.to_string());
    for pointer in ["/retention_ms", "/config/retention.ms", "/items/0/topic/retention_ms"] {
        assert_eq!(place(&in_field, pointer).as_deref(), Some("retention_ms"), "{pointer}");
        assert_eq!(place(&in_config, pointer).as_deref(), Some("config[\"retention.ms\"]"), "{pointer}");
    }
    assert_eq!(place(&in_field, "/partitions").as_deref(), Some("partitions"));
    assert_eq!(place(&in_field, "/config/odd~1key").as_deref(), Some("config[\"odd/key\"]"));
    assert_eq!(place(&in_field, "/config").as_deref(), Some("config"));
    assert_eq!(place(&in_field, "/justification").as_deref(), Some("request.justification"));
    assert_eq!(place(&in_field, "/items/0/topic/producers").as_deref(), Some("request.producers"));
    for nowhere in ["", "/", "/nonsense", "partitions"] {
        assert_eq!(place(&in_field, nowhere), None, "{nowhere}");
    }
}

#[test]
fn enums_are_spelled_as_on_the_wire() {
    for text in ["delete", "compact", "compact,delete"] {
        assert_eq!(mapping::cleanup_policy(text).unwrap().to_string(), text);
    }
    for text in ["none", "gzip", "snappy", "lz4", "zstd"] {
        assert_eq!(mapping::compression(text).unwrap().to_string(), text);
    }
    assert!(mapping::cleanup_policy("Delete").is_err());
    assert!(mapping::compression("producer").is_err());
}
