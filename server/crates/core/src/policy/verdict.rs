//! What policy says of a change, in a form that names everything a person needs: rule, layer, field, limit, value.

use crate::{id::PolicyId, name::Slug};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who made a rule. The order is the order of authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layer {
    /// Kafka or Orbit itself: nobody can grant an exception.
    System,
    /// The platform team, for everybody.
    Platform,
    /// A workspace, for itself.
    Workspace,
}

impl Layer {
    /// As sentences spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Platform => "platform",
            Self::Workspace => "workspace",
        }
    }
}

/// Which rule of which policy spoke.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// The policy; absent where Kafka or Orbit itself sets the rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyId>,
    /// The policy's name, or `kafka` or `orbit`.
    pub name: String,
    /// Which version of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    /// The rule's field in the policy, for example `partition_limits.max`.
    pub rule: String,
}

/// One thing that policy found: a violation, a reason to ask a person, or a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable code; `docs/errors.md` has a section for each.
    pub code: String,
    /// Whose rule.
    pub layer: Layer,
    /// Which rule.
    pub rule: RuleRef,
    /// JSON pointer of the field it is about; empty for the whole object.
    pub field: String,
    /// The limit, where the rule has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
    /// The value that was asked for, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The policy with the stricter limit of the same kind, where there is one: keeping that keeps this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overruled_by: Option<String>,
    /// A sentence fit for a person.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// Somebody whose consent counts, as a policy names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Approver {
    /// A platform admin.
    PlatformAdmin,
    /// An admin of the workspace that asks.
    WorkspaceAdmin,
    /// An admin of this workspace, whoever asks.
    AdminOf(Slug),
    /// Somebody by name.
    Principal(String),
}

/// Whose consent is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Needs {
    /// Whose rule asks for it.
    pub layer: Layer,
    /// Who may give it. Empty is the layer's default. [`Layer::Platform`]: a platform admin, or who the environment names. [`Layer::Workspace`]: an admin
    /// of the workspace.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub approvers: BTreeSet<Approver>,
    /// How many people have to give it.
    #[serde(default = "one")]
    pub quorum: u8,
    /// Whether the requester may give it; only where every policy that asks says so.
    pub self_approval: bool,
}

fn one() -> u8 {
    1
}

impl Needs {
    /// One person's consent, by the layer's default.
    #[must_use]
    pub fn of(layer: Layer, self_approval: bool) -> Self {
        Self { layer, approvers: BTreeSet::new(), quorum: 1, self_approval }
    }

    /// Adds a need to those that are there. Where the same people are asked already, the stricter of the two holds; other people are asked beside them.
    pub fn add_to(self, needs: &mut BTreeSet<Self>) {
        let same = needs.iter().find(|n| n.layer == self.layer && n.approvers == self.approvers).cloned();
        let mut need = self;
        if let Some(same) = same {
            needs.remove(&same);
            need.quorum = need.quorum.max(same.quorum);
            need.self_approval &= same.self_approval;
        }
        needs.insert(need);
    }
}

/// The verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Goes ahead.
    Allow,
    /// Goes ahead once everyone of [`Verdict::needs`] has consented.
    NeedsApproval,
    /// Does not go ahead.
    Deny,
}

/// What policy says of a change. Every finding is told, not only the first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Verdict {
    /// Why not.
    #[serde(default)]
    pub violations: Vec<Finding>,
    /// Why a person has to consent.
    #[serde(default)]
    pub reasons: Vec<Finding>,
    /// What is worth knowing.
    #[serde(default)]
    pub warnings: Vec<Finding>,
    /// Whose consent is due.
    #[serde(default)]
    pub needs: BTreeSet<Needs>,
    /// For how many hours a request waits for it, where a policy that asks says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_hours: Option<u32>,
    /// For how many hours the work waits once it is accepted, and can be taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lead_hours: Option<u32>,
}

