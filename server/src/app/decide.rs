//! Decide: approving, rejecting, withdrawing. The transition is pure; the verdict is evaluated again on the day's facts; the operation is
//! created in the transaction of the decision that allows it.

use super::{
    Accepted, App, AppError, AppResult, Call, Code, Once, Refusal, RequestView, audit,
    catalog::unchanged,
    submit::{begins_together, by_object, told_of, validity},
};
use crate::auth::{
    Caller, Identity,
    permission::{RequestDecide, Role},
};
use orbit_core::{
    approval::{self, Actor, Deed, Given, Outcome, Refusal as NotAllowed, RequestState},
    change::{Change, Requester},
    id::{PrincipalId, RequestId},
    notification::EventKind,
    policy,
};
use orbit_store::{
    Asked, MembershipRow, Read, RequestItemRow, RequestRow, Resolution, SYSTEM_PRINCIPAL, Stage, Tx, Work,
};
use std::collections::BTreeSet;
use uuid::Uuid;

/// What a person decides.
#[derive(Debug, Clone)]
pub enum Decision {
    /// Consents.
    Approve {
        /// What they say.
        comment: Option<String>,
        /// Whether it is a refusal where policy does not allow it by now.
        or_reject: bool,
    },
    /// Refuses.
    Reject {
        /// Why.
        reason: String,
    },
    /// Takes it back.
    Withdraw,
}

impl Decision {
    fn deed(&self) -> Deed {
        match self {
            Self::Approve { .. } => Deed::Approve,
            Self::Reject { .. } => Deed::Reject,
            Self::Withdraw => Deed::Withdraw,
        }
    }
    fn words(&self) -> Option<&str> {
        match self {
            Self::Approve { comment, .. } => comment.as_deref(),
            Self::Reject { reason } => Some(reason),
            Self::Withdraw => None,
        }
    }
}

pub(super) fn no_request(named: &str) -> Refusal {
    Refusal::new(Code::RequestNotFound, format!("there is no request {named} that you can see"))
        .remedy("GET /v1/requests lists those that there are")
}

impl App {
    /// Decides a request.
    pub async fn request_decide(
        &self,
        _proof: &Caller<RequestDecide>,
        call: &Call,
        named: &str,
        expected: Option<i64>,
        decision: Decision,
    ) -> AppResult<RequestId> {
        let id: RequestId = named.parse().map_err(|_| no_request(named))?;
        let mut tx = self.store.begin().await?;
        if self.decided_before(&mut tx, call, id).await? {
            return Ok(id);
        }
        let (row, items, actor) = self.request_locked(&mut tx, call, id, expected).await?;
        if row.state == RequestState::Pending && row.expires_at <= tx.now().await? {
            // The sweep has not come by yet; what it would do is done here.
            self.expire(&mut tx, &row).await?;
            self.remember(&mut tx, call, &id.uuid()).await?;
            tx.commit().await?;
            self.runner.tell(id.uuid());
            return Err(refused(&NotAllowed::Decided(RequestState::Expired), &row).into());
        }
        let weighed = match decision {
            Decision::Approve { .. } if row.state == RequestState::Pending => {
                match self.weigh_again(&mut tx, &row, &items).await {
                    Err(AppError::Refused(refusal)) => {
                        return Err(self
                            .denied_by_now(tx, call, (&row, &items), &actor, (&decision, *refusal))
                            .await?);
                    }
                    weighed => weighed?,
                }
            }
            _ => Weighing { needs: row.needs.clone(), pieces: vec![], lead_hours: None },
        };
        let work = self.decide_locked(&mut tx, call, (&row, &items), &actor, (&decision, weighed)).await?;
        self.remember(&mut tx, call, &id.uuid()).await?;
        self.commit_and_drive(tx, work.and_then(|w| w.held)).await?;
        self.runner.tell(id.uuid());
        Ok(id)
    }

    /// Whether this very call was taken before. Its answer is for who may see the request today.
    async fn decided_before(&self, tx: &mut Tx, call: &Call, id: RequestId) -> AppResult<bool> {
        if self.answered_before::<Uuid>(tx, call).await?.is_none() {
            return Ok(false);
        }
        let seen = self.may_see_request(tx, &call.who, id).await?;
        if seen { Ok(true) } else { Err(no_request(&id.to_string()).into()) }
    }

