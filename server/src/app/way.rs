//! What stands where a change wants to go: what is open on its object, and what was refused before.

use super::{App, AppError, AppResult, Call, Code, Filing, Refusal, audit};
use orbit_core::{
    approval::{self, Deed, RequestState},
    change::Change,
    documentation::Documentation,
    id::RequestId,
    notification::EventKind,
    workflow::OperationState,
};
use orbit_store::{Read, RequestRow, Resolution, Stage, Tx};
use std::collections::BTreeMap;

/// What Orbit has of an object that a change is asked of. Read before the object itself: an operation that ends takes no lock of ours, and frees the object
/// in the moment in which it changes it. So what was free then is seen as it ended, and what was not stands in the way.
#[derive(Debug, Clone)]
pub enum Standing {
    /// Nothing: no request was ever made of it.
    New,
    /// A record, and nothing that is open.
    Free,
    /// A request that waits for a decision, or is carried out.
    Open(Box<RequestRow>),
}

impl Standing {
    /// Of an object that has a record.
    pub(super) fn of(open: Option<RequestRow>) -> Self {
        open.map_or(Self::Free, |open| Self::Open(Box::new(open)))
    }
    pub(super) fn is_open(&self) -> bool {
        matches!(self, Self::Open(_))
    }
}

/// What stands where a change wants to go.
#[derive(Debug)]
pub(super) enum Way {
    /// Nothing.
    Free,
    /// An equal request is open: the change attaches to it.
    Attach(Box<RequestRow>),
    /// A request that gives way.
    Over(Box<RequestRow>),
}

/// What stands where the changes of a request want to go.
#[derive(Debug)]
pub(super) enum Ways {
    /// An open request that asks for just these: they attach to it.
    Equal(Box<RequestRow>),
    /// Requests that give way; none where nothing stands there.
    Over(Vec<RequestRow>),
}

impl App {
    /// Clears the way for all changes of the request `next`. Where one is open that asks for just these, answers it.
    pub(super) async fn clear_the_way(
        &self,
        tx: &mut Tx,
        call: &Call,
        filing: &Filing,
        next: RequestId,
    ) -> AppResult<Option<RequestId>> {
        match self.ways(tx, call, filing).await? {
            Ways::Equal(open) => Ok(Some(open.id)),
            Ways::Over(those) => {
                for open in those {
                    self.supersede(tx, call, &open, next).await?;
                }
                Ok(None)
            }
        }
    }

    /// Whether the ways are free for all changes of a request. Only looks: evaluate asks it too.
    pub(super) async fn ways(&self, db: &mut Read, call: &Call, filing: &Filing) -> AppResult<Ways> {
        let (mut equal, mut over) = (Vec::new(), BTreeMap::new());
        for (change, standing) in filing.changes.iter().zip(&filing.standing) {
            match self.way(db, call, (change, &filing.changes), standing, &filing.documentation).await? {
                Way::Free => {}
                Way::Attach(open) => equal.push((change, open)),
                Way::Over(open) => drop(over.insert(open.id, *open)),
            }
        }
        if let Some((_, first)) = equal.first() {
            let just_these = equal.len() == filing.changes.len()
                && equal.iter().all(|(_, other)| other.id == first.id)
                && db.request_items(first.id).await?.len() == equal.len();
            if just_these || filing.changes.len() == 1 {
                return Ok(Ways::Equal(first.clone()));
            }
        }
        // Some of this is asked for already, beside other things.
        for (change, open) in equal {
            self.not_under_way(db, &open, &change.object().key).await?;
            if let Way::Over(open) = self.gives_way(db, call, *open, (change, &filing.changes)).await? {
                over.insert(open.id, *open);
            }
        }
        Ok(Ways::Over(over.into_values().collect()))
    }

    /// Whether the way is free for a change. What is open on the object and asks for the same takes it in; a different one gives way where the caller
    /// may put another in its place, else it stands in the way. What was refused before stands in the way too, until the change or what it says for itself
    /// differs. Only looks: evaluate asks it too.
    pub(super) async fn way(
        &self,
        db: &mut Read,
        call: &Call,
        (change, all): (&Change, &[Change]),
        standing: &Standing,
        documentation: &Documentation,
    ) -> AppResult<Way> {
        let object = change.object();
        match standing {
            Standing::New => return Ok(Way::Free),
            Standing::Free => {}
            Standing::Open(open) => {
                let items = db.request_items(open.id).await?;
                let equal = items.iter().any(|i| i.change.same_intent(change));
                return match self.not_under_way(db, open, &object.key).await {
                    Err(AppError::Refused(refusal)) if refusal.code == Code::OperationRunning && equal => {
                        Ok(Way::Attach(open.clone()))
                    }
                    Ok(()) if equal => Ok(Way::Attach(open.clone())),
                    Ok(()) => self.gives_way(db, call, (**open).clone(), (change, all)).await,
                    Err(error) => Err(error),
                };
            }
        }
        let Some(last) = db.request_newest(object.id).await? else { return Ok(Way::Free) };
        if last.state == RequestState::Rejected && last.documentation == *documentation {
            let items = db.request_items(last.id).await?;
            if items.iter().any(|i| i.change.same_intent(change)) {
                return Err(self.rejected_before(db, &last).await?.into());
            }
        }
        Ok(Way::Free)
    }

