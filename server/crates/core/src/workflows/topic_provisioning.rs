//! Makes a topic. Observe journals that the name is free; so a later "already exists" is the answer to our own create whose reply was lost.

use super::{Target, only};
use crate::{
    model::topic::TopicSpec,
    ports::{KafkaError, KafkaErrorKind, KafkaTopicId, NewTopic, Ports, TopicDescription},
    reach,
    workflow::{Did, Failure, Mark, Retry, StepError, Workflow},
};
use serde::{Deserialize, Serialize};

/// The work and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicProvisioning {
    /// Which topic.
    target: Target,
    /// What it is to be.
    spec: TopicSpec,
    /// Whether the name was seen free before the first create was sent.
    absent: bool,
    /// Kafka's id, once it is known.
    kafka_topic_id: Option<KafkaTopicId>,
}

/// The steps. Append-only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvisioningStep {
    /// See that the name is free.
    Observe,
    /// Create the topic.
    Create,
    /// Tell the database.
    Activate,
}

impl ProvisioningStep {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Create => "create",
            Self::Activate => "activate",
        }
    }
}

impl TopicProvisioning {
    /// The work at its beginning.
    #[must_use]
    pub fn new(target: Target, spec: TopicSpec) -> Self {
        Self { target, spec, absent: false, kafka_topic_id: None }
    }

    fn unmanaged(&self) -> StepError {
        let name = &self.target.name;
        StepError::Fatal(Failure::plain(
            "topic.unmanaged",
            format!(
                "a topic named {name} is on the cluster already, and Orbit does not manage it: \
                 choose another name, or have it removed by its owner"
            ),
        ))
    }

    async fn observe(&mut self, ports: &Ports) -> Result<Did, StepError> {
        match reach!(self.target.describe(ports).await) {
            None => {
                self.absent = true;
                Ok(Did::Done(vec![]))
            }
            Some(_) => Err(self.unmanaged()),
        }
    }

    async fn create(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let admin = reach!(self.target.admin(ports).await);
        let topic = NewTopic {
            name: self.target.name.clone(),
            partitions: self.spec.partitions,
            replication_factor: self.spec.replication_factor,
            configs: self.spec.folded(),
        };
        match only(admin.topics_create(&[topic]).await) {
            Ok(id) => {
                self.kafka_topic_id = Some(id);
                Ok(Did::Done(vec![]))
            }
            Err(KafkaError { kind: KafkaErrorKind::AlreadyExists, .. }) if self.absent => self.recognize(ports).await,
            Err(error) => crate::workflow::from_kafka(error),
        }
    }

    /// The name was free before, so what is there is ours, unless it differs from what we asked for.
    async fn recognize(&mut self, ports: &Ports) -> Result<Did, StepError> {
        match reach!(self.target.describe(ports).await) {
            Some(found) if self.fits(&found) => {
                self.kafka_topic_id = Some(found.id);
                Ok(Did::Done(vec![]))
            }
            Some(_) => Err(self.unmanaged()),
            None => Err(StepError::Retry(Failure::plain(
                "kafka.passing",
                "the cluster says that the topic exists, and does not show it yet",
            ))),
        }
    }

    fn fits(&self, found: &TopicDescription) -> bool {
        self.spec.partitions.is_none_or(|n| n == found.partitions)
            && self.spec.replication_factor.is_none_or(|n| n == found.replication_factor)
            && self.spec.folded().iter().all(|(key, want)| {
                found.configs.get(key).is_some_and(|have| crate::model::settings::same(key, want, have))
            })
    }

    /// Deletes what the create may have left: only where it is ours and nobody has written to it. Never by name alone.
    async fn uncreate(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let Some(found) = reach!(self.target.describe(ports).await) else {
            return Ok(Did::Done(vec![]));
        };
        let ours = match self.kafka_topic_id {
            Some(id) => id == found.id,
            None => self.absent && self.fits(&found),
        };
        if !ours {
            return Ok(Did::Done(vec![]));
        }
        let admin = reach!(self.target.admin(ports).await);
        let written = match admin.topic_has_records(&self.target.name).await {
            // One broker shows the topic and another does not know it yet, or any more: whether it holds records cannot be told, so look again.
            Err(error) if error.kind == KafkaErrorKind::NotFound => {
                return Err(StepError::Retry(Failure {
                    code: "kafka.passing".to_owned(),
                    user: error.user,
                    operator: error.operator,
                }));
            }
            answer => reach!(answer),
        };
        if written {
            return Err(StepError::Fatal(Failure::plain(
                "topic.has-records",
                format!(
                    "the topic {} holds records already, so it is not taken back: a person decides",
                    self.target.name
                ),
            )));
        }
        match only(admin.topics_delete(std::slice::from_ref(&self.target.name)).await) {
            Ok(()) | Err(KafkaError { kind: KafkaErrorKind::NotFound, .. }) => Ok(Did::Done(vec![])),
            Err(error) => crate::workflow::from_kafka(error),
        }
    }
}

impl Workflow for TopicProvisioning {
    type Step = ProvisioningStep;

    fn plan(&self) -> Vec<ProvisioningStep> {
        vec![ProvisioningStep::Observe, ProvisioningStep::Create, ProvisioningStep::Activate]
    }
    fn retry(_: ProvisioningStep) -> Retry {
        Retry::CLUSTER
    }
    async fn run(&mut self, step: ProvisioningStep, ports: &Ports) -> Result<Did, StepError> {
        match step {
            ProvisioningStep::Observe => self.observe(ports).await,
            ProvisioningStep::Create => self.create(ports).await,
            ProvisioningStep::Activate => {
                let Some(kafka_topic_id) = self.kafka_topic_id else {
                    return Err(StepError::Fatal(Failure::plain("workflow.step", "the topic's id is not known")));
                };
                let (topic, spec) = (self.target.topic, self.spec.clone());
                Ok(Did::Done(vec![Mark::TopicActive { topic, kafka_topic_id, spec }]))
            }
        }
    }
    async fn undo(&mut self, step: ProvisioningStep, ports: &Ports) -> Result<Did, StepError> {
        match step {
            ProvisioningStep::Create => self.uncreate(ports).await,
            ProvisioningStep::Observe | ProvisioningStep::Activate => Ok(Did::Done(vec![])),
        }
    }
    fn abandoned(&self) -> Vec<Mark> {
        vec![Mark::TopicFailed { topic: self.target.topic }]
    }
}
