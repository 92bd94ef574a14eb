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
  facts    = { wood = ["oak", 1], age = 7, weight = 12345678901234567890123, none = null, open = true }
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
    assert!(text.contains("12345678901234567890123"), "inside of a value of any type too: {text}");
    assert_eq!(world.attribute("s", "facts")["value"]["wood"], json!(["oak", 1]));
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
fn elements_of_a_set_that_differ_in_what_has_a_default_stay_two() {
    let world = World::open();
    let heap = |items: &str| format!("resource \"ledger_shelf\" \"s\" {{\n  heap = [{items}]\n}}\n");
    world.write(&heap("{ label = \"a\" }, { label = \"a\", size = 7 }"));
    world.apply().ok().silent();
    world.plan().empty();
    let of_size = |size: u32, serial: &str| json!({"label": "a", "size": size, "material": null, "serial": serial});
    assert_eq!(world.attribute("s", "heap"), json!([of_size(1, "a-1"), of_size(7, "a-7")]));

    // Another element takes the place of one; no path of a set's says which, so nothing is replaced over it.
    world.write(&heap("{ label = \"a\" }, { label = \"a\", size = 7, material = \"tin\" }"));
    world.plan().ok().changes(&["ledger_shelf.s update"]);
    world.apply().ok().silent();
    world.plan().empty();
}

#[test]
fn a_number_keeps_the_digits_that_a_float_has_not() {
    let world = World::open();
    for width in ["1 / 3", "0.1", "1 / 7"] {
        world.write(&format!("resource \"ledger_shelf\" \"s\" {{\n  width = {width}\n}}\n"));
        world.apply().ok().silent();
        world.plan().empty();
        world.run(&["plan", "-json", "-detailed-exitcode", "-refresh-only"]).empty();
    }
}

#[test]
fn an_object_that_comes_or_goes_with_what_replaces_is_a_replacement() {
    let world = World::open();
    let shelf = |base: &str| format!("resource \"ledger_shelf\" \"s\" {{\n  base = {base}\n}}\n");
    world.write(&shelf("null"));
    world.apply().ok();
    for base in ["{ label = \"b\", material = \"lead\" }", "null"] {
        world.write(&shelf(base));
        world.plan().ok().changes(&["ledger_shelf.s replace"]);
        assert_eq!(world.planned_change()["replace_paths"], json!([["base", "material"]]));
        world.apply().ok().silent();
        world.plan().empty();
    }
}

#[test]
fn an_element_of_a_set_that_only_the_apply_knows_is_no_other_one_by_then() {
    let world = World::open();
    let shelf = |label: &str, more: &str| {
        format!("resource \"ledger_shelf\" \"s\" {{\n  heap = [{{ label = {label} }}]\n}}\n{more}")
    };
    world.write(&shelf("\"h1\"", ""));
    world.apply().ok();
    let data = |input: &str| format!("resource \"terraform_data\" \"new\" {{\n  input = \"{input}\"\n}}\n");
    for input in ["h2", "h1"] {
        world.write(&shelf("terraform_data.new.output", &data(input)));
        world.apply().ok().silent();
        world.plan().empty();
        assert_eq!(world.attribute("s", "heap")[0]["serial"], format!("{input}-1"));
    }
}

#[test]
fn a_state_from_before_an_attribute_with_a_default_is_as_if_it_held_that() {
    let world = World::open();
    world.write(EMPTY);
    world.apply().ok();
    let state = std::fs::read_to_string(world.path("terraform.tfstate")).unwrap();
    let without = state.lines().filter(|line| !line.contains("\"standing\"")).collect::<Vec<_>>().join("\n");
    assert_ne!(state.trim(), without.trim());
    std::fs::write(world.path("terraform.tfstate"), without).unwrap();
    world.plan().empty();
    world.run(&["plan", "-json", "-detailed-exitcode", "-refresh=false"]).empty();
}

#[test]
fn a_value_of_any_type_may_become_one_of_another() {
    let world = World::open();
    let null_of_a_type = "tostring(null)";
    let all = [
        "\"round\"",
        "[1, \"two\", true]",
        "toset([\"b\", \"a\"])",
        "{ a = { b = [] } }",
        null_of_a_type,
        "null",
        "false",
    ];
    for facts in all {
        world.write(&format!("resource \"ledger_shelf\" \"s\" {{\n  facts = {facts}\n}}\n"));
        world.apply().ok().silent();
        world.plan().empty();
        world.run(&["plan", "-json", "-detailed-exitcode", "-refresh-only"]).empty();
    }
    world.write("resource \"ledger_shelf\" \"s\" {\n  facts = { later = terraform_data.d.output }\n}\nresource \"terraform_data\" \"d\" {\n  input = 7\n}\n");
    world.apply().ok();
    world.plan().empty();
    assert_eq!(world.attribute("s", "facts")["value"], json!({"later": 7}));
}

#[test]
fn what_a_plan_promises_of_a_value_is_known_at_plan_and_held_at_apply() {
    let world = World::open();
    let shelf = |room: &str| {
        format!(
            "resource \"ledger_shelf\" \"s\" {{\n  room = \"{room}\"\n}}\noutput \"is_shelf\" {{\n  value = startswith(ledger_shelf.s.url, \"shelf://\")\n}}\n"
        )
    };
    world.write(&shelf("attic"));
    world.plan().ok();
    let shown = world.command(&["show", "-json", "plan.bin"]).output().unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(plan["planned_values"]["outputs"]["is_shelf"]["value"], true, "{plan}");
    world.apply().ok().silent();
    world.plan().empty();

    world.destroy().ok();
    world.write(&shelf("cellar"));
    world.apply().fails(&["contradicts itself at url", "the plan promised what it is not"]);
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
