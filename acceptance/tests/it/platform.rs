//! What a platform team keeps, through terraform: as the example has it, and every attribute of a policy.

use crate::world::configuration;
use orbit_acceptance::{Kafka, Orbit, Terraform, fresh};
use orbit_api::{ClusterPatch, Limits, TopicPolicyReplace, WorkspacePatch, client::Client};
use serde_json::json;

/// A server, the cluster of the run, and a terraform of the platform admin's with the example's configuration.
struct Platform {
    orbit: Orbit,
    terraform: Terraform,
}

const CLUSTER: &str = "orbit_kafka_cluster.main";
const GUARDRAILS: &str = "orbit_kafka_topic_policy.guardrails";
/// What the example makes.
const ALL: [&str; 14] = [
    CLUSTER,
    "orbit_environment.this[\"dev\"]",
    "orbit_environment.this[\"prod\"]",
    "orbit_kafka_environment_mapping.this[\"dev\"]",
    "orbit_kafka_environment_mapping.this[\"prod\"]",
    "orbit_workspace.this[\"payments-team\"]",
    "orbit_workspace.this[\"search-team\"]",
    "orbit_service_principal.ci[\"payments-team\"]",
    "orbit_service_principal.ci[\"search-team\"]",
    "orbit_membership.ci[\"payments-team\"]",
    "orbit_membership.ci[\"search-team\"]",
    "orbit_membership.people[\"payments-team/developer\"]",
    GUARDRAILS,
    "orbit_kafka_topic_policy.production",
];

impl Platform {
    async fn new() -> Self {
        let (orbit, kafka) = (Orbit::start().await, Kafka::shared());
        let mut terraform = Terraform::empty(&orbit.endpoint(), &orbit.admin_token());
        terraform.copy("examples/terraform/platform-team");
        let registration = kafka.registration("main");
        let connection = registration.connection;
        terraform.set("TF_VAR_bootstrap_servers", &json!(connection.bootstrap_servers).to_string());
        terraform.set("TF_VAR_sasl_username", connection.sasl_username.as_deref().unwrap());
        terraform.set("TF_VAR_sasl_password", registration.credentials.unwrap().sasl_password.as_deref().unwrap());
        terraform.set("TF_VAR_naming_template", &format!("{}.{{environment}}.{{workspace}}.{{name}}", fresh()));
        let teams = json!({
            "payments-team": {"display_name": "Payments", "members": {"developer": "admin"}},
            "search-team": {},
        });
        terraform.set("TF_VAR_teams", &teams.to_string());
        terraform.init().await;
        Self { orbit, terraform }
    }

    fn admin(&self) -> Client {
        self.orbit.admin()
    }

    /// The password, as Orbit was given it.
    fn password() -> String {
        Kafka::shared().registration("main").credentials.unwrap().sasl_password.unwrap()
    }
}

async fn nothing_to_do(terraform: &Terraform) {
    terraform.plan().await.is_empty();
    terraform.plan_with(&["-refresh=false"]).await.is_empty();
    terraform.plan_with(&["-refresh-only"]).await.finds_no_drift();
}

