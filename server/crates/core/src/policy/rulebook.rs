//! The rules: topic policies of the platform and of one workspace, ready to judge by.

use super::{configs::ConfigRule, verdict::Approver};
use crate::{
    documentation::RequestField,
    id::{PolicyId, WorkspaceId},
    model::topic::Preset,
    name::{Limited, Slug},
};
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::Arc,
};

/// A pattern over the whole logical topic name. Linear time (the `regex` crate has no backtracking) and bounded in size.
#[derive(Clone)]
pub struct Pattern(Arc<Regex>, Arc<str>);

/// Why a pattern is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Longer than the limit, in characters.
    #[error("has more than {0} characters")]
    TooLong(usize),
    /// Not a regular expression, or one that compiles to more than the size limit.
    #[error("is not a regular expression that Orbit takes: {0}")]
    Regex(String),
}

impl Limited for PatternError {
    fn limit(&self) -> Option<usize> {
        match self {
            Self::TooLong(limit) => Some(*limit),
            Self::Regex(_) => None,
        }
    }
}

impl Pattern {
    /// Most characters a pattern may have.
    pub const MAX: usize = 1_000;
    const COMPILED_MAX: usize = 1 << 20;

    /// Whether the whole of `name` fits.
    #[must_use]
    pub fn fits(&self, name: &str) -> bool {
        self.0.is_match(name)
    }
}
impl FromStr for Pattern {
    type Err = PatternError;
    fn from_str(s: &str) -> Result<Self, PatternError> {
        if s.chars().count() > Self::MAX {
            return Err(PatternError::TooLong(Self::MAX));
        }
        // Compiled alone first: the anchors around it must not repair a pattern such as `a)|(b`.
        let bad = |e: regex::Error| PatternError::Regex(e.to_string().replace('\n', " "));
        RegexBuilder::new(s).size_limit(Self::COMPILED_MAX).build().map_err(bad)?;
        let whole = RegexBuilder::new(&format!("^(?:{s})$")).size_limit(Self::COMPILED_MAX).build().map_err(bad)?;
        Ok(Self(Arc::new(whole), s.into()))
    }
}
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.1)
    }
}
impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/", self.1)
    }
}
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.1 == other.1
    }
}
impl Eq for Pattern {}
impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.1)
    }
}
impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A lower and an upper limit, both inclusive, each optional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
}

/// Whom a policy binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scope", content = "workspace", rename_all = "kebab-case")]
pub enum Scope {
    /// Everybody.
    Platform,
    /// One workspace.
    Workspace(WorkspaceId),
}

/// What a topic policy says. What is absent is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TopicRules {
    /// Environments it covers; all where empty.
    #[serde(default)]
    pub environments: BTreeSet<Slug>,
    /// What a topic's logical name must look like, whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub naming_pattern: Option<Pattern>,
    /// Topics whose logical name fits one of these need no approval by this policy's `require_approval_for`.
    #[serde(default)]
    pub auto_approve_patterns: Vec<Pattern>,
    /// How many partitions.
    #[serde(default)]
    pub partition_limits: Limits,
    /// How long records may be kept, in milliseconds; for ever is longer than every limit.
    #[serde(default)]
    pub retention_limits: Limits,
    /// How many replicas.
    #[serde(default)]
    pub replication_factor_limits: Limits,
    /// Environments in which creating a topic or changing its partitions or settings waits for a person.
    #[serde(default)]
    pub require_approval_for: BTreeSet<Slug>,
    /// Environments in which deleting a topic waits for a person.
    #[serde(default)]
    pub require_deletion_approval_for: BTreeSet<Slug>,
    /// For how many hours a deletion that was accepted can be taken back, before it is carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion_lead_time_hours: Option<u32>,
    /// Whether deletion protection is on for topics that do not say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deletion_protection_default: bool,
    /// Whether the requester may give the consent that this policy asks for.
    #[serde(default)]
    pub allow_self_approval: bool,
    /// Who gives the consent that this policy asks for, by environment; where one is not named, the layer's default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub approvers: BTreeMap<Slug, BTreeSet<Approver>>,
    /// How many people have to consent where this policy asks; one where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quorum: Option<u8>,
    /// For how many hours a request that this policy asks for waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_validity_hours: Option<u32>,
    /// What a request has to say for itself.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub required_request_fields: BTreeSet<RequestField>,
    /// The settings that may be given, by Kafka's names; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_configs: Option<BTreeSet<String>>,
    /// What is said of single settings, by Kafka's names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub config_rules: BTreeMap<String, ConfigRule>,
    /// The profile of a new topic that names none; one of this policy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_profile: Option<Slug>,
    /// Presets that a topic can be asked for with, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profiles: BTreeMap<Slug, Preset>,
}

