//! What a command of Terraform's told, read from its `-json` output.

use serde_json::Value;
use std::time::Duration;

/// A warning or an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// The first line.
    pub summary: String,
    /// All the rest.
    pub detail: String,
    /// The resource that it is about.
    pub address: String,
    /// The line of the configuration that it points at.
    pub line: String,
}

/// A command that has ended.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its exit code.
    pub code: i32,
    /// What is to change, as `ACTION ADDRESS`, sorted: Terraform tells it in any order.
    pub changes: Vec<String>,
    /// The warnings, each once: an apply tells again what its plan has told.
    pub warnings: Vec<Told>,
    /// The errors.
    pub errors: Vec<Told>,
    /// All that it wrote.
    pub text: String,
    /// How long it took.
    pub took: Duration,
}

impl Run {
    pub(crate) fn read(code: i32, text: String, took: Duration) -> Self {
        let mut run = Self { code, changes: vec![], warnings: vec![], errors: vec![], text, took };
        for line in run.text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let diagnostic = &line["diagnostic"];
            match (string(&line["type"]).as_str(), string(&diagnostic["severity"]).as_str()) {
                ("planned_change", _) => {
                    let change = &line["change"];
                    run.changes.push(format!("{} {}", string(&change["action"]), string(&change["resource"]["addr"])));
                }
                ("diagnostic", "warning") => push(&mut run.warnings, diagnostic),
                ("diagnostic", _) => push(&mut run.errors, diagnostic),
                _ => {}
            }
        }
        run.changes.sort();
        run
    }

    /// A `plan -refresh-only` that found nothing. Not by its exit code: since 1.15 Terraform says 2 wherever the configuration has a data source, be it one of
    /// its own.
    #[track_caller]
    pub fn finds_no_drift(&self) -> &Self {
        let drifted = self.text.lines().filter(|line| line.contains("\"type\":\"resource_drift\"")).count();
        assert_eq!((drifted, self.changes.len(), self.errors.len()), (0, 0, 0), "{}", self.text);
        assert!(self.text.contains("\"type\":\"change_summary\""), "it came to its end: {}", self.text);
        self
    }

    /// It went well, whatever it had to warn of.
    #[track_caller]
    pub fn succeeds(&self) -> &Self {
        assert_eq!((self.code, self.errors.len()), (0, 0), "{}", self.text);
        self
    }

    /// It went well, and had nothing to warn of.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        assert_eq!((self.code, self.warnings.len(), self.errors.len()), (0, 0, 0), "{}", self.text);
        self
    }

    /// A plan that has nothing to do and nothing to say.
    #[track_caller]
    pub fn is_empty(&self) -> &Self {
        assert_eq!((self.code, self.changes.as_slice()), (0, [].as_slice()), "the plan is not empty:\n{}", self.text);
        self.ok()
    }

    /// A plan that wants to do exactly this, without an error.
    #[track_caller]
    pub fn plans(&self, changes: &[&str]) -> &Self {
        assert_eq!((self.code, self.errors.len()), (2, 0), "{}", self.text);
        let mut changes = changes.to_vec();
        changes.sort_unstable();
        assert_eq!(self.changes, changes, "{}", self.text);
        self
    }

    /// A plan that wants to do exactly this, and has nothing to warn of.
    #[track_caller]
    pub fn ok_but_changes(&self, changes: &[&str]) -> &Self {
        assert_eq!(self.warnings, [], "{}", self.text);
        self.plans(changes)
    }

    /// It went well, with exactly one warning, which says all of this.
    #[track_caller]
    pub fn warns(&self, parts: &[&str]) -> &Told {
        assert!(self.code != 1 && self.errors.is_empty(), "it failed:\n{}", self.text);
        only(&self.warnings, parts, &self.text)
    }

    /// It went well, and one of its warnings says all of this.
    #[track_caller]
    pub fn warns_also(&self, parts: &[&str]) -> &Self {
        assert!(self.code != 1 && self.errors.is_empty(), "it failed:\n{}", self.text);
        let says = |told: &&Told| parts.iter().all(|part| spaced(&told.words()).contains(&spaced(part)));
        assert!(self.warnings.iter().any(|told| says(&told)), "no warning says {parts:?}:\n{}", self.text);
        self
    }

    /// It failed with exactly one error, which says all of this.
    #[track_caller]
    pub fn fails(&self, parts: &[&str]) -> &Told {
        assert_eq!(self.code, 1, "it did not fail:\n{}", self.text);
        only(&self.errors, parts, &self.text)
    }
}

impl Told {
    /// It points at this line of the configuration; how many blanks there are does not matter.
    #[track_caller]
    pub fn points_at(&self, line: &str) -> &Self {
        assert_eq!(spaced(&self.line), spaced(line), "{self:#?}");
        self
    }

    /// It says all of this; how many blanks there are does not matter.
    #[track_caller]
    pub fn says(&self, parts: &[&str]) -> &Self {
        let words = spaced(&self.words());
        for part in parts {
            assert!(words.contains(&spaced(part)), "{part:?} is not in:\n{}", self.words());
        }
        self
    }

    /// All of it.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}\n{}", self.summary, self.detail)
    }
}

#[track_caller]
fn only<'t>(told: &'t [Told], parts: &[&str], text: &str) -> &'t Told {
    let [one] = told else { panic!("exactly one was expected, not {}:\n{told:#?}\n{text}", told.len()) };
    one.says(parts);
    one
}

fn push(to: &mut Vec<Told>, diagnostic: &Value) {
    let told = Told {
        summary: string(&diagnostic["summary"]),
        detail: string(&diagnostic["detail"]),
        address: string(&diagnostic["address"]),
        line: string(&diagnostic["snippet"]["code"]),
    };
    if !to.contains(&told) {
        to.push(told);
    }
}

/// With one blank between words.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
