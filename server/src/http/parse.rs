//! From wire types to the model: parsed once, every error of every field told at once.

use crate::app::Refusal;
use orbit_api as api;
use orbit_api::FieldProblem;
use orbit_core::{
    documentation::Documentation,
    model::topic::{CleanupPolicy, Compression, Preset, Profile, TopicSpec},
    name::{Limited, TopicName},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
    str::FromStr,
};

/// Collects what is wrong with which field.
#[derive(Debug, Default)]
pub(crate) struct Wrongs(Vec<FieldProblem>);

impl Wrongs {
    /// Begins with what is wrong with a body's shape.
    pub(crate) fn of_shape(wrong: Vec<FieldProblem>) -> Self {
        Self(wrong)
    }
    /// Notes a wrong field, unless it was told before: a stand-in for a field of a wrong type is not the caller's.
    pub(crate) fn note(
        &mut self,
        pointer: &str,
        code: &str,
        detail: impl Display,
        limit: Option<String>,
        remedy: &str,
    ) {
        let stands_in = |told: &FieldProblem| {
            let within = pointer.strip_prefix(&told.pointer).is_some_and(|rest| rest.starts_with('/'));
            told.pointer == pointer || within && matches!(told.code.as_str(), "missing" | "type")
        };
        if self.0.iter().any(stands_in) {
            return;
        }
        self.0.push(FieldProblem {
            pointer: pointer.to_owned(),
            code: code.to_owned(),
            detail: detail.to_string(),
            limit,
            value: None,
            remedy: Some(remedy.to_owned()),
            rule: None,
        });
    }
    /// Parses a text; a failure is noted.
    pub(crate) fn parse<T: FromStr>(&mut self, pointer: &str, text: &str, remedy: &str) -> Option<T>
    where
        T::Err: Display + Limited,
    {
        match text.parse::<T>() {
            Ok(value) => Some(value),
            Err(e) => {
                let limit = e.limit().map(|most| most.to_string());
                let code = if limit.is_some() { "length" } else { "format" };
                self.note(pointer, code, e, limit, remedy);
                None
            }
        }
    }
    /// Checks the length of a text.
    pub(crate) fn text(&mut self, pointer: &str, text: Option<&String>, longest: usize) {
        let length = text.map_or(0, |t| t.chars().count());
        if length > longest {
            let detail = format!("has {length} characters: at most {longest} are allowed");
            self.note(pointer, "length", detail, Some(longest.to_string()), "make it shorter");
        }
    }
    /// Checks a number.
    pub(crate) fn range<N: PartialOrd + Display + Copy>(&mut self, pointer: &str, value: Option<N>, least: N, most: N) {
        if let Some(value) = value.filter(|v| *v < least || *v > most) {
            let detail = format!("is {value}: {least} to {most} are allowed");
            self.note(pointer, "range", detail, Some(format!("{least}..{most}")), "give a number within the limits");
        }
    }
    /// Parses what stands deeper in the body: its pointers begin there.
    pub(crate) fn within<T>(&mut self, at: &str, parse: impl FnOnce(&mut Self) -> T) -> T {
        let mut inner = Self::default();
        let value = parse(&mut inner);
        self.0
            .extend(inner.0.into_iter().map(|told| FieldProblem { pointer: format!("{at}{}", told.pointer), ..told }));
        value
    }
    /// The value, where nothing was wrong.
    pub(crate) fn done<T>(self, value: impl FnOnce() -> Option<T>) -> Result<T, Refusal> {
        if !self.0.is_empty() {
            return Err(Refusal::fields(self.0));
        }
        value().ok_or_else(|| Refusal::fields(vec![]))
    }
    /// Whether nothing was wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// What was wrong.
    pub(crate) fn into_inner(self) -> Vec<FieldProblem> {
        self.0
    }
}

/// An own trait, since neither side's type is the server's: reads `self` and notes everything that is wrong.
pub(crate) trait Parse<T> {
    fn parse(self, wrong: &mut Wrongs) -> Option<T>;
}

/// Longest texts, in characters.
pub(crate) const LONG_TEXT: usize = 2_000;
const SHORT_TEXT: usize = 200;
const TAG: usize = 64;
const TAGS: usize = 32;
const CONFIG_KEYS: usize = 64;
const CONFIG_KEY: usize = 100;
const CONFIG_VALUE: usize = 1_000;
const PARTITIONS: u32 = 100_000;
const REPLICAS: u16 = 100;

