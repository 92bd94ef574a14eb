//! What is secret stays so: through a whole session it stands nowhere that anybody keeps.

use crate::world::{World, configuration, topic};
use orbit_acceptance::{Kafka, Orbit, Setup, Terraform};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

#[tokio::test]
async fn checklist_22_neither_token_nor_password_stand_in_state_plans_or_logs() {
    let world = World::set_up(&[("ORBIT_LOG__FILTER", "trace")]).await;
    let mut terraform = world.terraform(&topic("dev", "orders", "partitions = 60")).await;
    let logs = terraform.path("trace.log");
    terraform.set("TF_LOG", "TRACE");
    terraform.set("TF_LOG_PATH", &logs.display().to_string());
    // Where a CI system would put it: outside of what is looked through.
    let elsewhere = tempfile::tempdir().unwrap();
    let token_file = elsewhere.path().join("token");
    fs::write(&token_file, world.orbit.developer_token()).unwrap();
    let said = whole_session(&world, &mut terraform, &token_file).await;
    fs::write(terraform.path("said"), said.concat()).unwrap();
    world.orbit.stop();

    let trace = fs::read_to_string(&logs).unwrap();
    assert!(
        trace.contains("provider.terraform-provider-orbit") && trace.len() > 100_000,
        "it is a trace of the provider"
    );
    unpack(&terraform.path("plan"), &terraform.path("plan-unpacked"));
    let kept = [files(terraform.folder()), files(world.orbit.folder().path())].concat();
    assert!(
        kept.iter().any(|file| file.ends_with("terraform.tfstate")) && kept.iter().any(|file| file.ends_with("tfplan"))
    );
    let secrets = [
        ("the developer's token", world.orbit.developer_token()),
        ("the admin's token", world.orbit.admin_token()),
        ("the cluster's password", world.kafka.password().to_owned()),
        ("a refused one", REFUSED.to_owned()),
    ];
    for (what, secret) in &secrets {
        // The one place that is for it: --dev prints its tokens once.
        let printed = |file: &&PathBuf| what.ends_with("token") && file.extension().is_some_and(|kind| kind == "out");
        let (for_it, others): (Vec<&PathBuf>, Vec<_>) = kept.iter().partition(printed);
        let leaked = holding(secret, &others);
        assert!(leaked.is_empty(), "{what} stands in {leaked:?}");
        // Who looks so would find it.
        let found = holding(secret, &for_it);
        assert_eq!(found.len(), usize::from(what.ends_with("token")), "{what}: {found:?}");
    }
    let planted = terraform.path("planted");
    fs::write(&planted, format!("\0before it{}after it", world.kafka.password())).unwrap();
    let found = files(terraform.folder()).into_iter().filter(|file| holds(file, world.kafka.password()));
    assert_eq!(found.collect::<Vec<_>>(), [planted]);
}

const SECOND: &str = r#"
variable "password" {
  sensitive = true
  ephemeral = true
}
variable "password_version" {
  default = 1
}
variable "username" {}
variable "bootstrap_servers" {
  type = list(string)
}
resource "orbit_kafka_cluster" "second" {
  slug                   = "second"
  bootstrap_servers      = var.bootstrap_servers
  security_protocol      = "SASL_PLAINTEXT"
  sasl_mechanism         = "SCRAM-SHA-512"
  sasl_username          = var.username
  sasl_password_wo       = var.password
  credentials_wo_version = var.password_version
}
"#;

