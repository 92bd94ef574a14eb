use crate::support::{TestStore, after, first, fresh, on_both, slug};
use orbit_core::{
    id::{PolicyId, WorkspaceId},
    policy::{Limits, Scope, TopicRules},
};
use orbit_store::{NewPolicy, PolicyRow};

fn rules(max: i64) -> TopicRules {
    TopicRules {
        environments: [slug("dev"), slug("prod")].into(),
        naming_pattern: Some("[a-z.]+".parse().unwrap()),
        partition_limits: Limits { min: None, max: Some(max) },
        allow_self_approval: true,
        ..TopicRules::default()
    }
}

async fn install(db: &TestStore, name: &str, workspace: Option<WorkspaceId>) -> PolicyId {
    let new = NewPolicy { id: PolicyId::from_uuid(fresh()), name: slug(name), workspace, rules: rules(50) };
    assert!(db.write(async |tx| tx.policy_insert(&new).await).await.unwrap());
    new.id
}

async fn one(db: &TestStore, id: PolicyId) -> Option<PolicyRow> {
    db.read().await.unwrap().policy(id).await.unwrap()
}

async fn a_policy_says_what_it_was_given(db: TestStore) {
    let payments = db.workspace("payments").await;
    let id = install(&db, "guardrails", Some(payments)).await;
    let twin =
        NewPolicy { id: PolicyId::from_uuid(fresh()), name: slug("guardrails"), workspace: None, rules: rules(1) };
    assert!(!db.write(async |tx| tx.policy_insert(&twin).await).await.unwrap(), "its name is taken");
    let row = one(&db, id).await.unwrap();
    assert_eq!(row.rules, rules(50));
    assert_eq!((row.workspace_id, row.workspace.clone(), row.version), (Some(payments), Some(slug("payments")), 1));
    assert_eq!(db.read().await.unwrap().policy_by_name("guardrails").await.unwrap(), Some(row));
}

async fn versions_count_and_stale_ones_change_nothing(db: TestStore) {
    let id = install(&db, "guardrails", None).await;
    assert!(db.write(async |tx| tx.policy_replace(id, &rules(60), 1).await).await.unwrap());
    assert!(!db.write(async |tx| tx.policy_replace(id, &rules(70), 1).await).await.unwrap());
    let row = one(&db, id).await.unwrap();
    assert_eq!((row.version, row.rules.partition_limits.max), (2, Some(60)));
    assert!(row.updated_at >= row.created_at);
    assert!(!db.write(async |tx| tx.policy_delete(id, 1).await).await.unwrap(), "it is of version 2 by now");
    assert!(db.write(async |tx| tx.policy_delete(id, 2).await).await.unwrap());
    assert_eq!(one(&db, id).await, None);
}

async fn a_policy_of_a_pack_shows_whether_it_was_changed_by_hand(db: TestStore) {
    let (names, other) = (install(&db, "names", None).await, install(&db, "other", None).await);
    db.write(async |tx| tx.policy_of_pack(names, "bus", 3).await).await.unwrap();
    let mark = |wrote| Some(orbit_store::PackMark { name: "bus".to_owned(), version: 3, wrote });
    assert_eq!((one(&db, names).await.unwrap().pack, one(&db, other).await.unwrap().pack), (mark(1), None));
    assert!(db.write(async |tx| tx.policy_replace(names, &rules(60), 1).await).await.unwrap());
    let row = one(&db, names).await.unwrap();
    assert_eq!((row.version, row.pack.clone()), (2, mark(1)));
    assert_eq!(db.read().await.unwrap().policies_of_pack("bus").await.unwrap(), [row]);
    assert_eq!(db.read().await.unwrap().policies_of_pack("no").await.unwrap(), []);
}

async fn versions_are_kept_with_who_wrote_them(db: TestStore) {
    let id = install(&db, "guardrails", None).await;
    db.write(async |tx| tx.policy_version_keep(id, "ann").await).await.unwrap();
    for (version, max) in [(1, 60), (2, 70)] {
        assert!(db.write(async |tx| tx.policy_replace(id, &rules(max), version).await).await.unwrap());
        db.write(async |tx| tx.policy_version_keep(id, "bob").await).await.unwrap();
    }
    let row = one(&db, id).await.unwrap();
    let mut read = db.read().await.unwrap();
    let first_version = read.policy_version(id, 1).await.unwrap().unwrap();
    assert_eq!((first_version.policy.rules, first_version.written_by.as_deref()), (rules(50), Some("ann")));
    assert_eq!(first_version.policy.name, row.name);
    assert_eq!(read.policy_version(id, 4).await.unwrap(), None);
    let mut list = async |page| -> Vec<i64> {
        read.policy_versions(id, &page).await.unwrap().into_iter().map(|v| v.policy.version).collect()
    };
    assert_eq!(list(first(2)).await, [3, 2]);
    assert_eq!(list(after(2, 2)).await, [1]);
    let newest = read.policy_versions(id, &first(1)).await.unwrap().remove(0);
    assert_eq!(newest.policy, row, "the newest is what holds");
    drop(read);
    assert!(db.write(async |tx| tx.policy_delete(id, 3).await).await.unwrap());
    assert_eq!(db.read().await.unwrap().policy_version(id, 1).await.unwrap(), None, "they go with it");
}

async fn the_rulebook_holds_what_binds_a_workspace(db: TestStore) {
    let (payments, media) = (db.workspace("payments").await, db.workspace("media").await);
    for (name, workspace) in
        [("z-ours", Some(payments)), ("a-platform", None), ("theirs", Some(media)), ("m-platform", None)]
    {
        install(&db, name, workspace).await;
    }
    let mut read = db.read().await.unwrap();
    let book = read.rulebook(payments).await.unwrap();
    let told: Vec<_> = book.topic_policies.iter().map(|p| (p.name.as_str(), p.scope)).collect();
    let ours = Scope::Workspace(payments);
    assert_eq!(told, [("a-platform", Scope::Platform), ("m-platform", Scope::Platform), ("z-ours", ours)]);
    assert_eq!(*book.topic_policies[0].rules, rules(50));
    assert_eq!(read.rulebook(WorkspaceId::from_uuid(fresh())).await.unwrap().topic_policies.len(), 2);
}

async fn pages_go_by_name(db: TestStore) {
    for name in ["b", "a1", "a-1", "a"] {
        install(&db, name, None).await;
    }
    let media = db.workspace("media").await;
    install(&db, "theirs", Some(media)).await;
    let (ann, bob) = (db.principal("ann").await, db.member("bob", media).await);
    let mut read = db.read().await.unwrap();
    let mut list = async |visible_to, page| -> Vec<String> {
        read.policy_list(visible_to, &page).await.unwrap().into_iter().map(|p| p.name.to_string()).collect()
    };
    assert_eq!(list(None, first(10)).await, ["a", "a-1", "a1", "b", "theirs"]);
    assert_eq!(list(None, after("a".to_owned(), 2)).await, ["a-1", "a1"]);
    assert_eq!(list(Some(ann), after("a1".to_owned(), 9)).await, ["b"], "the platform's are everybody's");
    assert_eq!(list(Some(bob), after("a1".to_owned(), 9)).await, ["b", "theirs"]);
}

on_both!(
    a_policy_says_what_it_was_given,
    versions_count_and_stale_ones_change_nothing,
    a_policy_of_a_pack_shows_whether_it_was_changed_by_hand,
    versions_are_kept_with_who_wrote_them,
    the_rulebook_holds_what_binds_a_workspace,
    pages_go_by_name,
);
