//! The stand-in for core is as strict as core, and tells the same story without `terraform`.

use serde_json::{Value as Json, json};
use std::{collections::BTreeMap, sync::Mutex};
use tfplugin::{
    Action, Applied, Attr, Change, Computed, Cx, DataSource, Diagnostic, Diagnostics, Failure, Host, JsonObject,
    Outcome, Path, Provider, Registry, Resource, Schema, View, model,
    testing::{Core, UNKNOWN},
};
use tokio::sync::Notify;

model! {
    /// Settings of the lab.
    pub(crate) struct Settings {
        /// How the lab greets.
        greeting: String,
    }
}

model! {
    /// A thing whose name says how it misbehaves.
    pub(crate) struct Thing {
        /// Its name.
        name: String,
        /// Its size.
        size: u32,
        /// Its tags.
        tags: Option<BTreeMap<String, String>>,
        /// Its secret.
        secret: Option<String>,
        /// Its id.
        id: Computed<String>,
        /// Its revision.
        revision: Computed<u64>,
    }
}

model! {
    /// A greeting.
    pub(crate) struct Greeting {
        /// Whom to greet.
        name: String,
        /// The greeting.
        text: Computed<String>,
    }
}

#[derive(Default)]
pub(crate) struct Server {
    greeting: String,
    things: Mutex<BTreeMap<String, Thing>>,
}

pub(crate) struct Lab;

impl Provider for Lab {
    type Config = Settings;
    type Client = Server;
    const NAME: &'static str = "lab";
    const SOURCE: &'static str = "local.example/test/lab";

    fn schema() -> Schema<Settings> {
        Schema::new().attr(Settings::greeting.default("Hello"))
    }

    fn registry() -> Registry<Server> {
        Registry::new().resource::<Thing>().data_source::<Greeting>()
    }

    async fn configure(config: View<'_, Settings>, host: &Host) -> Result<Server, Diagnostics> {
        assert!(!host.version.is_empty());
        let greeting = config.known()?.greeting;
        Ok(Server { greeting, ..Server::default() })
    }
}

/// As an API would say it.
struct ApiError {
    field: &'static str,
    text: String,
}

impl From<ApiError> for Diagnostics {
    fn from(e: ApiError) -> Self {
        Diagnostic::error(e.text).at(Path::attribute(e.field)).into()
    }
}

fn refuse(thing: &Thing) -> Result<(), ApiError> {
    if thing.name == "refused" {
        return Err(ApiError { field: "name", text: "the lab does not like it".into() });
    }
    Ok(())
}

impl Resource for Thing {
    type Client = Server;
    const NAME: &'static str = "lab_thing";

    fn schema() -> Schema<Self> {
        Schema::version(2)
            .attr(Self::name.required().replace())
            .attr(Self::size.default(1_u32).check(|size| if *size < 100 { Ok(()) } else { Err("at most 99") }))
            .attr(Self::tags.optional())
            .attr(Self::secret.optional().sensitive())
            .attr(Self::id.computed().keep())
            .attr(Self::revision.computed())
    }

    async fn plan(_cx: &Cx<Server>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        match change.config(Self::name) {
            Attr::Known(name) if name == "overridden" => change.set(Self::name, "another".into()),
            Attr::Known(name) if name == "odd" => change.error_at(Self::tags.path().key("x"), "odd things have no x"),
            _ => {}
        }
        if change.action() == Action::Destroy && change.before(Self::name) == Attr::Known("dear".to_owned()) {
            change.error(Self::name, "it is too dear to be destroyed");
        }
        if change.action() == Action::Replace {
            change.warn("what is in it does not move");
        }
        if change.changes(Self::tags) {
            change.replace(Self::tags);
        }
        Ok(())
    }

    async fn read(cx: &Cx<Server>, now: Self) -> Result<Option<Self>, Diagnostics> {
        assert_eq!(cx.private::<u64>()?, Some(7), "private data comes back");
        Ok(cx.client.things.lock().unwrap().get(now.id.require()?).cloned())
    }

    async fn create(cx: &Cx<Server>, want: Self) -> Outcome<Self> {
        refuse(&want)?;
        assert_eq!((want.id.get(), want.revision.get()), (None, None), "absent in create's input");
        cx.set_private(&7_u64)?;
        let mut made = Self { id: format!("id-{}", want.name).into(), revision: 1.into(), ..want };
        match made.name.as_str() {
            "forgetful" => made.revision = Computed::absent(),
            "growing" => made.size += 1,
            "half-made" => return Err(Failure::from("only half of it").and_store(made)),
            "slow" => {
                WAITS.notify_one();
                cx.stopping().await;
                cx.warn("stopped early");
                let warning = Diagnostic::warning("not done yet");
                return Ok(Applied::Pending(made, warning));
            }
            _ => {}
        }
        cx.client.things.lock().unwrap().insert(format!("id-{}", made.name), made.clone());
        Ok(Applied::Done(made))
    }

