//! Between the resource and the wire.

use super::{ManagedTopic, drift, words::RequestWords};
use crate::{say, settle::Requested};
use orbit_api::{
    CleanupPolicy, Compression, Documentation, OperationSummary, RequestState, RequestSummary, Topic, TopicCreate,
    TopicSpec, TopicStatus,
    client::{Client, ClientError, TopicRead},
};
use serde::de::{DeserializeOwned, IntoDeserializer as _, value::StrDeserializer};
use std::collections::{BTreeMap, BTreeSet};
use tfplugin::{Computed, Diagnostics, Model as _, Path};

/// Attributes that stand for a Kafka setting: what is written as one may as well be written in `config`.
pub(super) const SETTINGS: [(&str, &str); 3] =
    [("retention_ms", "retention.ms"), ("cleanup_policy", "cleanup.policy"), ("compression", "compression.type")];

pub(super) fn cleanup_policy(text: &str) -> Result<CleanupPolicy, String> {
    parse(text).ok_or_else(|| format!("`delete`, `compact` or `compact,delete` expected, got `{text}`"))
}

pub(super) fn compression(text: &str) -> Result<Compression, String> {
    parse(text).ok_or_else(|| format!("`none`, `gzip`, `snappy`, `lz4` or `zstd` expected, got `{text}`"))
}

/// A value of an enum, as the wire spells it.
fn parse<T: DeserializeOwned>(text: &str) -> Option<T> {
    let text: StrDeserializer<'_, serde::de::value::Error> = text.into_deserializer();
    T::deserialize(text).ok()
}

impl ManagedTopic {
    /// How messages name it.
    pub(super) fn object(&self) -> String {
        say::topic(self.workspace.get().map_or("?", String::as_str), &self.environment, &self.name)
    }

    /// What it is to be.
    pub(super) fn spec(&self) -> Result<TopicSpec, Diagnostics> {
        Ok(TopicSpec {
            profile: self.profile.clone(),
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            retention_ms: self.retention_ms,
            cleanup_policy: self.cleanup_policy.as_deref().map(cleanup_policy).transpose()?,
            compression: self.compression.as_deref().map(compression).transpose()?,
            config: self.config.clone(),
            description: self.description.clone(),
            tags: self.tags.clone(),
            owner_contact: self.owner_contact.clone(),
            deletion_protection: self.deletion_protection,
        })
    }

    /// What to ask Orbit for.
    pub(super) fn intent(&self) -> Result<TopicCreate, Diagnostics> {
        let workspace = self.workspace.require()?;
        Ok(TopicCreate::new(workspace, &self.environment, &self.name, self.spec()?).documented(self.documentation()))
    }

    /// What a request about it says for itself.
    pub(super) fn documentation(&self) -> Documentation {
        self.request.as_ref().map(Documentation::from).unwrap_or_default()
    }

    /// Why a request about it is made.
    pub(super) fn justification(&self) -> Option<&str> {
        self.request.as_ref()?.justification.as_deref()
    }

    /// The state after an apply: as planned, and what was left to Orbit as Orbit says.
    pub(crate) fn filled(self, topic: &Topic) -> Self {
        fn fill<T>(planned: Computed<T>, told: impl Into<T>) -> Computed<T> {
            if planned.get().is_some() { planned } else { Computed::known(told.into()) }
        }
        Self {
            workspace: fill(self.workspace, topic.workspace.as_str()),
            id: fill(self.id, topic.id.as_str()),
            cluster: fill(self.cluster, topic.cluster.as_str()),
            physical_name: fill(self.physical_name, topic.physical_name.as_str()),
            kafka_topic_id: fill(self.kafka_topic_id, topic.kafka_topic_id.clone()),
            status: fill(self.status, topic.status.to_string()),
            request_url: fill(self.request_url, request_url(topic)),
            workflow_id: fill(self.workflow_id, topic.workflow_id.clone()),
            ..self
        }
    }

    /// The state after a refresh: what Orbit says, overlaid with what the cluster shows. Where that means the same as before, the spelling stays.
    /// Workspace and environment are slugs, whatever an older state has.
    pub(super) fn refreshed(self, topic: &Topic) -> Self {
        let is_gone = drift::is_gone(topic);
        let found = drift::overlay(topic);
        let blank = Self {
            environment: topic.environment.clone(),
            name: topic.name.clone(),
            profile: same_or(self.profile, found.profile, |a, b| a == b),
            partitions: found.partitions,
            replication_factor: found.replication_factor,
            retention_ms: found.retention_ms,
            cleanup_policy: found.cleanup_policy,
            compression: found.compression,
            config: same_or(self.config, found.config, same_settings),
            description: same_or(self.description, found.description, |a, b| a == b),
            tags: same_or(self.tags, found.tags, |a, b| a == b),
            owner_contact: same_or(self.owner_contact, found.owner_contact, |a, b| a == b),
            deletion_protection: same_or(self.deletion_protection, found.deletion_protection, |a, b| a == b),
            // Orbit keeps them in the request alone: what was said stays said.
            request: self.request,
            on_pending: self.on_pending,
            timeouts: self.timeouts,
            // What is gone has no id; the plan reads that as "to be made again".
            kafka_topic_id: if is_gone { Computed::known(None) } else { Computed::absent() },
            ..drift::blank()
        };
        blank.filled(topic)
    }

