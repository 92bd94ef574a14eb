//! The provider's process as a host sees it.

use crate::terraform::{PATIENCE, World, entries, ledger_binary, signal, wait_until};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, PKCS_ECDSA_P521_SHA512};
use rustls::{
    ClientConfig, RootCertStore, SignatureScheme, SupportedProtocolVersion,
    client::ResolvesClientCert,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName},
    sign::CertifiedKey,
};
use std::{
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::Arc,
    time::Instant,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite},
    net::{TcpStream, UnixStream},
};
use tokio_rustls::TlsConnector;

const COOKIE: &str = "d602bf8f470bc67ca7faa0386276bbdd4330efaf76d1a219cb4d6991ca9872b2";

/// A certificate as go-plugin makes it: P-521, self-signed, a CA used as end entity.
pub(crate) struct Client {
    certificate: CertificateDer<'static>,
    pem: String,
    key: Vec<u8>,
}

impl Client {
    fn new() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512).unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        Self { certificate: certificate.der().clone(), pem: certificate.pem(), key: key.serialize_der() }
    }
}

/// Shows a certificate and signs with a key, whether or not they belong together: what rustls itself would not do.
#[derive(Debug)]
struct Shown(Arc<CertifiedKey>);

impl Client {
    fn shown(&self) -> Shown {
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.clone()));
        let key = aws_lc_rs::sign::any_supported_type(&key).unwrap();
        Shown(Arc::new(CertifiedKey::new(vec![self.certificate.clone()], key)))
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// A provider that has said where it listens.
pub(crate) struct Provider {
    child: Child,
    fields: Vec<String>,
    pub(crate) folder: tempfile::TempDir,
    stdout: BufReader<ChildStdout>,
}

pub(crate) fn start(client: Option<&Client>) -> Provider {
    start_with(client, &[])
}

fn start_with(client: Option<&Client>, told: &[(&str, &str)]) -> Provider {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(ledger_binary());
    command.env("TF_PLUGIN_MAGIC_COOKIE", COOKIE).env("PLUGIN_PROTOCOL_VERSIONS", "5,6");
    command.env("PLUGIN_UNIX_SOCKET_DIR", folder.path()).env_remove("TF_LOG").envs(told.iter().copied());
    if let Some(client) = client {
        command.env("PLUGIN_CLIENT_CERT", &client.pem);
    }
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut line, mut stdout) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
    stdout.read_line(&mut line).unwrap();
    let fields = line.trim_end().split('|').map(str::to_owned).collect();
    Provider { child, fields, folder, stdout }
}

impl Provider {
    pub(crate) fn socket(&self) -> PathBuf {
        PathBuf::from(&self.fields[3])
    }

    /// What the TLS handshake comes to, with the given certificate of ours.
    async fn connect(&self, client: Option<&Client>) -> Result<(), String> {
        let stream = UnixStream::connect(self.socket()).await.unwrap();
        self.connect_over(stream, client).await
    }

