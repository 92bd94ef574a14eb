//! A client of our own for what librdkafka lacks: it creates topics and answers their ids (KIP-516), and deletes topics by id, so that a topic that
//! somebody deleted and made again is refused instead of deleted (docs/adr/0007).
//!
//! - [`Controller`]: finds who leads the cluster, keeps one connection to it, makes one call at a time.
//! - [`access`]: how brokers are connected to, read from the cluster's connection once.
//! - [`link`]: one connection, from the name of a host to an answer.
//!
//! The encoding of messages is `kafka-protocol`'s, SASL is `rsasl`'s, TLS is rustls's.

mod access;
mod link;

use crate::{health::Health, native::Refusal};
use access::Access;
use kafka_protocol::{
    messages::{
        CreateTopicsRequest, DeleteTopicsRequest, MetadataRequest, MetadataResponse, TopicName,
        create_topics_request::{CreatableTopic, CreatableTopicConfig},
        delete_topics_request::DeleteTopicState,
    },
    protocol::{Request, StrBytes},
};
use link::Link;
use orbit_core::{
    model::cluster::{Connection, Credentials},
    ports::{KafkaError, KafkaTopicId, NewTopic},
};
use rdkafka::types::RDKafkaErrorCode as C;
use std::{sync::PoisonError, time::Duration};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout_at},
};

/// `CreateTopics` with the id in the answer (KIP-516).
const CREATE_TOPICS: i16 = 7;
/// `DeleteTopics` by id (KIP-516).
const DELETE_TOPICS: i16 = 6;
/// `Metadata` as it was when topic ids came.
const METADATA: i16 = 10;

/// The longest that the controller may wait for a change to be done: the client waits longer, so that it is the broker that answers.
const ANSWER_TAKES: Duration = Duration::from_millis(800);

/// Why a call has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The cluster was not asked.
    NotSent(Refusal),
    /// It may have been carried out.
    Unsure(Refusal),
}

impl NoAnswer {
    fn not_sent(code: C, text: impl Into<String>) -> Self {
        Self::NotSent(Refusal::new(code, text))
    }
    fn unsure(code: C, text: impl Into<String>) -> Self {
        Self::Unsure(Refusal::new(code, text))
    }
    /// What was refused, whether it was sent or not.
    pub(crate) fn refusal(&self) -> &Refusal {
        match self {
            Self::NotSent(refusal) | Self::Unsure(refusal) => refusal,
        }
    }
}

/// Who carries out changes of a cluster. Connects when something is first asked.
pub(crate) struct Controller {
    access: Access,
    health: Health,
    /// One call at a time: the lane before it gathers what comes meanwhile.
    link: Mutex<Option<Link>>,
    /// Brokers that the cluster told of: one is tried where none of the connection's own addresses answers.
    brokers: std::sync::Mutex<Vec<String>>,
}

impl Controller {
    /// An error where the connection cannot be right.
    pub(crate) fn new(connection: &Connection, credentials: &Credentials, health: Health) -> Result<Self, KafkaError> {
        let access = Access::new(connection, credentials)?;
        Ok(Self { access, health, link: Mutex::default(), brokers: std::sync::Mutex::default() })
    }

    /// Connects and finds the controller; a refusal tells what is in the way.
    pub(crate) async fn reach(&self, until: Instant) -> Result<(), Refusal> {
        let mut place = self.link.lock().await;
        let link = self.fresh(place.take(), until).await.map_err(|no| no.refusal().clone())?;
        link.knows::<CreateTopicsRequest>(CREATE_TOPICS)
            .and_then(|()| link.knows::<DeleteTopicsRequest>(DELETE_TOPICS))?;
        *place = Some(link);
        Ok(())
    }

