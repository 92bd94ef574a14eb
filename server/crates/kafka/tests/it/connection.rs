use crate::support::{Kafka, as_orbit, as_user, eventually, internal_listener, plaintext};
use orbit_core::{
    model::cluster::{Connection, Credentials, SaslMechanism, SecurityProtocol},
    ports::{ConnectionPart, KafkaAdmin, KafkaErrorKind},
};
use orbit_kafka::{ConnectionFailure, KafkaCluster, check};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer},
};
use std::{
    net::TcpListener as StdListener,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

async fn failure(connection: &Connection, credentials: &Credentials) -> ConnectionFailure {
    let failure = check(connection, credentials).await.unwrap_err();
    println!("{:?}: {}\n    operator: {}", failure.part, failure.user, failure.operator);
    failure
}

/// A port that nobody listens on.
fn closed_port() -> String {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// A port that takes connections and says nothing.
fn silent_port() -> (StdListener, String) {
    let listener = StdListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[tokio::test]
async fn a_good_connection_answers_what_the_cluster_is() {
    let (connection, credentials) = as_orbit();
    let described = check(&connection, &credentials).await.unwrap();
    assert_eq!(described, Kafka::new().orbit.cluster_describe().await.unwrap());
}

#[tokio::test]
async fn one_good_address_is_enough() {
    let (mut connection, credentials) = as_orbit();
    connection.bootstrap_servers.insert(0, closed_port());
    connection.bootstrap_servers.insert(0, "kafka.invalid:9092".to_owned());
    check(&connection, &credentials).await.unwrap();
}

#[tokio::test]
async fn addresses_that_lead_nowhere_are_each_named() {
    let closed = closed_port();
    let mut connection = plaintext("kafka.invalid:9092");
    connection.bootstrap_servers.extend([closed.clone(), "kafka-1".to_owned()]);

    let failure = failure(&connection, &Credentials::default()).await;

    assert_eq!(failure.part, ConnectionPart::BootstrapServers);
    let expected = format!(
        "kafka.invalid:9092 cannot be resolved; {closed} refuses the connection (nothing listens on this port); kafka-1 is not of the form host:port."
    );
    assert_eq!(failure.user, expected);
}

#[tokio::test]
async fn a_wrong_password_is_found_at_once_and_not_shown() {
    let (_, good) = as_orbit();
    let user = as_orbit().0.sasl_username.unwrap();
    let (connection, wrong) = as_user(&user, "wrong-3141592");
    let begun = Instant::now();

    let failure = failure(&connection, &wrong).await;

    assert_eq!(failure.part, ConnectionPart::Sasl);
    assert_eq!(failure.user, "The cluster refuses the user name or the password (SCRAM-SHA-512).");
    assert!(!format!("{failure:?}").contains("3141592") && good != wrong);
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_mechanism_that_the_cluster_does_not_offer_is_named() {
    let (connection, credentials) = as_orbit();
    let connection = Connection { sasl_mechanism: Some(SaslMechanism::Plain), ..connection };
    let failure = failure(&connection, &credentials).await;
    assert_eq!(failure.part, ConnectionPart::Sasl);
    assert_eq!(failure.user, "The cluster does not offer PLAIN: choose another sasl_mechanism.");
}

#[tokio::test]
async fn a_missing_password_is_named_without_a_try() {
    let (connection, _) = as_orbit();
    let failure = failure(&connection, &Credentials::default()).await;
    assert_eq!(failure.part, ConnectionPart::Sasl);
    assert_eq!(failure.user, "The connection is not complete: sasl_password is due with this security_protocol.");
}

#[tokio::test]
async fn no_security_on_a_sasl_listener_is_named() {
    let (sasl, _) = as_orbit();
    let failure = failure(&plaintext(&sasl.bootstrap_servers[0]), &Credentials::default()).await;
    assert_eq!(failure.part, ConnectionPart::BootstrapServers);
    assert!(failure.user.contains("does this listener speak PLAINTEXT"), "{}", failure.user);
}

#[tokio::test]
async fn sasl_on_a_listener_without_is_named() {
    let (sasl, credentials) = as_orbit();
    let connection = Connection { bootstrap_servers: vec![internal_listener()], ..sasl };
    let failure = failure(&connection, &credentials).await;
    assert_eq!(failure.part, ConnectionPart::Sasl);
    assert_eq!(failure.user, "This listener asks for no user name: is security_protocol right for this port?");
}

#[tokio::test]
async fn tls_on_a_listener_without_is_named() {
    let (sasl, credentials) = as_orbit();
    let connection = Connection { security_protocol: SecurityProtocol::SaslSsl, ..sasl };
    let failure = failure(&connection, &credentials).await;
    assert_eq!(failure.part, ConnectionPart::Tls);
    assert_eq!(failure.user, "The listener does not speak TLS: is security_protocol right for this port?");
}

/// A TLS server for `host` with a certificate of its own making; the certificate, and its address by the name `localhost`.
async fn tls_server(host: &str) -> (String, String) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed([host.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(cert.der().to_vec())], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("localhost:{}", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The handshake fails, which is what the test is about; a stream that is dropped hangs up.
            drop(acceptor.accept(stream).await);
        }
    });
    (cert.pem(), address)
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_named() {
    let (_, address) = tls_server("localhost").await;
    let connection = Connection { security_protocol: SecurityProtocol::Ssl, ..plaintext(&address) };
    let failure = failure(&connection, &Credentials::default()).await;
    assert_eq!(failure.part, ConnectionPart::Tls);
    assert!(failure.user.contains("does it lead to the authority in ca_certificate_pem"), "{}", failure.user);
}

#[tokio::test]
async fn a_certificate_for_another_host_is_named() {
    let (pem, address) = tls_server("kafka.example").await;
    let connection =
        Connection { security_protocol: SecurityProtocol::Ssl, ca_certificate_pem: Some(pem), ..plaintext(&address) };
    let failure = failure(&connection, &Credentials::default()).await;
    assert_eq!(failure.part, ConnectionPart::Tls);
    assert!(failure.user.contains("is it for the host name"), "{}", failure.user);
}

async fn is_unreachable(server: String) {
    let wanted = [Kafka::new().topic("never")];
    let away = KafkaCluster::connect(&plaintext(&server), &Credentials::default()).unwrap();
    let begun = Instant::now();
    let (described, listed, created) =
        tokio::join!(away.cluster_describe(), away.topics_list(), away.topics_create(&wanted));
    let took = begun.elapsed();
    assert_eq!(described.unwrap_err().kind, KafkaErrorKind::Unreachable);
    assert_eq!(listed.unwrap_err().kind, KafkaErrorKind::Unreachable);
    assert_eq!(created.unwrap_err().kind, KafkaErrorKind::Unreachable, "the outer error: nothing was sent");
    assert!(took < Duration::from_secs(8), "{took:?}");
    println!("{server}: unreachable after {took:?}");
}

#[tokio::test]
async fn a_cluster_that_is_away_is_unreachable_within_the_bound_and_nothing_was_sent() {
    let (_held, silent) = silent_port();
    tokio::join!(is_unreachable(closed_port()), is_unreachable(silent));
}

#[tokio::test]
async fn librdkafkas_log_has_the_reason_and_not_the_password() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone());
    tracing::subscriber::set_global_default(subscriber.finish()).unwrap();
    let (connection, wrong) = as_user(&as_orbit().0.sasl_username.unwrap(), "wrong-2718281");

    check(&connection, &wrong).await.unwrap_err();

    let said = || String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    eventually("librdkafka says why", async || said().contains("SASL authentication error")).await;
    assert!(!said().contains("2718281"), "{}", said());
}

/// What was logged, by any thread of this process.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn credentials_that_are_refused_later_are_told_apart_from_a_cluster_that_is_away() {
    let (connection, wrong) = as_user(&as_orbit().0.sasl_username.unwrap(), "wrong");
    let cluster = KafkaCluster::connect(&connection, &wrong).unwrap();
    let error = cluster.topics_list().await.unwrap_err();
    assert_eq!(error.kind, KafkaErrorKind::Authentication, "{}", error.operator);
}

#[tokio::test]
async fn dropping_a_client_takes_no_time_even_while_it_tries_to_connect() {
    let cluster = KafkaCluster::connect(&plaintext(&closed_port()), &Credentials::default()).unwrap();
    let asked = tokio::time::timeout(Duration::from_millis(50), cluster.cluster_describe()).await;
    assert!(asked.is_err(), "nobody answers");
    let begun = Instant::now();
    drop(cluster);
    // Joining librdkafka's threads would take as long as they try to connect: seconds.
    assert!(begun.elapsed() < Duration::from_millis(200), "{:?}", begun.elapsed());
}
