//! `terraform plan` over 1,000 topics that are applied already, beside 1,000 `terraform_data`: the floor is Terraform itself.

use crate::{
    Result,
    figures::{Env, Server, line, millis, percentile},
    state::States,
};
use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};
use tokio::process::Command;

const COUNT: usize = 1_000;
const RUNS: usize = 5;

pub(crate) async fn thousand(env: &Env) -> Result<()> {
    let server = Server::start(env).await?;
    let states = States::start().await?;
    let with_state = |name: &'static str, configuration: &str| {
        Folder::new(env, &server, name, &format!("{}{configuration}", states.backend(name)))
    };
    let floor = with_state("floor", &floor_configuration())?;
    let topics = with_state("topics", &topics_configuration())?;
    let (mut times, mut applied) = ([Vec::new(), Vec::new()], Vec::new());
    for folder in [&floor, &topics] {
        folder.run(&["init", "-input=false"]).await?;
        applied.push(folder.run(&["apply", "-input=false", "-auto-approve", "-parallelism=50"]).await?);
    }
    let beside = format!("1,000 terraform_data: {}", millis(applied[0]));
    line("terraform apply of 1,000 topics, 50 at a time, http backend", &mut applied[1..], &beside);
    for _ in 0..RUNS {
        times[0].push(floor.run(&["plan", "-input=false", "-detailed-exitcode"]).await?);
        times[1].push(topics.run(&["plan", "-input=false", "-detailed-exitcode"]).await?);
    }
    let [mut floor, mut ours] = times;
    floor.sort();
    let beside =
        format!("1,000 terraform_data: {} and {}", millis(percentile(&floor, 50)), millis(percentile(&floor, 95)));
    line("terraform plan over 1,000 topics, nothing to change", &mut ours, &beside);
    Ok(())
}

fn floor_configuration() -> String {
    (0..COUNT).fold(String::new(), |mut text, i| {
        let _ = writeln!(
            text,
            "resource \"terraform_data\" \"t{i}\" {{\n  input = {{ name = \"t{i}\", partitions = 1 }}\n}}"
        );
        text
    })
}

fn topics_configuration() -> String {
    let head = "terraform {\n  required_providers {\n    orbit = { source = \"orbit.internal/orbit/orbit\" }\n  }\n}\n";
    (0..COUNT).fold(head.to_owned(), |mut text, i| {
        let body = format!("workspace = \"bench\"\n  environment = \"dev\"\n  name = \"plan-{i}\"\n  partitions = 1");
        let _ = writeln!(text, "resource \"orbit_kafka_topic\" \"t{i}\" {{\n  {body}\n}}");
        text
    })
}

struct Folder<'a> {
    env: &'a Env,
    server: &'a Server,
    path: std::path::PathBuf,
}

impl<'a> Folder<'a> {
    fn new(env: &'a Env, server: &'a Server, name: &'static str, configuration: &str) -> Result<Self> {
        let path = server.folder().join(name);
        std::fs::create_dir_all(&path)?;
        std::fs::write(path.join("main.tf"), configuration)?;
        mirror(env, server.folder())?;
        Ok(Self { env, server, path })
    }

    async fn run(&self, arguments: &[&str]) -> Result<Duration> {
        let began = Instant::now();
        let output = Command::new(&self.env.terraform)
            .args(arguments)
            .current_dir(&self.path)
            .env("TF_CLI_CONFIG_FILE", self.server.folder().join("terraform.rc"))
            .env("CHECKPOINT_DISABLE", "1")
            .env("ORBIT_ENDPOINT", &self.server.url)
            .env("ORBIT_TOKEN", &self.server.developer_token)
            .kill_on_drop(true)
            .output()
            .await?;
        if output.status.success() {
            return Ok(began.elapsed());
        }
        let text = [output.stdout, output.stderr].concat();
        Err(format!("terraform {}: {}", arguments.join(" "), String::from_utf8_lossy(&text)).into())
    }
}

fn mirror(env: &Env, folder: &Path) -> Result<()> {
    let platform =
        format!("{}_{}", std::env::consts::OS, if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" });
    let mirror = folder.join("mirror");
    let place = mirror.join("orbit.internal/orbit/orbit/0.1.0").join(platform);
    std::fs::create_dir_all(&place)?;
    std::fs::copy(env.bin.join("terraform-provider-orbit"), place.join("terraform-provider-orbit_v0.1.0"))?;
    let installation =
        format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n", mirror.display());
    std::fs::write(folder.join("terraform.rc"), installation)?;
    Ok(())
}
