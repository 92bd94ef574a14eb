//! Statements past the store, for what a story needs and the store rightly does not offer.

use super::{Kind, TestStore};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, Row, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use std::str::FromStr;

impl TestStore {
    fn sqlite_file(&self) -> SqliteConnectOptions {
        let file = self.url.strip_prefix("sqlite:").unwrap();
        SqliteConnectOptions::new().filename(file).create_if_missing(false)
    }

    /// Runs a statement that both databases know, and answers how many rows it touched.
    pub(crate) async fn raw(&self, statement: &str) -> u64 {
        let statement = AssertSqlSafe(statement);
        match self.kind {
            Kind::Sqlite => {
                let mut conn = self.sqlite_file().connect().await.unwrap();
                let done = conn.execute(statement).await.unwrap().rows_affected();
                conn.close().await.unwrap();
                done
            }
            Kind::Postgres => {
                let mut conn = PgConnectOptions::from_str(&self.url).unwrap().connect().await.unwrap();
                let done = conn.execute(statement).await.unwrap().rows_affected();
                conn.close().await.unwrap();
                done
            }
        }
    }

    /// An id as a literal of the database.
    pub(crate) fn literal(&self, id: uuid::Uuid) -> String {
        match self.kind {
            Kind::Sqlite => format!("x'{}'", id.simple()),
            Kind::Postgres => format!("'{id}'"),
        }
    }

    /// A query past the store: each row's column `at`, as text.
    pub(crate) async fn raw_texts(&self, query: &str, at: usize) -> Vec<String> {
        let query = AssertSqlSafe(query);
        match self.kind {
            Kind::Sqlite => {
                let mut conn = self.sqlite_file().connect().await.unwrap();
                let rows = conn.fetch_all(query).await.unwrap();
                rows.iter().map(|r| r.try_get(at).unwrap()).collect()
            }
            Kind::Postgres => {
                let mut conn = PgConnectOptions::from_str(&self.url).unwrap().connect().await.unwrap();
                let rows = conn.fetch_all(query).await.unwrap();
                rows.iter().map(|r| r.try_get(at).unwrap()).collect()
            }
        }
    }

    /// How many rows a table has that fit.
    pub(crate) async fn count(&self, table: &str, condition: &str) -> usize {
        let query = format!("SELECT CAST(1 AS TEXT) FROM {table} WHERE {condition}");
        self.raw_texts(&query, 0).await.len()
    }
}
