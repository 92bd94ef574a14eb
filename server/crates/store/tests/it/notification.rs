//! Channels, and the outbox that leads to them.

use crate::support::{Place, SECOND, TestStore, after, first, fresh, on_both, slug};
use orbit_core::{
    approval::RequestState,
    id::{ChannelId, RequestId, WorkspaceId},
    notification::{EventKind, Target, Template},
};
use orbit_store::{ChannelRow, DeliveryFilter, DeliveryState, NewChannel, OutboxRow, Sealed};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

async fn channel(db: &TestStore, name: &str, workspace: Option<WorkspaceId>) -> ChannelId {
    let new = NewChannel {
        id: ChannelId::from_uuid(fresh()),
        name: slug(name),
        workspace,
        target: Target::Webhook { host: "hooks.test".to_owned(), template: Template::Slack },
        events: [EventKind::RequestPending, EventKind::OperationStuck].into(),
        secret: Some(Sealed { key_id: "k".to_owned(), bytes: vec![1, 2, 3] }),
    };
    assert!(db.write(async |tx| tx.channel_insert(&new).await).await.unwrap());
    assert!(!db.write(async |tx| tx.channel_insert(&new).await).await.unwrap(), "its name is taken");
    new.id
}

async fn one(db: &TestStore, id: ChannelId) -> Option<ChannelRow> {
    db.read().await.unwrap().channel(id).await.unwrap()
}

async fn claim(db: &TestStore, limit: u32) -> Vec<OutboxRow> {
    db.write(async |tx| tx.outbox_claim(limit, 60 * SECOND).await).await.unwrap()
}

async fn deliver(db: &TestStore, to: ChannelId) -> Uuid {
    let id = fresh();
    let message = json!({ "title": "hello" });
    db.write(async |tx| tx.deliver(id, to, EventKind::RequestPending, &message).await).await.unwrap();
    id
}

async fn delivery(db: &TestStore, id: Uuid) -> OutboxRow {
    db.read().await.unwrap().delivery(id).await.unwrap().unwrap()
}

async fn a_channel_is_kept_as_it_was_given(db: TestStore) {
    let payments = db.workspace("payments").await;
    let id = channel(&db, "team", Some(payments)).await;
    let mut row = one(&db, id).await.unwrap();
    assert_eq!((row.workspace.clone(), row.revision), (Some(slug("payments")), 1));
    assert_eq!(row.target, Target::Webhook { host: "hooks.test".to_owned(), template: Template::Slack });
    assert_eq!(row.secret.as_ref().map(|s| s.bytes.clone()), Some(vec![1, 2, 3]));
    assert_eq!(db.read().await.unwrap().channel_by_name("team").await.unwrap(), Some(row.clone()));
    row.target = Target::Email { to: vec!["kim@example.com".to_owned()] };
    (row.secret, row.events) = (None, [EventKind::ChannelTest].into());
    assert!(!db.write(async |tx| tx.channel_update(&row, 7).await).await.unwrap(), "stale");
    assert!(db.write(async |tx| tx.channel_update(&row, 1).await).await.unwrap());
    let after = one(&db, id).await.unwrap();
    assert_eq!((after.target, after.secret, after.events, after.revision), (row.target, None, row.events, 2));
    assert!(!db.write(async |tx| tx.channel_delete(id, 1).await).await.unwrap(), "stale");
    deliver(&db, id).await;
    assert!(db.write(async |tx| tx.channel_delete(id, 2).await).await.unwrap());
    assert_eq!(one(&db, id).await, None);
    assert_eq!(db.count("outbox", "kind = 'delivery'").await, 0, "what was on its way goes with it");
}

async fn channels_are_listed_for_who_rules_them(db: TestStore) {
    let (payments, media) = (db.workspace("payments").await, db.workspace("media").await);
    let (platform, team) = (channel(&db, "all", None).await, channel(&db, "team", Some(payments)).await);
    channel(&db, "other", Some(media)).await;
    let admin = db.principal("admin").await;
    let membership = orbit_core::id::MembershipId::from_uuid(fresh());
    db.write(async |tx| tx.membership_insert(membership, admin, Some(payments), "admin").await).await.unwrap();
    let member = db.member("member", payments).await;
    let mut read = db.read().await.unwrap();
    let mut list = async |visible_to, page| -> Vec<String> {
        let rows = read.channel_list(visible_to, &page).await.unwrap();
        rows.into_iter().map(|c| c.name.to_string()).collect()
    };
    assert_eq!(list(None, first(10)).await, ["all", "other", "team"]);
    assert_eq!(list(None, after("all".to_owned(), 1)).await, ["other"]);
    assert_eq!(list(Some(admin), first(10)).await, ["team"]);
    assert_eq!(list(Some(member), first(10)).await, [""; 0]);
    let of: Vec<_> = read.channels_of(payments).await.unwrap().into_iter().map(|c| c.id).collect();
    assert_eq!(of, [platform, team]);
}

