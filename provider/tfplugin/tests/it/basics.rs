//! Everyday life of a resource on the real Terraform.

use crate::terraform::World;
use serde_json::json;
use std::fs;

const FULL: &str = r#"
resource "ledger_object" "a" {
  name    = "a"
  content = "hello"
  copies  = 3
  labels  = { team = "x", empty = "" }
}
"#;

const BARE: &str = r#"
resource "ledger_object" "a" {
  name    = "a"
  content = "hello"
}
"#;

#[test]
fn checklist_02_what_was_applied_plans_empty_in_every_way_of_asking() {
    for configuration in [FULL, BARE] {
        let world = World::open();
        world.write(configuration);
        world.apply().ok().silent();
        world.plan().empty();
        world.run(&["plan", "-json", "-detailed-exitcode", "-refresh=false"]).empty();
        world.run(&["plan", "-json", "-detailed-exitcode", "-refresh-only"]).empty();
        let before = fs::read_to_string(world.path("books.json")).unwrap();
        world.apply().ok();
        assert_eq!(fs::read_to_string(world.path("books.json")).unwrap(), before, "a second apply writes nothing");
        world.destroy().ok();
        assert!(world.ledger(|books| books.objects.is_empty()));
    }
}

#[test]
fn a_data_source_sees_what_was_made_before_it() {
    let world = World::open();
    world.write(&format!(
        "{BARE}\ndata \"ledger_objects\" \"all\" {{\n  prefix = ledger_object.a.name\n  depends_on = [ledger_object.a]\n}}\n\
         output \"names\" {{ value = data.ledger_objects.all.names }}\n"
    ));
    world.apply().ok();
    let shown = world.command(&["output", "-json", "names"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&shown.stdout).trim(), r#"["a"]"#);
    world.plan().empty();
}

#[test]
fn a_removed_optional_attribute_goes_back_to_its_default() {
    let world = World::open();
    world.write(FULL);
    world.apply().ok();
    world.ledger(|books| books.objects.get_mut("obj-1").unwrap().spec.copies = 1);

    world.write(BARE);
    world.plan().ok().changes(&["ledger_object.a update"]);
    let change = world.planned_change();
    assert_eq!((&change["after"]["copies"], &change["after"]["labels"]), (&json!(1), &json!(null)));
    assert_eq!(change["after"]["id"], "obj-1", "an id that is kept stays known");
    world.apply().ok();
    world.plan().empty();
}

#[test]
fn drift_shows_as_exactly_that_attribute_and_apply_reverts_it() {
    let world = World::open();
    world.write(BARE);
    world.apply().ok();
    world.ledger(|books| books.objects.get_mut("obj-1").unwrap().spec.content = "drifted".into());

    world.plan().ok().changes(&["ledger_object.a update"]);
    let change = world.planned_change();
    assert_eq!((&change["before"]["content"], &change["after"]["content"]), (&json!("drifted"), &json!("hello")));
    world.apply().ok();
    assert!(world.ledger(|books| books.objects["obj-1"].spec.content == "hello"));
}

#[test]
fn what_is_gone_on_the_server_is_planned_anew_and_an_error_never_means_gone() {
    let world = World::open();
    world.write(BARE);
    world.apply().ok();
    world.ledger(|books| books.objects.clear());
    world.plan().ok().changes(&["ledger_object.a create"]);

    fs::rename(world.path("books.json"), world.path("away.json")).unwrap();
    world.plan().fails(&["cannot be used"]);
    assert!(world.state("a").is_some());
}

#[test]
fn an_import_brings_everything_and_plans_empty() {
    let world = World::open();
    world.write(FULL);
    world.apply().ok();
    fs::remove_file(world.path("terraform.tfstate")).unwrap();

    world.apply().fails(&["exists already", "terraform import"]);
    world.run(&["import", "ledger_object.a", "obj-1"]);
    assert_eq!(world.attribute("a", "labels"), json!({"team": "x", "empty": ""}));
    world.plan().ok().changes(&[]);
}

#[test]
fn an_import_block_plans_no_change() {
    let world = World::open();
    world.write(BARE);
    world.apply().ok();
    fs::remove_file(world.path("terraform.tfstate")).unwrap();
    world.write(&format!("{BARE}\nimport {{\n  to = ledger_object.a\n  id = \"obj-1\"\n}}\n"));

    world.plan().ok().changes(&["ledger_object.a import"]);
    world.apply().ok();
    assert_eq!(world.attribute("a", "status"), "active");
}

#[test]
fn a_plan_with_an_input_from_another_resource_works_and_is_checked_once_known() {
    let world = World::open();
    world.write(
        r#"
resource "terraform_data" "long" { input = "far-too-long-for-a-name" }
resource "ledger_object" "a" {
  name    = terraform_data.long.output
  content = "hello"
}
"#,
    );
    world.plan().ok().changes(&["ledger_object.a create", "terraform_data.long create"]);
    world.apply().fails(&["1 to 20 characters"]);
}

#[test]
fn a_wrong_value_is_named_at_its_attribute() {
    let world = World::open();
    world.write(&BARE.replace("content =", "copies = -1\n  content ="));
    let run = world.run(&["validate", "-json"]);
    assert!(run.output.contains("a whole number from 0 to 4294967295 expected, got -1"), "{}", run.output);
    assert!(run.output.contains("\"context\": \"resource \\\"ledger_object\\\" \\\"a\\\"\""), "{}", run.output);

    world.write(&BARE.replace("content =", "copies = 3\n  content ="));
    world.apply().ok();
    world.write(&BARE.replace("content =", "copies = 2\n  content ="));
    world.plan().fails(&["copies cannot shrink from 3 to 2"]);
}

#[test]
fn checklist_24_a_state_of_an_older_version_is_upgraded_and_one_of_a_newer_refused() {
    let world = World::open();
    world.write(BARE);
    world.apply().ok();
    let state = fs::read_to_string(world.path("terraform.tfstate")).unwrap();
    let versioned = |version: u32| state.replace("\"schema_version\": 1", &format!("\"schema_version\": {version}"));

    fs::write(world.path("terraform.tfstate"), versioned(0).replace("\"content\":", "\"text\":")).unwrap();
    world.plan().empty();
    fs::write(world.path("terraform.tfstate"), versioned(7)).unwrap();
    let run = world.plan();
    assert_eq!(run.code, 1, "{}", run.output);
    assert!(run.output.contains("newer provider version"), "{}", run.output);
}

#[test]
fn checklist_37_a_panic_is_a_diagnostic_and_the_other_objects_are_stored() {
    let world = World::open();
    let other = BARE.replace("\"a\"", "\"b\"");
    world.write(&format!("{}{other}", BARE.replace("hello", "panic")));

    world.apply().fails(&["panicked in ApplyResourceChange of ledger_object", "asked to panic"]);

    assert!(world.state("a").is_none());
    assert_eq!(world.attribute("b", "status"), "active", "the process survives");
}

#[test]
fn a_create_that_contradicts_its_plan_is_named_and_not_tainted() {
    let world = World::open();
    world.write(&BARE.replace("hello", "contradict"));
    world.apply().ok().warns(&["contradicts itself at copies", "a number was planned, another came back"]);
    assert_eq!(world.attribute("a", "copies"), 1);
}

#[test]
fn the_schema_is_what_the_model_says() {
    let world = World::open();
    world.write("");
    let shown = world.command(&["providers", "schema", "-json"]).output().unwrap();
    let all: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    let schema = &all["provider_schemas"]["local.example/test/ledger"]["resource_schemas"]["ledger_object"];
    assert_eq!(schema["version"], 1);
    assert_eq!(
        schema["block"]["attributes"]["copies"],
        json!({
            "type": "number",
            "description": "How many copies are kept. Can grow, never shrink.",
            "description_kind": "markdown",
            "optional": true,
            "computed": true,
        })
    );
}
