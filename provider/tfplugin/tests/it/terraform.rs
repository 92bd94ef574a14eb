//! Drives `terraform` in a folder of its own, with a filesystem mirror that holds the example provider.

use crate::ledger::{
    Ledger,
    store::{Books, Request, State, Store},
};
use serde_json::Value as Json;
use std::{
    env, fs,
    ops::Deref,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant, SystemTime},
};
use tfplugin::testing::Host;
pub(crate) use tfplugin::testing::Run;

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
    // A module of tests is no part of the example.
    let times = entries.filter(|entry| entry.file_name() != "tests.rs").map(|entry| {
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() { newest(&entry.path()) } else { metadata.modified().unwrap() }
    });
    times.max().unwrap_or(SystemTime::UNIX_EPOCH)
}

/// A real host, and a ledger.
pub(crate) struct World {
    host: Host,
    store: Store,
}

impl Deref for World {
    type Target = Host;
    fn deref(&self) -> &Host {
        &self.host
    }
}

impl World {
    /// A ledger that needs no approval.
    pub(crate) fn open() -> Self {
        let host = Host::new::<Ledger>(ledger_binary());
        let books = host.path("books.json");
        fs::write(&books, r#"{"approval":false,"objects":{},"requests":{}}"#).unwrap();
        let host = host.configured(&format!("  path = \"{}\"", books.display()));
        Self { host, store: Store::new(books) }
    }

    /// A ledger in which every change needs approval.
    pub(crate) fn guarded() -> Self {
        let world = Self::open();
        world.ledger(|books| books.approval = true);
        world
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

/// The mirror is used as it is: nobody else's files.
pub(crate) fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, Iterator::count)
}
