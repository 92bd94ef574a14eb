//! A real `terraform` in a folder of its own. The provider comes from a filesystem mirror, as users install it; nothing comes from a network.

use crate::{
    orbit::{Orbit, SOON, new_folder, write},
    process::signal,
    setting::{bin, repository, setting},
    told::Run,
    wait::{BOUND, eventually, within},
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{process::Command, task::JoinHandle};

/// No command takes longer.
const LONGEST: Duration = Duration::from_mins(2);

/// A working folder, with the state in it.
#[derive(Debug)]
pub struct Terraform {
    folder: TempDir,
    environment: BTreeMap<String, String>,
}

/// How an attribute of a plan changes: before and after; `(unknown)` where that comes with the apply.
pub type Changed = BTreeMap<String, (Value, Value)>;

/// A command that has not ended yet. It ends with this, by SIGKILL.
#[derive(Debug)]
pub struct UnderWay {
    /// Read from the beginning: one that nobody listens to comes to a halt once its pipe is full.
    output: JoinHandle<io::Result<Output>>,
    begun: Instant,
    group: Group,
}

/// A process group: terraform and the plugins that it has started.
#[derive(Debug)]
struct Group(String);

impl Drop for Group {
    fn drop(&mut self) {
        signal("KILL", &self.0);
    }
}

impl Terraform {
    /// A folder with this configuration, made ready by `terraform init`, that reaches the server with this token.
    #[must_use]
    pub async fn new(orbit: &Orbit, token: &str, configuration: &str) -> Self {
        let terraform = Self::empty(&orbit.endpoint(), token);
        terraform.write(configuration);
        terraform.init().await;
        terraform
    }

    /// A folder without a configuration.
    #[must_use]
    #[track_caller]
    pub fn empty(endpoint: &str, token: &str) -> Self {
        let folder = new_folder();
        let mirror = folder.path().join("mirror");
        install(&mirror, &source(), "0.1.0", &own_program());
        let cli = folder.path().join("cli.tfrc");
        write(
            &cli,
            &format!(
                "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
                mirror.display()
            ),
        );
        let set = [
            ("TF_CLI_CONFIG_FILE", cli.display().to_string()),
            ("CHECKPOINT_DISABLE", "1".to_owned()),
            ("TF_IN_AUTOMATION", "1".to_owned()),
            ("ORBIT_ENDPOINT", endpoint.to_owned()),
            ("ORBIT_TOKEN", token.to_owned()),
            ("ORBIT_RUN_ID", "run-of-the-tests".to_owned()),
        ];
        let environment = set.map(|(name, value)| (name.to_owned(), value)).into();
        Self { folder, environment }
    }

    /// Sets a variable of the environment for all that comes.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.insert(name.to_owned(), value.to_owned());
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The configuration by now.
    #[track_caller]
    pub fn write(&self, configuration: &str) {
        write(&self.path("main.tf"), configuration);
    }

    /// A file in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A folder of the repository's, as it is.
    #[track_caller]
    pub fn copy(&self, example: &str) {
        copy(&repository().join(example), self.folder.path());
    }

    /// Puts a provider of another name where `terraform init` finds it. It is asked for nothing, so ours stands in for it.
    #[track_caller]
    pub fn has_installed(&self, source: &str, version: &str) {
        install(&self.folder.path().join("mirror"), source, version, &own_program());
    }

    /// Puts another provider where `terraform init` finds it.
    #[track_caller]
    pub fn has_installed_program(&self, source: &str, version: &str, program: &Path) {
        install(&self.folder.path().join("mirror"), source, version, program);
    }

    /// `terraform init`.
    pub async fn init(&self) -> Run {
        let run = self.run(&["init", "-input=false", "-no-color"]).await;
        assert_eq!(run.code, 0, "{}", run.text);
        run
    }

    /// A plan. It stays in the file `plan`, which [`Terraform::apply_plan`] applies and [`Terraform::planned`] reads.
    pub async fn plan(&self) -> Run {
        self.plan_with(&[]).await
    }

    /// A plan with further arguments.
    pub async fn plan_with(&self, more: &[&str]) -> Run {
        self.run(&[&["plan", "-json", "-input=false", "-detailed-exitcode", "-out=plan"], more].concat()).await
    }

    /// Plans and applies.
    pub async fn apply(&self) -> Run {
        self.run(&APPLY).await
    }

    /// Applies the plan that was made last, as it was made.
    pub async fn apply_plan(&self) -> Run {
        self.run(&["apply", "-json", "-input=false", "plan"]).await
    }

    /// Begins an apply, in a process group of its own: Ctrl-C reaches all of it, as in a terminal.
    #[must_use]
    #[track_caller]
    pub fn begin_apply(&self) -> UnderWay {
        self.begin(&APPLY)
    }

    /// The same, with so many workers.
    #[must_use]
    #[track_caller]
    pub fn begin_apply_at_once(&self, workers: u32) -> UnderWay {
        let parallelism = format!("-parallelism={workers}");
        let args: Vec<&str> = APPLY.into_iter().chain([parallelism.as_str()]).collect();
        self.begin(&args)
    }

    /// Begins a destroy in the same way.
    #[must_use]
    #[track_caller]
    pub fn begin_destroy(&self) -> UnderWay {
        self.begin(&DESTROY)
    }

    #[track_caller]
    fn begin(&self, args: &[&str]) -> UnderWay {
        let mut command = self.command(args);
        let child = command.process_group(0).spawn().unwrap_or_else(|e| panic!("terraform cannot be run: {e}"));
        let group = format!("-{}", child.id().unwrap_or_else(|| panic!("terraform has no pid")));
        UnderWay { output: tokio::spawn(child.wait_with_output()), begun: Instant::now(), group: Group(group) }
    }

    /// Destroys everything.
    pub async fn destroy(&self) -> Run {
        self.run(&DESTROY).await
    }

    /// `terraform import`.
    pub async fn import(&self, address: &str, id: &str) -> Run {
        self.run(&["import", "-input=false", "-no-color", address, id]).await
    }

    /// `terraform state rm`: the object lives on, unknown to this folder.
    pub async fn forget(&self, address: &str) {
        let run = self.run(&["state", "rm", address]).await;
        assert_eq!(run.code, 0, "{}", run.text);
    }

    /// The attributes of a resource in the state; `None` where it is not there.
    pub async fn state(&self, address: &str) -> Option<Value> {
        let shown = self.show(&[]).await;
        let resources = shown["values"]["root_module"]["resources"].as_array().cloned().unwrap_or_default();
        let found = resources.into_iter().find(|resource| resource["address"] == address)?;
        assert_ne!(found["tainted"], true, "{address} is tainted");
        Some(found["values"].clone())
    }

    /// One attribute in the state.
    pub async fn attribute(&self, address: &str, name: &str) -> Value {
        let state = self.state(address).await;
        state.unwrap_or_else(|| panic!("{address} is not in the state"))[name].clone()
    }

    /// What changes by the last plan, attribute by attribute; an element of a map by `map.key`.
    pub async fn planned(&self, address: &str) -> Changed {
        let shown = self.show(&["plan"]).await;
        let changes = shown["resource_changes"].as_array().cloned().unwrap_or_default();
        let found = changes.into_iter().find(|change| change["address"] == address);
        let change = found.unwrap_or_else(|| panic!("{address} is not in the plan"))["change"].clone();
        let (before, mut after) = (flat(&change["before"]), flat(&change["after"]));
        let unknown = flat(&change["after_unknown"]).into_iter().filter(|(_, is)| *is == true);
        after.extend(unknown.map(|(name, _)| (name, Value::from("(unknown)"))));
        let names = before.keys().chain(after.keys()).cloned().collect::<std::collections::BTreeSet<_>>();
        let of = |map: &BTreeMap<String, Value>, name: &str| map.get(name).cloned().unwrap_or_default();
        let all = names.into_iter().map(|name| (name.clone(), (of(&before, &name), of(&after, &name))));
        all.filter(|(_, (before, after))| before != after).collect()
    }

    /// `terraform show -json`, of the state or of a plan.
    pub async fn show(&self, what: &[&str]) -> Value {
        let output = self.output(&[&["show", "-json"], what].concat()).await;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("show did not answer JSON: {e}: {text}"))
    }

    /// Whether it is of version 1.`minor` or newer.
    pub async fn is_since_1(&self, minor: u32) -> bool {
        let told = self.output(&["version", "-json"]).await;
        let told: Value =
            serde_json::from_slice(&told.stdout).unwrap_or_else(|e| panic!("version did not answer JSON: {e}"));
        let number = told["terraform_version"].as_str().and_then(|version| version.split('.').nth(1)?.parse().ok());
        number.is_some_and(|its: u32| its >= minor)
    }

    /// Whether it is an `OpenTofu`, whose versions count by themselves.
    pub async fn is_opentofu(&self) -> bool {
        let told = self.output(&["version"]).await;
        String::from_utf8_lossy(&told.stdout).starts_with("OpenTofu")
    }

    /// Runs any command.
    pub async fn run(&self, args: &[&str]) -> Run {
        let begun = Instant::now();
        let output = self.output(args).await;
        read(&output, begun)
    }

    async fn output(&self, args: &[&str]) -> Output {
        let ended = within(LONGEST, &args.join(" "), self.command(args).output()).await;
        ended.unwrap_or_else(|e| panic!("terraform cannot be run: {e}"))
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(setting("ORBIT_TEST_TERRAFORM"));
        command.args(args).current_dir(self.folder.path()).envs(&self.environment);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }
}