    /// Takes a decision on a request that is held, and answers the work that follows.
    async fn decide_locked(
        &self,
        tx: &mut Tx,
        call: &Call,
        (row, items): (&RequestRow, &[RequestItemRow]),
        actor: &Actor,
        (decision, weighed): (&Decision, Weighing),
    ) -> AppResult<Option<Accepted>> {
        let given = self.given(tx, row, items).await?;
        let outcome = approval::decide(row.state, &weighed.needs, &given, decision.deed(), actor)
            .map_err(|refusal| refused(&refusal, row))?;
        if weighed.needs != row.needs {
            tx.request_needs(row.id, &weighed.needs).await?;
        }
        match outcome {
            Outcome::Consented(consent) => {
                tx.approval_give(row.id, consent, decision.words()).await?;
                let deed = audit::Deed::new("request.consented", decision.words());
                self.audit_request(tx, call, row.id, &changes(items), deed).await?;
                Ok(None)
            }
            Outcome::Now(state, consent) => {
                if let Some(consent) = consent {
                    tx.approval_give(row.id, consent, decision.words()).await?;
                }
                let work = (weighed.pieces, weighed.lead_hours);
                self.conclude(tx, call, row, items, state, decision.words(), work).await
            }
        }
    }

    /// What is told to who approves what policy denies by now: the verdict. The request stays open, or is rejected with it, as they chose.
    async fn denied_by_now(
        &self,
        mut tx: Tx,
        call: &Call,
        (row, items): (&RequestRow, &[RequestItemRow]),
        actor: &Actor,
        (decision, refusal): (&Decision, Refusal),
    ) -> AppResult<AppError> {
        let chosen = matches!(decision, Decision::Approve { or_reject: true, .. });
        let rejects = chosen && approval::decide(row.state, &row.needs, &[], Deed::Reject, actor).is_ok();
        if !(rejects && refusal.code == Code::PolicyDenied) {
            drop(tx);
            self.audit_denial(call, &changes(items), &refusal).await?;
            return Ok(refusal.into());
        }
        let why = format!("policy does not allow it by now: {}", refusal.detail);
        self.conclude(&mut tx, call, row, items, RequestState::Rejected, Some(&why), (vec![], None)).await?;
        self.remember(&mut tx, call, &row.id.uuid()).await?;
        tx.commit().await?;
        self.runner.tell(row.id.uuid());
        self.audit_denial(call, &changes(items), &refusal).await?;
        let mut db = self.store.read().await?;
        let now = db.request(row.id).await?.ok_or_else(|| no_request(&row.id.to_string()))?;
        let remedy = "it is rejected with that: change the rules, or have something else asked for";
        Ok(refusal.remedy(remedy).request(self.request_brief(&mut db, &now).await?).into())
    }

    /// Puts a rejected request back before those who decide, on today's rules and with new time. Only the newest about its objects: the world of an
    /// older one has moved on.
    pub async fn request_reopen(
        &self,
        _proof: &Caller<RequestDecide>,
        call: &Call,
        named: &str,
        expected: Option<i64>,
    ) -> AppResult<RequestId> {
        let id: RequestId = named.parse().map_err(|_| no_request(named))?;
        let mut tx = self.store.begin().await?;
        if self.decided_before(&mut tx, call, id).await? {
            return Ok(id);
        }
        let (row, items, actor) = self.request_locked(&mut tx, call, id, expected).await?;
        approval::decide(row.state, &row.needs, &[], Deed::Reopen, &actor).map_err(|e| refused(&e, &row))?;
        let moved_on = || {
            Refusal::new(Code::RequestDecided, "something else was asked of the same object since")
                .remedy("have it asked for again")
        };
        for item in &items {
            let newest = tx.request_newest(item.object_id).await?.is_some_and(|newest| newest.id == id);
            // What was to be created and was dropped since is in nobody's Terraform state any more.
            let Change::Topic(change) = &item.change;
            if !newest || tx.topic(change.id).await?.is_none() {
                return Err(moved_on().into());
            }
        }
        let weighed = match self.weigh_again(&mut tx, &row, &items).await {
            Err(AppError::Refused(refusal)) => {
                drop(tx);
                self.audit_denial(call, &changes(&items), &refusal).await?;
                return Err(AppError::Refused(refusal));
            }
            weighed => weighed?,
        };
        let until = tx.now().await?.checked_add(validity(&row.verdict)).unwrap_or(row.expires_at);
        if !tx.request_reopen(id, until).await? {
            return Err(moved_on().into());
        }
        tx.request_needs(id, &weighed.needs).await?;
        self.tell_of(&mut tx, EventKind::RequestReopened, id, (Some(&call.who.name), None)).await?;
        let changes = changes(&items);
        self.desire_all(&mut tx, &changes, &Stage::Filed { by: row.requester_id }).await?;
        self.audit_request(&mut tx, call, id, &changes, audit::Deed::new("request.reopened", None)).await?;
        self.remember(&mut tx, call, &id.uuid()).await?;
        tx.commit().await?;
        self.runner.tell(id.uuid());
        Ok(id)
    }

