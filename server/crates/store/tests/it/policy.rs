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
    the_rulebook_holds_what_binds_a_workspace,
    pages_go_by_name,
);
