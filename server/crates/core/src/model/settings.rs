//! Topic settings as Kafka knows them: which there are, what values they take, and when two values mean the same.

use std::collections::{BTreeMap, BTreeSet};

/// Settings by Kafka's name of them. `-1` is infinite where Kafka says so.
pub type Settings = BTreeMap<String, String>;

/// Kafka's name of the setting behind the field `retention_ms`.
pub const RETENTION_MS: &str = "retention.ms";
/// `retention.bytes`
pub const RETENTION_BYTES: &str = "retention.bytes";
/// Kafka's name of the setting behind the field `cleanup_policy`.
pub const CLEANUP_POLICY: &str = "cleanup.policy";
/// Kafka's name of the setting behind the field `compression`.
pub const COMPRESSION_TYPE: &str = "compression.type";

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// A whole number of at least `min` and at most `max`.
    Whole { min: i64, max: i64 },
    /// A fraction from 0 to 1.
    Ratio,
    /// `true` or `false`.
    Bool,
    /// One of these.
    One(&'static [&'static str]),
    /// A list, separated by commas, of these; compared as a set.
    Some(&'static [&'static str]),
    /// A list, separated by commas, of anything; compared as a set.
    List,
}

const fn long(min: i64) -> Kind {
    Kind::Whole { min, max: i64::MAX }
}
const fn int(min: i64) -> Kind {
    Kind::Whole { min, max: i32::MAX as i64 }
}

/// The topic settings of Apache Kafka 4.1 (`TopicConfig`, `LogConfig`; `kafka.apache.org/documentation/#topicconfigs`).
/// A cluster that knows more tells them itself: see [`check`].
const KNOWN: &[(&str, Kind)] = &[
    (CLEANUP_POLICY, Kind::Some(&["compact", "delete"])),
    // Not a range: 0 lies between and is refused.
    ("compression.gzip.level", Kind::One(&["-1", "1", "2", "3", "4", "5", "6", "7", "8", "9"])),
    ("compression.lz4.level", Kind::Whole { min: 1, max: 17 }),
    (COMPRESSION_TYPE, Kind::One(&["uncompressed", "gzip", "snappy", "lz4", "zstd", "producer"])),
    ("compression.zstd.level", Kind::Whole { min: -131_072, max: 22 }),
    ("delete.retention.ms", long(0)),
    ("file.delete.delay.ms", long(0)),
    ("flush.messages", long(1)),
    ("flush.ms", long(0)),
    ("follower.replication.throttled.replicas", Kind::List),
    ("index.interval.bytes", int(0)),
    ("leader.replication.throttled.replicas", Kind::List),
    ("local.retention.bytes", long(-2)),
    ("local.retention.ms", long(-2)),
    ("max.compaction.lag.ms", long(1)),
    ("max.message.bytes", int(0)),
    ("message.timestamp.after.max.ms", long(0)),
    ("message.timestamp.before.max.ms", long(0)),
    ("message.timestamp.type", Kind::One(&["CreateTime", "LogAppendTime"])),
    ("min.cleanable.dirty.ratio", Kind::Ratio),
    ("min.compaction.lag.ms", long(0)),
    ("min.insync.replicas", int(1)),
    ("preallocate", Kind::Bool),
    ("remote.log.copy.disable", Kind::Bool),
    ("remote.log.delete.on.disable", Kind::Bool),
    ("remote.storage.enable", Kind::Bool),
    (RETENTION_BYTES, long(-1)),
    (RETENTION_MS, long(-1)),
    ("segment.bytes", int(14)),
    ("segment.index.bytes", int(4)),
    ("segment.jitter.ms", long(0)),
    ("segment.ms", long(1)),
    ("unclean.leader.election.enable", Kind::Bool),
];

fn kind(key: &str) -> Option<Kind> {
    KNOWN.iter().find(|(name, _)| *name == key).map(|(_, kind)| *kind)
}

/// Whether bounds of a number can be judged for a setting: not where Kafka takes something else for it.
#[must_use]
pub fn may_be_whole(key: &str) -> bool {
    matches!(kind(key), None | Some(Kind::Whole { .. }))
}

/// Why a setting is refused, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingError {
    /// Neither Kafka nor this cluster has such a setting.
    Unknown {
        /// The nearest name that there is, where one is near.
        nearest: Option<String>,
    },
    /// The value is none that the setting takes.
    Value {
        /// What it takes, in words.
        takes: String,
    },
}

/// Whether there is such a setting. `cluster_knows` are those that clusters told of, beyond Kafka's own.
pub fn known<'a>(key: &str, cluster_knows: impl Iterator<Item = &'a str>) -> Result<(), SettingError> {
    let names: Vec<&str> = KNOWN.iter().map(|(name, _)| *name).chain(cluster_knows).collect();
    if names.contains(&key) {
        return Ok(());
    }
    Err(SettingError::Unknown { nearest: nearest(key, &names).map(str::to_owned) })
}

