use crate::support::{TestStore, fresh, on_both};
use orbit_core::{
    id::{AuditEventId, OperationId, RequestId, TokenId},
    policy::Verdict,
};
use orbit_store::{AuditEvent, SYSTEM_PRINCIPAL};
use serde_json::json;
use uuid::Uuid;

fn event(action: &str, object: Option<Uuid>) -> AuditEvent {
    let id = AuditEventId::from_uuid(fresh());
    AuditEvent::new(id, SYSTEM_PRINCIPAL, "orbit", action, "topic", object, "payments/dev/orders")
}

async fn an_object_has_a_trail_newest_first(db: TestStore) {
    let object = fresh();
    let request = RequestId::from_uuid(fresh());
    let full = AuditEvent {
        token: Some(TokenId::from_uuid(fresh())),
        source_address: Some("2001:db8::1".to_owned()),
        workspace: Some(db.workspace("payments").await),
        request: Some(request),
        operation: Some(OperationId::from_uuid(fresh())),
        detail: Some("because".to_owned()),
        before: Some(json!({ "partitions": 3 })),
        after: Some(json!({ "partitions": 6, "text": "ü" })),
        verdict: Some(Verdict::default()),
        ..event("request.filed", Some(object))
    };
    let before = db.read().await.unwrap().now().await.unwrap();
    for e in [
        &full,
        &event("request.approved", Some(object)),
        &event("cluster.registered", Some(fresh())),
        &event("login", None),
    ] {
        db.write(async |tx| tx.audit(e).await).await.unwrap();
    }
    let mut read = db.read().await.unwrap();
    let rows = read.audit_of(object, 10).await.unwrap();
    let told: Vec<_> =
        rows.iter().map(|r| (r.action.as_str(), r.actor.as_str(), r.request_id, r.detail.as_deref())).collect();
    assert_eq!(
        told,
        [("request.approved", "orbit", None, None), ("request.filed", "orbit", Some(request), Some("because"))]
    );
    assert!(rows[1].at >= before);
    assert_eq!(read.audit_of(object, 1).await.unwrap(), rows[..1]);
    assert_eq!(read.audit_of(fresh(), 10).await.unwrap(), []);
    drop(read);
    let kept = db.raw_texts("SELECT CAST(after AS TEXT) FROM audit_event WHERE after IS NOT NULL", 0).await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&kept[0]).unwrap(), full.after.unwrap());
}

async fn an_event_is_of_its_transaction(db: TestStore) {
    let object = fresh();
    let mut tx = db.begin().await.unwrap();
    tx.audit(&event("request.filed", Some(object))).await.unwrap();
    drop(tx);
    assert_eq!(db.read().await.unwrap().audit_of(object, 10).await.unwrap(), []);
    let e = event("request.filed", Some(object));
    db.write(async |tx| tx.audit(&e).await).await.unwrap();
    assert!(db.write(async |tx| tx.audit(&e).await).await.is_err(), "no event is written twice");
}

on_both!(an_object_has_a_trail_newest_first, an_event_is_of_its_transaction);
