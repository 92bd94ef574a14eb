//! Submit: what somebody asks for becomes a request and, where policy allows, an operation. Written once, for every noun.

use super::{App, AppError, AppResult, Call, Code, Refusal, audit, topic_place::Books, topics::field, way::Standing};
use orbit_core::{
    approval::{self, Deed, RequestState},
    change::{Action, Change},
    documentation::Documentation,
    id::{OperationId, RequestId, RunGroupId},
    notification::EventKind,
    policy::{Decision, Verdict, in_hours},
    workflow::{Held, Saga},
};
use orbit_store::{NewItem, NewOperation, NewRequest, Stage, Tx, Weighed, Work};
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
    /// What Orbit has of the object of each.
    pub standing: Vec<Standing>,
    /// Where each stands among the `items` of the body that asked for them; nothing where that asked for one alone.
    pub places: Vec<usize>,
    /// What the request says for itself.
    pub documentation: Documentation,
    /// The rules, as far as the call has read them.
    pub books: Books,
}

/// The order in which the records of several objects are written: by id, as whoever else writes several at once does, so that no two wait for each other.
pub(super) fn by_object(changes: &[Change]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..changes.len()).collect();
    order.sort_by_key(|n| changes[*n].object().id);
    order
}

/// The verdict on all of it, with pointers into the body that asked.
fn as_asked(filing: &Filing, weighed: &[Weighed]) -> Verdict {
    let each = filing.changes.iter().zip(weighed).enumerate();
    each.fold(Verdict::default(), |all, (n, (change, one))| {
        all.and(told_of(change, filing.places.get(n).copied(), one.verdict.clone()))
    })
}

/// The verdict on a change says which of several it is on; one alone need not. `place`: where it stands among `items`.
pub(super) fn told_of(change: &Change, place: Option<usize>, verdict: Verdict) -> Verdict {
    let Some(place) = place else { return verdict };
    let object = change.object();
    verdict.of_item(&format!("/items/{place}/{}", object.noun.as_str()), &object.key)
}

/// What came of it.
#[derive(Debug)]
pub enum Filed {
    /// An equal request is open already: this one attached to it.
    Attached(RequestId),
    /// A person has to decide.
    Pending(RequestId),
    /// Policy allows it: here is the work. `None` where there was none to do.
    Accepted(RequestId, Option<Box<Accepted>>),
}

/// The work that an accepted change comes to.
#[derive(Debug)]
pub struct Accepted {
    /// Its operation.
    pub operation: OperationId,
    /// Leased to this replica; absent where it begins later.
    pub held: Option<Held>,
}

impl App {
    /// Submits in a transaction that only goes on where nothing is refused; a denial leaves a line in the trail.
    pub(super) async fn submit_or_note(&self, mut tx: Tx, call: &Call, filing: Filing) -> AppResult<(Tx, Filed)> {
        let changes = filing.changes.clone();
        match self.submit(&mut tx, call, filing).await {
            Ok(filed) => Ok((tx, filed)),
            Err(AppError::Refused(refusal)) => {
                drop(tx);
                self.audit_denial(call, &changes, &refusal).await?;
                Err(AppError::Refused(refusal))
            }
            Err(error) => Err(error),
        }
    }

    /// Judges and files changes. The caller holds the locks of workspace and clusters, commits, and drives what comes back.
    pub async fn submit(&self, tx: &mut Tx, call: &Call, mut filing: Filing) -> AppResult<Filed> {
        let request = RequestId::from_uuid(self.ids.fresh());
        if let Some(equal) = self.clear_the_way(tx, call, &filing, request).await? {
            if let Some(group) = self.run_group(tx, call).await? {
                tx.run_attach(equal, group).await?;
            }
            self.say_more(tx, call, equal, &filing).await?;
            return Ok(Filed::Attached(equal));
        }
        let (weighed, verdict) = self.weigh_all(tx, call, &mut filing).await?;
        self.file(tx, call, (request, &filing), &weighed, &verdict).await?;
        let allowed = verdict.decision() == Decision::Allow;
        let by = call.who.principal;
        let grounded: Vec<_> = filing.changes.iter().zip(weighed.iter().map(|w| &w.grounds)).collect();
        let pieces = Change::pieces(&grounded);
        for n in by_object(&filing.changes) {
            let stage = if allowed {
                Stage::Accepted { by, approved_by: None, work: Work::of(pieces[n].as_ref()) }
            } else {
                Stage::Filed { by }
            };
            self.desire(tx, &filing.changes[n], &stage).await?;
        }
        let pieces = pieces.into_iter().flatten().collect();
        let verdicts: Vec<_> = weighed.into_iter().map(|w| w.verdict).collect();
        let deed = audit::Deed { action: "request.filed", words: None, verdicts: &verdicts };
        self.audit_request(tx, call, request, &filing.changes, deed).await?;
        if !allowed {
            self.tell_of(tx, EventKind::RequestPending, request, (Some(&call.who.name), None)).await?;
            return Ok(Filed::Pending(request));
        }
        let work = self.accept(tx, request, &filing.changes, (pieces, verdict.lead_hours)).await?;
        if let Some(work) = &work {
            tx.request_operation(request, work.operation).await?;
        }
        Ok(Filed::Accepted(request, work.map(Box::new)))
    }