impl Verdict {
    /// The verdict in one word: a violation denies, a reason asks, else it is allowed.
    #[must_use]
    pub fn decision(&self) -> Decision {
        if !self.violations.is_empty() {
            Decision::Deny
        } else if !self.reasons.is_empty() {
            Decision::NeedsApproval
        } else {
            Decision::Allow
        }
    }

    /// Marks which of several limits on the same thing won: the strictest, and of equals the first.
    pub(crate) fn note_winners(&mut self) {
        // -1 is "without limit", larger than every other.
        let size = |f: &Finding| {
            f.limit.as_deref().and_then(|l| l.parse::<i64>().ok()).map(|n| if n < 0 { i64::MAX } else { n })
        };
        let winners: Vec<Option<String>> = self
            .violations
            .iter()
            .enumerate()
            .map(|(n, f)| {
                let lowest_wins = match f.rule.rule.rsplit_once('.') {
                    Some((_, "max")) => true,
                    Some((_, "min")) => false,
                    _ => return None,
                };
                let rivals = self
                    .violations
                    .iter()
                    .enumerate()
                    .filter(|(_, g)| (&g.code, &g.field, &g.rule.rule) == (&f.code, &f.field, &f.rule.rule));
                let rank = |(m, g): &(usize, &Finding)| {
                    let size = size(g).unwrap_or(i64::MAX);
                    (if lowest_wins { size } else { size.saturating_neg() }, *m)
                };
                let (m, winner) = rivals.min_by_key(rank)?;
                (m != n).then(|| winner.rule.name.clone())
            })
            .collect();
        for (finding, winner) in self.violations.iter_mut().zip(winners) {
            finding.overruled_by = winner;
        }
    }

    /// Adds a reason to ask somebody.
    pub(crate) fn ask(&mut self, reason: Finding, need: Needs) {
        need.add_to(&mut self.needs);
        self.reasons.push(reason);
    }

    /// It is carried out with others, of which the last begins after so many hours: then all of them do, and none is taken back alone.
    pub fn begins_with(&mut self, hours: Option<u32>) {
        let Some(hours) = hours else { return };
        for warning in self.warnings.iter_mut().filter(|warning| warning.code == LEAD_TIME) {
            warning.message = format!(
                "the topic is deleted {} after the deletion is accepted, with the others of the request; until then all of them can be kept",
                in_hours(hours)
            );
            "to keep them: POST /v1/operations/{operation}/cancel, of the operation that the request leads to"
                .clone_into(&mut warning.remedy);
        }
    }
    /// Ends the wait for a decision after so many hours, where nothing ends it sooner.
    pub(crate) fn valid_for(&mut self, hours: Option<u32>) {
        self.valid_hours = [self.valid_hours, hours].into_iter().flatten().min();
    }

    /// Has the work wait for at least so many hours.
    pub(crate) fn not_before(&mut self, hours: Option<u32>) {
        self.lead_hours = self.lead_hours.max(hours);
    }

    /// The verdict on one item of a request of several: what was found says where it stands in the body, and of which object it is.
    #[must_use]
    pub fn of_item(mut self, at: &str, key: &str) -> Self {
        let found = self.violations.iter_mut().chain(&mut self.reasons).chain(&mut self.warnings);
        for finding in found {
            finding.field = format!("{at}{}", finding.field);
            finding.message = format!("{key}: {}", finding.message);
        }
        self
    }

    /// The verdicts of several items of one request as one: everything found in any of them.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.violations.extend(other.violations);
        self.reasons.extend(other.reasons);
        self.warnings.extend(other.warnings);
        for need in other.needs {
            need.add_to(&mut self.needs);
        }
        self.valid_for(other.valid_hours);
        self.not_before(other.lead_hours);
        self
    }
}

/// The code of the warning that a deletion waits.
pub(super) const LEAD_TIME: &str = "topic.deletion.lead-time";

/// That it waits, and for how long.
pub(super) fn lead_text(hours: u32) -> String {
    let hours = in_hours(hours);
    format!("the topic is deleted {hours} after the deletion is accepted, and can be restored until then")
}

/// So many hours, in words.
#[must_use]
pub fn in_hours(hours: u32) -> String {
    if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") }
}