    /// Whether Orbit wants something else of the topic than this, whatever the cluster shows by now.
    pub(super) fn differs_from(&self, topic: &Topic) -> Result<bool, Diagnostics> {
        let wanted = Topic { drift: Vec::new(), ..topic.clone() };
        Ok(self.clone().refreshed(&wanted).spec()? != self.spec()?)
    }

    /// The state after an import; Terraform refreshes it next.
    pub(crate) fn imported(topic: &Topic) -> Self {
        let found = drift::overlay(topic);
        let blank = Self { environment: topic.environment.clone(), name: topic.name.clone(), ..found };
        blank.filled(topic)
    }

    /// The attribute that a JSON pointer of the wire leads to.
    pub(super) fn place(&self, pointer: &str) -> Option<Path> {
        let in_config = self.config.as_ref().map_or_else(BTreeMap::new, Clone::clone);
        let is_set = |attribute: &str| match attribute {
            "retention_ms" => self.retention_ms.is_some(),
            "cleanup_policy" => self.cleanup_policy.is_some(),
            "compression" => self.compression.is_some(),
            _ => false,
        };
        place(pointer, |key| in_config.contains_key(key), is_set)
    }
}

/// The attribute that a JSON pointer leads to. A setting can be written in two places: the one that the user chose is meant.
fn place(pointer: &str, in_config: impl Fn(&str) -> bool, is_set: impl Fn(&str) -> bool) -> Option<Path> {
    let pointer = pointer.strip_prefix("/items/0/topic").unwrap_or(pointer);
    let mut tokens = pointer.strip_prefix('/')?.split('/').map(|token| token.replace("~1", "/").replace("~0", "~"));
    let attribute = tokens.next()?;
    let key = tokens.next();
    if attribute == "config"
        && let Some(key) = key
    {
        let field = SETTINGS.iter().find(|(field, setting)| *setting == key && is_set(field));
        return Some(match field {
            Some((field, _)) if !in_config(&key) => Path::attribute(*field),
            _ => ManagedTopic::config.path().key(key),
        });
    }
    if let Some((_, setting)) = SETTINGS.iter().find(|(field, _)| *field == attribute)
        && !is_set(&attribute)
        && in_config(setting)
    {
        return Some(ManagedTopic::config.path().key(*setting));
    }
    if RequestWords::FIELDS.contains(&attribute.as_str()) {
        return Some(ManagedTopic::request.path().attr(attribute));
    }
    ManagedTopic::FIELDS.contains(&attribute.as_str()).then(|| Path::attribute(attribute))
}

impl Requested for Topic {
    fn id(&self) -> &str {
        &self.id
    }
    fn object(&self) -> String {
        say::topic(&self.workspace, &self.environment, &self.name)
    }
    fn request(&self) -> Option<&RequestSummary> {
        self.request.as_ref()
    }
    fn operation(&self) -> Option<&OperationSummary> {
        self.operation.as_ref()
    }
    fn is_in_place(&self) -> bool {
        self.status == TopicStatus::Active
    }
    fn revision(&self) -> i64 {
        self.revision
    }
    fn deletes_at(&self) -> Option<(String, String)> {
        let restore = format!(
            "curl -X POST -H \"Authorization: Bearer $ORBIT_TOKEN\" $ORBIT_ENDPOINT/v1/topics/{}/restore",
            self.id
        );
        Some((self.deletes_at?.to_string(), restore))
    }
    async fn look(client: &Client, id: &str) -> Result<Self, ClientError> {
        client.topic_get(id, TopicRead { fresh: true, acknowledge: false }).await
    }
}

fn request_url(topic: &Topic) -> Option<String> {
    let told = topic.request.as_ref()?;
    matches!(told.state, RequestState::Pending | RequestState::Rejected).then(|| told.url.clone())
}

/// Nothing, an empty text, no elements and `false` are the same wish, however it was spelled.
trait Blank {
    fn is_blank(&self) -> bool;
}
impl Blank for String {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}
impl Blank for bool {
    fn is_blank(&self) -> bool {
        !self
    }
}
impl<K, V> Blank for BTreeMap<K, V> {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}
impl<T> Blank for BTreeSet<T> {
    fn is_blank(&self) -> bool {
        self.is_empty()
    }
}

fn same_or<T: Blank>(now: Option<T>, found: Option<T>, same: impl Fn(&T, &T) -> bool) -> Option<T> {
    let is_same = match (&now, &found) {
        (Some(now), Some(found)) => same(now, found),
        (now, found) => now.as_ref().is_none_or(Blank::is_blank) && found.as_ref().is_none_or(Blank::is_blank),
    };
    if is_same { now } else { found }
}

/// Equal settings, however their values are spelled; elsewhere, what was found.
fn same_settings(now: &BTreeMap<String, String>, found: &BTreeMap<String, String>) -> bool {
    now.len() == found.len() && now.iter().all(|(key, a)| found.get(key).is_some_and(|b| same_value(a, b)))
}

/// Kafka reads numbers by value, booleans without case, and lists as sets.
fn same_value(a: &str, b: &str) -> bool {
    let list = |text: &str| {
        let mut items: Vec<String> = text.split(',').map(|item| item.trim().to_ascii_lowercase()).collect();
        items.sort();
        items
    };
    a == b
        || matches!((a.trim().parse::<i64>(), b.trim().parse::<i64>()), (Ok(a), Ok(b)) if a == b)
        || list(a) == list(b)
}
