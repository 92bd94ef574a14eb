//! One policy's rules on Kafka's topic settings: which may be given, which must, and within which bounds.

use super::{limits::Judge, rulebook::Limits, topic::layer};
use crate::model::settings;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What a policy says of one setting. What is absent is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ConfigRule {
    /// It has to be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required: bool,
    /// It must not be given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forbidden: bool,
    /// Bounds of a number; `-1`, Kafka's "without limit", is larger than every other.
    #[serde(default)]
    pub limits: Limits,
    /// The values that it may have; any where empty.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub values: BTreeSet<String>,
}

impl ConfigRule {
    fn bounds(&self) -> bool {
        self.limits != Limits::default() || !self.values.is_empty()
    }
}

/// `-1` stands for "without limit".
fn size(n: i64) -> i64 {
    if n < 0 { i64::MAX } else { n }
}

impl Judge<'_> {
    /// What the policy says of the settings, those of a profile included. What is not set is judged at the cluster's default.
    pub(super) fn judge_configs(&mut self) {
        let given = self.folded;
        if let Some(allowed) = &self.policy.rules.allowed_configs {
            for key in given.keys().filter(|key| !allowed.contains(*key)) {
                let some: Vec<_> = allowed.iter().map(String::as_str).collect();
                let at = layer(self.policy).as_str();
                self.deny(
                    "topic.config.not-allowed",
                    "allowed_configs",
                    &self.spec.pointer(key),
                    Some(some.join(", ")),
                    Some(key.clone()),
                    format!("Denied: the {at} allows only some settings, and {key} is none of them"),
                    format!("take {key} out"),
                );
            }
        }
        for (key, rule) in &self.policy.rules.config_rules {
            self.judge_config(key, rule, given.get(key));
        }
    }

    fn judge_config(&mut self, key: &str, rule: &ConfigRule, given: Option<&String>) {
        let at = layer(self.policy).as_str();
        match given {
            Some(value) if rule.forbidden => {
                let message = format!("Denied: the {at} forbids to set {key}");
                self.deny_config(
                    "forbidden",
                    key,
                    "forbidden",
                    (None, Some(value)),
                    message,
                    format!("take {key} out"),
                );
            }
            None if rule.required => {
                let message = format!("Denied: the {at} requires {key} to be set");
                self.deny_config("required", key, "required", (None, None), message, format!("set {key}"));
            }
            _ if rule.bounds() => self.judge_value(key, rule, given),
            _ => {}
        }
    }

    /// The value that was given, or that the cluster would give.
    fn judge_value(&mut self, key: &str, rule: &ConfigRule, given: Option<&String>) {
        let at = layer(self.policy).as_str();
        let cluster = self.facts.cluster.description.as_ref();
        let default = || cluster.and_then(|c| c.topic_defaults.get(key));
        let Some(value) = given.or_else(default).cloned() else {
            let message =
                format!("Denied: {key} is not set, the {at} limits it, and the cluster's default is not known");
            return self.deny_config("limit", key, "limits", (None, None), message, format!("set {key}"));
        };
        let whose = if given.is_some() { "" } else { "not set, the cluster's default is " };
        if !rule.values.is_empty() && !rule.values.iter().any(|one| settings::same(key, one, &value)) {
            let some = rule.values.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            let message = format!("Denied: {key} is {whose}{value}, and the {at} allows {some}");
            let remedy = format!("set it to one of: {some}");
            return self.deny_config("limit", key, "values", (Some(some), Some(&value)), message, remedy);
        }
        if rule.limits == Limits::default() {
            return;
        }
        let Ok(number) = value.trim().parse::<i64>() else {
            let message = format!("Denied: {key} is {whose}{value}, and the {at} limits it as a whole number");
            return self.deny_config(
                "limit",
                key,
                "limits",
                (None, Some(&value)),
                message,
                format!("set {key} to one"),
            );
        };
        let exceeded = [
            (rule.limits.max.filter(|max| size(number) > size(*max)), "limits.max", "exceeds", "at most"),
            (rule.limits.min.filter(|min| size(number) < size(*min)), "limits.min", "is below", "at least"),
        ];
        for (limit, side, verb, bound) in exceeded {
            let Some(limit) = limit else { continue };
            let message = format!("Denied: {key} is {whose}{number}, which {verb} the {at} limit of {limit}");
            let remedy = format!("set {key} to {bound} {limit}");
            self.deny_config("limit", key, side, (Some(limit.to_string()), Some(&value)), message, remedy);
        }
    }

    fn deny_config(
        &mut self,
        code: &str,
        key: &str,
        side: &str,
        (limit, value): (Option<String>, Option<&String>),
        message: String,
        remedy: String,
    ) {
        let (code, rule) = (format!("topic.config.{code}"), format!("config_rules.{key}.{side}"));
        let field = self.spec.pointer(key);
        self.deny(&code, &rule, &field, limit, value.cloned(), message, remedy);
    }
}
