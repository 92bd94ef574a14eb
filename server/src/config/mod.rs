//! Configuration: a TOML file, over it environment variables (`ORBIT_SERVER__LISTEN`, two underscores between section and key), over both the
//! flags. Unknown keys are refused. `docs/configuration.md` is the reference: a test compares.

mod keys;

pub use keys::{KeyError, keyring};

use crate::notify::{Mailer, MailerError};

use orbit_kafka::RequestRate;

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
    time::Duration,
};

/// Everything that can be configured. Each section is a table of the file.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The listener.
    pub server: Server,
    /// The database.
    pub database: Database,
    /// Keys of secrets at rest.
    pub encryption: Encryption,
    /// The runner.
    pub runner: RunnerConfig,
    /// Calls to Kafka clusters.
    pub kafka: KafkaConfig,
    /// Reconcilers.
    pub reconcile: Reconcile,
    /// Mail.
    pub email: Email,
    /// Calls to addresses that people gave.
    pub outbound: OutboundConfig,
    /// The Terraform provider.
    pub provider: ProviderConfig,
    /// The log.
    pub log: Log,
}

/// The listener.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address to listen on. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where users reach this server, without a slash at the end; links begin with it. Default: `http://` and the address listened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// Calls that a principal may make in a second, over time, at this replica.
    pub calls_per_second: NonZeroU32,
    /// Calls that it may make at once after a pause.
    pub call_burst: NonZeroU32,
    /// Largest body that is taken, in bytes.
    pub body_limit_bytes: usize,
    /// How long a shutdown waits for calls and steps under way, in seconds.
    pub shutdown_seconds: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            public_url: None,
            calls_per_second: const { NonZeroU32::new(1_000).expect("not zero") },
            call_burst: const { NonZeroU32::new(5_000).expect("not zero") },
            body_limit_bytes: 1 << 20,
            shutdown_seconds: 20,
        }
    }
}

/// The database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:FILE` or `postgres://USER:PASSWORD@HOST:PORT/DATABASE`.
    pub url: String,
    /// A file that holds the address, for an address with a password. Instead of `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url_file: Option<PathBuf>,
    /// Connections to PostgreSQL, at most.
    pub max_connections: u32,
    /// Whether `serve` brings the tables to what it needs; else `migrate` must have run.
    pub migrate_at_start: bool,
}

impl Default for Database {
    fn default() -> Self {
        Self { url: "sqlite:orbit.db".to_owned(), url_file: None, max_connections: 16, migrate_at_start: true }
    }
}

/// Keys of secrets at rest.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encryption {
    /// The keys. The last one seals; the others open what they sealed.
    pub keys: Vec<Key>,
}

/// A key: 32 bytes in base64, in a file or an environment variable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Its name, kept beside each value that it seals.
    pub id: String,
    /// The file that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// The environment variable that holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
}

/// The runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RunnerConfig {
    /// For how long a lease on an operation holds, in seconds. A replica that dies is taken over after that. At least 12.
    pub lease_seconds: u64,
    /// How often the table of operations is looked at when nothing wakes the runner, in milliseconds.
    pub poll_milliseconds: u64,
    /// Operations driven at once.
    pub concurrency: u32,
}

impl Default for RunnerConfig {
    fn default() -> Self {
        Self { lease_seconds: 30, poll_milliseconds: 1_000, concurrency: 64 }
    }
}

/// Calls to Kafka clusters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KafkaConfig {
    /// Requests that a cluster gets in a second from this replica, over time. What comes beyond waits and goes together.
    pub requests_per_second: NonZeroU32,
    /// Requests that it gets at once after a pause.
    pub request_burst: NonZeroU32,
    /// Clusters that stand more, or less.
    pub clusters: Vec<ClusterRate>,
}

impl Default for KafkaConfig {
    fn default() -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(200).expect("not zero");
        const BURST: NonZeroU32 = NonZeroU32::new(400).expect("not zero");
        Self { requests_per_second: PER_SECOND, request_burst: BURST, clusters: Vec::new() }
    }
}

/// What one cluster stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClusterRate {
    /// Its slug.
    pub cluster: String,
    /// Requests in a second, over time.
    pub requests_per_second: NonZeroU32,
    /// Requests at once.
    pub request_burst: NonZeroU32,
}

impl KafkaConfig {
    /// How often a cluster may be asked.
    #[must_use]
    pub fn rate(&self, cluster: &str) -> RequestRate {
        let own = self.clusters.iter().find(|rate| rate.cluster == cluster);
        own.map_or(RequestRate { per_second: self.requests_per_second, burst: self.request_burst }, |rate| {
            RequestRate { per_second: rate.requests_per_second, burst: rate.request_burst }
        })
    }
}

/// Reconcilers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reconcile {
    /// How often every cluster is looked at, in seconds.
    pub cluster_health_seconds: u64,
    /// How often requests whose time is up are ended, in seconds.
    pub sweep_seconds: u64,
}

impl Default for Reconcile {
    fn default() -> Self {
        Self { cluster_health_seconds: 15, sweep_seconds: 60 }
    }
}

