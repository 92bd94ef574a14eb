//! The rule book that holds for one workspace in one environment, merged: what holds, and whose word it is.

use super::{
    names,
    rulebook::{Limits, Pattern, Rulebook, Scope, TopicPolicy},
    topic::{layer, need},
    verdict::{Layer, Needs},
};
use crate::{documentation::RequestField, id::WorkspaceId, model::topic::Preset, name::Slug};
use std::collections::{BTreeMap, BTreeSet};

/// Whose word something is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The policy.
    pub policy: Slug,
    /// Its version.
    pub version: i64,
    /// Who made it.
    pub layer: Layer,
}

/// Something that holds, and whose word it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// What holds.
    pub value: T,
    /// Whose word.
    pub source: Source,
}

/// The tightest limits, each of the policy that has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bounds {
    /// At least this.
    pub min: Option<Sourced<i64>>,
    /// At most this.
    pub max: Option<Sourced<i64>>,
}

/// What holds of one topic setting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EffectiveConfig {
    /// Who requires it.
    pub required: Option<Source>,
    /// Who forbids it.
    pub forbidden: Option<Source>,
    /// Bounds of a number.
    pub bounds: Bounds,
    /// The values that every policy allows; any where absent.
    pub values: Option<BTreeSet<String>>,
}

/// What a policy asks a person for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Who asks.
    pub source: Source,
    /// Whether it is about deletions; else about creations and changes.
    pub deletions: bool,
    /// Topics of these names need no approval by it.
    pub unless: Vec<Pattern>,
    /// Whose consent.
    pub need: Needs,
    /// For how many hours a request waits.
    pub valid_hours: Option<u32>,
}

/// The merged rule book.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Effective {
    /// The policies that are asked, in order.
    pub policies: Vec<Source>,
    /// Whether one of the platform's is among them: else everybody but a platform admin needs approval.
    pub covered: bool,
    /// A name has to fit them all.
    pub naming_patterns: Vec<Sourced<Pattern>>,
    /// How many partitions.
    pub partitions: Bounds,
    /// How long records may be kept, in milliseconds.
    pub retention_ms: Bounds,
    /// How many replicas.
    pub replication_factor: Bounds,
    /// The settings that every policy allows; any where absent.
    pub allowed_configs: Option<BTreeSet<String>>,
    /// What is said of single settings.
    pub configs: BTreeMap<String, EffectiveConfig>,
    /// What a request has to say for itself.
    pub required_request_fields: BTreeMap<RequestField, Source>,
    /// Who asks a person for what.
    pub asks: Vec<Ask>,
    /// For how many hours a deletion waits.
    pub deletion_lead_time_hours: Option<Sourced<u32>>,
    /// Who protects topics that do not say.
    pub deletion_protection_default: Option<Source>,
    /// The profiles that there are.
    pub profiles: BTreeMap<Slug, Sourced<Preset>>,
    /// The profile of a topic that names none.
    pub default_profile: Option<Sourced<Slug>>,
}

fn source(policy: &TopicPolicy) -> Source {
    Source { policy: policy.name.clone(), version: policy.version, layer: layer(policy) }
}

/// `-1` stands for "without limit".
fn endless(n: i64) -> i64 {
    if n < 0 { i64::MAX } else { n }
}

impl Bounds {
    fn tighten(&mut self, limits: Limits, of: &TopicPolicy) {
        let sourced = |value| Sourced { value, source: source(of) };
        if let Some(min) = limits.min
            && self.min.as_ref().is_none_or(|have| endless(min) > endless(have.value))
        {
            self.min = Some(sourced(min));
        }
        if let Some(max) = limits.max
            && self.max.as_ref().is_none_or(|have| endless(max) < endless(have.value))
        {
            self.max = Some(sourced(max));
        }
    }

    /// Whether a value is within them.
    #[must_use]
    pub fn hold(&self, value: i64) -> bool {
        let value = endless(value);
        self.min.as_ref().is_none_or(|min| value >= endless(min.value))
            && self.max.as_ref().is_none_or(|max| value <= endless(max.value))
    }

    fn empty(&self, of: &str) -> Option<String> {
        let (min, max) = (self.min.as_ref()?, self.max.as_ref()?);
        (endless(min.value) > endless(max.value)).then(|| {
            let (low, high) = (&min.source.policy, &max.source.policy);
            format!("{of}: policy {low} wants at least {}, policy {high} at most {}", min.value, max.value)
        })
    }
}

fn common<T: Ord + Clone>(have: &mut Option<BTreeSet<T>>, also: &BTreeSet<T>) {
    *have = Some(match have.take() {
        None => also.clone(),
        Some(have) => have.intersection(also).cloned().collect(),
    });
}

