//! What somebody asks for, as data: stored with the request, judged at submit and again at approval, carried out by the operation.
//!
//! [`Change`] is the closed set of nouns; [`Noun`] is what each brings. Submit, decide, expire and re-judge are written over these two, so a new
//! noun adds a variant and an `impl`, and copies nothing.

use crate::{
    id::{ClusterId, EnvironmentId, TopicId, WorkspaceId},
    model::topic::{Difference, Drift, TopicSpec},
    name::{PhysicalName, Slug, TopicName},
    policy::{self, Growth, Rulebook, TopicFacts, Verdict},
    ports::KafkaTopicId,
    workflow::Piece,
    workflows::{Target, TopicDeletion, TopicProvisioning, TopicUpdate},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use uuid::Uuid;

/// The kinds of object that a request can be about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NounKind {
    /// A Kafka topic.
    Topic,
}

impl NounKind {
    /// As the wire and the database spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Topic => "topic",
        }
    }
}

/// Which object a change is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Object {
    /// Its kind.
    pub noun: NounKind,
    /// Its id, bare.
    pub id: Uuid,
    /// Its natural key, for people: `workspace/environment/name`.
    pub key: String,
}

/// Create, update or delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// The object is new, or taken up again after it failed.
    Create,
    /// The object changes.
    Update,
    /// The object goes.
    Delete,
}

impl Action {
    /// As the wire and the database spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}
impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What policy may know of who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requester {
    /// Whether they are a platform admin.
    pub platform_admin: bool,
}

/// What the database told beside the facts of policy: what a piece of work needs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Grounds {
    /// The Kafka id under which Orbit knows the topic.
    pub kafka_topic_id: Option<KafkaTopicId>,
    /// What the topic is to be by now.
    pub spec: TopicSpec,
    /// How the cluster differed from that when it was last looked at.
    pub drift: Option<Drift>,
}

/// What a noun brings: which object, what policy says, and the work that carries the change out. Pure.
pub trait Noun: Serialize + Send + Sync {
    /// What policy may look at.
    type Facts: Send + Sync;
    /// Which object.
    fn object(&self) -> Object;
    /// Create, update or delete.
    fn action(&self) -> Action;
    /// The workspace it belongs to.
    fn workspace(&self) -> WorkspaceId;
    /// Its slug.
    fn workspace_slug(&self) -> &Slug;
    /// The environment, for approvers and facts.
    fn environment(&self) -> EnvironmentId;
    /// Its slug.
    fn environment_slug(&self) -> &Slug;
    /// The cluster whose lane carries the work.
    fn lane(&self) -> ClusterId;
    /// What policy says.
    fn judge(&self, rules: &Rulebook, facts: &Self::Facts) -> Verdict;
    /// What changes, field by field.
    fn differences(&self, facts: &Self::Facts) -> Vec<Difference>;
    /// What the object takes of its workspace's and its cluster's limits, and is to take; `None` where that stays until it is gone.
    fn growth(&self, facts: &Self::Facts) -> Option<Growth>;
    /// The work; `None` where the change is done as soon as the database says so.
    fn piece(&self, grounds: &Grounds) -> Option<Piece>;
    /// The work of a change that the record alone would do, where it has to succeed or be taken back together with others.
    fn piece_of_record(&self, grounds: &Grounds) -> Option<Piece>;
    /// Whether it asks for the same as another change of the same object: then it attaches to what is open instead of filing anew.
    fn same_intent(&self, other: &Self) -> bool;
}

/// What is to happen to a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum TopicAction {
    /// It is to be made.
    Create {
        /// What it is to be.
        spec: TopicSpec,
    },
    /// It is to become this.
    Update {
        /// What it is to be, whole.
        spec: TopicSpec,
    },
    /// It is to go.
    Delete,
}

/// A change of a topic. Names and cluster were resolved at submit and stay what they were.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicChange {
    /// The topic.
    pub id: TopicId,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// Its workspace's slug.
    pub workspace: Slug,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// Its environment's slug.
    pub environment: Slug,
    /// Its logical name.
    pub name: TopicName,
    /// Its cluster.
    pub cluster_id: ClusterId,
    /// Its name there.
    pub physical_name: PhysicalName,
    /// What is to happen.
    #[serde(flatten)]
    pub action: TopicAction,
}

impl TopicChange {
    /// The change among others that is to make another topic of a name that Kafka would not tell from this one's.
    #[must_use]
    pub fn taken_by<'a>(&self, others: &'a [Change]) -> Option<&'a Self> {
        let key = self.physical_name.collision_key();
        let same = |other: &&Self| {
            other.id != self.id
                && other.cluster_id == self.cluster_id
                && matches!(other.action, TopicAction::Create { .. })
                && other.physical_name.collision_key() == key
        };
        others.iter().map(|Change::Topic(other)| other).find(same)
    }
}

impl Noun for TopicChange {
    type Facts = TopicFacts;

