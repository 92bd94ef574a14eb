//! Deletes a topic by its id: one that somebody created again under the name is left alone.

use super::{Target, is, only};
use crate::{
    ports::{CHANGE_ENDS_WITHIN, KafkaError, KafkaErrorKind, KafkaTopicId, Ports},
    reach,
    workflow::{Did, Mark, Phase, Retry, StepError, Wait, Workflow},
};
use serde::{Deserialize, Serialize};

/// The work and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicDeletion {
    /// Which topic.
    target: Target,
    /// Kafka's id of it: what has another one is not ours.
    kafka_topic_id: KafkaTopicId,
    /// Whether the cluster was asked to delete it, so that its error may have come after the deed.
    asked: bool,
    /// Whether it was asked and its answer is not known, so that the deletion may be under way still.
    #[serde(default)]
    unsure: bool,
    /// Whether the topic is gone: the cluster said so, and no broker that lags behind says otherwise; or it turned out when a deletion that had failed was
    /// taken back.
    gone: bool,
}

/// The steps. Append-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletionStep {
    /// Delete the topic on the cluster.
    Delete,
    /// See that the cluster does not show it any more, and drop its record.
    Forget,
}

impl DeletionStep {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Delete => "delete",
            Self::Forget => "forget",
        }
    }
}

impl TopicDeletion {
    /// The work at its beginning.
    #[must_use]
    pub fn new(target: Target, kafka_topic_id: KafkaTopicId) -> Self {
        Self { target, kafka_topic_id, asked: false, unsure: false, gone: false }
    }

    async fn delete(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let admin = reach!(self.target.admin(ports).await);
        let sent = reach!(admin.topics_delete(&[self.target.with_id(self.kafka_topic_id)]).await);
        self.asked = true;
        match only(Ok(sent)) {
            Ok(()) | Err(KafkaError { kind: KafkaErrorKind::NotFound, .. }) => {
                self.gone = true;
                Ok(Did::Done(vec![]))
            }
            Err(error) => {
                self.unsure |= error.kind == KafkaErrorKind::Passing;
                crate::workflow::from_kafka(error)
            }
        }
    }

    /// The name is free once the cluster shows it: whoever takes it right afterwards must not meet the topic that was.
    async fn forget(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let id = self.kafka_topic_id;
        reach!(self.target.describe_until(ports, |found| !is(found, id)).await);
        Ok(Did::Done(vec![Mark::TopicDeleted { topic: self.target.topic }]))
    }

    /// A deletion cannot be taken back. One that failed for good left the topic where it was, as a rule; but the cluster may have carried out what
    /// it then answered with an error, and a record of a topic that is gone would be wrong.
    async fn see_what_is_left(&mut self, ports: &Ports) -> Result<Did, StepError> {
        if self.gone {
            return Ok(Did::Done(vec![]));
        }
        match self.target.describe(ports).await {
            Ok(found) => self.gone = !is(found.as_ref(), self.kafka_topic_id),
            // Orbit may not even look: where it never got so far as to ask for the deletion, the topic is there still.
            Err(error) if !self.asked && matches!(error.kind, KafkaErrorKind::Forbidden | KafkaErrorKind::Invalid) => {}
            Err(error) => return crate::workflow::from_kafka(error),
        }
        if std::mem::take(&mut self.unsure) && !self.gone {
            return Ok(Did::NotYet(Wait::Poll(CHANGE_ENDS_WITHIN)));
        }
        Ok(Did::Done(vec![]))
    }
}

impl Workflow for TopicDeletion {
    type Step = DeletionStep;

    fn plan(&self) -> Vec<DeletionStep> {
        vec![DeletionStep::Delete, DeletionStep::Forget]
    }
    fn phase(step: DeletionStep) -> Phase {
        match step {
            DeletionStep::Delete | DeletionStep::Forget => Phase::Destroy,
        }
    }
    fn retry(_: DeletionStep) -> Retry {
        Retry::CLUSTER
    }
    async fn run(&mut self, step: DeletionStep, ports: &Ports) -> Result<Did, StepError> {
        match step {
            DeletionStep::Delete => self.delete(ports).await,
            DeletionStep::Forget => self.forget(ports).await,
        }
    }
    async fn undo(&mut self, step: DeletionStep, ports: &Ports) -> Result<Did, StepError> {
        match step {
            DeletionStep::Delete => self.see_what_is_left(ports).await,
            DeletionStep::Forget => Ok(Did::Done(vec![])),
        }
    }
    fn begun_before(&mut self, step: DeletionStep) {
        if step == DeletionStep::Delete {
            (self.asked, self.unsure) = (true, true);
        }
    }
    fn abandoned(&self) -> Vec<Mark> {
        let topic = self.target.topic;
        vec![if self.gone { Mark::TopicDeleted { topic } } else { Mark::TopicKept { topic } }]
    }
    fn works_on(&self) -> &str {
        self.target.name.as_str()
    }
}
