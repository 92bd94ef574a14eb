//! Topics: what was asked for, what the cluster shows, and the states between.

pub use super::topic_status::{IllegalTransition, TopicEvent, TopicStatus, transition};

use super::settings::{self, CLEANUP_POLICY, COMPRESSION_TYPE, RETENTION_MS, Settings};
use crate::{
    name::Slug,
    ports::{KafkaTopicId, TopicDescription},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// What becomes of old records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CleanupPolicy {
    /// Deleted by age or size.
    #[serde(rename = "delete")]
    Delete,
    /// Only the last record of a key is kept.
    #[serde(rename = "compact")]
    Compact,
    /// Both.
    #[serde(rename = "compact,delete")]
    CompactDelete,
}

impl CleanupPolicy {
    /// The value of Kafka's `cleanup.policy`.
    #[must_use]
    pub fn as_kafka(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Compact => "compact",
            Self::CompactDelete => "compact,delete",
        }
    }
}

/// How records are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Not at all; Kafka's `uncompressed`.
    None,
    /// gzip
    Gzip,
    /// Snappy
    Snappy,
    /// LZ4
    Lz4,
    /// Zstandard
    Zstd,
}

impl Compression {
    /// The value of Kafka's `compression.type`.
    #[must_use]
    pub fn as_kafka(self) -> &'static str {
        match self {
            Self::None => "uncompressed",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// What a profile gives a topic.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Preset {
    /// How many partitions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<u32>,
    /// Replicas of each partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_factor: Option<u16>,
    /// Settings by Kafka's name of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: Settings,
}

/// The profile that a topic was asked for with, and what it gave at that time: a later change of the profile does not touch the topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Its name.
    pub name: Slug,
    /// Whether the topic named none, and a policy gave it this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_default: bool,
    /// What it gave.
    #[serde(flatten)]
    pub preset: Preset,
}

/// What somebody asks a topic to be, as they wrote it. What is absent is not managed: the cluster's defaults apply and never show as a difference.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TopicSpec {
    /// A preset of the platform's or the workspace's: what it gives holds where nothing else is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// How many partitions, where they are given; [`Self::partitions`] knows the profile's too. Can grow, never shrink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partitions: Option<u32>,
    /// Replicas of each partition, where they are given; [`Self::replication_factor`] knows the profile's too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replication_factor: Option<u16>,
    /// How long records are kept, in milliseconds; -1 is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_ms: Option<i64>,
    /// What becomes of old records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cleanup_policy: Option<CleanupPolicy>,
    /// How records are compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compression: Option<Compression>,
    /// Further settings by Kafka's name of them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config: Settings,
    /// What the topic is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Whom to ask: an address or a channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_contact: Option<String>,
    /// While on, the topic cannot be deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_protection: Option<bool>,
}

/// The same setting given twice, as a field and in `config`, with different values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key} is given twice: as {field} = {first} and in config = {second}; keep one of them")]
pub struct GivenTwice {
    /// Kafka's name of the setting.
    pub key: &'static str,
    /// The field.
    pub field: &'static str,
    /// The field's value.
    pub first: String,
    /// The value in `config`.
    pub second: String,
}

/// A field of a [`TopicSpec`] that stands for a Kafka setting.
const FIELDS: [(&str, &str); 3] =
    [(RETENTION_MS, "retention_ms"), (CLEANUP_POLICY, "cleanup_policy"), (COMPRESSION_TYPE, "compression")];

impl TopicSpec {
    fn field_value(&self, key: &str) -> Option<String> {
        match key {
            RETENTION_MS => self.retention_ms.map(|ms| ms.to_string()),
            CLEANUP_POLICY => self.cleanup_policy.map(|p| p.as_kafka().to_owned()),
            COMPRESSION_TYPE => self.compression.map(|c| c.as_kafka().to_owned()),
            _ => None,
        }
    }

    /// Every setting that was given, by Kafka's name: fields and `config` folded into one, so that no spelling dodges a limit.
    pub fn settings(&self) -> Result<Settings, GivenTwice> {
        let mut all = self.config.clone();
        for (key, field) in FIELDS {
            let Some(first) = self.field_value(key) else { continue };
            if let Some(second) = all.insert(key.to_owned(), first.clone())
                && !settings::same(key, &first, &second)
            {
                return Err(GivenTwice { key, field, first, second });
            }
        }
        Ok(all)
    }

    /// How many partitions it is to have: as given, else as its profile says.
    #[must_use]
    pub fn partitions(&self) -> Option<u32> {
        self.partitions.or_else(|| self.profile.as_ref()?.preset.partitions)
    }

    /// How many replicas each partition is to have: as given, else as its profile says.
    #[must_use]
    pub fn replication_factor(&self) -> Option<u16> {
        self.replication_factor.or_else(|| self.profile.as_ref()?.preset.replication_factor)
    }

