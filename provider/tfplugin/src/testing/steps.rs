//! Steps of a test on a real host. What every step promises without being told: once it has been applied, a plan finds nothing to do.

use super::{Host, Run};
use serde_json::Value as Json;

/// One step: something to do, and what is expected of it.
#[must_use = "give it to Host::step"]
#[derive(Debug)]
pub struct Step {
    deed: Deed,
    plans: Option<Vec<String>>,
    planned: Vec<(String, String, Planned)>,
    warns: Vec<String>,
    fails: Option<Vec<String>>,
    holds: Vec<(String, String, Json)>,
    leaves_changes: bool,
}

/// What an attribute becomes.
#[derive(Debug)]
enum Planned {
    Value(Json),
    Unknown,
}

#[derive(Debug)]
enum Deed {
    Apply(String),
    Plan(String),
    Refresh,
    Import { address: String, id: String },
    Destroy,
}

impl Step {
    fn of(deed: Deed) -> Self {
        Self {
            deed,
            plans: None,
            planned: Vec::new(),
            warns: Vec::new(),
            fails: None,
            holds: Vec::new(),
            leaves_changes: false,
        }
    }

    /// Plans this configuration and applies the plan. After that a plan has to be empty, with a refresh and without.
    pub fn apply(configuration: impl Into<String>) -> Self {
        Self::of(Deed::Apply(configuration.into()))
    }

    /// Plans this configuration, and applies nothing.
    pub fn plan(configuration: impl Into<String>) -> Self {
        Self::of(Deed::Plan(configuration.into()))
    }

    /// Writes into the state what the provider reads: how drift comes to be seen.
    pub fn refresh() -> Self {
        Self::of(Deed::Refresh).leaves_changes()
    }

    /// Imports an object that the state holds into an empty state, under the same configuration. Every attribute has to come out the same, and a plan
    /// has to find nothing to do.
    pub fn import(address: impl Into<String>, id: impl Into<String>) -> Self {
        Self::of(Deed::Import { address: address.into(), id: id.into() })
    }

    /// Destroys everything. The state has to be empty then.
    pub fn destroy() -> Self {
        Self::of(Deed::Destroy)
    }

    /// The plan has exactly these changes: `ledger_object.a update`.
    pub fn plans(mut self, changes: &[&str]) -> Self {
        let mut changes: Vec<String> = changes.iter().map(|change| (*change).to_owned()).collect();
        changes.sort();
        self.plans = Some(changes);
        self
    }

    /// An attribute is planned to become this.
    pub fn plans_value(mut self, address: &str, attribute: &str, value: Json) -> Self {
        self.planned.push((address.to_owned(), attribute.to_owned(), Planned::Value(value)));
        self
    }

    /// An attribute is planned to become what only the apply will tell.
    pub fn plans_unknown(mut self, address: &str, attribute: &str) -> Self {
        self.planned.push((address.to_owned(), attribute.to_owned(), Planned::Unknown));
        self
    }

    /// One of the warnings says this.
    pub fn warns(mut self, part: &str) -> Self {
        self.warns.push(part.to_owned());
        self
    }

    /// It ends with an error, and one of the errors says all of this.
    pub fn fails(mut self, parts: &[&str]) -> Self {
        self.fails = Some(parts.iter().map(|part| (*part).to_owned()).collect());
        self
    }

    /// An attribute in the state is this, afterwards.
    pub fn holds(mut self, address: &str, attribute: &str, value: Json) -> Self {
        self.holds.push((address.to_owned(), attribute.to_owned(), value));
        self
    }

    /// A plan finds something to do afterwards, as it does while something is pending.
    pub fn leaves_changes(mut self) -> Self {
        self.leaves_changes = true;
        self
    }
}

const PLAN: [&str; 5] = ["plan", "-json", "-input=false", "-detailed-exitcode", "-out=step.plan"];

