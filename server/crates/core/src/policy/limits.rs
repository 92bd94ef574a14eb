//! One policy's limits on one topic: name, partitions, retention, replicas.

use super::{
    rulebook::{Limits, TopicPolicy},
    topic::{NAME_PATTERN, TopicFacts, layer, rule},
    verdict::{Finding, Verdict},
};
use crate::{
    change::TopicChange,
    model::{
        settings::{RETENTION_MS, Settings},
        topic::TopicSpec,
    },
};

/// One policy's limits on one spec.
pub(super) struct Judge<'a> {
    pub(super) policy: &'a TopicPolicy,
    pub(super) spec: &'a TopicSpec,
    pub(super) folded: &'a Settings,
    pub(super) facts: &'a TopicFacts,
    pub(super) verdict: &'a mut Verdict,
}

/// A limited quantity: how it is called, and what the user gave, the topic has or the cluster would give.
struct Quantity<'a> {
    code: &'a str,
    rule: &'a str,
    field: &'a str,
    unit: &'a str,
    given: Option<i64>,
    /// What the topic has, where it is there already and that cannot change by itself.
    has: Option<i64>,
    default: Option<i64>,
    /// Whether -1 stands for "for ever", in the value and in the limit.
    endless: bool,
}

impl Judge<'_> {
    pub(super) fn judge(&mut self, change: &TopicChange) {
        let rules = &self.policy.rules;
        if let Some(pattern) = &rules.naming_pattern
            && !pattern.fits(change.name.as_str())
        {
            let at = layer(self.policy).as_str();
            self.deny(
                NAME_PATTERN,
                "naming_pattern",
                "/name",
                Some(pattern.to_string()),
                Some(change.name.to_string()),
                format!("Denied: the name {} does not fit the {at} pattern {pattern}", change.name),
                "choose a name that fits".to_owned(),
            );
        }
        let cluster = self.facts.cluster.description.as_ref();
        let current = self.facts.current.as_ref();
        let (partition, retention, replication) =
            (rules.partition_limits, rules.retention_limits, rules.replication_factor_limits);
        self.within(
            partition,
            &Quantity {
                code: "topic.partitions.limit",
                rule: "partition_limits",
                field: "/partitions",
                unit: "partitions",
                given: self.spec.partitions().map(i64::from),
                has: current.and_then(|c| c.observed_partitions.or(c.spec.partitions())).map(i64::from),
                default: cluster.and_then(|c| c.default_partitions).map(i64::from),
                endless: false,
            },
        );
        self.within(
            retention,
            &Quantity {
                code: "topic.retention.limit",
                rule: "retention_limits",
                field: &self.spec.pointer(RETENTION_MS),
                unit: "ms retention",
                given: self.folded.get(RETENTION_MS).and_then(|v| v.trim().parse().ok()),
                has: None,
                default: cluster.and_then(|c| c.topic_defaults.get(RETENTION_MS)).and_then(|v| v.parse().ok()),
                endless: true,
            },
        );
        self.within(
            replication,
            &Quantity {
                code: "topic.replication-factor.limit",
                rule: "replication_factor_limits",
                field: "/replication_factor",
                unit: "replicas",
                given: self.spec.replication_factor().map(i64::from),
                has: current.and_then(|c| c.observed_replication_factor.or(c.spec.replication_factor())).map(i64::from),
                default: cluster.and_then(|c| c.default_replication_factor).map(i64::from),
                endless: false,
            },
        );
        self.judge_configs();
        self.judge_documentation();
    }

    fn judge_documentation(&mut self) {
        let due =
            self.policy.rules.required_request_fields.iter().filter(|field| !self.facts.documentation.has(**field));
        let at = layer(self.policy).as_str();
        for field in due.collect::<Vec<_>>() {
            let name = field.as_str();
            self.deny(
                "topic.request-field",
                "required_request_fields",
                &format!("/{name}"),
                None,
                None,
                format!("Denied: the {at} wants to know {name} with every request for a topic"),
                format!("say it in {name}"),
            );
        }
    }

    fn within(&mut self, limits: Limits, q: &Quantity<'_>) {
        let Some(value) = q.given.or(q.has).or(q.default) else {
            self.unset_and_unknown(limits, q);
            return;
        };
        let size = |n: i64| if q.endless && n < 0 { i64::MAX } else { n };
        let at = layer(self.policy).as_str();
        let exceeded = [
            (limits.max.filter(|max| size(value) > size(*max)), "max", "exceeds", "at most"),
            (limits.min.filter(|min| size(value) < size(*min)), "min", "is below", "at least"),
        ];
        for (limit, side, verb, bound) in exceeded {
            let Some(limit) = limit else { continue };
            let (unit, field) = (q.unit, q.field.trim_start_matches('/'));
            let (message, remedy) = if q.given.is_some() {
                (
                    format!("Denied: {verb} {at} limit of {limit} {unit}"),
                    format!("ask for {bound} {limit}, or ask the {at} admins for an exception"),
                )
            } else if q.has.is_some() {
                (
                    format!("Denied: {field} is not set, and the topic's {value} {verb} {at} limit of {limit} {unit}"),
                    format!("ask the {at} admins for an exception"),
                )
            } else {
                (
                    format!(
                        "Denied: {field} is not set, and the cluster's default of {value} {verb} {at} limit of {limit} {unit}"
                    ),
                    format!("set {field} to {bound} {limit}"),
                )
            };
            let rule = format!("{}.{side}", q.rule);
            self.deny(q.code, &rule, q.field, Some(limit.to_string()), Some(value.to_string()), message, remedy);
        }
    }

    /// Not set, and the cluster did not tell its default: what cannot be judged is not allowed where a limit is.
    fn unset_and_unknown(&mut self, limits: Limits, q: &Quantity<'_>) {
        if limits == Limits::default() {
            return;
        }
        let (field, at) = (q.field.trim_start_matches('/'), layer(self.policy).as_str());
        self.deny(
            q.code,
            q.rule,
            q.field,
            limits.max.or(limits.min).map(|n| n.to_string()),
            None,
            format!("Denied: {field} is not set, the {at} limits it, and the cluster's default is not known"),
            format!("set {field}"),
        );
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a finding has that many parts, and a builder would only spell them longer"
    )]
    pub(super) fn deny(
        &mut self,
        code: &str,
        rule_name: &str,
        field: &str,
        limit: Option<String>,
        value: Option<String>,
        message: String,
        remedy: String,
    ) {
        self.verdict.violations.push(Finding {
            code: code.to_owned(),
            layer: layer(self.policy),
            rule: rule(self.policy, rule_name),
            field: field.to_owned(),
            limit,
            value,
            overruled_by: None,
            message,
            remedy,
        });
    }
}
