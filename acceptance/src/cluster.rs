//! Kafka: the cluster of the run, which all tests share, or one of a test's own, which can go down. Seen past Orbit, by Kafka's own tools.

use crate::{
    Cuts,
    authority::{Authority, Signed},
    orbit::new_folder,
    process::signal,
    setting::setting,
};
use orbit_api::{ClusterCreate, Connection, Credentials, SaslMechanism, SecurityProtocol};
use rcgen::ExtendedKeyUsagePurpose;
use std::{collections::BTreeMap, fs, path::Path, process::Stdio};
use tempfile::TempDir;
use tokio::process::Command;

/// A cluster.
#[derive(Debug)]
pub struct Kafka {
    bootstrap: String,
    internal: String,
    user: String,
    password: String,
    own: Option<TempDir>,
}

/// A topic as the cluster shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OnCluster {
    /// Kafka's id of it.
    pub id: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// Its settings, as the tool shows them: those that the broker itself was given are among them.
    pub settings: String,
}

impl Kafka {
    /// The cluster of the run. Keep to a prefix of your own.
    #[must_use]
    #[track_caller]
    pub fn shared() -> Self {
        Self {
            bootstrap: setting("ORBIT_TEST_KAFKA_BOOTSTRAP"),
            internal: setting("ORBIT_TEST_KAFKA_INTERNAL"),
            user: setting("ORBIT_TEST_KAFKA_USER"),
            password: setting("ORBIT_TEST_KAFKA_PASSWORD"),
            own: None,
        }
    }

    /// A cluster of one's own. It ends with the test.
    #[must_use]
    pub async fn own() -> Self {
        Self::start(None, &[]).await
    }

