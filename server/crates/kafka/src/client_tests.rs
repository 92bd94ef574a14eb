use super::*;
use crate::KafkaCluster;
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

/// librdkafka's texts of one code, by how far the request came.
#[test]
fn a_request_that_no_broker_was_found_for_was_never_sent() {
    let kind = |text: &str| never_sent(Refusal::new(C::OperationTimedOut, text)).kind();
    for text in [
        "Timed out waiting for controller",
        "Timed out waiting for broker",
        "Timed out waiting for a valid list of brokers to be available",
    ] {
        assert_eq!(kind(text), KafkaErrorKind::Unreachable, "{text}");
    }
    for text in [
        "Timed out waiting for response from broker",
        "Failed while waiting for response from broker: Local: Timed out",
        "CreateTopics worker request failed: Local: Timed out",
        "Timed out waiting for fanouts",
        "Failed to query partition leaders: Local: Timed out",
    ] {
        assert_eq!(kind(text), KafkaErrorKind::Passing, "{text}");
    }
    let refused = never_sent(Refusal::new(C::NotController, "Timed out"));
    assert_eq!(refused.kind(), KafkaErrorKind::Passing, "a broker's own answer stays as it is");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_does_not_come_in_time_may_have_been_sent() {
    let cluster = Client::connect(&plain(), &Credentials::default()).unwrap();
    let never = std::future::pending::<Result<(), Refusal>>();
    let refusal = cluster.within_bounds(Duration::from_millis(1), never).await.unwrap_err();
    assert_eq!(refusal.kind(), KafkaErrorKind::Passing, "{}", refusal.text);
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
