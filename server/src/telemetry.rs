//! The log: on stderr, for people or as JSON.

use crate::config::{Log, LogFormat};
use tracing_subscriber::{EnvFilter, fmt, util::TryInitError};

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter is none.
    #[error("log.filter: {0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// Somebody else logs already.
    #[error("log: {0}")]
    Taken(#[from] TryInitError),
}

/// Whether the log could begin.
pub fn check(log: &Log) -> Result<(), LogError> {
    EnvFilter::try_new(&log.filter)?;
    Ok(())
}

/// Begins to log.
pub fn init(log: &Log) -> Result<(), LogError> {
    use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};
    let registry = tracing_subscriber::registry().with(EnvFilter::try_new(&log.filter)?);
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(true);
    match log.format {
        LogFormat::Human => registry.with(lines.with_ansi(false)).try_init()?,
        LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init()?,
    }
    Ok(())
}
