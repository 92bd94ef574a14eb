//! A real `terraform` or `tofu` that drives a provider's program.

use super::Run;
use crate::Provider;
use serde_json::Value as Json;
use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// The variable that names another host than the `terraform` on the path.
const BINARY: &str = "TFPLUGIN_TEST_TERRAFORM";
/// The version that the program is installed as. Configurations need not name one.
const VERSION: &str = "1.0.0";

/// A real host in a folder of its own: configuration, state, and a filesystem mirror that holds the provider. No network is asked.
///
/// It is the `terraform` on the path, or what `TFPLUGIN_TEST_TERRAFORM` names. The folder goes with it.
///
/// ```no_run
/// # use tfplugin::{Provider, testing::{Host, Step}};
/// # use serde_json::json;
/// # fn story<Ledger: Provider>() {
/// let host = Host::new::<Ledger>(env!("CARGO"));   // in your tests: env!("CARGO_BIN_EXE_terraform-provider-ledger")
/// let hello = "resource \"ledger_object\" \"a\" {\n  name = \"a\"\n  content = \"hello\"\n}\n";
///
/// host.step(Step::apply(hello).plans(&["ledger_object.a create"]).holds("ledger_object.a", "content", json!("hello")));
/// host.step(Step::import("ledger_object.a", "a"));
/// host.step(Step::apply(hello.replace("hello", "bye")).plans(&["ledger_object.a update"]));
/// host.step(Step::destroy());
/// # }
/// ```
#[derive(Debug)]
pub struct Host {
    folder: TempDir,
    name: &'static str,
    source: &'static str,
    block: String,
    environment: BTreeMap<String, String>,
}

impl Host {
    /// A host that finds this program as the provider.
    ///
    /// # Panics
    /// If no folder can be made.
    #[must_use]
    pub fn new<P: Provider>(program: impl AsRef<Path>) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("a test's folder cannot be made: {e}"));
        let host =
            Self { folder, name: P::NAME, source: P::SOURCE, block: String::new(), environment: BTreeMap::new() };
        host.install(program.as_ref());
        host
    }

    /// Lines of the provider's own block, in every configuration that is written from now on.
    #[must_use]
    pub fn configured(mut self, lines: &str) -> Self {
        lines.clone_into(&mut self.block);
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn install(&self, program: &Path) {
        let architecture = match env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let system = if env::consts::OS == "macos" { "darwin" } else { env::consts::OS };
        let mirror = self.path("mirror");
        let package = mirror.join(self.source).join(VERSION).join(format!("{system}_{architecture}"));
        let program = fs::canonicalize(program).unwrap_or_else(|e| panic!("{}: {e}", program.display()));
        let installed = fs::create_dir_all(&package).and_then(|()| {
            std::os::unix::fs::symlink(program, package.join(format!("terraform-provider-{}_v{VERSION}", self.name)))
        });
        installed.unwrap_or_else(|e| panic!("the provider cannot be installed: {e}"));
        let cli = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.display()
        );
        self.put("cli.tfrc", &cli);
    }

    /// A file in the folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file in the folder, such as what `terraform query` asks for.
    ///
    /// # Panics
    /// If it cannot be written.
    #[track_caller]
    pub fn put(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::write(&path, text).unwrap_or_else(|e| panic!("{} cannot be written: {e}", path.display()));
    }

    /// Sets the configuration: the provider, and these resources. Initialises at the first time.
    ///
    /// # Panics
    /// If `init` fails.
    #[track_caller]
    pub fn write(&self, resources: &str) {
        let Self { name, source, block, .. } = self;
        let head = format!(
            "terraform {{\n  required_providers {{\n    {name} = {{ source = \"{source}\" }}\n  }}\n}}\nprovider \"{name}\" {{\n{block}\n}}\n"
        );
        self.write_whole(&(head + resources));
    }

    /// Sets the configuration to just this, which has to name the provider itself. Initialises at the first time.
    ///
    /// # Panics
    /// If `init` fails.
    #[track_caller]
    pub fn write_whole(&self, configuration: &str) {
        self.put("main.tf", configuration);
        if !self.path(".terraform").exists() {
            let init = self.run(&["init", "-input=false", "-no-color"]);
            assert_eq!(init.code, 0, "{}", init.output);
        }
    }

    /// A command, ready to run. Variables of the caller's that would change what it does are taken out.
    #[must_use]
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env::var(BINARY).unwrap_or_else(|_| "terraform".to_owned()));
        for (key, _) in env::vars().filter(|(key, _)| key.starts_with("TF_")) {
            command.env_remove(key);
        }
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command
            .env("TF_CLI_CONFIG_FILE", self.path("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1")
            .envs(&self.environment);
        command
    }

    /// Runs a command to its end.
    ///
    /// # Panics
    /// If the host is not there.
    #[expect(clippy::must_use_candidate, reason = "that it ran is use enough")]
    #[track_caller]
    pub fn run(&self, args: &[&str]) -> Run {
        let output = self.command(args).output();
        Run::read(&output.unwrap_or_else(|e| panic!("terraform cannot be run ({BINARY} names another): {e}")))
    }

    /// Whether the host is no Terraform.
    #[must_use]
    #[track_caller]
    pub fn is_opentofu(&self) -> bool {
        self.run(&["version"]).output.starts_with("OpenTofu")
    }

    /// Whether the host is of version 1.`minor` or newer. `OpenTofu` counts by itself.
    ///
    /// # Panics
    /// If it does not tell its version.
    #[must_use]
    #[track_caller]
    pub fn is_since_1(&self, minor: u32) -> bool {
        let told = self.json(&["version", "-json"]);
        let version = told["terraform_version"].as_str().unwrap_or_else(|| panic!("no version in {told}"));
        version.split('.').nth(1).and_then(|number| number.parse().ok()).is_some_and(|its: u32| its >= minor)
    }

    /// What a command prints as one JSON value, such as `show -json`.
    ///
    /// # Panics
    /// If it prints something else.
    #[must_use]
    #[track_caller]
    pub fn json(&self, args: &[&str]) -> Json {
        let run = self.run(args);
        serde_json::from_str(&run.output).unwrap_or_else(|e| panic!("no JSON: {e}: {}", run.output))
    }

    /// The attributes of a resource in the state; `None` where it is not there.
    ///
    /// # Panics
    /// If it is tainted.
    #[must_use]
    #[track_caller]
    pub fn attributes(&self, address: &str) -> Option<Json> {
        let shown = self.json(&["show", "-json"]);
        let resources = shown["values"]["root_module"]["resources"].as_array()?;
        let found = resources.iter().find(|resource| resource["address"] == address)?;
        assert_ne!(found["tainted"], true, "{address} is tainted");
        Some(found["values"].clone())
    }
}
