//! Terraform over thousands of topics, beside as many `terraform_data`: the floor is Terraform itself. Beside as many objects of tfplugin's example, which asks
//! nobody: the floor of any provider. And beside Mongey's provider on the same broker, where `ORBIT_BENCH_MONGEY` says where it is.

use crate::{
    Result,
    delay::Delay,
    figures::{Env, Server, line, millis, percentile},
    state::States,
};
use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{process::Command, task::JoinSet};

const RUNS: usize = 5;
/// As far as the next data centre.
const FAR: Duration = Duration::from_millis(20);

/// Plans and applies of 1,000, near and far, ten and a hundred at a time.
pub(crate) async fn thousand(env: &Env) -> Result<()> {
    const COUNT: usize = 1_000;
    let server = Server::start(env).await?;
    let states = States::start().await?;
    let bench = Bench { env, server: &server, states: &states };
    let far = Delay::before(&server.url, FAR).await?;

    let floor = bench.folder("floor", &floor_configuration(COUNT), &server.url)?;
    floor.init().await?;
    let floor_10 = floor.apply(10).await?;
    let floor_plans = floor.plans(RUNS).await?;
    floor.destroy().await?;
    let floor_100 = floor.apply(100).await?;

    let bare = bench.folder("bare", &shelves_configuration(COUNT), &server.url)?;
    bare.init().await?;
    bare.apply(10).await?;
    told_plan(
        "terraform plan over 1,000 objects of a provider that asks nobody, 16 attributes each",
        &mut bare.plans(RUNS).await?,
        &floor_plans,
        "",
    );

    let rss = Rss::watch();
    let near = bench.folder("near", &topics_configuration(COUNT, "near"), &server.url)?;
    near.init().await?;
    let before = server.calls().await?;
    let apply = near.apply(10).await?;
    let calls = server.calls().await? - before;
    line(
        "terraform apply of 1,000 new topics, 10 at a time",
        &mut [apply],
        &format!("1,000 terraform_data: {} ({:.1}×); {calls} calls", millis(floor_10), ratio(apply, floor_10)),
    );
    let before = server.calls().await?;
    let mut plans = near.plans(RUNS).await?;
    let calls = (server.calls().await? - before) / (RUNS as u64);
    told_plan(
        "terraform plan over 1,000 topics, nothing to change",
        &mut plans,
        &floor_plans,
        &format!("; {calls} calls"),
    );

    let hundred = bench.folder("hundred", &topics_configuration(COUNT, "hundred"), &server.url)?;
    hundred.init().await?;
    let apply = hundred.apply(100).await?;
    line(
        "terraform apply of 1,000 new topics, 100 at a time",
        &mut [apply],
        &format!("1,000 terraform_data: {} ({:.1}×)", millis(floor_100), ratio(apply, floor_100)),
    );

    let away = bench.folder("away", &topics_configuration(COUNT, "away"), &far.url)?;
    away.init().await?;
    let apply = away.apply(10).await?;
    line(
        "the same, 10 at a time, 20 ms away",
        &mut [apply],
        &format!("1,000 terraform_data: {} ({:.1}×)", millis(floor_10), ratio(apply, floor_10)),
    );
    let mut plans = away.plans(RUNS).await?;
    told_plan("terraform plan over 1,000 topics, 20 ms away", &mut plans, &floor_plans, "");
    println!("| memory of the provider, at most | {} MB | | resident | |", rss.most() / 1_024);
    if let Ok(mongey) = std::env::var("ORBIT_BENCH_MONGEY") {
        peer(&bench, Path::new(&mongey), (floor_10, apply)).await?;
    }
    Ok(())
}

/// Plans over 5,000.
pub(crate) async fn five_thousand(env: &Env) -> Result<()> {
    const COUNT: usize = 5_000;
    let server = Server::start(env).await?;
    let states = States::start().await?;
    let bench = Bench { env, server: &server, states: &states };
    let rss = Rss::watch();
    let floor = bench.folder("floor", &floor_configuration(COUNT), &server.url)?;
    floor.init().await?;
    floor.apply(10).await?;
    let topics = bench.folder("topics", &topics_configuration(COUNT, "many"), &server.url)?;
    topics.init().await?;
    topics.apply(50).await?;
    // The first plan after it says what was seen.
    topics.plans(1).await?;
    let floor_plans = floor.plans(3).await?;
    let before = server.calls().await?;
    let mut plans = topics.plans(3).await?;
    let calls = (server.calls().await? - before) / 3;
    told_plan(
        "terraform plan over 5,000 topics, nothing to change",
        &mut plans,
        &floor_plans,
        &format!("; {calls} calls"),
    );
    println!("| memory of the provider with 5,000 topics, at most | {} MB | | resident | |", rss.most() / 1_024);
    Ok(())
}

