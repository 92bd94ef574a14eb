//! Why the database did not do it.

/// Why a store function failed. What a user can mend is an answer of the function, never one of these.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A statement touched another number of rows than it must.
    #[error("{wrote} rows where {expected} were due: {sql}")]
    Rows {
        /// The statement.
        sql: &'static str,
        /// How many were due.
        expected: u64,
        /// How many it touched.
        wrote: u64,
    },
    /// A column holds what Orbit never wrote there.
    #[error("column {column} holds what cannot be read: {why}")]
    Column {
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// A secret could not be sealed or opened.
    #[error(transparent)]
    Keyring(#[from] crate::KeyringError),
    /// A change of an object's record that its state machine does not know.
    #[error(transparent)]
    Transition(#[from] orbit_core::model::topic::IllegalTransition),
    /// The database said no.
    #[error(transparent)]
    Sqlx(#[from] sqlx::Error),
}

impl StoreError {
    /// Whether the same may work in a moment: the database is away, changes over, or is too busy. Nothing was written.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Sqlx(error) => is_passing(error),
            _ => false,
        }
    }
}

fn is_passing(error: &sqlx::Error) -> bool {
    /// SQLite's `SQLITE_BUSY` and `SQLITE_LOCKED`, the low byte of its extended codes.
    const LITE: [u32; 2] = [5, 6];
    /// PostgreSQL's, whole or the class: connection exceptions, going down or starting, too many connections, a standby that does not write (yet),
    /// and transactions that got into each other's way.
    const PG: [&str; 6] = ["08", "57P0", "53300", "25006", "40001", "40P01"];
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| match code.parse::<u32>() {
            Ok(number) if code.len() < 5 => LITE.contains(&(number & 0xff)),
            _ => PG.iter().any(|begin| code.starts_with(begin)),
        }),
        _ => false,
    }
}

/// What a store function answers.
pub type Result<T> = std::result::Result<T, StoreError>;
