//! Names, parsed once at the edge: a [`Slug`], a [`TopicName`], a [`PhysicalName`] cannot be wrong.

use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, str::FromStr};

/// Which rule a name breaks, where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing was given.
    #[error("is empty: at least one character is due")]
    Empty,
    /// Longer than the limit, in characters.
    #[error("has {len} characters: at most {limit} are allowed")]
    TooLong {
        /// How many it has.
        len: usize,
        /// How many it may have.
        limit: usize,
    },
    /// A character that may not stand there.
    #[error("has the character {character:?} at position {at}: {allowed}")]
    Character {
        /// The first bad one.
        character: char,
        /// Its place, counted in bytes from 0.
        at: usize,
        /// What may stand there.
        allowed: &'static str,
    },
    /// A name that Kafka keeps for itself.
    #[error("{name:?} is reserved: {why}")]
    Reserved {
        /// The name as given.
        name: String,
        /// Who reserves it.
        why: &'static str,
    },
}

/// What a text that does not parse may have hit.
pub trait Limited {
    /// The limit, where it was one.
    fn limit(&self) -> Option<usize>;
}

impl Limited for NameError {
    fn limit(&self) -> Option<usize> {
        match self {
            Self::TooLong { limit, .. } => Some(*limit),
            Self::Empty | Self::Character { .. } | Self::Reserved { .. } => None,
        }
    }
}

/// First character of `text` that `fits` refuses, as an error.
fn check_characters(text: &str, allowed: &'static str, fits: impl Fn(usize, char) -> bool) -> Result<(), NameError> {
    match text.char_indices().find(|&(at, c)| !fits(at, c)) {
        Some((at, character)) => Err(NameError::Character { character, at, allowed }),
        None => Ok(()),
    }
}

fn check_length(text: &str, limit: usize) -> Result<(), NameError> {
    match text.chars().count() {
        0 => Err(NameError::Empty),
        len if len > limit => Err(NameError::TooLong { len, limit }),
        _ => Ok(()),
    }
}

macro_rules! text_newtype { ($($Name:ident),*) => { $(
    impl $Name {
        /// The name as text.
        #[must_use]
        pub fn as_str(&self) -> &str { &self.0 }
    }
    impl fmt::Display for $Name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
    }
    impl fmt::Debug for $Name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { fmt::Debug::fmt(&self.0, f) }
    }
    impl AsRef<str> for $Name {
        fn as_ref(&self) -> &str { &self.0 }
    }
    impl Borrow<str> for $Name {
        fn borrow(&self) -> &str { &self.0 }
    }
    impl TryFrom<String> for $Name {
        type Error = NameError;
        fn try_from(s: String) -> Result<Self, NameError> { s.parse() }
    }
    impl From<$Name> for String {
        fn from(name: $Name) -> Self { name.0 }
    }
)* } }

/// Name of a tenant, workspace, environment, application, cluster or policy: `[a-z][a-z0-9-]{0,38}`, unique and immutable.
/// What people and Terraform write; no `.` and no `_`, so that a slug inside a physical topic name never runs into its neighbour.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

impl Slug {
    /// Most characters a slug may have.
    pub const MAX: usize = 39;
}
impl FromStr for Slug {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        check_length(s, Self::MAX)?;
        check_characters(s, "a lowercase letter first, then lowercase letters, digits and hyphens", |at, c| {
            c.is_ascii_lowercase() || (at > 0 && (c.is_ascii_digit() || c == '-'))
        })?;
        Ok(Self(s.to_owned()))
    }
}

/// Most characters that Kafka allows in a topic's name (`org.apache.kafka.common.internals.Topic`).
pub const KAFKA_TOPIC_NAME_MAX: usize = 249;

const KAFKA_CHARACTERS: &str = "letters, digits, '.', '_' and '-' are allowed";

fn check_kafka_name(s: &str) -> Result<(), NameError> {
    check_length(s, KAFKA_TOPIC_NAME_MAX)?;
    check_characters(s, KAFKA_CHARACTERS, |_, c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))?;
    if s == "." || s == ".." {
        return Err(NameError::Reserved { name: s.to_owned(), why: "Kafka refuses it as a topic name" });
    }
    Ok(())
}

fn internal(name: &str) -> NameError {
    NameError::Reserved { name: name.to_owned(), why: "names that begin with __ are Kafka's own topics" }
}

/// A topic's name as a developer gives it, before the environment's template makes the physical one.
/// Legal: 1 to 249 of `[A-Za-z0-9._-]`, not `.` or `..`, not starting with `__` (Kafka's own topics).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TopicName(String);

impl FromStr for TopicName {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        check_kafka_name(s)?;
        if s.starts_with("__") {
            return Err(internal(s));
        }
        Ok(Self(s.to_owned()))
    }
}

/// A topic's name on the cluster.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PhysicalName(String);

impl PhysicalName {
    /// Kafka refuses two names that differ only in `.` and `_`, since its metrics cannot tell them apart: names that collide have this in common.
    #[must_use]
    pub fn collision_key(&self) -> String {
        self.0.replace('.', "_")
    }
    /// Whether the name belongs to Kafka itself (`__consumer_offsets` and its like). Orbit never touches those.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        self.0.starts_with("__")
    }
    /// The name, unless it belongs to Kafka itself.
    pub(crate) fn not_internal(self) -> Result<Self, NameError> {
        if self.is_internal() { Err(internal(&self.0)) } else { Ok(self) }
    }
}
impl FromStr for PhysicalName {
    type Err = NameError;
    fn from_str(s: &str) -> Result<Self, NameError> {
        check_kafka_name(s)?;
        Ok(Self(s.to_owned()))
    }
}

text_newtype!(Slug, TopicName, PhysicalName);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_slug_says_what_is_wrong_and_where() {
        assert_eq!("".parse::<Slug>(), Err(NameError::Empty));
        assert_eq!("a".repeat(40).parse::<Slug>(), Err(NameError::TooLong { len: 40, limit: 39 }));
        assert_eq!(
            "team_a".parse::<Slug>().unwrap_err().to_string(),
            "has the character '_' at position 4: a lowercase letter first, then lowercase letters, digits and hyphens"
        );
        assert!("1team".parse::<Slug>().is_err());
        assert!("a".repeat(39).parse::<Slug>().is_ok());
    }

    #[test]
    fn topic_names_keep_kafkas_rules() {
        for good in ["orders", "media.raw_ingest.v1", "A-1", &"x".repeat(249)] {
            assert!(good.parse::<TopicName>().is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "__offsets", "or ders", "größe", "a/b", &"x".repeat(250)] {
            assert!(bad.parse::<TopicName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_differ_in_dot_and_underscore_collide() {
        let key = |s: &str| s.parse::<PhysicalName>().unwrap().collision_key();
        assert_eq!(key("dev.a_b"), key("dev.a.b"));
        assert_ne!(key("dev.a-b"), key("dev.a.b"));
    }

    proptest! {
        #[test]
        fn every_text_is_taken_whole_or_refused(s in ".{0,300}") {
            if let Ok(name) = s.parse::<TopicName>() {
                prop_assert_eq!(name.as_str(), s.as_str());
                prop_assert!(s.parse::<PhysicalName>().is_ok());
            }
            if let Ok(slug) = s.parse::<Slug>() { prop_assert_eq!(slug.as_str(), s.as_str()); }
        }
    }
}
