//! What goes wrong, or another way, beside resources' everyday life: panics, hang-ups, deferrals, old states.

use serde_json::json;
use std::sync::atomic::{AtomicBool, Ordering};
use tfplugin::{
    Applied, Attributes, Change, Computed, Cx, DataSource, Deferral, Diagnostics, EphemeralResource, Failure, Found,
    Function, FunctionError, Host, JsonObject, ListResource, Nested, Opened, Outcome, Parameters, Progress, Provider,
    ProviderAction, Registry, Resource, Schema, View, WriteOnly, model,
    testing::{Abilities, Core},
};
use tokio::sync::Notify;

model! {
    /// No settings.
    pub(crate) struct Settings {}
}

model! {
    /// A thing with a lock.
    pub(crate) struct Thing {
        /// Where it is.
        place: String,
        /// In which corner of it.
        corner: Option<String>,
        /// Its lock.
        lock: Option<Lock>,
        /// Locks by name.
        locks: Option<std::collections::BTreeMap<String, Lock>>,
        /// What the plan said to the apply.
        note: Computed<Option<String>>,
    }
}

model! {
    /// A lock.
    pub(crate) struct Lock {
        /// Who made it.
        maker: String,
        /// Its code.
        code: WriteOnly<u16>,
    }
}

impl Nested for Lock {
    fn attributes() -> Attributes<Self> {
        Attributes::new().attr(Self::maker.required()).attr(Self::code.write_only())
    }
}

impl Resource for Thing {
    type Client = ();
    const NAME: &'static str = "odd_thing";

    fn schema() -> Schema<Self> {
        Schema::version(1)
            .identity_version(1)
            .attr(Self::place.required().replace().identity())
            .attr(Self::corner.optional().replace().identity_optional())
            .attr(Self::lock.optional())
            .attr(Self::locks.optional())
            .attr(Self::note.computed())
    }

    async fn plan(cx: &Cx<()>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        if change.planned(Self::place).known().as_deref() == Some("later") {
            cx.defer(Deferral::AbsentPrerequisite)?;
        }
        let said = cx.planned_private::<String>()?;
        cx.set_private(&said.map_or_else(|| "first".to_owned(), |said| format!("after {said}")))
    }

    async fn read(_: &Cx<()>, now: Self) -> Result<Option<Self>, Diagnostics> {
        Ok(Some(Self { note: Computed::known(now.note.into_inner().flatten()), ..now }))
    }

    async fn create(cx: &Cx<()>, want: Self) -> Outcome<Self> {
        let codes = want.lock.iter().chain(want.locks.iter().flat_map(|locks| locks.values()));
        let codes: Vec<_> = codes.map(|lock| lock.code.get().copied()).collect();
        let note = format!("{codes:?} {}", cx.private::<String>()?.unwrap_or_default());
        Ok(Applied::Done(Self { note: Some(note).into(), ..want }))
    }

    async fn update(_: &Cx<()>, was: Self, want: Self) -> Outcome<Self> {
        assert!(was.place != "shaky", "it falls down");
        Ok(Applied::Done(Self { note: was.note, ..want }))
    }

    async fn delete(_: &Cx<()>, _: Self) -> Result<Applied<()>, Failure<Self>> {
        Ok(Applied::Done(()))
    }

    async fn import_by(_: &Cx<()>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        let place = identity.get(Self::place).known().ok_or("no place")?;
        let corner = identity.get(Self::corner).known();
        Ok(Self { place, corner, lock: None, locks: None, note: Computed::absent() })
    }

    fn upgrade(_: u32, state: JsonObject) -> Result<JsonObject, Diagnostics> {
        Ok(state)
    }
}

model! {
    /// Everything that is there.
    pub(crate) struct Things {
        /// `panic`, `endless`, or how many there are.
        how: String,
    }
}

/// Whether an endless list or action has noticed that nobody listens any more.
static HUNG_UP: AtomicBool = AtomicBool::new(false);
static NOTICED: Notify = Notify::const_new();
static STARTED: Notify = Notify::const_new();

