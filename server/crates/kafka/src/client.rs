//! A client of one cluster: how it is configured, and how long it waits.

use crate::{
    errors::Asked,
    health::Health,
    native::{Answer, Native, Refusal},
    pace::Pace,
    sent::{Request, Sent},
    wire::Controller,
};
use orbit_core::{
    model::cluster::{Connection, Credentials},
    ports::{KafkaError, KafkaErrorKind},
};
use rdkafka::{ClientConfig, config::RDKafkaLogLevel, types::RDKafkaErrorCode as C};
use std::{sync::Arc, thread, time::Duration};
use tokio::{sync::oneshot, time::Instant};

/// After this long without a reply, a connection that failed means that the cluster is unreachable. A reply is waited for longer.
/// Below the bound of every request, which would end without the reason.
const UNREACHABLE_AFTER: Duration = Duration::from_millis(3_500);

/// librdkafka's settings that do not depend on the cluster.
const SETTINGS: &[(&str, &str)] = &[
    ("client.id", "orbit"),
    // A host that swallows packets is found out before `UNREACHABLE_AFTER`.
    ("socket.connection.setup.timeout.ms", "3000"),
    ("api.version.request.timeout.ms", "3000"),
    // Who the controller is, librdkafka asks only with the list of brokers: every five minutes by default, in which no change would be possible after
    // that broker is gone.
    ("topic.metadata.refresh.interval.ms", "10000"),
    // A cluster that comes back is noticed within this.
    ("reconnect.backoff.max.ms", "2000"),
    ("socket.keepalive.enable", "true"),
    ("socket.nagle.disable", "true"),
    ("log.connection.close", "false"),
    // Brokers may ask clients for their metrics (KIP-714): Orbit tells its own, and a client closes faster without.
    ("enable.metrics.push", "false"),
    // A producer's client, which this is, would have brokers create a topic that it asks about.
    ("allow.auto.create.topics", "false"),
];

/// The connections to one Kafka cluster. Clones share them.
#[derive(Clone)]
pub(crate) struct Client {
    native: Arc<Native>,
    controller: Arc<Controller>,
    health: Health,
    pace: Pace,
    pub(crate) sent: Arc<Sent>,
}

impl Client {
    /// Makes a client. An error means that the connection cannot be right (a password or key is missing, a certificate cannot be read); whether
    /// the cluster answers shows when something is asked, or by [`crate::check`].
    pub(crate) fn connect(connection: &Connection, credentials: &Credentials) -> Result<Self, KafkaError> {
        let config = client_config(connection, credentials)?;
        let health = Health::new();
        let native = Native::new(&config, health.clone()).map_err(|refusal| unusable(connection, refusal))?;
        let controller = Controller::new(connection, credentials, health.clone())?;
        Ok(Self {
            native: Arc::new(native),
            controller: Arc::new(controller),
            health,
            pace: Pace::new(None),
            sent: Arc::default(),
        })
    }

    pub(crate) fn at(self, pace: Pace) -> Self {
        Self { pace, ..self }
    }

    /// Before a request of librdkafka's: waits for its turn, within bounds, and counts it.
    pub(crate) async fn turn(&self, request: Request) -> Result<&Native, Refusal> {
        self.pace.turn().await?;
        self.sent.count(request);
        Ok(&self.native)
    }
    /// For asking whether a right is there, once and by hand: without a turn.
    pub(crate) fn native(&self) -> &Native {
        &self.native
    }
    /// Whether changes can be asked for.
    pub(crate) async fn reach_controller(&self) -> Result<(), Refusal> {
        self.controller.reach(Instant::now() + Native::REQUEST_TIMEOUT).await
    }
    /// Before a request to the controller: the same.
    pub(crate) async fn controller(&self, request: Request) -> Result<&Controller, Refusal> {
        self.pace.turn().await?;
        self.sent.count(request);
        Ok(&self.controller)
    }

    pub(crate) fn health(&self) -> &Health {
        &self.health
    }

    /// Waits for an answer, at most as long as the request may take, and less where no broker is connected.
    pub(crate) async fn wait<T>(&self, answer: Answer<T>) -> Result<T, Refusal> {
        let answer = answer?;
        let reply = closing(answer);
        self.within_bounds(Native::REQUEST_TIMEOUT, reply).await
    }

