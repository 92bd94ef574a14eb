//! Tries a connection from the outside in, so that the part that fails can be named: names and ports, TLS, SASL, rights.

use crate::{
    client::Client,
    errors::{Asked, CONNECTING},
    health::Failure,
    native::{ConfigOp, ConfigResource, DeleteTopic, Mode, Named, Native, NewPartitions, NewTopic, Refusal, Right},
};
use futures::future::{join_all, select_ok};
use orbit_core::{
    model::cluster::{Connection, Credentials},
    ports::{ClusterDescription, ConnectionPart, KafkaError, KafkaErrorKind},
};
use rdkafka::types::RDKafkaErrorCode as C;
use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::SocketAddr,
    time::Duration,
};
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};

/// How long one name may take to be resolved and connected to.
const REACH_WITHIN: Duration = Duration::from_secs(3);

/// Why a connection does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionFailure {
    /// Which part of it.
    pub part: ConnectionPart,
    /// What the platform team can do; holds no secret, and no address but those of the connection itself.
    pub user: String,
    /// Names, codes and causes, for the log.
    pub operator: String,
}

impl ConnectionFailure {
    fn new(part: ConnectionPart, user: impl Into<String>, operator: impl Into<String>) -> Self {
        Self { part, user: user.into(), operator: operator.into() }
    }
}

/// Connects as Orbit would and looks whether it may do what it needs to do. Changes nothing on the cluster. Takes up to some 10 s where the
/// cluster swallows packets, and milliseconds otherwise.
pub async fn check(
    connection: &Connection,
    credentials: &Credentials,
) -> Result<ClusterDescription, ConnectionFailure> {
    reach(&connection.bootstrap_servers).await?;
    let cluster = Client::connect(connection, credentials).map_err(|error| incomplete(connection, error))?;
    let nodes = tokio::select! {
        nodes = cluster.nodes() => nodes.map_err(|refusal| handshake(connection, &refusal))?,
        // A broker that refuses credentials or certificates will not change its mind. One that hangs up may be one of several behind a name.
        failure = cluster.health().failed(Failure::is_final) => {
            return Err(handshake(connection, &failure.refusal));
        }
    };
    let missing =
        missing_rights(&cluster, &nodes.brokers, nodes.rights.as_deref()).await.map_err(|error| uncertain(&error))?;
    if !missing.is_empty() {
        let user = format!("Orbit's principal lacks {}: grant it, see {CONNECTING}.", missing.join("; "));
        return Err(ConnectionFailure::new(ConnectionPart::Rights, user.clone(), user));
    }
    // The way by which topics are made and deleted: other code, which may trust other certificates.
    let reached = cluster.reach_controller().await;
    reached.map_err(|refusal| match refusal.kind() {
        KafkaErrorKind::Invalid => uncertain(&refusal.of(Asked::Cluster)),
        _ => handshake(connection, &refusal),
    })?;
    cluster.cluster_describe().await.map_err(|error| uncertain(&error))
}

/// Whether any address can be resolved and connected to; else what is wrong with each.
async fn reach(servers: &[String]) -> Result<(), ConnectionFailure> {
    let attempts = join_all(servers.iter().map(|server| reach_one(server))).await;
    if attempts.iter().any(Result::is_ok) {
        return Ok(());
    }
    let (mut users, mut operators) = (Vec::new(), Vec::new());
    for (server, (user, operator)) in servers.iter().zip(attempts.into_iter().filter_map(Result::err)) {
        users.push(format!("{server} {user}"));
        operators.push(format!("{server}: {operator}"));
    }
    let user = match users.as_slice() {
        [] => "bootstrap_servers is empty.".to_owned(),
        some => format!("{}.", some.join("; ")),
    };
    Err(ConnectionFailure::new(ConnectionPart::BootstrapServers, user, operators.join("; ")))
}

/// What the user reads, after the address, and what the operator reads.
type Unreached = (&'static str, String);

async fn reach_one(server: &str) -> Result<(), Unreached> {
    const SLOW: &str = "does not answer within 3 s: is a firewall in between?";
    let reached = timeout(REACH_WITHIN, resolve_and_connect(server)).await;
    reached.unwrap_or_else(|_| Err((SLOW, "timed out".to_owned())))
}

/// Tries a name's addresses beside each other: one that swallows packets keeps nobody waiting.
async fn resolve_and_connect(server: &str) -> Result<(), Unreached> {
    /// As many as one name may sensibly have.
    const MOST: usize = 32;
    let addresses = lookup_host(server).await.map_err(|error| match error.kind() {
        io::ErrorKind::InvalidInput => ("is not of the form host:port", error.to_string()),
        _ => ("cannot be resolved", error.to_string()),
    })?;
    let tries: Vec<_> = addresses.take(MOST).map(|address| Box::pin(connect(address))).collect();
    if tries.is_empty() {
        return Err(("cannot be resolved", "no address".to_owned()));
    }
    select_ok(tries).await.map(|_| ())
}

async fn connect(address: SocketAddr) -> Result<(), Unreached> {
    match TcpStream::connect(address).await {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(("refuses the connection (nothing listens on this port)", format!("{address}: {error}")))
        }
        Err(error) => Err(("cannot be connected to", format!("{address}: {error}"))),
    }
}

