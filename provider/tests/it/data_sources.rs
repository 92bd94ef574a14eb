//! Data sources.

use crate::world::World;
use serde_json::json;

#[tokio::test]
async fn environments_are_sorted_by_slug() {
    let mut world = World::new().await;
    let found = world.terraform.read("orbit_kafka_environments", &json!({})).await.ok();
    let slugs: Vec<_> = found["environments"].as_array().unwrap().iter().map(|e| e["slug"].clone()).collect();
    assert_eq!(slugs, ["dev", "prod"]);
    assert_eq!(found["environments"][0]["naming_template"], "{environment}.{workspace}.{name}");
    assert_eq!(found["environments"][0]["clusters"], json!(["main"]));
}
