//! The same with the real `terraform`: installed from a filesystem mirror, without a network.

use crate::world::World;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

const CONFIGURATION: &str = r#"
terraform {
  required_providers {
    orbit = { source = "orbit.internal/orbit/orbit" }
  }
}
provider "orbit" {
  workspace = "payments-team"
}
resource "orbit_kafka_topic" "orders" {
  environment = "prod"
  name        = "orders"
  partitions  = 6
  config      = { "retention.ms" = "604800000" }
}
data "orbit_kafka_environments" "all" {}
output "environments" { value = data.orbit_kafka_environments.all.environments[*].slug }
"#;

/// An example with the source that the mirror has, and with a head if it has none.
pub(crate) fn told(example: &str) -> String {
    let head = "terraform {\n  required_providers {\n    orbit = { source = \"orbit.internal/orbit/orbit\" }\n  }\n}\n";
    if example.contains("required_providers") {
        example.replace("registry.terraform.io/orbit/orbit", "orbit.internal/orbit/orbit")
    } else {
        format!("{head}{example}")
    }
}

pub(crate) struct Terraform {
    folder: TempDir,
    endpoint: String,
}

/// What a command told.
#[derive(Debug)]
pub(crate) struct Run {
    code: i32,
    warnings: Vec<String>,
    errors: Vec<String>,
    changes: Vec<String>,
    pub(crate) output: String,
}

impl Terraform {
    fn new(endpoint: String) -> Self {
        Self::with(endpoint, CONFIGURATION)
    }

    pub(crate) fn with(endpoint: String, configuration: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let platform =
            format!("{}_{}", std::env::consts::OS, if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" });
        let mirror = folder.path().join("mirror/orbit.internal/orbit/orbit/0.1.0").join(platform);
        fs::create_dir_all(&mirror).unwrap();
        let binary = mirror.join("terraform-provider-orbit_v0.1.0");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_terraform-provider-orbit"), binary).unwrap();
        let mirror = folder.path().join("mirror");
        let cli = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror.display()
        );
        fs::write(folder.path().join("cli.tfrc"), cli).unwrap();
        let terraform = Self { folder, endpoint };
        terraform.write(configuration);
        let init = terraform.command(&["init", "-input=false"]).output().unwrap();
        assert!(init.status.success(), "{}", String::from_utf8_lossy(&init.stderr));
        terraform
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.folder.path()).join(name)
    }

    pub(crate) fn write(&self, configuration: &str) {
        fs::write(self.path("main.tf"), configuration).unwrap();
    }

    /// What `terraform query` asks for.
    pub(crate) fn write_query(&self, query: &str) {
        fs::write(self.path("main.tfquery.hcl"), query).unwrap();
    }

    /// Whether it is new enough for an example: identities came with 1.12, lists and actions with Terraform's 1.14.
    pub(crate) async fn knows(&self, example: &str) -> bool {
        let told = self.run(&["version", "-json"]).await.output;
        let is_opentofu = self.run(&["version"]).await.output.starts_with("OpenTofu");
        let told: Value = serde_json::from_str(&told).unwrap();
        let minor = told["terraform_version"].as_str().unwrap().split('.').nth(1).unwrap().parse::<u32>().unwrap();
        if example.starts_with("actions/") || example.starts_with("list-") {
            return minor >= 14 && !is_opentofu;
        }
        !example.contains("import-by-identity") || minor >= 12
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command =
            Command::new(std::env::var("ORBIT_TEST_TERRAFORM").unwrap_or_else(|_| "terraform".to_owned()));
        command.args(args).current_dir(self.folder.path()).stdin(Stdio::null());
        command
            .env("TF_CLI_CONFIG_FILE", self.path("cli.tfrc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("TF_IN_AUTOMATION", "1");
        command
            .env("ORBIT_ENDPOINT", &self.endpoint)
            .env("ORBIT_TOKEN", "orbit_canary_token")
            .env("ORBIT_RUN_ID", "run-7");
        command
    }

    /// Runs a command beside the fake server, which lives on this runtime.
    pub(crate) async fn run(&self, args: &[&str]) -> Run {
        let mut command = self.command(args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!text.contains("orbit_canary_token"));
        let mut run = Run {
            code: output.status.code().unwrap(),
            warnings: Vec::new(),
            errors: Vec::new(),
            changes: Vec::new(),
            output: text.clone(),
        };
        for line in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            let told = &line["diagnostic"];
            let message = format!(
                "{}\n{}",
                told["summary"].as_str().unwrap_or_default(),
                told["detail"].as_str().unwrap_or_default()
            );
            match (line["type"].as_str(), told["severity"].as_str()) {
                (Some("planned_change"), _) => run.changes.push(line["change"]["action"].as_str().unwrap().to_owned()),
                (Some("diagnostic"), Some("warning")) => run.warnings.push(message),
                (Some("diagnostic"), _) => run.errors.push(message),
                _ => {}
            }
        }
        // An apply tells what its plan has told before: once each way.
        run.warnings.dedup();
        run
    }

    async fn plan(&self, more: &[&str]) -> Run {
        self.run(&[&["plan", "-json", "-detailed-exitcode"], more].concat()).await
    }

    async fn apply(&self) -> Run {
        self.run(&["apply", "-json", "-auto-approve"]).await
    }
}