    async fn update(cx: &Cx<Server>, was: Self, want: Self) -> Outcome<Self> {
        let revision = was.revision.require()? + 1;
        let partly = Self { revision: revision.into(), ..was };
        match want.size {
            13 => return Err("unlucky".into()),
            14 => return Err(Failure::from("half-way").and_store(partly)),
            _ => {}
        }
        let changed = Self { revision: revision.into(), size: if want.size == 15 { 16 } else { want.size }, ..want };
        cx.client.things.lock().unwrap().insert(changed.id.require()?.clone(), changed.clone());
        Ok(Applied::Done(changed))
    }

    async fn delete(cx: &Cx<Server>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        if was.size == 99 {
            return Err("it does not go".into());
        }
        cx.client.things.lock().unwrap().remove(was.id.require()?);
        Ok(Applied::Pending((), Diagnostic::warning("it can be restored until midnight")))
    }

    async fn import(cx: &Cx<Server>, id: String) -> Result<Self, Diagnostics> {
        cx.set_private(&7_u64)?;
        let things = cx.client.things.lock().unwrap();
        things.get(&id).cloned().ok_or_else(|| format!("there is no {id}").into())
    }

    fn upgrade(from: u32, mut state: JsonObject) -> Result<JsonObject, Diagnostics> {
        match from {
            0 => state.insert("name".into(), "upgraded".into()),
            1 => state.insert("size".into(), 2.into()),
            _ => None,
        };
        Ok(state)
    }
}

impl DataSource for Greeting {
    type Client = Server;
    const NAME: &'static str = "lab_greeting";

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::name.required()).attr(Self::text.computed())
    }

    async fn read(cx: &Cx<Server>, query: Self) -> Result<Self, Diagnostics> {
        let text = format!("{}, {}!", cx.client.greeting, query.name).into();
        Ok(Self { text, ..query })
    }
}

/// Told by the create that only ends when it is stopped.
static WAITS: Notify = Notify::const_new();

pub(crate) const THING: &str = "lab_thing.a";

pub(crate) async fn lab() -> Core<Lab> {
    Core::start(json!({})).await
}

pub(crate) async fn with(config: &Json) -> Core<Lab> {
    let mut core = lab().await;
    let plan = core.plan(THING, config).await;
    core.apply(plan).await.ok();
    core
}

#[tokio::test]
async fn a_life() {
    let mut core = lab().await;
    let plan = core.plan(THING, &json!({"name": "a"})).await;
    assert_eq!((plan.action, plan.unknown.clone()), (Action::Create, vec!["id".to_owned(), "revision".to_owned()]));
    let state = core.apply(plan).await.ok();
    assert_eq!(state, json!({"name": "a", "size": 1, "tags": null, "secret": null, "id": "id-a", "revision": 1}));
    core.plan(THING, &json!({"name": "a"})).await.is_empty();

    let plan = core.plan(THING, &json!({"name": "a", "size": 2})).await;
    assert_eq!((plan.action, plan.unknown.clone()), (Action::Update, vec!["revision".to_owned()]));
    assert_eq!(core.apply(plan).await.ok()["revision"], 2);

    let plan = core.plan(THING, &json!({"name": "b", "size": 2})).await;
    assert_eq!((plan.action, plan.requires_replace.clone()), (Action::Replace, vec![Path::attribute("name")]));
    assert_eq!(plan.warnings(), ["what is in it does not move"]);
    assert_eq!(core.apply(plan).await.ok()["id"], "id-b");

    let plan = core.plan_destroy(THING).await;
    assert_eq!(plan.action, Action::Destroy);
    let report = core.apply(plan).await;
    assert_eq!(report.warnings(), ["it can be restored until midnight"]);
    assert_eq!(report.ok(), Json::Null);
}

#[tokio::test]
async fn an_author_can_replace_refuse_and_guard_a_destroy() {
    let mut core = with(&json!({"name": "dear"})).await;
    let plan = core.plan(THING, &json!({"name": "dear", "tags": {"x": "1"}})).await;
    assert_eq!((plan.action, plan.requires_replace.clone()), (Action::Replace, vec![Path::attribute("tags")]));
    assert_eq!(core.plan_destroy(THING).await.errors(), ["name: it is too dear to be destroyed"]);
    let plan = core.plan("lab_thing.odd", &json!({"name": "odd"})).await;
    assert_eq!(plan.errors(), ["tags: odd things have no x\nAt tags[\"x\"]."]);
}

#[tokio::test]
async fn an_error_keeps_no_state_unless_told_to() {
    let mut core = lab().await;
    let plan = core.plan(THING, &json!({"name": "refused"})).await;
    let report = core.apply(plan).await;
    assert_eq!(report.errors(), ["name: the lab does not like it"]);
    assert_eq!((report.state, report.tainted), (None, false));

    let plan = core.plan(THING, &json!({"name": "half-made"})).await;
    let report = core.apply(plan).await;
    assert_eq!((report.errors(), report.tainted), (vec!["only half of it".to_owned()], true));
}