/// Mail.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Email {
    /// The mail server: `smtps://USER:PASSWORD@HOST`, `smtp://HOST:25`, `smtp://HOST?tls=required`. Without it no mail is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url: Option<String>,
    /// A file that holds it, for an address with a password. Instead of `smtp_url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smtp_url_file: Option<PathBuf>,
    /// Who sends: `Orbit <orbit@example.com>`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// Calls to addresses that people gave.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutboundConfig {
    /// Hosts that may be called, `.example.com` for all below; any where empty. Link-local addresses and metadata services never are.
    pub allowed_hosts: Vec<String>,
}

/// The Terraform provider.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProviderConfig {
    /// A folder with its releases. Then Terraform installs it from this server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub releases: Option<PathBuf>,
}

/// The log, on stderr.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// For people or for machines.
    pub format: LogFormat,
    /// What is logged: a level, or directives such as `info,orbit_server=debug`.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Human, filter: "info".to_owned() }
    }
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// Why the configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A key that is not known, or a value of another type.
    #[error("{}", words(.0))]
    Figment(Box<figment::Error>),
    /// A value that cannot be.
    #[error("{key} {problem}: {remedy}")]
    Value {
        /// The key.
        key: &'static str,
        /// What is wrong.
        problem: String,
        /// What would be right.
        remedy: &'static str,
    },
}

/// What is wrong with which key, and where it was given.
fn words(error: &figment::Error) -> String {
    use figment::error::Kind;
    let key = error.path.join(".");
    let place = error.metadata.as_ref().map(|m| match &m.source {
        Some(source) => format!(" ({source})"),
        None => format!(" ({})", m.name),
    });
    let place = place.unwrap_or_default();
    match &error.kind {
        Kind::UnknownField(_, known) => format!("{key}{place} is no key; known are: {}", known.join(", ")),
        Kind::MissingField(name) => format!("{key}{place} lacks the key {name}"),
        kind => format!("{key}{place}: {}", kind.to_string().trim_end()).trim_start().to_owned(),
    }
}

impl Config {
    /// Reads the file, the environment, and `flags` over both.
    pub fn load(file: Option<&Path>, flags: &impl Serialize) -> Result<Self, ConfigError> {
        let mut figment = Figment::new();
        if let Some(file) = file {
            figment = figment.merge(Toml::file_exact(file));
        }
        // Figment lowers names; two underscores lead into a section. ORBIT_TOKEN and its like, which belong to the clients, have none.
        let env = Env::prefixed("ORBIT_").filter(|key| key.as_str().contains("__")).split("__");
        let config: Self = figment
            .merge(env)
            .merge(Serialized::defaults(flags))
            .extract()
            .map_err(|e| ConfigError::Figment(Box::new(e)))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let value = |key, problem: String, remedy| Err(ConfigError::Value { key, problem, remedy });
        // A step gets not quite half of it, and has to outlast the 5 s after which a cluster that does not answer counts as unreachable: else work would
        // fail by its deadline instead of waiting for the cluster.
        if self.runner.lease_seconds < 12 {
            return value("runner.lease_seconds", format!("is {}", self.runner.lease_seconds), "give at least 12");
        }
        if self.runner.concurrency == 0 {
            return value("runner.concurrency", "is 0".into(), "give at least 1");
        }
        if self.runner.poll_milliseconds == 0 {
            return value("runner.poll_milliseconds", "is 0".into(), "give at least 1; 1000 is usual");
        }
        if let Some(url) = &self.server.public_url {
            let fits = url.starts_with("http://") || url.starts_with("https://");
            if !fits || url.ends_with('/') {
                return value(
                    "server.public_url",
                    format!("is {url}"),
                    "give http:// or https://, and no slash at the end",
                );
            }
        }
        for key in &self.encryption.keys {
            if key.file.is_some() == key.env.is_some() {
                return value(
                    "encryption.keys",
                    format!("names for key {} both or neither of file and env", key.id),
                    "give one of them",
                );
            }
        }
        Ok(())
    }

    /// The address of the database, read from its file where it stands in one.
    pub fn database_url(&self) -> Result<String, ConfigError> {
        let Some(file) = &self.database.url_file else { return Ok(self.database.url.clone()) };
        let text = std::fs::read_to_string(file).map_err(|e| ConfigError::Value {
            key: "database.url_file",
            problem: format!("cannot be read: {}: {e}", file.display()),
            remedy: "check the path and its permissions",
        })?;
        Ok(text.trim().to_owned())
    }

    /// Who sends mail, where a mail server is configured.
    pub fn mailer(&self) -> Result<Option<Mailer>, ConfigError> {
        let value = |key, problem, remedy| ConfigError::Value { key, problem, remedy };
        let url = match &self.email.smtp_url_file {
            None => self.email.smtp_url.clone(),
            Some(file) => Some(std::fs::read_to_string(file).map_err(|e| {
                let problem = format!("cannot be read: {}: {e}", file.display());
                value("email.smtp_url_file", problem, "check the path and its permissions")
            })?),
        };
        let Some(url) = url else { return Ok(None) };
        let Some(from) = &self.email.from else {
            return Err(value("email.from", "is missing".to_owned(), "say who sends: Orbit <orbit@example.com>"));
        };
        Mailer::new(url.trim(), from).map(Some).map_err(|e| match e {
            MailerError::Server(_) => value("email.smtp_url", e.to_string(), "give smtps://USER:PASSWORD@HOST"),
            MailerError::From(_) => value("email.from", e.to_string(), "give Orbit <orbit@example.com>"),
        })
    }

