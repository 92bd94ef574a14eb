//! The calls that the port is made of: each asks, waits within the bounds, and sorts what comes back by item.

use crate::{
    bulk::{self, batches},
    client::KafkaCluster,
    defaults::BrokerConfigs,
    errors::Asked,
    native::{Answer, ConfigEntry, ConfigResource, Named, Refusal, TopicPartitions},
};
use orbit_core::{
    name::PhysicalName,
    ports::{KafkaError, KafkaErrorKind, KafkaTopicId},
};
use rdkafka::types::RDKafkaErrorCode as C;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// How long a new topic may take to show its id. Brokers follow the controller within milliseconds.
const VISIBLE_WITHIN: Duration = Duration::from_secs(10);
/// How long partitions that the controller has already may take to show.
const GROWN_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait between two looks: each time longer, up to the last.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LAST_PAUSE: Duration = Duration::from_millis(5);

pub(crate) type ByName<T> = HashMap<String, Result<T, Refusal>>;

fn by_name<T>(answer: Vec<Named<T>>) -> ByName<T> {
    answer.into_iter().map(|Named { name, outcome }| (name, outcome)).collect()
}

pub(crate) fn unanswered() -> Refusal {
    Refusal::new(C::Partial, "the answer left this item out")
}

/// A topic's id. All zero is how the protocol says that there is none.
pub(crate) fn id_of(topic: TopicPartitions) -> Result<KafkaTopicId, Refusal> {
    match topic.id {
        0 => Err(Refusal::new(C::UnsupportedFeature, "the cluster gives topics no id, by which Orbit knows its own")),
        id => Ok(KafkaTopicId::from_uuid(Uuid::from_u128(id))),
    }
}

impl KafkaCluster {
    /// A broker's settings; none where Orbit may not read them, since they only sharpen what evaluation knows.
    pub(crate) async fn broker_configs(&self, broker: Option<i32>) -> Result<BrokerConfigs, KafkaError> {
        match self.broker_entries(broker).await {
            Ok(entries) => Ok(BrokerConfigs::new(entries)),
            Err(refusal) if refusal.kind() == KafkaErrorKind::Forbidden => Ok(BrokerConfigs::new(Vec::new())),
            Err(refusal) => Err(refusal.of(Asked::BrokerConfigs)),
        }
    }

    pub(crate) async fn broker_entries(&self, broker: Option<i32>) -> Result<Vec<ConfigEntry>, Refusal> {
        let Some(broker) = broker else { return Ok(Vec::new()) };
        let answer = self.native().configs_describe(&[ConfigResource::broker(broker)?]);
        self.wait(answer).await?.pop().map_or_else(|| Err(unanswered()), |resource| resource.outcome)
    }

    pub(crate) async fn configs(&self, topics: &[&str]) -> Result<ByName<Vec<ConfigEntry>>, Refusal> {
        let answer = {
            let resources = topics.iter().map(|topic| ConfigResource::topic(topic)).collect::<Result<Vec<_>, _>>()?;
            self.native().configs_describe(&resources)
        };
        self.wait(answer).await.map(by_name)
    }

    pub(crate) async fn describe(&self, topics: &[&str]) -> Result<ByName<TopicPartitions>, Refusal> {
        self.wait(self.native().topics_describe(topics)).await.map(by_name)
    }

    pub(crate) async fn describe_one(&self, topic: &str) -> Result<TopicPartitions, Refusal> {
        self.describe(&[topic]).await?.remove(topic).unwrap_or_else(|| Err(unanswered()))
    }

    /// Whether a topic has so many partitions, or will in a moment: the broker that is asked follows the controller.
    pub(crate) async fn has_partitions(&self, topic: &PhysicalName, count: u32) -> bool {
        let deadline = Instant::now() + GROWN_WITHIN;
        loop {
            match self.describe_one(topic.as_str()).await {
                Ok(topic) if topic.partitions < count && Instant::now() < deadline => {
                    tokio::time::sleep(LAST_PAUSE).await;
                }
                Ok(topic) => return topic.partitions == count,
                Err(_) => return false,
            }
        }
    }

    /// Asks for a change of each item, in batches. An error in the way of a batch is each of its items' error: it may have been carried out.
    pub(crate) async fn each<I: Sync, H: Send>(
        &self,
        items: &[I],
        asked: impl Fn(&I) -> Asked<'_> + Send + Sync,
        build: impl Fn(&I) -> Result<H, Refusal> + Send + Sync,
        send: impl Fn(&[H]) -> Answer<Vec<Named<()>>> + Send + Sync,
    ) -> Result<Vec<Result<(), Refusal>>, KafkaError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        self.ready().await?;
        let mut outcomes: Vec<Result<(), Refusal>> = items.iter().map(|_| Err(unanswered())).collect();
        for batch in batches(items.iter().map(|item| asked(item).topic().unwrap_or_default()), bulk::WRITE) {
            let (mut places, mut handles) = (Vec::new(), Vec::new());
            for at in batch {
                match build(&items[at]) {
                    Ok(handle) => {
                        places.push(at);
                        handles.push(handle);
                    }
                    Err(refusal) => outcomes[at] = Err(refusal),
                }
            }
            if handles.is_empty() {
                continue;
            }
            let answer = send(&handles);
            // What they hold is copied by now, and need not be kept while waiting.
            drop(handles);
            let answer = self.wait(answer).await.map(by_name);
            for at in places {
                outcomes[at] = match &answer {
                    Ok(by_name) => by_name
                        .get(asked(&items[at]).topic().unwrap_or_default())
                        .cloned()
                        .unwrap_or_else(|| Err(unanswered())),
                    Err(refusal) => Err(refusal.clone()),
                };
            }
        }
        Ok(outcomes)
    }

    /// Ids of topics just created: librdkafka's `CreateTopics` answers none, and the broker that is asked follows the controller by milliseconds.
    pub(crate) async fn ids_of_new(&self, mut names: Vec<&str>) -> ByName<KafkaTopicId> {
        let mut ids = ByName::new();
        let deadline = Instant::now() + VISIBLE_WITHIN;
        let mut pause = FIRST_PAUSE;
        names.sort_unstable();
        names.dedup();
        loop {
            let mut missing = Vec::new();
            for chunk in names.chunks(bulk::READ) {
                let described = self.describe(chunk).await;
                for name in chunk {
                    let outcome = match &described {
                        Ok(by_name) => by_name.get(*name).cloned().unwrap_or_else(|| Err(unanswered())),
                        Err(refusal) => Err(refusal.clone()),
                    };
                    if matches!(&outcome, Err(refusal) if refusal.kind() == KafkaErrorKind::NotFound) {
                        missing.push(*name);
                    }
                    ids.insert((*name).to_owned(), outcome.and_then(id_of));
                }
            }
            if missing.is_empty() {
                return ids;
            }
            names = missing;
            if Instant::now() >= deadline {
                for name in names {
                    let late = Refusal::new(C::OperationTimedOut, "created, but its id does not show yet");
                    ids.insert(name.to_owned(), Err(late));
                }
                return ids;
            }
            tokio::time::sleep(pause).await;
            pause = LAST_PAUSE.min(pause * 2);
        }
    }
}