    /// A request that the caller sees, held with the locks of submit, with its items and who the caller is before it.
    async fn request_locked(
        &self,
        tx: &mut Tx,
        call: &Call,
        id: RequestId,
        expected: Option<i64>,
    ) -> AppResult<(RequestRow, Vec<RequestItemRow>, Actor)> {
        let absent = || no_request(&id.to_string());
        let row = tx.request(id).await?.ok_or_else(absent)?;
        let items = tx.request_items(id).await?;
        // The same order of locks as submit: workspace, clusters, request.
        tx.workspace_lock(row.workspace_id).await?;
        for lane in items.iter().map(|i| i.change.lane()).collect::<BTreeSet<_>>() {
            tx.cluster_lock(lane).await?;
        }
        let row = tx.request_lock(id).await?.ok_or_else(absent)?;
        let actor = self.actor(tx, &call.who, &row, &items).await?;
        if !may_see(&call.who, &row, &actor) {
            return Err(absent().into());
        }
        unchanged(expected, row.revision, || format!("request {id}"))?;
        Ok((row, items, actor))
    }

    /// What policy says today, with the requester's rights of today. A denial is told to who approves; the request stays open.
    async fn weigh_again(&self, tx: &mut Tx, row: &RequestRow, items: &[RequestItemRow]) -> AppResult<Weighing> {
        let memberships = tx.memberships_of(row.requester_id).await?;
        let requester = Requester { platform_admin: memberships.iter().any(|m| m.workspace_id.is_none()) };
        let asked = Asked { requester, documentation: row.documentation.clone() };
        let mut needs = row.needs.clone();
        let mut lead_hours = row.verdict.lead_hours;
        let (mut grounds, mut late) = (Vec::new(), Vec::new());
        let rules = tx.rulebook(row.workspace_id).await?;
        for (n, item) in items.iter().enumerate() {
            let weighed = tx.weigh(&item.change, &rules, &asked, &[]).await?;
            if weighed.verdict.decision() == policy::Decision::Deny {
                return Err(Refusal::denied(&told_of(&item.change, (items.len() > 1).then_some(n), weighed.verdict)).remedy("the rules or the facts have changed since the request was filed: reject it, or change the rules").into());
            }
            let hours = weighed.verdict.lead_hours;
            lead_hours = lead_hours.max(hours);
            // What was due when the request was filed stays due; what the rules of today ask for comes to it.
            for need in weighed.verdict.needs {
                need.add_to(&mut needs);
            }
            if let Some(claims) = &weighed.claims {
                tx.claims_take(&item.change, claims).await?;
            }
            late.push((&item.change, n, hours));
            grounds.push(weighed.grounds);
        }
        begins_together(&late).map_err(|refusal| {
            refusal.remedy("the rules have changed since the request was filed: reject it, and have its deletions asked for by themselves")
        })?;
        let grounded: Vec<_> = items.iter().map(|item| &item.change).zip(&grounds).collect();
        Ok(Weighing { needs, pieces: Change::pieces(&grounded), lead_hours })
    }