/// A connection that cannot be tried: its description, or librdkafka's reading of a certificate or key, says what is missing.
fn incomplete(connection: &Connection, error: KafkaError) -> ConnectionFailure {
    let about_sasl = error.operator.contains("sasl");
    let part = match (about_sasl, connection.security_protocol.uses_tls()) {
        (true, _) => ConnectionPart::Sasl,
        (false, true) => ConnectionPart::Tls,
        (false, false) => ConnectionPart::BootstrapServers,
    };
    ConnectionFailure::new(part, error.user, error.operator)
}

/// The broker was reached, and it did not come to an answer.
fn handshake(connection: &Connection, refusal: &Refusal) -> ConnectionFailure {
    let protocol = connection.security_protocol.as_str();
    let is = |code: C| refusal.code == code as i32;
    let (part, user) = if is(C::Authentication) || is(C::SaslAuthenticationFailed) || is(C::UnsupportedSASLMechanism) {
        (ConnectionPart::Sasl, sasl_sentence(connection, &refusal.text))
    } else if is(C::SSL) || refusal.text.contains("SSL") {
        (ConnectionPart::Tls, tls_sentence(connection, &refusal.text).to_owned())
    } else if connection.security_protocol.uses_tls() {
        let user = format!(
            "The broker hangs up during the handshake: does this listener speak {protocol}, and does it accept the client certificate?"
        );
        (ConnectionPart::Tls, user)
    } else {
        let user = format!(
            "A broker accepts the connection and does not answer: does this listener speak {protocol}, and are the addresses that the brokers advertise reachable from Orbit?"
        );
        (ConnectionPart::BootstrapServers, user)
    };
    ConnectionFailure::new(part, user, format!("code {}: {}", refusal.code, refusal.text))
}

fn sasl_sentence(connection: &Connection, text: &str) -> String {
    let mechanism = connection.sasl_mechanism.map_or("SASL", |mechanism| mechanism.as_str());
    if text.contains("Request not valid in current SASL state") {
        "This listener asks for no user name: is security_protocol right for this port?".to_owned()
    } else if text.contains("supported mechanisms") {
        format!("The cluster does not offer {mechanism}: choose another sasl_mechanism.")
    } else {
        format!("The cluster refuses the user name or the password ({mechanism}).")
    }
}

/// OpenSSL's reasons, as far as a platform team can act on them.
fn tls_sentence(connection: &Connection, text: &str) -> &'static str {
    const ANY: &str = "The TLS handshake with the broker fails.";
    const NO_TLS: &str = "The listener does not speak TLS: is security_protocol right for this port?";
    const NO_CERTIFICATE: &str =
        "The cluster wants a client certificate: give client_certificate_pem and client_key_pem.";
    const REASONS: &[(&str, &str)] = &[
        // OpenSSL tells librdkafka which of the three it is, and librdkafka tells nobody.
        (
            "certificate verify failed",
            "A broker's certificate is not accepted: does it lead to the authority in ca_certificate_pem, is it for the host name that is connected to, and is it still valid?",
        ),
        ("certificate required", NO_CERTIFICATE),
        (
            "bad certificate",
            "The cluster refuses Orbit's client certificate: is it signed by an authority that the brokers trust, and still valid?",
        ),
        ("plaintext broker listener", NO_TLS),
        ("wrong version number", NO_TLS),
        ("packet length too long", NO_TLS),
    ];
    let lower = text.to_lowercase();
    // Java's brokers call a certificate that is missing a bad one.
    if connection.client_certificate_pem.is_none() && lower.contains("alert bad certificate") {
        return NO_CERTIFICATE;
    }
    REASONS.iter().find(|(mark, _)| lower.contains(mark)).map_or(ANY, |(_, sentence)| sentence)
}

/// An answer that went wrong after the connection was fine.
fn uncertain(error: &KafkaError) -> ConnectionFailure {
    let part = match error.kind {
        KafkaErrorKind::Forbidden => ConnectionPart::Rights,
        KafkaErrorKind::Authentication => ConnectionPart::Sasl,
        _ => ConnectionPart::BootstrapServers,
    };
    ConnectionFailure::new(part, error.user.clone(), error.operator.clone())
}

