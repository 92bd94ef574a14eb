//! Steps on the real host: what they promise, and that they notice where it is not kept.

use crate::terraform::World;
use serde_json::json;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tfplugin::testing::Step;

const OBJECT: &str = "ledger_object.a";

fn object(content: &str) -> String {
    format!("resource \"ledger_object\" \"a\" {{\n  name = \"a\"\n  content = \"{content}\"\n}}\n")
}

/// What a step says when it is not as it should be.
#[track_caller]
fn complaint(world: &World, step: Step) -> String {
    let panic = catch_unwind(AssertUnwindSafe(|| world.step(step))).expect_err("the step went well");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_story_in_steps_from_creation_to_destruction() {
    let world = World::open();
    let created = Step::apply(object("hello")).plans(&["ledger_object.a create"]);
    let created = created.plans_value(OBJECT, "copies", json!(1)).plans_unknown(OBJECT, "id");
    world.step(created.holds(OBJECT, "content", json!("hello")).holds(OBJECT, "status", json!("active")));
    world.step(Step::import(OBJECT, "obj-1"));
    world.step(Step::plan(object("bye")).plans(&["ledger_object.a update"]));
    world.step(Step::apply(object("bye")).plans(&["ledger_object.a update"]).holds(OBJECT, "content", json!("bye")));

    // Somebody changes it past Terraform.
    world.ledger(|books| books.objects.values_mut().for_each(|object| object.spec.content = "drifted".to_owned()));
    world.step(Step::refresh().holds(OBJECT, "content", json!("drifted")));
    world.step(Step::apply(object("bye")).plans(&["ledger_object.a update"]));

    let other = object("panic").replace("\"a\"", "\"b\"");
    world.step(Step::apply(object("bye") + &other).fails(&["panicked in ApplyResourceChange", "asked to panic"]));
    world.step(Step::destroy());
}

#[test]
fn a_step_notices_what_is_not_as_it_should_be() {
    let world = World::guarded();
    let waits = || Step::apply(object("hello")).warns("Request 1 waits for approval");
    assert!(complaint(&world, waits()).contains("the plan after it is not empty"));
    world.step(waits().leaves_changes());
    assert!(complaint(&world, Step::plan(object("hello")).plans(&[])).contains("the plan has other changes"));
    let planned = || Step::plan(object("hello"));
    assert!(complaint(&world, planned().plans_value(OBJECT, "copies", json!(2))).contains("ledger_object.a: copies"));
    assert!(complaint(&world, planned().plans_value(OBJECT, "status", json!("x"))).contains("status is not known yet"));
    assert!(complaint(&world, planned().plans_unknown(OBJECT, "copies")).contains("copies is known: 1"));
    assert!(complaint(&world, planned().plans_unknown("ledger_object.b", "id")).contains("is not in the plan"));
    let other = Step::apply(object("hello")).leaves_changes();
    assert!(complaint(&world, other.holds(OBJECT, "status", json!("active"))).contains("ledger_object.a: status"));
    let silent = Step::apply(object("hello")).leaves_changes().warns("nothing of that kind");
    assert!(complaint(&world, silent).contains("no warning says"));
    assert!(complaint(&world, Step::plan(object("hello")).fails(&["anything"])).contains("it did not fail over"));
    assert!(complaint(&world, Step::apply("resource \"ledger_object\" \"a\" {}\n")).contains("it failed"));
}