    /// Refuses where an operation carries the open request out: no other change of the object can go beside it.
    pub(super) async fn not_under_way(&self, db: &mut Read, open: &RequestRow, key: &str) -> AppResult<()> {
        let Some(id) = open.operation_id else { return Ok(()) };
        let is_stuck = db.operation(id).await?.is_some_and(|o| o.state == OperationState::Stuck);
        let refusal = if is_stuck {
            Refusal::new(Code::OperationStuck, format!("an operation on {key} is stuck: it could not be taken back"))
                .remedy(format!(
                    "look what it left (GET /v1/operations/{id} tells the step and its error), mend that, then an admin of the workspace \
                     takes it up again: POST /v1/operations/{id}/retry"
                ))
        } else {
            Refusal::new(Code::OperationRunning, format!("an operation on {key} is under way"))
                .remedy(format!("wait for it: GET /v1/operations/{id}?wait=30s"))
        };
        Err(refusal.into())
    }

    async fn rejected_before(&self, db: &mut Read, last: &RequestRow) -> AppResult<Refusal> {
        let by = last.decided_by.as_deref().unwrap_or("an approver");
        let reason = last.reason.as_deref().unwrap_or("no reason given");
        Ok(Refusal::new(Code::RequestRejected, format!("{by} rejected the same request: {reason}"))
            .remedy(
                "change what you ask for, or say why it is needed all the same: another justification files it again",
            )
            .request(self.request_brief(db, last).await?))
    }

    /// Whether a pending request gives way to a different one of the caller's.
    async fn gives_way(
        &self,
        db: &mut Read,
        call: &Call,
        open: RequestRow,
        (change, all): (&Change, &[Change]),
    ) -> AppResult<Way> {
        let actor = self.actor(db, &call.who, &open, &[]).await?;
        if approval::decide(open.state, &open.needs, &[], Deed::Supersede, &actor).is_ok() {
            let items = db.request_items(open.id).await?;
            let asked_anew = |object| all.iter().any(|change| change.object().id == object);
            if items.iter().all(|item| asked_anew(item.object_id)) {
                return Ok(Way::Over(Box::new(open)));
            }
            return Err(self.one_of_several(db, &open, &change.object().key, items.len()).await?.into());
        }
        let summary = self.request_brief(db, &open).await?;
        let differences = self.differences_text(db, &open).await?;
        Err(Refusal::new(Code::RequestOpen, format!("{} has a different request open: {differences}", open.requester))
            .remedy(format!(
                "ask {} or an admin of the workspace to withdraw it, or wait until it is decided",
                open.requester
            ))
            .request(summary)
            .into())
    }

    /// Refuses what would take an object out of a request of several: the others belong to it.
    pub(super) async fn one_of_several(
        &self,
        db: &mut Read,
        open: &RequestRow,
        key: &str,
        objects: usize,
    ) -> AppResult<Refusal> {
        let text = format!("{key} is one of {objects} objects of a request of {} that is open", open.requester);
        let remedy = format!(
            "withdraw that request as a whole (POST /v1/requests/{}/withdraw), wait until it is decided, or ask for all of its objects anew in one request",
            open.id
        );
        Ok(Refusal::new(Code::RequestOpen, text).remedy(remedy).request(self.request_brief(db, open).await?))
    }

    /// Takes a pending request out of the way of a different one.
    async fn supersede(&self, tx: &mut Tx, call: &Call, open: &RequestRow, next: RequestId) -> AppResult<()> {
        // Its time may be up at this very moment.
        let still = tx.request_lock(open.id).await?.is_some_and(|r| r.state == RequestState::Pending);
        if !still {
            return Ok(());
        }
        let (state, by) = (RequestState::Superseded, call.who.name.clone());
        let resolution = Resolution { state, by, reason: None, operation: None, superseded_by: Some(next) };
        tx.request_resolve(open.id, &resolution).await?;
        tx.request_end(open.id).await?;
        self.tell_of(tx, EventKind::RequestSuperseded, open.id, (Some(&call.who.name), None)).await?;
        let changes: Vec<Change> = tx.request_items(open.id).await?.into_iter().map(|i| i.change).collect();
        self.desire_all(tx, &changes, &Stage::Superseded).await?;
        self.audit_request(tx, call, open.id, &changes, audit::Deed::new("request.superseded", None)).await
    }

    async fn differences_text(&self, db: &mut Read, open: &RequestRow) -> AppResult<String> {
        let items = db.request_items(open.id).await?;
        let of = |d: &orbit_core::model::topic::Difference| {
            let side = |v: &Option<String>| v.clone().unwrap_or_else(|| "not set".to_owned());
            format!("{} {} → {}", d.field.trim_start_matches('/'), side(&d.before), side(&d.after))
        };
        let several = items.len() > 1;
        let each = items.iter().map(|i| {
            let what: Vec<_> = i.differences.iter().map(of).collect();
            let key = if several { format!(" {}", i.change.object().key) } else { String::new() };
            format!("{}{key} ({})", i.change.action(), what.join(", "))
        });
        Ok(each.collect::<Vec<_>>().join("; "))
    }
}
