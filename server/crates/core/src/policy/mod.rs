//! Guardrails: `(rules, facts, change) → verdict`, pure. One evaluator serves REST, `terraform plan` and approval.

mod configs;
mod limits;
mod rulebook;
mod topic;
mod verdict;

pub use configs::ConfigRule;
pub use rulebook::{Limits, Pattern, PatternError, Rulebook, Scope, TopicPolicy, TopicRules};
pub(crate) use topic::judge as judge_topic;
pub use topic::{ClusterFacts, CurrentTopic, TopicFacts};
pub use verdict::{Approver, Decision, Finding, Layer, Needs, RuleRef, Verdict};