    fn object(&self) -> Object {
        let key = format!("{}/{}/{}", self.workspace, self.environment, self.name);
        Object { noun: NounKind::Topic, id: self.id.uuid(), key }
    }
    fn action(&self) -> Action {
        match self.action {
            TopicAction::Create { .. } => Action::Create,
            TopicAction::Update { .. } => Action::Update,
            TopicAction::Delete => Action::Delete,
        }
    }
    fn workspace(&self) -> WorkspaceId {
        self.workspace_id
    }
    fn workspace_slug(&self) -> &Slug {
        &self.workspace
    }
    fn environment(&self) -> EnvironmentId {
        self.environment_id
    }
    fn environment_slug(&self) -> &Slug {
        &self.environment
    }
    fn lane(&self) -> ClusterId {
        self.cluster_id
    }
    fn judge(&self, rules: &Rulebook, facts: &TopicFacts) -> Verdict {
        policy::judge_topic(self, rules, facts)
    }
    fn differences(&self, facts: &TopicFacts) -> Vec<Difference> {
        let empty = TopicSpec::default();
        let before = facts.current.as_ref().map_or(&empty, |c| &c.spec);
        match &self.action {
            TopicAction::Create { spec } => empty.differences(spec),
            TopicAction::Update { spec } => before.differences(spec),
            TopicAction::Delete => before.differences(&empty),
        }
    }
    fn growth(&self, facts: &TopicFacts) -> Option<Growth> {
        match &self.action {
            TopicAction::Create { spec } | TopicAction::Update { spec } => Some(facts.growth(spec)),
            TopicAction::Delete => None,
        }
    }
    fn piece(&self, grounds: &Grounds) -> Option<Piece> {
        let target = Target { topic: self.id, cluster: self.cluster_id, name: self.physical_name.clone() };
        Some(match &self.action {
            TopicAction::Create { spec } => {
                Piece::TopicProvisioning(TopicProvisioning::new(target, grounds.kafka_topic_id, spec.clone()))
            }
            TopicAction::Update { spec } => match &grounds.drift {
                Some(Drift::Missing) => {
                    Piece::TopicProvisioning(TopicProvisioning::new(target, grounds.kafka_topic_id, spec.clone()))
                }
                drift if grounds.spec.differs_on_cluster(spec) || drift.as_ref().is_some_and(Drift::is_some) => {
                    Piece::TopicUpdate(TopicUpdate::new(target, grounds.kafka_topic_id, &grounds.spec, spec.clone()))
                }
                _ => return None,
            },
            TopicAction::Delete => Piece::TopicDeletion(TopicDeletion::new(target, grounds.kafka_topic_id?)),
        })
    }
    fn piece_of_record(&self, grounds: &Grounds) -> Option<Piece> {
        let TopicAction::Update { spec } = &self.action else { return None };
        let target = Target { topic: self.id, cluster: self.cluster_id, name: self.physical_name.clone() };
        let update = TopicUpdate::new(target, grounds.kafka_topic_id, &grounds.spec, spec.clone());
        Some(Piece::TopicUpdate(update))
    }
    fn same_intent(&self, other: &Self) -> bool {
        let same = |a: &TopicSpec, b: &TopicSpec| a.differences(b).is_empty();
        match (&self.action, &other.action) {
            (TopicAction::Create { spec: a }, TopicAction::Create { spec: b })
            | (TopicAction::Update { spec: a }, TopicAction::Update { spec: b }) => same(a, b),
            (TopicAction::Delete, TopicAction::Delete) => true,
            _ => false,
        }
    }
}

/// A change of any noun, as `request_item.change` keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "noun", content = "change", rename_all = "kebab-case")]
pub enum Change {
    /// A change of a topic.
    Topic(TopicChange),
}

/// The one match over nouns: `each!(change, c => c.object())`.
#[macro_export]
macro_rules! each {
    ($change:expr, $c:ident => $body:expr) => {
        match $change {
            $crate::change::Change::Topic($c) => $body,
        }
    };
}

impl Change {
    /// Which object.
    #[must_use]
    pub fn object(&self) -> Object {
        each!(self, c => c.object())
    }
    /// Create, update or delete.
    #[must_use]
    pub fn action(&self) -> Action {
        each!(self, c => c.action())
    }
    /// The workspace it belongs to.
    #[must_use]
    pub fn workspace(&self) -> WorkspaceId {
        each!(self, c => c.workspace())
    }
    /// The environment.
    #[must_use]
    pub fn environment(&self) -> EnvironmentId {
        each!(self, c => c.environment())
    }
    /// Slug of the environment.
    #[must_use]
    pub fn environment_slug(&self) -> &Slug {
        each!(self, c => c.environment_slug())
    }
    /// The cluster whose lane carries the work.
    #[must_use]
    pub fn lane(&self) -> ClusterId {
        each!(self, c => c.lane())
    }
    /// The work; `None` where the change is done as soon as the database says so.
    #[must_use]
    pub fn piece(&self, grounds: &Grounds) -> Option<Piece> {
        each!(self, c => c.piece(grounds))
    }
    /// The work of several changes of one request, each with its grounds, in their order. What the record alone would do is work too where anything else is:
    /// else it would stay when that is taken back.
    #[must_use]
    pub fn pieces(changes: &[(&Self, &Grounds)]) -> Vec<Option<Piece>> {
        let pieces: Vec<_> = changes.iter().map(|(change, grounds)| change.piece(grounds)).collect();
        if pieces.iter().all(Option::is_none) {
            return pieces;
        }
        let both = pieces.into_iter().zip(changes);
        both.map(|(piece, (change, grounds))| piece.or_else(|| each!(change, c => c.piece_of_record(grounds))))
            .collect()
    }
    /// Whether it asks for the same as `other`, of the same object.
    #[must_use]
    pub fn same_intent(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Topic(a), Self::Topic(b)) => a.id == b.id && a.same_intent(b),
        }
    }
}
