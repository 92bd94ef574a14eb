//! Evaluate: what submit would answer, without filing anything. The same judge on the same facts.

use super::view::approvers_text;
use super::{
    App, AppError, AppResult, Call, Refusal, RequestBrief,
    topics::{change_of, meets},
};
use crate::{
    app::TopicNew,
    auth::{Caller, permission::TopicEvaluate},
};
use orbit_core::{
    approval::RequestState,
    change::{Action, Change, TopicAction},
    model::topic::TopicStatus,
    policy::{Decision, Layer, Verdict},
};
use orbit_store::{Read, Stage, TopicRow};

/// A change to judge.
#[derive(Debug, Clone)]
pub struct EvaluateItem {
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
    /// Who can give the consents that are due, in words.
    pub approvers: Vec<(Layer, String)>,
}

impl App {
    /// Judges changes together: each sees those before it. Several are judged in a transaction that is rolled back, a single one on a snapshot, which
    /// keeps no writer waiting: a plan judges each of its changes by itself.
    pub async fn topic_evaluate(
        &self,
        caller: &Caller<TopicEvaluate>,
        call: &Call,
        items: Vec<Result<EvaluateItem, Refusal>>,
    ) -> AppResult<Vec<Result<Evaluated, Refusal>>> {
        if let [Ok(item)] = items.as_slice() {
            let mut db = self.store.read().await?;
            let judged = told(self.evaluate_one(&mut db, caller, call, item.clone()).await)?;
            return Ok(vec![judged.map(|(evaluated, _)| evaluated)]);
        }
        let mut tx = self.store.begin().await?;
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let judged = match item {
                Ok(item) => told(self.evaluate_one(&mut tx, caller, call, item).await)?,
                Err(refusal) => Err(refusal),
            };
            if let Ok((evaluated, Some(change))) = &judged
                && change.action() == Action::Create
                && evaluated.verdict.decision() != Decision::Deny
            {
                // So that what comes after sees it. Where its record cannot be left, that is submit's to tell.
                tx.desire(change, &Stage::Filed { by: call.who.principal }).await?;
            }
            answers.push(judged.map(|(evaluated, _)| evaluated));
        }
        Ok(answers)
    }

    async fn evaluate_one(
        &self,
        db: &mut Read,
        caller: &Caller<TopicEvaluate>,
        call: &Call,
        item: EvaluateItem,
    ) -> AppResult<(Evaluated, Option<Change>)> {
        let new = &item.topic;
        let place = self.place(db, caller, &new.workspace, &new.environment, &new.name).await?;
        let there = place.existing.as_ref();
        let change = match (item.action, there) {
            (Action::Create, Some(row)) if meets(row, call, &new.spec)?.is_some() => {
                change_of(row, TopicAction::Update { spec: new.spec.clone() })
            }
            (Action::Update, Some(row)) if on_cluster(row) => {
                change_of(row, TopicAction::Update { spec: new.spec.clone() })
            }
            (Action::Create, _) | (Action::Update, Some(_)) => self.creation(db, &place, new).await?,
            (Action::Delete, Some(row)) if on_cluster(row) => change_of(row, TopicAction::Delete),
            // Nothing is on the cluster, so nothing is asked of anybody.
            (Action::Delete, Some(row)) => {
                let evaluated = Evaluated {
                    verdict: Verdict::default(),
                    physical_name: row.physical_name.to_string(),
                    cluster: row.cluster.to_string(),
                    request: None,
                    approvers: vec![],
                };
                return Ok((evaluated, None));
            }
            (Action::Update | Action::Delete, None) => {
                let key = format!("{}/{}/{}", new.workspace, new.environment, new.name);
                return Err(Refusal::new(
                    super::Code::TopicNotFound,
                    format!("there is no topic {key} that you can see"),
                )
                .into());
            }
        };
        let (cluster_id, physical_name) = (change.cluster_id, change.physical_name.to_string());
        let change = Change::Topic(change);
        let request = self.equal_request(db, &change).await?;
        let rules = db.rulebook(change.workspace()).await?;
        let weighed = db.weigh(&change, &rules, call.who.requester()).await?;
        let cluster = db.cluster(cluster_id).await?;
        let named = &place.environment.default_approvers;
        let layers = weighed.verdict.needs.iter().map(|n| n.layer);
        let approvers = layers.map(|l| (l, approvers_text(l, place.workspace.slug.as_str(), named))).collect();
        let cluster = cluster.map_or_else(String::new, |c| c.slug.to_string());
        let evaluated = Evaluated { verdict: weighed.verdict, approvers, physical_name, cluster, request };
        Ok((evaluated, Some(change)))
    }

    /// The request of the same intent that is open, or that was refused last.
    async fn equal_request(&self, db: &mut Read, change: &Change) -> AppResult<Option<RequestBrief>> {
        let Some(newest) = db.request_newest(change.object().id).await? else { return Ok(None) };
        let stands = matches!(newest.state, RequestState::Pending | RequestState::Rejected);
        let items = db.request_items(newest.id).await?;
        if stands && items.iter().any(|i| i.change.same_intent(change)) {
            return Ok(Some(self.request_brief(db, &newest).await?));
        }
        Ok(None)
    }
}

/// A refusal is the answer to its item; a failure ends the call.
fn told<T>(judged: AppResult<T>) -> AppResult<Result<T, Refusal>> {
    match judged {
        Ok(evaluated) => Ok(Ok(evaluated)),
        Err(AppError::Refused(refusal)) => Ok(Err(*refusal)),
        Err(error) => Err(error),
    }
}

fn on_cluster(row: &TopicRow) -> bool {
    matches!(row.status, TopicStatus::Active | TopicStatus::Deleting)
}
