//! Guardrails: `(rules, facts, change) → verdict`, pure. One evaluator serves REST, `terraform plan` and approval.

mod backtest;
mod configs;
mod effective;
mod limits;
mod names;
mod pack;
mod quota;
mod rulebook;
mod topic;
mod verdict;

pub use backtest::Draft;
pub use configs::ConfigRule;
pub use effective::{Ask, Bounds, Effective, EffectiveConfig, Source, Sourced};
pub use names::none_fits;
pub use pack::{Group, Groups, PACKS, Pack, PackPolicy};
pub use quota::{Amounts, Growth, Holder, Quota, Resource};
pub use rulebook::{Limits, Pattern, PatternError, Rulebook, Scope, TopicPolicy, TopicRules};
pub(crate) use topic::judge as judge_topic;
pub use topic::{ClusterFacts, CurrentTopic, TopicFacts, topic_claims};
pub use verdict::{Approver, Decision, Finding, Layer, Needs, RuleRef, Verdict, in_hours};
