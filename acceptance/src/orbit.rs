//! An Orbit server: a process on a port of its own, with a database of its own or a shared one. It can die and come back.

use crate::{
    process::{Process, end_of},
    setting::bin,
    wait::{BOUND, eventually, within},
};
use orbit_api::client::Client;
use std::{
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// How a server is to be set up.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Another database than an SQLite file of its own.
    pub database: Option<String>,
    /// Settings, as environment variables: `ORBIT_RUNNER__LEASE_SECONDS`.
    pub settings: Vec<(String, String)>,
    /// Folder of another server of the same database: its key is there.
    pub beside: Option<Arc<TempDir>>,
    /// Without `--dev`: the story sees to keys, tables and tokens.
    pub plain: bool,
}

/// What every server of these tests has, unless its setup says otherwise: so that takeovers and recoveries take seconds. A lease has to be so long that
/// a step, which may take not quite half of it, outlasts the 5 s after which a cluster that does not answer counts as unreachable.
const QUICK: [(&str, &str); 4] = [
    ("ORBIT_RUNNER__LEASE_SECONDS", "12"),
    ("ORBIT_RUNNER__POLL_MILLISECONDS", "200"),
    ("ORBIT_RECONCILE__CLUSTER_HEALTH_SECONDS", "1"),
    ("ORBIT_LOG__FILTER", "debug"),
];

/// A server, and its folder, which outlives its processes.
#[derive(Debug)]
pub struct Orbit {
    folder: Arc<TempDir>,
    port: u16,
    setup: Setup,
    now: Mutex<Option<Process>>,
    /// What the processes before it wrote to their logs.
    before: Mutex<String>,
    tokens: OnceLock<(String, String)>,
}

impl Orbit {
    /// A server with an SQLite file of its own.
    #[must_use]
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    /// A server that is set up so.
    #[must_use]
    pub async fn with(setup: Setup) -> Self {
        let folder = setup.beside.clone().unwrap_or_else(|| Arc::new(new_folder()));
        let orbit = Self {
            folder,
            port: free_port(),
            setup,
            now: Mutex::default(),
            before: Mutex::default(),
            tokens: OnceLock::new(),
        };
        orbit.start_again().await;
        orbit
    }

    /// Where it answers.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its folder, for another server of the same database.
    #[must_use]
    pub fn folder(&self) -> Arc<TempDir> {
        self.folder.clone()
    }

    /// What it answers to a `GET` without a token: status and body. `None` where nobody answers.
    pub async fn get(&self, path: &str) -> Option<(u16, String)> {
        let asked = async {
            let mut connection = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
            connection.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;
            let mut answer = String::new();
            connection.read_to_string(&mut answer).await?;
            io::Result::Ok(answer)
        };
        let answer = within(BOUND, path, asked).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some((status, body.to_owned()))
    }

