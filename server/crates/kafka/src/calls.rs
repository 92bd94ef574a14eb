//! The calls that the port is made of: each asks, waits within the bounds, and sorts what comes back by item.

use crate::{
    bulk::{self, batches},
    client::Client,
    defaults::BrokerConfigs,
    errors::Asked,
    native::{Answer, ClusterNodes, ConfigEntry, ConfigResource, Named, Native, Refusal, TopicPartitions},
    sent::Request,
    wire::no_ids,
};
use orbit_core::{
    name::PhysicalName,
    ports::{KafkaError, KafkaErrorKind, KafkaTopicId},
};
use rdkafka::types::RDKafkaErrorCode as C;
use std::{collections::HashMap, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// How long partitions that the controller has already may take to show.
const GROWN_WITHIN: Duration = Duration::from_secs(2);
/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(5);

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
        0 => Err(no_ids()),
        id => Ok(KafkaTopicId::from_uuid(Uuid::from_u128(id))),
    }
}

impl Client {
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
        let native = self.turn(Request::DescribeConfigs).await?;
        let answer = native.configs_describe(&[ConfigResource::broker(broker)?]);
        self.wait(answer).await?.pop().map_or_else(|| Err(unanswered()), |resource| resource.outcome)
    }

    pub(crate) async fn configs(&self, topics: &[&str]) -> Result<ByName<Vec<ConfigEntry>>, Refusal> {
        let native = self.turn(Request::DescribeConfigs).await?;
        let answer = {
            let resources = topics.iter().map(|topic| ConfigResource::topic(topic)).collect::<Result<Vec<_>, _>>()?;
            native.configs_describe(&resources)
        };
        self.wait(answer).await.map(by_name)
    }

    pub(crate) async fn describe(&self, topics: &[&str]) -> Result<ByName<TopicPartitions>, Refusal> {
        let native = self.turn(Request::DescribeTopics).await?;
        self.wait(native.topics_describe(topics)).await.map(by_name)
    }

    pub(crate) async fn nodes(&self) -> Result<ClusterNodes, Refusal> {
        let native = self.turn(Request::DescribeCluster).await?;
        self.wait(native.cluster_describe()).await
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
                    tokio::time::sleep(PAUSE).await;
                }
                // A topic that was made just now does not show yet, or has no leader yet.
                Err(_) if Instant::now() < deadline => tokio::time::sleep(PAUSE).await,
                Ok(topic) => return topic.partitions == count,
                Err(_) => return false,
            }
        }
    }

    /// Asks for a change of each item, in batches. An error in the way of a batch is each of its items' error: it may have been carried out.
    pub(crate) async fn each<I: Sync, H: Send>(
        &self,
        request: Request,
        items: &[I],
        asked: impl Fn(&I) -> Asked<'_> + Send + Sync,
        build: impl Fn(&I) -> Result<H, Refusal> + Send + Sync,
        send: impl Fn(&Native, &[H]) -> Answer<Vec<Named<()>>> + Send + Sync,
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
            let answer = self.turn(request).await.and_then(|native| send(native, &handles));
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
}
