//! Topic policies, as they are read from the wire and shown on it.

use super::{
    parse::{Parse, Wrongs, slug},
    wire::{request_field, request_field_in, topic_profile},
};
use crate::app::PolicyNew;
use orbit_api as api;
use orbit_core::{
    model::{
        settings::{self, SettingError},
        topic::Preset,
    },
    name::Slug,
    policy::{Approver, ConfigRule, Limits, Pattern, TopicRules},
};
use orbit_store::PolicyRow;
use std::{
    collections::{BTreeMap, BTreeSet},
    iter,
};

impl Parse<TopicRules> for api::TopicPolicyReplace {
    fn parse(self, wrong: &mut Wrongs) -> Option<TopicRules> {
        if self.require_schema == Some(true) {
            wrong.note(
                "/require_schema",
                "not-available",
                "cannot be kept yet: Orbit keeps no schemas",
                None,
                "take it out",
            );
        }
        if self.environments.as_ref().is_some_and(Vec::is_empty) {
            let remedy = "leave it out for a policy that holds in all of them, or delete the policy";
            wrong.note("/environments", "length", "names none".to_owned(), Some("1..".to_owned()), remedy);
        }
        let environments = slugs("/environments", self.environments, wrong);
        let naming_pattern = self.naming_pattern.and_then(|text| pattern("/naming_pattern", &text, wrong));
        let auto_approve_patterns = patterns(self.auto_approve_patterns, wrong);
        let rules = TopicRules {
            environments,
            naming_pattern,
            auto_approve_patterns,
            partition_limits: limits("/partition_limits", self.partition_limits, 1, wrong),
            retention_limits: limits("/retention_limits", self.retention_limits, 0, wrong),
            replication_factor_limits: limits("/replication_factor_limits", self.replication_factor_limits, 1, wrong),
            require_approval_for: slugs("/require_approval_for", self.require_approval_for, wrong),
            require_deletion_approval_for: slugs(
                "/require_deletion_approval_for",
                self.require_deletion_approval_for,
                wrong,
            ),
            deletion_lead_time_hours: self.deletion_lead_time_hours,
            deletion_protection_default: self.deletion_protection_default.unwrap_or(false),
            allow_self_approval: self.allow_self_approval.unwrap_or(false),
            approvers: approvers(self.approvers, wrong),
            quorum: self.quorum,
            request_validity_hours: self.request_validity_hours,
            required_request_fields: self.required_request_fields.into_iter().flatten().map(request_field_in).collect(),
            allowed_configs: allowed_configs(self.allowed_configs, wrong),
            config_rules: config_rules(self.config_rules, wrong),
            default_profile: self.default_profile.and_then(|name| slug("/default_profile", &name, wrong)),
            profiles: profiles(self.profiles, wrong),
        };
        if let Some(name) = rules.default_profile.as_ref().filter(|name| !rules.profiles.contains_key(*name)) {
            let detail = format!("is {name}, and the policy has no such profile");
            wrong.note("/default_profile", "format", detail, None, "give one of profiles");
        }
        let approvers: BTreeSet<Slug> = rules.approvers.keys().cloned().collect();
        for (pointer, named) in [
            ("/require_approval_for", &rules.require_approval_for),
            ("/require_deletion_approval_for", &rules.require_deletion_approval_for),
            ("/approvers", &approvers),
        ] {
            let outside = |slug: &&Slug| !rules.environments.is_empty() && !rules.environments.contains(*slug);
            if let Some(slug) = named.iter().find(outside) {
                let detail = format!("names {slug}, where the policy does not hold: it is none of environments");
                wrong.note(pointer, "policy.environments", detail, None, "add it to environments, or take it out");
            }
        }
        wrong.range("/quorum", rules.quorum, 1, 10);
        wrong.range("/deletion_lead_time_hours", rules.deletion_lead_time_hours, 1, 8_760);
        wrong.range("/request_validity_hours", rules.request_validity_hours, 1, 2_160);
        Some(rules)
    }
}

fn slugs(pointer: &str, given: Option<Vec<String>>, wrong: &mut Wrongs) -> BTreeSet<Slug> {
    let each = given.into_iter().flatten().enumerate();
    each.filter_map(|(i, text)| slug(&format!("{pointer}/{i}"), &text, wrong)).collect()
}

fn pattern(pointer: &str, text: &str, wrong: &mut Wrongs) -> Option<Pattern> {
    wrong.parse(
        pointer,
        text,
        "a regular expression without look-around and back references, of at most 1,000 characters",
    )
}

fn patterns(given: Option<Vec<String>>, wrong: &mut Wrongs) -> Vec<Pattern> {
    const MOST: usize = 50;
    let given = given.unwrap_or_default();
    if given.len() > MOST {
        let detail = format!("has {} patterns: at most {MOST} are allowed", given.len());
        wrong.note("/auto_approve_patterns", "length", detail, Some(MOST.to_string()), "join some of them");
    }
    let each = given.iter().take(MOST).enumerate();
    each.filter_map(|(i, text)| pattern(&format!("/auto_approve_patterns/{i}"), text, wrong)).collect()
}

