//! What the parts are called, a server to measure, and how a figure is printed.

use crate::Result;
use orbit_api::{
    ClusterCreate, Connection, Credentials, EnvironmentCreate, EnvironmentMappingCreate, MembershipCreate, Role,
    SaslMechanism, SecurityProtocol, TopicPolicyCreate, WorkspaceCreate, client::Client,
};
use std::{
    path::PathBuf,
    process::Stdio,
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
        })
    }
}

/// A server with a cluster, an environment and a workspace; it ends with the value.
pub(crate) struct Server {
    process: Child,
    folder: tempfile::TempDir,
    pub(crate) url: String,
    pub(crate) admin: Client,
    pub(crate) developer: Client,
    pub(crate) developer_token: String,
}

/// Starts a server on SQLite and answers it with the time until it said that it listens, and its tokens.
pub(crate) async fn start_server(
    env: &Env,
    folder: &std::path::Path,
) -> Result<(Child, Duration, String, [String; 2])> {
    let began = Instant::now();
    let mut process = Command::new(env.bin.join("orbit-server"))
        .arg("--database")
        .arg(format!("sqlite:{}", folder.join("orbit.db").display()))
        .args(["serve", "--dev", "--listen", "127.0.0.1:0"])
        .env("ORBIT_LOG__FILTER", "warn")
        .env("ORBIT_RUNNER__LEASE_SECONDS", "12")
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = process.stdout.take().ok_or("no output")?;
    let mut lines = BufReader::new(stdout).lines();
    let (mut url, mut tokens) = (String::new(), [String::new(), String::new()]);
    while url.is_empty() {
        let line = lines.next_line().await?.ok_or("the server ended")?;
        if let Some(token) = line.strip_prefix("token of admin: ") {
            token.clone_into(&mut tokens[0]);
        } else if let Some(token) = line.strip_prefix("token of developer: ") {
            token.clone_into(&mut tokens[1]);
        } else if let Some(address) = line.strip_prefix("listening on ") {
            address.clone_into(&mut url);
        }
    }
    Client::builder(&url).token(&tokens[0]).build()?.readyz().await?;
    Ok((process, began.elapsed(), url, tokens))
}

impl Server {
    pub(crate) async fn start(env: &Env) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let (process, _, url, [admin, developer_token]) = start_server(env, folder.path()).await?;
        let admin = Client::builder(&url).token(admin).build()?;
        set_up(env, &admin).await?;
        let developer = Client::builder(&url).token(&developer_token).build()?;
        Ok(Self { process, folder, url, admin, developer, developer_token })
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

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.id()
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
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
