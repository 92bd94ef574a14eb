//! "Pending approval is a normal outcome": the contract, sentence by sentence, on the real Terraform.

use crate::terraform::{PATIENCE, Run, World, signal, wait_until};
use serde_json::json;
use std::time::Instant;

const HELLO: &str = r#"
resource "ledger_object" "a" {
  name    = "a"
  content = "hello"
}
"#;

fn object(content: &str) -> String {
    HELLO.replace("hello", content)
}

/// A ledger with an approved object `a` that holds "hello".
fn with_active_object() -> World {
    let world = World::guarded();
    world.write(HELLO);
    world.apply().ok();
    world.approve(1);
    world.plan().empty();
    // The refresh of a plan is not stored; an apply of it is.
    world.apply().ok().silent();
    assert_eq!(world.attribute("a", "status"), "active");
    world
}

#[test]
fn a_pending_create_succeeds_with_a_warning_and_resumes_until_it_is_approved() {
    let world = World::guarded();
    world.write(HELLO);

    world.apply().ok().warns(&["Request 1 waits for approval", "ledger://requests/1"]);
    assert_eq!(world.attribute("a", "status"), "pending-approval");
    assert_eq!(world.attribute("a", "id"), "obj-1", "the id is in the state before any wait");

    let plan = world.plan().ok().changes(&["ledger_object.a update"]).warns(&["Request 1 waits"]);
    assert_eq!(plan.code, 2);
    assert_eq!(world.planned_change()["after_unknown"], json!({"status": true}), "and nothing else changes");

    world.apply().ok().warns(&["Request 1 waits"]);
    assert_eq!(world.requests(), 1, "applying it files nothing");
    assert_eq!(world.attribute("a", "status"), "pending-approval");

    world.approve(1);
    world.plan().empty();
    world.apply().ok().silent();
    assert_eq!(world.attribute("a", "status"), "active");
    world.run(&["plan", "-json", "-detailed-exitcode", "-refresh=false"]).empty();
}

#[test]
fn an_approval_between_plan_and_apply_is_just_success() {
    let world = World::guarded();
    world.write(HELLO);
    world.apply().ok();
    world.plan().ok();
    world.approve(1);

    world.run(&["apply", "-json", "plan.bin"]).ok().silent();

    assert_eq!(world.attribute("a", "status"), "active");
    world.plan().empty();
}

#[test]
fn a_rejection_warns_in_plan_and_fails_in_apply_and_the_state_stays() {
    let world = World::guarded();
    world.write(HELLO);
    world.apply().ok();
    world.reject(1);
    let other = HELLO.replace("\"a\"", "\"b\"");
    world.write(&format!("{HELLO}{other}"));

    let said = ["Request 1 was rejected by kim", "too big"];
    world.plan().ok().changes(&["ledger_object.a update", "ledger_object.b create"]).warns(&said);

    world.apply().fails(&said);
    assert_eq!(world.attribute("a", "id"), "obj-1", "neither tainted nor lost");
    assert_eq!(world.attribute("b", "status"), "pending-approval", "the rest of the repository goes on");
    assert_eq!(world.requests(), 2, "only b's request is new");
    world.apply().fails(&said);
    assert_eq!(world.requests(), 2, "asking again does not file again");
}

#[test]
fn a_changed_specification_after_a_rejection_files_anew_under_the_same_id() {
    let world = World::guarded();
    world.write(HELLO);
    world.apply().ok();
    world.reject(1);

    world.write(&object("smaller"));
    world.plan().ok().changes(&["ledger_object.a update"]).silent();
    world.apply().ok().warns(&["Request 2 waits"]);
    assert_eq!(world.attribute("a", "id"), "obj-1");

    world.approve(2);
    world.plan().empty();
}

#[test]
fn a_pending_update_shows_exactly_that_change_until_it_is_approved() {
    let world = with_active_object();
    world.write(&object("new"));

    world.plan().ok().changes(&["ledger_object.a update"]).silent();
    world.apply().ok().warns(&["Request 2 waits"]);
    assert_eq!(world.attribute("a", "status"), "pending-approval");

    world.plan().ok().changes(&["ledger_object.a update"]).warns(&["Request 2 waits"]);
    let change = world.planned_change();
    assert_eq!((&change["before"]["content"], &change["after"]["content"]), (&json!("hello"), &json!("new")));
    assert_eq!(change["after_unknown"], json!({"status": true}));

    world.apply().ok().warns(&["Request 2 waits"]);
    assert_eq!(world.requests(), 2, "applying it files nothing");
    world.approve(2);
    world.plan().empty();
}

