use crate::support::{TestStore, after, first, fresh, on_both};
use orbit_core::id::{MembershipId, PrincipalId, TokenId, WorkspaceId};
use orbit_store::{NewToken, PrincipalRow, Result, SYSTEM_PRINCIPAL, StoreError};

fn names(rows: &[PrincipalRow]) -> Vec<&str> {
    rows.iter().map(|p| p.name.as_str()).collect()
}

async fn join(
    db: &TestStore,
    who: PrincipalId,
    workspace: Option<WorkspaceId>,
    role: &str,
) -> Result<(MembershipId, bool)> {
    let id = MembershipId::from_uuid(fresh());
    let wrote = db.write(async |tx| tx.membership_insert(id, who, workspace, role).await).await?;
    Ok((id, wrote))
}

async fn mint(db: &TestStore, who: PrincipalId, hash: &[u8]) -> NewToken {
    let token = NewToken {
        id: TokenId::from_uuid(fresh()),
        principal: who,
        name: "laptop".to_owned(),
        hash: hash.to_vec(),
        expires_at: Some("2030-01-01T00:00:00Z".parse().unwrap()),
    };
    db.write(async |tx| tx.token_insert(&token).await).await.unwrap();
    token
}

async fn who_leaves_keeps_the_name_and_nothing_else(db: TestStore) {
    let (alice, payments) = (db.principal("alice").await, db.workspace("payments").await);
    join(&db, alice, Some(payments), "member").await.unwrap();
    mint(&db, alice, &[7]).await;
    assert!(!db.write(async |tx| tx.principal_leave(alice, 9).await).await.unwrap(), "another revision");
    assert!(db.write(async |tx| tx.principal_leave(alice, 1).await).await.unwrap());
    assert!(!db.write(async |tx| tx.principal_leave(alice, 2).await).await.unwrap(), "once");

    let mut read = db.read().await.unwrap();
    assert_eq!((read.principal(alice).await.unwrap(), read.principal_by_name("alice").await.unwrap()), (None, None));
    assert_eq!(read.who(&[7]).await.unwrap(), None);
    assert_eq!(read.memberships_of(alice).await.unwrap(), []);
    drop(read);

    let other = PrincipalId::from_uuid(fresh());
    assert!(
        db.write(async |tx| tx.principal_insert(other, ("service", "alice"), Some("a@example.com")).await)
            .await
            .unwrap()
    );
    let mut read = db.read().await.unwrap();
    let row = read.principal_by_name("alice").await.unwrap().unwrap();
    assert_eq!((row.id, row.kind.as_str(), row.email.as_deref()), (alice, "service", Some("a@example.com")));
    assert!(read.who(&[7]).await.unwrap().unwrap().token.revoked_at.is_some(), "the token stays ended");
}

async fn a_name_is_taken_once(db: TestStore) {
    let alice = db.principal("alice").await;
    let other = PrincipalId::from_uuid(fresh());
    assert!(!db.write(async |tx| tx.principal_insert(other, ("service", "alice"), None).await).await.unwrap());
    assert!(
        !db.write(async |tx| tx.principal_insert(other, ("service", "orbit"), None).await).await.unwrap(),
        "Orbit's own name"
    );
    let mut read = db.read().await.unwrap();
    let row = read.principal(alice).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.kind.as_str()), ("alice", "person"));
    assert_eq!(read.principal_by_name("alice").await.unwrap(), Some(row));
    assert_eq!(read.principal_by_name("Alice").await.unwrap(), None);
    assert_eq!(read.principal(other).await.unwrap(), None);
}

async fn a_kind_that_is_none_is_an_error(db: TestStore) {
    let id = PrincipalId::from_uuid(fresh());
    let wrong = db.write(async |tx| tx.principal_insert(id, ("robot", "r2"), None).await).await;
    assert!(matches!(wrong, Err(StoreError::Sqlx(_))), "{wrong:?}");
}

async fn pages_go_by_name_in_bytes_and_leave_orbit_out(db: TestStore) {
    for name in ["b", "a_b", "A", "a-b", "a1", "B", "a", "a.b", "é", "z"] {
        db.principal(name).await;
    }
    let mut read = db.read().await.unwrap();
    let all = read.principal_list(&first(100)).await.unwrap();
    assert_eq!(names(&all), ["A", "B", "a", "a-b", "a.b", "a1", "a_b", "b", "z", "é"]);
    let mut paged = Vec::new();
    let mut page = read.principal_list(&first(3)).await.unwrap();
    while let Some(last) = page.last().map(|p| p.name.clone()) {
        paged.extend(page.iter().map(|p| p.name.clone()));
        page = read.principal_list(&after(last, 3)).await.unwrap();
    }
    assert_eq!(paged, names(&all), "pages tell the same as the whole");
    assert_eq!(read.principal(SYSTEM_PRINCIPAL).await.unwrap().unwrap().kind, "system");
}

