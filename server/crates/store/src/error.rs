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

/// What a store function answers.
pub type Result<T> = std::result::Result<T, StoreError>;
