//! What the parts are called, a server to measure, and how a figure is printed.

use crate::Result;
use orbit_api::{
    ClusterCreate, Connection, Credentials, EnvironmentCreate, EnvironmentMappingCreate, MembershipCreate, Role,
    SaslMechanism, SecurityProtocol, TopicPolicyCreate, WorkspaceCreate, client::Client,
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    process::{Child, Command},
};

/// Where the real parts are.
pub(crate) struct Env {
    /// Folder of the binaries.
    pub(crate) bin: PathBuf,
    /// terraform or tofu.
    pub(crate) terraform: String,
    /// Kafka's SASL listener.
    pub(crate) kafka: String,
    /// Its user.
    pub(crate) user: String,
    /// Their password.
    pub(crate) password: String,
    /// A superuser's address of PostgreSQL.
    pub(crate) postgres: String,
}

fn var(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set: make bench sets it").into())
}

impl Env {
    pub(crate) fn read() -> Result<Self> {
        Ok(Self {
            bin: var("ORBIT_TEST_BIN_DIR")?.into(),
            terraform: var("ORBIT_TEST_TERRAFORM")?,
            kafka: var("ORBIT_TEST_KAFKA_BOOTSTRAP")?,
            user: var("ORBIT_TEST_KAFKA_USER")?,
            password: var("ORBIT_TEST_KAFKA_PASSWORD")?,
            postgres: var("ORBIT_TEST_POSTGRES_URL")?,
        })
    }
}

/// A program that says where it listens, and what it said before; it ends with the value.
pub(crate) struct Spawned {
    process: Child,
    pub(crate) url: String,
    said: Vec<String>,
}

impl Spawned {
    pub(crate) async fn start(mut command: Command) -> Result<Self> {
        let mut process = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let stdout = process.stdout.take().ok_or("no output")?;
        let (mut lines, mut said) = (BufReader::new(stdout).lines(), Vec::new());
        loop {
            let line = lines.next_line().await?.ok_or("it ended before it listened")?;
            if let Some(url) = line.strip_prefix("listening on ") {
                return Ok(Self { process, url: url.to_owned(), said });
            }
            said.push(line);
        }
    }

    fn told(&self, what: &str) -> Result<String> {
        let line = self.said.iter().find_map(|line| line.strip_prefix(what)?.strip_prefix(": "));
        Ok(line.ok_or_else(|| format!("it did not say its {what}"))?.to_owned())
    }
}

