//! Evaluate: what submit would answer, without filing anything. The same judge on the same facts.

use super::{
    App, AppError, AppResult, Call, Refusal, RequestBrief,
    topic_place::{Books, Rooms},
    topic_wish::{Intended, Intent},
    view::approvers_text,
    way::{Standing, Way},
};
use crate::{
    app::TopicNew,
    auth::{Caller, permission::TopicEvaluate},
};
use orbit_core::{
    approval::RequestState,
    change::{Action, Change, Noun, TopicAction, TopicChange},
    documentation::Documentation,
    id::ClusterId,
    name::Slug,
    policy::{Decision, Growth, Holder, Needs, Quota, Resource, Verdict},
};
use orbit_store::{Asked, Grounded, Read, TopicRow};
use std::collections::HashMap;

/// A change of a topic that somebody asks for.
#[derive(Debug, Clone)]
pub struct TopicIntent {
    /// What is to happen.
    pub action: Action,
    /// The topic.
    pub topic: TopicNew,
}

/// What submit would answer to it.
#[derive(Debug, Clone)]
pub struct Evaluated {
    /// The verdict.
    pub verdict: Verdict,
    /// The topic's name on the cluster.
    pub physical_name: String,
    /// The cluster.
    pub cluster: String,
    /// The request of the same intent that is open, or that was refused.
    pub request: Option<RequestBrief>,
    /// The open request of another intent that this one would take the place of.
    pub supersedes: Option<RequestBrief>,
    /// Who can give the consents that are due, in words.
    pub approvers: Vec<(Needs, String)>,
}

impl App {
    /// Judges changes together: each sees those before it. Reads one snapshot and takes no lock: nobody who writes waits for it.
    pub async fn topic_evaluate(
        &self,
        caller: &Caller<TopicEvaluate>,
        call: &Call,
        items: Vec<Result<TopicIntent, Refusal>>,
    ) -> AppResult<Vec<Result<Evaluated, Refusal>>> {
        let mut db = self.store.read().await?;
        let mut answers = Vec::with_capacity(items.len());
        let mut siblings = Siblings::default();
        for item in items {
            answers.push(match item {
                Err(refusal) => Err(refusal),
                Ok(item) => match self.evaluate_one(&mut db, caller, call, item, &mut siblings).await {
                    Ok(evaluated) => Ok(evaluated),
                    Err(AppError::Refused(refusal)) => Err(*refusal),
                    Err(error) => return Err(error),
                },
            });
        }
        Ok(answers)
    }

    async fn evaluate_one(
        &self,
        db: &mut Read,
        caller: &Caller<TopicEvaluate>,
        call: &Call,
        item: TopicIntent,
        siblings: &mut Siblings,
    ) -> AppResult<Evaluated> {
        let room = self.room_of((db, &mut siblings.rooms), caller, &item.topic).await?;
        let (place, standing) = self.seen(db, room, &item.topic.name).await?;
        let intent = Intent { call, place: &place, is_open: standing.is_open() };
        let (change, new) = match self.intended((db, &mut siblings.books), &intent, item).await? {
            Intended::There(row) => return Ok(nothing_to_do(&row)),
            Intended::Drop(row) => {
                if let Standing::Open(open) = standing {
                    self.not_under_way(db, &open, &row.key()).await?;
                    self.may_withdraw(db, &call.who, &open, row.id.uuid()).await?;
                }
                return Ok(nothing_to_do(&row));
            }
            Intended::Change(change, new) => (change, new),
        };
        let changed = Change::Topic(change.clone());
        let request = match standing {
            Standing::New => None,
            _ => self.equal_request(db, &changed, &new.documentation).await?,
        };
        let mut supersedes = None;
        if request.is_none() {
            match self.way(db, call, (&changed, std::slice::from_ref(&changed)), &standing, &new.documentation).await? {
                // What is under way was judged when it was accepted; what it has done so far is not to be held against it.
                Way::Attach(_) => return self.attached(db, &change).await,
                Way::Over(open) => supersedes = Some(self.request_brief(db, &open).await?),
                Way::Free => {}
            }
        }
        let asked = call.who.asked(new.documentation.clone());
        let (verdict, cluster) = self.judge_among(db, &asked, &change, siblings).await?;
        let named = &place.room.environment.default_approvers;
        let words = |need: &Needs| (need.clone(), approvers_text(need, place.room.workspace.slug.as_str(), named));
        let approvers = verdict.needs.iter().map(words).collect();
        Ok(Evaluated {
            verdict,
            approvers,
            physical_name: change.physical_name.to_string(),
            cluster: cluster.to_string(),
            request,
            supersedes,
        })
    }

