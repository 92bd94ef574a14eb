//! How each noun gets its facts from the database and leaves its record there: what submit and decide need beside [`Noun`].

use crate::{ClusterRow, Read, Tx, error::Result, topic::Beside};
use orbit_core::{
    change::{Change, Grounds, Noun, Requester, TopicAction, TopicChange},
    documentation::Documentation,
    each,
    id::{PrincipalId, RequestId},
    model::topic::{Difference, TopicEvent},
    policy::{Amounts, ClusterFacts, CurrentTopic, Rulebook, TopicFacts, Verdict, topic_claims},
    workflow::Piece,
};

/// What carries an accepted change of one object out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Nothing: it is done as soon as the record says so.
    None,
    /// An operation that makes the object, or makes it again.
    Makes,
    /// An operation on what is there.
    Changes,
}

impl Work {
    /// Of the piece of an operation that the change came to.
    #[must_use]
    pub fn of(piece: Option<&Piece>) -> Self {
        match piece {
            None => Self::None,
            Some(Piece::TopicProvisioning(_)) => Self::Makes,
            Some(_) => Self::Changes,
        }
    }
}

/// What becomes of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It waits for a person.
    Filed {
        /// Who asked.
        by: PrincipalId,
    },
    /// It goes ahead.
    Accepted {
        /// Who asked.
        by: PrincipalId,
        /// Who consented, where that was due.
        approved_by: Option<String>,
        /// What carries it out.
        work: Work,
    },
    /// A person refused.
    Rejected,
    /// It was taken back.
    Withdrawn,
    /// Nobody decided in time.
    Expired,
    /// Another change of the object takes its place.
    Superseded,
    /// It was accepted, and taken back before the work began.
    Cancelled,
}

/// Who asks for a change, and what they say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who.
    pub requester: Requester,
    /// What the request says for itself.
    pub documentation: Documentation,
}

impl From<Requester> for Asked {
    fn from(requester: Requester) -> Self {
        Self { requester, documentation: Documentation::default() }
    }
}

/// A change, judged.
#[derive(Debug, Clone)]
pub struct Weighed {
    /// What policy says.
    pub verdict: Verdict,
    /// What changes.
    pub differences: Vec<Difference>,
    /// What the work needs to know.
    pub grounds: Grounds,
    /// Revision of the object that was judged; 0 where it is new.
    pub base_revision: i64,
    /// What the object is to take of its workspace's and its cluster's limits; `None` where that stays.
    pub claims: Option<Amounts>,
}

/// A noun with a place in the database.
pub trait Grounded: Noun {
    /// What policy may look at, what the work needs, and the revision that both are of. `before`: what is asked for before it in the same request, and has
    /// no record yet.
    fn ground(
        &self,
        db: &mut Read,
        asked: &Asked,
        before: &[Change],
    ) -> impl Future<Output = Result<(Self::Facts, Grounds, i64)>> + Send;
    /// Leaves in the record what became of the change. False where another object took its place on the cluster meanwhile.
    fn desire(&self, tx: &mut Tx, stage: &Stage) -> impl Future<Output = Result<bool>> + Send;
    /// What the object takes of its workspace's and its cluster's limits by its record, whatever is open; `None` where it takes nothing.
    fn taken(&self, db: &mut Read) -> impl Future<Output = Result<Option<Amounts>>> + Send;
}

impl Read {
    /// Judges a change on the facts of this snapshot.
    pub async fn weigh(
        &mut self,
        change: &Change,
        rules: &Rulebook,
        asked: &Asked,
        before: &[Change],
    ) -> Result<Weighed> {
        each!(change, c => {
            let (facts, grounds, base_revision) = c.ground(self, asked, before).await?;
            let (verdict, differences, claims) = (c.judge(rules, &facts), c.differences(&facts), c.growth(&facts).map(|g| g.wants));
            Ok(Weighed { verdict, differences, grounds, base_revision, claims })
        })
    }
}

impl Tx {
    /// Leaves in the object's record what became of the change.
    pub async fn desire(&mut self, change: &Change, stage: &Stage) -> Result<bool> {
        each!(change, c => c.desire(self, stage).await)
    }

    /// Makes what an object takes what its record says: nothing is open on it any more.
    pub(crate) async fn claims_settle(&mut self, change: &Change) -> Result<()> {
        let taken = each!(change, c => c.taken(self).await)?;
        self.claims_set(change, taken.as_ref()).await
    }

    /// Ends a request without an operation: its objects are free, and take what their records say.
    pub async fn request_end(&mut self, request: RequestId) -> Result<()> {
        for item in self.request_items(request).await? {
            self.claims_settle(&item.change).await?;
        }
        self.request_unlock(request).await
    }
}