    /// The same with these versions of TLS.
    async fn connect_by(
        &self,
        client: Option<&Client>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<(), String> {
        let stream = UnixStream::connect(self.socket()).await.unwrap();
        self.speak(stream, client, versions).await
    }

    async fn connect_over(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        client: Option<&Client>,
    ) -> Result<(), String> {
        self.speak(stream, client, rustls::DEFAULT_VERSIONS).await
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin,
        client: Option<&Client>,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Result<(), String> {
        use base64::Engine as _;
        let pinned = base64::engine::general_purpose::STANDARD_NO_PAD.decode(&self.fields[5]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from(pinned)).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match client {
            Some(client) => builder.with_client_cert_resolver(Arc::new(client.shown())),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let mut stream = connector.connect(name, stream).await.map_err(|e| e.to_string())?;
        // In TLS 1.3 the client is done first; whether the server took its certificate shows at the first byte, which
        // an HTTP/2 server sends unasked.
        stream.read_u8().await.map(drop).map_err(|e| e.to_string())
    }

    pub(crate) fn ends(&mut self) -> ExitStatus {
        let mut status = None;
        wait_until("the provider ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _ended_already = self.child.wait();
    }
}

#[tokio::test]
async fn only_the_host_that_started_the_provider_can_connect() {
    let (host, stranger) = (Client::new(), Client::new());
    let provider = start(Some(&host));
    assert_eq!(provider.fields[..3], ["1", "6", "unix"]);
    assert_eq!(provider.fields[4], "grpc");

    provider.connect(None).await.unwrap_err();
    provider.connect(Some(&stranger)).await.unwrap_err();
    provider.connect(Some(&host)).await.unwrap();
}

#[tokio::test]
async fn the_provider_ends_and_cleans_up_when_its_host_is_gone() {
    let host = Client::new();
    let mut provider = start(Some(&host));
    assert_eq!(entries(provider.folder.path()), 1);
    provider.connect(Some(&host)).await.unwrap();
    assert!(provider.ends().success());
    assert_eq!(entries(provider.folder.path()), 0);
    let mut rest = String::new();
    provider.stdout.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "the host reads one line there");
}

#[tokio::test]
async fn where_no_socket_can_be_made_a_port_serves_and_only_the_host() {
    let (host, stranger) = (Client::new(), Client::new());
    let nowhere =
        [("PLUGIN_UNIX_SOCKET_DIR", "/dev/null/x"), ("PLUGIN_MIN_PORT", "23000"), ("PLUGIN_MAX_PORT", "24999")];
    let mut provider = start_with(Some(&host), &nowhere);
    assert_eq!(provider.fields[2], "tcp");
    let port: u16 = provider.fields[3].strip_prefix("127.0.0.1:").unwrap().parse().unwrap();
    assert!((23_000..=24_999).contains(&port), "{port}");

    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    provider.connect_over(stream, Some(&stranger)).await.unwrap_err();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    provider.connect_over(stream, Some(&host)).await.unwrap();
    assert!(provider.ends().success());
}

#[test]
fn without_a_certificate_there_is_no_port_for_everybody() {
    let mut command = Command::new(ledger_binary());
    command.env("TF_PLUGIN_MAGIC_COOKIE", COOKIE).env("PLUGIN_UNIX_SOCKET_DIR", "/dev/null/x");
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true));
    assert!(String::from_utf8_lossy(&output.stderr).contains("/dev/null/x"));
}

#[test]
fn without_a_certificate_the_host_wants_no_tls() {
    let provider = start(None);
    assert_eq!(provider.fields[5], "");
}

#[test]
fn an_interrupt_is_ignored_and_a_termination_obeyed() {
    let mut provider = start(None);
    signal("INT", &provider.child.id().to_string());
    signal("INT", &provider.child.id().to_string());
    assert!(std::os::unix::net::UnixStream::connect(provider.socket()).is_ok());

    signal("TERM", &provider.child.id().to_string());
    provider.ends();
    assert_eq!(entries(provider.folder.path()), 0, "the socket is removed");
}

#[test]
fn a_person_gets_a_hint_and_so_does_another_host() {
    for cookie in ["", "another host's"] {
        let output = Command::new(ledger_binary()).env("TF_PLUGIN_MAGIC_COOKIE", cookie).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(1), true));
        assert!(String::from_utf8_lossy(&output.stderr).contains("terraform init"));
    }
}

#[tokio::test]
async fn whoever_copied_the_hosts_certificate_has_not_its_key() {
    let (host, thief) = (Client::new(), Client::new());
    let provider = start(Some(&host));
    let copied = Client { certificate: host.certificate.clone(), pem: host.pem.clone(), key: thief.key };
    for versions in [&[&rustls::version::TLS13][..], &[&rustls::version::TLS12]] {
        provider.connect_by(Some(&copied), versions).await.unwrap_err();
    }
    provider.connect_by(Some(&host), &[&rustls::version::TLS12]).await.unwrap();
}