impl Rulebook {
    /// What holds for a workspace in an environment. The platform's policies come first, then the workspace's own, each by name: of equals the first one's
    /// word holds.
    #[must_use]
    pub fn effective(&self, environment: &Slug, workspace: WorkspaceId) -> Effective {
        let mut all: Vec<_> = self.covering(environment, workspace).collect();
        all.sort_by_key(|p| p.scope != Scope::Platform);
        let mut book = Effective::default();
        for policy in all {
            book.covered |= policy.scope == Scope::Platform;
            book.policies.push(source(policy));
            book.add(policy, environment);
        }
        book
    }
}

impl Effective {
    fn add(&mut self, policy: &TopicPolicy, environment: &Slug) {
        let (rules, from) = (&policy.rules, || source(policy));
        let patterns = rules.naming_pattern.iter().cloned();
        self.naming_patterns.extend(patterns.map(|value| Sourced { value, source: from() }));
        self.partitions.tighten(rules.partition_limits, policy);
        self.retention_ms.tighten(rules.retention_limits, policy);
        self.replication_factor.tighten(rules.replication_factor_limits, policy);
        self.add_configs(policy);
        for field in &rules.required_request_fields {
            self.required_request_fields.entry(*field).or_insert_with(from);
        }
        let asks = [
            (rules.require_approval_for.contains(environment), false),
            (rules.require_deletion_approval_for.contains(environment), true),
        ];
        self.asks.extend(asks.into_iter().filter(|(asked, _)| *asked).map(|(_, deletions)| Ask {
            source: from(),
            deletions,
            unless: if deletions { vec![] } else { rules.auto_approve_patterns.clone() },
            need: need(policy, environment),
            valid_hours: rules.request_validity_hours,
        }));
        let longest = self.deletion_lead_time_hours.as_ref().map(|have| have.value);
        if let Some(value) = rules.deletion_lead_time_hours.filter(|hours| Some(*hours) > longest) {
            self.deletion_lead_time_hours = Some(Sourced { value, source: from() });
        }
        if rules.deletion_protection_default {
            self.deletion_protection_default.get_or_insert_with(from);
        }
        for (name, preset) in &rules.profiles {
            let first = || Sourced { value: preset.clone(), source: from() };
            self.profiles.entry(name.clone()).or_insert_with(first);
        }
        if let Some(name) = &rules.default_profile {
            self.default_profile.get_or_insert_with(|| Sourced { value: name.clone(), source: from() });
        }
    }

    fn add_configs(&mut self, policy: &TopicPolicy) {
        if let Some(allowed) = &policy.rules.allowed_configs {
            common(&mut self.allowed_configs, allowed);
        }
        for (key, rule) in &policy.rules.config_rules {
            let config = self.configs.entry(key.clone()).or_default();
            if rule.required {
                config.required.get_or_insert_with(|| source(policy));
            }
            if rule.forbidden {
                config.forbidden.get_or_insert_with(|| source(policy));
            }
            config.bounds.tighten(rule.limits, policy);
            if !rule.values.is_empty() {
                common(&mut config.values, &rule.values);
            }
        }
    }

    /// What contradicts itself, so that no topic at all could be created: for a person.
    #[must_use]
    pub fn contradictions(&self) -> Vec<String> {
        let limits = [
            ("partitions", &self.partitions),
            ("retention", &self.retention_ms),
            ("replicas", &self.replication_factor),
        ];
        let mut all: Vec<String> = limits.into_iter().filter_map(|(of, bounds)| bounds.empty(of)).collect();
        for (key, config) in &self.configs {
            all.extend(config.contradiction(key, self.allowed_configs.as_ref()));
        }
        let patterns: Vec<_> = self.naming_patterns.iter().map(|p| &p.value).collect();
        if names::none_fits(&patterns) {
            let each: Vec<_> =
                self.naming_patterns.iter().map(|p| format!("{} of {}", p.value, p.source.policy)).collect();
            all.push(format!("names: no name fits {}", each.join(" and ")));
        }
        all
    }
}

impl EffectiveConfig {
    fn contradiction(&self, key: &str, allowed: Option<&BTreeSet<String>>) -> Option<String> {
        if let (Some(wants), Some(forbids)) = (&self.required, &self.forbidden) {
            return Some(format!("{key}: policy {} requires it, policy {} forbids it", wants.policy, forbids.policy));
        }
        let required = self.required.as_ref()?;
        if allowed.is_some_and(|allowed| !allowed.contains(key)) {
            return Some(format!(
                "{key}: policy {} requires it, and it is not among the allowed settings",
                required.policy
            ));
        }
        if self.values.as_ref().is_some_and(BTreeSet::is_empty) {
            return Some(format!("{key}: no value is allowed by all policies"));
        }
        let fits = |value: &String| value.trim().parse().is_ok_and(|number| self.bounds.hold(number));
        let bounded = self.bounds != Bounds::default();
        if bounded && self.values.as_ref().is_some_and(|values| !values.iter().any(fits)) {
            return Some(format!("{key}: no allowed value is within its bounds"));
        }
        self.bounds.empty(key)
    }
}