    /// Nothing more is asked of anybody for what is under way.
    async fn attached(&self, db: &mut Read, change: &TopicChange) -> AppResult<Evaluated> {
        let cluster = db.cluster(change.cluster_id).await?;
        Ok(Evaluated {
            verdict: Verdict::default(),
            physical_name: change.physical_name.to_string(),
            cluster: cluster.map_or_else(String::new, |c| c.slug.to_string()),
            request: None,
            supersedes: None,
            approvers: vec![],
        })
    }

    /// The verdict, where those before it in the same batch stand already; and the cluster.
    pub(super) async fn judge_among(
        &self,
        db: &mut Read,
        asked: &Asked,
        change: &TopicChange,
        siblings: &mut Siblings,
    ) -> AppResult<(Verdict, Slug)> {
        let rules = siblings.books.of(db, change.workspace_id).await?;
        let (mut facts, _, _) = change.ground(db, asked, &[]).await?;
        siblings.take_room(&mut facts.quotas);
        let creates = matches!(change.action, TopicAction::Create { .. });
        if creates && facts.collides_with.is_none() {
            facts.collides_with = siblings.collision(change);
        }
        let verdict = change.judge(&rules, &facts);
        if verdict.decision() != Decision::Deny {
            if creates {
                siblings.add(change);
            }
            siblings.grow(&facts.quotas, change.growth(&facts).as_ref());
        }
        Ok((verdict, facts.cluster.slug))
    }

    /// The request of the same intent that is open, or that was refused last on the same grounds.
    async fn equal_request(
        &self,
        db: &mut Read,
        change: &Change,
        documentation: &Documentation,
    ) -> AppResult<Option<RequestBrief>> {
        let Some(newest) = db.request_newest(change.object().id).await? else { return Ok(None) };
        let stands = match newest.state {
            RequestState::Pending => true,
            RequestState::Rejected => newest.documentation == *documentation,
            _ => false,
        };
        let items = db.request_items(newest.id).await?;
        if stands && items.iter().any(|i| i.change.same_intent(change)) {
            return Ok(Some(self.request_brief(db, &newest).await?));
        }
        Ok(None)
    }
}

/// What earlier items of a batch would take.
#[derive(Default)]
pub(super) struct Siblings {
    /// The names on clusters.
    names: HashMap<(ClusterId, String), TopicChange>,
    /// How much of which limits.
    room: HashMap<(Holder, Slug, Resource), i64>,
    /// The rules, which are the same for all of them.
    books: Books,
    /// What they live in.
    rooms: Rooms,
}

fn limit_of(quota: &Quota) -> (Holder, Slug, Resource) {
    (quota.holder, quota.name.clone(), quota.resource)
}

impl Siblings {
    /// None yet, judged by these rules.
    pub(super) fn reading(books: Books) -> Self {
        Self { books, ..Self::default() }
    }
    fn take_room(&self, quotas: &mut [Quota]) {
        for quota in quotas {
            let taken = self.room.get(&limit_of(quota)).copied().unwrap_or(0);
            quota.others = quota.others.saturating_add(taken);
        }
    }
    fn grow(&mut self, quotas: &[Quota], growth: Option<&Growth>) {
        for (quota, growth) in quotas.iter().filter_map(|q| Some((q, growth?))) {
            let taken = self.room.entry(limit_of(quota)).or_default();
            *taken = taken.saturating_add(growth.of(quota.resource));
        }
    }
    fn add(&mut self, change: &TopicChange) {
        self.names.entry(place_of(change)).or_insert_with(|| change.clone());
    }
    /// The name of another topic before it that Kafka would not tell from this one.
    fn collision(&self, change: &TopicChange) -> Option<String> {
        let other = self.names.get(&place_of(change))?;
        (other.object().key != change.object().key).then(|| other.physical_name.to_string())
    }
}

fn place_of(change: &TopicChange) -> (ClusterId, String) {
    (change.cluster_id, change.physical_name.collision_key())
}

/// It is there as asked, or nothing is on the cluster: nothing is asked of anybody.
fn nothing_to_do(row: &TopicRow) -> Evaluated {
    Evaluated {
        verdict: Verdict::default(),
        physical_name: row.physical_name.to_string(),
        cluster: row.cluster.to_string(),
        request: None,
        supersedes: None,
        approvers: vec![],
    }
}