/// A policy as it is judged by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: Slug,
    /// Counts up with every change.
    pub version: i64,
    /// Whom it binds.
    pub scope: Scope,
    /// What it says.
    pub rules: Arc<TopicRules>,
}

/// Everything that binds one workspace: the platform's policies and its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rulebook {
    /// In a stable order.
    pub topic_policies: Vec<TopicPolicy>,
}

impl TopicPolicy {
    /// Whether it covers an environment and binds a workspace.
    #[must_use]
    pub fn covers(&self, environment: &Slug, workspace: WorkspaceId) -> bool {
        (self.rules.environments.is_empty() || self.rules.environments.contains(environment))
            && match self.scope {
                Scope::Platform => true,
                Scope::Workspace(id) => id == workspace,
            }
    }
}

impl Rulebook {
    /// The policies that cover an environment and bind a workspace.
    pub(crate) fn covering<'a, 'b>(
        &'a self,
        environment: &'b Slug,
        workspace: WorkspaceId,
    ) -> impl Iterator<Item = &'a TopicPolicy> + use<'a, 'b> {
        self.topic_policies.iter().filter(move |p| p.covers(environment, workspace))
    }
}

impl Rulebook {
    /// What a profile of that name gives in an environment. Where several policies have one, the platform's goes before the workspace's, then the name of
    /// the policy decides.
    #[must_use]
    pub fn profile(&self, environment: &Slug, workspace: WorkspaceId, name: &Slug) -> Option<&Preset> {
        let having = || self.covering(environment, workspace).filter(|p| p.rules.profiles.contains_key(name));
        let first = having().find(|p| p.scope == Scope::Platform).or_else(|| having().next())?;
        first.rules.profiles.get(name)
    }

    /// The profile of a new topic that names none, with what it gives. Where several policies have one, as with [`Self::profile`].
    #[must_use]
    pub fn default_profile(&self, environment: &Slug, workspace: WorkspaceId) -> Option<(&Slug, &Preset)> {
        let having = || self.covering(environment, workspace).filter(|p| p.rules.default_profile.is_some());
        let first = having().find(|p| p.scope == Scope::Platform).or_else(|| having().next())?;
        first.rules.profiles.get_key_value(first.rules.default_profile.as_ref()?)
    }

    /// The profiles that there are in an environment.
    #[must_use]
    pub fn profiles(&self, environment: &Slug, workspace: WorkspaceId) -> BTreeSet<&Slug> {
        self.covering(environment, workspace).flat_map(|p| p.rules.profiles.keys()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_about_the_whole_name() {
        let p: Pattern = "a|b".parse().unwrap();
        assert!(p.fits("a") && p.fits("b"));
        assert!(!p.fits("ab") && !p.fits("xa"));
    }

    #[test]
    fn a_pattern_that_is_none_or_too_large_is_refused() {
        assert!(matches!("a)|(b".parse::<Pattern>(), Err(PatternError::Regex(_))));
        assert!(matches!("(?:a{1000}){1000}".parse::<Pattern>(), Err(PatternError::Regex(_))));
        assert_eq!("a".repeat(1001).parse::<Pattern>(), Err(PatternError::TooLong(1000)));
    }
}