#[tokio::test]
async fn checklist_01_the_example_is_applied_plans_empty_is_imported_and_goes() {
    let platform = Platform::new().await;
    let terraform = &platform.terraform;
    terraform.apply().await.ok();
    nothing_to_do(terraform).await;

    let state = terraform.show(&[]).await;
    let made: Vec<_> = state["values"]["root_module"]["resources"].as_array().unwrap().iter().collect();
    let managed = made.iter().filter(|resource| resource["mode"] == "managed");
    let mut addresses: Vec<&str> = managed.map(|resource| resource["address"].as_str().unwrap()).collect();
    addresses.sort_unstable();
    let mut expected = ALL;
    expected.sort_unstable();
    assert_eq!(addresses, expected);
    assert_eq!(state["values"]["outputs"]["clusters"]["value"], json!({"main": true}));
    let file = std::fs::read_to_string(terraform.path("terraform.tfstate")).unwrap();
    assert!(!file.contains(&Platform::password()), "the password is in the state");

    // Everything is forgotten and taken over again, each by the id that the documentation names.
    let ids = [
        "main",
        "dev",
        "prod",
        "dev/main",
        "prod/main",
        "payments-team",
        "search-team",
        "ci-payments-team",
        "ci-search-team",
        "payments-team/ci-payments-team",
        "search-team/ci-search-team",
        "payments-team/developer",
        "guardrails",
        "production",
    ];
    for (address, id) in ALL.iter().zip(ids) {
        let before = terraform.state(address).await.unwrap();
        terraform.forget(address).await;
        let imported = terraform.import(address, id).await;
        assert_eq!(imported.code, 0, "{address}: {}", imported.text);
        assert_eq!(terraform.state(address).await.unwrap(), before, "{address}");
    }
    terraform.plan().await.is_empty();
    // `terraform import` forgets which resources depend on which; an apply writes that down again.
    terraform.apply().await.ok();
    nothing_to_do(terraform).await;

    // Once more, by what tells each from others: Terraform's since 1.12.
    if terraform.is_since_1(12).await && !terraform.is_opentofu().await {
        let imports = ALL
            .iter()
            .zip(ids)
            .map(|(address, id)| format!("import {{\n  to = {address}\n  identity = {}\n}}\n", identity(address, id)));
        std::fs::write(terraform.path("imports.tf"), imports.collect::<String>()).unwrap();
        for address in ALL {
            terraform.forget(address).await;
        }
        let plan = terraform.plan().await;
        let moved = plan.changes.iter().filter(|change| change.starts_with("import ")).count();
        assert_eq!((plan.errors.len(), plan.changes.len(), moved), (0, ALL.len(), ALL.len()), "{}", plan.text);
        terraform.apply().await.ok();
        nothing_to_do(terraform).await;
        std::fs::remove_file(terraform.path("imports.tf")).unwrap();
    }

    terraform.destroy().await.ok();
    assert_eq!(platform.admin().cluster_list(&<_>::default()).await.unwrap().items, []);
    let left = platform.admin().principal_list(&<_>::default()).await.unwrap().items;
    assert!(left.iter().all(|principal| !principal.name.starts_with("ci-")), "{left:?}");
}

/// What the documentation names as the identity of a resource that is imported by this id.
fn identity(address: &str, id: &str) -> String {
    let names: &[&str] = match address.split('.').next().unwrap_or_default() {
        "orbit_service_principal" | "orbit_kafka_topic_policy" => &["name"],
        "orbit_kafka_environment_mapping" => &["environment", "cluster"],
        "orbit_membership" => &["workspace", "principal"],
        _ => &["slug"],
    };
    let parts = names.iter().zip(id.split('/')).map(|(name, part)| format!("{name} = \"{part}\""));
    format!("{{ {} }}", parts.collect::<Vec<_>>().join(", "))
}

const MUTUAL: &str = r#"
variable "key" {
  sensitive = true
  ephemeral = true
}
variable "connection" {}
locals {
  connection = jsondecode(var.connection)
}
resource "orbit_kafka_cluster" "mutual" {
  slug                   = "mutual"
  bootstrap_servers      = local.connection.bootstrap_servers
  security_protocol      = "SSL"
  ca_certificate_pem     = local.connection.ca_certificate_pem
  client_certificate_pem = local.connection.client_certificate_pem
  client_key_pem_wo      = var.key
}
"#;

#[tokio::test]
async fn checklist_01_a_cluster_of_mutual_tls_is_applied_plans_empty_and_keeps_its_key_to_itself() {
    let orbit = Orbit::start().await;
    let (kafka, registration) = Kafka::over_mutual_tls("mutual").await;
    let key = registration.credentials.unwrap().client_key_pem.unwrap();
    let mut terraform = Terraform::empty(&orbit.endpoint(), &orbit.admin_token());
    terraform.set("TF_VAR_connection", &json!(registration.connection).to_string());
    terraform.set("TF_VAR_key", &key);
    terraform.write(&configuration(MUTUAL));
    terraform.init().await;
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    let line = key.lines().nth(1).unwrap();
    let state = std::fs::read_to_string(terraform.path("terraform.tfstate")).unwrap();
    assert!(state.contains("BEGIN CERTIFICATE") && !state.contains(line), "the key is in the state");

    terraform.write(&configuration(&MUTUAL.replace("  client_key_pem_wo      = var.key\n", "")));
    terraform.plan().await.fails(&["client_key_pem_wo is required with client_certificate_pem"]);
    terraform.write(&configuration(&MUTUAL.replace("\"SSL\"", "\"PLAINTEXT\"")));
    terraform.plan().await.fails(&["ca_certificate_pem goes with SSL or SASL_SSL only, not with PLAINTEXT"]);

    // The broker's other door: no certificate, no password.
    let plain = format!(
        "resource \"orbit_kafka_cluster\" \"mutual\" {{\n  slug = \"mutual\"\n  bootstrap_servers = [\"{}\"]\n  security_protocol = \"PLAINTEXT\"\n}}\n",
        kafka.plaintext()
    );
    terraform.write(&configuration(&plain));
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    // The key went with its certificate: the door that wants both is not reached by what was there before.
    let back = ClusterPatch { connection: Some(registration.connection), ..ClusterPatch::default() };
    let refused = orbit.admin().cluster_update("mutual", &back, None).await.unwrap_err();
    assert!(refused.to_string().contains("client_key_pem"), "{refused}");
    terraform.destroy().await.ok();
}