/// An empty database on the PostgreSQL of the run.
pub(crate) async fn fresh_database(env: &Env) -> Result<String> {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let name = format!("bench_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
    let mut connection = PgConnection::connect(&env.postgres).await?;
    connection.execute(AssertSqlSafe(format!("CREATE DATABASE {name}"))).await?;
    connection.close().await?;
    let (address, _) = env.postgres.rsplit_once('/').ok_or("the address of PostgreSQL names no database")?;
    Ok(format!("{address}/{name}"))
}

/// A server with a cluster, an environment and a workspace; it ends with the value.
pub(crate) struct Server {
    process: Child,
    folder: Arc<tempfile::TempDir>,
    pub(crate) url: String,
    pub(crate) admin: Client,
    pub(crate) developer: Client,
    pub(crate) developer_token: String,
}

/// Starts a server, and answers it with the time until it answers.
async fn spawn(env: &Env, folder: &Path, database: Option<&str>) -> Result<(Spawned, Duration)> {
    let began = Instant::now();
    let own = || format!("sqlite:{}", folder.join("orbit.db").display());
    let mut command = Command::new(env.bin.join("orbit-server"));
    command.current_dir(folder).arg("--database").arg(database.map_or_else(own, str::to_owned));
    command.args(["serve", "--dev", "--listen", "127.0.0.1:0"]);
    let settings = [
        ("LOG__FILTER", "warn"),
        ("RUNNER__LEASE_SECONDS", "12"),
        ("SERVER__CALLS_PER_SECOND", "100000"),
        ("SERVER__CALL_BURST", "100000"),
    ];
    command.envs(settings.map(|(name, value)| (format!("ORBIT_{name}"), value)));
    let server = Spawned::start(command).await?;
    Client::builder(&server.url).token(server.told("token of admin")?).build()?.readyz().await?;
    Ok((server, began.elapsed()))
}

/// Starts a server on SQLite and answers it with the time until it said that it listens, and its tokens.
pub(crate) async fn start_server(env: &Env, folder: &Path) -> Result<(Child, Duration, String, [String; 2])> {
    let (server, took) = spawn(env, folder, None).await?;
    let tokens = [server.told("token of admin")?, server.told("token of developer")?];
    Ok((server.process, took, server.url, tokens))
}

impl Server {
    pub(crate) async fn start(env: &Env) -> Result<Self> {
        Self::start_on(env, None).await
    }

    /// On another database than an SQLite of its own.
    pub(crate) async fn start_on(env: &Env, database: Option<&str>) -> Result<Self> {
        let server = Self::of(env, Arc::new(tempfile::tempdir()?), database).await?;
        set_up(env, &server.admin).await?;
        Ok(server)
    }

    /// Another replica on the same database.
    pub(crate) async fn beside(&self, env: &Env, database: &str) -> Result<Self> {
        Self::of(env, self.folder.clone(), Some(database)).await
    }

    async fn of(env: &Env, folder: Arc<tempfile::TempDir>, database: Option<&str>) -> Result<Self> {
        let (server, _) = spawn(env, folder.path(), database).await?;
        let (admin, developer_token) = (server.told("token of admin")?, server.told("token of developer")?);
        let admin = Client::builder(&server.url).token(admin).build()?;
        let developer = Client::builder(&server.url).token(&developer_token).build()?;
        let Spawned { process, url, .. } = server;
        Ok(Self { process, folder, url, admin, developer, developer_token })
    }

    /// From now on what is asked for waits for a person.
    pub(crate) async fn asks_a_person(&self) -> Result<()> {
        let asks = serde_json::json!({ "name": "asks", "scope": "platform", "require_approval_for": ["dev"] });
        self.admin.topic_policy_create(&serde_json::from_value(asks)?).await?;
        Ok(())
    }

    /// Killed, and started again on the same database: how long that took.
    pub(crate) async fn again(&mut self, env: &Env) -> Result<Duration> {
        self.process.kill().await?;
        let (process, took, url, [admin, _]) = start_server(env, self.folder.path()).await?;
        self.admin = Client::builder(&url).token(admin).build()?;
        self.developer = Client::builder(&url).token(&self.developer_token).build()?;
        (self.process, self.url) = (process, url);
        Ok(took)
    }

    /// What `/metrics` says.
    pub(crate) async fn metrics(&self) -> Result<String> {
        let address = self.url.trim_start_matches("http://");
        let mut connection = TcpStream::connect(address).await?;
        connection.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// How many calls it has answered.
    pub(crate) async fn calls(&self) -> Result<u64> {
        let text = self.metrics().await?;
        let counts = text.lines().filter(|line| line.starts_with("orbit_http_requests_total"));
        let counts = counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        Ok(counts.sum())
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

async fn set_up(env: &Env, admin: &Client) -> Result<()> {
    admin.workspace_create(&WorkspaceCreate { slug: "bench".into(), display_name: None }).await?;
    let member =
        MembershipCreate { principal: "developer".into(), role: Role::Member, workspace: Some("bench".into()) };
    admin.membership_create(&member).await?;
    let environment =
        EnvironmentCreate { slug: "dev".into(), display_name: None, naming_template: None, default_approvers: None };
    admin.environment_create(&environment).await?;
    let connection = Connection {
        bootstrap_servers: vec![env.kafka.clone()],
        security_protocol: SecurityProtocol::SaslPlaintext,
        sasl_mechanism: Some(SaslMechanism::ScramSha512),
        sasl_username: Some(env.user.clone()),
        ca_certificate_pem: None,
        client_certificate_pem: None,
    };
    let cluster = ClusterCreate {
        slug: "local".into(),
        display_name: None,
        provider: None,
        region: None,
        residency: None,
        connection,
        credentials: Some(Credentials { sasl_password: Some(env.password.clone()), client_key_pem: None }),
    };
    admin.cluster_create(&cluster).await?;
    let mapping = EnvironmentMappingCreate {
        environment: "dev".into(),
        cluster: "local".into(),
        priority: None,
        is_default: None,
    };
    admin.mapping_create(&mapping).await?;
    let policy: TopicPolicyCreate =
        serde_json::from_value(serde_json::json!({ "name": "bench", "scope": "platform" }))?;
    admin.topic_policy_create(&policy).await?;
    Ok(())
}

/// The value that so many percent do not exceed.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    let last = sorted.len().saturating_sub(1);
    sorted.get((last * percent).div_ceil(100)).copied().unwrap_or_default()
}

/// Milliseconds with one decimal.
pub(crate) fn millis(d: Duration) -> String {
    format!("{:.1} ms", d.as_secs_f64() * 1_000.0)
}

/// A line of the table.
pub(crate) fn line(what: &str, times: &mut [Duration], beside: &str) {
    times.sort();
    let (half, most) = (percentile(times, 50), percentile(times, 95));
    println!("| {what} | {} | {} | {beside} | {} |", millis(half), millis(most), times.len());
}
