//! Objects that are made anew, as the stand-in for core plans them: by force, or because they are tainted.

use crate::harness::{THING, lab, with};
use serde_json::json;
use tfplugin::{Action, testing::Options};

#[tokio::test]
async fn a_forced_replacement_shows_to_the_provider_as_nothing_to_do_and_then_as_a_creation() {
    let config = json!({"name": "a"});
    let mut core = with(&config).await;
    let forced = Options { replace: true, ..Options::default() };

    let plan = core.plan_with(THING, &config, forced).await;

    assert_eq!((plan.action, plan.warnings()), (Action::Replace, vec![]));
    assert_eq!(plan.unknown, ["id", "revision"], "of the new one nothing is known");
    assert_eq!(core.apply(plan).await.ok()["revision"], 1);
    core.plan(THING, &config).await.is_empty();
}

#[tokio::test]
async fn a_tainted_object_shows_to_the_provider_as_a_creation_and_no_more() {
    let config = json!({"name": "a"});
    let mut core = with(&config).await;
    core.taint(THING);

    let plan = core.plan(THING, &config).await;

    assert_eq!((plan.action, plan.before["name"].as_str()), (Action::Replace, Some("a")));
    assert_eq!((plan.warnings(), plan.unknown.len()), (vec![], 2), "the provider has seen no prior state");
    let report = core.apply(plan).await;
    assert!(!report.tainted, "{report:?}");
}

#[tokio::test]
async fn a_plan_without_a_refresh_does_not_look() {
    let config = json!({"name": "a"});
    // In another process of this provider the thing is unknown.
    let mut core = lab().await;
    core.take_over(&mut with(&config).await);
    let kept = Options { refresh: false, ..Options::default() };
    core.plan_with(THING, &config, kept).await.is_empty();
    assert_eq!(core.plan(THING, &config).await.action, Action::Create);
}