impl ListResource for Things {
    type Of = Thing;

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::how.required())
    }

    async fn list(cx: &Cx<()>, query: Self, found: &mut Found<Thing>) -> Result<(), Diagnostics> {
        assert!(query.how != "panic", "no list today");
        assert!(!cx.request_id().is_empty());
        let mut number = 0_u32;
        let most = query.how.parse().unwrap_or(u32::MAX);
        found.warn("there are many more");
        while number < most {
            if found.is_full() {
                cx.stopping().await;
                HUNG_UP.store(true, Ordering::SeqCst);
                NOTICED.notify_one();
                return Ok(());
            }
            number += 1;
            let (place, note) = (format!("place-{number}"), Some(String::new()).into());
            found.found(place.clone(), Thing { place, corner: None, lock: None, locks: None, note }).await?;
        }
        cx.warn("that is all");
        Ok(())
    }
}

model! {
    /// A deed.
    pub(crate) struct Deed {
        /// `panic`, `wait` or `chatter`.
        how: String,
        /// What nobody should know.
        secret_wo: WriteOnly<String>,
    }
}

impl ProviderAction for Deed {
    type Client = ();
    const NAME: &'static str = "odd_deed";

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::how.required()).attr(Self::secret_wo.write_only())
    }

    async fn invoke(cx: &Cx<()>, config: Self, progress: &Progress) -> Result<(), Diagnostics> {
        progress.tell(format!("{} letters", config.secret_wo.get().map_or(0, String::len)));
        match config.how.as_str() {
            "panic" => panic!("no deed today"),
            "wait" => {
                STARTED.notify_one();
                cx.stopping().await;
                Err("stopped".into())
            }
            _ => {
                // Somebody who keeps talking after the end must not keep Terraform.
                let progress = progress.clone();
                tokio::spawn(async move {
                    std::future::pending::<()>().await;
                    progress.tell("never");
                });
                Ok(())
            }
        }
    }
}

model! {
    /// Something for a moment.
    pub(crate) struct Moment {
        /// `panic`, or what comes back.
        how: String,
    }
}

impl EphemeralResource for Moment {
    type Client = ();
    const NAME: &'static str = "odd_moment";

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::how.required())
    }

    async fn open(_: &Cx<()>, query: Self) -> Result<Opened<Self>, Diagnostics> {
        assert!(query.how != "panic", "no moment today");
        Ok(Opened::from(Self { how: "something else".to_owned() }))
    }
}

model! {
    /// Fails.
    pub(crate) struct Fall {
        /// How.
        how: String,
    }
}

impl Function for Fall {
    type Output = String;
    const NAME: &'static str = "fall";
    const DEPRECATED: Option<&'static str> = Some("Stand up instead.");
    fn parameters() -> Parameters<Self> {
        Parameters::new().param(Self::how)
    }
    fn call(self) -> Result<String, FunctionError> {
        panic!("no function today: {}", self.how)
    }
}

model! {
    /// Something to look up.
    pub(crate) struct Later {
        /// Where.
        place: String,
    }
}

impl DataSource for Later {
    type Client = ();
    const NAME: &'static str = "odd_later";
    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::place.required())
    }
    async fn read(cx: &Cx<()>, query: Self) -> Result<Self, Diagnostics> {
        cx.defer(Deferral::ProviderConfigUnknown)?;
        Ok(query)
    }
}

struct Odd;

impl Provider for Odd {
    type Config = Settings;
    type Client = ();
    const NAME: &'static str = "odd";
    const SOURCE: &'static str = "local.example/test/odd";
    fn schema() -> Schema<Settings> {
        Schema::new()
    }
    fn registry() -> Registry<()> {
        Registry::new()
            .resource::<Thing>()
            .list::<Things>()
            .action::<Deed>()
            .ephemeral::<Moment>()
            .function::<Fall>()
            .data_source::<Later>()
    }
    async fn configure(_: View<'_, Settings>, _: &Host) -> Result<(), Diagnostics> {
        Ok(())
    }
}

