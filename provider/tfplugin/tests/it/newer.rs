//! What came to the protocol after its first version, on the stand-in for core.

use crate::ledger::{
    Ledger,
    store::{Books, Store},
};
use serde_json::{Value as Json, json};
use std::{fs, time::SystemTime};
use tfplugin::{
    Action,
    testing::{Abilities, Core, Listed, UNKNOWN},
};

const SEAL: &str = "ledger_seal.s";

/// A ledger in a folder of its own, and a core with the provider of it.
struct Desk {
    core: Core<Ledger>,
    store: Store,
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn new() -> Self {
        Self::with(Abilities::default()).await
    }

    async fn with(abilities: Abilities) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("books.json");
        fs::write(&path, serde_json::to_string(&Books::default()).unwrap()).unwrap();
        let core = Core::start_with(json!({"path": path}), abilities).await;
        Self { core, store: Store::new(path), _folder: folder }
    }

    fn books(&self) -> Books {
        self.store.look().unwrap()
    }

    async fn apply(&mut self, address: &str, config: &Json) -> Json {
        let plan = self.core.plan(address, config).await;
        let state = self.core.apply(plan).await.ok();
        self.core.plan(address, config).await.is_empty();
        state
    }
}

fn seal(number: u32) -> Json {
    json!({"room": "attic", "number": number, "key_wo": "hush-hush"})
}

#[tokio::test]
async fn a_write_only_value_reaches_the_provider_and_no_state() {
    let mut desk = Desk::new().await;
    let plan = desk.core.plan(SEAL, &seal(7)).await;
    assert!(!plan.after.to_string().contains("hush"), "{}", plan.after);
    let state = desk.core.apply(plan).await.ok();
    assert_eq!((&state["key_wo"], &state["key_length"]), (&Json::Null, &json!(9)));

    // Another key alone is nothing to do: nobody can see that it is another one.
    let mut config = seal(7);
    config["key_wo"] = json!("another");
    desk.core.plan(SEAL, &config).await.is_empty();
    config["key_wo_version"] = json!(2);
    assert_eq!(desk.apply(SEAL, &config).await["key_length"], 7);
}

#[tokio::test]
async fn a_write_only_value_is_checked_and_may_be_unknown_at_plan() {
    let mut desk = Desk::new().await;
    let mut config = seal(7);
    config["key_wo"] = json!("x");
    assert_eq!(desk.core.plan(SEAL, &config).await.errors(), ["key_wo: a key has four characters or more"]);
    config["key_wo"] = json!(UNKNOWN);
    assert_eq!(desk.core.plan(SEAL, &config).await.action, Action::Create);
}

#[tokio::test]
async fn checklist_40_a_host_that_would_store_it_is_refused() {
    let mut desk = Desk::with(Abilities { write_only: false, ..Abilities::default() }).await;
    let plan = desk.core.plan(SEAL, &seal(7)).await;
    let [error] = &plan.errors()[..] else { panic!("{plan:?}") };
    assert!(error.starts_with("key_wo: key_wo is write-only") && error.contains("1.11 and newer"), "{error}");
    assert!(!error.contains("hush"), "{error}");
}

#[tokio::test]
async fn checklist_06_an_identity_comes_with_the_object_stays_and_imports_it() {
    let mut desk = Desk::new().await;
    let identity = json!({"room": "attic", "number": 7});
    desk.apply(SEAL, &seal(7)).await;
    assert_eq!(desk.core.identity_of(SEAL), identity);
    let mut config = seal(7);
    config["weight"] = json!(5);
    desk.apply(SEAL, &config).await;
    assert_eq!(desk.core.identity_of(SEAL), identity);

    let imported = desk.core.import_by("ledger_seal.again", &identity).await.ok();
    assert_eq!((&imported["weight"], &imported["key_length"]), (&json!(5), &json!(9)));
    assert_eq!(desk.core.identity_of("ledger_seal.again"), identity);
    desk.core.plan("ledger_seal.again", &config).await.is_empty();

    let by_id = desk.core.import("ledger_seal.third", "attic/7").await.ok();
    assert_eq!((by_id, desk.core.identity_of("ledger_seal.third")), (imported, identity));
    let gone = desk.core.import_by("ledger_seal.gone", &json!({"room": "cellar", "number": 1})).await;
    assert_eq!(gone.errors(), ["Cannot import non-existent remote object"]);
}