/// No topic can have this name, so nothing can happen to one: Kafka looks at rights before names, and refuses the name after.
const NO_TOPIC: &str = "orbit looks for its rights";

/// The rights that Orbit needs and its principal lacks, grouped by resource.
async fn missing_rights(cluster: &Client, brokers: &[i32], known: Option<&[Right]>) -> Result<Vec<String>, KafkaError> {
    let (topics, cluster_wide) =
        tokio::join!(missing_on_topics(cluster, known), missing_on_cluster(cluster, brokers, known));
    let named = |(rights, on): (Vec<Right>, &str)| {
        let names: Vec<&str> = rights.iter().map(|right| right.as_str()).collect();
        (!names.is_empty()).then(|| format!("{} on {on}", names.join(", ")))
    };
    Ok([(cluster_wide?, "the cluster"), (topics?, "topics")].into_iter().filter_map(named).collect())
}

async fn missing_on_cluster(
    cluster: &Client,
    brokers: &[i32],
    known: Option<&[Right]>,
) -> Result<Vec<Right>, KafkaError> {
    let mut missing = Vec::new();
    if known.is_some_and(|known| !known.contains(&Right::Describe)) {
        missing.push(Right::Describe);
    }
    match cluster.broker_entries(brokers.first().copied()).await {
        Ok(_) => {}
        Err(refusal) if refusal.kind() == KafkaErrorKind::Forbidden => missing.push(Right::DescribeConfigs),
        Err(refusal) => return Err(refusal.of(Asked::BrokerConfigs)),
    }
    Ok(missing)
}

async fn missing_on_topics(cluster: &Client, known: Option<&[Right]>) -> Result<Vec<Right>, KafkaError> {
    let native = cluster.native();
    let no_configs = BTreeMap::new();
    let create = NewTopic::new(NO_TOPIC, Some(1), Some(1), &no_configs)
        .and_then(|t| native.topics_create(&[t], Mode::ValidateOnly));
    let delete = DeleteTopic::new(NO_TOPIC).and_then(|topic| native.topics_delete(&[topic]));
    let alter = NewPartitions::new(NO_TOPIC, 2).and_then(|p| native.partitions_create(&[p], Mode::ValidateOnly));
    let alter_configs = ConfigResource::topic(NO_TOPIC).and_then(|resource| {
        resource.change("retention.ms", ConfigOp::Set("1"))?;
        native.configs_change(&[resource], Mode::ValidateOnly, Native::REQUEST_TIMEOUT)
    });
    let (create, delete, alter, alter_configs, describe, configs) = tokio::join!(
        cluster.wait(create),
        cluster.wait(delete),
        cluster.wait(alter),
        cluster.wait(alter_configs),
        cluster.describe(&[NO_TOPIC]),
        cluster.configs(&[NO_TOPIC]),
    );
    let outcomes = [
        (Right::Create, lacks(create.map(outcomes))),
        (Right::Delete, lacks(delete.map(outcomes))),
        (Right::Alter, lacks(alter.map(outcomes))),
        (Right::AlterConfigs, lacks(alter_configs.map(outcomes))),
        (Right::Describe, lacks(describe.map(HashMap::into_values))),
        (Right::DescribeConfigs, lacks(configs.map(HashMap::into_values))),
    ];
    let may_create = known.is_some_and(|known| known.contains(&Right::Create));
    let mut missing = Vec::new();
    for (right, lacking) in outcomes {
        let lacking = lacking.map_err(|refusal| refusal.of(Asked::Cluster))?;
        // The right to create holds on the cluster as well.
        if lacking && !(right == Right::Create && may_create) {
            missing.push(right);
        }
    }
    Ok(missing)
}

fn outcomes(answer: Vec<Named<()>>) -> impl Iterator<Item = Result<(), Refusal>> {
    answer.into_iter().map(|item| item.outcome)
}

/// Whether the answer to the try is that a right is missing. A refusal of the name means that it is there. Where the cluster did not come to look, since
/// nobody answered or it could not just now, nothing is known.
fn lacks<T>(answer: Result<impl Iterator<Item = Result<T, Refusal>>, Refusal>) -> Result<bool, Refusal> {
    let outcome = match answer {
        Ok(mut outcomes) => outcomes.find_map(Result::err),
        Err(refusal) => Some(refusal),
    };
    match outcome.map(|refusal| (refusal.kind(), refusal)) {
        Some((KafkaErrorKind::Forbidden, _)) => Ok(true),
        Some((KafkaErrorKind::Unreachable | KafkaErrorKind::Authentication | KafkaErrorKind::Passing, refusal)) => {
            Err(refusal)
        }
        _ => Ok(false),
    }
}

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;
