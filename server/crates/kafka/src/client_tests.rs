use super::*;
use orbit_core::{
    model::cluster::{SaslMechanism, SecurityProtocol},
    ports::KafkaAdmin,
    secret::Secret,
};

fn plain() -> Connection {
    Connection {
        bootstrap_servers: vec!["kafka-1:9092".to_owned(), "kafka-2:9092".to_owned()],
        security_protocol: SecurityProtocol::Plaintext,
        sasl_mechanism: None,
        sasl_username: None,
        ca_certificate_pem: None,
        client_certificate_pem: None,
    }
}
fn scram() -> (Connection, Credentials) {
    let connection = Connection {
        security_protocol: SecurityProtocol::SaslSsl,
        sasl_mechanism: Some(SaslMechanism::ScramSha512),
        sasl_username: Some("orbit".to_owned()),
        ..plain()
    };
    (connection, Credentials { sasl_password: Some(Secret::new("s3cret")), client_key_pem: None })
}

#[test]
fn a_connection_becomes_librdkafkas_settings() {
    let (connection, credentials) = scram();
    let config = client_config(&connection, &credentials).unwrap();
    assert_eq!(config.get("bootstrap.servers"), Some("kafka-1:9092,kafka-2:9092"));
    assert_eq!(config.get("security.protocol"), Some("SASL_SSL"));
    assert_eq!(config.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
    assert_eq!(config.get("sasl.password"), Some("s3cret"));
}

#[test]
fn credentials_are_not_given_where_the_protocol_has_no_use_for_them() {
    let (connection, credentials) = scram();
    let connection = Connection { security_protocol: SecurityProtocol::Plaintext, ..connection };
    assert_eq!(client_config(&connection, &credentials).unwrap().get("sasl.password"), None);
}

#[test]
fn what_is_missing_is_named() {
    let (connection, _) = scram();
    let error = client_config(&connection, &Credentials::default()).unwrap_err();
    assert_eq!(error.user, "The connection is not complete: sasl_password is due with this security_protocol.");
    assert_eq!(error.kind, KafkaErrorKind::Invalid);
}

#[test]
fn a_key_that_cannot_be_read_is_named_and_not_shown() {
    let connection = Connection {
        security_protocol: SecurityProtocol::Ssl,
        client_certificate_pem: Some("not a certificate".to_owned()),
        ..plain()
    };
    let credentials = Credentials { sasl_password: None, client_key_pem: Some(Secret::new("not-a-key-3141")) };

    let error = KafkaCluster::connect(&connection, &credentials).unwrap_err();

    assert_eq!(error.kind, KafkaErrorKind::Invalid);
    assert!(!format!("{error:?}").contains("3141"), "{error:?}");
}

#[test]
fn a_client_can_be_shared_and_sent() {
    fn shared<T: KafkaAdmin + Clone + Send + Sync + 'static>() {}
    shared::<KafkaCluster>();
}

#[test]
fn debug_shows_nothing_of_the_connection() {
    let (connection, credentials) = scram();
    let connection = Connection { security_protocol: SecurityProtocol::SaslPlaintext, ..connection };
    let cluster = KafkaCluster::connect(&connection, &credentials).unwrap();
    assert_eq!(format!("{cluster:?}"), "KafkaCluster { .. }");
}
