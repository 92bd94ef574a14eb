//! `orbit-server`: the only place that wires concrete things together.

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use orbit_server::{
    auth::permission::Role,
    auth::throttle::CallRate,
    clusters::KafkaClusters,
    config::{Config, keyring},
    dev::{Grant, dev_tokens, grant},
    http,
    notify::{Outbound, Webhooks},
    serve,
    system::{RandomIds, SystemClock},
    telemetry,
};
use orbit_store::{MigrationState, Store};
use serde_json::json;
use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};
use tokio::net::TcpListener;

/// Orbit: a self-service control plane for Kafka.
#[derive(Parser)]
#[command(name = "orbit-server", version, about)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// Configuration file (TOML).
    #[arg(long, global = true, env = "ORBIT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Database: sqlite:FILE or postgres://…; over database.url.
    #[arg(long, global = true, value_name = "URL")]
    database: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves the API and runs operations.
    Serve {
        /// Address to listen on; over server.listen. Port 0 takes a free one.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<SocketAddr>,
        /// Where users reach this server; over `server.public_url`.
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
        /// For development: makes an encryption key beside the database, an admin and a developer, and prints both tokens once.
        #[arg(long)]
        dev: bool,
    },
    /// Brings the database's tables to what this version needs.
    Migrate,
    /// Looks at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Prints the OpenAPI document.
    Openapi,
    /// Tokens, straight on the database.
    Token {
        #[command(subcommand)]
        command: TokenCommand,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Reads the configuration and tells what is wrong, or what it comes to.
    Check,
}

