//! What a topic gets that does not say: from a topic's own settings with their synonyms where there is one, else from the broker's settings.

use crate::native::ConfigEntry;
use std::collections::{BTreeMap, HashMap};

/// A topic setting, and the broker's settings that give its default, each with the factor to the topic's unit: the first that is set counts.
/// Kafka's own table is `ServerTopicConfigSynonyms`.
const SYNONYMS: &[(&str, &[(&str, i64)])] = &[
    ("cleanup.policy", &[("log.cleanup.policy", 1)]),
    ("compression.gzip.level", &[("compression.gzip.level", 1)]),
    ("compression.lz4.level", &[("compression.lz4.level", 1)]),
    ("compression.type", &[("compression.type", 1)]),
    ("compression.zstd.level", &[("compression.zstd.level", 1)]),
    ("delete.retention.ms", &[("log.cleaner.delete.retention.ms", 1)]),
    ("file.delete.delay.ms", &[("log.segment.delete.delay.ms", 1)]),
    ("flush.messages", &[("log.flush.interval.messages", 1)]),
    ("flush.ms", &[("log.flush.interval.ms", 1), ("log.flush.scheduler.interval.ms", 1)]),
    ("index.interval.bytes", &[("log.index.interval.bytes", 1)]),
    ("local.retention.bytes", &[("log.local.retention.bytes", 1)]),
    ("local.retention.ms", &[("log.local.retention.ms", 1)]),
    ("max.compaction.lag.ms", &[("log.cleaner.max.compaction.lag.ms", 1)]),
    ("max.message.bytes", &[("message.max.bytes", 1)]),
    ("message.timestamp.after.max.ms", &[("log.message.timestamp.after.max.ms", 1)]),
    ("message.timestamp.before.max.ms", &[("log.message.timestamp.before.max.ms", 1)]),
    ("message.timestamp.type", &[("log.message.timestamp.type", 1)]),
    ("min.cleanable.dirty.ratio", &[("log.cleaner.min.cleanable.ratio", 1)]),
    ("min.compaction.lag.ms", &[("log.cleaner.min.compaction.lag.ms", 1)]),
    ("min.insync.replicas", &[("min.insync.replicas", 1)]),
    ("preallocate", &[("log.preallocate", 1)]),
    ("retention.bytes", &[("log.retention.bytes", 1)]),
    ("retention.ms", &[("log.retention.ms", 1), ("log.retention.minutes", 60_000), ("log.retention.hours", 3_600_000)]),
    ("segment.bytes", &[("log.segment.bytes", 1)]),
    ("segment.index.bytes", &[("log.index.size.max.bytes", 1)]),
    ("segment.jitter.ms", &[("log.roll.jitter.ms", 1), ("log.roll.jitter.hours", 3_600_000)]),
    ("segment.ms", &[("log.roll.ms", 1), ("log.roll.hours", 3_600_000)]),
    ("unclean.leader.election.enable", &[("unclean.leader.election.enable", 1)]),
];

/// A broker's settings by name.
pub(crate) struct BrokerConfigs(HashMap<String, String>);

impl BrokerConfigs {
    pub(crate) fn new(entries: Vec<ConfigEntry>) -> Self {
        Self(entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))).collect())
    }
    /// A setting as a number.
    pub(crate) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.0.get(name)?.parse().ok()
    }
    /// A topic's defaults, as far as the broker's settings tell them.
    pub(crate) fn topic_defaults(&self) -> BTreeMap<String, String> {
        let value = |(broker, factor): &(&str, i64)| {
            let value = self.0.get(*broker)?;
            match factor {
                1 => Some(value.clone()),
                // -1 is infinite in every unit.
                _ => match value.parse::<i64>().ok()? {
                    infinite if infinite < 0 => Some("-1".to_owned()),
                    n => Some(n.saturating_mul(*factor).to_string()),
                },
            }
        };
        let entry = |(topic, brokers): &(&str, &[_])| Some(((*topic).to_owned(), brokers.iter().find_map(value)?));
        SYNONYMS.iter().filter_map(entry).collect()
    }
}

/// A topic's defaults as a topic's settings tell them: what each would be were it not given on the topic.
pub(crate) fn from_topic(entries: Vec<ConfigEntry>) -> impl Iterator<Item = (String, String)> {
    entries.into_iter().filter_map(|entry| Some((entry.name, entry.inherited?)))
}

/// A topic's own settings.
pub(crate) fn own(entries: &[ConfigEntry]) -> BTreeMap<String, String> {
    let own = entries.iter().filter(|entry| entry.own);
    own.filter_map(|entry| Some((entry.name.clone(), entry.value.clone()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(name: &str, value: Option<&str>, own: bool) -> ConfigEntry {
        let value = value.map(str::to_owned);
        ConfigEntry { name: name.to_owned(), inherited: value.clone(), value, own }
    }
    fn broker(settings: &[(&str, Option<&str>)]) -> BrokerConfigs {
        BrokerConfigs::new(settings.iter().map(|(name, value)| entry(name, *value, false)).collect())
    }

    #[test]
    fn retention_comes_from_the_finest_unit_that_is_set() {
        let retention = |settings: &[(&str, Option<&str>)]| broker(settings).topic_defaults().remove("retention.ms");
        let hours = ("log.retention.hours", Some("168"));
        assert_eq!(retention(&[hours, ("log.retention.ms", None)]).as_deref(), Some("604800000"));
        assert_eq!(retention(&[hours, ("log.retention.minutes", Some("5"))]).as_deref(), Some("300000"));
        assert_eq!(retention(&[hours, ("log.retention.ms", Some("7"))]).as_deref(), Some("7"));
        assert_eq!(retention(&[("log.retention.hours", Some("-1"))]).as_deref(), Some("-1"));
        assert_eq!(retention(&[]), None);
    }

    #[test]
    fn a_topics_own_settings_are_only_those_given_on_it() {
        let entries = [entry("retention.ms", Some("1"), true), entry("min.insync.replicas", Some("1"), false)];
        assert_eq!(own(&entries), BTreeMap::from([("retention.ms".to_owned(), "1".to_owned())]));
    }

    #[test]
    fn the_table_is_sorted_and_names_each_setting_once() {
        assert!(SYNONYMS.is_sorted_by(|a, b| a.0 < b.0));
    }

    proptest! {
        #[test]
        fn any_brokers_settings_give_defaults_without_fuss(values in prop::collection::vec("[-a-z0-9]{0,24}", SYNONYMS.len())) {
            let settings: Vec<_> = SYNONYMS.iter().zip(&values)
                .map(|((_, brokers), value)| (brokers.last().unwrap().0, Some(value.as_str()))).collect();
            for (name, value) in broker(&settings).topic_defaults() {
                prop_assert!(SYNONYMS.iter().any(|(topic, _)| *topic == name));
                prop_assert!(values.contains(&value) || value.parse::<i64>().is_ok());
            }
        }
    }
}