/// From Ctrl-C to the end, while ten applies wait for a person.
pub(crate) async fn interrupt(env: &Env) -> Result<()> {
    let server = Server::start(env).await?;
    let states = States::start().await?;
    server.asks_a_person().await?;
    let bench = Bench { env, server: &server, states: &states };
    let mut times = Vec::new();
    for run in 0..RUNS {
        let name = format!("waiters-{run}");
        let folder = bench.folder(&name, &topics_configuration(10, &name), &server.url)?;
        folder.init().await?;
        times.push(folder.interrupted(10).await?);
    }
    line("from Ctrl-C to the end of an apply, 10 topics waiting for approval", &mut times, "aim: 1 s");
    Ok(())
}

/// The same topics through Mongey's provider.
async fn peer(bench: &Bench<'_>, provider: &Path, (floor, ours): (Duration, Duration)) -> Result<()> {
    let folder = bench.folder("mongey", &mongey_configuration(bench.env, 1_000), &bench.server.url)?;
    let configuration = format!(
        "provider_installation {{\n  dev_overrides {{ \"orbit.internal/mongey/kafka\" = \"{}\" }}\n  direct {{}}\n}}\n",
        provider.display()
    );
    fs::write(folder.path.join("terraform.rc"), configuration)?;
    let folder = Folder { rc: folder.path.join("terraform.rc"), ..folder };
    // An overridden provider is not installed; the state's backend is what init is for.
    let _only_the_backend = folder.run(&["init", "-input=false"]).await;
    let apply = folder.apply(10).await?;
    line(
        "Mongey's provider: terraform apply of 1,000 new topics, 10 at a time",
        &mut [apply],
        &format!("{:.1}× the floor, {:.1}× Orbit's 20 ms away", ratio(apply, floor), ratio(apply, ours)),
    );
    let mut plans = folder.plans(3).await?;
    line("Mongey's provider: terraform plan over 1,000 topics", &mut plans, "");
    Ok(())
}

fn ratio(of: Duration, to: Duration) -> f64 {
    of.as_secs_f64() / to.as_secs_f64()
}

fn told_plan(what: &str, plans: &mut [Duration], floor: &[Duration], more: &str) {
    let mut floor = floor.to_vec();
    floor.sort();
    let mut sorted = plans.to_vec();
    sorted.sort();
    let (ours, theirs) = (percentile(&sorted, 50), percentile(&floor, 50));
    line(what, plans, &format!("as many terraform_data: {} ({:.2}×){more}", millis(theirs), ratio(ours, theirs)));
}

fn floor_configuration(count: usize) -> String {
    (0..count).fold(String::new(), |mut text, i| {
        let _ = writeln!(
            text,
            "resource \"terraform_data\" \"t{i}\" {{\n  input = {{ name = \"t{i}\", partitions = 1 }}\n}}"
        );
        text
    })
}

fn topics_configuration(count: usize, prefix: &str) -> String {
    let head = "terraform {\n  required_providers {\n    orbit = { source = \"orbit.internal/orbit/orbit\" }\n  }\n}\n";
    (0..count).fold(head.to_owned(), |mut text, i| {
        let body =
            format!("workspace = \"bench\"\n  environment = \"dev\"\n  name = \"{prefix}-{i}\"\n  partitions = 1");
        let _ = writeln!(text, "resource \"orbit_kafka_topic\" \"t{i}\" {{\n  {body}\n}}");
        text
    })
}

fn shelves_configuration(count: usize) -> String {
    let head =
        "terraform {\n  required_providers {\n    ledger = { source = \"orbit.internal/orbit/ledger\" }\n  }\n}\n";
    (0..count).fold(head.to_owned(), |mut text, i| {
        let _ = writeln!(text, "resource \"ledger_shelf\" \"t{i}\" {{\n  room = \"{i}\"\n}}");
        text
    })
}

fn mongey_configuration(env: &Env, count: usize) -> String {
    let head = format!(
        "terraform {{\n  required_providers {{\n    kafka = {{ source = \"orbit.internal/mongey/kafka\" }}\n  }}\n}}\n\
         provider \"kafka\" {{\n  bootstrap_servers = [\"{}\"]\n  tls_enabled = false\n  sasl_username = \"{}\"\n  sasl_password = \"{}\"\n  \
         sasl_mechanism = \"scram-sha512\"\n}}\n",
        env.kafka, env.user, env.password
    );
    (0..count).fold(head, |mut text, i| {
        let body = format!("name = \"mongey-{i}\"\n  partitions = 1\n  replication_factor = 1");
        let _ = writeln!(text, "resource \"kafka_topic\" \"t{i}\" {{\n  {body}\n}}");
        text
    })
}

