//! Policy packs: rules that come with Orbit, for a platform team to install and to follow its new versions.

use super::rulebook::{Limits, TopicRules};
use crate::{
    documentation::RequestField,
    model::{
        settings::{CLEANUP_POLICY, RETENTION_MS},
        topic::{Difference, Preset},
    },
    name::Slug,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Environments that a pack tells apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Where others depend on what is there: staging and production.
    Production,
    /// Where developers try things, on one broker.
    Development,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 2] = [Self::Production, Self::Development];

    /// As the wire spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Production => "production",
            Self::Development => "development",
        }
    }
}

/// Which environments are which.
pub type Groups = BTreeMap<Group, BTreeSet<Slug>>;

/// A pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pack {
    /// Its name.
    pub name: &'static str,
    /// Counts up with every change of what it says.
    pub version: i64,
    /// What it is, in a line.
    pub title: &'static str,
    /// More of it.
    pub description: &'static str,
}

/// A policy of a pack, for an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackPolicy {
    /// Its name.
    pub name: &'static str,
    /// The group whose environments it covers; both where absent.
    pub group: Option<Group>,
    /// What it says.
    pub rules: TopicRules,
}

/// The packs of this build.
pub const PACKS: [Pack; 1] = [Pack {
    name: "messaging-bus",
    version: 1,
    title: "Standards of an event bus",
    description: "Names <domain>.<event>.v<n>; six partitions by default; three replicas in production and staging, one in development; \
                  retention classes raw (30 days), processed (14 days, the default) and audit (90 days, compacted); nothing is kept for longer than 90 \
                  days; every request names producers, consumers, schemas and why records are kept. Schemas are to stay backward compatible, and a \
                  breaking change is a new v<n>: that is kept by the registry's rules, not by this pack.",
}];

const DAY_MS: i64 = 86_400_000;
const NAMES: &str = r"[a-z][a-z0-9_-]*\.[a-z][a-z0-9_-]*\.v[1-9][0-9]*";

impl Pack {
    /// By name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        PACKS.iter().find(|pack| pack.name == name)
    }

    /// What it says where these environments are which. A group without environments has no policy.
    #[must_use]
    pub fn policies(&self, groups: &Groups) -> Vec<PackPolicy> {
        let of = |group: Group| groups.get(&group).cloned().unwrap_or_default();
        let mut all = vec![PackPolicy {
            name: "messaging-bus-names",
            group: None,
            rules: TopicRules { environments: groups.values().flatten().cloned().collect(), ..names() },
        }];
        let classes =
            [("messaging-bus-production", Group::Production, 3), ("messaging-bus-development", Group::Development, 1)];
        for (name, group, replicas) in classes {
            let environments = of(group);
            if !environments.is_empty() {
                all.push(PackPolicy {
                    name,
                    group: Some(group),
                    rules: TopicRules { environments, ..retention(replicas) },
                });
            }
        }
        all
    }
}

fn names() -> TopicRules {
    use RequestField::{Consumers, Producers, RetentionRationale, SchemaReferences};
    TopicRules {
        naming_pattern: NAMES.parse().ok(),
        required_request_fields: [Producers, Consumers, SchemaReferences, RetentionRationale].into(),
        ..TopicRules::default()
    }
}

/// Classes of retention, with so many replicas.
fn retention(replicas: u16) -> TopicRules {
    let class = |days: i64, cleanup: &str| Preset {
        partitions: Some(6),
        replication_factor: Some(replicas),
        config: [
            (RETENTION_MS.to_owned(), (days * DAY_MS).to_string()),
            (CLEANUP_POLICY.to_owned(), cleanup.to_owned()),
        ]
        .into(),
    };
    let classes =
        [("raw", class(30, "delete")), ("processed", class(14, "delete")), ("audit", class(90, "compact,delete"))];
    let profiles: BTreeMap<Slug, Preset> =
        classes.into_iter().filter_map(|(name, preset)| Some((name.parse().ok()?, preset))).collect();
    let least = (replicas > 1).then_some(i64::from(replicas));
    TopicRules {
        retention_limits: Limits { min: None, max: Some(90 * DAY_MS) },
        replication_factor_limits: Limits { min: least, max: None },
        default_profile: "processed".parse().ok(),
        profiles,
        ..TopicRules::default()
    }
}