impl Host {
    /// Does one step, and holds it to what it says and to what every step promises.
    ///
    /// # Panics
    /// At whatever is not as it should be, with the host's output.
    #[track_caller]
    pub fn step(&self, step: Step) {
        let Step { deed, plans, planned, warns, fails, holds, leaves_changes } = step;
        let is_plan_only = matches!(deed, Deed::Plan(_));
        let runs = match &deed {
            Deed::Apply(configuration) | Deed::Plan(configuration) => {
                self.write(configuration);
                let plan = self.run(&PLAN);
                if let Some(plans) = &plans {
                    assert_eq!(&plan.changes, plans, "the plan has other changes:\n{}", plan.output);
                }
                self.has_planned(&planned);
                if is_plan_only || plan.code == 1 {
                    vec![plan]
                } else {
                    vec![plan, self.run(&["apply", "-json", "-input=false", "step.plan"])]
                }
            }
            Deed::Refresh => vec![self.run(&["apply", "-json", "-input=false", "-auto-approve", "-refresh-only"])],
            Deed::Destroy => vec![self.run(&["destroy", "-json", "-input=false", "-auto-approve"])],
            Deed::Import { address, id } => vec![self.imported(address, id)],
        };
        for part in &warns {
            let told = runs.iter().flat_map(|run| &run.warnings).any(|told| told.contains(part));
            assert!(told, "no warning says {part:?}:\n{}", said(&runs));
        }
        let errors: Vec<&String> = runs.iter().flat_map(|run| &run.errors).collect();
        let has_failed = runs.iter().any(|run| !matches!(run.code, 0 | 2));
        match &fails {
            Some(parts) => {
                let told = errors.iter().any(|told| parts.iter().all(|part| told.contains(part)));
                assert!(has_failed && told, "it did not fail over {parts:?}:\n{}", said(&runs));
            }
            None => assert!(!has_failed && errors.is_empty(), "it failed:\n{}", said(&runs)),
        }
        for (address, attribute, value) in &holds {
            let found = self.attributes(address).unwrap_or_else(|| panic!("{address} is not in the state"));
            assert_eq!(&found[attribute], value, "{address}: {attribute}");
        }
        match deed {
            Deed::Destroy if fails.is_none() => {
                let shown = self.json(&["show", "-json"]);
                assert!(shown["values"].is_null(), "the state is not empty: {shown}");
            }
            Deed::Apply(_) | Deed::Refresh if fails.is_none() => self.settled(leaves_changes),
            _ => {}
        }
    }

    /// Holds the plan of the step to what is said of single attributes.
    #[track_caller]
    fn has_planned(&self, planned: &[(String, String, Planned)]) {
        if planned.is_empty() {
            return;
        }
        let shown = self.json(&["show", "-json", "step.plan"]);
        let changes = shown["resource_changes"].as_array().into_iter().flatten();
        let changes: Vec<_> = changes.map(|change| (&change["address"], &change["change"])).collect();
        for (address, attribute, expected) in planned {
            let found = changes.iter().find(|(its, _)| *its == address);
            let (_, change) = found.unwrap_or_else(|| panic!("{address} is not in the plan"));
            let is_unknown = change["after_unknown"][attribute] == true;
            match expected {
                Planned::Unknown => {
                    assert!(is_unknown, "{address}: {attribute} is known: {}", change["after"][attribute]);
                }
                Planned::Value(value) => {
                    assert!(!is_unknown, "{address}: {attribute} is not known yet");
                    assert_eq!(&change["after"][attribute], value, "{address}: {attribute}");
                }
            }
        }
    }

    /// A second plan, and a third that does not look first.
    #[track_caller]
    fn settled(&self, leaves_changes: bool) {
        for more in [&[][..], &["-refresh=false"]] {
            let plan = self.run(&[&PLAN[..], more].concat());
            assert_ne!(plan.code, 1, "the plan after it fails:\n{}", plan.output);
            let is_empty = plan.code == 0 && plan.changes.is_empty();
            assert!(is_empty || leaves_changes, "the plan after it is not empty:\n{}", plan.output);
        }
    }

    /// Imports into an empty state beside this one, and compares.
    #[track_caller]
    fn imported(&self, address: &str, id: &str) -> Run {
        const STATE: &str = "-state=imported.tfstate";
        let before = self.attributes(address).unwrap_or_else(|| panic!("{address} is not in the state"));
        let run = self.run(&["import", "-input=false", "-no-color", STATE, address, id]);
        assert_eq!(run.code, 0, "the import failed:\n{}", run.output);
        let found = self.json(&["show", "-json", "imported.tfstate"]);
        let found = found["values"]["root_module"]["resources"].as_array().and_then(|all| all.first());
        let found = found.unwrap_or_else(|| panic!("the import left nothing:\n{}", run.output));
        assert_eq!(found["values"], before, "{address} is imported as something else");
        let plan = self.run(&[&PLAN[..], &[STATE]].concat());
        let changes = plan.changes.iter().any(|change| change.starts_with(&format!("{address} ")));
        assert!(plan.code != 1 && !changes, "the plan after the import changes {address}:\n{}", plan.output);
        run
    }
}

fn said(runs: &[Run]) -> String {
    runs.iter().map(|run| run.output.as_str()).collect()
}
