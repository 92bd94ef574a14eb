//! What the port asks of one cluster, without its lanes.

use crate::{
    bulk,
    calls::{ByName, id_of, unanswered},
    client::Client,
    defaults,
    errors::Asked,
    native::{ConfigEntry, ConfigOp, ConfigResource, Mode, Native, NewPartitions, Refusal, TopicPartitions},
    sent::Request,
    wire::NoAnswer,
};
use orbit_core::{
    name::PhysicalName,
    ports::{
        Bulk, ClusterDescription, ConfigChange, Item, KafkaError, KafkaErrorKind, KafkaTopicId,
        NewTopic as WantedTopic, TopicDescription, TopicListing, TopicRef,
    },
};
use rdkafka::types::RDKafkaErrorCode as C;
use std::collections::BTreeSet;
use tokio::time::Instant;

impl Client {
    /// Brokers, defaults and known settings.
    pub(crate) async fn cluster_describe(&self) -> Result<ClusterDescription, KafkaError> {
        let nodes = self.nodes().await.map_err(|refusal| refusal.of(Asked::Cluster))?;
        let (broker, topics) = tokio::join!(self.broker_configs(nodes.brokers.first().copied()), self.topics_list());
        let broker = broker?;
        let mut topic_defaults = broker.topic_defaults();
        if let Some(topic) = topics?.first() {
            let described = self.configs(&[topic.name.as_str()]).await.map(|mut all| all.remove(topic.name.as_str()));
            // A right that is missing, or a topic that went away just now, leaves what the broker told.
            if let Ok(Some(Ok(entries))) = described {
                topic_defaults.extend(defaults::from_topic(entries));
            }
        }
        Ok(ClusterDescription {
            kafka_cluster_id: nodes.id,
            brokers: u32::try_from(nodes.brokers.len()).unwrap_or(u32::MAX),
            default_partitions: broker.number("num.partitions"),
            default_replication_factor: broker.number("default.replication.factor"),
            topic_defaults,
        })
    }

    /// Every topic that Orbit may see.
    pub(crate) async fn topics_list(&self) -> Result<Vec<TopicListing>, KafkaError> {
        self.turn(Request::ListTopics).await.map_err(|refusal| refusal.of(Asked::TopicsList))?;
        let listed = self.wait_blocking(|native| {
            let metadata = native.client().fetch_metadata(None, Native::LIST_TIMEOUT)?;
            let listing = |topic: &rdkafka::metadata::MetadataTopic| {
                let first = topic.partitions().iter().find(|partition| partition.id() == 0);
                Some(TopicListing {
                    name: topic.name().parse().ok()?,
                    partitions: u32::try_from(topic.partitions().len()).unwrap_or(u32::MAX),
                    replication_factor: first.map_or(0, |p| u16::try_from(p.replicas().len()).unwrap_or(u16::MAX)),
                })
            };
            Ok(metadata.topics().iter().filter_map(listing).collect::<Vec<_>>())
        });
        let mut listed = listed.await.map_err(|refusal| refusal.of(Asked::TopicsList))?;
        listed.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(listed)
    }

    /// Topics with their ids and own settings, in batches.
    pub(crate) async fn topics_describe(&self, names: &[PhysicalName]) -> Bulk<Option<TopicDescription>> {
        let distinct: BTreeSet<&str> = names.iter().map(PhysicalName::as_str).collect();
        let distinct: Vec<&str> = distinct.into_iter().collect();
        let (mut topics, mut settings) = (ByName::new(), ByName::new());
        for chunk in distinct.chunks(bulk::READ) {
            let (some_topics, some_settings) = tokio::join!(self.describe(chunk), self.configs(chunk));
            topics.extend(some_topics.map_err(|refusal| refusal.of(Asked::Describe(chunk[0])))?);
            settings.extend(some_settings.map_err(|refusal| refusal.of(Asked::Configs(chunk[0])))?);
        }
        let item = |name: &PhysicalName| description(name, topics.get(name.as_str()), settings.get(name.as_str()));
        Ok(names.iter().map(item).collect())
    }

    /// Creates topics, none twice. The id comes with the creation.
    pub(crate) async fn topics_create(&self, topics: &[WantedTopic], until: Instant) -> Bulk<KafkaTopicId> {
        let asked = |topic: usize| Asked::Create(topics[topic].name.as_str());
        let controller = self.controller(Request::CreateTopics).await.map_err(|refusal| refusal.of(asked(0)))?;
        by_item(topics.len(), controller.topics_create(topics, until).await, asked)
    }

    /// Changes settings, none of a topic twice.
    pub(crate) async fn configs_change(&self, changes: &[ConfigChange], until: Instant) -> Bulk<()> {
        let build = |change: &ConfigChange| {
            let resource = ConfigResource::topic(change.name.as_str())?;
            for (key, value) in &change.set {
                resource.change(key, ConfigOp::Set(value))?;
            }
            for key in &change.unset {
                resource.change(key, ConfigOp::Unset)?;
            }
            Ok(resource)
        };
        let send = |native: &Native, resources: &[ConfigResource]| {
            native.configs_change(resources, Mode::Apply, until.saturating_duration_since(Instant::now()))
        };
        let request = Request::IncrementalAlterConfigs;
        let outcomes =
            self.each(request, changes, |change| Asked::ConfigsChange(change.name.as_str()), build, send).await?;
        Ok(answered(changes, outcomes, |change| Asked::ConfigsChange(change.name.as_str())))
    }