#[tokio::test]
async fn checklist_01_who_rules_the_platform_and_how_a_service_is_reached_plan_empty() {
    let orbit = Orbit::start().await;
    let terraform = Terraform::new(&orbit, &orbit.admin_token(), &configuration(&ruler("ops@example.com"))).await;
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    for (address, id) in [("orbit_service_principal.ops", "ops"), ("orbit_membership.ops", "ops")] {
        let before = terraform.state(address).await.unwrap();
        terraform.forget(address).await;
        terraform.import(address, id).await.succeeds();
        assert_eq!(terraform.state(address).await.unwrap(), before, "{address}");
    }
    terraform.write(&configuration(&ruler("on-call@example.com")));
    terraform.plan().await.plans(&["update orbit_service_principal.ops"]);
    terraform.apply().await.ok();
    nothing_to_do(&terraform).await;
    let principals = orbit.admin().principal_list(&<_>::default()).await.unwrap().items;
    assert!(principals.iter().any(|principal| principal.email.as_deref() == Some("on-call@example.com")));
    terraform.destroy().await.ok();
}

fn ruler(email: &str) -> String {
    format!(
        "resource \"orbit_service_principal\" \"ops\" {{\n  name = \"ops\"\n  email = \"{email}\"\n}}\n\
         resource \"orbit_membership\" \"ops\" {{\n  principal = orbit_service_principal.ops.name\n  role = \"platform-admin\"\n}}\n"
    )
}

#[tokio::test]
async fn drift_shows_as_exactly_that_attribute_and_an_apply_reverts_it() {
    let platform = Platform::new().await;
    let (terraform, admin) = (&platform.terraform, platform.admin());
    terraform.apply().await.ok();

    let renamed = WorkspacePatch { display_name: Some("Pay".to_owned()) };
    admin.workspace_update("payments-team", &renamed, None).await.unwrap();
    let moved = ClusterPatch { region: Some(Some("us-east-1".to_owned())), ..ClusterPatch::default() };
    admin.cluster_update("main", &moved, None).await.unwrap();
    let limits = Some(Limits { min: None, max: Some(7) });
    let rules = TopicPolicyReplace { partition_limits: limits, ..TopicPolicyReplace::default() };
    admin.topic_policy_replace("guardrails", &rules, None).await.unwrap();

    let plan = terraform.plan().await;
    plan.plans(&[
        &format!("update {CLUSTER}"),
        &format!("update {GUARDRAILS}"),
        "read data.orbit_kafka_clusters.all",
        "update orbit_workspace.this[\"payments-team\"]",
    ]);
    let workspace = terraform.planned("orbit_workspace.this[\"payments-team\"]").await;
    assert_eq!(workspace, [("display_name".to_owned(), (json!("Pay"), json!("Payments")))].into());
    let cluster = terraform.planned(CLUSTER).await;
    assert_eq!(cluster, [("region".to_owned(), (json!("us-east-1"), json!("eu-central-1")))].into());
    let policy = terraform.planned(GUARDRAILS).await;
    assert_eq!(policy["partition_limits.max"], (json!(7), json!(50)));

    terraform.apply().await.ok();
    nothing_to_do(terraform).await;
    assert_eq!(admin.workspace_get("payments-team").await.unwrap().display_name, "Payments");
}

