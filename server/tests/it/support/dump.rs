//! Everything that the database holds, as text: to see that nothing changed, or that something is nowhere.

use super::{Kind, TestApp};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, Executor, Row, postgres::PgConnectOptions, sqlite::SqliteConnectOptions,
};
use std::{collections::BTreeMap, str::FromStr};

/// Rows of each table, as text, sorted.
pub(crate) type Dump = BTreeMap<String, Vec<String>>;

impl TestApp {
    /// All tables whole.
    pub(crate) async fn dump(&self) -> Dump {
        match self.kind {
            Kind::Sqlite => dump_sqlite(&self.database_url).await,
            Kind::Postgres => dump_postgres(&self.database_url).await,
        }
    }

    /// All tables but the audit trail, and without what notes the use of tokens: what a refused call must leave as it was. Once what is on its way to
    /// people has gone there.
    pub(crate) async fn dump_of_work(&self) -> Dump {
        super::until("nothing is on its way", async || {
            self.texts("SELECT kind FROM outbox WHERE ended_at IS NULL").await.is_empty().then_some(())
        })
        .await;
        let mut dump = self.dump().await;
        dump.retain(|table, _| !matches!(table.as_str(), "audit_event" | "token"));
        dump
    }

    /// Actions of the audit trail about an object, oldest first.
    pub(crate) async fn audit_of(&self, object_key: &str) -> Vec<String> {
        let query = format!("SELECT action FROM audit_event WHERE object_key = '{object_key}' ORDER BY id");
        self.texts(&query).await
    }

    /// The first column of a query that both databases know.
    pub(crate) async fn texts(&self, query: &str) -> Vec<String> {
        let query = AssertSqlSafe(query);
        match self.kind {
            Kind::Sqlite => {
                let mut conn = sqlite(&self.database_url).connect().await.unwrap();
                let rows = conn.fetch_all(query).await.unwrap();
                conn.close().await.unwrap();
                rows.iter().map(|r| r.try_get(0).unwrap()).collect()
            }
            Kind::Postgres => {
                let mut conn = PgConnectOptions::from_str(&self.database_url).unwrap().connect().await.unwrap();
                let rows = conn.fetch_all(query).await.unwrap();
                conn.close().await.unwrap();
                rows.iter().map(|r| r.try_get(0).unwrap()).collect()
            }
        }
    }

    /// A statement past the store that both databases know.
    pub(crate) async fn raw(&self, statement: &str) {
        let statement = AssertSqlSafe(statement);
        match self.kind {
            Kind::Sqlite => {
                let mut conn = sqlite(&self.database_url).connect().await.unwrap();
                conn.execute(statement).await.unwrap();
                conn.close().await.unwrap();
            }
            Kind::Postgres => {
                let mut conn = PgConnectOptions::from_str(&self.database_url).unwrap().connect().await.unwrap();
                conn.execute(statement).await.unwrap();
                conn.close().await.unwrap();
            }
        }
    }
}

fn sqlite(url: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new().filename(url.strip_prefix("sqlite:").unwrap()).create_if_missing(false)
}

async fn dump_sqlite(url: &str) -> Dump {
    let mut conn = sqlite(url).connect().await.unwrap();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name";
    let mut dump = Dump::new();
    for table in conn.fetch_all(tables).await.unwrap() {
        let table: String = table.try_get(0).unwrap();
        let shape =
            conn.fetch_all(AssertSqlSafe(format!("SELECT name FROM pragma_table_info('{table}')"))).await.unwrap();
        let columns: Vec<String> =
            shape.iter().map(|r| format!("quote({})", r.try_get::<String, _>(0).unwrap())).collect();
        let all = format!("SELECT {} FROM {table} ORDER BY 1", columns.join(" || '|' || "));
        let rows = conn.fetch_all(AssertSqlSafe(all)).await.unwrap();
        dump.insert(table, rows.iter().map(|r| r.try_get(0).unwrap()).collect());
    }
    conn.close().await.unwrap();
    dump
}

async fn dump_postgres(url: &str) -> Dump {
    let mut conn = PgConnectOptions::from_str(url).unwrap().connect().await.unwrap();
    let tables = "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1";
    let mut dump = Dump::new();
    for table in conn.fetch_all(tables).await.unwrap() {
        let table: String = table.try_get(0).unwrap();
        let all = format!("SELECT t::text FROM {table} t ORDER BY 1");
        let rows = conn.fetch_all(AssertSqlSafe(all)).await.unwrap();
        dump.insert(table, rows.iter().map(|r| r.try_get(0).unwrap()).collect());
    }
    conn.close().await.unwrap();
    dump
}