    /// Creates topics, none twice: an answer per topic, in order.
    pub(crate) async fn topics_create(
        &self,
        topics: &[NewTopic],
        until: Instant,
    ) -> Result<Vec<Result<KafkaTopicId, Refusal>>, NoAnswer> {
        let (mut outcomes, mut wanted) = (vec![Err(left_out()); topics.len()], Vec::new());
        for (topic, outcome) in topics.iter().zip(&mut outcomes) {
            match creatable(topic) {
                Ok(topic) => wanted.push(topic),
                Err(refusal) => *outcome = Err(refusal),
            }
        }
        if wanted.is_empty() {
            return Ok(outcomes);
        }
        let timeout = broker_time(until);
        let ask = CreateTopicsRequest::default().with_topics(wanted).with_timeout_ms(timeout);
        let controller = |answer: &kafka_protocol::messages::CreateTopicsResponse| {
            answer.topics.iter().map(|topic| topic.error_code).collect()
        };
        let answer = self.ask(CREATE_TOPICS, &ask, until, controller).await?;
        for told in answer.topics {
            let Some(at) = topics.iter().position(|topic| topic.name.as_str() == told.name.0.as_str()) else {
                continue;
            };
            outcomes[at] = match refused(told.error_code, told.error_message) {
                Some(refusal) => Err(refusal),
                None if told.topic_id.is_nil() => Err(no_ids()),
                None => Ok(KafkaTopicId::from_uuid(told.topic_id)),
            };
        }
        Ok(outcomes)
    }

    /// Deletes topics by id, none twice: an answer per id, in order. One that is not there, or that somebody made anew, is not found.
    pub(crate) async fn topics_delete(
        &self,
        ids: &[KafkaTopicId],
        until: Instant,
    ) -> Result<Vec<Result<(), Refusal>>, NoAnswer> {
        let topic = |id: &KafkaTopicId| DeleteTopicState::default().with_name(None).with_topic_id(id.uuid());
        let ask = DeleteTopicsRequest::default()
            .with_topics(ids.iter().map(topic).collect())
            .with_timeout_ms(broker_time(until));
        let controller = |answer: &kafka_protocol::messages::DeleteTopicsResponse| {
            answer.responses.iter().map(|topic| topic.error_code).collect()
        };
        let answer = self.ask(DELETE_TOPICS, &ask, until, controller).await?;
        let mut outcomes = vec![Err(left_out()); ids.len()];
        for told in answer.responses {
            if let Some(at) = ids.iter().position(|id| id.uuid() == told.topic_id) {
                outcomes[at] = refused(told.error_code, told.error_message).map_or(Ok(()), Err);
            }
        }
        Ok(outcomes)
    }

    /// Asks the controller. One that is not it any more carried out nothing: the next one is asked, once.
    async fn ask<Q: Request>(
        &self,
        version: i16,
        ask: &Q,
        until: Instant,
        codes: impl Fn(&Q::Response) -> Vec<i16>,
    ) -> Result<Q::Response, NoAnswer> {
        let mut place = self.link.lock().await;
        let mut moved = false;
        loop {
            let mut link = self.fresh(place.take(), until).await?;
            link.knows::<Q>(version).map_err(NoAnswer::NotSent)?;
            let answer = link.call(version, ask, until).await?;
            self.health.answered();
            let codes = codes(&answer);
            let elsewhere = !codes.is_empty() && codes.iter().all(|code| i32::from(*code) == C::NotController as i32);
            if elsewhere && !std::mem::replace(&mut moved, true) {
                continue;
            }
            if !elsewhere {
                *place = Some(link);
            }
            return Ok(answer);
        }
    }

    /// A connection to the controller: the one that is there, where it is still good.
    async fn fresh(&self, kept: Option<Link>, until: Instant) -> Result<Link, NoAnswer> {
        if let Some(mut link) = kept
            && link.is_good().await
        {
            return Ok(link);
        }
        match timeout_at(until, self.connect(until)).await {
            Ok(connected) => connected.map_err(NoAnswer::NotSent),
            Err(_) => Err(NoAnswer::not_sent(C::BrokerTransportFailure, "no broker came to an answer in time")),
        }
    }

