//! Corners of the engine: values that mean the same and are written otherwise, objects that the provider fills in, and what a plan sets back.

use serde_json::{Value as Json, json};
use std::{fmt, str::FromStr};
use tfplugin::{
    Action, Applied, Attr, Attributes, Change, Computed, Cx, Diagnostics, Dynamic, Failure, Found, Host, ListResource,
    Nested, Outcome, Provider, Registry, Resource, Schema, View, model, string_attribute,
    testing::{Core, UNKNOWN},
};

model! {
    /// No settings.
    pub(crate) struct Settings {}
}

model! {
    /// A house.
    pub(crate) struct House {
        /// Its street. Another one is another house; how it is written does not matter.
        street: String,
        /// Its code.
        code: Option<Code>,
        /// Its width in metres.
        width: Option<f64>,
        /// Anything that is to be known of it.
        facts: Option<Dynamic>,
        /// Its garden. Every house has one.
        garden: Computed<Garden>,
        /// Its cellar.
        cellar: Option<Garden>,
        /// Its rooms.
        rooms: Option<Vec<Garden>>,
        /// How often it was looked at.
        visits: Computed<u64>,
        /// What was noted, if anything.
        note: Computed<Option<String>>,
    }
}

model! {
    /// A piece of ground.
    pub(crate) struct Garden {
        /// What it is of. Another one means another house.
        ground: Option<String>,
        /// Its trees.
        trees: Option<u32>,
    }
}

impl Nested for Garden {
    fn attributes() -> Attributes<Self> {
        Attributes::new().attr(Self::ground.optional().replace()).attr(Self::trees.optional())
    }
}

/// A text that is stored in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code(String);

impl FromStr for Code {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(Self(text.to_lowercase()))
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

string_attribute!(Code);

impl Resource for House {
    type Client = ();
    const NAME: &'static str = "corner_house";

    fn schema() -> Schema<Self> {
        Schema::version(0)
            .attr(Self::street.required().replace())
            .attr(Self::code.optional())
            .attr(Self::width.optional())
            .attr(Self::facts.optional())
            .attr(Self::garden.optional_computed().keep())
            .attr(Self::cellar.optional())
            .attr(Self::rooms.optional())
            .attr(Self::visits.computed())
            .attr(Self::note.computed())
    }

    async fn plan(_: &Cx<()>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        if let (Attr::Known(was), Attr::Known(is)) = (change.before(Self::street), change.config(Self::street))
            && was.eq_ignore_ascii_case(&is)
        {
            change.set(Self::street, was);
        }
        if change.action() == Action::Replace {
            change.warn("this is another house");
        }
        change.stays(Self::visits);
        change.set_null(Self::note);
        Ok(())
    }

    async fn read(cx: &Cx<()>, now: Self) -> Result<Option<Self>, Diagnostics> {
        if now.street.starts_with("unlucky") {
            cx.warn("somebody looked in");
        }
        match now.street.as_str() {
            "unlucky broken" => Err("there is nobody at home".into()),
            "unlucky leaky" => cx.private::<u64>().map(|_| Some(now)),
            _ => Ok(Some(now)),
        }
    }

    async fn create(cx: &Cx<()>, want: Self) -> Outcome<Self> {
        cx.set_private(&"hush-hush")?;
        let garden = want.garden.into_inner().unwrap_or(Garden { ground: Some("clay".to_owned()), trees: None });
        // A server that has its own way with text, wherever it finds it.
        let facts = match want.facts {
            Some(facts) if want.street == "shouting" => Some(Dynamic::from_json(&lower(&facts.to_json()))),
            facts => facts,
        };
        let note = want.note.into_inner().unwrap_or_else(|| Some("planned as nothing, so never seen".to_owned()));
        Ok(Applied::Done(Self { garden: garden.into(), visits: 0.into(), note: note.into(), facts, ..want }))
    }

    async fn update(_: &Cx<()>, _: Self, want: Self) -> Outcome<Self> {
        assert!(want.garden.get().is_some() && want.visits.get().is_some(), "both stay");
        Ok(Applied::Done(want))
    }