    #[expect(clippy::too_many_arguments, reason = "a request's end touches all of these, once")]
    async fn conclude(
        &self,
        tx: &mut Tx,
        call: &Call,
        row: &RequestRow,
        items: &[RequestItemRow],
        state: RequestState,
        words: Option<&str>,
        (pieces, lead_hours): (Vec<Option<orbit_core::workflow::Piece>>, Option<u32>),
    ) -> AppResult<Option<Accepted>> {
        let changes = changes(items);
        let by = call.who.name.clone();
        for n in by_object(&changes) {
            let change = &changes[n];
            let becomes = match state {
                RequestState::Approved => Stage::Accepted {
                    by: row.requester_id,
                    approved_by: Some(by.clone()),
                    work: Work::of(pieces.get(n).and_then(Option::as_ref)),
                },
                RequestState::Rejected => Stage::Rejected,
                RequestState::Withdrawn => Stage::Withdrawn,
                RequestState::Expired => Stage::Expired,
                RequestState::Pending | RequestState::Superseded => Stage::Superseded,
            };
            self.desire(tx, change, &becomes).await?;
        }
        let work = if state == RequestState::Approved {
            self.accept(tx, row.id, &changes, (pieces.into_iter().flatten().collect(), lead_hours)).await?
        } else {
            tx.request_end(row.id).await?;
            None
        };
        let told = (Some(call.who.name.as_str()), words);
        let (reason, operation) = (words.map(str::to_owned), work.as_ref().map(|w| w.operation));
        let resolution = Resolution { state, by, reason, operation, superseded_by: None };
        tx.request_resolve(row.id, &resolution).await?;
        if let Some(kind) = EventKind::parse(&format!("request.{}", state.as_str())) {
            self.tell_of(tx, kind, row.id, told).await?;
        }
        let action = format!("request.{}", state.as_str());
        self.audit_request(tx, call, row.id, &changes, audit::Deed::new(&action, words)).await?;
        Ok(work)
    }

    /// Takes back the request that is open on an object, in a transaction that goes on.
    pub(super) async fn withdraw_open(&self, tx: &mut Tx, call: &Call, object: Uuid) -> AppResult<()> {
        let Some(open) = tx.request_open(object).await? else { return Ok(()) };
        // Its time may be up at this very moment.
        let still = tx.request_lock(open.id).await?;
        let Some(open) = still.filter(|r| r.state == RequestState::Pending) else { return Ok(()) };
        let items = self.may_withdraw(tx, &call.who, &open, object).await?;
        self.conclude(tx, call, &open, &items, RequestState::Withdrawn, None, (vec![], None)).await?;
        Ok(())
    }

    /// Refuses who may not take a pending request back because its one object is to go; answers its items.
    pub(super) async fn may_withdraw(
        &self,
        db: &mut Read,
        who: &Identity,
        open: &RequestRow,
        object: Uuid,
    ) -> AppResult<Vec<RequestItemRow>> {
        let items = db.request_items(open.id).await?;
        let actor = self.actor(db, who, open, &items).await?;
        approval::decide(open.state, &open.needs, &[], Deed::Withdraw, &actor).map_err(|e| refused(&e, open))?;
        match items.as_slice() {
            [_] => Ok(items),
            several => {
                let of = several.iter().find(|item| item.object_id == object);
                let key = of.map_or_else(String::new, |item| item.change.object().key);
                Err(self.one_of_several(db, open, &key, several.len()).await?.into())
            }
        }
    }

    pub(super) async fn actor(
        &self,
        db: &mut Read,
        who: &Identity,
        row: &RequestRow,
        items: &[RequestItemRow],
    ) -> AppResult<Actor> {
        let named = self.environment_approvers(db, items).await?;
        Ok(actor_of((who.principal, &who.name), &who.memberships, row, &named))
    }

    /// The consents given to a request, with what their givers may do today.
    pub(super) async fn given(
        &self,
        db: &mut Read,
        row: &RequestRow,
        items: &[RequestItemRow],
    ) -> AppResult<Vec<Given>> {
        let named = self.environment_approvers(db, items).await?;
        let mut given = Vec::new();
        for approval in db.approvals(row.id).await? {
            let principal = approval.consent.principal;
            let memberships = db.memberships_of(principal).await?;
            let by = actor_of((principal, &approval.name), &memberships, row, &named);
            given.push(Given { layer: approval.consent.layer, giver: by });
        }
        Ok(given)
    }