const APPLY: [&str; 4] = ["apply", "-json", "-input=false", "-auto-approve"];
const DESTROY: [&str; 4] = ["destroy", "-json", "-input=false", "-auto-approve"];

impl UnderWay {
    /// Ctrl-C, and how the command ended then. `took` counts from the Ctrl-C.
    pub async fn interrupt(mut self) -> Run {
        self.begun = Instant::now();
        signal("INT", &self.group.0);
        self.end().await
    }

    /// Ctrl-C, and another one as soon as Terraform has heard the first: it then waits for nothing any more.
    pub async fn interrupt_twice(self) -> Run {
        signal("INT", &self.group.0);
        // Two that are pending are one.
        eventually("terraform has heard Ctrl-C", || async { (!has_pending_int(&self.group.0)).then_some(()) }).await;
        signal("INT", &self.group.0);
        self.end().await
    }

    /// Kills it together with its plugins.
    pub async fn kill(self) {
        signal("KILL", &self.group.0);
        assert_eq!(self.end().await.code, -1, "it had ended before");
    }

    /// How the command ended.
    pub async fn end(self) -> Run {
        let Self { output, begun, group } = self;
        let ended = within(BOUND + SOON, "terraform", output).await;
        drop(group);
        let output = ended.unwrap_or_else(|e| panic!("nobody read what terraform said: {e}"));
        read(&output.unwrap_or_else(|e| panic!("terraform did not end: {e}")), begun)
    }
}