#[derive(Subcommand)]
enum TokenCommand {
    /// Makes a token, and the principal and its role where they are not there: the first admin comes from here.
    Create {
        /// Name of the principal.
        #[arg(long)]
        principal: String,
        /// platform-admin, admin, member or viewer.
        #[arg(long, value_parser = role)]
        role: Option<Role>,
        /// Slug of the workspace, with every role but platform-admin.
        #[arg(long)]
        workspace: Option<String>,
        /// What the token is for.
        #[arg(long, default_value = "made on the database")]
        name: String,
        /// How long it holds, in days.
        #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=365))]
        days: u64,
    },
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "platform-admin, admin, member or viewer".to_owned())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    match runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(run(cli))) {
        Ok(()) => ExitCode::SUCCESS,
        // Causes on one line, and never a backtrace: what stands here is for whoever typed the command.
        Err(error) => {
            eprintln!("orbit-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let mut flags = json!({});
    if let Some(url) = &cli.common.database {
        flags["database"] = json!({ "url": url, "url_file": null });
    }
    if let Command::Serve { listen, public_url, .. } = &cli.command {
        if let Some(listen) = listen {
            flags["server"]["listen"] = json!(listen);
        }
        if let Some(url) = public_url {
            flags["server"]["public_url"] = json!(url);
        }
    }
    let config = Config::load(cli.common.config.as_deref(), &flags).context("the configuration is wrong")?;
    match cli.command {
        Command::Serve { dev, .. } => {
            telemetry::init(&config.log)?;
            serve_command(config, dev).await
        }
        Command::Migrate => {
            let store = open(&config).await?;
            store.migrate().await.context("the tables could not be migrated")?;
            say("the tables are current")
        }
        Command::Config { command: ConfigCommand::Check } => {
            if !config.encryption.keys.is_empty() {
                keyring(&config, None)?;
            }
            config.database_url()?;
            telemetry::check(&config.log)?;
            config.mailer()?;
            say(&serde_json::to_string_pretty(&without_secrets(&config))?)
        }
        Command::Openapi => say(&http::openapi().to_pretty_json()?),
        Command::Token { command: TokenCommand::Create { principal, role, workspace, name, days } } => {
            let store = open(&config).await?;
            current(&store).await?;
            let lasts = Duration::from_hours(days * 24);
            let whose =
                Grant { principal: &principal, role, workspace: workspace.as_deref(), token_name: &name, lasts };
            say(grant(&store, &whose).await?.expose())
        }
    }
}

/// The configuration as it came to be, for people: an address may hold a password, before its host or among its parameters.
fn without_secrets(config: &Config) -> serde_json::Value {
    let mut shown = json!(config);
    if let Some(url) = hidden(&config.database.url) {
        shown["database"]["url"] = json!(url);
    }
    if let Some(url) = config.email.smtp_url.as_deref().and_then(hidden) {
        shown["email"]["smtp_url"] = json!(url);
    }
    shown
}

fn hidden(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let (rest, parameters) = rest.split_once('?').map_or((rest, ""), |(rest, _)| (rest, "?[hidden]"));
    let (who, host) = rest.rsplit_once('@').map_or(("", rest), |(_, host)| ("[hidden]@", host));
    Some(format!("{scheme}://{who}{host}{parameters}"))
}

/// Prints a result. Whoever reads only its beginning (`| head`) has what they wanted.
fn say(text: &str) -> anyhow::Result<()> {
    use std::io::{ErrorKind, Write as _};
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

async fn open(config: &Config) -> anyhow::Result<Store> {
    let url = config.database_url()?;
    Ok(Store::open(&url, config.database.max_connections, Arc::new(SystemClock)).await?)
}

/// The tables fit this version, or a sentence says what to do.
async fn current(store: &Store) -> anyhow::Result<()> {
    match store.migration_state().await? {
        MigrationState::Current => Ok(()),
        MigrationState::Behind(count) => {
            anyhow::bail!("{count} migrations are due: run orbit-server migrate, or set database.migrate_at_start")
        }
        MigrationState::Ahead => anyhow::bail!("the database belongs to a newer Orbit: run that version"),
    }
}

async fn serve_command(config: Config, dev: bool) -> anyhow::Result<()> {
    let url = config.database_url()?;
    let beside = url
        .strip_prefix("sqlite:")
        .map_or_else(|| PathBuf::from("orbit.key"), |file| PathBuf::from(format!("{file}.key")));
    let keyring = Arc::new(keyring(&config, dev.then_some(beside.as_path()))?);
    let store = open(&config).await?;
    let migrates = config.database.migrate_at_start || dev;
    if migrates && store.migration_state().await? != MigrationState::Ahead {
        store.migrate().await.context("the tables could not be migrated")?;
    }
    current(&store).await?;
    let listener = TcpListener::bind(config.server.listen)
        .await
        .with_context(|| format!("cannot listen on {}", config.server.listen))?;
    let address = listener.local_addr()?;
    let public_url = config.server.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
    let orbit = serve::Orbit::new(serve::Made {
        clusters: Arc::new(KafkaClusters::new(store.clone(), keyring.clone(), config.kafka.clone())),
        store: store.clone(),
        keyring,
        clock: Arc::new(SystemClock),
        ids: Arc::new(RandomIds),
        pace: config.pace(),
        health_every: Duration::from_secs(config.reconcile.cluster_health_seconds.max(1)),
        sweep_every: Duration::from_secs(config.reconcile.sweep_seconds.max(1)),
        post_every: Duration::from_secs(1),
        webhooks: Webhooks { outbound: Arc::new(Outbound::new(&config.outbound.allowed_hosts)?) },
        mailer: config.mailer()?,
        public_url: public_url.clone(),
        releases: config.provider.releases.clone(),
        calls: CallRate { per_second: config.server.calls_per_second, burst: config.server.call_burst },
        body_limit: config.server.body_limit_bytes,
        patience: Duration::from_secs(config.server.shutdown_seconds),
    });
    if dev {
        for (name, token) in dev_tokens(&store).await? {
            println!("token of {name}: {}", token.expose());
        }
    }
    println!("listening on {public_url}");
    tracing::info!(%address, public_url, "ready");
    orbit.run(listener, stopped()).await?;
    Ok(())
}

/// SIGTERM or Ctrl-C.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupt = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(interrupt.await),
    }
}