#[test]
fn megabytes_go_both_ways_and_without_encryption_too() {
    // gRPC's own limit is 4 MiB; Terraform's 256.
    let content = "x".repeat(12 << 20);
    let world = World::open();
    world.write("resource \"ledger_object\" \"a\" {\n  name = \"a\"\n  content = file(\"content.txt\")\n}\n");
    std::fs::write(world.path("content.txt"), &content).unwrap();
    let plain = |args: &[&str]| {
        let output = world.command(args).env("TF_DISABLE_PLUGIN_TLS", "1").output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    assert_eq!(plain(&["apply", "-auto-approve"]), (Some(0), String::new()));
    assert_eq!(plain(&["plan", "-detailed-exitcode"]), (Some(0), String::new()));
    assert_eq!(world.attribute("a", "content"), content);
    world.plan().empty();
}

#[test]
fn one_that_a_person_started_ends_with_the_terminal_and_leaves_nothing() {
    for name in ["INT", "TERM", "HUP"] {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(ledger_binary());
        command.arg("-debug").env("TMPDIR", folder.path()).env_remove("PLUGIN_UNIX_SOCKET_DIR");
        let mut provider = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(provider.stdout.take().unwrap());
        let mut line = String::new();
        while !line.contains("TF_REATTACH_PROVIDERS=") {
            line.clear();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it says how to reach it");
        }
        assert_eq!(entries(folder.path()), 1, "a socket in the folder for what is temporary");
        signal(name, &provider.id().to_string());
        wait_until("it ends", || provider.try_wait().unwrap().is_some());
        assert_eq!(entries(folder.path()), 0, "{name}");
    }
}

#[test]
fn a_provider_finishes_before_it_ends() {
    let world = World::open();
    world.write("resource \"ledger_object\" \"a\" {\n  name = \"a\"\n  content = \"hello\"\n}\n");
    let planned = world.command(&["plan"]).env("LEDGER_TELLS_ITS_END", "1").output().unwrap();
    assert!(planned.status.success());
    assert_eq!(std::fs::read_to_string(world.path("books.ended")).unwrap(), "in order");
}

#[test]
fn checklist_38_logs_reach_terraform_as_lines_of_hclog() {
    let world = World::open();
    world.write("resource \"ledger_object\" \"a\" {\n  name = \"a\"\n  content = \"hello\"\n}\n");
    let output = world.command(&["plan"]).env("TF_LOG", "JSON").output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let lines = stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("every line is JSON"));
    let mut ours = lines.filter(|line| line["@module"] == "provider.ledger");
    let configured = ours.find(|line| line["@message"] == "configured").expect("the provider's own line");
    assert_eq!(configured["@level"], "info");
    assert_eq!(configured["tf_rpc"], "ConfigureProvider");
}

#[test]
fn a_panic_is_written_in_the_form_that_the_host_collects() {
    let world = World::open();
    world.write("resource \"ledger_object\" \"a\" {\n  name = \"a\"\n  content = \"panic\"\n}\n");
    let mut child = world.start(&["apply", "-auto-approve", "-no-color"]);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    let begin = Instant::now();
    child.wait().unwrap();
    assert!(begin.elapsed() < PATIENCE);
    assert!(
        stderr.contains("The provider panicked in ApplyResourceChange of ledger_object: asked to panic"),
        "{stderr}"
    );
    // OpenTofu collects it only from a provider that has died.
    if !world.is_opentofu() {
        assert!(stderr.contains("Stack trace from the terraform-provider-ledger_v1.0.0 plugin"), "{stderr}");
        assert!(stderr.contains("panic: asked to panic"), "{stderr}");
    }
}

#[test]
fn a_provider_whose_parent_dies_before_it_connects_ends_too() {
    let folder = tempfile::tempdir().unwrap();
    // The shell lives until its input ends; the provider's output stays open for as long as it lives itself.
    let mut shell = Command::new("sh")
        .args(["-c", "\"$0\" <&- & read line"])
        .arg(ledger_binary())
        .env("TF_PLUGIN_MAGIC_COOKIE", COOKIE)
        .env("PLUGIN_UNIX_SOCKET_DIR", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(shell.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    assert_eq!(entries(folder.path()), 1);

    drop(shell.stdin.take());
    shell.wait().unwrap();

    output.read_to_end(&mut Vec::new()).unwrap();
    wait_until("the socket is removed", || entries(folder.path()) == 0);
}