impl Run {
    #[track_caller]
    fn tells(&self, code: i32, changes: &[&str], warnings: usize, errors: usize) -> &Self {
        let told =
            (self.code, self.changes.iter().map(String::as_str).collect(), self.warnings.len(), self.errors.len());
        assert_eq!(told, (code, changes.to_vec(), warnings, errors), "{}", self.output);
        self
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checklist_01_what_was_applied_plans_empty_in_every_way_of_asking() {
    let world = World::new().await;
    let terraform = Terraform::new(world.server.uri());
    terraform.apply().await.tells(0, &["create"], 0, 0);
    terraform.plan(&[]).await.tells(0, &[], 0, 0);
    terraform.plan(&["-refresh=false"]).await.tells(0, &[], 0, 0);
    // Its exit code is 2 since Terraform 1.15 wherever there is a data source, be it one of Terraform's own.
    let found = terraform.plan(&["-refresh-only"]).await;
    assert!(found.changes.is_empty() && !found.output.contains("\"type\":\"resource_drift\""), "{}", found.output);
    assert!(found.output.contains("\"type\":\"change_summary\""), "{}", found.output);

    world.orbit().drifts("/config/retention.ms", Some("604800000"), Some("5"));
    terraform.plan(&[]).await.tells(2, &["update"], 0, 0);
    terraform.apply().await.tells(0, &["update"], 0, 0);
    terraform.plan(&[]).await.tells(0, &[], 0, 0);
    terraform.run(&["destroy", "-json", "-auto-approve"]).await.tells(0, &["delete"], 0, 0);
    assert!(world.orbit().topics.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_one_change_and_one_warning_until_it_is_given() {
    let world = World::guarded().await;
    let terraform = Terraform::new(world.server.uri());
    terraform.plan(&[]).await.tells(2, &["create"], 1, 0);
    terraform.apply().await;
    for _ in 0..2 {
        let plan = terraform.plan(&[]).await;
        assert!(plan.tells(2, &["update"], 1, 0).warnings[0].contains("request req_1"));
        terraform.plan(&["-refresh=false"]).await.tells(2, &["update"], 1, 0);
        let apply = terraform.apply().await;
        assert!(apply.tells(0, &["update"], 1, 0).warnings[0].contains("request req_1"));
    }
    assert_eq!(world.orbit().filed(), 1);
    world.orbit().approve();
    terraform.plan(&[]).await.tells(0, &[], 0, 0);
    terraform.apply().await.tells(0, &[], 0, 0);

    let destroy = terraform.run(&["destroy", "-json", "-auto-approve"]).await;
    assert!(destroy.tells(1, &["delete"], 1, 1).errors[0].contains("request req_2"));
    world.orbit().approve();
    terraform.run(&["destroy", "-json", "-auto-approve"]).await.tells(0, &[], 0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_names_the_line() {
    let world = World::new().await;
    world.orbit().most_partitions = Some(50);
    let terraform = Terraform::new(world.server.uri());
    terraform.write(&CONFIGURATION.replace("partitions  = 6", "partitions  = 60"));
    let plan = terraform.plan(&[]).await;
    assert!(plan.tells(1, &[], 0, 1).errors[0].starts_with("Denied: exceeds platform limit of 50 partitions"));
    assert!(plan.output.contains("partitions  = 60"), "{}", plan.output);
}

/// What users build on. Changed on purpose? `ORBIT_BLESS=1 cargo test -p terraform-provider-orbit --test it schema`, and look at the difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checklist_39_the_schema_is_the_one_that_is_written_down() {
    let terraform = Terraform::new("http://127.0.0.1:1".to_owned());
    let told: Value = serde_json::from_str(&terraform.run(&["providers", "schema", "-json"]).await.output).unwrap();
    let all = &told["provider_schemas"]["orbit.internal/orbit/orbit"];
    let schema = json!({
        "provider": all["provider"],
        "resource_schemas": all["resource_schemas"],
        "data_source_schemas": all["data_source_schemas"],
        "functions": all["functions"],
    });
    let schema = format!("{schema:#}\n");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.json");
    if std::env::var_os("ORBIT_BLESS").is_some() {
        fs::write(&file, &schema).unwrap();
    }
    assert!(
        fs::read_to_string(&file).unwrap_or_default() == schema,
        "provider/schema.json is not what the provider says:\n{schema}"
    );
}