const CONFIGS: usize = 100;

fn allowed_configs(given: Option<Vec<String>>, wrong: &mut Wrongs) -> Option<BTreeSet<String>> {
    let given = given?;
    if given.len() > CONFIGS {
        let detail = format!("has {} settings: at most {CONFIGS} are allowed", given.len());
        wrong.note(
            "/allowed_configs",
            "length",
            detail,
            Some(CONFIGS.to_string()),
            "allow fewer, or forbid single ones",
        );
    }
    Some(given.into_iter().collect())
}

fn config_rules(given: Option<BTreeMap<String, api::ConfigRule>>, wrong: &mut Wrongs) -> BTreeMap<String, ConfigRule> {
    const VALUES: usize = 50;
    let given = given.unwrap_or_default();
    if given.len() > CONFIGS {
        let detail = format!("has {} settings: at most {CONFIGS} are allowed", given.len());
        wrong.note("/config_rules", "length", detail, Some(CONFIGS.to_string()), "write a second policy");
    }
    let rule = |(key, given): (String, api::ConfigRule)| {
        let at = format!("/config_rules/{}", key.replace('~', "~0").replace('/', "~1"));
        let (required, forbidden) = (given.required.unwrap_or(false), given.forbidden.unwrap_or(false));
        let values = given.values.unwrap_or_default();
        if values.len() > VALUES {
            let detail = format!("has {} values: at most {VALUES} are allowed", values.len());
            wrong.note(&format!("{at}/values"), "length", detail, Some(VALUES.to_string()), "give bounds instead");
        }
        let bounded = given.min.is_some() || given.max.is_some() || !values.is_empty();
        if forbidden && (required || bounded) {
            wrong.note(&at, "format", "forbids what it requires or limits", None, "keep one of them");
        }
        for (i, value) in values.iter().enumerate() {
            if let Err(SettingError::Value { takes }) = settings::check(&key, value, iter::empty()) {
                let detail = format!("has {value}, which Kafka does not take for {key}");
                wrong.note(&format!("{at}/values/{i}"), "format", detail, Some(takes), "give values that Kafka takes");
            }
        }
        if (given.min.is_some() || given.max.is_some()) && !settings::may_be_whole(&key) {
            let detail = format!("has bounds, and {key} is no whole number");
            wrong.note(&at, "format", detail, None, "name the values that are allowed");
        }
        let limits = limits(&at, Some(api::Limits { min: given.min, max: given.max }), -1, wrong);
        (key, ConfigRule { required, forbidden, limits, values: values.into_iter().collect() })
    };
    given.into_iter().map(rule).collect()
}

fn config_rule_to_wire(rule: &ConfigRule) -> api::ConfigRule {
    api::ConfigRule {
        required: Some(rule.required).filter(|on| *on),
        forbidden: Some(rule.forbidden).filter(|on| *on),
        min: rule.limits.min,
        max: rule.limits.max,
        values: Some(rule.values.iter().cloned().collect()).filter(|all: &Vec<_>| !all.is_empty()),
    }
}

fn approvers(
    given: Option<BTreeMap<String, Vec<api::Approver>>>,
    wrong: &mut Wrongs,
) -> BTreeMap<Slug, BTreeSet<Approver>> {
    let mut all = BTreeMap::new();
    for (environment, named) in given.unwrap_or_default() {
        let at = format!("/approvers/{}", environment.replace('~', "~0").replace('/', "~1"));
        if named.is_empty() {
            wrong.note(&at, "missing", "names nobody, so nobody could consent", None, "name somebody, or leave it out");
        }
        let each = named.into_iter().enumerate();
        let named = each.filter_map(|(i, one)| approver(&format!("{at}/{i}"), one, wrong)).collect();
        if let Some(environment) = slug(&at, &environment, wrong) {
            all.insert(environment, named);
        }
    }
    all
}

fn approver(at: &str, given: api::Approver, wrong: &mut Wrongs) -> Option<Approver> {
    match given {
        api::Approver { role: Some(role), workspace: None, principal: None } => Some(match role {
            api::ApproverRole::PlatformAdmin => Approver::PlatformAdmin,
            api::ApproverRole::WorkspaceAdmin => Approver::WorkspaceAdmin,
        }),
        api::Approver { role: None, workspace: Some(workspace), principal: None } => {
            slug(&format!("{at}/workspace"), &workspace, wrong).map(Approver::AdminOf)
        }
        api::Approver { role: None, workspace: None, principal: Some(name) } => Some(Approver::Principal(name)),
        _ => {
            wrong.note(at, "format", "names not exactly one", None, "give role, workspace or principal");
            None
        }
    }
}

fn approver_to_wire(approver: &Approver) -> api::Approver {
    match approver {
        Approver::PlatformAdmin => api::Approver { role: Some(api::ApproverRole::PlatformAdmin), ..Default::default() },
        Approver::WorkspaceAdmin => {
            api::Approver { role: Some(api::ApproverRole::WorkspaceAdmin), ..Default::default() }
        }
        Approver::AdminOf(slug) => api::Approver { workspace: Some(slug.to_string()), ..Default::default() },
        Approver::Principal(name) => api::Approver { principal: Some(name.clone()), ..Default::default() },
    }
}

