use crate::support::{Place, SECOND, TestStore, Then, after, first, fresh, on_both, spec};
use orbit_core::{
    approval::{Consent, RequestState},
    change::Change,
    documentation::Documentation,
    id::{MembershipId, OperationId, PrincipalId, RequestId, RunGroupId},
    model::topic::Difference,
    policy::{Approver, Layer, Needs, Verdict},
};
use orbit_store::{NewItem, RequestFilter, RequestRow, Resolution, StoreError};
use uuid::Uuid;

async fn one(db: &TestStore, id: RequestId) -> RequestRow {
    db.read().await.unwrap().request(id).await.unwrap().unwrap()
}

async fn open_of(db: &TestStore, object: Uuid) -> Option<RequestId> {
    db.read().await.unwrap().request_open(object).await.unwrap().map(|r| r.id)
}

async fn a_request_comes_back_verbatim(db: TestStore) {
    let place = db.place().await;
    let (a, b) = (place.create("a", 1), place.create("b", 2));
    let run = RunGroupId::from_uuid(fresh());
    let group = db.write(async |tx| tx.run_group(run, "run-7").await).await.unwrap();
    let mut new = place.request(RequestState::Pending, &[&a]);
    new.group = Some(group);
    new.run_url = Some("https://ci.test/7".to_owned());
    new.documentation.justification = Some("we need it".to_owned());
    new.documentation.producers = vec!["checkout".to_owned()];
    new.verdict.needs = [Needs::of(Layer::Platform, false)].into();
    let differences = vec![Difference { field: "/partitions".into(), before: None, after: Some("2".into()) }];
    new.items.push(NewItem {
        change: Change::Topic(b.clone()),
        verdict: new.verdict.clone(),
        differences: differences.clone(),
        base_revision: 7,
    });
    assert!(db.write(async |tx| tx.request_insert(&new).await).await.unwrap());

    let row = one(&db, new.id).await;
    assert_eq!(
        (row.workspace_id, row.workspace.as_str(), row.requester.as_str()),
        (place.workspace, "payments", "alice")
    );
    assert_eq!(
        (row.run_id.as_deref(), row.documentation.justification.as_deref()),
        (Some("run-7"), Some("we need it"))
    );
    assert_eq!(row.documentation.producers, ["checkout"]);
    assert_eq!(row.run_url.as_deref(), Some("https://ci.test/7"));
    assert_eq!((row.state, &row.verdict, row.expires_at), (RequestState::Pending, &new.verdict, new.expires_at));
    assert_eq!((row.operation_id, row.decided_by, row.decided_at, row.revision), (None, None, None, 1));
    let items = db.read().await.unwrap().request_items(new.id).await.unwrap();
    assert_eq!(
        items.iter().map(|i| &i.change).collect::<Vec<_>>(),
        [&Change::Topic(a), &Change::Topic(b.clone())],
        "in order"
    );
    assert_eq!(
        (items[1].object_id, &items[1].differences, &items[1].verdict),
        (b.id.uuid(), &differences, &new.verdict)
    );
    assert_eq!(db.read().await.unwrap().request(RequestId::from_uuid(fresh())).await.unwrap(), None);
}

async fn a_run_has_one_group(db: TestStore) {
    let (one, two) = (RunGroupId::from_uuid(fresh()), RunGroupId::from_uuid(fresh()));
    assert_eq!(db.write(async |tx| tx.run_group(one, "run-7").await).await.unwrap(), one);
    assert_eq!(db.write(async |tx| tx.run_group(two, "run-7").await).await.unwrap(), one);
    assert_eq!(db.write(async |tx| tx.run_group(two, "run-8").await).await.unwrap(), two);
}

