//! Submit: what somebody asks for becomes a request and, where policy allows, an operation. Written once, for every noun.

use super::{App, AppError, AppResult, Call, Code, Refusal, audit};
use orbit_core::{
    approval::{self, Deed, RequestState},
    change::Change,
    documentation::Documentation,
    id::{OperationId, RequestId, RunGroupId},
    notification::EventKind,
    policy::{Decision, Verdict},
    workflow::{Held, OperationState, Saga},
};
use orbit_store::{NewItem, NewOperation, NewRequest, Read, RequestRow, Resolution, Stage, Tx, Weighed, Work};
use std::time::Duration;

/// How long a request waits for a decision, where no policy that asks says.
const VALIDITY: Duration = Duration::from_hours(14 * 24);

/// How long a request of such a verdict waits.
pub(super) fn validity(verdict: &Verdict) -> Duration {
    verdict.valid_hours.map_or(VALIDITY, |hours| Duration::from_hours(u64::from(hours)))
}

/// What is asked for: one change, or several that are decided and carried out together.
#[derive(Debug, Clone)]
pub struct Filing {
    /// The changes, all of one workspace.
    pub changes: Vec<Change>,
    /// What was open on the object of each. Read before the object itself: an operation that ends takes no lock of ours, and frees the object in the
    /// moment in which it changes it. So what was free then is seen here as it ended, and what was not stands in the way.
    pub open: Vec<Option<RequestRow>>,
    /// What the request says for itself.
    pub documentation: Documentation,
}

/// What came of it.
#[derive(Debug)]
pub enum Filed {
    /// An equal request is open already: this one attached to it.
    Attached,
    /// A person has to decide.
    Pending,
    /// Policy allows it: here is the work. `None` where there was none to do.
    Accepted(Option<Box<Accepted>>),
}

/// The work that an accepted change comes to.
#[derive(Debug)]
pub struct Accepted {
    /// Its operation.
    pub operation: OperationId,
    /// Leased to this replica; absent where it begins later.
    pub held: Option<Held>,
}

/// What stands where a change wants to go.
#[derive(Debug)]
pub(super) enum Way {
    /// Nothing.
    Free,
    /// An equal request is open: the change attaches to it.
    Attach,
    /// A request that gives way.
    Over(Box<RequestRow>),
}

impl App {
    /// Judges and files changes. The caller holds the locks of workspace and clusters, commits, and drives what comes back.
    pub async fn submit(&self, tx: &mut Tx, call: &Call, filing: Filing) -> AppResult<Filed> {
        for (change, open) in filing.changes.iter().zip(&filing.open) {
            match self.way(tx, call, change, open.clone(), &filing.documentation).await? {
                Way::Free => {}
                Way::Attach => return Ok(Filed::Attached),
                Way::Over(open) => self.supersede(tx, call, &open).await?,
            }
        }
        let (weighed, verdict) = self.weigh_all(tx, call, &filing).await?;
        if verdict.decision() == Decision::Deny {
            return Err(Refusal::denied(&verdict).into());
        }
        let request = self.file(tx, call, &filing, &weighed, &verdict).await?;
        let allowed = verdict.decision() == Decision::Allow;
        let by = call.who.principal;
        let mut pieces = Vec::new();
        for (change, weighed) in filing.changes.iter().zip(&weighed) {
            let piece = change.piece(&weighed.grounds);
            let stage = if allowed {
                Stage::Accepted { by, approved_by: None, work: Work::of(piece.as_ref()) }
            } else {
                Stage::Filed { by }
            };
            self.desire(tx, change, &stage).await?;
            pieces.extend(piece);
        }
        let verdicts: Vec<_> = weighed.into_iter().map(|w| w.verdict).collect();
        let deed = audit::Deed { action: "request.filed", words: None, verdicts: &verdicts };
        self.audit_request(tx, call, request, &filing.changes, deed).await?;
        if !allowed {
            self.tell_of(tx, EventKind::RequestPending, request, (Some(&call.who.name), None)).await?;
            return Ok(Filed::Pending);
        }
        let work = self.accept(tx, request, &filing.changes, (pieces, verdict.lead_hours)).await?;
        if let Some(work) = &work {
            tx.request_operation(request, work.operation).await?;
        }
        Ok(Filed::Accepted(work.map(Box::new)))
    }

    /// Judges each change; each sees what stands before it in the same transaction.
    async fn weigh_all(&self, tx: &mut Tx, call: &Call, filing: &Filing) -> AppResult<(Vec<Weighed>, Verdict)> {
        let mut weighed = Vec::with_capacity(filing.changes.len());
        let mut verdict = Verdict::default();
        let Some(workspace) = filing.changes.first().map(Change::workspace) else { return Ok((weighed, verdict)) };
        let rules = tx.rulebook(workspace).await?;
        let asked = call.who.asked(filing.documentation.clone());
        for change in &filing.changes {
            let one = tx.weigh(change, &rules, &asked).await?;
            if let Some(claims) = &one.claims {
                tx.claims_take(change, claims).await?;
            }
            verdict = verdict.and(one.verdict.clone());
            weighed.push(one);
        }
        Ok((weighed, verdict))
    }

