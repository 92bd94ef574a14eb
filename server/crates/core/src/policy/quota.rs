//! Limits on how much a workspace or a cluster may hold in all, and what each object takes of it.

use super::verdict::{Finding, Layer, RuleRef, Verdict};
use crate::name::Slug;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resource {
    /// Topics.
    Topics,
    /// Their partitions, without replicas.
    Partitions,
    /// How many bytes they may keep: `retention.bytes`, which is per partition, times partitions.
    RetainedBytes,
}

impl Resource {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Topics, Self::Partitions, Self::RetainedBytes];

    /// As the database spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Partitions => "partitions",
            Self::RetainedBytes => "retained-bytes",
        }
    }
    fn field(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Partitions => "partitions",
            Self::RetainedBytes => "retained_bytes",
        }
    }
    fn unit(self) -> &'static str {
        match self {
            Self::Topics => "topics",
            Self::Partitions => "partitions",
            Self::RetainedBytes => "retained bytes",
        }
    }
}

/// So much of each resource. Below 0: without limit.
pub type Amounts = BTreeMap<Resource, i64>;

/// Whose limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A workspace's.
    Workspace,
    /// A cluster's.
    Cluster,
}

impl Holder {
    fn as_str(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Cluster => "cluster",
        }
    }
    fn code(self) -> &'static str {
        match self {
            Self::Workspace => "workspace.limit",
            Self::Cluster => "cluster.limit",
        }
    }
}

/// A limit, and how much of it is taken, open requests included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Whose.
    pub holder: Holder,
    /// Slug of that.
    pub name: Slug,
    /// Of what.
    pub resource: Resource,
    /// At most so much in all.
    pub limit: i64,
    /// What other objects take. What is without limit does not count.
    pub others: i64,
}

/// What an object takes by its record, and what it is to take.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Growth {
    /// By its record; nothing where it is new.
    pub has: Amounts,
    /// Once the change is done.
    pub wants: Amounts,
}

impl Growth {
    /// How much more of a resource; nothing where it has no limit.
    #[must_use]
    pub fn of(&self, resource: Resource) -> i64 {
        let (has, wants) = (self.has.get(&resource).copied().unwrap_or(0), self.wants.get(&resource).copied());
        wants.filter(|wants| *wants >= 0 && has >= 0).map_or(0, |wants| wants.saturating_sub(has).max(0))
    }
}

/// Judges what an object is to take. What takes no more than before is not in the way of a limit that was lowered.
pub(super) fn judge(quotas: &[Quota], growth: &Growth, pointer: impl Fn(Resource) -> String, verdict: &mut Verdict) {
    let size = |amount: i64| if amount < 0 { i64::MAX } else { amount };
    for quota in quotas {
        let Some(want) = growth.wants.get(&quota.resource).copied() else { continue };
        let has = growth.has.get(&quota.resource).copied().unwrap_or(0);
        let total = quota.others.saturating_add(size(want));
        if size(want) <= size(has) || total <= quota.limit {
            continue;
        }
        let (holder, name, unit) = (quota.holder.as_str(), &quota.name, quota.resource.unit());
        let (value, message, remedy) = if want < 0 {
            let message = format!("Denied: {holder} {name} has a limit of {} {unit}, and this has none", quota.limit);
            (None, message, "give it a limit: set retention.bytes".to_owned())
        } else {
            let message = format!(
                "Denied: {holder} {name} would have {total} {unit}, with what is open, and its limit is {}",
                quota.limit
            );
            let left = quota.limit.saturating_sub(quota.others).max(0);
            let or = "delete what is not needed, or ask a platform admin for a higher limit";
            let each = growth.wants.get(&Resource::Partitions).copied().filter(|n| *n > 0).unwrap_or(1);
            let remedy = match quota.resource {
                Resource::Topics => or.to_owned(),
                Resource::Partitions => format!("ask for at most {left} here, {or}"),
                // What is asked for is bytes per partition.
                Resource::RetainedBytes => format!("ask for at most {} per partition here, {or}", left / each),
            };
            (Some(total.to_string()), message, remedy)
        };
        verdict.violations.push(Finding {
            code: quota.holder.code().to_owned(),
            layer: Layer::Platform,
            rule: RuleRef {
                policy: None,
                name: format!("{holder} {name}"),
                version: None,
                rule: format!("limits.{}", quota.resource.field()),
            },
            field: pointer(quota.resource),
            limit: Some(quota.limit.to_string()),
            value,
            overruled_by: None,
            message,
            remedy,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn growth(has: i64, wants: i64) -> Growth {
        let partitions = |n| Amounts::from([(Resource::Partitions, n)]);
        Growth { has: partitions(has), wants: partitions(wants) }
    }
    fn quota(limit: i64, others: i64, has: i64) -> (Quota, i64) {
        let name = "payments".parse().unwrap();
        (Quota { holder: Holder::Workspace, name, resource: Resource::Partitions, limit, others }, has)
    }
    fn told((quota, has): (Quota, i64), want: i64) -> Vec<Finding> {
        let mut verdict = Verdict::default();
        judge(&[quota], &growth(has, want), |_| "/partitions".to_owned(), &mut verdict);
        verdict.violations
    }

    #[test]
    fn the_last_one_fits_and_one_more_does_not() {
        assert_eq!(told(quota(10, 4, 0), 6), []);
        let [one] = told(quota(10, 4, 0), 7).try_into().unwrap();
        assert_eq!(
            one.message,
            "Denied: workspace payments would have 11 partitions, with what is open, and its limit is 10"
        );
        assert_eq!((one.code.as_str(), one.rule.rule.as_str()), ("workspace.limit", "limits.partitions"));
        assert_eq!((one.limit.as_deref(), one.value.as_deref()), (Some("10"), Some("11")));
        assert!(one.remedy.starts_with("ask for at most 6 here"));
    }

    #[test]
    fn the_remedy_speaks_of_what_is_asked_for() {
        let remedy = |resource| {
            let name = "payments".parse().unwrap();
            let quota = Quota { holder: Holder::Workspace, name, resource, limit: 1_000, others: 0 };
            let wants =
                Amounts::from([(Resource::Partitions, 6), (Resource::Topics, 1_001), (Resource::RetainedBytes, 6_000)]);
            let mut verdict = Verdict::default();
            judge(&[quota], &Growth { has: Amounts::new(), wants }, |_| String::new(), &mut verdict);
            verdict.violations.remove(0).remedy
        };
        assert!(remedy(Resource::RetainedBytes).starts_with("ask for at most 166 per partition here, "));
        assert!(remedy(Resource::Topics).starts_with("delete what is not needed"));
    }

    #[test]
    fn what_takes_no_more_than_before_is_not_in_the_way() {
        assert_eq!(told(quota(1, 50, 8), 8), []);
        assert_eq!(told(quota(1, 50, 8), 7), []);
        assert_eq!(told(quota(1, 50, 8), 9).len(), 1);
        assert_eq!(told(quota(1, 0, -1), -1), [], "it had none before");
    }

    #[test]
    fn what_has_no_limit_fits_into_none() {
        let [one] = told(quota(i64::MAX - 1, 0, 0), -1).try_into().unwrap();
        assert!(one.message.ends_with("and this has none") && one.value.is_none());
        let more = |has, wants| growth(has, wants).of(Resource::Partitions);
        assert_eq!((more(2, 5), more(5, 2), more(2, -1), more(-1, 2)), (3, 0, 0, 0));
    }
}