#[tokio::test]
async fn checklist_22_a_clusters_password_goes_to_orbit_and_is_kept_nowhere_on_the_way() {
    const WRONG: &str = "canary-that-opens-nothing";
    let settings = vec![("ORBIT_LOG__FILTER".to_owned(), "trace".to_owned())];
    let (orbit, kafka) = (Orbit::with(Setup { settings, ..Setup::default() }).await, Kafka::shared());
    let mut terraform = Terraform::empty(&orbit.endpoint(), &orbit.admin_token());
    let (connection, right) = (kafka.registration("second").connection, kafka.password().to_owned());
    terraform.set("TF_VAR_bootstrap_servers", &serde_json::json!(connection.bootstrap_servers).to_string());
    terraform.set("TF_VAR_username", connection.sasl_username.as_deref().unwrap());
    terraform.set("TF_LOG", "TRACE");
    terraform.set("TF_LOG_PATH", &terraform.path("trace.log").display().to_string());
    terraform.write(&configuration(SECOND));
    terraform.init().await;
    let mut said = Vec::new();
    for (password, version) in [(WRONG, "1"), (&right, "1"), (WRONG, "2"), (&right, "2")] {
        terraform.set("TF_VAR_password", password);
        terraform.set("TF_VAR_password_version", version);
        let plan = terraform.plan().await;
        assert_eq!(plan.code, 2, "{}", plan.text);
        let shown = terraform.show(&["plan"]).await.to_string();
        let apply = terraform.apply_plan().await;
        assert_eq!(apply.code, i32::from(password == WRONG), "{}", apply.text);
        unpack(&terraform.path("plan"), &terraform.path(&format!("plan-{version}-{}", password.len())));
        said.extend([plan.text, shown, apply.text]);
    }
    terraform.destroy().await.ok();
    fs::write(terraform.path("said"), said.concat()).unwrap();
    orbit.stop();

    let trace = fs::read_to_string(terraform.path("trace.log")).unwrap();
    assert!(trace.contains("provider.terraform-provider-orbit") && trace.len() > 100_000, "it is a trace");
    let kept = [files(terraform.folder()), files(orbit.folder().path())].concat();
    let all: Vec<&PathBuf> = kept.iter().collect();
    assert!(all.iter().any(|file| file.ends_with("tfplan")) && !holding("second", &all).is_empty());
    for secret in [WRONG, &right] {
        assert_eq!(holding(secret, &all), Vec::<&PathBuf>::new());
    }
}

/// Those of the files that hold a text.
fn holding<'f>(text: &str, files: &[&'f PathBuf]) -> Vec<&'f PathBuf> {
    files.iter().copied().filter(|file| holds(file, text)).collect()
}

/// A file that cannot be read says nothing of what is in it, so it ends the story.
fn holds(file: &Path, text: &str) -> bool {
    let bytes = fs::read(file).unwrap_or_else(|e| panic!("{} cannot be read: {e}", file.display()));
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// Like a token, and none.
const REFUSED: &str = "orbit_canaryCanaryCanaryCanaryCanaryCanary";

/// A denial, a creation that waits, a change, a token in a file, one that is refused, and an end: all that Terraform said meanwhile.
async fn whole_session(world: &World, terraform: &mut Terraform, token_file: &Path) -> Vec<String> {
    let denied = terraform.plan().await;
    denied.fails(&["Denied"]);
    let mut said = vec![denied.text];
    let both = |partitions: u32| {
        let lines = format!("partitions = {partitions}");
        configuration(&format!("{}{}", topic("dev", "orders", &lines), topic("prod", "payments", &lines)))
    };
    terraform.write(&both(2));
    said.extend([terraform.plan().await.text, terraform.apply_plan().await.text]);
    world.approve().await;
    said.push(terraform.apply().await.text);
    let wrong = world.kafka.registration_as("second", "nobody", world.kafka.password());
    assert!(
        !world.orbit.admin().cluster_create(&wrong).await.unwrap_err().to_string().contains(world.kafka.password())
    );
    terraform.write(&both(3));
    said.push(terraform.plan().await.text);
    let applied = terraform.apply_plan().await;
    assert_eq!(applied.code, 0);
    said.push(applied.text);
    world.approve().await;
    terraform.set("ORBIT_TOKEN", REFUSED);
    let refused = terraform.plan().await;
    assert_eq!(refused.code, 1, "{}", refused.text);
    said.push(refused.text);
    terraform.set("ORBIT_TOKEN", "");
    terraform.set("ORBIT_TOKEN_FILE", &token_file.display().to_string());
    let plan = terraform.plan().await;
    assert_eq!(plan.code, 0, "{}", plan.text);
    said.push(plan.text);
    terraform.write(&configuration(&topic("dev", "orders", "partitions = 3")));
    said.push(terraform.destroy().await.text);
    world.approve().await;
    said.push(terraform.destroy().await.text);
    said
}

/// All files below a folder. What the mirror links to is a program, and none of the session's.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(files(&entry.path()));
        } else if kind.is_file() {
            all.push(entry.path());
        }
    }
    all
}

/// A plan is an archive, compressed.
fn unpack(archive: &Path, into: &Path) {
    let status = Command::new("python3").args(["-m", "zipfile", "-e"]).arg(archive).arg(into).status().unwrap();
    assert!(status.success(), "the plan {} cannot be unpacked", archive.display());
}
