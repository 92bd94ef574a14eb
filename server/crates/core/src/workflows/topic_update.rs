//! Changes a topic's settings and partitions. What cannot be taken back, growing, goes last.

use super::{Target, only};
use crate::{
    model::{
        settings::{self, Settings},
        topic::{Observed, TopicSpec},
    },
    ports::{ConfigChange, KafkaError, KafkaErrorKind, KafkaTopicId, Ports, TopicDescription},
    reach,
    workflow::{Did, Failure, Mark, Phase, Retry, StepError, Workflow},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// The work and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicUpdate {
    /// Which topic.
    target: Target,
    /// Kafka's id of it, by which Orbit knows its own.
    kafka_topic_id: Option<KafkaTopicId>,
    /// Settings that Orbit managed before: those that `spec` no longer gives return to the broker's default.
    managed: BTreeSet<String>,
    /// The replication factor, where the change asks for another than before. It has to be what the cluster shows, for it cannot be changed.
    #[serde(default)]
    replication_factor: Option<u16>,
    /// What it is to be.
    spec: TopicSpec,
    /// What it was to be before.
    #[serde(default)]
    was: Option<Box<TopicSpec>>,
    /// The settings that change, as they were before: `None` is "not set on the topic". What an undo restores.
    before: BTreeMap<String, Option<String>>,
    /// What the cluster showed where the topic was not the one to change, or cannot be changed so.
    surprise: Option<Observed>,
    /// Whether the database was told of the change.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
}

/// The steps. Append-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UpdateStep {
    /// See that the topic is ours, and what its settings are.
    Observe,
    /// Change the settings.
    ChangeConfigs,
    /// Add partitions.
    GrowPartitions,
    /// See that the cluster shows it, and tell the database.
    Settle,
}

impl UpdateStep {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::ChangeConfigs => "change-configs",
            Self::GrowPartitions => "grow-partitions",
            Self::Settle => "settle",
        }
    }
}

impl TopicUpdate {
    /// The work at its beginning. `was`: what the topic was to be before.
    #[must_use]
    pub fn new(target: Target, kafka_topic_id: Option<KafkaTopicId>, was: &TopicSpec, spec: TopicSpec) -> Self {
        let managed = was.folded().into_keys().collect();
        let replication_factor =
            spec.replication_factor().filter(|_| spec.replication_factor() != was.replication_factor());
        let (before, surprise, was) = (BTreeMap::new(), None, Some(Box::new(was.clone())));
        Self { target, kafka_topic_id, managed, replication_factor, spec, was, before, surprise, told: false }
    }

    fn gone(&self) -> Failure {
        Failure::plain(
            "topic.gone",
            format!(
                "the topic {} is not on the cluster any more: somebody deleted it past Orbit; apply again to make it anew, empty",
                self.target.name
            ),
        )
    }

    fn recreated(&self) -> Failure {
        Failure::plain(
            "topic.recreated",
            format!(
                "the topic {} on the cluster is not the one that Orbit made: somebody deleted it and created it again; \
                 have it removed there, then apply again",
                self.target.name
            ),
        )
    }

    /// What the cluster shows of the topic, if it is ours. What is there instead is kept, for the end of the operation to tell.
    async fn ours(&mut self, ports: &Ports) -> Result<Result<TopicDescription, Failure>, KafkaError> {
        let found = self.target.describe(ports).await?;
        Ok(self.recognize(found))
    }

    fn recognize(&mut self, found: Option<TopicDescription>) -> Result<TopicDescription, Failure> {
        let failure = match found {
            None => self.gone(),
            Some(ref found) if self.kafka_topic_id.is_some_and(|id| id != found.id) => self.recreated(),
            Some(found) => return Ok(found),
        };
        self.surprise = Some(Observed { topic: found });
        Err(failure)
    }

    async fn observe(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let found = reach!(self.ours(ports).await).map_err(StepError::Fatal)?;
        let have = found.replication_factor;
        if let Some(want) = self.replication_factor.filter(|want| *want != have) {
            self.surprise = Some(Observed { topic: Some(found) });
            return Err(StepError::Fatal(Failure::plain(
                "topic.replication-factor.change",
                format!("the replication factor cannot change from {have} to {want}: unsupported by provider"),
            )));
        }
        let want = self.spec.folded();
        let changes = want
            .iter()
            .filter(|(key, value)| !found.configs.get(*key).is_some_and(|have| settings::same(key, value, have)));
        let unset = self.managed.iter().filter(|key| !want.contains_key(*key) && found.configs.contains_key(*key));
        let keys = changes.map(|(key, _)| key).chain(unset);
        self.before = keys.map(|key| (key.clone(), found.configs.get(key).cloned())).collect();
        Ok(Did::Done(vec![]))
    }