async fn a_run_has_what_it_filed_and_what_it_attached_to(db: TestStore) {
    let place = db.place().await;
    let (one, two) = (RunGroupId::from_uuid(fresh()), RunGroupId::from_uuid(fresh()));
    let mut new = place.request(RequestState::Pending, &[&place.create("a", 1)]);
    new.group = Some(db.write(async |tx| tx.run_group(one, "run-7").await).await.unwrap());
    assert!(db.write(async |tx| tx.request_insert(&new).await).await.unwrap());
    db.write(async |tx| tx.run_group(two, "run-8").await).await.unwrap();
    let alone = db.file(&place, &place.create("b", 1), RequestState::Pending).await;
    let of = async |run: &str| -> Vec<RequestId> {
        let filter = RequestFilter { run_id: Some(run.to_owned()), ..RequestFilter::default() };
        let found = db.read().await.unwrap().request_list(&filter, &first(10)).await.unwrap();
        found.into_iter().map(|r| r.id).collect()
    };
    assert_eq!((of("run-7").await, of("run-8").await), (vec![new.id], vec![]));

    for group in [one, two, two] {
        db.write(async |tx| tx.run_attach(new.id, group).await).await.unwrap();
    }
    // One that no run filed.
    db.write(async |tx| tx.run_attach(alone, two).await).await.unwrap();
    // Nothing to attach to.
    db.write(async |tx| tx.run_attach(RequestId::from_uuid(fresh()), two).await).await.unwrap();

    assert_eq!((of("run-7").await, of("run-8").await), (vec![new.id], vec![alone, new.id]));
}

async fn an_object_has_one_open_request(db: TestStore) {
    let place = db.place().await;
    let (a, b) = (place.create("a", 1), place.create("b", 1));
    let filed = db.file(&place, &a, RequestState::Pending).await;
    assert_eq!(open_of(&db, a.id.uuid()).await, Some(filed));
    let second = place.request(RequestState::Pending, &[&b, &a]);
    let mut tx = db.begin().await.unwrap();
    assert!(!tx.request_insert(&second).await.unwrap());
    drop(tx);
    assert_eq!(db.read().await.unwrap().request(second.id).await.unwrap(), None);
    assert_eq!(open_of(&db, b.id.uuid()).await, None, "nothing of it stays");

    db.write(async |tx| tx.request_end(filed).await).await.unwrap();
    assert_eq!(open_of(&db, a.id.uuid()).await, None);
    assert!(db.write(async |tx| tx.request_insert(&second).await).await.unwrap());
    assert_eq!(open_of(&db, a.id.uuid()).await, Some(second.id));
    assert_eq!(open_of(&db, b.id.uuid()).await, Some(second.id));
}

async fn of_two_filed_at_once_one_stays_open(db: TestStore) {
    let place = db.place().await;
    let change = place.create("orders", 1);
    let mut tx = db.begin().await.unwrap();
    assert!(tx.request_insert(&place.request(RequestState::Pending, &[&change])).await.unwrap());
    let (store, second) = ((*db).clone(), place.request(RequestState::Pending, &[&change]));
    let other = tokio::spawn(async move { store.begin().await.unwrap().request_insert(&second).await.unwrap() });
    tx.commit().await.unwrap();
    assert!(!tokio::time::timeout(10 * SECOND, other).await.unwrap().unwrap());
}

async fn only_what_is_pending_is_resolved(db: TestStore) {
    let place = db.place().await;
    let change = place.create("orders", 1);
    for state in RequestState::ALL.into_iter().filter(|s| *s != RequestState::Pending) {
        let id = db.file(&place, &change, RequestState::Pending).await;
        let to = Resolution { reason: Some("so".to_owned()), ..Place::resolution(state, "bob") };
        db.write(async |tx| tx.request_resolve(id, &to).await).await.unwrap();
        let row = one(&db, id).await;
        assert_eq!(
            (row.state, row.decided_by.as_deref(), row.reason.as_deref(), row.revision),
            (state, Some("bob"), Some("so"), 2)
        );
        assert!(row.decided_at.is_some());
        let again = db
            .write(async |tx| tx.request_resolve(id, &Place::resolution(RequestState::Approved, "carol")).await)
            .await;
        assert!(matches!(again, Err(StoreError::Rows { wrote: 0, .. })), "{again:?}");
        assert_eq!(one(&db, id).await, row);
        db.write(async |tx| tx.request_end(id).await).await.unwrap();
    }
}

