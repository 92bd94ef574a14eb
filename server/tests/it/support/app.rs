//! The server under test: the real one on a free port, its clusters fake, its clock movable.

use super::{
    BOUND, Kind, Person,
    broker::{Broker, Brokers, TestClusters},
    database::{Server, own_database},
    until,
};
use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use orbit_core::{id::Ids, ports::Clock, secret::Secret};
use orbit_server::{
    app::App,
    auth::{permission::Role, throttle::CallRate},
    dev::{Grant, grant},
    notify::{Outbound, Webhooks},
    runner::Pace,
    serve::{Made, Orbit},
    system::{RandomIds, SystemClock},
};
use orbit_store::{ClusterRow, Keyring, Store};
use serde_json::json;
use std::{
    num::NonZeroU32,
    ops::Deref,
    panic::{AssertUnwindSafe, resume_unwind},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, runtime::Runtime, task::JoinHandle, time::error::Elapsed};
use tokio_util::sync::CancellationToken;

/// A story that takes longer hangs, for example on a lock that nobody gives back.
const STORY_LIMIT: Duration = Duration::from_secs(100);
const CONNECTIONS: u32 = 12;
/// The address of the cluster that every story begins with.
pub(crate) const MAIN: &str = "main.test:9092";

/// The machine's clock, and how far a story has moved it. It is the database's on SQLite.
#[derive(Default)]
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let moved = SignedDuration::from_secs(self.0.load(Ordering::Relaxed));
        SystemClock.now().checked_add(moved).unwrap()
    }
}

/// What a story makes otherwise on a server.
pub(crate) type Tweak<'a> = &'a dyn Fn(&mut Made);

