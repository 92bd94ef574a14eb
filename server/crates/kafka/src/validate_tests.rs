use super::*;
use orbit_core::model::cluster::{SaslMechanism, SecurityProtocol};

fn connection(security_protocol: SecurityProtocol) -> Connection {
    Connection {
        bootstrap_servers: vec!["kafka-1:9092".to_owned()],
        security_protocol,
        sasl_mechanism: Some(SaslMechanism::ScramSha512),
        sasl_username: Some("orbit".to_owned()),
        ca_certificate_pem: None,
        client_certificate_pem: None,
    }
}

/// librdkafka's texts, as seen against real brokers.
#[test]
fn each_failing_part_is_told_from_librdkafkas_text() {
    let part = |protocol, code, text: &str| handshake(&connection(protocol), &Refusal::new(code, text)).part;
    let sasl = SecurityProtocol::SaslPlaintext;
    let refused = "SASL authentication error: Authentication failed during authentication due to invalid credentials";
    assert_eq!(part(sasl, C::Authentication, refused), ConnectionPart::Sasl);
    assert_eq!(part(sasl, C::AllBrokersDown, "1/1 brokers are down"), ConnectionPart::BootstrapServers);
    let no_tls =
        "SSL handshake failed: Disconnected: SSL connection closed by peer: connecting to a PLAINTEXT broker listener?";
    assert_eq!(part(SecurityProtocol::SaslSsl, C::BrokerTransportFailure, no_tls), ConnectionPart::Tls);
    assert_eq!(part(SecurityProtocol::Ssl, C::AllBrokersDown, "1/1 brokers are down"), ConnectionPart::Tls);
}

#[test]
fn a_client_certificate_that_is_missing_is_told_from_one_that_is_refused() {
    let alert = "Receive failed: error:0A000412:SSL routines::sslv3 alert bad certificate: SSL alert number 42";
    let says = |certificate: Option<&str>| {
        let connection =
            Connection { client_certificate_pem: certificate.map(str::to_owned), ..connection(SecurityProtocol::Ssl) };
        handshake(&connection, &Refusal::new(C::BrokerTransportFailure, alert)).user
    };
    assert!(says(None).starts_with("The cluster wants a client certificate"), "{}", says(None));
    assert!(says(Some("a certificate")).starts_with("The cluster refuses Orbit's client certificate"));
}

#[test]
fn a_right_is_missing_only_where_the_cluster_says_so() {
    let answer = |code| Ok([Err::<(), _>(Refusal::new(code, ""))].into_iter());
    assert_eq!(lacks(answer(C::TopicAuthorizationFailed)), Ok(true));
    assert_eq!(lacks(answer(C::InvalidTopic)), Ok(false), "the name is refused after the rights were looked at");
    assert_eq!(lacks(answer(C::UnknownTopicOrPartition)), Ok(false));
    assert!(lacks(answer(C::BrokerTransportFailure)).is_err(), "nobody answered");
    assert!(lacks(answer(C::NotController)).is_err(), "it was not looked at");
}

#[tokio::test]
async fn a_name_is_reached_where_any_of_its_addresses_is() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(reach_one(&format!("localhost:{port}")).await, Ok(()), "also where ::1 refuses");
    drop(listener);
    let (user, _) = reach_one(&format!("localhost:{port}")).await.unwrap_err();
    assert_eq!(user, "refuses the connection (nothing listens on this port)");
}

#[test]
fn the_name_that_rights_are_tried_on_can_be_no_topics() {
    assert!(NO_TOPIC.parse::<orbit_core::name::PhysicalName>().is_err());
}

#[tokio::test]
async fn no_address_at_all_is_named() {
    let none = Connection { bootstrap_servers: Vec::new(), ..connection(SecurityProtocol::Plaintext) };
    let failure = check(&none, &Credentials::default()).await.unwrap_err();
    assert_eq!(
        (failure.part, failure.user.as_str()),
        (ConnectionPart::BootstrapServers, "bootstrap_servers is empty.")
    );
}