    /// Decides several requests, each for itself: one that cannot be decided keeps no other from it. Answers in the order asked.
    pub async fn requests_decide(
        &self,
        proof: &Caller<RequestDecide>,
        call: &Call,
        named: &[String],
        decision: &Decision,
    ) -> AppResult<Vec<Result<RequestView, Refusal>>> {
        let mut answers = Vec::with_capacity(named.len());
        for (n, named) in named.iter().enumerate() {
            // Each is kept by itself under the key of the call: repeated, it answers what it answered.
            let once =
                call.once.as_ref().map(|once| Once { key: format!("{}/{n}", once.key), hash: once.hash.clone() });
            let each = Call { once, ..call.clone() };
            answers.push(match self.request_decide(proof, &each, named, None, decision.clone()).await {
                Ok(id) => Ok(self.request_after(id).await?),
                Err(AppError::Refused(refusal)) => Err(*refusal),
                Err(error) => return Err(error),
            });
        }
        Ok(answers)
    }
}

/// What a second look found: whose consent is due by now, and the work that follows.
struct Weighing {
    needs: BTreeSet<policy::Needs>,
    /// Of each item, in order; nothing where it is done by the record alone.
    pieces: Vec<Option<orbit_core::workflow::Piece>>,
    /// For how many hours that waits.
    lead_hours: Option<u32>,
}

fn changes(items: &[RequestItemRow]) -> Vec<Change> {
    items.iter().map(|i| i.change.clone()).collect()
}

/// Somebody before a request, as far as the rules of approval care.
pub(super) fn actor_of(
    (principal, name): (PrincipalId, &str),
    memberships: &[MembershipRow],
    row: &RequestRow,
    named: &[String],
) -> Actor {
    let rules = |m: &&MembershipRow| m.role == Role::Admin.as_str();
    Actor {
        principal,
        name: name.to_owned(),
        admin_of: memberships.iter().filter(rules).filter_map(|m| m.workspace.clone()).collect(),
        requester: principal == row.requester_id,
        platform_admin: memberships.iter().any(|m| m.workspace_id.is_none()),
        workspace_admin: memberships.iter().filter(rules).any(|m| m.workspace_id == Some(row.workspace_id)),
        environment_approver: named.iter().any(|n| n == name),
        system: principal == SYSTEM_PRINCIPAL,
    }
}

/// Who belongs to the workspace sees its requests; what one may decide one may read.
pub(super) fn may_see(who: &Identity, row: &RequestRow, actor: &Actor) -> bool {
    who.is_at_least(Role::Viewer, row.workspace_id) || row.needs.iter().any(|n| approval::may_consent(actor, n))
}

fn refused(refusal: &NotAllowed, row: &RequestRow) -> Refusal {
    match refusal {
        NotAllowed::Decided(RequestState::Pending) => {
            Refusal::new(Code::RequestDecided, "the request is pending: it waits for a decision already")
                .remedy("approve, reject or withdraw it")
        }
        NotAllowed::Decided(state) => {
            let by = row.decided_by.as_deref().map_or_else(String::new, |by| format!(" by {by}"));
            let remedy = match (row.superseded_by, row.operation_id) {
                (Some(next), _) => format!("decide the one that took its place: GET /v1/requests/{next}"),
                (None, Some(operation)) => format!("look what became of it: GET /v1/operations/{operation}"),
                (None, None) => "nothing is left to decide of it: have it asked for again".to_owned(),
            };
            Refusal::new(Code::RequestDecided, format!("the request was {}{by} before", state.as_str())).remedy(remedy)
        }
        NotAllowed::OnlyRequester(what) => Refusal::new(Code::RequestNotYours, *what).remedy(format!(
            "ask {} or an admin of workspace {}; who decides can reject it",
            row.requester, row.workspace
        )),
        NotAllowed::OwnRequest | NotAllowed::Twice | NotAllowed::NotYours(_) => {
            Refusal::new(Code::RequestNotYours, refusal.to_string())
                .remedy("ask one of those whom the request names in needs")
        }
    }
}
