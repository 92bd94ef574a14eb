//! Where the database of a test comes from, and where it goes.

use super::fresh;
use futures::FutureExt;
use jiff::SignedDuration;
use orbit_core::testing::FixedClock;
use orbit_store::{Result, Store, Tx};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, postgres::PgConnectOptions};
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    ops::Deref,
    panic::{AssertUnwindSafe, resume_unwind},
    path::Path,
    str::FromStr,
    sync::Arc,
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::error::Elapsed;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_mins(1);

/// A story that takes longer hangs, for example on a lock that nobody gives back.
const STORY_LIMIT: Duration = Duration::from_mins(1);
/// Enough for stories with several writers at once.
const CONNECTIONS: u32 = 8;
/// One process at a time makes the template.
const TEMPLATE_LOCK: i64 = 0x6f72_6269_7431;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A migrated, empty database that nobody else uses.
pub(crate) struct TestStore {
    store: Store,
    pub(crate) kind: Kind,
    /// Of which `Store::open` makes another store on the same database.
    pub(crate) url: String,
    /// The time on SQLite. PostgreSQL has its own.
    pub(crate) clock: Arc<FixedClock>,
    _folder: TempDir,
}

impl Deref for TestStore {
    type Target = Store;
    fn deref(&self) -> &Store {
        &self.store
    }
}

/// Runs a story on a fresh database, and drops that whatever comes of it.
pub(crate) fn run<F: Future<Output = ()>>(kind: Kind, story: impl FnOnce(TestStore) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let (url, folder, server) = match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("orbit.db").display());
                (url, folder, None)
            }
            Kind::Postgres => {
                let (url, server) = own_database().await;
                (url, tempfile::tempdir().unwrap(), Some(server))
            }
        };
        let clock = Arc::new(FixedClock::default());
        let opened = Store::open(&url, CONNECTIONS, clock.clone()).await.unwrap();
        if kind == Kind::Sqlite {
            opened.migrate().await.unwrap();
        }
        let test = TestStore { store: opened.clone(), kind, url, clock, _folder: folder };
        let told = tokio::time::timeout(STORY_LIMIT, AssertUnwindSafe(story(test)).catch_unwind()).await;
        if let Some(server) = server {
            // Where the story left a transaction open, the drop ends it.
            drop(tokio::time::timeout(SECOND, opened.close()).await);
            server.drop_database().await;
        }
        match told {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => resume_unwind(panic),
            Err(Elapsed { .. }) => panic!("the story did not end within {STORY_LIMIT:?}"),
        }
    });
}

/// The connection that made a database, and will drop it.
struct Server {
    admin: PgConnection,
    database: String,
}

impl Server {
    /// Best effort: the whole server is thrown away after the tests.
    async fn drop_database(mut self) {
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

async fn own_database() -> (String, Server) {
    let options = server_options();
    let mut admin = options.connect().await.unwrap();
    let template = template(&mut admin, &options).await;
    let database = format!("orbit_test_{}_{}", std::process::id(), fresh().simple());
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
    let name = format!("orbit_store_{:016x}", migrations_hash());
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut *admin).await.unwrap();
    let found = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(&name);
    if found.fetch_optional(&mut *admin).await.unwrap().is_none() {
        // It gets its name last: a template that was left half done has another.
        let draft = format!("{name}_draft");
        for statement in [format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)"), format!("CREATE DATABASE {draft}")] {
            admin.execute(AssertSqlSafe(statement)).await.unwrap();
        }
        let url = options.clone().database(&draft).to_url_lossy().to_string();
        let store = Store::open(&url, 1, Arc::new(FixedClock::default())).await.unwrap();
        store.migrate().await.unwrap();
        store.close().await;
        let statement = format!("ALTER DATABASE {draft} RENAME TO {name}");
        admin.execute(AssertSqlSafe(statement)).await.unwrap();
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(&mut *admin).await.unwrap();
    name
}

fn migrations_hash() -> u64 {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        std::fs::read(file).unwrap().hash(&mut hasher);
    }
    hasher.finish()
}

impl TestStore {
    /// Runs a story's writing in a transaction of its own, and commits.
    pub(crate) async fn write<T>(&self, deed: impl AsyncFnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        let mut tx = self.begin().await?;
        let done = deed(&mut tx).await?;
        tx.commit().await?;
        Ok(done)
    }

    /// Another store on the same database: another replica.
    pub(crate) async fn replica(&self) -> Store {
        Store::open(&self.url, CONNECTIONS, self.clock.clone()).await.unwrap()
    }

    /// Time passes: SQLite's clock moves on. PostgreSQL's cannot be moved, so everything that was to come or was noted moves back.
    pub(crate) async fn pass(&self, time: Duration) {
        match self.kind {
            Kind::Sqlite => self.clock.advance(SignedDuration::try_from(time).unwrap()),
            Kind::Postgres => {
                let micros = time.as_micros();
                for (table, columns) in [
                    ("operation", &["due_at", "lease_until", "created_at", "finished_at"][..]),
                    ("request", &["expires_at", "created_at", "decided_at"]),
                    ("idempotency", &["created_at"]),
                    ("cluster_topic_freed", &["freed_at"]),
                ] {
                    let sets: Vec<_> = columns.iter().map(|c| format!("{c} = {c} - {micros}")).collect();
                    self.raw(&format!("UPDATE {table} SET {}", sets.join(", "))).await;
                }
            }
        }
    }
}