    async fn delete(_: &Cx<()>, _: Self) -> Result<Applied<()>, Failure<Self>> {
        Ok(Applied::Done(()))
    }
}

fn lower(json: &Json) -> Json {
    serde_json::from_str(&json.to_string().to_lowercase()).unwrap()
}

model! {
    /// The houses of a street.
    pub(crate) struct Houses {
        /// Which one.
        street: Option<String>,
    }
}

impl ListResource for Houses {
    type Of = Plot;

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::street.optional())
    }

    async fn list(_: &Cx<()>, query: Self, found: &mut Found<Plot>) -> Result<(), Diagnostics> {
        found.warn("nobody lives there");
        if query.street.is_some() { Err("there is no such street".into()) } else { Ok(()) }
    }
}

model! {
    /// A plot, which has an identity.
    pub(crate) struct Plot {
        /// Its number.
        number: u32,
    }
}

impl Resource for Plot {
    type Client = ();
    const NAME: &'static str = "corner_plot";

    fn schema() -> Schema<Self> {
        Schema::version(0).attr(Self::number.required().replace().identity())
    }
    async fn read(_: &Cx<()>, now: Self) -> Result<Option<Self>, Diagnostics> {
        Ok(Some(now))
    }
    async fn create(_: &Cx<()>, want: Self) -> Outcome<Self> {
        Ok(Applied::Done(want))
    }
    async fn update(_: &Cx<()>, _: Self, want: Self) -> Outcome<Self> {
        Ok(Applied::Done(want))
    }
    async fn delete(_: &Cx<()>, _: Self) -> Result<Applied<()>, Failure<Self>> {
        Ok(Applied::Done(()))
    }
}

struct Corner;

impl Provider for Corner {
    type Config = Settings;
    type Client = ();
    const NAME: &'static str = "corner";
    const SOURCE: &'static str = "local.example/test/corner";

    fn schema() -> Schema<Settings> {
        Schema::new()
    }
    fn registry() -> Registry<()> {
        Registry::new().resource::<House>().resource::<Plot>().list::<Houses>()
    }
    async fn configure(_: View<'_, Settings>, _: &Host) -> Result<(), Diagnostics> {
        Ok(())
    }
}

const HOUSE: &str = "corner_house.h";

async fn with(config: &Json) -> Core<Corner> {
    let mut core = Core::<Corner>::start(json!({})).await;
    let plan = core.plan(HOUSE, config).await;
    let _state = core.apply(plan).await.ok();
    core.plan(HOUSE, config).await.is_empty();
    core
}

#[tokio::test]
async fn text_that_would_be_stored_otherwise_is_refused_with_how_it_is_stored() {
    let mut core = with(&json!({"street": "a", "code": "abc"})).await;
    let plan = core.plan(HOUSE, &json!({"street": "a", "code": "ABC"})).await;
    assert_eq!(plan.errors(), ["code: `abc` expected, which is how `ABC` is written here"]);
}

#[tokio::test]
async fn a_contradiction_inside_of_a_value_of_any_type_taints_nothing() {
    let mut core = Core::<Corner>::start(json!({})).await;
    let facts = json!({"type": ["object", {"a": "string"}], "value": {"a": "LOUD"}});
    let plan = core.plan(HOUSE, &json!({"street": "shouting", "facts": facts})).await;
    let report = core.apply(plan).await;
    assert!(report.warnings()[0].contains("contradicts itself at facts.a"), "{report:?}");
    assert!(!report.tainted && report.errors().is_empty(), "{report:?}");
    assert_eq!(report.state.unwrap()["facts"]["value"]["a"], "LOUD");
}

#[tokio::test]
async fn what_the_provider_filled_in_as_a_whole_stays_whatever_else_changes() {
    let mut core = with(&json!({"street": "a"})).await;
    assert_eq!(core.state(HOUSE).unwrap()["garden"], json!({"ground": "clay", "trees": null}));
    let plan = core.plan(HOUSE, &json!({"street": "a", "width": 2})).await;
    assert_eq!((plan.action, &plan.unknown[..]), (Action::Update, &[][..]));
    let _state = core.apply(plan).await.ok();
    core.plan(HOUSE, &json!({"street": "a", "width": 2})).await.is_empty();
}