    /// How the runner goes about it.
    #[must_use]
    pub fn pace(&self) -> crate::runner::Pace {
        let lease = Duration::from_secs(self.runner.lease_seconds);
        crate::runner::Pace {
            lease,
            step: lease * 9 / 20,
            poll: Duration::from_millis(self.runner.poll_milliseconds),
            concurrency: self.runner.concurrency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn load(text: &str) -> Result<Config, String> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("orbit.toml");
        std::fs::write(&file, text).unwrap();
        Config::load(Some(&file), &json!({})).map_err(|e| e.to_string())
    }

    #[test]
    fn nothing_given_is_the_defaults() {
        assert_eq!(Config::load(None, &json!({})).unwrap(), Config::default());
    }

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("orbit.toml");
        std::fs::write(&file, "[server]\nlisten = \"127.0.0.1:1\"\n").unwrap();
        let config = Config::load(Some(&file), &json!({ "server": { "listen": "127.0.0.1:2" } })).unwrap();
        assert_eq!(config.server.listen.port(), 2);
    }

    #[test]
    fn an_unknown_key_is_told_with_those_that_are_known() {
        let error = load("[server]\nlisten_on = \"x\"\n").unwrap_err();
        assert!(error.contains("listen_on") && error.contains("public_url"), "{error}");
    }

    #[test]
    fn values_that_cannot_be_are_told_with_the_remedy() {
        assert_eq!(load("[runner]\nlease_seconds = 1\n").unwrap_err(), "runner.lease_seconds is 1: give at least 12");
        assert!(
            load("[server]\npublic_url = \"orbit.example.com\"\n").unwrap_err().contains("give http:// or https://")
        );
        assert!(load("[[encryption.keys]]\nid = \"a\"\n").unwrap_err().contains("give one of them"));
    }

    #[test]
    fn the_reference_page_has_every_key_and_no_other() {
        let mut config = Config::default();
        config.server.public_url = Some(String::new());
        config.database.url_file = Some(PathBuf::new());
        config.email =
            Email { smtp_url: Some(String::new()), smtp_url_file: Some(PathBuf::new()), from: Some(String::new()) };
        config.outbound.allowed_hosts = vec![String::new()];
        config.provider.releases = Some(PathBuf::new());
        let one = NonZeroU32::MIN;
        let rate = ClusterRate { cluster: String::new(), requests_per_second: one, request_burst: one };
        config.kafka.clusters = vec![rate];
        config.encryption.keys = vec![Key { id: String::new(), file: Some(PathBuf::new()), env: Some(String::new()) }];
        let mut keys = Vec::new();
        flatten("", &json!(config), &mut keys);
        keys.sort();
        let page = include_str!("../../../docs/configuration.md");
        let tables = page.split("\n## ").find(|part| part.starts_with("Keys")).unwrap();
        let cells = tables.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
        let mut told: Vec<String> = cells.map(|(key, _)| key.to_owned()).collect();
        told.sort();
        assert_eq!(told, keys);
    }

    #[test]
    fn a_cluster_has_its_own_rate_or_that_of_all() {
        let config = load(
            "[kafka]\nrequests_per_second = 5\n[[kafka.clusters]]\ncluster = \"big\"\nrequests_per_second = 9\nrequest_burst = 10\n",
        );
        let kafka = config.unwrap().kafka;
        let rate = |cluster| (kafka.rate(cluster).per_second.get(), kafka.rate(cluster).burst.get());
        assert_eq!((rate("big"), rate("small")), ((9, 10), (5, 400)));
        assert!(load("[kafka]\nrequest_burst = 0\n").unwrap_err().contains("kafka.request_burst"));
    }

    fn flatten(prefix: &str, value: &serde_json::Value, keys: &mut Vec<String>) {
        match value {
            serde_json::Value::Object(fields) => {
                for (name, value) in fields {
                    let dot = if prefix.is_empty() { "" } else { "." };
                    flatten(&format!("{prefix}{dot}{name}"), value, keys);
                }
            }
            serde_json::Value::Array(items) => {
                for item in items {
                    flatten(&format!("{prefix}[]"), item, keys);
                }
            }
            _ => keys.push(prefix.to_owned()),
        }
    }

    #[test]
    fn the_flag_wins_over_a_file_with_the_address() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("orbit.toml");
        std::fs::write(&file, "[database]\nurl_file = \"/nowhere\"\n").unwrap();
        let flags = json!({ "database": { "url": "sqlite:x.db", "url_file": null } });
        let config = Config::load(Some(&file), &flags).unwrap();
        assert_eq!(config.database_url().unwrap(), "sqlite:x.db");
    }
}
