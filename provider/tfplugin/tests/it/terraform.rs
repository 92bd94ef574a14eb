//! Drives `terraform` in a folder of its own, with a filesystem mirror that holds the example provider.

use crate::ledger::store::{Books, Request, State, Store};
use serde_json::Value as Json;
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};

/// Far more than anything here takes, on any machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How long to look away between two looks.
const GLANCE: Duration = Duration::from_millis(5);

/// The example provider, which cargo builds beside the tests.
pub(crate) fn ledger_binary() -> PathBuf {
    let tests = env::current_exe().expect("a test has a path");
    let target = tests.ancestors().nth(2).expect("a test is in target/PROFILE/deps");
    let binary = target.join("examples").join("ledger");
    let built = fs::metadata(&binary).and_then(|m| m.modified());
    let built = built.unwrap_or_else(|e| panic!("{}: {e}; build the examples too", binary.display()));
    // `cargo test --test it` alone builds no examples: better told than debugged.
    let source = newest(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"));
    let source = source.max(newest(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("examples")));
    assert!(built >= source, "the example is older than its source: cargo build -p tfplugin-rs --examples");
    binary
}

/// When the last file in a folder was changed.
fn newest(folder: &Path) -> SystemTime {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let times = entries.map(|entry| {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() { newest(&entry.path()) } else { metadata.modified().unwrap() }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A folder with a configuration, a state, and a ledger.
pub(crate) struct World {
    folder: tempfile::TempDir,
    store: Store,
}

/// What a command did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    /// `address action`, for example `ledger_object.a update`.
    pub(crate) changes: Vec<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) errors: Vec<String>,
    /// How many warnings said what another had said.
    pub(crate) repeated: usize,
    pub(crate) output: String,
}

impl World {
    /// A ledger that needs no approval.
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let store = Store::new(folder.path().join("books.json"));
        let world = Self { folder, store };
        fs::write(world.path("books.json"), r#"{"approval":false,"objects":{},"requests":{}}"#).unwrap();
        let platform = match env::consts::ARCH {
            "x86_64" => "linux_amd64",
            _ => "linux_arm64",
        };
        let package = world.path("mirror/local.example/test/ledger/1.0.0").join(platform);
        fs::create_dir_all(&package).unwrap();
        std::os::unix::fs::symlink(ledger_binary(), package.join("terraform-provider-ledger_v1.0.0")).unwrap();
        let mirror = world.path("mirror");
        let cli = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n    include = [\"local.example/*/*\"]\n  }}\n}}\n",
            mirror.display()
        );
        fs::write(world.path("cli.tfrc"), cli).unwrap();
        world
    }

    /// A ledger in which every change needs approval.
    pub(crate) fn guarded() -> Self {
        let world = Self::open();
        world.ledger(|books| books.approval = true);
        world
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Looks into the ledger, or changes it.
    pub(crate) fn ledger<T>(&self, work: impl FnOnce(&mut Books) -> T) -> T {
        self.store.with(work).unwrap()
    }

    pub(crate) fn requests(&self) -> usize {
        self.ledger(|books| books.requests.len())
    }

    /// Approves a request, as a person would.
    pub(crate) fn approve(&self, number: u32) {
        self.ledger(|books| {
            let Request { object, wish, state } = books.requests.get_mut(&number).expect("the request exists");
            assert_eq!(*state, State::Open);
            *state = State::Approved;
            match (wish.clone(), books.objects.get_mut(object)) {
                (Some(spec), Some(stored)) => {
                    stored.spec = spec;
                    stored.live = true;
                }
                (None, _) => drop(books.objects.remove(object)),
                (Some(_), None) => panic!("the object of request {number} is gone"),
            }
        });
    }

    pub(crate) fn reject(&self, number: u32) {
        self.ledger(|books| {
            let request = books.requests.get_mut(&number).expect("the request exists");
            request.state = State::Rejected { reviewer: "kim".into(), reason: "too big".into() };
        });
    }

    /// Sets the configuration, and initialises at the first time.
    pub(crate) fn write(&self, resources: &str) {
        let head = format!(
            "terraform {{\n  required_providers {{\n    ledger = {{ source = \"local.example/test/ledger\" }}\n  }}\n}}\n\
             provider \"ledger\" {{ path = \"{}\" }}\n",
            self.path("books.json").display()
        );
        fs::write(self.path("main.tf"), head + resources).unwrap();
        if !self.path(".terraform").exists() {
            let init = self.command(&["init", "-no-color"]).output().expect("terraform is on PATH");
            assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        }
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env::var("TFPLUGIN_TEST_TERRAFORM").unwrap_or_else(|_| "terraform".to_owned()));
        for (key, _) in env::vars().filter(|(key, _)| key.starts_with("TF_")) {
            command.env_remove(key);
        }
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command
            .env("TF_CLI_CONFIG_FILE", self.path("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1");
        command
    }

    /// Whether the host is not Terraform.
    pub(crate) fn is_opentofu(&self) -> bool {
        let told = self.command(&["version"]).output().expect("terraform is on PATH").stdout;
        String::from_utf8_lossy(&told).starts_with("OpenTofu")
    }

    /// Whether the host is of version 1.`minor` or newer.
    pub(crate) fn is_since_1(&self, minor: u32) -> bool {
        let told = self.command(&["version", "-json"]).output().expect("terraform is on PATH").stdout;
        let told: Json = serde_json::from_slice(&told).expect("JSON");
        let version = told["terraform_version"].as_str().expect("a version");
        version.split('.').nth(1).and_then(|number| number.parse().ok()).is_some_and(|its: u32| its >= minor)
    }

    pub(crate) fn run(&self, args: &[&str]) -> Run {
        let output = self.command(args).output().expect("terraform is on PATH");
        Run::read(output.status.code().unwrap_or(-1), &output.stdout, &output.stderr)
    }

    /// The exit code is 0 for an empty plan, 2 for one with changes, 1 for an error.
    pub(crate) fn plan(&self) -> Run {
        self.run(&["plan", "-json", "-detailed-exitcode", "-out=plan.bin"])
    }

    pub(crate) fn apply(&self) -> Run {
        self.run(&["apply", "-json", "-auto-approve"])
    }

    pub(crate) fn destroy(&self) -> Run {
        self.run(&["destroy", "-json", "-auto-approve"])
    }

    /// Before and after of the first change in the last plan; `after_unknown` says what apply decides.
    pub(crate) fn planned_change(&self) -> Json {
        let shown = self.command(&["show", "-json", "plan.bin"]).output().expect("terraform is on PATH");
        let plan: Json = serde_json::from_slice(&shown.stdout).unwrap();
        plan["resource_changes"][0]["change"].clone()
    }

    /// The instance in the state: `attributes`, `status`, `private`.
    pub(crate) fn state(&self, resource: &str) -> Option<Json> {
        let text = fs::read_to_string(self.path("terraform.tfstate")).ok()?;
        let state: Json = serde_json::from_str(&text).unwrap();
        let resources = state["resources"].as_array()?;
        let found = resources.iter().find(|r| r["name"] == resource)?;
        Some(found["instances"][0].clone())
    }

    /// An attribute in the state.
    #[track_caller]
    pub(crate) fn attribute(&self, resource: &str, name: &str) -> Json {
        let instance = self.state(resource).expect("the object is in the state");
        assert_eq!(instance["status"], Json::Null, "tainted");
        instance["attributes"][name].clone()
    }

    /// Starts a command in a process group of its own, as a shell does.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        use std::os::unix::process::CommandExt as _;
        let mut command = self.command(args);
        command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("terraform is on PATH")
    }
}

/// Sends a signal to a process, or with a minus to its group.
pub(crate) fn signal(name: &str, process: &str) {
    let kill = format!("kill -s {name} -- {process}");
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Waits for a condition, with a bound.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited too long: {what}");
        std::thread::park_timeout(GLANCE);
    }
}

impl Run {
    pub(crate) fn read(code: i32, stdout: &[u8], stderr: &[u8]) -> Self {
        let output = format!("{}{}", String::from_utf8_lossy(stdout), String::from_utf8_lossy(stderr));
        let mut run = Self {
            code,
            changes: Vec::new(),
            warnings: Vec::new(),
            errors: Vec::new(),
            repeated: 0,
            output: String::new(),
        };
        for line in output.lines() {
            let Ok(line) = serde_json::from_str::<Json>(line) else {
                continue;
            };
            let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
            if line["type"] == "planned_change" {
                let change = &line["change"];
                run.changes.push(format!("{} {}", text(&change["resource"]["addr"]), text(&change["action"])));
            }
            if line["type"] == "diagnostic" {
                let diagnostic = &line["diagnostic"];
                let message = format!("{}\n{}", text(&diagnostic["summary"]), text(&diagnostic["detail"]));
                match diagnostic["severity"].as_str() {
                    Some("warning") => run.warnings.push(message),
                    _ => run.errors.push(message),
                }
            }
        }
        // Terraform works on objects in any order, and says in apply again what it said in plan.
        run.changes.sort();
        run.warnings.sort();
        run.repeated = run.warnings.len();
        run.warnings.dedup();
        run.repeated -= run.warnings.len();
        run.output = output;
        run
    }

    /// It went well.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.errors.is_empty() && matches!(self.code, 0 | 2), "{}", self.output);
        self
    }

    /// The plan is empty, and says nothing.
    #[track_caller]
    pub(crate) fn empty(self) {
        assert_eq!((self.code, self.changes.len(), self.warnings.len()), (0, 0, 0), "{}", self.output);
    }

    /// Exactly these changes.
    #[track_caller]
    pub(crate) fn changes(self, expected: &[&str]) -> Self {
        assert_eq!(self.changes, expected, "{}", self.output);
        self
    }

    /// Exactly one warning, which says all of this. An apply may tell it twice: before and after.
    #[track_caller]
    pub(crate) fn warns(self, parts: &[&str]) -> Self {
        assert_eq!(self.warnings.len(), 1, "{}", self.output);
        assert!(self.repeated <= usize::from(self.output.contains("apply_start")), "{}", self.output);
        for part in parts {
            assert!(self.warnings[0].contains(part), "{part}: {}", self.output);
        }
        self
    }

    /// No warning at all.
    #[track_caller]
    pub(crate) fn silent(self) -> Self {
        assert_eq!(self.warnings, Vec::<String>::new(), "{}", self.output);
        self
    }

    /// The host does not know of something in the configuration, and says so.
    #[track_caller]
    pub(crate) fn refuses(self, part: &str) -> Self {
        assert!(self.code == 1 && self.errors.iter().any(|told| told.contains(part)), "{part}: {}", self.output);
        self
    }

    /// It failed with exactly one error, which says all of this.
    #[track_caller]
    pub(crate) fn fails(self, parts: &[&str]) -> Self {
        assert_eq!((self.code, self.errors.len()), (1, 1), "{}", self.output);
        for part in parts {
            assert!(self.errors[0].contains(part), "{part}: {}", self.output);
        }
        self
    }
}

/// The mirror is used as it is: nobody else's files.
pub(crate) fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}
