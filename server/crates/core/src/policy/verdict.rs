//! What policy says of a change, in a form that names everything a person needs: rule, layer, field, limit, value.

use crate::id::PolicyId;
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
    /// A sentence fit for a person.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

/// Whose consent is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Needs {
    /// [`Layer::Platform`]: a platform admin, or who the environment names. [`Layer::Workspace`]: an admin of the workspace.
    pub layer: Layer,
    /// Whether the requester may give it; only where every policy that asks says so.
    pub self_approval: bool,
}

/// The verdict in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// Goes ahead.
    Allow,
    /// Goes ahead once every layer of [`Verdict::needs`] has consented.
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
    /// Whose consent is due, a line per layer.
    #[serde(default)]
    pub needs: BTreeSet<Needs>,
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

    /// Adds a reason to ask a person. Self-approval holds only where every policy that asks the layer grants it.
    pub(crate) fn ask(&mut self, reason: Finding, self_approval: bool) {
        let layer = reason.layer;
        let before = self.needs.iter().find(|n| n.layer == layer).copied();
        if let Some(before) = before {
            self.needs.remove(&before);
        }
        let self_approval = self_approval && before.is_none_or(|n| n.self_approval);
        self.needs.insert(Needs { layer, self_approval });
        self.reasons.push(reason);
    }

    /// The verdicts of several items of one request as one: everything found in any of them.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.violations.extend(other.violations);
        self.warnings.extend(other.warnings);
        let needs = other.needs;
        for reason in other.reasons {
            let self_approval = needs.iter().find(|n| n.layer == reason.layer).is_some_and(|n| n.self_approval);
            self.ask(reason, self_approval);
        }
        self
    }
}