#[test]
fn taking_a_pending_update_back_withdraws_it() {
    let world = with_active_object();
    world.write(&object("new"));
    world.apply().ok();

    world.write(HELLO);
    world.plan().ok().changes(&["ledger_object.a update"]).silent();
    world.apply().ok().silent();

    assert_eq!(world.attribute("a", "status"), "active");
    assert!(world.ledger(|books| books.requests[&2].state == crate::ledger::store::State::Withdrawn));
    world.plan().empty();
}

#[test]
fn a_rejected_update_keeps_the_object_as_it_was() {
    let world = with_active_object();
    world.write(&object("new"));
    world.apply().ok();
    world.reject(2);

    world.plan().ok().changes(&["ledger_object.a update"]).warns(&["rejected by kim", "too big"]);
    world.apply().fails(&["Request 2 was rejected by kim", "too big"]);
    assert_eq!(world.attribute("a", "content"), "hello");

    world.write(HELLO);
    world.plan().empty();
}

#[test]
fn a_pending_destroy_ends_with_an_error_and_the_next_one_attaches() {
    let world = with_active_object();

    world.destroy().fails(&["waits for approval of request 2", "stays in the state"]);
    assert_eq!(world.attribute("a", "id"), "obj-1", "the prior state is kept");
    world.destroy().fails(&["request 2"]);
    assert_eq!(world.requests(), 2, "the second destroy attaches to the first one's request");

    world.approve(2);
    world.destroy().ok();
    assert!(world.state("a").is_none());
}

/// `b` holds what only `a` can tell it.
fn one_that_needs_another() -> String {
    format!("{HELLO}resource \"ledger_object\" \"b\" {{\n  name    = \"b\"\n  content = ledger_object.a.id\n}}\n")
}

#[test]
fn what_depends_on_something_pending_is_asked_for_beside_it_and_each_has_its_own_decision() {
    let world = World::guarded();
    world.write(&one_that_needs_another());
    let told = world.apply().ok().warnings;
    assert!(told.len() == 2 && told[0].contains("Request 1 waits") && told[1].contains("Request 2 waits"), "{told:?}");
    assert_eq!(world.attribute("b", "content"), "obj-1", "an id is known before any decision");
    world.plan().ok().changes(&["ledger_object.a update", "ledger_object.b update"]);
    world.apply().ok();
    assert_eq!(world.requests(), 2, "nothing is asked for twice");

    // One is refused: that is an error of its own, and of what builds upon it Terraform says nothing until it is mended.
    world.approve(2);
    world.reject(1);
    assert!(world.plan().ok().warnings.iter().any(|told| told.contains("Request 1 was rejected by kim")));
    let run = world.apply();
    assert!(run.errors.len() == 1 && run.errors[0].contains("Request 1 was rejected by kim"), "{}", run.output);
    assert_eq!(world.attribute("b", "content"), "obj-1");
    world.write(&one_that_needs_another().replace("hello", "bye"));
    world.apply().ok();
    world.approve(3);
    world.plan().empty();
    assert_eq!((world.attribute("a", "id"), world.requests()), (json!("obj-1"), 3));

    let run = world.destroy();
    assert!(
        run.errors.len() == 1 && run.errors[0].contains("request 4"),
        "what is needed stays until then: {}",
        run.output
    );
    world.approve(4);
    world.destroy().fails(&["request 5"]);
    world.approve(5);
    world.destroy().ok();
    assert!(world.state("a").is_none() && world.state("b").is_none());
}

#[test]
fn what_depends_on_something_that_failed_over_a_person_is_not_asked_for() {
    let world = World::guarded();
    world.write(
        &one_that_needs_another().replace("content = \"hello\"", "content = \"hello\"\n  on_pending = \"fail\""),
    );
    world.apply().fails(&["Request 1 waits for approval"]);
    assert_eq!((world.requests(), world.state("b")), (1, None));
}

#[test]
fn an_approved_destroy_is_seen_by_the_next_refresh() {
    let world = with_active_object();
    world.write("");
    world.apply().fails(&["request 2"]);
    world.approve(2);

    world.apply().ok();

    assert!(world.state("a").is_none());
    world.plan().empty();
}