/// Whether Kafka would take the setting. `cluster_knows` are the settings that the cluster itself told of, beyond Kafka's own.
pub fn check<'a>(key: &str, value: &str, cluster_knows: impl Iterator<Item = &'a str>) -> Result<(), SettingError> {
    let Some(kind) = kind(key) else { return known(key, cluster_knows) };
    let value_error = |takes: String| Err(SettingError::Value { takes });
    match kind {
        Kind::Whole { min, max } => match value.trim().parse::<i64>() {
            Ok(n) if (min..=max).contains(&n) => Ok(()),
            _ if max == i64::MAX => value_error(format!("a whole number of at least {min}")),
            _ => value_error(format!("a whole number from {min} to {max}")),
        },
        Kind::Ratio => match value.trim().parse::<f64>() {
            Ok(n) if (0.0..=1.0).contains(&n) => Ok(()),
            _ => value_error("a number from 0 to 1".to_owned()),
        },
        Kind::Bool if matches!(value.trim().to_ascii_lowercase().as_str(), "true" | "false") => Ok(()),
        Kind::Bool => value_error("true or false".to_owned()),
        Kind::One(values) if values.contains(&value) => Ok(()),
        Kind::One(values) => value_error(format!("one of {}", values.join(", "))),
        Kind::Some(values) if !value.trim().is_empty() && items(value).all(|item| values.contains(&item)) => Ok(()),
        Kind::Some(values) => value_error(format!("a list, separated by commas, of {}", values.join(", "))),
        Kind::List => Ok(()),
    }
}

fn items(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim)
}

/// Whether two values of a setting mean the same to Kafka: lists compare as sets, numbers by value, booleans without case.
#[must_use]
pub fn same(key: &str, a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match kind(key) {
        Some(Kind::Whole { .. }) => {
            matches!((a.trim().parse::<i64>(), b.trim().parse::<i64>()), (Ok(a), Ok(b)) if a == b)
        }
        // Equal to the last bit: both come from a text, none from arithmetic.
        Some(Kind::Ratio) => {
            matches!((a.trim().parse::<f64>(), b.trim().parse::<f64>()), (Ok(a), Ok(b)) if a.to_bits() == b.to_bits())
        }
        Some(Kind::Bool) => a.trim().eq_ignore_ascii_case(b.trim()),
        Some(Kind::Some(_) | Kind::List) => items(a).collect::<BTreeSet<_>>() == items(b).collect::<BTreeSet<_>>(),
        Some(Kind::One(_)) | None => false,
    }
}

/// The name at the smallest edit distance, where that is small beside its length: "did you mean".
fn nearest<'a>(key: &str, names: &[&'a str]) -> Option<&'a str> {
    names
        .iter()
        .map(|name| (distance(key, name), *name))
        .min()
        .filter(|(far, name)| *far <= 1 + name.len() / 5)
        .map(|(_, name)| name)
}

/// Levenshtein's distance over bytes. Keys are bounded (see `TopicSpec`), so the square is too.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let here = (diagonal + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], here);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_typo_is_told_with_the_name_that_was_meant() {
        assert_eq!(
            check("retention.mss", "1", std::iter::empty()),
            Err(SettingError::Unknown { nearest: Some("retention.ms".into()) })
        );
        assert_eq!(check("colour", "blue", std::iter::empty()), Err(SettingError::Unknown { nearest: None }));
        assert_eq!(check("confluent.tier.enable", "true", ["confluent.tier.enable"].into_iter()), Ok(()));
    }

    #[test]
    fn a_value_is_told_what_would_be_right() {
        let takes = |key, value| match check(key, value, std::iter::empty()) {
            Err(SettingError::Value { takes }) => takes,
            other => format!("{other:?}"),
        };
        assert_eq!(takes("retention.ms", "-2"), "a whole number of at least -1");
        assert_eq!(takes("max.message.bytes", "9999999999"), "a whole number from 0 to 2147483647");
        assert_eq!(takes("cleanup.policy", "compact,remove"), "a list, separated by commas, of compact, delete");
        assert_eq!(takes("compression.type", "none"), "one of uncompressed, gzip, snappy, lz4, zstd, producer");
        assert_eq!(takes("preallocate", "yes"), "true or false");
        assert_eq!(takes("min.cleanable.dirty.ratio", "1.5"), "a number from 0 to 1");
        assert_eq!(check("cleanup.policy", "delete, compact", std::iter::empty()), Ok(()));
    }

    #[test]
    fn equal_meaning_is_no_difference() {
        assert!(same("cleanup.policy", "compact,delete", "delete, compact"));
        assert!(same("retention.ms", "007", "7"));
        assert!(same("preallocate", "TRUE", "true"));
        assert!(!same("compression.type", "lz4", "zstd"));
        assert!(!same("vendor.key", "a", "b"));
    }

    proptest! {
        #[test]
        fn sameness_is_symmetric_and_reflexive(key in prop::sample::select(KNOWN.iter().map(|(k, _)| *k).collect::<Vec<_>>()), a in ".{0,12}", b in ".{0,12}") {
            prop_assert!(same(key, &a, &a));
            prop_assert_eq!(same(key, &a, &b), same(key, &b, &a));
        }
        #[test]
        fn distance_is_a_metric(a in "[a-c.]{0,8}", b in "[a-c.]{0,8}") {
            prop_assert_eq!(distance(&a, &b), distance(&b, &a));
            prop_assert_eq!(distance(&a, &b) == 0, a == b);
        }
    }
}