    /// Everything that it has written to its log, over all its processes.
    #[must_use]
    pub fn log(&self) -> String {
        let now = self.now().as_ref().map(Process::log).unwrap_or_default();
        format!("{}{now}", self.before.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn now(&self) -> MutexGuard<'_, Option<Process>> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// By SIGKILL.
    pub fn kill(&self) {
        self.end(Process::kill);
    }

    /// It does nothing and notices nothing, as a machine that is paused, until [`Orbit::thaw`].
    pub fn freeze(&self) {
        self.now().as_ref().map_or_else(|| panic!("no server runs"), Process::freeze);
    }

    /// It goes on where it was.
    pub fn thaw(&self) {
        self.now().as_ref().map_or_else(|| panic!("no server runs"), Process::thaw);
    }

    /// By SIGTERM; it has to end in order.
    #[track_caller]
    pub fn stop(&self) {
        self.end(|process| assert!(process.stop(BOUND), "the server did not end by SIGTERM within {BOUND:?}"));
    }

    #[track_caller]
    fn end(&self, how: impl FnOnce(&Process)) {
        if let Some(process) = self.now().take() {
            how(&process);
            self.before.lock().unwrap_or_else(PoisonError::into_inner).push_str(&process.log());
        }
    }

    /// Starts it on the data and the port of before, and waits until it answers.
    pub async fn start_again(&self) {
        let mut command = Command::new(bin("orbit-server"));
        command.current_dir(self.folder.path()).args(["serve", "--listen"]);
        command.arg(format!("127.0.0.1:{}", self.port)).arg("--database").arg(self.database());
        if !self.setup.plain {
            command.arg("--dev");
        }
        command.envs(QUICK).envs(self.setup.settings.iter().map(|(key, value)| (key, value)));
        let name = format!("server-{}", self.port);
        let process = Process::start(command, self.folder.path(), &name)
            .unwrap_or_else(|e| panic!("the server could not be started: {e}"));
        let output = eventually("the server listens", || async {
            assert!(process.ended().is_none(), "the server ended at its start:\n{}", end_of(&process.log()));
            let output = process.output();
            output.contains("listening on").then_some(output)
        })
        .await;
        if !self.setup.plain {
            self.tokens.get_or_init(|| (token_of("admin", &output), token_of("developer", &output)));
        }
        *self.now() = Some(process);
    }

    fn database(&self) -> String {
        let own = || format!("sqlite:{}", self.folder.path().join("orbit.db").display());
        self.setup.database.clone().unwrap_or_else(own)
    }

    fn tokens(&self) -> &(String, String) {
        self.tokens.get().unwrap_or_else(|| panic!("a server that listens has printed its tokens"))
    }

    /// The platform admin's token.
    #[must_use]
    pub fn admin_token(&self) -> String {
        self.tokens().0.clone()
    }

    /// The developer's token.
    #[must_use]
    pub fn developer_token(&self) -> String {
        self.tokens().1.clone()
    }

    /// A client with this token.
    #[must_use]
    #[track_caller]
    pub fn client(&self, token: &str) -> Client {
        let built = Client::builder(self.endpoint()).token(token).run_id("acceptance").build();
        built.unwrap_or_else(|e| panic!("no client for {}: {e}", self.endpoint()))
    }

    /// A client of the platform admin's.
    #[must_use]
    #[track_caller]
    pub fn admin(&self) -> Client {
        self.client(&self.admin_token())
    }

    /// A client of the developer's.
    #[must_use]
    #[track_caller]
    pub fn developer(&self) -> Client {
        self.client(&self.developer_token())
    }
}

impl Drop for Orbit {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("---- the end of the server's log ----\n{}", end_of(&self.log()));
        }
    }
}

fn token_of(principal: &str, output: &str) -> String {
    let mark = format!("token of {principal}: ");
    let found = output.lines().find_map(|line| line.strip_prefix(&mark));
    found.unwrap_or_else(|| panic!("no {mark:?} in: {output}")).trim().to_owned()
}

/// A folder that goes with its last user.
pub(crate) fn new_folder() -> TempDir {
    tempfile::tempdir().unwrap_or_else(|e| panic!("no temporary folder: {e}"))
}

/// Writes a file.
pub(crate) fn write(path: &Path, text: &str) {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(path, text));
    written.unwrap_or_else(|e: io::Error| panic!("{} cannot be written: {e}", path.display()));
}

/// A free port below those that the kernel gives to outgoing connections: it stays free while its owner is down.
pub(crate) fn free_port() -> u16 {
    const FIRST: u16 = 15_000;
    const COUNT: u64 = 17_000;
    for _ in 0..1_000 {
        let digits = crate::setting::fresh();
        let random = u64::from_str_radix(&digits[1..], 16).unwrap_or_default() % COUNT;
        let port = FIRST + u16::try_from(random).unwrap_or_default();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port of 127.0.0.1 was found");
}

/// How long a server may take for what takes it milliseconds.
pub(crate) const SOON: Duration = Duration::from_secs(10);