#[tokio::test]
async fn what_a_plan_sets_back_replaces_nothing() {
    let mut core = with(&json!({"street": "Elm"})).await;
    let plan = core.plan(HOUSE, &json!({"street": "ELM", "width": 2})).await;
    assert_eq!((plan.action, plan.warnings()), (Action::Update, Vec::<String>::new()));
    assert_eq!(core.apply(plan).await.ok()["street"], "Elm");
    let plan = core.plan(HOUSE, &json!({"street": "Oak"})).await;
    assert_eq!(plan.action, Action::Replace);
    assert!(plan.warnings().contains(&"this is another house".to_owned()), "{plan:?}");
}

#[tokio::test]
async fn what_replaces_inside_of_an_object_does_so_when_that_comes_and_goes() {
    let mut core = with(&json!({"street": "a"})).await;
    let cellar = |ground: Json| json!({"street": "a", "cellar": {"ground": ground}});
    let planned = async |core: &mut Core<Corner>, config: &Json| {
        let plan = core.plan(HOUSE, config).await;
        (plan.action, plan.requires_replace.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    let replaced = (Action::Replace, vec!["cellar.ground".to_owned()]);
    assert_eq!(planned(&mut core, &cellar(Json::Null)).await, (Action::Update, vec![]));
    assert_eq!(planned(&mut core, &cellar(json!("rock"))).await, replaced);
    // While it is not known what will be there, it may be anything.
    let open = json!({"street": "a", "cellar": UNKNOWN});
    assert_eq!(planned(&mut core, &open).await, (Action::Replace, vec!["cellar".to_owned()]));

    let mut core = with(&cellar(json!("rock"))).await;
    assert_eq!(planned(&mut core, &json!({"street": "a"})).await, replaced);
    // Elements of a list are compared where they were there before.
    let rooms = |grounds: &[&str]| {
        let rooms: Vec<_> = grounds.iter().map(|ground| json!({"ground": ground})).collect();
        json!({"street": "a", "rooms": rooms})
    };
    let mut core = with(&rooms(&["wood"])).await;
    assert_eq!(planned(&mut core, &rooms(&["wood", "tile"])).await, (Action::Update, vec![]));
    assert_eq!(planned(&mut core, &rooms(&["tile"])).await, (Action::Replace, vec!["rooms[0].ground".to_owned()]));
}

#[tokio::test]
async fn the_warnings_of_a_call_that_fails_are_told_and_what_is_private_is_not() {
    let errors =
        [("unlucky broken", "there is nobody at home"), ("unlucky leaky", "the private data in the state are no u64")];
    for (street, error) in errors {
        let mut core = Core::<Corner>::start(json!({})).await;
        let plan = core.plan(HOUSE, &json!({"street": street})).await;
        let _state = core.apply(plan).await.ok();
        let report = core.refresh(HOUSE).await;
        assert_eq!(
            (report.errors(), report.warnings()),
            (vec![error.to_owned()], vec!["somebody looked in".to_owned()])
        );
    }
}

#[tokio::test]
async fn a_list_that_finds_nothing_still_tells_what_it_has_to_tell() {
    let mut core = Core::<Corner>::start(json!({})).await;
    let listing = core.list("corner_plot", &json!({}), 10, false).await;
    assert!(listing.found.is_empty());
    assert_eq!(
        listing.diagnostics.iter().map(|told| told.summary.as_str()).collect::<Vec<_>>(),
        ["nobody lives there"]
    );
    let listing = core.list("corner_plot", &json!({"street": "x"}), 10, false).await;
    let told: Vec<_> = listing.diagnostics.iter().map(|told| told.summary.as_str()).collect();
    assert_eq!(told, ["nobody lives there", "there is no such street"]);
}
