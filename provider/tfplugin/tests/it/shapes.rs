//! Every shape of attribute on the real Terraform.

use crate::terraform::World;
use serde_json::json;

const EMPTY: &str = "resource \"ledger_shelf\" \"s\" {}\n";

const FULL: &str = r#"
resource "ledger_shelf" "s" {
  room     = "attic"
  width    = 0.1
  dust     = 123456789012345678901234567890.5
  standing = false
  boards   = ["oak", "", "oak"]
  readers  = ["b", "a"]
  notes    = { x = ["1", "2"], "y.z" = [] }
  base     = { label = "base" }
  row      = [{ label = "r1" }, { label = "r2", size = 7 }]
  heap     = [{ label = "h1", material = "tin" }, { label = "h2" }]
  named    = { one = { label = "n1" }, two = { label = "n2", size = 3 } }
}
"#;

#[test]
fn every_shape_round_trips_and_plans_empty() {
    let world = World::open();
    for configuration in [FULL, EMPTY, FULL] {
        world.write(configuration);
        world.apply().ok().silent();
        world.plan().empty();
        world.run(&["plan", "-json", "-detailed-exitcode", "-refresh=false"]).empty();
        world.run(&["plan", "-json", "-detailed-exitcode", "-refresh-only"]).empty();
    }
    assert_eq!(world.attribute("s", "width").to_string(), "0.1");
    let text = std::fs::read_to_string(world.path("terraform.tfstate")).unwrap();
    assert!(text.contains("123456789012345678901234567890.5"), "every digit is kept: {text}");
    assert_eq!(world.attribute("s", "readers"), json!(["a", "b"]));
    assert_eq!(world.attribute("s", "row")[1], json!({"label": "r2", "size": 7, "material": null, "serial": "r2-7"}));
    assert_eq!(world.attribute("s", "count_of_items"), 7);
}

#[test]
fn a_nested_change_plans_only_that_change() {
    let world = World::open();
    world.write(FULL);
    world.apply().ok();
    world.write(&FULL.replace("\"n2\", size = 3", "\"n2\", size = 4").replace("{ label = \"r1\" }, ", ""));

    world.plan().ok().changes(&["ledger_shelf.s update"]);
    let change = world.planned_change();
    assert_eq!(change["after_unknown"]["count_of_items"], json!(true));
    assert_eq!(change["after"]["named"]["two"], json!({"label": "n2", "size": 4, "material": null, "serial": "n2-3"}));
    assert_eq!(change["after"]["heap"], change["before"]["heap"], "elements of a set keep what is kept");
    world.apply().ok();
    world.plan().empty();
}

#[test]
fn a_nested_attribute_can_force_a_replacement() {
    let world = World::open();
    world.write(FULL);
    world.apply().ok();
    world.write(&FULL.replace("base     = { label = \"base\"", "base     = { label = \"base\", material = \"lead\""));
    world.plan().ok().changes(&["ledger_shelf.s replace"]);
    assert_eq!(world.planned_change()["replace_paths"], json!([["base", "material"]]));
    world.apply().ok();
    world.plan().empty();
}

#[test]
fn a_nested_check_names_its_place() {
    let world = World::open();
    world.write(&FULL.replace("label = \"n1\"", "label = \"\""));
    let run = world.plan().fails(&["a label is not empty", r#"At named["one"].label."#]);
    assert!(run.output.contains(r#""code":"  named    = {"#), "the line is shown: {}", run.output);
}

#[test]
fn unknown_values_inside_collections_wait_for_apply() {
    let world = World::open();
    world.write(
        r#"
resource "terraform_data" "later" { input = "x" }
resource "ledger_shelf" "s" {
  boards  = ["oak", terraform_data.later.output]
  readers = [terraform_data.later.output, "${terraform_data.later.id}-b"]
  notes   = { x = [terraform_data.later.id] }
  row     = [{ label = terraform_data.later.output }]
  heap    = [{ label = terraform_data.later.output }, { label = "h2" }]
}
"#,
    );
    world.plan().ok();
    world.apply().ok();
    world.plan().empty();
}

#[test]
fn a_sensitive_value_is_in_no_output_and_a_deprecated_one_warns() {
    let world = World::open();
    world.write(&FULL.replace("room ", "drawer = \"hush-hush\"\n  room "));
    let run = world.apply().ok();
    assert!(!run.output.contains("hush-hush"), "{}", run.output);
    assert_eq!(world.attribute("s", "drawer"), "hush-hush");

    world.write("resource \"ledger_shelf\" \"s\" {\n  hook = true\n}\n");
    let validated = world.command(&["validate", "-no-color"]).output().unwrap();
    let said = String::from_utf8_lossy(&validated.stdout);
    assert!(said.contains("hook is deprecated") && said.contains("no hooks any more"), "{said}");
}
