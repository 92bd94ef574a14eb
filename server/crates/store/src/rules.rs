//! Rules of policies, compiled once per version: regular expressions cost more to compile than all the rest of a judgement.

use orbit_core::{id::PolicyId, policy::TopicRules};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What a version of a policy says.
type Version = (i64, Arc<TopicRules>);

/// The newest version of each policy that was asked for. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Compiled(Arc<Mutex<HashMap<PolicyId, Version>>>);

impl Compiled {
    /// Far more than anybody writes: what was deleted is forgotten when it is reached.
    const MOST: usize = 10_000;

    pub(crate) fn get(&self, id: PolicyId, version: i64) -> Option<Arc<TopicRules>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&id).filter(|(of, _)| *of == version).map(|(_, rules)| rules.clone())
    }

    pub(crate) fn keep(&self, id: PolicyId, version: i64, rules: TopicRules) -> Arc<TopicRules> {
        let rules = Arc::new(rules);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= Self::MOST {
            kept.clear();
        }
        kept.insert(id, (version, rules.clone()));
        rules
    }
}