#[tokio::test]
async fn what_is_gone_is_made_again_and_what_is_there_is_not_adopted() {
    let platform = Platform::new().await;
    let (terraform, admin) = (&platform.terraform, platform.admin());
    terraform.apply().await.ok();
    admin.principal_delete("ci-search-team").await.unwrap();
    let plan = terraform.plan().await;
    plan.plans(&["create orbit_membership.ci[\"search-team\"]", "create orbit_service_principal.ci[\"search-team\"]"]);
    terraform.apply().await.ok();
    nothing_to_do(terraform).await;

    terraform.forget("orbit_workspace.this[\"search-team\"]").await;
    let run = terraform.apply().await;
    run.fails(&["workspace search-team exists already", "terraform import orbit_workspace.NAME search-team"]);
}

#[tokio::test]
async fn checklist_32_what_somebody_changed_between_plan_and_apply_is_not_written_over() {
    let mut platform = Platform::new().await;
    platform.terraform.apply().await.ok();
    platform
        .terraform
        .set("TF_VAR_teams", &json!({"payments-team": {"display_name": "Paying"}, "search-team": {}}).to_string());
    platform.terraform.plan().await;
    let renamed = WorkspacePatch { display_name: Some("Pay".to_owned()) };
    platform.admin().workspace_update("payments-team", &renamed, None).await.unwrap();

    let run = platform.terraform.apply_plan().await;

    run.fails(&["workspace payments-team was changed", "plan again"]);
    assert_eq!(platform.admin().workspace_get("payments-team").await.unwrap().display_name, "Pay");
    platform.terraform.apply().await.ok();
    assert_eq!(platform.admin().workspace_get("payments-team").await.unwrap().display_name, "Paying");
    nothing_to_do(&platform.terraform).await;
}

/// A policy that says everything, and one that is written with all that says nothing.
const POLICIES: &str = r#"
resource "orbit_kafka_topic_policy" "everything" {
  name                          = "everything"
  environments                  = ["dev", "prod"]
  naming_pattern                = "[a-z.-]+"
  auto_approve_patterns         = ["tmp-.*", "test-.*"]
  partition_limits              = { min = 1, max = 50 }
  retention_limits              = { min = 60000, max = 2592000000 }
  replication_factor_limits     = { min = 1, max = 3 }
  require_approval_for          = ["prod"]
  require_deletion_approval_for = ["dev", "prod"]
  deletion_lead_time_hours      = 24
  deletion_protection_default   = true
  allow_self_approval           = true
  approvers = [
    { environment = "prod", role = "workspace-admin" },
    { environment = "prod", workspace = "search-team" },
    { environment = "dev", principal = "developer" },
  ]
  quorum                  = 2
  request_validity_hours  = 48
  required_request_fields = ["justification", "links"]
  allowed_configs         = ["retention.ms", "max.message.bytes"]
  config_rules = {
    "max.message.bytes" = { min = 1024, max = 2000000 }
    "retention.ms"      = { required = true }
    "segment.ms"        = { forbidden = true }
    "cleanup.policy"    = { values = ["delete", "compact"] }
  }
  default_profile = "standard"
  profiles = {
    standard = { partitions = 6, replication_factor = 1, config = { "retention.ms" = "604800000" } }
    small    = { partitions = 1 }
  }
  depends_on = [orbit_workspace.this, orbit_environment.this]
}

resource "orbit_kafka_topic_policy" "nothing" {
  name                          = "nothing"
  auto_approve_patterns         = []
  partition_limits              = {}
  retention_limits              = {}
  replication_factor_limits     = {}
  require_approval_for          = []
  require_deletion_approval_for = []
  deletion_protection_default   = false
  allow_self_approval           = false
  approvers                     = []
  required_request_fields       = []
  config_rules = {
    "segment.ms" = { required = false, forbidden = false, values = [], max = 3600000 }
  }
  profiles = {
    small = { partitions = 1, config = {} }
  }
}
"#;