#[test]
fn destroying_a_pending_create_withdraws_it() {
    let world = World::guarded();
    world.write(HELLO);
    world.apply().ok();

    world.destroy().ok();

    assert!(world.state("a").is_none());
    assert!(world.ledger(|books| books.objects.is_empty()));
    assert!(world.ledger(|books| books.requests[&1].state == crate::ledger::store::State::Withdrawn));
}

#[test]
fn a_replacement_waits_for_its_deletion_and_then_for_its_creation() {
    let world = with_active_object();
    world.write(&HELLO.replace("name    = \"a\"", "name    = \"b\""));

    world.plan().ok().changes(&["ledger_object.a replace"]);
    world.apply().fails(&["The deletion waits for approval of request 2"]);
    assert_eq!(world.attribute("a", "name"), "a", "nothing has happened yet");
    assert_eq!(world.requests(), 2, "the creation is not asked for while the old object is there");

    world.approve(2);
    world.plan().ok().changes(&["ledger_object.a create"]);
    world.apply().ok().warns(&["Request 3 waits"]);
    world.approve(3);
    world.plan().empty();
}

#[test]
fn mode_fail_stores_nothing_and_the_next_apply_finds_the_request_again() {
    let world = World::guarded();
    world.write(&HELLO.replace("name    =", "on_pending = \"fail\"\n  name ="));

    world.apply().fails(&["Request 1 waits for approval"]);
    assert!(world.state("a").is_none(), "nothing to taint");
    world.apply().fails(&["Request 1 waits"]);
    assert_eq!(world.requests(), 1);

    world.approve(1);
    let run = world.apply();
    assert!(run.errors[0].contains("exists already"), "{}", run.output);
}

#[test]
fn ctrl_c_ends_a_waiting_apply_at_once_and_loses_nothing() {
    let world = World::guarded();
    world.write(&HELLO.replace("name    =", "on_pending = \"wait\"\n  name ="));
    let child = world.start(&["apply", "-json", "-auto-approve"]);
    wait_until("the request is filed", || world.requests() == 1);

    let pressed = Instant::now();
    signal("INT", &format!("-{}", child.id()));
    let output = child.wait_with_output().unwrap();

    let took = pressed.elapsed();
    assert!(took.as_millis() < 2_000, "{took:?}");
    let run = Run::read(&output);
    assert!(run.warnings.iter().any(|w| w.contains("Request 1 waits")), "{}", run.output);
    assert_eq!(world.attribute("a", "id"), "obj-1");
    world.approve(1);
    world.plan().empty();
}

#[test]
fn mode_wait_waits_for_the_decision() {
    let world = World::guarded();
    world.write(&HELLO.replace("name    =", "on_pending = \"wait\"\n  name ="));
    let child = world.start(&["apply", "-json", "-auto-approve"]);
    wait_until("the request is filed", || world.requests() == 1);
    world.approve(1);
    let output = child.wait_with_output().unwrap();
    Run::read(&output).ok().silent();
    assert_eq!(world.attribute("a", "status"), "active");
}

#[test]
fn a_killed_terraform_leaves_no_provider_behind_and_the_next_apply_finds_its_request() {
    let world = World::guarded();
    world.write(&HELLO.replace("name    =", "on_pending = \"wait\"\n  name ="));
    let mut child = world.start(&["apply", "-json", "-auto-approve"]);
    wait_until("the request is filed", || world.requests() == 1);
    let group = child.id();

    signal("KILL", &group.to_string());
    child.wait().unwrap();

    let gone = Instant::now();
    wait_until("the provider is gone too", || !group_lives(group));
    assert!(gone.elapsed() < PATIENCE);
    world.write(HELLO);
    world.run(&["apply", "-json", "-auto-approve", "-lock=false"]).ok().warns(&["Request 1 waits"]);
    assert_eq!(world.requests(), 1, "the lost create is found again, not repeated");
}

/// Whether a process of the group is still running.
fn group_lives(group: u32) -> bool {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    processes.filter_map(|p| std::fs::read_to_string(p.path().join("stat")).ok()).any(|stat| {
        // pid (name) state parent group …
        let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
        fields.next() != Some("Z") && fields.nth(1) == Some(&group.to_string())
    })
}
