//! Making and deleting topics over TLS and each SASL mechanism, against a real broker.

use crate::support::{OwnKafka, eventually_ok, only};
use orbit_core::{
    model::cluster::{Connection, Credentials, SaslMechanism, SecurityProtocol},
    ports::{ConnectionPart, KafkaAdmin, KafkaErrorKind, NewTopic, TopicRef},
    secret::Secret,
};
use orbit_kafka::{KafkaCluster, check};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};

const PASSWORD: &str = "a-password-of-the-test";

/// An authority, and what it signed for a host or a client: certificate and key in PEM.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "an authority of the test");
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }
    fn signs(&self, names: &[&str], usage: ExtendedKeyUsagePurpose) -> (String, String) {
        let mut params = CertificateParams::new(names.iter().copied().map(str::to_owned).collect::<Vec<_>>()).unwrap();
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// A text on one line of Java's properties.
fn on_a_line(pem: &str) -> String {
    pem.trim().replace('\n', "\\n")
}

/// A broker whose client listener speaks `protocol`, and its address by the name in the certificate.
fn broker(authority: &Authority, protocol: &str, further: &[&str]) -> (OwnKafka, String) {
    let (certificate, key) = authority.signs(&["localhost", "127.0.0.1"], ExtendedKeyUsagePurpose::ServerAuth);
    let settings = [
        format!("listener.security.protocol.map=CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,CLIENT:{protocol}"),
        "ssl.keystore.type=PEM".to_owned(),
        "ssl.truststore.type=PEM".to_owned(),
        format!("ssl.keystore.certificate.chain={}", on_a_line(&certificate)),
        format!("ssl.keystore.key={}", on_a_line(&key)),
        format!("ssl.truststore.certificates={}", on_a_line(&authority.0.pem())),
    ];
    let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    settings.extend(further);
    let own = OwnKafka::start_with(&settings);
    let address = own.client.replace("127.0.0.1", "localhost");
    (own, address)
}

fn connection(address: &str, authority: &Authority, security_protocol: SecurityProtocol) -> Connection {
    Connection {
        bootstrap_servers: vec![address.to_owned()],
        security_protocol,
        sasl_mechanism: None,
        sasl_username: None,
        ca_certificate_pem: Some(authority.0.pem()),
        client_certificate_pem: None,
    }
}

/// A topic comes and goes, by its id.
async fn comes_and_goes(connection: &Connection, credentials: &Credentials, name: &str) {
    check(connection, credentials).await.unwrap();
    let cluster = KafkaCluster::connect(connection, credentials).unwrap();
    let name = name.parse().unwrap();
    let topic = NewTopic { name, partitions: Some(1), replication_factor: Some(1), configs: [].into() };
    let id = only(cluster.topics_create(std::slice::from_ref(&topic)).await).unwrap();
    let shown = eventually_ok("brokers show it", async || {
        only(cluster.topics_describe(std::slice::from_ref(&topic.name)).await)?.ok_or_else(|| {
            orbit_core::ports::KafkaError {
                kind: KafkaErrorKind::NotFound,
                user: String::new(),
                operator: String::new(),
            }
        })
    });
    assert_eq!(shown.await.id, id);
    only(cluster.topics_delete(&[TopicRef { name: topic.name, id }]).await).unwrap();
}

#[tokio::test]
async fn topics_come_and_go_over_sasl_with_tls_by_every_mechanism() {
    let authority = Authority::new();
    let plain = format!(
        "listener.name.client.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_admin=\"{PASSWORD}\";"
    );
    let mechanisms = "listener.name.client.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512";
    // Sessions of a second: a connection is left before its end, and nobody sees it (KIP-368).
    let short = "listener.name.client.plain.connections.max.reauth.ms=1000";
    let (own, address) = broker(&authority, "SASL_SSL", &[&plain, mechanisms, short]);
    own.scram("SCRAM-SHA-256", PASSWORD);
    own.scram("SCRAM-SHA-512", PASSWORD);
    let credentials = Credentials { sasl_password: Some(Secret::new(PASSWORD)), client_key_pem: None };
    for mechanism in [SaslMechanism::Plain, SaslMechanism::ScramSha256, SaslMechanism::ScramSha512] {
        let connection = Connection {
            sasl_mechanism: Some(mechanism),
            sasl_username: Some("admin".to_owned()),
            ..connection(&address, &authority, SecurityProtocol::SaslSsl)
        };
        let name = mechanism.as_str().to_lowercase();
        eventually_ok("the broker knows the user", async || check(&connection, &credentials).await).await;
        comes_and_goes(&connection, &credentials, &name).await;
    }
}

#[tokio::test]
async fn topics_come_and_go_over_mutual_tls_and_another_authority_is_refused() {
    let authority = Authority::new();
    let required = ["listener.name.client.ssl.client.auth=required", "super.users=User:ANONYMOUS;User:CN=orbit"];
    let (_own, address) = broker(&authority, "SSL", &required);
    let (certificate, key) = authority.signs(&["orbit"], ExtendedKeyUsagePurpose::ClientAuth);
    let good = Connection {
        client_certificate_pem: Some(certificate),
        ..connection(&address, &authority, SecurityProtocol::Ssl)
    };
    let credentials = Credentials { sasl_password: None, client_key_pem: Some(Secret::new(key)) };
    comes_and_goes(&good, &credentials, "mutual").await;

    let stranger = Connection { ca_certificate_pem: Some(Authority::new().0.pem()), ..good.clone() };
    assert_eq!(check(&stranger, &credentials).await.unwrap_err().part, ConnectionPart::Tls);
    let cluster = KafkaCluster::connect(&stranger, &credentials).unwrap();
    let topic =
        NewTopic { name: "never".parse().unwrap(), partitions: None, replication_factor: None, configs: [].into() };
    let refused = cluster.topics_create(&[topic]).await.unwrap_err();
    assert_eq!(refused.kind, KafkaErrorKind::Authentication, "the outer error: nothing was sent: {}", refused.operator);
}