async fn odd() -> Core<Odd> {
    Core::start(json!({})).await
}

const THING: &str = "odd_thing.a";

#[tokio::test]
async fn write_only_values_reach_create_from_any_depth_and_stay_nowhere() {
    let mut core = odd().await;
    let lock = |code: u16| json!({"maker": "kim", "code": code});
    let config = json!({"place": "x", "lock": lock(4711), "locks": {"b": lock(17), "c": {"maker": "lee"}}});
    let plan = core.plan(THING, &config).await;
    let state = core.apply(plan).await.ok();
    assert_eq!(state["note"], "[Some(4711), Some(17), None] first");
    assert_eq!((&state["lock"]["code"], &state["locks"]["b"]["code"]), (&json!(null), &json!(null)));
    core.plan(THING, &config).await.is_empty();

    // What does not fit is not quoted.
    let plan = core.plan("odd_thing.b", &json!({"place": "x", "lock": {"maker": "kim", "code": 99_999}})).await;
    let [error] = &plan.errors()[..] else { panic!("{plan:?}") };
    assert!(error.contains("it is not shown here") && !error.contains("99999"), "{error}");
}

#[tokio::test]
async fn what_was_stored_once_and_is_write_only_now_leaves_the_state() {
    let mut core = odd().await;
    let old = json!({"place": "x", "lock": {"maker": "kim", "code": 4711}});
    for version in [0, 1] {
        core.hold(THING, version, &old, None).await.ok();
        assert_eq!(core.state(THING).unwrap()["lock"], json!({"maker": "kim", "code": null}));
    }
}

#[tokio::test]
async fn an_identity_of_old_is_completed_by_the_next_read() {
    let mut core = odd().await;
    let state = json!({"place": "x", "corner": "left"});
    core.hold(THING, 1, &state, None).await.ok();
    assert_eq!(core.identity_of(THING), json!(null), "none was stored");
    core.refresh(THING).await.ok();
    assert_eq!(core.identity_of(THING), json!({"place": "x", "corner": "left"}));

    let of_old = json!({"place": "x", "city": "y"});
    core.hold(THING, 1, &state, Some((0, &of_old))).await.ok();
    core.refresh(THING).await.ok();
    assert_eq!(core.identity_of(THING), json!({"place": "x", "corner": "left"}), "a part came to it");
}

#[tokio::test]
async fn an_identity_may_lack_what_is_optional() {
    let mut core = odd().await;
    core.import_by(THING, &json!({"place": "x"})).await.ok();
    assert_eq!(core.identity_of(THING), json!({"place": "x", "corner": null}));
}

#[tokio::test]
async fn a_panic_in_an_update_leaves_state_and_identity() {
    let mut core = odd().await;
    let plan = core.plan(THING, &json!({"place": "shaky"})).await;
    core.apply(plan).await.ok();
    let plan = core.plan(THING, &json!({"place": "shaky", "lock": {"maker": "kim"}})).await;
    let report = core.apply(plan).await;
    assert!(report.errors()[0].contains("it falls down"), "{report:?}");
    assert_eq!(report.state.unwrap()["lock"], json!(null));
    assert_eq!(core.identity_of(THING), json!({"place": "shaky", "corner": null}));
}

#[tokio::test]
async fn what_the_first_plan_stored_reaches_the_second_where_the_host_hands_it_on() {
    for (planned_private, note) in [(false, "[] first"), (true, "[] after first")] {
        let mut core = Core::<Odd>::start_with(json!({}), Abilities { planned_private, ..Abilities::default() }).await;
        let plan = core.plan(THING, &json!({"place": "x"})).await;
        assert_eq!(core.apply(plan).await.ok()["note"], note);
    }
}