    /// What attaches to a pending request may say more for it, or put it better, where the caller could also put another in its place: those who decide
    /// read it there. What it does not say stays said.
    async fn say_more(&self, tx: &mut Tx, call: &Call, request: RequestId, filing: &Filing) -> AppResult<()> {
        if filing.documentation == Documentation::default() {
            return Ok(());
        }
        let Some(open) = tx.request_lock(request).await? else { return Ok(()) };
        let said = open.documentation.or_rather(&filing.documentation);
        let is_all_of_it = tx.request_items(request).await?.len() == filing.changes.len();
        if said == open.documentation || !is_all_of_it {
            return Ok(());
        }
        let actor = self.actor(tx, &call.who, &open, &[]).await?;
        if approval::decide(open.state, &open.needs, &[], Deed::Supersede, &actor).is_err() {
            return Ok(());
        }
        tx.request_document(request, &said).await?;
        self.audit_request(tx, call, request, &filing.changes, audit::Deed::new("request.documented", None)).await
    }

    /// Judges each change; each sees what stands before it in the same transaction.
    async fn weigh_all(&self, tx: &mut Tx, call: &Call, filing: &mut Filing) -> AppResult<(Vec<Weighed>, Verdict)> {
        let mut weighed = Vec::with_capacity(filing.changes.len());
        let mut verdict = Verdict::default();
        let Some(workspace) = filing.changes.first().map(Change::workspace) else { return Ok((weighed, verdict)) };
        let rules = filing.books.of(tx, workspace).await?;
        let asked = call.who.asked(filing.documentation.clone());
        for (n, change) in filing.changes.iter().enumerate() {
            let one = tx.weigh(change, &rules, &asked, &filing.changes[..n]).await?;
            if let Some(claims) = &one.claims {
                tx.claims_take(change, claims).await?;
            }
            verdict = verdict.and(told_of(change, (filing.changes.len() > 1).then_some(n), one.verdict.clone()));
            weighed.push(one);
        }
        if verdict.decision() == Decision::Deny {
            return Err(Refusal::denied(&as_asked(filing, &weighed)).into());
        }
        let late = filing.changes.iter().zip(&filing.places).zip(&weighed);
        let late: Vec<_> = late.map(|((change, place), w)| (change, *place, w.verdict.lead_hours)).collect();
        begins_together(&late)?;
        if weighed.len() > 1 {
            let hours = verdict.lead_hours;
            verdict.begins_with(hours);
            for one in &mut weighed {
                one.verdict.begins_with(hours);
            }
        }
        Ok((weighed, verdict))
    }

    /// The group of the run that calls, if a run does.
    async fn run_group(&self, tx: &mut Tx, call: &Call) -> AppResult<Option<RunGroupId>> {
        let Some(run) = &call.run else { return Ok(None) };
        Ok(Some(tx.run_group(RunGroupId::from_uuid(self.ids.fresh()), &run.id).await?))
    }

    async fn file(
        &self,
        tx: &mut Tx,
        call: &Call,
        (id, filing): (RequestId, &Filing),
        weighed: &[Weighed],
        verdict: &Verdict,
    ) -> AppResult<()> {
        let group = self.run_group(tx, call).await?;
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
        Ok(())
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

    /// The same of all changes of a request.
    pub(super) async fn desire_all(&self, tx: &mut Tx, changes: &[Change], stage: &Stage) -> AppResult<()> {
        for n in by_object(changes) {
            self.desire(tx, &changes[n], stage).await?;
        }
        Ok(())
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
}

/// One operation carries all out, so that it begins as late as the last of them may: refuses to have others wait for a deletion. Each with the place where it
/// stands among `items`, and for how many hours it waits.
pub(super) fn begins_together(changes: &[(&Change, usize, Option<u32>)]) -> Result<(), Refusal> {
    let late = changes.iter().find_map(|(change, place, hours)| Some((change.object().key, place, (*hours)?)));
    let Some((key, place, hours)) = late else { return Ok(()) };
    if changes.iter().all(|(change, ..)| change.action() == Action::Delete) {
        return Ok(());
    }
    let detail = format!(
        "{key} is deleted {} after the request is accepted, and the other changes would wait for that",
        in_hours(hours)
    );
    let remedy = "ask for deletions that have a lead time in a request of their own";
    Err(Refusal::fields(vec![field(&format!("/items/{place}/action"), "request.lead-time", &detail, remedy)]))
}
