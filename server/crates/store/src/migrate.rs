//! Migrations: pairs of the same name, one for each database, embedded in the binary. They expand, then contract.

use crate::{
    conn::{Load, Pools, Row, Store, sql},
    error::Result,
};
use sqlx::{
    Connection, SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

macro_rules! pairs { ($($version:literal $name:literal),* $(,)?) => {
    const PAIRS: &[(i64, &str, &str, &str)] = &[$((
        $version, $name,
        include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
    )),*];
} }

pairs! {
    1 "0001_people",
    2 "0002_clusters",
    3 "0003_topics",
    4 "0004_requests",
    5 "0005_audit",
    6 "0006_item_environment",
    7 "0007_cluster_names",
    8 "0008_request_needs",
    9 "0009_policy_versions",
    10 "0010_documentation",
    11 "0011_limits",
    12 "0012_policy_packs",
    13 "0013_notifications",
    14 "0014_run_links",
    15 "0015_principal_mail",
    16 "0016_superseded_by",
    17 "0017_gone_principals",
    18 "0018_attached_runs",
}

/// How far a database's tables are behind this build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// They fit.
    Current,
    /// So many migrations are due.
    Behind(usize),
    /// A newer build has migrated it.
    Ahead,
}

impl Store {
    fn migrator(&self) -> Migrator {
        let of = |&(version, name, pg, lite): &(i64, &'static str, &'static str, &'static str)| {
            let text = match self.pools {
                Pools::Postgres(_) => pg,
                Pools::Sqlite { .. } => lite,
            };
            Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
        };
        Migrator::with_migrations(PAIRS.iter().map(of).collect())
    }

    /// Brings the tables to what this build needs. Safe to run from several processes at once: both databases let one do it and the others wait.
    pub async fn migrate(&self) -> Result<()> {
        match &self.pools {
            Pools::Postgres(pool) => {
                // A connection of its own that ends with this: a migration that fails would leave its lock on it, and every other replica waiting.
                let mut conn = pool.acquire().await?.detach();
                let done = self.migrator().run_direct(None, &mut conn, false).await;
                conn.close().await?;
                done.map_err(sqlx::Error::from)?;
            }
            Pools::Sqlite { write, .. } => {
                let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
                let done = self.migrator().run_direct(None, &mut *tx, false).await;
                done.map_err(sqlx::Error::from)?;
                tx.commit().await?;
            }
        }
        Ok(())
    }

    /// How far the tables are. Only reads, so that a probe waits for no writer and needs no right to make tables.
    pub async fn migration_state(&self) -> Result<MigrationState> {
        let mut read = self.read().await?;
        let begun = read
            .sql(sql!(
                pg: "SELECT CAST(1 AS BIGINT) WHERE to_regclass('_sqlx_migrations') IS NOT NULL",
                lite: "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = '_sqlx_migrations'"
            ))
            .scalar::<i64>()
            .await?;
        if begun.is_none() {
            return Ok(MigrationState::Behind(PAIRS.len()));
        }
        let applied: Vec<Applied> = read.sql("SELECT version FROM _sqlx_migrations WHERE success").all().await?;
        let known = |version| PAIRS.iter().any(|p| p.0 == version);
        let (ours, others): (Vec<_>, Vec<_>) = applied.into_iter().partition(|a| known(a.0));
        Ok(match PAIRS.len() - ours.len() {
            _ if !others.is_empty() => MigrationState::Ahead,
            0 => MigrationState::Current,
            behind => MigrationState::Behind(behind),
        })
    }
}

struct Applied(i64);
impl Load for Applied {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self(r.get("version")?))
    }
}