    /// A cluster of one's own whose clients speak TLS and show a certificate of its authority's, under the name `orbit`. What is to be registered of it, and the
    /// certificate's key.
    #[must_use]
    pub async fn over_mutual_tls(slug: &str) -> (Self, ClusterCreate) {
        let authority = Authority::new();
        let Signed { certificate, key } =
            authority.signs(&["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
        let on_a_line = |pem: &str| pem.trim().replace('\n', "\\n");
        let settings = [
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:SSL".to_owned(),
            "listener.name.client.ssl.client.auth=required".to_owned(),
            "super.users=User:ANONYMOUS;User:CN=orbit".to_owned(),
            "ssl.keystore.type=PEM".to_owned(),
            "ssl.truststore.type=PEM".to_owned(),
            format!("ssl.keystore.certificate.chain={}", on_a_line(&certificate.pem())),
            format!("ssl.keystore.key={}", on_a_line(&key.serialize_pem())),
            format!("ssl.truststore.certificates={}", on_a_line(&authority.pem())),
        ];
        let kafka = Self::start(None, &settings).await;
        let Signed { certificate, key } = authority.signs(&["orbit"], ExtendedKeyUsagePurpose::ClientAuth);
        let registration = ClusterCreate {
            connection: Connection {
                bootstrap_servers: vec![kafka.bootstrap.replace("127.0.0.1", "localhost")],
                security_protocol: SecurityProtocol::Ssl,
                sasl_mechanism: None,
                sasl_username: None,
                ca_certificate_pem: Some(authority.pem()),
                client_certificate_pem: Some(certificate.pem()),
            },
            credentials: Some(Credentials { sasl_password: None, client_key_pem: Some(key.serialize_pem()) }),
            ..kafka.registration(slug)
        };
        (kafka, registration)
    }

    /// How whoever sits beside the broker connects: without TLS and without a name, and may do everything.
    #[must_use]
    pub fn plaintext(&self) -> &str {
        &self.internal
    }

    /// A cluster of one's own, to which everybody but Kafka's own tools goes through a network that can be cut.
    #[must_use]
    pub async fn behind(network: &Cuts) -> Self {
        let mut kafka = Self::start(Some(network.port()), &[]).await;
        let port = kafka.bootstrap.rsplit(':').next().and_then(|port| port.parse().ok());
        network.leads_to(port.unwrap_or_else(|| panic!("{} has no port", kafka.bootstrap)));
        kafka.bootstrap = format!("127.0.0.1:{}", network.port());
        kafka
    }

    async fn start(advertised: Option<u16>, settings: &[String]) -> Self {
        let folder = new_folder();
        let advertised = advertised.map(|port| ("KAFKA_ADVERTISED_PORT", port.to_string()));
        let place = text(folder.path());
        let arguments: Vec<&str> = ["start", &place].into_iter().chain(settings.iter().map(String::as_str)).collect();
        let said = script_with(&arguments, advertised).await;
        let get = |name: &str| {
            let value = said.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
            value.unwrap_or_else(|| panic!("kafka.sh did not say {name}: {said}")).to_owned()
        };
        Self {
            bootstrap: get("KAFKA_BOOTSTRAP"),
            internal: get("KAFKA_INTERNAL"),
            user: get("KAFKA_USER"),
            password: get("KAFKA_PASSWORD"),
            own: Some(folder),
        }
    }

    /// The password that Orbit connects with.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    fn folder(&self) -> String {
        text(self.own.as_ref().unwrap_or_else(|| panic!("the shared cluster stays as it is")).path())
    }

    /// A crash.
    pub async fn kill(&self) {
        script(&["kill", &self.folder()]).await;
    }

    /// The same data, the same ports.
    pub async fn start_again(&self) {
        script(&["start", &self.folder()]).await;
    }

    /// What it has written to its log, over all its processes.
    #[must_use]
    pub fn log(&self) -> String {
        let file = Path::new(&self.folder()).join("kafka.log");
        fs::read_to_string(&file).unwrap_or_else(|e| panic!("{} cannot be read: {e}", file.display()))
    }

    /// It keeps its connections and answers nothing, until [`Kafka::thaw`].
    pub fn freeze(&self) {
        signal("STOP", &self.process());
    }

    /// It goes on where it was.
    pub fn thaw(&self) {
        signal("CONT", &self.process());
    }

    fn process(&self) -> String {
        let file = Path::new(&self.folder()).join("kafka.pid");
        let written = fs::read_to_string(&file).unwrap_or_else(|e| panic!("{} cannot be read: {e}", file.display()));
        // Its id, and when it began.
        written.split_whitespace().next().unwrap_or_else(|| panic!("{} is empty", file.display())).to_owned()
    }

    /// How Orbit connects as the cluster's admin.
    #[must_use]
    pub fn registration(&self, slug: &str) -> ClusterCreate {
        self.registration_as(slug, &self.user, &self.password)
    }

    /// How Orbit connects as another user.
    #[must_use]
    pub fn registration_as(&self, slug: &str, user: &str, password: &str) -> ClusterCreate {
        ClusterCreate {
            slug: slug.to_owned(),
            display_name: None,
            provider: None,
            region: None,
            residency: None,
            connection: self.connection_as(user),
            credentials: Some(credentials(password)),
        }
    }

    /// The open half of a connection.
    #[must_use]
    pub fn connection_as(&self, user: &str) -> Connection {
        Connection {
            bootstrap_servers: vec![self.bootstrap.clone()],
            security_protocol: SecurityProtocol::SaslPlaintext,
            sasl_mechanism: Some(SaslMechanism::ScramSha512),
            sasl_username: Some(user.to_owned()),
            ca_certificate_pem: None,
            client_certificate_pem: None,
        }
    }

    /// Runs one of Kafka's own tools as a super user, past Orbit.
    pub async fn tool(&self, class: &str, args: &[&str]) -> String {
        script(&[&["cli", class, "--bootstrap-server", &self.internal], args].concat()).await
    }

    /// All topics whose names begin with a prefix, by name.
    pub async fn topics(&self, prefix: &str) -> BTreeMap<String, OnCluster> {
        let which = format!("{}.*", prefix.replace('.', "\\."));
        let shown = self.tool(TOPICS, &["--describe", "--if-exists", "--topic", &which]).await;
        shown.lines().filter(|line| line.contains("TopicId: ")).map(topic).collect()
    }

    /// Creates a topic that Orbit knows nothing of.
    pub async fn create_topic(&self, name: &str, partitions: u32) {
        self.tool(TOPICS, &["--create", "--topic", name, "--partitions", &partitions.to_string()]).await;
    }

    /// Deletes a topic behind Orbit's back.
    pub async fn delete_topic(&self, name: &str) {
        self.tool(TOPICS, &["--delete", "--topic", name]).await;
    }

    /// Adds partitions behind Orbit's back.
    pub async fn grow_topic(&self, name: &str, partitions: u32) {
        self.tool(TOPICS, &["--alter", "--topic", name, "--partitions", &partitions.to_string()]).await;
    }

    /// Changes a setting behind Orbit's back: `retention.ms=1`.
    pub async fn configure_topic(&self, name: &str, setting: &str) {
        let args = ["--alter", "--entity-type", "topics", "--entity-name", name, "--add-config", setting];
        self.tool(CONFIGS, &args).await;
    }

    /// Creates a SCRAM user, or gives one another password.
    pub async fn user(&self, name: &str, password: &str) {
        let credential = format!("SCRAM-SHA-512=[iterations=4096,password={password}]");
        let args = ["--alter", "--entity-type", "users", "--entity-name", name, "--add-config", &credential];
        self.tool(CONFIGS, &args).await;
    }

    /// Gives a user rights (`--add`) or takes them (`--remove`): `on` is `--cluster`, or `--topic` and a name.
    pub async fn rights(&self, deed: &str, user: &str, operations: &[&str], on: &[&str]) {
        let principal = format!("User:{user}");
        let mut args = vec![deed, "--force", "--allow-principal", &principal];
        for operation in operations {
            args.extend(["--operation", operation]);
        }
        args.extend(on);
        self.tool("org.apache.kafka.tools.AclCommand", &args).await;
    }
}

impl Drop for Kafka {
    fn drop(&mut self) {
        if let Some(folder) = &self.own {
            // The test may be failing already: a second failure is no news.
            let _ = std::process::Command::new(program()).arg("kill").arg(folder.path()).output();
        }
    }
}

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";
const CONFIGS: &str = "kafka.admin.ConfigCommand";

/// The secret half of a connection.
#[must_use]
fn credentials(password: &str) -> Credentials {
    Credentials { sasl_password: Some(password.to_owned()), client_key_pem: None }
}

fn program() -> String {
    format!("{}/kafka.sh", setting("ORBIT_TEST_KAFKA_HOME"))
}

async fn script(args: &[&str]) -> String {
    script_with(args, None).await
}

async fn script_with(args: &[&str], variable: Option<(&str, String)>) -> String {
    let mut command = Command::new(program());
    command.envs(variable);
    let ended = command.args(args).stdin(Stdio::null()).kill_on_drop(true).output().await;
    let output = ended.unwrap_or_else(|e| panic!("kafka.sh cannot be run: {e}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "kafka.sh {args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A line of the tool's: `Topic: NAME<TAB>TopicId: ID<TAB>PartitionCount: 3<TAB>ReplicationFactor: 1<TAB>Configs: …`.
fn topic(line: &str) -> (String, OnCluster) {
    let get = |name: &str| {
        let value = line.split('\t').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_default().trim().to_owned()
    };
    let partitions = get("PartitionCount").parse().unwrap_or_else(|_| panic!("no count of partitions in: {line}"));
    (get("Topic"), OnCluster { id: get("TopicId"), partitions, settings: get("Configs") })
}