#[tokio::test]
async fn checklist_30_a_failed_update_keeps_the_prior_state_or_what_it_is_told() {
    let mut core = with(&json!({"name": "a"})).await;
    let plan = core.plan(THING, &json!({"name": "a", "size": 13})).await;
    let report = core.apply(plan).await;
    assert_eq!(report.errors(), ["unlucky"]);
    assert_eq!((&report.state.as_ref().unwrap()["size"], report.tainted), (&json!(1), false));

    let plan = core.plan(THING, &json!({"name": "a", "size": 14})).await;
    let report = core.apply(plan).await;
    assert_eq!(report.state.unwrap()["revision"], 2);

    let plan = core.plan(THING, &json!({"name": "a", "size": 99})).await;
    core.apply(plan).await.ok();
    let plan = core.plan_destroy(THING).await;
    let report = core.apply(plan).await;
    assert_eq!((report.errors(), report.state.is_some()), (vec!["it does not go".to_owned()], true));
}

#[tokio::test]
async fn unknown_inputs_are_planned_and_skipped_by_checks() {
    let mut core = lab().await;
    let plan = core.plan(THING, &json!({"name": UNKNOWN, "size": UNKNOWN, "tags": {"k": UNKNOWN}})).await;
    assert_eq!(plan.unknown, ["id", "name", "revision", "size", "tags"]);
    assert!(plan.diagnostics.is_empty());
    let plan = core.plan(THING, &json!({"name": "a", "size": 100})).await;
    assert_eq!(plan.errors(), ["size: at most 99"]);
}

#[tokio::test]
async fn stopping_ends_a_wait_and_the_next_call_is_not_stopped() {
    let mut core = lab().await;
    let stop = core.stopper();
    let plan = core.plan(THING, &json!({"name": "slow"})).await;
    let stop_once_it_waits = async {
        WAITS.notified().await;
        stop.await;
    };
    let (report, ()) = tokio::join!(core.apply(plan), stop_once_it_waits);
    assert_eq!(report.warnings(), ["not done yet", "stopped early"]);
    assert!(report.state.is_some());

    let plan = core.plan("lab_thing.b", &json!({"name": "b"})).await;
    assert_eq!(core.apply(plan).await.warnings(), Vec::<String>::new());
}

#[tokio::test]
async fn imports_and_data_sources_work() {
    let mut core = with(&json!({"name": "a", "tags": {"k": "v"}})).await;
    let report = core.import("lab_thing.b", "id-a").await;
    assert_eq!(report.ok()["tags"], json!({"k": "v"}));
    assert_eq!(core.import("lab_thing.c", "id-c").await.errors(), ["there is no id-c"]);
    let report = core.read("lab_greeting", &json!({"name": "World"})).await;
    assert_eq!(report.ok()["text"], "Hello, World!");
}

/// A provider whose schema Terraform would refuse.
struct Careless;

impl Provider for Careless {
    type Config = Settings;
    type Client = Server;
    const NAME: &'static str = "careless";
    const SOURCE: &'static str = "local.example/test/careless";

    fn schema() -> Schema<Settings> {
        Schema::new()
    }

    fn registry() -> Registry<Server> {
        Registry::new().resource::<Thing>()
    }

    async fn configure(_: View<'_, Settings>, _: &Host) -> Result<Server, Diagnostics> {
        Ok(Server::default())
    }
}

#[tokio::test]
#[should_panic(expected = "Invalid schema: provider: greeting: the schema does not define it")]
async fn a_wrong_schema_is_told_at_start_up() {
    Core::<Careless>::start(json!({})).await;
}

#[tokio::test]
#[should_panic(expected = "nickname: an argument of that name is not expected here")]
async fn an_argument_that_is_none_is_refused() {
    let mut core = lab().await;
    let _plan = core.read("lab_greeting", &json!({"nickname": "x"})).await;
}

#[tokio::test]
async fn a_plan_against_the_configuration_is_an_error_that_names_the_attribute() {
    let mut core = lab().await;
    let plan = core.plan(THING, &json!({"name": "overridden"})).await;
    let [error] = &plan.errors()[..] else { panic!("{plan:?}") };
    assert!(error.starts_with("name: The provider contradicts itself at name"), "{error}");
    assert!(error.contains("name: a string is planned, but the configuration has another"), "{error}");
}

#[tokio::test]
async fn a_result_against_the_plan_is_named() {
    let mut core = lab().await;
    let plan = core.plan(THING, &json!({"name": "forgetful"})).await;
    let report = core.apply(plan).await;
    assert!(report.errors()[0].contains("revision: the provider did not set it"), "{report:?}");

    let mut core = lab().await;
    let plan = core.plan(THING, &json!({"name": "growing"})).await;
    let report = core.apply(plan).await;
    assert!(report.warnings()[0].contains("size: a number was planned, another came back"), "{report:?}");
    assert!(!report.tainted, "a create is not tainted over it");

    let mut core = with(&json!({"name": "a"})).await;
    let plan = core.plan(THING, &json!({"name": "a", "size": 15})).await;
    let report = core.apply(plan).await;
    assert!(report.errors()[0].contains("size: a number was planned, another came back"), "{report:?}");
}
