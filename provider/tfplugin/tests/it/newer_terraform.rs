//! What came to the protocol after its first version, on the real Terraform. Where the host at hand
//! is too old for something, its refusal is what is tested; `TFPLUGIN_TEST_TERRAFORM` names a newer one.

use crate::{
    ledger::store::SealRecord,
    terraform::{PATIENCE, World, signal, wait_until},
};
use serde_json::{Value as Json, json};
use std::{fs, io::Read as _, time::Instant};

const SEAL: &str = r#"
resource "ledger_seal" "s" {
  room   = "attic"
  number = 7
  key_wo = "hush-hush"
}
"#;

/// A key that comes from outside, and that Terraform itself stores nowhere either.
const KEY: &str = "variable \"key\" {\n  type = string\n  ephemeral = true\n}\n";

fn hang_a_seal(world: &World) {
    let record = SealRecord { weight: None, key_length: 9, terms: None };
    world.ledger(|books| books.seals.insert("attic/7".to_owned(), record));
}

#[test]
fn a_write_only_value_is_in_no_plan_state_or_log() {
    let world = World::open();
    let seal = SEAL.replace("\"hush-hush\"", "var.key");
    world.write(&format!("{KEY}{seal}"));
    let log = world.path("trace.log");
    let traced = |args: &[&str]| {
        let mut command = world.command(args);
        command.env("TF_LOG", "TRACE").env("TF_LOG_PATH", &log).env("TF_VAR_key", "hush-hush");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let mut said = traced(&["plan", "-no-color", "-out=plan.bin"]);
    said += &traced(&["show", "-json", "plan.bin"]);
    said += &traced(&["apply", "-no-color", "plan.bin"]);
    said += &fs::read_to_string(world.path("terraform.tfstate")).unwrap();
    assert!(!said.contains("hush-hush"), "{said}");
    // Terraform itself may log a configuration; the provider does not.
    let logged = fs::read_to_string(&log).unwrap();
    let ours = || logged.lines().filter(|line| line.contains("provider.") && line.contains("ledger"));
    assert!(ours().count() > 20, "it is a trace of the provider");
    let leaks: Vec<_> = ours().filter(|line| line.contains("hush-hush")).collect();
    assert!(leaks.is_empty(), "{leaks:?}");
    assert_eq!(world.attribute("s", "key_length"), 9);
    world.write(SEAL);
    world.plan().empty();

    world.write(&SEAL.replace("hush-hush", "other").replace("number = 7", "number = 7\n  key_wo_version = 2"));
    world.apply().ok().changes(&["ledger_seal.s update"]);
    assert_eq!(world.attribute("s", "key_length"), 5);
}

#[test]
fn checklist_23_an_ephemeral_value_reaches_a_write_only_attribute_is_renewed_and_closed() {
    let world = World::open();
    let seal = SEAL.replace("\"hush-hush\"", "ephemeral.ledger_token.t.secret");
    let token = "ephemeral \"ledger_token\" \"t\" {\n  holder = \"kim\"\n  renew_after_ms = 50\n}\n";
    world.write(&format!("{token}{seal}"));
    world.apply().ok();
    let state = fs::read_to_string(world.path("terraform.tfstate")).unwrap();
    assert!(!state.contains("token-"), "{state}");
    assert_eq!(world.attribute("s", "key_length"), 7);
    world.ledger(|books| assert!(!books.tokens.is_empty() && books.tokens.values().all(|token| token.closed)));

    // A run that takes its time renews what it holds.
    let slow = "  weight = 2000\n  timeouts = { update = \"500ms\" }\n}\n";
    let (head, _) = seal.rsplit_once('}').unwrap();
    world.write(&format!("{token}{head}{slow}"));
    world.apply().fails(&["Seal attic/7 was not pressed within 500ms", "timeouts"]);
    // Whether it closes them after an error is up to Terraform: 1.11 does not.
    world.ledger(|books| assert!(books.tokens.values().any(|token| token.renewals > 0), "{:?}", books.tokens));
}

#[test]
fn checklist_41_a_function_works_at_validate_and_points_at_its_argument() {
    let world = World::open();
    world.write("output \"mark\" { value = provider::ledger::shelf_mark(\"attic\", 7, \"a\") }\n");
    world.apply().ok();
    let shown = world.command(&["output", "-raw", "mark"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&shown.stdout), "ATTIC-7-a");

    world.write("output \"mark\" { value = provider::ledger::shelf_mark(\"\", 7) }\n");
    let validated = world.command(&["validate", "-json"]).output().unwrap();
    let told = String::from_utf8_lossy(&validated.stdout);
    assert!(told.contains("a room has a name") && told.contains("\\\"room\\\" parameter"), "{told}");

    // With an argument that is not known yet, the result is not either.
    world.write(
        "resource \"terraform_data\" \"t\" { input = \"attic\" }\n\
         output \"mark\" { value = provider::ledger::shelf_mark(terraform_data.t.output, 7) }\n",
    );
    world.plan().ok();
}

#[test]
fn an_object_of_another_type_moves_here() {
    let world = World::open();
    hang_a_seal(&world);
    world.write("resource \"terraform_data\" \"old\" { input = \"attic/7\" }\n");
    world.apply().ok();
    world.write(&format!("{SEAL}\nmoved {{\n  from = terraform_data.old\n  to = ledger_seal.s\n}}\n"));
    let before = fs::read_to_string(world.path("books.json")).unwrap();
    world.plan().ok().changes(&["ledger_seal.s move"]);
    world.apply().ok();
    assert_eq!(world.attribute("s", "key_length"), 9);
    assert_eq!(fs::read_to_string(world.path("books.json")).unwrap(), before, "a move writes nothing");
    world.write(SEAL);
    world.plan().empty();

    world.write(&format!("{SEAL}\nresource \"terraform_data\" \"odd\" {{ input = \"x\" }}\n"));
    world.apply().ok();
    let other = SEAL.replace("\"s\"", "\"odd\"").replace("number = 7", "number = 8");
    world.write(&format!("{SEAL}{other}\nmoved {{\n  from = terraform_data.odd\n  to = ledger_seal.odd\n}}\n"));
    world.plan().fails(&["only data whose input is ROOM/NUMBER can become a seal"]);
}

#[test]
fn a_configuration_is_generated_that_plans_as_it_is() {
    let world = World::open();
    world.write(
        "resource \"ledger_object\" \"a\" {\n  name = \"a\"\n  content = \"hello\"\n  labels = { team = \"x\" }\n}\n",
    );
    world.apply().ok();
    fs::remove_file(world.path("terraform.tfstate")).unwrap();
    world.write("import {\n  to = ledger_object.a\n  id = \"obj-1\"\n}\n");
    world.run(&["plan", "-json", "-generate-config-out=generated.tf"]).ok().changes(&["ledger_object.a import"]);
    let generated = fs::read_to_string(world.path("generated.tf")).unwrap();
    assert!(generated.contains("team = \"x\"") && !generated.contains("status"), "{generated}");
    world.apply().ok();
    world.plan().empty();
}

#[test]
fn an_identity_is_in_the_state_and_imports() {
    let world = World::open();
    world.write(SEAL);
    world.apply().ok();
    let identity = |world: &World| world.state("s").unwrap()["identity"].clone();
    let import = "import {\n  to = ledger_seal.s\n  identity = { room = \"attic\", number = 7 }\n}\n";
    if !world.is_since_1(12) {
        assert_eq!(identity(&world), Json::Null);
        world.write(&format!("{SEAL}{import}"));
        world.plan().refuses("An argument named \"identity\" is not expected here");
        return;
    }
    assert_eq!(identity(&world), json!({"number": 7, "room": "attic"}));
    fs::remove_file(world.path("terraform.tfstate")).unwrap();

    world.write(&format!("{SEAL}{import}"));
    world.plan().ok().changes(&["ledger_seal.s import"]);
    world.apply().ok();
    assert_eq!(identity(&world), json!({"number": 7, "room": "attic"}));
    world.write(SEAL);
    world.plan().empty();
}

#[test]
fn a_query_lists_and_generates_configuration() {
    let world = World::open();
    hang_a_seal(&world);
    world.write("");
    let query = "list \"ledger_seal\" \"all\" {\n  provider = ledger\n  include_resource = true\n  config {\n    room = \"attic\"\n  }\n}\n";
    fs::write(world.path("seals.tfquery.hcl"), query).unwrap();
    let output = world.command(&["query", "-json", "-generate-config-out=found.tf"]).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    if world.is_opentofu() || !world.is_since_1(14) {
        let told = format!("{told}{}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success() && told.contains("has no command named \"query\""), "{told}");
        return;
    }
    let found = told.lines().filter_map(|line| serde_json::from_str::<Json>(line).ok());
    let found: Vec<_> = found.filter(|line| line["type"] == "list_resource_found").collect();
    assert_eq!(found.len(), 1, "{told}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(found[0]["list_resource_found"]["display_name"], "seal 7 in the attic");
    assert_eq!(found[0]["list_resource_found"]["identity"], json!({"room": "attic", "number": 7}));
    let generated = fs::read_to_string(world.path("found.tf")).unwrap();
    assert!(generated.contains("room") && generated.contains("import {"), "{generated}");
}

#[test]
fn checklist_13_json_is_the_same_however_it_is_written() {
    let world = World::open();
    let seal = |terms: &str| SEAL.replace("number = 7", &format!("number = 7\n  terms = {terms}"));
    let written = r#""{ \"name\": \"r\",  \"fields\": [1, 2.50] }""#;
    world.write(&seal(written));
    world.apply().ok().silent();
    // The ledger keeps it in its own way; the state has what was written.
    assert_eq!(world.attribute("s", "terms"), "{ \"name\": \"r\",  \"fields\": [1, 2.50] }");
    for same in [written, r#"jsonencode({ fields = [1, 2.5], name = "r" })"#] {
        world.write(&seal(same));
        world.plan().empty();
        world.run(&["plan", "-json", "-detailed-exitcode", "-refresh=false"]).empty();
        world.run(&["plan", "-json", "-detailed-exitcode", "-refresh-only"]).empty();
    }
    world.write(&seal(r#"jsonencode({ fields = [2.5, 1], name = "r" })"#));
    world.plan().ok().changes(&["ledger_seal.s update"]);
    world.apply().ok().silent();
    world.plan().empty();

    world.ledger(|books| books.seals.get_mut("attic/7").unwrap().terms = Some(json!({"fields": []})));
    world.plan().ok().changes(&["ledger_seal.s update"]);
    assert_eq!(world.planned_change()["before"]["terms"], "{\"fields\":[]}");
    world.write(&seal("\"{\""));
    world.plan().fails(&["JSON expected"]);
}

#[test]
fn an_action_streams_its_progress() {
    let world = World::open();
    let action = r#"
action "ledger_audit" "count" {
  config {
    auditor = "kim"
  }
}
action "ledger_audit" "silent" {}
resource "ledger_object" "a" {
  name    = "a"
  content = "hello"
  lifecycle {
    action_trigger {
      events  = [after_create]
      actions = [action.ledger_audit.count]
    }
  }
}
"#;
    world.write("");
    world.write(action);
    if world.is_opentofu() || !world.is_since_1(14) {
        world.plan().refuses("Blocks of type \"action\" are not expected here");
        return;
    }
    let run = world.apply().ok();
    assert!(run.output.contains("kim: a is there"), "{}", run.output);
    world.plan().empty();
    assert_eq!(world.ledger(|books| books.audits), 1);
    world.run(&["apply", "-json", "-auto-approve", "-invoke=action.ledger_audit.count"]).ok();
    assert_eq!(world.ledger(|books| books.audits), 2);
    // Without a `config` block the defaults hold.
    let run = world.run(&["apply", "-json", "-auto-approve", "-invoke=action.ledger_audit.silent"]).ok();
    assert!(run.output.contains("nobody: a is there"), "{}", run.output);
}

#[test]
fn a_provider_that_a_person_started_serves_terraform() {
    let world = World::open();
    world.write(SEAL);
    let mut provider = std::process::Command::new(crate::terraform::ledger_binary());
    let mut provider = provider.arg("-debug").stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut output = std::io::BufReader::new(provider.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains("TF_REATTACH_PROVIDERS=") {
        line.clear();
        assert_ne!(std::io::BufRead::read_line(&mut output, &mut line).unwrap(), 0, "it says how to reach it");
    }
    let setting = line.trim().strip_prefix("TF_REATTACH_PROVIDERS='").unwrap().strip_suffix('\'').unwrap();
    for _ in 0..2 {
        let mut apply = world.command(&["apply", "-auto-approve", "-no-color"]);
        let applied = apply.env("TF_REATTACH_PROVIDERS", setting).output().unwrap();
        assert!(applied.status.success(), "{}", String::from_utf8_lossy(&applied.stderr));
    }
    assert!(provider.try_wait().unwrap().is_none(), "it outlives the commands that used it");
    signal("INT", &provider.id().to_string());
    let begun = Instant::now();
    wait_until("it ends by Ctrl-C", || provider.try_wait().unwrap().is_some());
    assert!(begun.elapsed() < PATIENCE);
    output.read_to_end(&mut Vec::new()).unwrap();
}