async fn who_decides_second_sees_what_the_first_did(db: TestStore) {
    let place = db.place().await;
    let id = db.file(&place, &place.create("orders", 1), RequestState::Pending).await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(tx.request_lock(id).await.unwrap().unwrap().state, RequestState::Pending);
    let store = (*db).clone();
    let second =
        tokio::spawn(async move { store.begin().await.unwrap().request_lock(id).await.unwrap().unwrap().state });
    tx.request_resolve(id, &Place::resolution(RequestState::Rejected, "bob")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(tokio::time::timeout(10 * SECOND, second).await.unwrap().unwrap(), RequestState::Rejected);
    let nobody = RequestId::from_uuid(fresh());
    assert_eq!(db.write(async |tx| tx.request_lock(nobody).await).await.unwrap(), None);
}

async fn one_principal_consents_once(db: TestStore) {
    let place = db.place().await;
    let bob = db.principal("bob").await;
    let id = db.file(&place, &place.create("orders", 1), RequestState::Pending).await;
    let consent = |principal: PrincipalId, layer| Consent { principal, layer };
    db.write(async |tx| tx.approval_give(id, consent(bob, Layer::Platform), Some("fine")).await).await.unwrap();
    db.pass(SECOND).await;
    db.write(async |tx| tx.approval_give(id, consent(place.alice, Layer::Workspace), None).await).await.unwrap();
    let given = db.read().await.unwrap().approvals(id).await.unwrap();
    let told: Vec<_> = given.iter().map(|a| (a.name.as_str(), a.consent.layer, a.comment.as_deref())).collect();
    assert_eq!(told, [("bob", Layer::Platform, Some("fine")), ("alice", Layer::Workspace, None)]);
    assert_eq!(one(&db, id).await.revision, 3);
    db.pass(SECOND).await;
    db.write(async |tx| tx.approval_give(id, consent(bob, Layer::Workspace), None).await).await.unwrap();
    let given = db.read().await.unwrap().approvals(id).await.unwrap();
    let told: Vec<_> = given.iter().map(|a| (a.name.as_str(), a.consent.layer, a.comment.as_deref())).collect();
    let anew = ("bob", Layer::Workspace, None);
    assert_eq!(told, [("alice", Layer::Workspace, None), anew], "one consent of each, the latest");
    assert_eq!(one(&db, id).await.revision, 4);
}

async fn the_newest_request_of_each_object(db: TestStore) {
    let place = db.place().await;
    let (a, b, none) = (place.create("a", 1), place.create("b", 1), fresh());
    let old = db.file(&place, &a, RequestState::Pending).await;
    db.write(async |tx| tx.request_end(old).await).await.unwrap();
    let both = place.request(RequestState::Pending, &[&b, &a.update(spec(2))]);
    assert!(db.write(async |tx| tx.request_insert(&both).await).await.unwrap());
    db.write(async |tx| tx.request_end(both.id).await).await.unwrap();
    let last = db.file(&place, &b, RequestState::Approved).await;

    let mut read = db.read().await.unwrap();
    assert_eq!(read.request_newest(a.id.uuid()).await.unwrap().unwrap().id, both.id);
    assert_eq!(read.request_newest(none).await.unwrap(), None);
    let mut many = read.requests_newest(&[a.id.uuid(), b.id.uuid(), none]).await.unwrap();
    many.sort_by_key(|(object, _)| *object);
    let told: Vec<_> = many.iter().map(|(object, r)| (*object, r.id)).collect();
    assert_eq!(told, [(a.id.uuid(), both.id), (b.id.uuid(), last)]);
    assert_eq!(many[0].1, read.request(both.id).await.unwrap().unwrap(), "whole");
    assert_eq!(read.requests_newest(&[]).await.unwrap(), []);
}

async fn lists_go_from_new_to_old(db: TestStore) {
    let place = db.place().await;
    let mut media = place.clone();
    media.workspace = db.workspace("media").await;
    let mut ids = Vec::new();
    for (place, state) in
        [(&place, RequestState::Pending), (&media, RequestState::Pending), (&place, RequestState::Approved)]
    {
        ids.push(db.file(place, &place.create("t", 1), state).await);
    }
    let mut read = db.read().await.unwrap();
    let mut list = async |workspace, state, page| -> Vec<RequestId> {
        let filter = RequestFilter { workspace, state, ..RequestFilter::default() };
        read.request_list(&filter, &page).await.unwrap().into_iter().map(|r| r.id).collect()
    };
    assert_eq!(list(None, None, first(10)).await, [ids[2], ids[1], ids[0]]);
    assert_eq!(list(None, None, after(ids[2].uuid(), 1)).await, [ids[1]]);
    assert_eq!(list(Some(place.workspace), None, first(10)).await, [ids[2], ids[0]]);
    assert_eq!(list(None, Some(RequestState::Pending), first(10)).await, [ids[1], ids[0]]);
    assert_eq!(list(Some(media.workspace), Some(RequestState::Approved), first(10)).await, []);
}

async fn a_list_holds_what_one_may_see(db: TestStore) {
    let place = db.place().await;
    let mut media = place.clone();
    media.workspace = db.workspace("media").await;
    let (ann, bob, kim) =
        (db.principal("ann").await, db.member("bob", media.workspace).await, db.principal("kim").await);
    let mut environment = db.read().await.unwrap().environment(place.environment).await.unwrap().unwrap();
    environment.default_approvers = vec!["kim".to_owned(), "lee".to_owned()];
    assert!(db.write(async |tx| tx.environment_update(&environment).await).await.unwrap());
    let asks = |layer| {
        let mut request = media.request(RequestState::Pending, &[&media.create("t", 1)]);
        request.verdict.needs.insert(Needs::of(layer, false));
        request
    };
    let (platform, workspace) = (asks(Layer::Platform), asks(Layer::Workspace));
    let sre = db.workspace("sre").await;
    let lead = db.principal("lead").await;
    let id = MembershipId::from_uuid(fresh());
    assert!(db.write(async |tx| tx.membership_insert(id, lead, Some(sre), "admin").await).await.unwrap());
    let mut named = media.request(RequestState::Pending, &[&media.create("n", 1)]);
    let approvers = [Approver::Principal("ann".into()), Approver::AdminOf(crate::support::slug("sre"))];
    named.verdict.needs.insert(Needs { approvers: approvers.into(), ..Needs::of(Layer::Platform, false) });
    assert!(db.write(async |tx| tx.request_insert(&named).await).await.unwrap());
    assert!(db.write(async |tx| tx.request_insert(&platform).await).await.unwrap());
    assert!(db.write(async |tx| tx.request_insert(&workspace).await).await.unwrap());

    let mut read = db.read().await.unwrap();
    let mut list = async |who| -> Vec<RequestId> {
        let filter = RequestFilter { visible_to: Some(who), ..RequestFilter::default() };
        read.request_list(&filter, &first(10)).await.unwrap().into_iter().map(|r| r.id).collect()
    };
    assert_eq!(list(ann).await, [named.id], "what a policy names her for");
    assert_eq!(list(lead).await, [named.id], "what a policy names the admins of his workspace for");
    assert_eq!(list(bob).await, [named.id, workspace.id, platform.id], "their workspace's");
    assert_eq!(list(kim).await, [platform.id], "what the environment names them for");
    drop(read);
    // The rules of a later day ask for more.
    let more = [Needs { approvers: [Approver::Principal("kim".into())].into(), ..Needs::of(Layer::Workspace, false) }];
    db.write(async |tx| tx.request_needs(workspace.id, &more.clone().into()).await).await.unwrap();
    let mut read = db.read().await.unwrap();
    assert_eq!(read.request(workspace.id).await.unwrap().unwrap().needs, more.into());
    let filter = RequestFilter { visible_to: Some(kim), ..RequestFilter::default() };
    let told: Vec<_> = read.request_list(&filter, &first(10)).await.unwrap().into_iter().map(|r| r.id).collect();
    assert_eq!(told, [workspace.id, platform.id]);
}

async fn a_request_outlives_its_workspace(db: TestStore) {
    let place = db.place().await;
    let id = db.file(&place, &place.create("orders", 1), RequestState::Pending).await;
    assert!(db.write(async |tx| tx.workspace_delete(place.workspace).await).await.unwrap());
    assert_eq!(one(&db, id).await.workspace, place.workspace.to_string());
}

async fn pending_requests_expire_when_their_time_is_up(db: TestStore) {
    let place = db.place().await;
    let now = db.read().await.unwrap().now().await.unwrap();
    let mut ids = Vec::new();
    for (name, seconds, state) in [
        ("late", 20, RequestState::Pending),
        ("soon", 10, RequestState::Pending),
        ("done", 10, RequestState::Approved),
        ("later", 3_600, RequestState::Pending),
    ] {
        let mut new = place.request(state, &[&place.create(name, 1)]);
        new.expires_at = now + seconds * SECOND;
        assert!(db.write(async |tx| tx.request_insert(&new).await).await.unwrap());
        ids.push(new.id);
    }
    let expired = async |limit| db.read().await.unwrap().requests_expired(limit).await.unwrap();
    assert_eq!(expired(10).await, []);
    db.pass(60 * SECOND).await;
    assert_eq!(expired(10).await, [ids[1], ids[0]]);
    assert_eq!(expired(1).await, [ids[1]]);
    db.write(async |tx| tx.request_resolve(ids[1], &Place::resolution(RequestState::Expired, "orbit")).await)
        .await
        .unwrap();
    assert_eq!(expired(10).await, [ids[0]]);
}

async fn a_request_leads_to_its_operation(db: TestStore) {
    let place = db.place().await;
    let change = place.create("orders", 1);
    let (request, held) = db.operate(&place, &change).await;
    assert_eq!(one(&db, request).await.operation_id, Some(held.id));
    let nobody = RequestId::from_uuid(fresh());
    let wrong = db.write(async |tx| tx.request_operation(nobody, held.id).await).await;
    assert!(matches!(wrong, Err(StoreError::Rows { wrote: 0, .. })), "{wrong:?}");
    let unknown = OperationId::from_uuid(fresh());
    assert!(
        db.write(async |tx| tx.request_operation(request, unknown).await).await.is_err(),
        "an operation that is none"
    );
    assert_eq!(Verdict::default(), one(&db, request).await.verdict);
}

async fn what_is_pending_may_say_more_for_itself(db: TestStore) {
    let place = db.place().await;
    let id = db.file(&place, &place.create("orders", 1), RequestState::Pending).await;
    let before = one(&db, id).await;
    let more = Documentation { justification: Some("the fair".to_owned()), ..Documentation::complete() };
    db.write(async |tx| tx.request_document(id, &more).await).await.unwrap();
    let after = one(&db, id).await;
    assert_eq!((&after.documentation, after.revision), (&more, before.revision + 1));

    db.write(async |tx| tx.request_resolve(id, &Place::resolution(RequestState::Rejected, "bob")).await).await.unwrap();
    let late = db.write(async |tx| tx.request_document(id, &Documentation::default()).await).await;
    assert!(late.is_err(), "what was decided was decided on that");
}

async fn a_rejected_request_goes_back_where_nothing_else_is_open(db: TestStore) {
    let place = db.place().await;
    let create = place.create("orders", 1);
    let id = db.file(&place, &create, RequestState::Pending).await;
    let later = "2101-01-01T00:00:00Z".parse().unwrap();
    let reopen = async || db.write(async |tx| tx.request_reopen(id, later).await).await;
    assert!(reopen().await.is_err(), "it is pending");
    let consent = Consent { principal: place.alice, layer: Layer::Platform };
    db.write(async |tx| tx.approval_give(id, consent, None).await).await.unwrap();
    let rejected = Place::resolution(RequestState::Rejected, "bob");
    db.write(async |tx| tx.request_resolve(id, &rejected).await).await.unwrap();
    db.write(async |tx| tx.request_end(id).await).await.unwrap();

    assert!(reopen().await.unwrap());
    let mut read = db.read().await.unwrap();
    let row = read.request(id).await.unwrap().unwrap();
    assert_eq!((row.state, row.expires_at, row.decided_by, row.decided_at), (RequestState::Pending, later, None, None));
    assert_eq!(read.approvals(id).await.unwrap(), [], "consents are due anew");
    assert_eq!(read.request_open(create.id.uuid()).await.unwrap().map(|r| r.id), Some(id));
    drop(read);

    db.write(async |tx| tx.request_resolve(id, &rejected).await).await.unwrap();
    db.write(async |tx| tx.request_end(id).await).await.unwrap();
    db.file(&place, &create, RequestState::Pending).await;
    let mut tx = db.begin().await.unwrap();
    assert!(!tx.request_reopen(id, later).await.unwrap(), "something else is open on its object");
}

on_both!(
    a_rejected_request_goes_back_where_nothing_else_is_open,
    a_request_comes_back_verbatim,
    a_run_has_one_group,
    a_run_has_what_it_filed_and_what_it_attached_to,
    an_object_has_one_open_request,
    of_two_filed_at_once_one_stays_open,
    only_what_is_pending_is_resolved,
    who_decides_second_sees_what_the_first_did,
    one_principal_consents_once,
    the_newest_request_of_each_object,
    lists_go_from_new_to_old,
    a_list_holds_what_one_may_see,
    a_request_outlives_its_workspace,
    pending_requests_expire_when_their_time_is_up,
    a_request_leads_to_its_operation,
    what_is_pending_may_say_more_for_itself,
);