/// Whether a SIGINT is on its way to the leader of a group that it has not taken yet.
fn has_pending_int(group: &str) -> bool {
    const INT: u64 = 1 << 1;
    let status = fs::read_to_string(format!("/proc/{}/status", group.trim_start_matches('-'))).unwrap_or_default();
    let pending = status.lines().find_map(|line| line.strip_prefix("ShdPnd:"));
    pending.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & INT != 0)
}

fn read(output: &Output, begun: Instant) -> Run {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // Ended by a signal is no code of its own.
    Run::read(output.status.code().unwrap_or(-1), text, begun.elapsed())
}

#[track_caller]
fn copy(from: &Path, to: &Path) {
    let files = fs::read_dir(from).unwrap_or_else(|e| panic!("{} cannot be read: {e}", from.display()));
    for file in files.flatten() {
        let (from, to) = (file.path(), to.join(file.file_name()));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap_or_else(|e| panic!("{} cannot be made: {e}", to.display()));
            copy(&from, &to);
            continue;
        }
        let copied = fs::copy(&from, to);
        copied.unwrap_or_else(|e| panic!("{} cannot be copied: {e}", from.display()));
    }
}

/// Puts the provider where `terraform init` looks for one of this source.
fn own_program() -> PathBuf {
    bin("terraform-provider-orbit")
}

fn install(mirror: &Path, source: &str, version: &str, provider: &Path) {
    let kind = source.rsplit('/').next().unwrap_or_default();
    let architecture = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    let folder = mirror.join(source).join(version).join(format!("{}_{architecture}", std::env::consts::OS));
    let made = fs::create_dir_all(&folder).and_then(|()| {
        let program = folder.join(format!("terraform-provider-{kind}_v{version}"));
        std::os::unix::fs::symlink(provider, program)
    });
    made.unwrap_or_else(|e| panic!("the mirror cannot be made: {e}"));
}

/// Where the provider is from, as the example says it.
pub(crate) fn source() -> String {
    let file = repository().join("examples/terraform/quickstart/providers.tf");
    let text = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{} cannot be read: {e}", file.display()));
    let found = text.lines().find_map(|line| line.trim().strip_prefix("source").map(str::to_owned));
    let quoted = found.as_deref().and_then(|rest| rest.split('"').nth(1)).map(str::to_owned);
    quoted.unwrap_or_else(|| panic!("{} names no source", file.display()))
}

impl Terraform {
    /// The head of every configuration: the provider, and the workspace of the resources.
    #[must_use]
    pub fn head(workspace: &str) -> String {
        let source = source();
        format!(
            "terraform {{\n  required_providers {{\n    orbit = {{ source = \"{source}\" }}\n  }}\n}}\n\
             provider \"orbit\" {{\n  workspace = \"{workspace}\"\n}}\n"
        )
    }
}

fn flat(value: &Value) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for (name, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::Object(inner) => {
                all.extend(inner.iter().map(|(key, value)| (format!("{name}.{key}"), value.clone())));
            }
            value => drop(all.insert(name.clone(), value.clone())),
        }
    }
    all
}
