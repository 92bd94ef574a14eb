//! A real Kafka, seen as a platform team (the super user) and as Orbit.

use orbit_core::{
    model::cluster::{Connection, Credentials, SaslMechanism, SecurityProtocol},
    name::PhysicalName,
    ports::{ConfigChange, KafkaAdmin, KafkaError, KafkaErrorKind, KafkaTopicId, NewTopic, TopicDescription, TopicRef},
    secret::Secret,
};
use orbit_kafka::KafkaCluster;
use rdkafka::{
    ClientConfig,
    producer::{FutureProducer, FutureRecord},
};
use std::{collections::BTreeMap, env, process::Command, time::Duration};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long a condition may take to come true.
const BOUND: Duration = Duration::from_secs(20);

#[track_caller]
fn setting(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: these tests need a real Kafka; `make test` starts one and sets it")
    })
}

pub(crate) struct Kafka {
    pub(crate) orbit: KafkaCluster,
    prefix: String,
}

impl Kafka {
    /// Orbit's own client, and a prefix that no other test has.
    #[track_caller]
    #[expect(
        clippy::disallowed_methods,
        reason = "no other test, and no other run on the same cluster, may have the prefix"
    )]
    pub(crate) fn new() -> Self {
        let (connection, credentials) = as_orbit();
        let orbit = KafkaCluster::connect(&connection, &credentials).unwrap();
        Self { orbit, prefix: format!("it.{}.", uuid::Uuid::now_v7().simple()) }
    }
    pub(crate) fn name(&self, name: &str) -> PhysicalName {
        format!("{}{name}", self.prefix).parse().unwrap()
    }
    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }
    pub(crate) fn topic(&self, name: &str) -> NewTopic {
        NewTopic { name: self.name(name), partitions: Some(3), replication_factor: Some(1), configs: BTreeMap::new() }
    }
    pub(crate) async fn create(&self, topic: NewTopic) -> Result<KafkaTopicId, KafkaError> {
        only(self.orbit.topics_create(&[topic]).await)
    }
    /// Looks again where brokers disagree, as callers do.
    pub(crate) async fn describe(&self, name: &PhysicalName) -> Option<TopicDescription> {
        let describe = async || only(self.orbit.topics_describe(std::slice::from_ref(name)).await);
        eventually_ok("the topic is described", describe).await
    }
    pub(crate) async fn change(
        &self,
        name: &PhysicalName,
        set: &[(&str, &str)],
        unset: &[&str],
    ) -> Result<(), KafkaError> {
        let unset = unset.iter().map(|key| (*key).to_owned()).collect();
        only(self.orbit.configs_change(&[ConfigChange { name: name.clone(), set: configs(set), unset }]).await)
    }
    /// Waits until the topic's own settings are these: brokers follow the controller.
    pub(crate) async fn settings_become(&self, name: &PhysicalName, wanted: &[(&str, &str)]) {
        let wanted = configs(wanted);
        eventually("the settings are as wanted", async || {
            self.describe(name).await.is_some_and(|t| t.configs == wanted)
        })
        .await;
    }
    pub(crate) async fn delete(&self, name: &PhysicalName, id: KafkaTopicId) -> Result<(), KafkaError> {
        only(self.orbit.topics_delete(&[TopicRef { name: name.clone(), id }]).await)
    }
    /// Creates a topic of this name that is no other test's.
    pub(crate) async fn made(&self, name: &str) -> TopicRef {
        let id = self.create(self.topic(name)).await.unwrap();
        TopicRef { name: self.name(name), id }
    }
}

/// An id that no topic has.
pub(crate) const NO_ID: KafkaTopicId = KafkaTopicId::from_uuid(uuid::Uuid::from_u128(1 << 100 | 7));

/// The answer to the only item of a bulk call.
#[track_caller]
pub(crate) fn only<T>(bulk: Result<Vec<Result<T, KafkaError>>, KafkaError>) -> Result<T, KafkaError> {
    let mut items = bulk?;
    assert_eq!(items.len(), 1, "one item was asked");
    items.remove(0)
}

pub(crate) fn configs(of: &[(&str, &str)]) -> BTreeMap<String, String> {
    of.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// How Orbit connects: SCRAM, with all rights.
#[track_caller]
pub(crate) fn as_orbit() -> (Connection, Credentials) {
    as_user(&setting("ORBIT_TEST_KAFKA_USER"), &setting("ORBIT_TEST_KAFKA_PASSWORD"))
}

#[track_caller]
pub(crate) fn as_user(user: &str, password: &str) -> (Connection, Credentials) {
    let connection = Connection {
        bootstrap_servers: vec![setting("ORBIT_TEST_KAFKA_BOOTSTRAP")],
        security_protocol: SecurityProtocol::SaslPlaintext,
        sasl_mechanism: Some(SaslMechanism::ScramSha512),
        sasl_username: Some(user.to_owned()),
        ca_certificate_pem: None,
        client_certificate_pem: None,
    };
    (connection, Credentials { sasl_password: Some(Secret::new(password)), client_key_pem: None })
}

/// A connection without any security.
pub(crate) fn plaintext(server: &str) -> Connection {
    Connection {
        bootstrap_servers: vec![server.to_owned()],
        security_protocol: SecurityProtocol::Plaintext,
        sasl_mechanism: None,
        sasl_username: None,
        ca_certificate_pem: None,
        client_certificate_pem: None,
    }
}

/// The listener without any security, where everybody may do everything.
#[track_caller]
pub(crate) fn internal_listener() -> String {
    setting("ORBIT_TEST_KAFKA_INTERNAL")
}

/// Writes one record, as the super user.
pub(crate) async fn produce(topic: &PhysicalName) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", internal_listener());
    let producer: FutureProducer = config.create().unwrap();
    let record = FutureRecord::<(), str>::to(topic.as_str()).payload("a record");
    producer.send(record, BOUND).await.unwrap();
}

