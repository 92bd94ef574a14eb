//! PostgreSQL: a database of a test's own on the server of the run, or a server of its own, which can go down. A test can hold back the saves of steps.

use crate::{
    Cuts,
    orbit::new_folder,
    setting::{fresh, repository, setting},
    wait::eventually,
};
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use std::{
    fs::{self, Permissions},
    io,
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
};
use tempfile::TempDir;

/// A database that nobody else uses.
#[derive(Debug)]
pub struct Database {
    /// Its address.
    pub url: String,
    /// The server, where it is a test's own.
    own: Option<Server>,
}

impl Database {
    /// A new, empty one on the server of the run, with which it goes.
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
        Self { url: format!("{address}/{name}"), own: None }
    }

    /// On a server of one's own, which ends with the test. What it has committed survives its crash.
    #[must_use]
    #[track_caller]
    pub fn on_own_server() -> Self {
        let folder = new_folder();
        // Where we are root, the server runs as another user.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))
            .unwrap_or_else(|e| panic!("the folder of PostgreSQL cannot be opened to it: {e}"));
        let server = Server(folder);
        let said = server.command("start", &["synchronous_commit=on"]);
        let url = said.lines().find_map(|line| line.strip_prefix("POSTGRES_URL="));
        let url = url.unwrap_or_else(|| panic!("postgres.sh did not say its address: {said}")).to_owned();
        Self { url, own: Some(server) }
    }

    /// The same database, for a server that goes to it through a network that can be cut.
    #[must_use]
    #[track_caller]
    pub fn url_behind(&self, network: &Cuts) -> String {
        let (before, name) = self.url.rsplit_once('/').unwrap_or_else(|| panic!("{} names no database", self.url));
        let (before, port) = before.rsplit_once(':').unwrap_or_else(|| panic!("{} names no port", self.url));
        network.leads_to(port.parse().unwrap_or_else(|e| panic!("{port} is no port: {e}")));
        format!("{before}:{}/{name}", network.port())
    }

    /// A crash.
    #[track_caller]
    pub fn kill(&self) {
        self.server().command("kill", &[]);
    }

    /// The same data, the same port.
    #[track_caller]
    pub fn start_again(&self) {
        self.server().command("start", &[]);
    }

    #[track_caller]
    fn server(&self) -> &Server {
        self.own.as_ref().unwrap_or_else(|| panic!("the server of the run stays as it is"))
    }

    /// Runs statements, as an operator would in `psql`.
    #[track_caller]
    pub fn run(&self, statements: impl Into<String>) -> impl Future<Output = ()> {
        let (url, statements) = (self.url.clone(), statements.into());
        async move {
            let ran = async {
                let mut connection = PgConnection::connect(&url).await?;
                sqlx::raw_sql(AssertSqlSafe(statements.clone())).execute(&mut connection).await?;
                connection.close().await
            };
            ran.await.unwrap_or_else(|e: sqlx::Error| panic!("{statements}: {e}"));
        }
    }

    /// The texts that a query answers, in one column.
    pub async fn texts(&self, query: &str) -> Vec<String> {
        let asked = async {
            let mut connection = PgConnection::connect(&self.url).await?;
            sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(&mut connection).await
        };
        asked.await.unwrap_or_else(|e: sqlx::Error| panic!("{query}: {e}"))
    }

    /// What the journal says of the operations that are not over: `TOPIC STEP`, the topic by its name on the cluster, the step the one that is due.
    pub async fn due_steps(&self) -> Vec<String> {
        let (topic, step) = (topic_of("o"), step_of("o"));
        self.texts(&format!(
            "SELECT concat({topic}, ' ', {step}) FROM operation o WHERE finished_at IS NULL ORDER BY 1"
        ))
        .await
    }

    /// From now on these steps are done and not saved, each given by a topic's name on the cluster and its own: who wants to save one waits, in the midst
    /// of its transaction, until this lets go.
    pub async fn hold_back(&self, steps: &[(String, &str)]) -> HeldBack<'_> {
        self.run(held_back(steps)).await;
        let holding = async {
            let mut connection = PgConnection::connect(&self.url).await?;
            connection.execute("SELECT pg_advisory_lock(1)").await?;
            Ok(connection)
        };
        let connection = holding.await.unwrap_or_else(|e: sqlx::Error| panic!("the saves cannot be held back: {e}"));
        HeldBack { database: self, connection, count: steps.len() }
    }
}

/// A server of a test's own, in its folder.
#[derive(Debug)]
struct Server(TempDir);

impl Server {
    #[track_caller]
    fn command(&self, deed: &str, more: &[&str]) -> String {
        let output = self.script(deed, more).unwrap_or_else(|e| panic!("postgres.sh cannot be run: {e}"));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "postgres.sh {deed}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    fn script(&self, deed: &str, more: &[&str]) -> io::Result<Output> {
        Command::new(repository().join("scripts/postgres.sh")).arg(deed).arg(self.0.path()).args(more).output()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The test may be failing already: a second failure is no news.
        let _ = self.script("kill", &[]);
    }
}

/// The name on the cluster of the topic that a row of `operation` is about.
fn topic_of(row: &str) -> String {
    format!("{row}.saga #>> '{{pieces,0,state,target,name}}'")
}

/// The step that is due by such a row.
fn step_of(row: &str) -> String {
    format!("{row}.saga #>> ARRAY['steps', {row}.saga ->> 'at', 'step', 'step']")
}

/// A save that leads on to the next step waits for a lock that the test holds. Those who wait do not wait for each other.
fn held_back(steps: &[(String, &str)]) -> String {
    let values: Vec<_> = steps.iter().map(|(topic, step)| format!("('{topic}', '{step}')")).collect();
    format!(
        "CREATE SCHEMA story;
        CREATE TABLE story.held_back AS SELECT * FROM (VALUES {}) AS given (topic, step);
        CREATE FUNCTION story.hold_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF OLD.saga -> 'at' <> NEW.saga -> 'at'
                AND EXISTS (SELECT 1 FROM story.held_back WHERE topic = {} AND step = {}) THEN
                PERFORM pg_advisory_xact_lock_shared(1);
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER hold_back BEFORE UPDATE ON operation FOR EACH ROW EXECUTE FUNCTION story.hold_back()",
        values.join(", "),
        topic_of("OLD"),
        step_of("OLD"),
    )
}

/// Saves that wait. They go on when this is let go, or its server dies.
#[derive(Debug)]
pub struct HeldBack<'d> {
    database: &'d Database,
    connection: PgConnection,
    count: usize,
}

const WAITING: &str = "SELECT count(*)::text FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database \
                       WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()";

impl HeldBack<'_> {
    /// Waits until every one of these steps is done and waits to be saved.
    pub async fn reached(&self) {
        let wanted = self.count.to_string();
        eventually("the steps wait to be saved", || async {
            (self.database.texts(WAITING).await == [wanted.as_str()]).then_some(())
        })
        .await;
    }

    /// The saves go on, where anybody still waits for them.
    pub async fn let_go(self) {
        self.connection.close().await.unwrap_or_else(|e| panic!("the lock is not given back: {e}"));
    }
}