async fn one_role_for_each_place(db: TestStore) {
    let (alice, payments, media) =
        (db.principal("alice").await, db.workspace("payments").await, db.workspace("media").await);
    let (first_role, wrote) = join(&db, alice, Some(payments), "member").await.unwrap();
    assert!(wrote);
    assert!(!join(&db, alice, Some(payments), "admin").await.unwrap().1, "a second role in the same workspace");
    assert!(join(&db, alice, Some(media), "admin").await.unwrap().1);
    assert!(join(&db, alice, None, "platform-admin").await.unwrap().1);
    assert!(!join(&db, alice, None, "platform-admin").await.unwrap().1, "twice on the platform");
    assert!(join(&db, alice, None, "member").await.is_err(), "a workspace's role without a workspace");
    assert!(join(&db, alice, Some(payments), "platform-admin").await.is_err(), "the platform's role in a workspace");

    let row = db.read().await.unwrap().membership(first_role).await.unwrap().unwrap();
    assert_eq!((row.principal.as_str(), row.role.as_str()), ("alice", "member"));
    assert_eq!(
        (row.workspace_id, row.workspace.as_ref().map(orbit_core::name::Slug::as_str)),
        (Some(payments), Some("payments"))
    );
    db.write(async |tx| tx.membership_delete(first_role).await).await.unwrap();
    let again = db.write(async |tx| tx.membership_delete(first_role).await).await;
    assert!(matches!(again, Err(StoreError::Rows { expected: 1, wrote: 0, .. })), "{again:?}");
    assert!(join(&db, alice, Some(payments), "admin").await.unwrap().1, "free again");
}

async fn memberships_are_listed_by_place_and_by_person(db: TestStore) {
    let (alice, bob) = (db.principal("alice").await, db.principal("bob").await);
    let (payments, media) = (db.workspace("payments").await, db.workspace("media").await);
    let mut ids = Vec::new();
    for (who, place, role) in [
        (alice, Some(payments), "admin"),
        (bob, Some(payments), "viewer"),
        (bob, Some(media), "member"),
        (alice, None, "platform-admin"),
    ] {
        ids.push(join(&db, who, place, role).await.unwrap().0);
    }
    let mut read = db.read().await.unwrap();
    let mut list = async |place, who, page| -> Vec<MembershipId> {
        let rows = read.membership_list(place, who, &page).await.unwrap();
        rows.into_iter().map(|m| m.id).collect()
    };
    assert_eq!(list(None, None, first(10)).await, ids);
    assert_eq!(list(None, None, after(ids[1].uuid(), 1)).await, ids[2..3]);
    assert_eq!(list(Some(payments), None, first(10)).await, ids[..2]);
    assert_eq!(list(None, Some(bob), first(10)).await, ids[1..3]);
    assert_eq!(list(Some(media), Some(alice), first(10)).await, []);
    let of_alice: Vec<_> = read.memberships_of(alice).await.unwrap().into_iter().map(|m| m.role).collect();
    assert_eq!(of_alice, ["admin", "platform-admin"]);
}

async fn a_token_is_known_by_its_hash_alone(db: TestStore) {
    let (alice, payments) = (db.principal("alice").await, db.workspace("payments").await);
    join(&db, alice, Some(payments), "member").await.unwrap();
    let token = mint(&db, alice, &[0, 255, 7]).await;
    let mut read = db.read().await.unwrap();
    let who = read.who(&[0, 255, 7]).await.unwrap().unwrap();
    assert_eq!((who.token.id, who.token.principal_id, who.token.principal.as_str()), (token.id, alice, "alice"));
    assert_eq!((who.token.expires_at, who.token.revoked_at, who.token.last_used_at), (token.expires_at, None, None));
    assert_eq!(who.memberships.iter().map(|m| m.role.as_str()).collect::<Vec<_>>(), ["member"]);
    assert_eq!(read.who(&[0, 255]).await.unwrap(), None);
    assert_eq!(read.who(&[]).await.unwrap(), None);
    assert_eq!(read.token(token.id).await.unwrap(), Some(who.token));
}

async fn the_same_hash_twice_is_an_error(db: TestStore) {
    let alice = db.principal("alice").await;
    let mut token = mint(&db, alice, b"hash").await;
    token.id = TokenId::from_uuid(fresh());
    assert!(db.write(async |tx| tx.token_insert(&token).await).await.is_err());
}

async fn a_token_is_used_revoked_and_listed(db: TestStore) {
    let (alice, bob) = (db.principal("alice").await, db.principal("bob").await);
    let tokens = [mint(&db, alice, b"1").await.id, mint(&db, bob, b"2").await.id, mint(&db, alice, b"3").await.id];
    db.write(async |tx| tx.token_used(tokens[0]).await).await.unwrap();
    let row = db.read().await.unwrap().token(tokens[0]).await.unwrap().unwrap();
    assert!(row.last_used_at >= Some(row.created_at));
    assert!(db.write(async |tx| tx.token_used(TokenId::from_uuid(fresh())).await).await.is_err());

    assert!(db.write(async |tx| tx.token_revoke(tokens[0]).await).await.unwrap());
    let revoked = db.read().await.unwrap().token(tokens[0]).await.unwrap().unwrap();
    assert!(revoked.revoked_at.is_some());
    assert!(!db.write(async |tx| tx.token_revoke(tokens[0]).await).await.unwrap(), "it had ended before");
    let still = db.read().await.unwrap().token(tokens[0]).await.unwrap().unwrap();
    assert_eq!(still, revoked, "the time of its end stays");

    let mut read = db.read().await.unwrap();
    let mut list = async |of, page| -> Vec<TokenId> {
        read.token_list(of, &page).await.unwrap().into_iter().map(|t| t.id).collect()
    };
    assert_eq!(list(None, first(10)).await, tokens);
    assert_eq!(list(Some(alice), first(10)).await, [tokens[0], tokens[2]]);
    assert_eq!(list(None, after(tokens[0].uuid(), 1)).await, [tokens[1]]);
}

on_both!(
    who_leaves_keeps_the_name_and_nothing_else,
    a_name_is_taken_once,
    a_kind_that_is_none_is_an_error,
    pages_go_by_name_in_bytes_and_leave_orbit_out,
    one_role_for_each_place,
    memberships_are_listed_by_place_and_by_person,
    a_token_is_known_by_its_hash_alone,
    the_same_hash_twice_is_an_error,
    a_token_is_used_revoked_and_listed,
);