#[tokio::test]
async fn a_policy_that_says_everything_and_one_that_says_nothing_plan_empty() {
    let platform = Platform::new().await;
    let terraform = &platform.terraform;
    let main = std::fs::read_to_string(terraform.path("main.tf")).unwrap();
    terraform.write(&format!("{main}{POLICIES}"));
    terraform.apply().await.ok();
    nothing_to_do(terraform).await;
    // A change of one word is that change alone.
    terraform
        .write(&format!("{main}{}", POLICIES.replace("quorum                  = 2", "quorum                  = 3")));
    terraform.plan().await.plans(&["update orbit_kafka_topic_policy.everything"]);
    let changed = terraform.planned("orbit_kafka_topic_policy.everything").await;
    assert_eq!(changed.keys().collect::<Vec<_>>(), ["quorum", "version"], "{changed:?}");
    terraform.apply().await.ok();
    nothing_to_do(terraform).await;
    // An empty list of settings lets none be given; it is not the same as no list.
    let none = "resource \"orbit_kafka_topic_policy\" \"none\" {\n  name = \"none\"\n  quorum = 1\n  allowed_configs = []\n}\n";
    terraform.write(&main);
    terraform.apply().await.ok();
    terraform.write(&format!("{main}{none}"));
    terraform.apply().await.ok();
    nothing_to_do(terraform).await;
    let any = TopicPolicyReplace { quorum: Some(1), ..TopicPolicyReplace::default() };
    platform.admin().topic_policy_replace("none", &any, None).await.unwrap();
    terraform.plan().await.plans(&["update orbit_kafka_topic_policy.none"]);
}

#[tokio::test]
async fn a_new_password_is_tried_first_and_only_its_version_hands_it_over() {
    let mut platform = Platform::new().await;
    platform.terraform.apply().await.ok();
    let right = Platform::password();
    platform.terraform.set("TF_VAR_sasl_password", "canary-wrong");
    nothing_to_do(&platform.terraform).await;

    platform.terraform.set("TF_VAR_sasl_password_version", "2");
    let run = platform.terraform.apply().await;
    run.fails(&["check user name, password and mechanism"]);
    assert!(!run.text.contains("canary-wrong"), "{}", run.text);
    assert_eq!(platform.terraform.attribute(CLUSTER, "credentials_wo_version").await, 1, "nothing is stored");

    platform.terraform.set("TF_VAR_sasl_password", &right);
    platform.terraform.apply().await.ok();
    assert_eq!(platform.terraform.attribute(CLUSTER, "credentials_wo_version").await, 2);
    nothing_to_do(&platform.terraform).await;
}

#[tokio::test]
async fn a_token_that_does_not_rule_forgets_nothing() {
    let mut platform = Platform::new().await;
    platform.terraform.apply().await.ok();
    let developer = platform.orbit.developer_token();
    platform.terraform.set("ORBIT_TOKEN", &developer);
    let run = platform.terraform.plan().await;
    assert_eq!(run.code, 1);
    assert!(run.text.contains("This token does not see how cluster main is connected"), "{}", run.text);
    assert!(
        run.text.contains("This token is no platform admin's: whether workspace search-team is there is not known"),
        "{}",
        run.text
    );
    assert!(platform.terraform.state("orbit_workspace.this[\"search-team\"]").await.is_some());
}

#[tokio::test]
async fn checklist_19_what_contradicts_itself_is_told_at_its_attribute_before_anything_happens() {
    let platform = Platform::new().await;
    let wrong = r#"
terraform {
  required_providers {
    orbit = { source = "orbit.internal/orbit/orbit" }
  }
}
resource "orbit_kafka_cluster" "c" {
  slug              = "Main"
  bootstrap_servers = []
  security_protocol = "SASL_SSL"
  sasl_mechanism    = "GSSAPI"
}
resource "orbit_membership" "m" {
  principal = "kim"
  role      = "boss"
}
resource "orbit_membership" "n" {
  principal = "kim"
  role      = "viewer"
}
resource "orbit_kafka_topic_policy" "p" {
  name                    = "p"
  workspace               = "payments-team"
  required_request_fields = ["excuse"]
}
"#;
    for file in ["main.tf", "providers.tf", "variables.tf"] {
        std::fs::remove_file(platform.terraform.path(file)).unwrap();
    }
    platform.terraform.write(wrong);
    let run = platform.terraform.run(&["validate", "-no-color"]).await;
    for told in [
        "a slug expected",
        "1 to 20 addresses expected, got 0",
        "unknown variant `GSSAPI`",
        "unknown variant `boss`",
        "This role is held in a workspace: set workspace",
        "unknown variant `excuse`",
    ] {
        assert!(run.text.contains(told), "{told}: {}", run.text);
    }
}
