//! A database of a test's own, on the PostgreSQL of the run.

use crate::setting::{fresh, setting};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// A database that nobody else uses. It is dropped with the server of the run.
#[derive(Debug)]
pub struct Database {
    /// Its address.
    pub url: String,
}

impl Database {
    /// A new, empty one.
    #[must_use]
    pub async fn new() -> Self {
        let (server, name) = (setting("ORBIT_TEST_POSTGRES_URL"), format!("acceptance_{}", fresh()));
        let made = async {
            let mut connection = PgConnection::connect(&server).await?;
            connection.execute(AssertSqlSafe(format!("create database {name}"))).await?;
            connection.close().await
        };
        made.await.unwrap_or_else(|e: sqlx::Error| panic!("no database could be made on PostgreSQL: {e}"));
        let (address, _) =
            server.rsplit_once('/').unwrap_or_else(|| panic!("ORBIT_TEST_POSTGRES_URL names no database at its end"));
        Self { url: format!("{address}/{name}") }
    }
}
