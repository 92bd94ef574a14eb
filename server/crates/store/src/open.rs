//! Opening the database.

use crate::{
    conn::{Pools, Store},
    rules::Compiled,
    saves::Saves,
};
use orbit_core::ports::Clock;
use sqlx::{
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use std::{str::FromStr, sync::Arc, time::Duration};

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address is none.
    #[error("{0}: give sqlite:FILE or postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Address(String),
    /// The database did not answer, or refused.
    #[error("the database cannot be opened: {0}")]
    Connect(#[from] sqlx::Error),
}

const BUSY: Duration = Duration::from_secs(10);
const ACQUIRE: Duration = Duration::from_secs(10);
const SQLITE_READERS: u32 = 4;
/// A replica that stands still in the midst of a transaction loses it, and what it locked with it: else nobody could take its work over. No transaction
/// of Orbit's waits for anything but the database, and this is less than the shortest lease.
const IDLE_IN_TRANSACTION: (&str, &str) = ("idle_in_transaction_session_timeout", "10s");
/// Each statement has its index. A plan that was made while a table was nearly empty reads it whole, and is kept until PostgreSQL looks at its statistics
/// again: on a new database that took a minute, in which a thousand topics made each statement a hundred times slower.
const BY_INDEX: (&str, &str) = ("enable_seqscan", "off");
/// What is compiled for a plan that seems dear takes longer than any of these statements.
const NO_COMPILER: (&str, &str) = ("jit", "off");

impl Store {
    /// Opens `sqlite:FILE` or `postgres://…`. A SQLite file that is not there is made.
    pub async fn open(url: &str, max_connections: u32, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let pools = if let Some(file) = url.strip_prefix("sqlite:") {
            open_sqlite(file.strip_prefix("//").unwrap_or(file)).await?
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options =
                PgConnectOptions::from_str(url).map_err(|_| OpenError::Address("not a PostgreSQL address".into()))?;
            let said = options.get_options().unwrap_or_default().to_owned();
            let ours =
                [IDLE_IN_TRANSACTION, BY_INDEX, NO_COMPILER].into_iter().filter(|(name, _)| !said.contains(name));
            let options = options.options(ours);
            let pool = PgPoolOptions::new().max_connections(max_connections).acquire_timeout(ACQUIRE);
            Pools::Postgres(pool.connect_with(options).await?)
        } else {
            return Err(OpenError::Address("neither a SQLite file nor a PostgreSQL address".into()));
        };
        Ok(Self { pools, clock, rules: Compiled::default(), saves: Saves::default() })
    }
}

async fn open_sqlite(file: &str) -> Result<Pools, OpenError> {
    if file.is_empty() || file == ":memory:" {
        return Err(OpenError::Address("SQLite needs a file".into()));
    }
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit that was answered survives a power failure.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY);
    let write = SqlitePoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE).connect_with(options.clone());
    let write = write.await?;
    let read = SqlitePoolOptions::new().max_connections(SQLITE_READERS).acquire_timeout(ACQUIRE);
    let read = read.connect_with(options.read_only(true).create_if_missing(false)).await?;
    Ok(Pools::Sqlite { write, read })
}
