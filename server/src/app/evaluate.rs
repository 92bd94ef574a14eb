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
use orbit_store::{Stage, TopicRow, Tx};

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
    /// Judges changes together: each sees those before it. Everything is rolled back.
    pub async fn topic_evaluate(
        &self,
        caller: &Caller<TopicEvaluate>,
        call: &Call,
        items: Vec<Result<EvaluateItem, Refusal>>,
    ) -> AppResult<Vec<Result<Evaluated, Refusal>>> {
        let mut tx = self.store.begin().await?;
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            answers.push(match item {
                Err(refusal) => Err(refusal),
                Ok(item) => match self.evaluate_one(&mut tx, caller, call, item).await {
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
        tx: &mut Tx,
        caller: &Caller<TopicEvaluate>,
        call: &Call,
        item: EvaluateItem,
    ) -> AppResult<Evaluated> {
        let new = &item.topic;
        let place = self.place(tx, caller, &new.workspace, &new.environment, &new.name).await?;
        let there = place.existing.as_ref();
        let change = match (item.action, there) {
            (Action::Create, Some(row)) if meets(row, call, &new.spec)?.is_some() => {
                change_of(row, TopicAction::Update { spec: new.spec.clone() })
            }
            (Action::Update, Some(row)) if on_cluster(row) => {
                change_of(row, TopicAction::Update { spec: new.spec.clone() })
            }
            (Action::Create, _) | (Action::Update, Some(_)) => self.creation(tx, &place, new).await?,
            (Action::Delete, Some(row)) if on_cluster(row) => change_of(row, TopicAction::Delete),
            // Nothing is on the cluster, so nothing is asked of anybody.
            (Action::Delete, Some(row)) => {
                return Ok(Evaluated {
                    verdict: Verdict::default(),
                    physical_name: row.physical_name.to_string(),
                    cluster: row.cluster.to_string(),
                    request: None,
                    approvers: vec![],
                });
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
        let request = self.equal_request(tx, &Change::Topic(change.clone())).await?;
        let rules = tx.rulebook(change.workspace_id).await?;
        let changed = Change::Topic(change.clone());
        let weighed = tx.weigh(&changed, &rules, call.who.requester()).await?;
        if weighed.verdict.decision() != Decision::Deny && matches!(change.action, TopicAction::Create { .. }) {
            // So that what comes after in the same batch sees it; rolled back with the rest. A refusal of the record is told by submit.
            let _ = tx.desire(&changed, &Stage::Filed { by: call.who.principal }).await;
        }
        let cluster = tx.cluster(change.cluster_id).await?;
        let named = &place.environment.default_approvers;
        let layers = weighed.verdict.needs.iter().map(|n| n.layer);
        let approvers = layers.map(|l| (l, approvers_text(l, place.workspace.slug.as_str(), named))).collect();
        Ok(Evaluated {
            verdict: weighed.verdict,
            approvers,
            physical_name: change.physical_name.to_string(),
            cluster: cluster.map_or_else(String::new, |c| c.slug.to_string()),
            request,
        })
    }

    /// The request of the same intent that is open, or that was refused last.
    async fn equal_request(&self, tx: &mut Tx, change: &Change) -> AppResult<Option<RequestBrief>> {
        let Some(newest) = tx.request_newest(change.object().id).await? else { return Ok(None) };
        let stands = matches!(newest.state, RequestState::Pending | RequestState::Rejected);
        let items = tx.request_items(newest.id).await?;
        if stands && items.iter().any(|i| i.change.same_intent(change)) {
            return Ok(Some(self.request_brief(tx, &newest).await?));
        }
        Ok(None)
    }
}

fn on_cluster(row: &TopicRow) -> bool {
    matches!(row.status, TopicStatus::Active | TopicStatus::Deleting)
}