#[tokio::test]
async fn what_cannot_be_yet_is_put_off_or_told_as_an_error() {
    let config = json!({"place": "later"});
    let mut core = odd().await;
    let plan = core.plan(THING, &config).await;
    assert_eq!((plan.deferred, plan.errors().len()), (None, 1));
    assert!(plan.errors()[0].contains("does not exist yet") && plan.errors()[0].contains("-target"), "{plan:?}");
    assert!(core.read("odd_later", &config).await.errors()[0].contains("the provider's configuration"));

    let mut core = Core::<Odd>::start_with(json!({}), Abilities { deferral: true, ..Abilities::default() }).await;
    let plan = core.plan(THING, &config).await;
    assert_eq!((plan.deferred, plan.errors()), (Some(Deferral::AbsentPrerequisite), vec![]));
    assert_eq!(core.apply(plan).await.state, None, "nothing is done");
    assert_eq!(core.read("odd_later", &config).await.deferred, Some(Deferral::ProviderConfigUnknown));
}

#[tokio::test]
async fn a_panic_is_told_wherever_it_happens_and_the_process_goes_on() {
    let mut core = odd().await;
    let panic = json!({"how": "panic"});
    let told = |text: &str, what: &str| assert!(text.contains(what) && text.contains("panicked"), "{text}");
    told(&format!("{:?}", core.list("odd_thing", &panic, 9, false).await.diagnostics), "no list today");
    told(&core.invoke("odd_deed", &panic).await.errors()[0], "no deed today");
    told(&format!("{:?}", core.open("odd_moment", &panic).await.diagnostics), "no moment today");
    let (text, argument) = core.call("fall", &[json!("hard")]).await.unwrap_err();
    told(&text, "no function today: hard");
    assert_eq!(argument, None);
    assert_eq!(core.list("odd_thing", &json!({"how": "2"}), 9, false).await.found.len(), 2);
}

#[tokio::test]
async fn a_list_tells_its_warnings_and_stops_when_terraform_hangs_up() {
    let mut core = odd().await;
    let listing = core.list("odd_thing", &json!({"how": "3"}), 9, false).await;
    let told: Vec<_> = listing.diagnostics.iter().map(|d| d.summary.as_str()).collect();
    assert_eq!((listing.found.len(), told), (3, vec!["there are many more", "that is all"]));

    let listing = core.list("odd_thing", &json!({"how": "endless"}), 4, true).await;
    let told: Vec<_> = listing.diagnostics.iter().map(|d| d.summary.as_str()).collect();
    assert_eq!((listing.found.len(), told), (4, vec!["there are many more"]));
    NOTICED.notified().await;
    assert!(HUNG_UP.load(Ordering::SeqCst), "the work ended too");
}

#[tokio::test]
async fn an_action_takes_secrets_ends_when_it_ends_and_stops_when_asked() {
    let mut core = odd().await;
    let ran = core.invoke("odd_deed", &json!({"how": "chatter", "secret_wo": "hush"})).await;
    assert_eq!((ran.progress, ran.diagnostics.is_empty()), (vec!["4 letters".to_owned()], true));

    let stop = core.stopper();
    let stop_once_it_waits = async {
        STARTED.notified().await;
        stop.await;
    };
    let wait = json!({"how": "wait"});
    let (ran, ()) = tokio::join!(core.invoke("odd_deed", &wait), stop_once_it_waits);
    assert_eq!(ran.errors(), ["stopped"]);
}

#[tokio::test]
async fn an_ephemeral_value_that_contradicts_its_configuration_is_found() {
    let mut core = odd().await;
    let open = core.open("odd_moment", &json!({"how": "this"})).await;
    let told = format!("{:?}", open.diagnostics);
    assert!(told.contains("contradicts itself at how"), "{told}");
}

#[test]
fn the_documentation_says_what_to_use_instead_of_a_function() {
    let pages = tfplugin::docs::pages::<Odd>(std::path::Path::new("no/examples"));
    let page = &pages["functions/fall.md"];
    assert!(page.contains("**Deprecated**: Stand up instead."), "{page}");
}