fn profiles(given: Option<BTreeMap<String, api::TopicProfile>>, wrong: &mut Wrongs) -> BTreeMap<Slug, Preset> {
    const MOST: usize = 50;
    let given = given.unwrap_or_default();
    if given.len() > MOST {
        let detail = format!("has {} profiles: at most {MOST} are allowed", given.len());
        wrong.note(
            "/profiles",
            "length",
            detail,
            Some(MOST.to_string()),
            "write a policy for each group of environments",
        );
    }
    let each = given.into_iter().filter_map(|(name, profile)| {
        let pointer = format!("/profiles/{}", name.replace('~', "~0").replace('/', "~1"));
        let preset = (pointer.as_str(), profile).parse(wrong);
        Some((slug(&pointer, &name, wrong)?, preset?))
    });
    each.collect()
}

fn limits(pointer: &str, given: Option<api::Limits>, least: i64, wrong: &mut Wrongs) -> Limits {
    let given = given.unwrap_or_default();
    wrong.range(&format!("{pointer}/min"), given.min, least, i64::MAX);
    wrong.range(&format!("{pointer}/max"), given.max, least, i64::MAX);
    if let (Some(min), Some(max)) = (given.min, given.max)
        && min > max
    {
        wrong.note(pointer, "range", format!("has min {min} above max {max}: nothing would fit"), None, "swap them");
    }
    Limits { min: given.min, max: given.max }
}

impl Parse<PolicyNew> for api::TopicPolicyCreate {
    fn parse(self, wrong: &mut Wrongs) -> Option<PolicyNew> {
        let name = slug("/name", &self.name, wrong);
        let rules = self.rules().parse(wrong);
        if (self.scope == api::PolicyScope::Workspace) != self.workspace.is_some() {
            wrong.note(
                "/workspace",
                "missing",
                "is due exactly with scope workspace",
                None,
                "give it with scope workspace, leave it out with platform",
            );
        }
        Some(PolicyNew { name: name?, workspace: self.workspace, rules: rules? })
    }
}

pub(super) fn to_wire(row: &PolicyRow) -> api::TopicPolicy {
    let rules = &row.rules;
    let words =
        |slugs: &BTreeSet<Slug>| Some(slugs.iter().map(Slug::to_string).collect::<Vec<_>>()).filter(|v| !v.is_empty());
    let limits = |l: Limits| Some(api::Limits { min: l.min, max: l.max }).filter(|l| *l != api::Limits::default());
    let patterns: Vec<String> = rules.auto_approve_patterns.iter().map(Pattern::to_string).collect();
    api::TopicPolicy {
        id: row.id.to_string(),
        name: row.name.to_string(),
        scope: if row.workspace_id.is_some() { api::PolicyScope::Workspace } else { api::PolicyScope::Platform },
        workspace: row.workspace.as_ref().map(Slug::to_string),
        environments: words(&rules.environments),
        naming_pattern: rules.naming_pattern.as_ref().map(Pattern::to_string),
        auto_approve_patterns: Some(patterns).filter(|p| !p.is_empty()),
        partition_limits: limits(rules.partition_limits),
        retention_limits: limits(rules.retention_limits),
        replication_factor_limits: limits(rules.replication_factor_limits),
        require_approval_for: words(&rules.require_approval_for),
        require_deletion_approval_for: words(&rules.require_deletion_approval_for),
        deletion_lead_time_hours: rules.deletion_lead_time_hours,
        deletion_protection_default: Some(rules.deletion_protection_default).filter(|on| *on),
        allow_self_approval: Some(rules.allow_self_approval).filter(|on| *on),
        approvers: Some(
            rules
                .approvers
                .iter()
                .map(|(environment, named)| (environment.to_string(), named.iter().map(approver_to_wire).collect()))
                .collect(),
        )
        .filter(|all: &BTreeMap<_, _>| !all.is_empty()),
        quorum: rules.quorum,
        request_validity_hours: rules.request_validity_hours,
        required_request_fields: Some(rules.required_request_fields.iter().copied().map(request_field).collect())
            .filter(|all: &Vec<_>| !all.is_empty()),
        allowed_configs: rules.allowed_configs.as_ref().map(|all| all.iter().cloned().collect()),
        config_rules: Some(
            rules.config_rules.iter().map(|(key, rule)| (key.clone(), config_rule_to_wire(rule))).collect(),
        )
        .filter(|all: &BTreeMap<_, _>| !all.is_empty()),
        default_profile: rules.default_profile.as_ref().map(Slug::to_string),
        profiles: Some(rules.profiles.iter().map(|(name, preset)| (name.to_string(), topic_profile(preset))).collect())
            .filter(|all: &BTreeMap<_, _>| !all.is_empty()),
        require_schema: None,
        version: row.version,
        pack: row.pack.as_ref().map(|mark| mark.name.clone()),
        pack_version: row.pack.as_ref().map(|mark| mark.version),
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}