impl Parse<TopicSpec> for api::TopicSpec {
    fn parse(self, wrong: &mut Wrongs) -> Option<TopicSpec> {
        check_numbers("", self.partitions, self.replication_factor, wrong);
        wrong.range("/retention_ms", self.retention_ms, -1, i64::MAX);
        wrong.text("/description", self.description.as_ref(), LONG_TEXT);
        wrong.text("/owner_contact", self.owner_contact.as_ref(), SHORT_TEXT);
        let tags: BTreeSet<String> = self.tags.unwrap_or_default();
        check_tags(&tags, wrong);
        let config = self.config.unwrap_or_default();
        check_config("/config", &config, wrong);
        // What it gives is filled in where the policies are at hand.
        let profile = self.profile.and_then(|name| slug("/profile", &name, wrong));
        let spec = TopicSpec {
            profile: profile.map(|name| Profile { name, by_default: false, preset: Preset::default() }),
            partitions: self.partitions,
            replication_factor: self.replication_factor,
            retention_ms: self.retention_ms,
            cleanup_policy: self.cleanup_policy.map(|p| match p {
                api::CleanupPolicy::Delete => CleanupPolicy::Delete,
                api::CleanupPolicy::Compact => CleanupPolicy::Compact,
                api::CleanupPolicy::CompactDelete => CleanupPolicy::CompactDelete,
            }),
            compression: self.compression.map(|c| match c {
                api::Compression::None => Compression::None,
                api::Compression::Gzip => Compression::Gzip,
                api::Compression::Snappy => Compression::Snappy,
                api::Compression::Lz4 => Compression::Lz4,
                api::Compression::Zstd => Compression::Zstd,
            }),
            config,
            description: self.description,
            tags,
            owner_contact: self.owner_contact,
            deletion_protection: self.deletion_protection,
        };
        if let Err(twice) = spec.settings() {
            wrong.note(&format!("/{}", twice.field), "given-twice", &twice, None, "keep one of them");
        }
        Some(spec)
    }
}

impl Parse<Documentation> for api::Documentation {
    fn parse(self, wrong: &mut Wrongs) -> Option<Documentation> {
        wrong.text("/justification", self.justification.as_ref(), LONG_TEXT);
        wrong.text("/retention_rationale", self.retention_rationale.as_ref(), LONG_TEXT);
        Some(Documentation {
            justification: self.justification,
            producers: texts("/producers", self.producers, wrong),
            consumers: texts("/consumers", self.consumers, wrong),
            schema_references: texts("/schema_references", self.schema_references, wrong),
            retention_rationale: self.retention_rationale,
            links: texts("/links", self.links, wrong),
        })
    }
}

/// Short texts.
fn texts(pointer: &str, given: Option<Vec<String>>, wrong: &mut Wrongs) -> Vec<String> {
    const MOST: usize = 50;
    let given = given.unwrap_or_default();
    if given.len() > MOST {
        let detail = format!("has {} texts: at most {MOST} are allowed", given.len());
        wrong.note(pointer, "length", detail, Some(MOST.to_string()), "give fewer");
    }
    for (i, text) in given.iter().enumerate() {
        wrong.text(&format!("{pointer}/{i}"), Some(text), SHORT_TEXT);
    }
    given
}

impl Parse<Preset> for (&str, api::TopicProfile) {
    fn parse(self, wrong: &mut Wrongs) -> Option<Preset> {
        let (pointer, given) = self;
        check_numbers(pointer, given.partitions, given.replication_factor, wrong);
        let config = given.config.unwrap_or_default();
        check_config(&format!("{pointer}/config"), &config, wrong);
        Some(Preset { partitions: given.partitions, replication_factor: given.replication_factor, config })
    }
}

fn check_numbers(within: &str, partitions: Option<u32>, replication_factor: Option<u16>, wrong: &mut Wrongs) {
    wrong.range(&format!("{within}/partitions"), partitions, 1, PARTITIONS);
    wrong.range(&format!("{within}/replication_factor"), replication_factor, 1, REPLICAS);
}

fn check_config(at: &str, config: &BTreeMap<String, String>, wrong: &mut Wrongs) {
    if config.len() > CONFIG_KEYS {
        let detail = format!("has {} settings: at most {CONFIG_KEYS} are allowed", config.len());
        wrong.note(at, "length", detail, Some(CONFIG_KEYS.to_string()), "give fewer settings");
    }
    for (key, value) in config {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        if key.is_empty() || key.len() > CONFIG_KEY {
            let detail = format!("has a name of {} characters: 1 to {CONFIG_KEY} are allowed", key.len());
            wrong.note(&pointer, "length", detail, Some(CONFIG_KEY.to_string()), "give a setting that Kafka knows");
        }
        wrong.text(&pointer, Some(value), CONFIG_VALUE);
    }
}

fn check_tags(tags: &BTreeSet<String>, wrong: &mut Wrongs) {
    if tags.len() > TAGS {
        let detail = format!("has {} tags: at most {TAGS} are allowed", tags.len());
        wrong.note("/tags", "length", detail, Some(TAGS.to_string()), "give fewer tags");
    }
    for (i, tag) in tags.iter().enumerate().filter(|(_, t)| t.is_empty() || t.chars().count() > TAG) {
        let detail = format!("has {} characters: 1 to {TAG} are allowed", tag.chars().count());
        wrong.note(&format!("/tags/{i}"), "length", detail, Some(TAG.to_string()), "make it shorter");
    }
}

/// A topic's name, with what is wrong noted at `/name`.
pub(crate) fn topic_name(name: &str, wrong: &mut Wrongs) -> Option<TopicName> {
    wrong.parse("/name", name, "1 to 249 letters, digits, '.', '_' and '-', not beginning with __")
}

/// A slug, with what is wrong noted.
pub(crate) fn slug(pointer: &str, text: &str, wrong: &mut Wrongs) -> Option<orbit_core::name::Slug> {
    wrong.parse(pointer, text, "a lowercase letter, then up to 38 lowercase letters, digits and hyphens")
}

/// A display name: what was given, or the slug.
pub(crate) fn display_name(given: Option<String>, slug: &str, wrong: &mut Wrongs) -> String {
    const LONGEST: usize = 100;
    wrong.text("/display_name", given.as_ref(), LONGEST);
    given.unwrap_or_else(|| slug.to_owned())
}
