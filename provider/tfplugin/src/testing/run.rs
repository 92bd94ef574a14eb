//! What a command of the host's did.
#![expect(
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::return_self_not_must_use,
    reason = "expectations: that they hold is use enough, and where they do not is a panic"
)]

use serde_json::Value as Json;
use std::process::Output;

/// What a command did, as its JSON lines tell it, and what a test expects of that. Each expectation panics with the whole output.
#[derive(Debug)]
pub struct Run {
    /// The exit code; of a plan with `-detailed-exitcode` 0 for an empty one, 2 for one with changes, 1 for an error.
    pub code: i32,
    /// `address action`, for example `ledger_object.a update`, in order.
    pub changes: Vec<String>,
    /// Summaries and details of the warnings, in order, each once.
    pub warnings: Vec<String>,
    /// How many warnings said what another had said.
    pub repeated: usize,
    /// Summaries and details of the errors.
    pub errors: Vec<String>,
    /// All that was printed.
    pub output: String,
}

impl Run {
    /// Reads what a command with `-json` printed.
    #[must_use]
    pub fn read(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut run = Self {
            code: output.status.code().unwrap_or(-1),
            changes: Vec::new(),
            warnings: Vec::new(),
            repeated: 0,
            errors: Vec::new(),
            output: text(&output.stdout) + &text(&output.stderr),
        };
        let lines: Vec<Json> = run.output.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        for line in lines {
            run.note(&line);
        }
        // Terraform works on objects in any order, and says in apply again what it said in plan.
        run.changes.sort();
        run.warnings.sort();
        run.repeated = run.warnings.len();
        run.warnings.dedup();
        run.repeated -= run.warnings.len();
        run
    }

    fn note(&mut self, line: &Json) {
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        if line["type"] == "planned_change" {
            let change = &line["change"];
            self.changes.push(format!("{} {}", text(&change["resource"]["addr"]), text(&change["action"])));
        }
        if line["type"] == "diagnostic" {
            let diagnostic = &line["diagnostic"];
            let message = format!("{}\n{}", text(&diagnostic["summary"]), text(&diagnostic["detail"]));
            match diagnostic["severity"].as_str() {
                Some("warning") => self.warnings.push(message),
                _ => self.errors.push(message),
            }
        }
    }

    /// It went well.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert!(self.errors.is_empty() && matches!(self.code, 0 | 2), "{}", self.output);
        self
    }

    /// The plan is empty, and says nothing.
    #[track_caller]
    pub fn empty(self) {
        assert_eq!((self.code, self.changes.len(), self.warnings.len()), (0, 0, 0), "{}", self.output);
    }

    /// Exactly these changes.
    #[track_caller]
    pub fn changes(self, expected: &[&str]) -> Self {
        assert_eq!(self.changes, expected, "{}", self.output);
        self
    }

    /// Exactly one warning, which says all of this. An apply may tell it twice: before and after.
    #[track_caller]
    pub fn warns(self, parts: &[&str]) -> Self {
        assert_eq!(self.warnings.len(), 1, "{}", self.output);
        assert!(self.repeated <= usize::from(self.output.contains("apply_start")), "{}", self.output);
        for part in parts {
            assert!(self.warnings[0].contains(part), "{part}: {}", self.output);
        }
        self
    }

    /// No warning at all.
    #[track_caller]
    pub fn silent(self) -> Self {
        assert_eq!(self.warnings, Vec::<String>::new(), "{}", self.output);
        self
    }

    /// The host does not know of something in the configuration, and says so.
    #[track_caller]
    pub fn refuses(self, part: &str) -> Self {
        assert!(self.code == 1 && self.errors.iter().any(|told| told.contains(part)), "{part}: {}", self.output);
        self
    }

    /// It failed with exactly one error, which says all of this.
    #[track_caller]
    pub fn fails(self, parts: &[&str]) -> Self {
        assert_eq!((self.code, self.errors.len()), (1, 1), "{}", self.output);
        for part in parts {
            assert!(self.errors[0].contains(part), "{part}: {}", self.output);
        }
        self
    }
}
