//! The same with the real `terraform`: installed from a filesystem mirror, without a network.

use crate::world::World;
use serde_json::{Value, json};
use std::{fs, path::Path};
use terraform_provider_orbit::OrbitProvider;
use tfplugin::testing::{Host, Run};

/// A token that must not show.
const CANARY: &str = "orbit_canary_token";

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
    if example.contains("required_providers") { example.to_owned() } else { format!("{head}{example}") }
}

pub(crate) struct Terraform(Host);

impl Terraform {
    fn new(endpoint: &str) -> Self {
        Self::with(endpoint, CONFIGURATION)
    }

    pub(crate) fn with(endpoint: &str, configuration: &str) -> Self {
        let host = Host::new::<OrbitProvider>(env!("CARGO_BIN_EXE_terraform-provider-orbit"));
        let host = host.env("ORBIT_ENDPOINT", endpoint).env("ORBIT_TOKEN", CANARY).env("ORBIT_RUN_ID", "run-7");
        host.write_whole(configuration);
        Self(host)
    }

    pub(crate) fn write(&self, configuration: &str) {
        self.0.write_whole(configuration);
    }

    /// What `terraform query` asks for.
    pub(crate) fn write_query(&self, query: &str) {
        self.0.put("main.tfquery.hcl", query);
    }

    /// Whether it is new enough for an example: identities came with 1.12, lists and actions with Terraform's 1.14.
    pub(crate) fn knows(&self, example: &str) -> bool {
        if example.starts_with("actions/") || example.starts_with("list-") {
            return self.0.is_since_1(14) && !self.0.is_opentofu();
        }
        !example.contains("import-by-identity") || self.0.is_since_1(12)
    }

    /// Runs a command beside the fake server, which lives on this runtime.
    pub(crate) async fn run(&self, args: &[&str]) -> Run {
        let mut command = self.0.command(args);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        let run = Run::read(&output);
        assert!(!run.output.contains(CANARY));
        run
    }

    async fn plan(&self, more: &[&str]) -> Run {
        self.run(&[&["plan", "-json", "-detailed-exitcode"], more].concat()).await
    }

    async fn apply(&self) -> Run {
        self.run(&["apply", "-json", "-auto-approve"]).await
    }
}

/// How a command ended, the actions that it planned, and how many warnings and errors it had.
#[track_caller]
fn tells<'r>(run: &'r Run, code: i32, actions: &[&str], warnings: usize, errors: usize) -> &'r Run {
    let planned: Vec<_> = run.changes.iter().filter_map(|change| change.rsplit(' ').next()).collect();
    let told = (run.code, planned, run.warnings.len(), run.errors.len());
    assert_eq!(told, (code, actions.to_vec(), warnings, errors), "{}", run.output);
    run
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checklist_01_what_was_applied_plans_empty_in_every_way_of_asking() {
    let world = World::new().await;
    let terraform = Terraform::new(&world.server.uri());
    tells(&terraform.apply().await, 0, &["create"], 0, 0);
    tells(&terraform.plan(&[]).await, 0, &[], 0, 0);
    tells(&terraform.plan(&["-refresh=false"]).await, 0, &[], 0, 0);
    // Its exit code is 2 since Terraform 1.15 wherever there is a data source, be it one of Terraform's own.
    let found = terraform.plan(&["-refresh-only"]).await;
    assert!(found.changes.is_empty() && !found.output.contains("\"type\":\"resource_drift\""), "{}", found.output);
    assert!(found.output.contains("\"type\":\"change_summary\""), "{}", found.output);

    world.orbit().drifts("/config/retention.ms", Some("604800000"), Some("5"));
    tells(&terraform.plan(&[]).await, 2, &["update"], 0, 0);
    tells(&terraform.apply().await, 0, &["update"], 0, 0);
    tells(&terraform.plan(&[]).await, 0, &[], 0, 0);
    tells(&terraform.run(&["destroy", "-json", "-auto-approve"]).await, 0, &["delete"], 0, 0);
    assert!(world.orbit().topics.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_is_one_change_and_one_warning_until_it_is_given() {
    let world = World::guarded().await;
    let terraform = Terraform::new(&world.server.uri());
    tells(&terraform.plan(&[]).await, 2, &["create"], 1, 0);
    terraform.apply().await;
    for _ in 0..2 {
        let plan = terraform.plan(&[]).await;
        assert!(tells(&plan, 2, &["update"], 1, 0).warnings[0].contains("request req_1"));
        tells(&terraform.plan(&["-refresh=false"]).await, 2, &["update"], 1, 0);
        let apply = terraform.apply().await;
        assert!(tells(&apply, 0, &["update"], 1, 0).warnings[0].contains("request req_1"));
    }
    assert_eq!(world.orbit().filed(), 1);
    world.orbit().approve();
    tells(&terraform.plan(&[]).await, 0, &[], 0, 0);
    tells(&terraform.apply().await, 0, &[], 0, 0);

    let destroy = terraform.run(&["destroy", "-json", "-auto-approve"]).await;
    assert!(tells(&destroy, 1, &["delete"], 1, 1).errors[0].contains("request req_2"));
    world.orbit().approve();
    tells(&terraform.run(&["destroy", "-json", "-auto-approve"]).await, 0, &[], 0, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_denial_names_the_line() {
    let world = World::new().await;
    world.orbit().most_partitions = Some(50);
    let terraform = Terraform::new(&world.server.uri());
    terraform.write(&CONFIGURATION.replace("partitions  = 6", "partitions  = 60"));
    let plan = terraform.plan(&[]).await;
    assert!(tells(&plan, 1, &[], 0, 1).errors[0].starts_with("Denied: exceeds platform limit of 50 partitions"));
    assert!(plan.output.contains("partitions  = 60"), "{}", plan.output);
}

/// What users build on. Changed on purpose? `ORBIT_BLESS=1 cargo test -p terraform-provider-orbit --test it schema`, and look at the difference.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checklist_39_the_schema_is_the_one_that_is_written_down() {
    let terraform = Terraform::new("http://127.0.0.1:1");
    let told: Value = serde_json::from_str(&terraform.run(&["providers", "schema", "-json"]).await.output).unwrap();
    let all = &told["provider_schemas"]["orbit.internal/orbit/orbit"];
    let schema = json!({
        "provider": all["provider"],
        "resource_schemas": all["resource_schemas"],
        "data_source_schemas": all["data_source_schemas"],
        "functions": all["functions"],
    });
    is_written_down("schema.json", &schema);
}

/// What no Terraform before 1.14 shows of a provider.
#[tokio::test]
async fn checklist_39_identities_lists_and_actions_are_those_that_are_written_down() {
    is_written_down("schema-newer.json", &World::new().await.terraform.newer_schemas());
}

#[track_caller]
fn is_written_down(file: &str, schema: &Value) {
    let (path, schema) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(file), format!("{schema:#}\n"));
    if std::env::var_os("ORBIT_BLESS").is_some() {
        fs::write(&path, &schema).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == schema, "provider/{file} is not what the provider says:\n{schema}");
}
