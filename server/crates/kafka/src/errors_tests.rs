use super::*;
use crate::error_table::TABLE;
use proptest::prelude::*;
use rdkafka::types::RDKafkaErrorCode as C;

/// Marks of the enum's ranges, and success.
const NOT_ERRORS: [C; 3] = [C::Begin, C::End, C::NoError];

/// Every code that librdkafka knows.
fn known() -> impl Iterator<Item = (Code, C)> {
    (-300..300)
        .filter_map(|code| Some((code, C::from(RDKafkaRespErr::try_from(code).ok()?))))
        .filter(|(_, known)| !NOT_ERRORS.contains(known) && *known != C::EndAll)
}

fn says(code: C, text: &str, asked: Asked<'_>) -> KafkaError {
    Refusal::new(code, text).of(asked)
}

#[test]
fn every_known_code_is_in_the_table_exactly_once() {
    assert!(known().count() > 150, "the enum was read");
    for (code, name) in known() {
        let rows = TABLE.iter().flat_map(|(_, _, codes)| codes.iter()).filter(|c| **c as Code == code).count();
        assert_eq!(rows, 1, "{name:?} ({code}) stands in {rows} rows");
    }
}

#[test]
fn what_can_only_pass_by_waiting_is_not_fatal() {
    for code in [C::BrokerTransportFailure, C::AllBrokersDown, C::Resolve] {
        assert_eq!(says(code, "", Asked::Create("a")).kind, Kind::Unreachable, "{code:?}");
    }
    for code in [C::NoEnt, C::NotController, C::RequestTimedOut, C::OperationTimedOut] {
        assert_eq!(says(code, "", Asked::Create("a")).kind, Kind::Passing, "{code:?}");
    }
    for code in [C::ThrottlingQuotaExceeded, C::QueueFull] {
        assert_eq!(says(code, "", Asked::Create("a")).kind, Kind::Busy, "{code:?}");
    }
    assert_eq!(Refusal { code: 9_999, text: String::new() }.kind(), Kind::Passing, "a newer broker's code");
}

#[test]
fn the_brokers_own_words_reach_the_user() {
    let error = says(C::InvalidConfig, "Unknown topic config name: retention.mss", Asked::Create("orders"));
    assert_eq!(error.kind, Kind::Invalid);
    assert_eq!(error.user, "Kafka refuses to create topic \"orders\": Unknown topic config name: retention.mss.");
    assert_eq!(error.operator, "create topic \"orders\": InvalidConfig (40): Unknown topic config name: retention.mss");
}

#[test]
fn librdkafkas_name_of_a_code_is_no_message() {
    let error = says(C::PolicyViolation, "Broker: Policy violation", Asked::Create("orders"));
    assert_eq!(error.user, "Kafka refuses to create topic \"orders\": the cluster's own policy forbids it.");
}

#[test]
fn a_missing_right_is_named_with_its_resource() {
    let lacks = |code, asked| says(code, "Broker: Topic authorization failed", asked).user;
    assert_eq!(
        lacks(C::TopicAuthorizationFailed, Asked::Create("orders")),
        "Orbit's principal lacks Create on topic \"orders\" (or on the cluster): grant it, see docs/connecting-a-cluster.md."
    );
    assert_eq!(
        lacks(C::TopicAuthorizationFailed, Asked::Grow("orders")),
        "Orbit's principal lacks Alter on topic \"orders\": grant it, see docs/connecting-a-cluster.md."
    );
    assert_eq!(
        lacks(C::ClusterAuthorizationFailed, Asked::BrokerConfigs),
        "Orbit's principal lacks DescribeConfigs on the cluster: grant it, see docs/connecting-a-cluster.md."
    );
}

proptest! {
    /// librdkafka's texts of lost connections name brokers by addresses that are not the user's own.
    #[test]
    fn no_address_from_a_lost_connection_reaches_the_user(host in "[a-z]{8,12}\\.internal", at in 0_usize..1_000) {
        let reached: Vec<C> = known().filter(|(code, _)| matches!(row(*code).0, Kind::Unreachable | Kind::Authentication | Kind::Passing))
            .map(|(_, known)| known).collect();
        let error = says(reached[at % reached.len()], &format!("{host}:9092/1: Connect failed"), Asked::Describe("orders"));
        prop_assert!(!error.user.contains(&host));
        prop_assert!(error.operator.contains(&host));
    }
}