    /// `keys` to the values that `value` gives; `None` returns one to the broker's default.
    fn change<'a>(
        &self,
        keys: impl Iterator<Item = &'a String>,
        value: impl Fn(&str) -> Option<String>,
    ) -> ConfigChange {
        let (mut set, mut unset) = (BTreeMap::new(), Vec::new());
        for key in keys {
            match value(key) {
                Some(value) => drop(set.insert(key.clone(), value)),
                None => unset.push(key.clone()),
            }
        }
        ConfigChange { name: self.target.name.clone(), set, unset }
    }

    async fn alter(&self, change: ConfigChange, ports: &Ports) -> Result<(), KafkaError> {
        if change.set.is_empty() && change.unset.is_empty() {
            return Ok(());
        }
        only(self.target.admin(ports).await?.configs_change(&[change]).await)
    }

    async fn change_configs(&mut self, ports: &Ports) -> Result<Did, StepError> {
        if self.before.is_empty() {
            return Ok(Did::Done(vec![]));
        }
        // Looked at again: the step before may be hours ago, where the cluster could not be reached since.
        reach!(self.ours(ports).await).map_err(StepError::Fatal)?;
        let want = self.spec.folded();
        let change = self.change(self.before.keys(), |key| want.get(key).cloned());
        reach!(self.alter(change, ports).await);
        Ok(Did::Done(vec![]))
    }

    /// Restores each setting, but only where the cluster still shows our value: somebody may have changed it since.
    async fn restore(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let Ok(found) = reach!(self.ours(ports).await) else {
            return Ok(Did::Done(vec![]));
        };
        let want = self.spec.folded();
        let keys = self.before.keys().filter(|key| shows(&want, &found, key));
        let change = self.change(keys, |key| self.before.get(key).cloned().flatten());
        match self.alter(change, ports).await {
            // Gone meanwhile: nothing is left to restore.
            Err(error) if error.kind == KafkaErrorKind::NotFound => {}
            answer => reach!(answer),
        }
        Ok(Did::Done(vec![]))
    }

    /// The change is done once the cluster shows it: whoever looks right afterwards must not see the topic as it was, and take that for drift.
    async fn settle(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let want = self.spec.folded();
        // Only what this change is about: what differs beside it is drift, and stays.
        let shows_it = |found: &TopicDescription| {
            self.before.keys().all(|key| shows(&want, found, key))
                && self.spec.partitions().is_none_or(|n| found.partitions >= n)
        };
        let another = |found: &TopicDescription| self.kafka_topic_id.is_some_and(|id| id != found.id);
        let expected = |found: Option<&TopicDescription>| found.is_none_or(|found| another(found) || shows_it(found));
        let found = reach!(self.target.describe_until(ports, expected).await);
        let found = self.recognize(found).map_err(StepError::Fatal)?;
        self.told = true;
        let (topic, spec) = (self.target.topic, self.spec.clone());
        let observed = Some(Observed { topic: Some(found) });
        Ok(Did::Done(vec![Mark::TopicUpdated { topic, spec, observed }]))
    }

    /// The record says again what it said before: a piece of the same bundle failed after this one.
    fn untell(&self) -> Vec<Mark> {
        let topic = self.target.topic;
        let was = self.was.as_deref().filter(|_| self.told).cloned();
        was.map(|spec| Mark::TopicUpdated { topic, spec, observed: None }).into_iter().collect()
    }

    async fn grow(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let Some(want) = self.spec.partitions() else {
            return Ok(Did::Done(vec![]));
        };
        let have = reach!(self.ours(ports).await).map_err(StepError::Fatal)?.partitions;
        if have > want {
            return Err(StepError::Fatal(Failure::plain(
                "topic.partitions.shrink",
                format!("the topic has {have} partitions by now, and partitions cannot shrink to {want}"),
            )));
        }
        if have < want {
            let admin = reach!(self.target.admin(ports).await);
            reach!(admin.partitions_grow(&self.target.name, want).await);
        }
        Ok(Did::Done(vec![]))
    }
}

/// Whether a topic shows a setting as it is wanted: the value, or none of its own.
fn shows(want: &Settings, found: &TopicDescription, key: &str) -> bool {
    match (want.get(key), found.configs.get(key)) {
        (Some(want), Some(have)) => settings::same(key, want, have),
        (want, have) => want.is_none() && have.is_none(),
    }
}

impl Workflow for TopicUpdate {
    type Step = UpdateStep;

    fn plan(&self) -> Vec<UpdateStep> {
        let mut plan = vec![UpdateStep::Observe, UpdateStep::ChangeConfigs];
        plan.extend(self.spec.partitions().map(|_| UpdateStep::GrowPartitions));
        plan.push(UpdateStep::Settle);
        plan
    }
    fn phase(step: UpdateStep) -> Phase {
        match step {
            UpdateStep::Observe => Phase::Look,
            UpdateStep::ChangeConfigs => Phase::Change,
            UpdateStep::GrowPartitions => Phase::Extend,
            UpdateStep::Settle => Phase::See,
        }
    }
    fn retry(_: UpdateStep) -> Retry {
        Retry::CLUSTER
    }
    async fn run(&mut self, step: UpdateStep, ports: &Ports) -> Result<Did, StepError> {
        match step {
            UpdateStep::Observe => self.observe(ports).await,
            UpdateStep::ChangeConfigs => self.change_configs(ports).await,
            UpdateStep::GrowPartitions => self.grow(ports).await,
            UpdateStep::Settle => self.settle(ports).await,
        }
    }
    async fn undo(&mut self, step: UpdateStep, ports: &Ports) -> Result<Did, StepError> {
        match step {
            UpdateStep::ChangeConfigs => self.restore(ports).await,
            // Partitions cannot be taken away: the record of what is there stays right by the next observation.
            UpdateStep::Observe | UpdateStep::GrowPartitions => Ok(Did::Done(vec![])),
            UpdateStep::Settle => Ok(Did::Done(self.untell())),
        }
    }
    fn abandoned(&self) -> Vec<Mark> {
        let topic = self.target.topic;
        self.surprise.clone().map(|observed| Mark::TopicObserved { topic, observed }).into_iter().collect()
    }
    fn works_on(&self) -> &str {
        self.target.name.as_str()
    }
}