impl Grounded for TopicChange {
    async fn ground(&self, db: &mut Read, asked: &Asked, before: &[Change]) -> Result<(TopicFacts, Grounds, i64)> {
        let row = db.topic(self.id).await?;
        let cluster = db.cluster(self.cluster_id).await?;
        let creates = matches!(self.action, TopicAction::Create { .. });
        let ours = row.as_ref().is_some_and(|t| t.kafka_topic_id.is_some());
        let names = if creates {
            db.names_beside(self.cluster_id, &self.physical_name, self.id).await?
        } else {
            Beside::default()
        };
        // What Orbit made under this record is not in its own way.
        let shown = names.shown.filter(|_| !ours);
        let others = shown.as_deref().filter(|name| *name != self.physical_name.as_str());
        let beside = || self.taken_by(before).filter(|_| creates).map(|other| other.physical_name.to_string());
        let collides_with = names.ours.or_else(|| others.map(str::to_owned)).or_else(beside);
        let quotas = match &cluster {
            Some(cluster) => db.quotas(self, &cluster.slug).await?,
            None => vec![],
        };
        let facts = TopicFacts {
            requester: asked.requester,
            documentation: asked.documentation.clone(),
            cluster: ClusterFacts {
                slug: cluster.as_ref().map_or_else(|| self.environment.clone(), |c| c.slug.clone()),
                trouble: cluster.as_ref().and_then(ClusterRow::trouble),
                description: cluster.and_then(|c| c.description),
            },
            current: row.as_ref().filter(|_| !creates).map(|t| {
                let seen = t.observed.as_ref().and_then(|o| o.topic.as_ref());
                CurrentTopic {
                    spec: t.desired.clone(),
                    observed_partitions: seen.map(|s| s.partitions),
                    observed_replication_factor: seen.map(|s| s.replication_factor),
                }
            }),
            collides_with,
            unmanaged: shown.is_some_and(|name| name == self.physical_name.as_str()),
            quotas,
        };
        let grounds = Grounds {
            kafka_topic_id: row.as_ref().and_then(|t| t.kafka_topic_id),
            spec: row.as_ref().map(|t| t.desired.clone()).unwrap_or_default(),
            drift: row.as_ref().and_then(crate::TopicRow::drift),
        };
        Ok((facts, grounds, row.map_or(0, |t| t.revision)))
    }

    async fn taken(&self, db: &mut Read) -> Result<Option<Amounts>> {
        let row = db.topic(self.id).await?.filter(|t| !t.status.can_be_taken_up());
        let Some(row) = row else { return Ok(None) };
        let cluster = db.cluster(row.cluster_id).await?;
        let has = row.observed.as_ref().and_then(|o| o.topic.as_ref()).map(|t| t.partitions);
        Ok(Some(topic_claims(&row.desired, has, cluster.and_then(|c| c.description).as_ref())))
    }

    async fn desire(&self, tx: &mut Tx, stage: &Stage) -> Result<bool> {
        match (&self.action, stage) {
            (TopicAction::Create { spec }, Stage::Filed { by }) => {
                tx.topic_desire(self, spec, TopicEvent::CreateFiled, *by, None).await
            }
            (TopicAction::Create { spec }, Stage::Accepted { by, approved_by, .. }) => {
                tx.topic_desire(self, spec, TopicEvent::CreateAccepted, *by, approved_by.as_deref()).await
            }
            (TopicAction::Create { .. }, Stage::Rejected) => moved(tx, self, TopicEvent::CreateRejected).await,
            (TopicAction::Create { .. }, Stage::Withdrawn) => moved(tx, self, TopicEvent::CreateWithdrawn).await,
            (TopicAction::Create { .. }, Stage::Expired) => moved(tx, self, TopicEvent::CreateExpired).await,
            // The new request writes the record.
            (TopicAction::Create { .. }, Stage::Superseded) => Ok(true),
            (TopicAction::Create { .. }, Stage::Cancelled) => moved(tx, self, TopicEvent::ProvisioningFailed).await,
            (TopicAction::Update { spec }, Stage::Accepted { work: Work::None, .. }) => {
                tx.topic_respec(self.id, spec).await?;
                Ok(true)
            }
            // A topic that is gone from the cluster is made again under its record.
            (TopicAction::Update { .. }, Stage::Accepted { work: Work::Makes, .. }) => {
                moved(tx, self, TopicEvent::CreateAccepted).await
            }
            (TopicAction::Delete, Stage::Accepted { work: Work::None, .. }) => {
                tx.topic_forget(self.id).await?;
                Ok(true)
            }
            (TopicAction::Delete, Stage::Accepted { .. }) => moved(tx, self, TopicEvent::DeleteAccepted).await,
            (TopicAction::Delete, Stage::Cancelled) => moved(tx, self, TopicEvent::DeleteCancelled).await,
            (TopicAction::Update { .. } | TopicAction::Delete, _) => touched(tx, self).await,
        }
    }
}

async fn moved(tx: &mut Tx, change: &TopicChange, event: TopicEvent) -> Result<bool> {
    tx.topic_transition(change.id, event).await?;
    Ok(true)
}

async fn touched(tx: &mut Tx, change: &TopicChange) -> Result<bool> {
    tx.topic_touch(change.id).await?;
    Ok(true)
}
