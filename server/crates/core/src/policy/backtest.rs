//! A draft of a policy over topics that are there: what each would get, were it asked for today, without the draft and with it.

use super::{
    rulebook::{Rulebook, TopicPolicy},
    topic::{self, TopicFacts},
    verdict::Verdict,
};
use crate::{change::TopicChange, model::topic::TopicSpec};

/// What changes in the rule book.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The rules that stay.
    pub others: &'a Rulebook,
    /// The policy as it is; absent where it is new.
    pub today: Option<&'a TopicPolicy>,
    /// The policy as it is to be; absent where it is to go.
    pub then: Option<&'a TopicPolicy>,
}

impl Draft<'_> {
    /// What a topic would get today, and then. The rules that stay are asked once for both.
    #[must_use]
    pub fn judge(&self, topic: &TopicChange, spec: &TopicSpec, facts: &TopicFacts) -> (Verdict, Verdict) {
        let mut base = Verdict::default();
        let covered = topic::judge_spec(topic, spec, self.others, facts, &mut base);
        let with = |policy: Option<&TopicPolicy>| {
            let mut verdict = base.clone();
            let policy = policy.filter(|p| p.covers(&topic.environment, topic.workspace_id));
            let also = policy.is_some_and(|p| topic::judge_by(p, (topic, spec, &spec.folded()), facts, &mut verdict));
            if !(covered || also) {
                topic::ask_uncovered(topic, facts, &mut verdict);
            }
            verdict.note_winners();
            verdict
        };
        (with(self.today), with(self.then))
    }
}