    /// Raises a topic to `count` partitions.
    pub(crate) async fn partitions_grow(&self, name: &PhysicalName, count: u32) -> Result<(), KafkaError> {
        let asked = Asked::Grow(name.as_str());
        let grown = self
            .each(
                Request::CreatePartitions,
                std::slice::from_ref(name),
                |name| Asked::Grow(name.as_str()),
                |name| NewPartitions::new(name.as_str(), count),
                |native, partitions| native.partitions_create(partitions, Mode::Apply),
            )
            .await?;
        match grown.into_iter().next().unwrap_or_else(|| Err(unanswered())) {
            Ok(()) => Ok(()),
            // So Kafka refuses what it has already.
            Err(refusal) if refusal.code == C::InvalidPartitions as i32 && self.has_partitions(name, count).await => {
                Ok(())
            }
            Err(refusal) => Err(refusal.of(asked)),
        }
    }

    /// Deletes topics by id, none twice.
    pub(crate) async fn topics_delete(&self, topics: &[TopicRef], until: Instant) -> Bulk<()> {
        let asked = |topic: usize| Asked::Delete(topics[topic].name.as_str());
        let controller = self.controller(Request::DeleteTopics).await.map_err(|refusal| refusal.of(asked(0)))?;
        let ids: Vec<KafkaTopicId> = topics.iter().map(|topic| topic.id).collect();
        by_item(topics.len(), controller.topics_delete(&ids, until).await, asked)
    }

    /// Whether any record was ever written.
    pub(crate) async fn topic_has_records(&self, name: &PhysicalName) -> Result<bool, KafkaError> {
        let asked = Asked::EndOffsets(name.as_str());
        let topic = self.describe_one(name.as_str()).await.map_err(|refusal| refusal.of(asked))?;
        let native = self.turn(Request::ListOffsets).await.map_err(|refusal| refusal.of(asked))?;
        let offsets = self.wait(native.end_offsets(name.as_str(), topic.partitions)).await;
        let offsets = offsets.map_err(|refusal| refusal.of(asked))?;
        if offsets.iter().any(|partition| matches!(partition.outcome, Ok(end) if end > 0)) {
            return Ok(true);
        }
        // "None" is only true where every partition said so.
        let missing = u32::try_from(offsets.len()).ok() != Some(topic.partitions);
        let refused = offsets.into_iter().find_map(|partition| partition.outcome.err());
        match refused.or_else(|| missing.then(unanswered)) {
            Some(refusal) => Err(refusal.of(asked)),
            None => Ok(false),
        }
    }
}

/// The controller's answer as the port gives it: where it may have been carried out, that is each item's error.
fn by_item<'a, T: Clone>(
    count: usize,
    answer: Result<Vec<Result<T, Refusal>>, NoAnswer>,
    asked: impl Fn(usize) -> Asked<'a>,
) -> Bulk<T> {
    let outcomes = match answer {
        Ok(outcomes) => outcomes,
        Err(NoAnswer::NotSent(refusal)) => return Err(refusal.of(asked(0))),
        Err(NoAnswer::Unsure(refusal)) => vec![Err(refusal); count],
    };
    Ok(outcomes.into_iter().enumerate().map(|(at, outcome)| outcome.map_err(|refusal| refusal.of(asked(at)))).collect())
}

/// Outcomes as the port answers them.
fn answered<I, T>(items: &[I], outcomes: Vec<Result<T, Refusal>>, asked: impl Fn(&I) -> Asked<'_>) -> Vec<Item<T>> {
    let item = |(item, outcome): (&I, Result<T, Refusal>)| outcome.map_err(|refusal| refusal.of(asked(item)));
    items.iter().zip(outcomes).map(item).collect()
}

/// A topic from its two halves: `None` where it is not there.
fn description(
    name: &PhysicalName,
    topic: Option<&Result<TopicPartitions, Refusal>>,
    settings: Option<&Result<Vec<ConfigEntry>, Refusal>>,
) -> Item<Option<TopicDescription>> {
    let name = name.as_str();
    let topic = match topic.cloned().unwrap_or_else(|| Err(unanswered())) {
        Ok(topic) => topic,
        Err(refusal) if refusal.kind() == KafkaErrorKind::NotFound => return Ok(None),
        Err(refusal) => return Err(refusal.of(Asked::Describe(name))),
    };
    let configs = match settings {
        Some(Ok(entries)) => defaults::own(entries),
        // One broker knows the topic and another does not: it is being created or deleted.
        Some(Err(refusal)) if refusal.kind() == KafkaErrorKind::NotFound => {
            return Err(Refusal::new(C::Partial, refusal.text.clone()).of(Asked::Configs(name)));
        }
        Some(Err(refusal)) => return Err(refusal.of(Asked::Configs(name))),
        None => return Err(unanswered().of(Asked::Configs(name))),
    };
    Ok(Some(TopicDescription {
        id: id_of(topic).map_err(|refusal| refusal.of(Asked::Describe(name)))?,
        partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        configs,
    }))
}

#[cfg(test)]
#[path = "admin_tests.rs"]
mod tests;
