//! Makes a topic. Observe journals that the name is free; so a later "already exists" is the answer to our own create whose reply was lost.

use super::{Target, is, only};
use crate::{
    model::topic::TopicSpec,
    ports::{CHANGE_ENDS_WITHIN, KafkaError, KafkaErrorKind, KafkaTopicId, NewTopic, Ports, TopicDescription},
    reach,
    workflow::{Did, Failure, Mark, Phase, Retry, StepError, Wait, Workflow},
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The work and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicProvisioning {
    /// Which topic.
    target: Target,
    /// What it is to be.
    spec: TopicSpec,
    /// Kafka's id of the topic that Orbit made under this record before, and then did not see any more. Found again, it is ours, and stays.
    #[serde(default)]
    known: Option<KafkaTopicId>,
    /// Whether the name was seen free before the first create was sent.
    absent: bool,
    /// Whether a create was sent whose outcome is not known: its topic may be there, or come yet.
    #[serde(default)]
    unsure: bool,
    /// Kafka's id, once it is known.
    kafka_topic_id: Option<KafkaTopicId>,
    /// Whether the database was told that the topic is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    told: bool,
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
    /// The work at its beginning. `known`: Kafka's id of the topic, where Orbit made it before.
    #[must_use]
    pub fn new(target: Target, known: Option<KafkaTopicId>, spec: TopicSpec) -> Self {
        Self { target, spec, known, absent: false, unsure: false, kafka_topic_id: None, told: false }
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
            None => self.absent = true,
            Some(found) if self.known == Some(found.id) => self.kafka_topic_id = self.known,
            Some(_) => return Err(self.unmanaged()),
        }
        Ok(Did::Done(vec![]))
    }

    async fn create(&mut self, ports: &Ports) -> Result<Did, StepError> {
        if self.kafka_topic_id.is_some() {
            return Ok(Did::Done(vec![]));
        }
        if !self.absent {
            return Ok(match self.observe(ports).await? {
                // Saved before the create is sent, as the step `observe` is.
                Did::Done(_) => Did::NotYet(Wait::Poll(Duration::ZERO)),
                waits @ Did::NotYet(_) => waits,
            });
        }
        let admin = match self.target.admin(ports).await {
            Ok(admin) => admin,
            Err(error) => return self.not_sent(error),
        };
        let topic = NewTopic {
            name: self.target.name.clone(),
            partitions: self.spec.partitions(),
            replication_factor: self.spec.replication_factor(),
            configs: self.spec.folded(),
        };
        let answer = match admin.topics_create(&[topic]).await {
            Err(error) => return self.not_sent(error),
            sent => only(sent),
        };
        match answer {
            Ok(id) => {
                self.kafka_topic_id = Some(id);
                Ok(Did::Done(vec![]))
            }
            // Also to a first create: the broker that is asked forwards it, and asks again where the controller's answer is lost (KIP-590).
            Err(KafkaError { kind: KafkaErrorKind::AlreadyExists, .. }) => self.recognize(ports).await,
            Err(error) => {
                let refused = [KafkaErrorKind::Forbidden, KafkaErrorKind::Invalid, KafkaErrorKind::Busy];
                self.unsure |= !refused.contains(&error.kind);
                crate::workflow::from_kafka(error)
            }
        }
    }

    /// Nothing was sent. Where that means to wait, hours may pass in which somebody else takes the name: so it must be seen free again, unless an
    /// earlier create may have made the topic.
    fn not_sent(&mut self, error: KafkaError) -> Result<Did, StepError> {
        let waits = crate::workflow::from_kafka(error)?;
        self.absent = self.unsure;
        Ok(waits)
    }

    /// The name was free before, so what is there is ours, unless it differs from what we asked for.
    async fn recognize(&mut self, ports: &Ports) -> Result<Did, StepError> {
        match reach!(self.target.describe(ports).await) {
            Some(found) if self.known == Some(found.id) || self.fits(&found) => {
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
        self.spec.partitions().is_none_or(|n| n == found.partitions)
            && self.spec.replication_factor().is_none_or(|n| n == found.replication_factor)
            && self.spec.folded().iter().all(|(key, want)| {
                found.configs.get(key).is_some_and(|have| crate::model::settings::same(key, want, have))
            })
    }

    /// Deletes what the create may have left: only where it is ours and nobody has written to it. Never by name alone.
    async fn uncreate(&mut self, ports: &Ports) -> Result<Did, StepError> {
        let found = match self.kafka_topic_id {
            Some(id) => self.target.describe_until(ports, |found| is(found, id)).await,
            None => self.target.describe(ports).await,
        };
        let Some(found) = reach!(found) else {
            // A create whose answer never came may take effect yet.
            let unsure = std::mem::take(&mut self.unsure);
            return Ok(if unsure { Did::NotYet(Wait::Poll(CHANGE_ENDS_WITHIN)) } else { self.name_free() });
        };
        if self.known == Some(found.id) {
            return Ok(Did::Done(vec![]));
        }
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
        match only(admin.topics_delete(&[self.target.with_id(found.id)]).await) {
            Ok(()) | Err(KafkaError { kind: KafkaErrorKind::NotFound, .. }) => Ok(self.name_free()),
            Err(error) => crate::workflow::from_kafka(error),
        }
    }

    fn name_free(&self) -> Did {
        Did::Done(vec![Mark::TopicNameFree { topic: self.target.topic }])
    }
}

impl Workflow for TopicProvisioning {
    type Step = ProvisioningStep;

    fn plan(&self) -> Vec<ProvisioningStep> {
        vec![ProvisioningStep::Observe, ProvisioningStep::Create, ProvisioningStep::Activate]
    }
    fn phase(step: ProvisioningStep) -> Phase {
        match step {
            ProvisioningStep::Observe => Phase::Look,
            ProvisioningStep::Create => Phase::Change,
            ProvisioningStep::Activate => Phase::Tell,
        }
    }
    fn retry(_: ProvisioningStep) -> Retry {
        Retry::CLUSTER
    }
    async fn run(&mut self, step: ProvisioningStep, ports: &Ports) -> Result<Did, StepError> {
        match step {
            ProvisioningStep::Observe => self.observe(ports).await,
            ProvisioningStep::Create => self.create(ports).await,
            // No look here: the id came with the create, and brokers show the topic in a moment.
            ProvisioningStep::Activate => {
                let Some(kafka_topic_id) = self.kafka_topic_id else {
                    return Err(StepError::Fatal(Failure::plain("workflow.step", "the topic's id is not known")));
                };
                self.told = true;
                let (topic, spec) = (self.target.topic, self.spec.clone());
                Ok(Did::Done(vec![Mark::TopicActive { topic, kafka_topic_id, spec }]))
            }
        }
    }
    async fn undo(&mut self, step: ProvisioningStep, ports: &Ports) -> Result<Did, StepError> {
        match step {
            ProvisioningStep::Create => self.uncreate(ports).await,
            ProvisioningStep::Activate if self.told => {
                Ok(Did::Done(vec![Mark::TopicTakenBack { topic: self.target.topic }]))
            }
            ProvisioningStep::Observe | ProvisioningStep::Activate => Ok(Did::Done(vec![])),
        }
    }
    fn begun_before(&mut self, step: ProvisioningStep) {
        self.unsure |= step == ProvisioningStep::Create && self.absent;
    }
    fn set_aside(&mut self) {
        // Somebody else may have taken the name since it was seen free, unless an earlier create may have made the topic.
        self.absent = self.unsure;
    }
    fn abandoned(&self) -> Vec<Mark> {
        vec![Mark::TopicFailed { topic: self.target.topic }]
    }
    fn works_on(&self) -> &str {
        self.target.name.as_str()
    }
}