struct Bench<'a> {
    env: &'a Env,
    server: &'a Server,
    states: &'a States,
}

impl<'a> Bench<'a> {
    fn folder(&self, name: &str, configuration: &str, endpoint: &str) -> Result<Folder<'a>> {
        let path = self.server.folder().join(name);
        fs::create_dir_all(&path)?;
        fs::write(path.join("main.tf"), format!("{}{configuration}", self.states.backend(name)))?;
        mirror(self.env, self.server.folder())?;
        let rc = self.server.folder().join("terraform.rc");
        Ok(Folder { env: self.env, token: &self.server.developer_token, endpoint: endpoint.to_owned(), path, rc })
    }
}

struct Folder<'a> {
    env: &'a Env,
    token: &'a str,
    endpoint: String,
    path: PathBuf,
    rc: PathBuf,
}

impl Folder<'_> {
    async fn init(&self) -> Result<()> {
        self.run(&["init", "-input=false"]).await.map(drop)
    }

    async fn apply(&self, parallelism: u32) -> Result<Duration> {
        self.run(&["apply", "-input=false", "-auto-approve", &format!("-parallelism={parallelism}")]).await
    }

    async fn destroy(&self) -> Result<Duration> {
        self.run(&["destroy", "-input=false", "-auto-approve"]).await
    }

    async fn plans(&self, runs: usize) -> Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..runs {
            times.push(self.run(&["plan", "-input=false", "-detailed-exitcode"]).await?);
        }
        Ok(times)
    }

    /// Applies until so many topics wait, and stops it as Ctrl-C does: how long it then took.
    async fn interrupted(&self, waiting: usize) -> Result<Duration> {
        let mut command = self.command(&["apply", "-input=false", "-auto-approve"]);
        command.env("ORBIT_ON_PENDING", "wait").process_group(0);
        let child = command.spawn()?;
        let group = child.id().ok_or("terraform ended at once")?;
        let token = orbit_api::client::Client::builder(&self.endpoint).token(self.token).build()?;
        let run = format!("run-{}", self.path.display());
        loop {
            let query = orbit_api::client::RequestQuery {
                state: Some(orbit_api::RequestState::Pending),
                run_id: Some(run.clone()),
                ..orbit_api::client::RequestQuery::default()
            };
            if token.request_list(&query).await?.items.len() == waiting {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let began = Instant::now();
        Command::new("kill").args(["-s", "INT", "--", &format!("-{group}")]).status().await?;
        child.wait_with_output().await?;
        Ok(began.elapsed())
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.env.terraform);
        command
            .args(arguments)
            .current_dir(&self.path)
            .env("TF_CLI_CONFIG_FILE", &self.rc)
            .env("CHECKPOINT_DISABLE", "1")
            .env("ORBIT_ENDPOINT", &self.endpoint)
            .env("ORBIT_TOKEN", self.token)
            .env("LEDGER_PATH", self.path.join("ledger.json"))
            .env("ORBIT_RUN_ID", format!("run-{}", self.path.display()))
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Result<Duration> {
        let began = Instant::now();
        let output = self.command(arguments).output().await?;
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
    for (name, built) in [("orbit", "terraform-provider-orbit"), ("ledger", "examples/ledger")] {
        let place = mirror.join("orbit.internal/orbit").join(name).join("0.1.0").join(&platform);
        fs::create_dir_all(&place)?;
        let program = place.join(format!("terraform-provider-{name}_v0.1.0"));
        if !program.exists() {
            fs::copy(env.bin.join(built), program)?;
        }
    }
    let installation =
        format!("provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n", mirror.display());
    fs::write(folder.join("terraform.rc"), installation)?;
    Ok(())
}

/// The most memory that a process of the provider has had while this was there.
struct Rss {
    most: Arc<AtomicU64>,
    _runs: JoinSet<()>,
}

impl Rss {
    fn watch() -> Self {
        let most = Arc::new(AtomicU64::new(0));
        let mut runs = JoinSet::new();
        let seen = Arc::clone(&most);
        runs.spawn(async move {
            loop {
                seen.fetch_max(most_of_all(), Ordering::Relaxed);
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        Self { most, _runs: runs }
    }

    /// In kibibytes.
    fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }
}

/// `VmHWM` of the largest one, in kibibytes.
fn most_of_all() -> u64 {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path());
    let providers = processes.filter(|process| {
        fs::read_to_string(process.join("comm")).is_ok_and(|comm| comm.starts_with("terraform-provi"))
    });
    let most = providers.filter_map(|process| {
        let status = fs::read_to_string(process.join("status")).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    });
    most.max().unwrap_or(0)
}