    /// The same for the listing, a call that blocks: on a thread of its own, for which a runtime that shuts down does not wait.
    pub(crate) async fn wait_blocking<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Native) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let native = Arc::clone(&self.native);
        let (tx, rx) = oneshot::channel();
        let started = thread::Builder::new().name("orbit-kafka-call".to_owned()).spawn(move || {
            // Err: the caller went away meanwhile, which is its right.
            drop(tx.send(call(&native)));
        });
        started.map_err(|error| Refusal::new(C::CriticalSystemResource, error.to_string()))?;
        self.within_bounds(Native::LIST_TIMEOUT, closing(rx)).await
    }

    async fn within_bounds<T>(
        &self,
        bound: Duration,
        reply: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        let given_up = async {
            tokio::time::sleep(UNREACHABLE_AFTER).await;
            self.health.failed(|_| true).await.refusal
        };
        // librdkafka keeps the bound itself; this one is for the day it does not.
        let overdue = tokio::time::sleep(bound + Duration::from_secs(1));
        let result = tokio::select! {
            reply = reply => reply.map_err(never_sent),
            refusal = given_up => Err(refusal),
            () = overdue => Err(Refusal::new(C::OperationTimedOut, "librdkafka did not end the request in time")),
        };
        match result {
            // librdkafka's own codes are negative; anything else came from a broker.
            Err(refusal) if refusal.code < 0 => Err(refusal),
            result => {
                self.health.answered();
                result
            }
        }
    }

    /// Makes sure, before something is changed, that a broker answers: so that an error before this is one where nothing was sent.
    /// Costs a round trip only where the last that was heard of the cluster is not an answer.
    pub(crate) async fn ready(&self) -> Result<(), KafkaError> {
        if self.health.is_good() {
            return Ok(());
        }
        self.nodes().await.map(drop).map_err(|refusal| refusal.of(Asked::Cluster))
    }
}

/// A reply, or that nobody is left to give it.
async fn closing<T>(answer: oneshot::Receiver<Result<T, Refusal>>) -> Result<T, Refusal> {
    answer.await.unwrap_or_else(|_| Err(Refusal::new(C::BrokerDestroy, "the client is closing")))
}

/// By librdkafka's words for a time-out: a request for which no broker was found, the controller for one, was never sent.
fn never_sent(refusal: Refusal) -> Refusal {
    // A broker has it, or had a part of it.
    const MAY_BE_SENT: [&str; 4] =
        ["waiting for response", "request failed", "waiting for fanouts", "partition leaders"];
    if refusal.code == C::OperationTimedOut as i32 && !MAY_BE_SENT.iter().any(|words| refusal.text.contains(words)) {
        return Refusal::new(C::AllBrokersDown, refusal.text);
    }
    refusal
}

fn invalid(why: impl Into<String>) -> KafkaError {
    let why = why.into();
    KafkaError { kind: KafkaErrorKind::Invalid, user: format!("The connection is not complete: {why}."), operator: why }
}

/// What librdkafka finds wrong when it reads certificates and keys.
fn unusable(connection: &Connection, refusal: Refusal) -> KafkaError {
    let user = if connection.security_protocol.uses_tls() {
        "A certificate or key of the connection cannot be used: is each one in PEM form and without a passphrase, and does the key belong to the certificate?"
    } else {
        "The connection cannot be used: one of its values is not possible."
    };
    KafkaError { kind: KafkaErrorKind::Invalid, user: user.to_owned(), operator: refusal.text }
}

/// librdkafka's configuration. Nothing of it is logged: it holds the password and the key.
fn client_config(connection: &Connection, credentials: &Credentials) -> Result<ClientConfig, KafkaError> {
    let mut config = ClientConfig::new();
    for (key, value) in SETTINGS {
        config.set(*key, *value);
    }
    config.set_log_level(RDKafkaLogLevel::Warning);
    if connection.bootstrap_servers.is_empty() {
        return Err(invalid("bootstrap_servers is empty"));
    }
    config.set("bootstrap.servers", connection.bootstrap_servers.join(","));
    config.set("security.protocol", connection.security_protocol.as_str());
    if connection.security_protocol.uses_sasl() {
        let mechanism =
            connection.sasl_mechanism.ok_or_else(|| invalid("sasl_mechanism is due with this security_protocol"))?;
        let username = connection
            .sasl_username
            .as_ref()
            .ok_or_else(|| invalid("sasl_username is due with this security_protocol"))?;
        let password = credentials
            .sasl_password
            .as_ref()
            .ok_or_else(|| invalid("sasl_password is due with this security_protocol"))?;
        config.set("sasl.mechanism", mechanism.as_str());
        config.set("sasl.username", username);
        config.set("sasl.password", password.expose());
    }
    if connection.security_protocol.uses_tls() {
        if let Some(pem) = &connection.ca_certificate_pem {
            config.set("ssl.ca.pem", pem);
        }
        match (&connection.client_certificate_pem, &credentials.client_key_pem) {
            (Some(certificate), Some(key)) => {
                config.set("ssl.certificate.pem", certificate);
                config.set("ssl.key.pem", key.expose());
            }
            (None, None) => {}
            (Some(_), None) => return Err(invalid("client_key_pem is due with client_certificate_pem")),
            (None, Some(_)) => return Err(invalid("client_certificate_pem is due with client_key_pem")),
        }
    }
    Ok(config)
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