async fn what_is_due_is_taken_once_for_a_while(db: TestStore) {
    let to = channel(&db, "all", None).await;
    let request = RequestId::from_uuid(fresh());
    let event = fresh();
    db.write(async |tx| tx.event(event, EventKind::RequestPending, request, (Some("dev"), None)).await).await.unwrap();
    let id = deliver(&db, to).await;
    let mut taken = claim(&db, 10).await;
    taken.sort_by_key(|row| row.channel.is_some());
    assert_eq!(
        taken.iter().map(|row| (row.id, row.channel, row.attempts)).collect::<Vec<_>>(),
        [(event, None, 1), (id, Some(to), 1)]
    );
    assert_eq!(taken[0].payload, json!({ "request": request, "by": "dev", "reason": null }));
    assert_eq!((taken[1].event, taken[1].state), (Some(EventKind::RequestPending), DeliveryState::Pending));
    assert_eq!(claim(&db, 10).await.len(), 0, "they are being worked on");
    db.raw("UPDATE outbox SET due_at = 0").await;
    assert_eq!(claim(&db, 1).await.len(), 1, "whoever took them is gone: they are due again");
    assert!(db.write(async |tx| tx.event_told(event).await).await.unwrap());
    assert_eq!(db.count("outbox", "kind = 'event'").await, 0);
    assert!(!db.write(async |tx| tx.event_told(event).await).await.unwrap(), "another was quicker");
    assert!(!db.write(async |tx| tx.event_told(id).await).await.unwrap());
    assert_eq!(delivery(&db, id).await.id, id, "a delivery is no event");
}

async fn a_delivery_arrives_or_is_given_up_and_can_be_tried_anew(db: TestStore) {
    let to = channel(&db, "all", None).await;
    let id = deliver(&db, to).await;
    claim(&db, 10).await;
    db.write(async |tx| tx.not_delivered((id, 1), "no", Some(60 * SECOND)).await).await.unwrap();
    let row = delivery(&db, id).await;
    assert_eq!((row.state, row.last_error.as_deref(), row.ended_at), (DeliveryState::Pending, Some("no"), None));
    assert!(!db.write(async |tx| tx.redeliver(id).await).await.unwrap(), "it is being tried");
    db.write(async |tx| tx.not_delivered((id, 0), "late", None).await).await.unwrap();
    assert_eq!(delivery(&db, id).await.state, DeliveryState::Pending, "a try that another has overtaken");
    db.write(async |tx| tx.not_delivered((id, 1), "never", None).await).await.unwrap();
    let row = delivery(&db, id).await;
    assert!(row.state == DeliveryState::Dead && row.ended_at.is_some());
    let mut read = db.read().await.unwrap();
    assert_eq!(read.deliveries_dead().await.unwrap(), 1);
    drop(read);
    assert!(db.write(async |tx| tx.redeliver(id).await).await.unwrap());
    let [again] = claim(&db, 10).await.try_into().unwrap();
    assert_eq!((again.attempts, again.state), (1, DeliveryState::Pending));
    db.write(async |tx| tx.delivered(id).await).await.unwrap();
    let row = delivery(&db, id).await;
    assert_eq!((row.state, row.last_error), (DeliveryState::Delivered, None));
    assert_eq!(db.write(async |tx| tx.outbox_sweep(Duration::from_hours(1)).await).await.unwrap(), 0, "it is young");
    db.raw("UPDATE outbox SET ended_at = 1").await;
    assert_eq!(db.write(async |tx| tx.outbox_sweep(Duration::from_hours(1)).await).await.unwrap(), 1);
}

async fn deliveries_are_listed_by_channel_workspace_and_state(db: TestStore) {
    let payments = db.workspace("payments").await;
    let (all, team) = (channel(&db, "all", None).await, channel(&db, "team", Some(payments)).await);
    let (a, b, c) = (deliver(&db, all).await, deliver(&db, team).await, deliver(&db, team).await);
    db.write(async |tx| tx.delivered(b).await).await.unwrap();
    let mut read = db.read().await.unwrap();
    let mut list = async |filter: DeliveryFilter, page| -> Vec<Uuid> {
        read.delivery_list(&filter, &page).await.unwrap().into_iter().map(|row| row.id).collect()
    };
    assert_eq!(list(DeliveryFilter::default(), first(10)).await, [c, b, a]);
    assert_eq!(list(DeliveryFilter { channel: Some(team), ..DeliveryFilter::default() }, first(10)).await, [c, b]);
    assert_eq!(
        list(DeliveryFilter { workspace: Some(payments), ..DeliveryFilter::default() }, after(c, 10)).await,
        [b]
    );
    let pending = DeliveryFilter { state: Some(DeliveryState::Pending), ..DeliveryFilter::default() };
    assert_eq!(list(pending, first(10)).await, [c, a]);
}