/// One server on the story's database.
pub(crate) struct Running {
    /// Where it listens.
    pub(crate) url: String,
    /// Its use cases, for what no call can do.
    pub(crate) app: App,
    stop: CancellationToken,
    ended: Option<JoinHandle<std::io::Result<()>>>,
    runtime: Option<Runtime>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Running {
    /// Tells it to go down. It may take its time.
    pub(crate) fn tell_to_stop(&self) {
        self.stop.cancel();
    }
    /// Waits until it is down.
    pub(crate) async fn down(mut self) {
        let ended = self.ended.take().expect("a server goes down once");
        tokio::time::timeout(BOUND, ended).await.expect("the server goes down").unwrap().unwrap();
    }
    /// Goes down in order.
    pub(crate) async fn stop(self) {
        self.tell_to_stop();
        self.down().await;
    }
    /// It dies at this instant, as by kill -9: what is under way ends where it is, nothing is saved any more, no lease is given up.
    pub(crate) fn die(self) {
        drop(self);
    }
}

/// A server with a world around it: cluster `main`, environments `dev` and `prod` on it, workspace `payments`, and policy `platform`, which allows at
/// most 50 partitions and asks for approval in `prod`.
pub(crate) struct TestApp {
    pub(crate) kind: Kind,
    pub(crate) database_url: String,
    /// The brokers that addresses lead to.
    pub(crate) brokers: Brokers,
    /// The database, past the server.
    pub(crate) store: Store,
    pub(crate) http: reqwest::Client,
    clock: Arc<TestClock>,
    keyring: Arc<Keyring>,
    running: Running,
    admin: String,
    folder: TempDir,
}

impl Deref for TestApp {
    type Target = Running;
    fn deref(&self) -> &Running {
        &self.running
    }
}

/// Runs a story on a fresh database, and drops that whatever comes of it. `ORBIT_TEST_LOG=warn` shows the servers' log of a story that fails.
pub(crate) fn run<F: Future<Output = ()>>(kind: Kind, story: impl FnOnce(TestApp) -> F) {
    if let Ok(filter) = std::env::var("ORBIT_TEST_LOG") {
        drop(tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (url, server) = match kind {
            Kind::Sqlite => (format!("sqlite:{}", folder.path().join("orbit.db").display()), None),
            Kind::Postgres => {
                let (url, server) = own_database(&RandomIds.fresh().simple().to_string()).await;
                (url, Some(server))
            }
        };
        let telling = async { story(TestApp::start(kind, url, folder).await).await };
        let told = tokio::time::timeout(STORY_LIMIT, AssertUnwindSafe(telling).catch_unwind()).await;
        if let Some(server) = server {
            Server::drop_database(server).await;
        }
        match told {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => resume_unwind(panic),
            Err(Elapsed { .. }) => panic!("the story did not end within {STORY_LIMIT:?}"),
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
}

impl TestApp {
    async fn start(kind: Kind, database_url: String, folder: TempDir) -> Self {
        let clock = Arc::new(TestClock::default());
        let store = Store::open(&database_url, CONNECTIONS, clock.clone()).await.unwrap();
        if kind == Kind::Sqlite {
            store.migrate().await.unwrap();
        }
        let keyring = Arc::new(Keyring::new([("test".to_owned(), vec![7; 32])]).unwrap());
        let brokers = Brokers::default();
        let running = serve(&database_url, &keyring, &brokers, &clock, &|_| {}).await;
        let root = Grant {
            principal: "root",
            role: Some(Role::PlatformAdmin),
            workspace: None,
            token_name: "test",
            lasts: Duration::from_hours(1),
        };
        let admin = grant(&store, &root).await.unwrap().expose().to_owned();
        let http = reqwest::Client::builder().no_proxy().timeout(BOUND).build().unwrap();
        let orbit = Self { kind, database_url, brokers, store, http, clock, keyring, running, admin, folder };
        orbit.furnish().await;
        orbit
    }

    async fn furnish(&self) {
        let root = self.root();
        self.brokers.at(MAIN);
        root.register("main", MAIN).await.created();
        for environment in ["dev", "prod"] {
            root.post("/v1/environments", json!({ "slug": environment })).await.created();
            let mapping = json!({ "environment": environment, "cluster": "main" });
            root.post("/v1/environment-mappings", mapping).await.created();
        }
        root.post("/v1/workspaces", json!({ "slug": "payments" })).await.created();
        let policy = json!({
            "name": "platform", "scope": "platform", "partition_limits": { "min": 1, "max": 50 },
            "require_approval_for": ["prod"], "require_deletion_approval_for": ["prod"],
        });
        root.post("/v1/topic-policies", policy).await.created();
        // Registering asks for a first look: its writes must not come in the middle of a story.
        until("the cluster is looked at", async || self.cluster("main").await.topics_seen_at).await;
    }

    /// The cluster that every story begins with.
    pub(crate) fn main(&self) -> Broker {
        self.brokers.at(MAIN)
    }

    /// A platform admin.
    pub(crate) fn root(&self) -> Person {
        Person::new(&self.admin, self)
    }
    /// A member of `payments`.
    pub(crate) async fn dev(&self) -> Person {
        self.person("dev", Role::Member, "payments").await
    }
    /// Somebody with a role in a workspace.
    pub(crate) async fn person(&self, name: &str, role: Role, workspace: &str) -> Person {
        self.somebody(name, Some(role), Some(workspace), Duration::from_hours(1)).await
    }
    /// Somebody without any role; a second call is another token of theirs.
    pub(crate) async fn stranger(&self, name: &str) -> Person {
        self.somebody(name, None, None, Duration::from_hours(1)).await
    }
    pub(crate) async fn somebody(
        &self,
        name: &str,
        role: Option<Role>,
        workspace: Option<&str>,
        lasts: Duration,
    ) -> Person {
        let asked = Grant { principal: name, role, workspace, token_name: "test", lasts };
        let token: Secret = grant(&self.store, &asked).await.unwrap();
        Person::new(token.expose(), self)
    }

    /// Time passes. Only on SQLite: PostgreSQL has its own.
    pub(crate) fn pass(&self, time: Duration) {
        assert_eq!(self.kind, Kind::Sqlite, "the time of PostgreSQL cannot be moved");
        self.clock.0.fetch_add(i64::try_from(time.as_secs()).unwrap(), Ordering::Relaxed);
    }

    /// The database's own files, where it has any: SQLite's, with its write-ahead log.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let files: Vec<_> = std::fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.is_empty(), self.kind == Kind::Postgres);
        files
    }

    /// A word that no other story has.
    pub(crate) fn unique(&self) -> String {
        self.folder.path().file_name().unwrap().to_string_lossy().replace('.', "").to_lowercase()
    }

    /// A registered cluster, as the database has it.
    pub(crate) async fn cluster(&self, slug: &str) -> ClusterRow {
        self.store.read().await.unwrap().cluster_by_slug(slug).await.unwrap().unwrap()
    }
    /// Has the health reconciler look at a cluster, and waits until it has seen something new.
    pub(crate) async fn looked_at(&self, slug: &str) {
        let stamp = |c: &ClusterRow| (c.topics_seen_at, c.reachable, c.validation_status.clone());
        let before = self.cluster(slug).await;
        self.app.runner.look_at(before.id);
        until("the cluster is looked at", async || (stamp(&self.cluster(slug).await) != stamp(&before)).then_some(()))
            .await;
    }

    /// Another server on the same database.
    pub(crate) async fn replica(&self, tweak: Tweak<'_>) -> Running {
        serve(&self.database_url, &self.keyring, &self.brokers, &self.clock, tweak).await
    }
    /// Another server in place of this one, which is handed back, still running.
    pub(crate) async fn replaced(&mut self, tweak: Tweak<'_>) -> Running {
        let next = self.replica(tweak).await;
        std::mem::replace(&mut self.running, next)
    }
}

/// A server in a runtime of its own, so that it can die whole.
async fn serve(
    database_url: &str,
    keyring: &Arc<Keyring>,
    brokers: &Brokers,
    clock: &Arc<TestClock>,
    tweak: Tweak<'_>,
) -> Running {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (address, at) = (database_url.to_owned(), clock.clone());
    let opened = runtime.spawn(async move {
        let store = Store::open(&address, CONNECTIONS, at).await.unwrap();
        (store, TcpListener::bind("127.0.0.1:0").await.unwrap())
    });
    let (store, listener) = opened.await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let lease = Duration::from_secs(10);
    let mut made = Made {
        store: store.clone(),
        clusters: Arc::new(TestClusters { store, keyring: keyring.clone(), brokers: brokers.clone() }),
        keyring: keyring.clone(),
        clock: clock.clone(),
        ids: Arc::new(RandomIds),
        pace: Pace { lease, step: lease * 9 / 20, poll: Duration::from_millis(100), concurrency: 16 },
        health_every: Duration::from_hours(1),
        sweep_every: Duration::from_millis(100),
        post_every: Duration::from_millis(100),
        webhooks: Webhooks { outbound: Arc::new(Outbound::new(&[]).unwrap()) },
        mailer: None,
        public_url: url.clone(),
        releases: None,
        calls: CallRate { per_second: NonZeroU32::new(100_000).unwrap(), burst: NonZeroU32::new(100_000).unwrap() },
        body_limit: 64 << 10,
        patience: Duration::from_secs(10),
    };
    tweak(&mut made);
    let orbit = Orbit::new(made);
    let (app, stop) = (orbit.app.clone(), CancellationToken::new());
    let told = stop.clone();
    let ended = runtime.spawn(orbit.run(listener, async move { told.cancelled().await }));
    Running { url, app, stop, ended: Some(ended), runtime: Some(runtime) }
}