    /// Every setting that Orbit manages: [`Self::settings`] of a spec that was checked when it was parsed (the field wins), over those of its profile.
    #[must_use]
    pub fn folded(&self) -> Settings {
        let mut all = self.profile.as_ref().map(|p| p.preset.config.clone()).unwrap_or_default();
        all.extend(self.config.clone());
        all.extend(FIELDS.iter().filter_map(|(key, _)| Some(((*key).to_owned(), self.field_value(key)?))));
        all
    }

    /// Where a setting was written, as a JSON pointer: `/retention_ms` or `/config/retention.ms`.
    #[must_use]
    pub fn pointer(&self, key: &str) -> String {
        match FIELDS.iter().find(|(k, _)| *k == key) {
            Some((_, field)) if !self.config.contains_key(key) => format!("/{field}"),
            _ => format!("/config/{}", key.replace('~', "~0").replace('/', "~1")),
        }
    }

    /// What differs between two specs, field by field, for people: `(pointer, before, after)`.
    #[must_use]
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let mut all = Vec::new();
        let mut differ = |field: &str, a: Option<String>, b: Option<String>| {
            if a != b {
                all.push(Difference { field: field.to_owned(), before: a, after: b });
            }
        };
        // One that a policy gave is not what anybody said; to say it is a change, of the record.
        let profile = |s: &Self| s.profile.as_ref().filter(|p| !p.by_default).map(|p| p.name.to_string());
        differ("/profile", profile(self), profile(after));
        let partitions = |s: &Self| s.partitions().map(|n| n.to_string());
        differ("/partitions", partitions(self), partitions(after));
        let rf = |s: &Self| s.replication_factor().map(|n| n.to_string());
        differ("/replication_factor", rf(self), rf(after));
        let (old, new) = (self.folded(), after.folded());
        for key in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
            let (a, b) = (old.get(key), new.get(key));
            if !matches!((a, b), (Some(a), Some(b)) if settings::same(key, a, b)) {
                let spec = if b.is_some() { after } else { self };
                differ(&spec.pointer(key), a.cloned(), b.cloned());
            }
        }
        differ("/description", self.description.clone(), after.description.clone());
        differ("/owner_contact", self.owner_contact.clone(), after.owner_contact.clone());
        let protection = |s: &Self| s.deletion_protection.map(|on| on.to_string());
        differ("/deletion_protection", protection(self), protection(after));
        // As sets: a tag may hold what they are joined by.
        if self.tags != after.tags {
            let tags = |s: &Self| (!s.tags.is_empty()).then(|| s.tags.iter().cloned().collect::<Vec<_>>().join(", "));
            all.push(Difference { field: "/tags".to_owned(), before: tags(self), after: tags(after) });
        }
        all
    }

    /// Whether two specs ask the cluster for different things: partitions, replication factor or settings.
    #[must_use]
    pub fn differs_on_cluster(&self, after: &Self) -> bool {
        self.partitions() != after.partitions()
            || self.replication_factor() != after.replication_factor()
            || !same_settings(&self.folded(), &after.folded())
    }
}

fn same_settings(a: &Settings, b: &Settings) -> bool {
    a.len() == b.len() && a.iter().all(|(key, x)| b.get(key).is_some_and(|y| settings::same(key, x, y)))
}

/// One field that differs. `None` is "not given".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// JSON pointer of the field.
    pub field: String,
    /// What was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What is to be, or is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// What the cluster showed of a topic when it was last looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    /// The topic, or `None` where it was not there.
    pub topic: Option<TopicDescription>,
}

/// How a topic on the cluster differs from what Orbit's database says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// The topic is gone: somebody deleted it past Orbit.
    Missing,
    /// A topic of the name is there, but not the one that Orbit made.
    Recreated {
        /// Kafka's id of the one there.
        found: KafkaTopicId,
    },
    /// The topic is there; these fields differ (none: no drift).
    Fields(Vec<Difference>),
}

impl Drift {
    /// Compares desired with observed. Only what `spec` gives is compared.
    #[must_use]
    pub fn between(spec: &TopicSpec, id: Option<KafkaTopicId>, observed: &Observed) -> Self {
        let Some(topic) = &observed.topic else {
            return Self::Missing;
        };
        if id.is_some_and(|id| id != topic.id) {
            return Self::Recreated { found: topic.id };
        }
        let mut fields = Vec::new();
        let mut compare = |field: String, want: String, have: Option<String>| {
            if have.as_ref() != Some(&want) {
                fields.push(Difference { field, before: Some(want), after: have });
            }
        };
        if let Some(want) = spec.partitions() {
            compare("/partitions".into(), want.to_string(), Some(topic.partitions.to_string()));
        }
        if let Some(want) = spec.replication_factor() {
            compare("/replication_factor".into(), want.to_string(), Some(topic.replication_factor.to_string()));
        }
        for (key, want) in spec.folded() {
            let have =
                topic.configs.get(&key).map(|v| if settings::same(&key, &want, v) { want.clone() } else { v.clone() });
            compare(spec.pointer(&key), want, have);
        }
        Self::Fields(fields)
    }

    /// Whether anything differs.
    #[must_use]
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::Fields(fields) if fields.is_empty())
    }
}

#[cfg(test)]
#[path = "topic_tests.rs"]
mod tests;