async fn a_request_that_expires_soon_is_warned_of_once(db: TestStore) {
    let place: Place = db.place().await;
    let id = db.file(&place, &place.create("orders", 1), RequestState::Pending).await;
    let warned = async || db.write(async |tx| tx.requests_warned(10).await).await.unwrap();
    assert_eq!(warned().await, [], "it has years");
    let soon = db.now().await.checked_add(Duration::from_hours(23)).unwrap().as_microsecond();
    db.raw(&format!("UPDATE request SET expires_at = {soon}")).await;
    assert_eq!(warned().await, [], "half of its time is not over");
    db.raw("UPDATE request SET created_at = 0").await;
    assert_eq!(warned().await, [id]);
    assert_eq!(warned().await, []);
}

async fn items_and_consents_of_several_requests_are_read_at_once(db: TestStore) {
    let place = db.place().await;
    let a = db.file(&place, &place.create("a", 1), RequestState::Pending).await;
    let b = db.file(&place, &place.create("b", 1), RequestState::Pending).await;
    let consent = orbit_core::approval::Consent { principal: place.alice, layer: orbit_core::policy::Layer::Platform };
    db.write(async |tx| tx.approval_give(b, consent, Some("fine")).await).await.unwrap();
    let mut read = db.read().await.unwrap();
    let mut of: Vec<_> = read.request_items_of(&[a, b]).await.unwrap().into_iter().map(|i| i.request_id).collect();
    of.sort_unstable();
    assert_eq!(of, [a, b]);
    let consents = read.approvals_of(&[a, b]).await.unwrap();
    assert_eq!(consents.iter().map(|(id, c)| (*id, c.consent)).collect::<Vec<_>>(), [(b, consent)]);
    assert_eq!(read.request_items_of(&[]).await.unwrap(), []);
    let row = read.request(a).await.unwrap().unwrap();
    let open = read.requests_open_of(row.requester_id, place.workspace, a, 10).await.unwrap();
    assert_eq!(open.into_iter().map(|r| r.id).collect::<Vec<_>>(), [b]);
}

async fn mail_to_a_person_is_no_delivery_of_a_channel(db: TestStore) {
    let id = fresh();
    let message = json!({ "title": "hello" });
    db.write(async |tx| tx.mail(id, "kim@example.com", EventKind::RequestApproved, &message).await).await.unwrap();
    let [taken] = claim(&db, 10).await.try_into().unwrap();
    assert_eq!((taken.id, taken.channel, taken.recipient.as_deref()), (id, None, Some("kim@example.com")));
    assert!(!db.write(async |tx| tx.event_told(id).await).await.unwrap());
    assert_eq!(db.count("outbox", "kind = 'mail'").await, 1, "it is no event");
    let mut read = db.read().await.unwrap();
    assert_eq!(read.delivery(id).await.unwrap().unwrap().recipient.as_deref(), Some("kim@example.com"));
    for (recipient, found) in [(None, vec![]), (Some("kim@example.com"), vec![id]), (Some("other@example.com"), vec![])]
    {
        let filter = DeliveryFilter { recipient: recipient.map(str::to_owned), ..DeliveryFilter::default() };
        let rows = read.delivery_list(&filter, &first(10)).await.unwrap();
        assert_eq!(rows.into_iter().map(|row| row.id).collect::<Vec<_>>(), found, "{recipient:?}");
    }
}

async fn those_who_may_decide_are_found_by_their_mail_address(db: TestStore) {
    let payments = db.workspace("payments").await;
    let (admin, kim) = (db.principal("admin").await, db.principal("named").await);
    let member = db.member("member", payments).await;
    let silent = db.principal("silent").await;
    for (who, of, role) in [(admin, Some(payments), "admin"), (silent, None, "platform-admin")] {
        let id = orbit_core::id::MembershipId::from_uuid(fresh());
        db.write(async |tx| tx.membership_insert(id, who, of, role).await).await.unwrap();
    }
    for (who, address) in [(admin, "a@x"), (kim, "n@x"), (member, "m@x")] {
        db.write(async |tx| tx.principal_email(who, Some(address), 1).await).await.unwrap();
    }
    let mut read = db.read().await.unwrap();
    let mut ask = async |names: &[&str]| -> Vec<String> {
        let names: Vec<String> = names.iter().map(|n| (*n).to_owned()).collect();
        read.principals_to_ask(&names).await.unwrap().into_iter().filter_map(|p| p.email).collect()
    };
    assert_eq!(ask(&[]).await, ["a@x"]);
    assert_eq!(ask(&["named", "silent", "nobody"]).await, ["a@x", "n@x"]);
    drop(read);
    db.write(async |tx| tx.principal_email(admin, None, 2).await).await.unwrap();
    assert_eq!(db.read().await.unwrap().principal(admin).await.unwrap().unwrap().email, None);
}

on_both!(
    mail_to_a_person_is_no_delivery_of_a_channel,
    those_who_may_decide_are_found_by_their_mail_address,
    a_channel_is_kept_as_it_was_given,
    channels_are_listed_for_who_rules_them,
    what_is_due_is_taken_once_for_a_while,
    a_delivery_arrives_or_is_given_up_and_can_be_tried_anew,
    deliveries_are_listed_by_channel_workspace_and_state,
    a_request_that_expires_soon_is_warned_of_once,
    items_and_consents_of_several_requests_are_read_at_once,
);
