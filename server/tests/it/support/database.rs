//! Where the database of a test comes from, and where it goes.

use crate::support::app::TestClock;
use orbit_store::Store;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    path::Path,
    str::FromStr,
    sync::Arc,
};

/// One process at a time makes the template.
const TEMPLATE_LOCK: i64 = 0x6f72_6269_7432;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// The connection that made a database, and will drop it.
pub(super) struct Server {
    admin: PgConnection,
    database: String,
}

impl Server {
    /// Best effort: the whole server is thrown away after the tests.
    pub(super) async fn drop_database(mut self) {
        let statement = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.database);
        drop(self.admin.execute(AssertSqlSafe(statement)).await);
        drop(self.admin.close().await);
    }
}

fn server_options() -> PgConnectOptions {
    let url = std::env::var("ORBIT_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!("ORBIT_TEST_POSTGRES_URL is not set: `make test` starts a PostgreSQL for the tests and sets it")
    });
    PgConnectOptions::from_str(&url).unwrap()
}

/// A migrated, empty database on PostgreSQL that nobody else uses.
pub(super) async fn own_database(name: &str) -> (String, Server) {
    let options = server_options();
    let mut admin = options.connect().await.unwrap();
    let template = template(&mut admin, &options).await;
    let database = format!("orbit_server_test_{}_{name}", std::process::id());
    // A process of the same number may have died over its test.
    for statement in [
        format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)"),
        format!("CREATE DATABASE {database} TEMPLATE {template}"),
    ] {
        admin.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    let url = options.database(&database).to_url_lossy().to_string();
    (url, Server { admin, database })
}

/// The migrated database that all others are copies of: made once, by whoever comes first, and named by what the migrations say.
async fn template(admin: &mut PgConnection, options: &PgConnectOptions) -> String {
    let name = format!("orbit_server_{:016x}", migrations_hash());
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut *admin).await.unwrap();
    let found = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(&name);
    if found.fetch_optional(&mut *admin).await.unwrap().is_none() {
        // It gets its name last: a template that was left half done has another.
        let draft = format!("{name}_draft");
        for statement in [format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"), format!("CREATE DATABASE {draft}")] {
            admin.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        let url = options.clone().database(&draft).to_url_lossy().to_string();
        let store = Store::open(&url, 1, Arc::new(TestClock::default())).await.unwrap();
        store.migrate().await.unwrap();
        store.close().await;
        let statement = format!("ALTER DATABASE {draft} RENAME TO {name}");
        admin.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(&mut *admin).await.unwrap();
    name
}

fn migrations_hash() -> u64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/store/migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        std::fs::read(file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}
