//! The kinds of work there are. A new one is a file and a line in `workflows!`.

mod topic_deletion;
mod topic_provisioning;
mod topic_update;

pub use topic_deletion::{DeletionStep, TopicDeletion};
pub use topic_provisioning::{ProvisioningStep, TopicProvisioning};
pub use topic_update::{TopicUpdate, UpdateStep};

use crate::{
    id::{ClusterId, TopicId},
    name::PhysicalName,
    ports::{Bulk, KafkaAdmin, KafkaError, KafkaErrorKind, KafkaTopicId, Ports, TopicDescription, TopicRef},
    workflow::{Did, Failure, Mark, Phase, Retry, StepError, Workflow},
};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// Declares the closed set once: state enum, step enum, dispatch.
macro_rules! workflows { ($($(#[doc = $doc:literal])* $Variant:ident),* $(,)?) => {
    /// One piece of work of an operation.
    #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(tag = "kind", content = "state", rename_all = "kebab-case")]
    pub enum Piece { $($(#[doc = $doc])* $Variant($Variant)),* }

    /// A step of some piece.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(tag = "kind", content = "step", rename_all = "kebab-case")]
    pub enum PieceStep { $($(#[doc = $doc])* $Variant(<$Variant as Workflow>::Step)),* }

    impl Workflow for Piece {
        type Step = PieceStep;
        fn plan(&self) -> Vec<PieceStep> {
            match self { $(Self::$Variant(w) => w.plan().into_iter().map(PieceStep::$Variant).collect()),* }
        }
        fn phase(step: PieceStep) -> Phase {
            match step { $(PieceStep::$Variant(s) => $Variant::phase(s)),* }
        }
        fn retry(step: PieceStep) -> Retry {
            match step { $(PieceStep::$Variant(s) => $Variant::retry(s)),* }
        }
        async fn run(&mut self, step: PieceStep, ports: &Ports) -> Result<Did, StepError> {
            match (self, step) {
                $((Self::$Variant(w), PieceStep::$Variant(s)) => Box::pin(w.run(s, ports)).await,)*
                _ => Err(foreign_step()),
            }
        }
        async fn undo(&mut self, step: PieceStep, ports: &Ports) -> Result<Did, StepError> {
            match (self, step) {
                $((Self::$Variant(w), PieceStep::$Variant(s)) => Box::pin(w.undo(s, ports)).await,)*
                _ => Err(foreign_step()),
            }
        }
        fn begun_before(&mut self, step: PieceStep) {
            match (self, step) {
                $((Self::$Variant(w), PieceStep::$Variant(s)) => w.begun_before(s),)*
                _ => {}
            }
        }
        fn set_aside(&mut self) {
            match self { $(Self::$Variant(w) => w.set_aside()),* }
        }
        fn abandoned(&self) -> Vec<Mark> {
            match self { $(Self::$Variant(w) => w.abandoned()),* }
        }
        fn works_on(&self) -> &str {
            match self { $(Self::$Variant(w) => w.works_on()),* }
        }
    }

    impl Piece {
        /// The kinds that this build knows: a replica claims no others.
        pub const KINDS: &'static [&'static str] = &[$(stringify!($Variant)),*];

        /// Its kind, as `operation.kind` keeps that of an operation of one piece.
        #[must_use]
        pub fn kind(&self) -> &'static str {
            match self { $(Self::$Variant(_) => stringify!($Variant)),* }
        }
    }
} }

workflows! {
    /// Makes a topic.
    TopicProvisioning,
    /// Changes a topic.
    TopicUpdate,
    /// Deletes a topic.
    TopicDeletion,
}

fn foreign_step() -> StepError {
    StepError::Fatal(Failure::plain("workflow.step", "the operation's plan holds a step of another workflow"))
}

impl PieceStep {
    /// The step's name, for people: `create`, `change-configs`, …
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::TopicProvisioning(s) => s.name(),
            Self::TopicUpdate(s) => s.name(),
            Self::TopicDeletion(s) => s.name(),
        }
    }
}

/// A topic on a cluster, as the topic workflows address it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Orbit's id of it.
    pub topic: TopicId,
    /// The cluster.
    pub cluster: ClusterId,
    /// Its name there.
    pub name: PhysicalName,
}

/// How long to wait between looks at what a cluster is to show by now. A broker answers a change as soon as the controller has it, and shows it when
/// it has caught up itself: mostly at once. One second in all, well below the deadline of a step.
const PAUSES_MILLISECONDS: [u64; 8] = [5, 10, 25, 60, 100, 200, 250, 350];

impl Target {
    async fn admin(&self, ports: &Ports) -> Result<Arc<dyn KafkaAdmin>, KafkaError> {
        ports.clusters.admin(self.cluster).await
    }

    fn with_id(&self, id: KafkaTopicId) -> TopicRef {
        TopicRef { name: self.name.clone(), id }
    }

    async fn describe(&self, ports: &Ports) -> Result<Option<TopicDescription>, KafkaError> {
        only(self.admin(ports).await?.topics_describe(std::slice::from_ref(&self.name)).await)
    }

    /// Looks until the cluster shows what is expected. Where others act on the topic it never does, so looking has an end: answers the last look.
    async fn describe_until(
        &self,
        ports: &Ports,
        expected: impl Fn(Option<&TopicDescription>) -> bool + Send,
    ) -> Result<Option<TopicDescription>, KafkaError> {
        let mut found = self.describe(ports).await?;
        for pause in PAUSES_MILLISECONDS {
            if expected(found.as_ref()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(pause)).await;
            found = self.describe(ports).await?;
        }
        Ok(found)
    }
}

/// Whether a look showed the topic of this id.
fn is(found: Option<&TopicDescription>, id: KafkaTopicId) -> bool {
    found.is_some_and(|found| found.id == id)
}

/// The answer to a bulk call of one item.
fn only<T>(answer: Bulk<T>) -> Result<T, KafkaError> {
    answer?.pop().unwrap_or_else(|| {
        Err(KafkaError {
            kind: KafkaErrorKind::Passing,
            user: "the cluster's answer did not mention the topic".to_owned(),
            operator: "a bulk call of one item answered none".to_owned(),
        })
    })
}