impl TopicRules {
    /// What differs from other rules, by field, for people. `None` is "not said".
    #[must_use]
    pub fn differences(&self, after: &Self) -> Vec<Difference> {
        let fields = |rules: &Self| match serde_json::to_value(rules) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (old, new) = (fields(self), fields(after));
        let blank = fields(&Self::default());
        let said = |of: &serde_json::Map<String, serde_json::Value>, field: &String| {
            of.get(field).filter(|value| blank.get(field) != Some(value)).map(|value| match value {
                serde_json::Value::String(text) => text.clone(),
                other => other.to_string(),
            })
        };
        let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        let each = names.into_iter().map(|field| Difference {
            field: format!("/{field}"),
            before: said(&old, field),
            after: said(&new, field),
        });
        each.filter(|d| d.before != d.after).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{PolicyId, WorkspaceId};
    use crate::policy::{Layer, Rulebook, Scope, TopicPolicy};
    use uuid::Uuid;

    fn slug(text: &str) -> Slug {
        text.parse().unwrap()
    }
    fn groups() -> Groups {
        [(Group::Production, [slug("staging"), slug("prod")].into()), (Group::Development, [slug("dev")].into())].into()
    }
    fn book() -> Rulebook {
        let policy = |p: PackPolicy| TopicPolicy {
            id: PolicyId::from_uuid(Uuid::nil()),
            name: slug(p.name),
            version: 1,
            scope: Scope::Platform,
            rules: p.rules.into(),
        };
        Rulebook { topic_policies: PACKS[0].policies(&groups()).into_iter().map(policy).collect() }
    }

    #[test]
    fn the_pack_says_what_the_standards_say() {
        for (environment, replicas) in [("prod", 3), ("staging", 3), ("dev", 1)] {
            let book = book().effective(&slug(environment), WorkspaceId::from_uuid(Uuid::nil()));
            assert!(book.covered && book.contradictions().is_empty());
            assert_eq!(book.replication_factor.hold(1), replicas == 1);
            let days =
                |class: &str| book.profiles[&slug(class)].value.config["retention.ms"].parse::<i64>().unwrap() / DAY_MS;
            assert_eq!(["raw", "processed", "audit"].map(days), [30, 14, 90]);
            for class in book.profiles.values() {
                assert_eq!((class.value.partitions, class.value.replication_factor), (Some(6), Some(replicas)));
                assert_eq!(class.source.layer, Layer::Platform);
            }
            assert_eq!(book.default_profile.as_ref().unwrap().value, slug("processed"));
            assert_eq!(book.profiles[&slug("audit")].value.config["cleanup.policy"], "compact,delete");
        }
    }

    #[test]
    fn names_are_domain_event_and_version() {
        let rules = names();
        let fits = |name: &str| rules.naming_pattern.as_ref().unwrap().fits(name);
        for good in ["media.raw_ingest.v1", "media.ingested.v12", "a.b.v1"] {
            assert!(fits(good), "{good}");
        }
        for bad in
            ["media.ingested", "media.ingested.v0", "media.ingested.1", "Media.ingested.v1", "a.b.c.v1", "ingested.v1"]
        {
            assert!(!fits(bad), "{bad}");
        }
    }

    #[test]
    fn a_group_without_environments_has_no_policy() {
        let only = Groups::from([(Group::Production, [slug("prod")].into())]);
        let names: Vec<_> = PACKS[0].policies(&only).into_iter().map(|p| p.name).collect();
        assert_eq!(names, ["messaging-bus-names", "messaging-bus-production"]);
    }

    #[test]
    fn differences_of_rules_are_told_by_field() {
        let was = names();
        let is = TopicRules { naming_pattern: "x".parse().ok(), quorum: Some(2), ..TopicRules::default() };
        let told: Vec<_> =
            was.differences(&is).into_iter().map(|d| (d.field, d.before.is_some(), d.after.is_some())).collect();
        let expected =
            [("/naming_pattern", true, true), ("/quorum", false, true), ("/required_request_fields", true, false)];
        assert_eq!(told, expected.map(|(f, b, a)| (f.to_owned(), b, a)));
        assert_eq!(was.differences(&was), []);
    }
}