#[tokio::test]
async fn an_object_made_anew_has_another_identity() {
    let mut desk = Desk::new().await;
    desk.apply(SEAL, &seal(7)).await;
    let plan = desk.core.plan(SEAL, &seal(8)).await;
    assert_eq!(plan.action, Action::Replace);
    desk.core.apply(plan).await.ok();
    assert_eq!(desk.core.identity_of(SEAL), json!({"room": "attic", "number": 8}));
}

#[tokio::test]
async fn a_rule_says_which_changes_replace() {
    let mut desk = Desk::new().await;
    let weighing = |grams: u32| {
        let mut config = seal(7);
        config["weight"] = json!(grams);
        config
    };
    desk.apply(SEAL, &weighing(10)).await;
    assert_eq!(desk.core.plan(SEAL, &weighing(11)).await.action, Action::Update);
    let plan = desk.core.plan(SEAL, &weighing(9)).await;
    assert_eq!((plan.action, plan.requires_replace[0].to_string()), (Action::Replace, "weight".to_owned()));

    // While nobody knows, it is made anew: an update must not become that once it is known.
    let mut open = seal(7);
    open["weight"] = json!(UNKNOWN);
    let plan = desk.core.plan(SEAL, &open).await;
    assert_eq!(plan.action, Action::Replace);
    assert_eq!(desk.core.apply_known(plan, &weighing(9)).await.ok()["weight"], 9);
    desk.core.plan(SEAL, &weighing(9)).await.is_empty();
}

#[tokio::test]
async fn a_timeout_is_the_users_and_its_error_says_how_to_raise_it() {
    let mut desk = Desk::new().await;
    let mut config = seal(7);
    config["weight"] = json!(2_000);
    config["timeouts"] = json!({"create": "20ms"});
    let plan = desk.core.plan(SEAL, &config).await;
    let report = desk.core.apply(plan).await;
    let [error] = &report.errors()[..] else { panic!("{report:?}") };
    assert!(error.starts_with("timeouts: Seal attic/7 was not pressed within 20ms"), "{error}");
    assert!(error.contains("timeouts = { create"), "{error}");
    assert_eq!((report.state, report.tainted), (None, false));

    config["timeouts"] = json!({"create": "soon"});
    let plan = desk.core.plan(SEAL, &config).await;
    let [error] = &plan.errors()[..] else { panic!("{plan:?}") };
    assert!(error.starts_with("timeouts: a duration expected, such as `30m`"), "{error}");
    assert!(error.contains("At timeouts.create."), "{error}");
}

#[tokio::test]
async fn an_object_of_another_type_is_taken_over_or_refused_in_words() {
    let mut desk = Desk::new().await;
    desk.apply(SEAL, &seal(7)).await;
    let builtin = "terraform.io/builtin/terraform";
    let input = json!({"input": {"value": "attic/7", "type": "string"}});
    let state = desk.core.move_here("ledger_seal.moved", builtin, "terraform_data", &input).await.ok();
    assert_eq!((&state["number"], &state["key_length"]), (&json!(7), &json!(9)));
    desk.core.plan("ledger_seal.moved", &seal(7)).await.is_empty();

    let odd = json!({"input": {"value": "nowhere", "type": "string"}});
    let report = desk.core.move_here("ledger_seal.odd", builtin, "terraform_data", &odd).await;
    assert_eq!(report.errors(), ["only data whose input is ROOM/NUMBER can become a seal"]);
    let report = desk.core.move_here("ledger_seal.odd", "example.com/a/b", "b_thing", &json!({})).await;
    assert!(report.errors()[0].starts_with("A b_thing cannot become a ledger_seal"), "{report:?}");
}

#[tokio::test]
async fn a_configuration_is_written_with_no_more_than_it_needs() {
    let mut desk = Desk::new().await;
    let mut config = seal(7);
    config["weight"] = json!(5);
    desk.apply(SEAL, &config).await;
    let written = desk.core.import("ledger_seal.found", "attic/7").await;
    assert!(written.errors().is_empty(), "{written:?}");
    // The key is only the user's to give: a write-only value cannot be found out.
    let refused = std::panic::AssertUnwindSafe(desk.core.generate("ledger_seal.found"));
    let refused = futures::FutureExt::catch_unwind(refused).await.unwrap_err();
    let refused = refused.downcast_ref::<String>().unwrap();
    assert!(refused.contains("key_wo: the argument is required"), "{refused}");

    let books = json!({"name": "a", "content": "hello", "labels": {"team": "x"}});
    desk.apply("ledger_object.a", &books).await;
    let written = desk.core.generate("ledger_object.a").await;
    let set: Vec<_> = written.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).collect();
    assert_eq!(json!(set), json!([["content", "hello"], ["labels", {"team": "x"}], ["name", "a"]]));
}