    async fn file(
        &self,
        tx: &mut Tx,
        call: &Call,
        filing: &Filing,
        weighed: &[Weighed],
        verdict: &Verdict,
    ) -> AppResult<RequestId> {
        let id = RequestId::from_uuid(self.ids.fresh());
        let group = match &call.run {
            Some(run) => {
                let fresh = RunGroupId::from_uuid(self.ids.fresh());
                Some(tx.run_group(fresh, &run.id).await?)
            }
            None => None,
        };
        let Some(first) = filing.changes.first() else {
            return Err(AppError::Internal("a request without changes".to_owned()));
        };
        let allowed = verdict.decision() == Decision::Allow;
        let now = tx.now().await?;
        let items = filing.changes.iter().zip(weighed).map(|(change, w)| NewItem {
            change: change.clone(),
            verdict: w.verdict.clone(),
            differences: w.differences.clone(),
            base_revision: w.base_revision,
        });
        let request = NewRequest {
            id,
            workspace: first.workspace(),
            requester: call.who.principal,
            group,
            run_url: call.run.as_ref().and_then(|run| run.url.clone()),
            state: if allowed { RequestState::Approved } else { RequestState::Pending },
            verdict: verdict.clone(),
            documentation: filing.documentation.clone(),
            expires_at: now.checked_add(validity(verdict)).unwrap_or(now),
            items: items.collect(),
        };
        if !tx.request_insert(&request).await? {
            return Err(Refusal::new(Code::Unavailable, "another call works on the same object at this moment")
                .remedy("call again")
                .into());
        }
        Ok(id)
    }

    /// Leaves in the object's record what became of the change.
    pub(super) async fn desire(&self, tx: &mut Tx, change: &Change, stage: &Stage) -> AppResult<()> {
        if tx.desire(change, stage).await? {
            return Ok(());
        }
        let key = change.object().key;
        Err(Refusal::new(
            Code::TopicExists,
            format!("the name that {key} would have on the cluster was taken at this moment"),
        )
        .remedy("choose another name")
        .into())
    }

    /// The operation of accepted changes, which begins after so many hours; none where nothing is to be done. Then the objects are free again.
    pub(super) async fn accept(
        &self,
        tx: &mut Tx,
        request: RequestId,
        changes: &[Change],
        (pieces, lead_hours): (Vec<orbit_core::workflow::Piece>, Option<u32>),
    ) -> AppResult<Option<Accepted>> {
        let (Some(first), false) = (changes.first(), pieces.is_empty()) else {
            tx.request_end(request).await?;
            return Ok(None);
        };
        let not_before = match lead_hours {
            Some(hours) => tx.now().await?.checked_add(Duration::from_hours(u64::from(hours))).ok(),
            None => None,
        };
        let operation = NewOperation {
            id: OperationId::from_uuid(self.ids.fresh()),
            request,
            lane: first.lane(),
            saga: Saga::new(pieces).beginning(not_before),
            holder: self.runner.replica(),
            lease: self.runner.lease(),
        };
        let held = tx.operation_insert(&operation).await?;
        Ok(Some(Accepted { operation: operation.id, held }))
    }

    /// Whether the way is free for a change. What is open on the object and asks for the same takes it in; a different one gives way where the caller
    /// may put another in its place, else it stands in the way. What was refused before stands in the way too, until the change or what it says for itself
    /// differs. Only looks: evaluate asks it too.
    pub(super) async fn way(
        &self,
        db: &mut Read,
        call: &Call,
        change: &Change,
        open: Option<RequestRow>,
        documentation: &Documentation,
    ) -> AppResult<Way> {
        let object = change.object();
        if let Some(open) = open {
            let items = db.request_items(open.id).await?;
            let equal = items.iter().any(|i| i.change.same_intent(change));
            let under_way = self.not_under_way(db, &open, &object.key).await;
            return match under_way {
                Err(AppError::Refused(refusal)) if refusal.code == Code::OperationRunning && equal => Ok(Way::Attach),
                Ok(()) if equal => Ok(Way::Attach),
                Ok(()) => self.gives_way(db, call, open).await,
                Err(error) => Err(error),
            };
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
    async fn gives_way(&self, db: &mut Read, call: &Call, open: RequestRow) -> AppResult<Way> {
        let actor = self.actor(db, &call.who, &open, &[]).await?;
        if approval::decide(open.state, &open.needs, &[], Deed::Supersede, &actor).is_ok() {
            return Ok(Way::Over(Box::new(open)));
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

    /// Takes a pending request out of the way of a different one.
    async fn supersede(&self, tx: &mut Tx, call: &Call, open: &RequestRow) -> AppResult<()> {
        // Its time may be up at this very moment.
        let still = tx.request_lock(open.id).await?.is_some_and(|r| r.state == RequestState::Pending);
        if !still {
            return Ok(());
        }
        let resolution =
            Resolution { state: RequestState::Superseded, by: call.who.name.clone(), reason: None, operation: None };
        tx.request_resolve(open.id, &resolution).await?;
        tx.request_end(open.id).await?;
        self.tell_of(tx, EventKind::RequestSuperseded, open.id, (Some(&call.who.name), None)).await?;
        let changes: Vec<Change> = tx.request_items(open.id).await?.into_iter().map(|i| i.change).collect();
        for change in &changes {
            self.desire(tx, change, &Stage::Superseded).await?;
        }
        self.audit_request(tx, call, open.id, &changes, audit::Deed::new("request.superseded", None)).await
    }

    async fn differences_text(&self, db: &mut Read, open: &RequestRow) -> AppResult<String> {
        let items = db.request_items(open.id).await?;
        let of = |d: &orbit_core::model::topic::Difference| {
            let side = |v: &Option<String>| v.clone().unwrap_or_else(|| "not set".to_owned());
            format!("{} {} → {}", d.field.trim_start_matches('/'), side(&d.before), side(&d.after))
        };
        let each = items.iter().map(|i| {
            let what: Vec<_> = i.differences.iter().map(of).collect();
            format!("{} ({})", i.change.action(), what.join(", "))
        });
        Ok(each.collect::<Vec<_>>().join("; "))
    }
}