    /// Tries one address after the other; the last failure tells, unless one before it says more than that nobody answers.
    async fn connect(&self, until: Instant) -> Result<Link, Refusal> {
        let mut why: Option<Refusal> = None;
        let known = self.brokers.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for address in self.access.servers.iter().chain(&known) {
            match self.through(address, until).await {
                Ok(link) => return Ok(link),
                Err(refusal) => {
                    tracing::debug!(target: "kafka_wire", address, code = refusal.code, text = refusal.text, "connection failure");
                    if why.as_ref().is_none_or(|why| why.code == C::BrokerTransportFailure as i32) {
                        why = Some(refusal);
                    }
                }
            }
        }
        Err(why.unwrap_or_else(|| Refusal::new(C::Resolve, "there is no address to connect to")))
    }

    /// The controller, as the broker at this address tells it. One that cannot be reached leaves this broker: it forwards what it is asked (KIP-590).
    async fn through(&self, address: &str, until: Instant) -> Result<Link, Refusal> {
        let mut link = Link::open(&self.access, address, until).await?;
        let ask = MetadataRequest::default().with_topics(Some(Vec::new())).with_allow_auto_topic_creation(false);
        link.knows::<MetadataRequest>(METADATA)?;
        let told = link.call(METADATA, &ask, until).await.map_err(|no| no.refusal().clone())?;
        let addresses = addresses(&told);
        let controller = told.brokers.iter().position(|broker| broker.node_id == told.controller_id);
        let controller = controller.map(|at| addresses[at].clone());
        *self.brokers.lock().unwrap_or_else(PoisonError::into_inner) = addresses;
        match controller {
            Some(controller) if controller != address => {
                Ok(Link::open(&self.access, &controller, until).await.unwrap_or(link))
            }
            _ => Ok(link),
        }
    }
}

fn addresses(told: &MetadataResponse) -> Vec<String> {
    told.brokers.iter().map(|broker| format!("{}:{}", broker.host.as_str(), broker.port)).collect()
}

/// What the broker may take, of what is left.
fn broker_time(until: Instant) -> i32 {
    let left = until.saturating_duration_since(Instant::now()).saturating_sub(ANSWER_TAKES);
    i32::try_from(left.as_millis()).unwrap_or(i32::MAX).max(1)
}

fn left_out() -> Refusal {
    Refusal::new(C::Partial, "the answer left this item out")
}

pub(crate) fn no_ids() -> Refusal {
    Refusal::new(C::UnsupportedFeature, "the cluster gives topics no id, by which Orbit knows its own")
}

fn refused(code: i16, text: Option<StrBytes>) -> Option<Refusal> {
    (code != 0).then(|| Refusal { code: code.into(), text: text.map(|text| text.to_string()).unwrap_or_default() })
}

fn creatable(topic: &NewTopic) -> Result<CreatableTopic, Refusal> {
    const DEFAULT: i16 = -1;
    let texts = topic.configs.iter().flat_map(|(key, value)| [key, value]);
    if texts.into_iter().any(|text| text.contains('\0')) {
        // Brokers cut it off or keep it, as it comes.
        return Err(Refusal::new(C::InvalidArgument, "a text with a zero byte cannot be sent"));
    }
    let too_many = |what: &str| Refusal::new(C::InvalidArgument, format!("{what} is more than Kafka can count"));
    let partitions = topic.partitions.map_or(Ok(DEFAULT.into()), i32::try_from);
    let replicas = topic.replication_factor.map_or(Ok(DEFAULT), i16::try_from);
    let config = |(key, value): (&String, &String)| {
        let text = |text: &String| StrBytes::from_string(text.clone());
        CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
    };
    Ok(CreatableTopic::default()
        .with_name(TopicName(StrBytes::from_string(topic.name.to_string())))
        .with_num_partitions(partitions.map_err(|_| too_many("partitions"))?)
        .with_replication_factor(replicas.map_err(|_| too_many("replication_factor"))?)
        .with_configs(topic.configs.iter().map(config).collect()))
}
