//! What `terraform query` asks for.

use crate::world::World;
use serde_json::json;
use std::collections::BTreeSet;

const TOPICS: &str = "orbit_kafka_topic";

#[tokio::test]
async fn checklist_41_a_list_gives_as_many_topics_as_are_asked_for_page_after_page() {
    let mut world = World::new().await;
    world.orbit().has_topics(700);
    for (limit, pages) in [(3, 1), (500, 1), (600, 2), (1_000, 2)] {
        world.orbit().calls.clear();
        let listing = world.terraform.list(TOPICS, &json!({}), limit, false).await;
        assert!(listing.diagnostics.is_empty(), "{:?}", listing.diagnostics);
        let names: BTreeSet<_> = listing.found.iter().map(|found| found.display_name.clone()).collect();
        assert_eq!(names.len(), usize::try_from(limit).unwrap().min(700), "each of them once");
        assert_eq!(world.orbit().calls, vec!["GET /v1/topics"; pages], "{limit}");
    }
}

#[tokio::test]
async fn a_list_finds_topics_with_their_identity_and_all_that_is_known_of_them() {
    let mut world = World::new().await;
    world.orbit().has_topics(1);
    let listing = world.terraform.list(TOPICS, &json!({"workspace": "payments-team"}), 10, true).await;
    let [found] = &listing.found[..] else { panic!("{listing:?}") };
    assert_eq!(found.display_name, "payments-team/prod/orders-0");
    let identity = json!({"workspace": "payments-team", "environment": "prod", "name": "orders-0"});
    assert_eq!((&found.identity, &found.object["partitions"]), (&identity, &json!(6)));

    let address = "orbit_kafka_topic.found";
    let imported = world.terraform.import_by(address, &identity).await.ok();
    assert_eq!((&imported["id"], imported["partitions"].clone()), (&json!("top_00000"), json!(6)));
    assert_eq!(world.terraform.identity_of(address), identity);
    let generated = world.terraform.generate(address).await;
    world.terraform.plan(address, &generated).await.is_empty();

    let part = json!({"environment": "prod", "name": "orders-0"});
    let partly = world.terraform.import_by("orbit_kafka_topic.partly", &part).await;
    assert_eq!((partly.errors(), partly.state), (vec!["the identity lacks workspace".to_owned()], None));
}