#[tokio::test]
async fn an_ephemeral_value_is_opened_renewed_and_closed() {
    let mut desk = Desk::new().await;
    let mut open = desk.core.open("ledger_token", &json!({"holder": "kim", "renew_after_ms": 60_000})).await;
    assert_eq!((&open.value["secret"], open.diagnostics.is_empty()), (&json!("token-1"), true));
    #[expect(clippy::disallowed_methods, reason = "the provider names a time of the real clock")]
    let now = SystemTime::now();
    assert!(open.renew_at.unwrap() > now);
    desk.core.renew(&mut open).await;
    assert!(open.renew_at.unwrap() > now);
    assert_eq!((desk.books().tokens[&1].renewals, desk.books().tokens[&1].closed), (1, false));
    desk.core.close(open).await;
    assert!(desk.books().tokens[&1].closed);

    let open = desk.core.open("ledger_token", &json!({"holder": "kim"})).await;
    assert_eq!((&open.value["secret"], open.renew_at), (&json!("token-2"), None));
}

#[tokio::test]
async fn a_function_computes_and_points_at_the_argument_that_is_wrong() {
    let mut desk = Desk::new().await;
    let mut call = async |arguments: Json| {
        let arguments: Vec<Json> = serde_json::from_value(arguments).unwrap();
        desk.core.call("shelf_mark", &arguments).await
    };
    assert_eq!(call(json!(["attic", 7, "a", "b"])).await, Ok(json!("ATTIC-7-a-b")));
    assert_eq!(call(json!(["attic", null])).await, Ok(json!("ATTIC-FLOOR")));
    assert_eq!(call(json!(["", 7])).await, Err(("a room has a name".to_owned(), Some(0))));
    let (text, argument) = call(json!(["attic", -1])).await.unwrap_err();
    assert_eq!((text.contains("a whole number from 0"), argument), (true, Some(1)), "{text}");
    let (text, argument) = call(json!(["attic", 7, "a", ""])).await.unwrap_err();
    assert_eq!((text.as_str(), argument), ("a part is not empty", Some(3)), "the fourth argument");
}

#[tokio::test]
async fn checklist_41_a_list_finds_what_is_asked_for_and_no_more() {
    let mut desk = Desk::new().await;
    for number in 1..=5 {
        desk.apply(&format!("ledger_seal.s{number}"), &seal(number)).await;
    }
    let cellar = json!({"room": "cellar", "number": 1, "key_wo": "hush-hush", "weight": 3});
    desk.apply("ledger_seal.c", &cellar).await;

    let listed = desk.core.list("ledger_seal", &json!({"room": "attic"}), 3, false).await.found;
    assert_eq!(listed.len(), 3);
    let first = Listed {
        display_name: "seal 1 in the attic".to_owned(),
        identity: json!({"room": "attic", "number": 1}),
        object: Json::Null,
    };
    assert_eq!(listed[0], first);
    let listed = desk.core.list("ledger_seal", &json!({}), 100, true).await.found;
    assert_eq!((listed.len(), &listed[5].object["weight"]), (6, &json!(3)));
    assert_eq!(listed[5].object["key_wo"], Json::Null);
    assert_eq!(desk.core.list("ledger_seal", &json!({}), 0, true).await.found, [], "none are wanted");
}

#[tokio::test]
async fn an_action_tells_its_progress_and_how_it_ended() {
    let mut desk = Desk::new().await;
    desk.apply("ledger_object.a", &json!({"name": "a", "content": "hello"})).await;
    let ran = desk.core.invoke("ledger_audit", &json!({"auditor": "kim", "expected": 1})).await;
    assert_eq!((ran.errors(), &ran.progress[..]), (vec![], &["kim: a is there".to_owned()][..]));
    // A `config` block that says nothing may be left out; the default holds all the same.
    let ran = desk.core.invoke("ledger_audit", &json!({})).await;
    assert_eq!((ran.progress, ran.diagnostics.is_empty()), (vec!["nobody: a is there".to_owned()], true));
    let ran = desk.core.invoke("ledger_audit", &json!({"expected": 2})).await;
    assert_eq!(ran.errors(), ["expected: 2 objects expected, 1 are there"]);
    assert_eq!(ran.progress, ["nobody: a is there"], "a default holds here too");
    let ran = desk.core.invoke("ledger_audit", &json!({"auditor": "thief"})).await;
    assert_eq!((ran.errors(), ran.progress.len()), (vec!["auditor: A thief does not count".to_owned()], 0));
    assert_eq!(desk.books().audits, 3, "what its plan refuses is not done");
}