/// Runs one of Kafka's own command line tools, as the super user.
#[track_caller]
pub(crate) fn kafka_tool(class: &str, args: &[&str]) {
    let server = internal_listener();
    kafka_script(&[&["cli", class, "--bootstrap-server", &server], args].concat());
}

/// Runs the script beside Kafka's programs, and answers what it prints.
#[track_caller]
fn kafka_script(args: &[&str]) -> String {
    let script = format!("{}/kafka.sh", setting("ORBIT_TEST_KAFKA_HOME"));
    let output = Command::new(script).args(args).output().expect("the script is there and can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{args:?}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// A broker of a test's own, to be crashed. It ends with the test.
pub(crate) struct OwnKafka {
    folder: TempDir,
    /// Its listener without any security.
    pub(crate) internal: String,
    /// Its listener for clients.
    pub(crate) client: String,
}

impl OwnKafka {
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }
    /// With these settings of the broker, each as `key=value`.
    #[track_caller]
    pub(crate) fn start_with(settings: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut args = vec!["start", folder.path().to_str().unwrap()];
        args.extend(settings);
        let said = kafka_script(&args);
        let told = |name: &str| said.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        Self { folder, internal: told("KAFKA_INTERNAL="), client: told("KAFKA_BOOTSTRAP=") }
    }
    /// Gives the super user this password.
    #[track_caller]
    pub(crate) fn scram(&self, mechanism: &str, password: &str) {
        let credential = format!("{mechanism}=[iterations=4096,password={password}]");
        let args = ["--alter", "--entity-type", "users", "--entity-name", "admin", "--add-config", &credential];
        let tool = ["cli", "kafka.admin.ConfigCommand", "--bootstrap-server", &self.internal];
        kafka_script(&[&tool[..], &args].concat());
    }
    #[track_caller]
    pub(crate) fn crash(&self) {
        kafka_script(&["kill", self.folder.path().to_str().unwrap()]);
    }
    /// The same data and ports.
    #[track_caller]
    pub(crate) fn again(&self) {
        kafka_script(&["start", self.folder.path().to_str().unwrap()]);
    }
}

impl Drop for OwnKafka {
    fn drop(&mut self) {
        // The test may be failing already, so a second failure is no news.
        let script = format!("{}/kafka.sh", setting("ORBIT_TEST_KAFKA_HOME"));
        drop(Command::new(script).arg("kill").arg(self.folder.path()).output());
    }
}

/// Creates a SCRAM user without any right.
#[track_caller]
pub(crate) fn new_user(user: &str, password: &str) {
    let credential = format!("SCRAM-SHA-512=[iterations=4096,password={password}]");
    let args = ["--alter", "--entity-type", "users", "--entity-name", user, "--add-config", &credential];
    kafka_tool("kafka.admin.ConfigCommand", &args);
}

/// Gives rights to a user: `on` is what stands behind `--add`, as in docs/connecting-a-cluster.md.
#[track_caller]
pub(crate) fn grant(user: &str, operations: &[&str], on: &[&str]) {
    let principal = format!("User:{user}");
    let mut args = vec!["--add", "--force", "--allow-principal", &principal];
    for operation in operations {
        args.extend(["--operation", operation]);
    }
    args.extend(on);
    kafka_tool("org.apache.kafka.tools.AclCommand", &args);
}

/// Waits until it is so, boundedly.
pub(crate) async fn eventually(what: &str, is_so: impl AsyncFn() -> bool) {
    let deadline = Instant::now() + BOUND;
    while !is_so().await {
        assert!(Instant::now() < deadline, "not within {BOUND:?}: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for a result that is no longer an error, boundedly.
pub(crate) async fn eventually_ok<T, E: std::fmt::Debug>(what: &str, run: impl AsyncFn() -> Result<T, E>) -> T {
    let deadline = Instant::now() + BOUND;
    loop {
        match run().await {
            Ok(value) => return value,
            Err(error) => assert!(Instant::now() < deadline, "not within {BOUND:?}: {what}: {error:?}"),
        }
        sleep(Duration::from_millis(10)).await;
    }
}

/// What is said in both texts of an error, for assertions on either.
pub(crate) trait Refused {
    fn is(self, kind: KafkaErrorKind, user: &str);
}

impl<T: std::fmt::Debug> Refused for Result<T, KafkaError> {
    #[track_caller]
    fn is(self, kind: KafkaErrorKind, user: &str) {
        let error = self.unwrap_err();
        assert_eq!((error.kind, error.user.as_str()), (kind, user), "operator: {}", error.operator);
    }
}
