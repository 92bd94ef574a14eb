//! From Orbit's answer to Terraform's: what becomes of what was asked for.

use crate::{
    Orbit,
    on_pending::OnPending,
    orbit::{NoAnswer, Place, ask, nowhere},
    say,
    seen::Seen,
    wait::{Decided, Ended, Patience, decided, finish},
};
use orbit_api::{
    Action, OperationSummary, RequestState, RequestSummary,
    client::{Client, ClientError, Submitted},
};
use tfplugin::{Applied, Cx, Diagnostic, Diagnostics, Failure, Outcome};

/// Something that people ask for, policy judges and an operation carries out: as much of it as waiting needs.
pub(crate) trait Requested: Sized + Send + Sync {
    /// Orbit's id of it.
    fn id(&self) -> &str;
    /// How messages name it.
    fn object(&self) -> String;
    /// The newest request about it.
    fn request(&self) -> Option<&RequestSummary>;
    /// The newest operation on it.
    fn operation(&self) -> Option<&OperationSummary>;
    /// Whether it is in place.
    fn is_in_place(&self) -> bool;
    /// Counts up with every change of it.
    fn revision(&self) -> i64;
    /// When it is deleted, where that waits, and the call that keeps it until then.
    fn deletes_at(&self) -> Option<(String, String)>;
    /// How it is now. It is not acknowledged by that: the state is not stored yet, and should that fail, the next create must find it again.
    fn look(client: &Client, id: &str) -> impl Future<Output = Result<Self, ClientError>> + Send;
}

/// The request that a person has to decide.
pub(crate) fn open_request(it: &impl Requested) -> Option<&RequestSummary> {
    it.request().filter(|request| request.state == RequestState::Pending)
}

/// Whether a request ended without an approval.
fn ended_otherwise(state: RequestState) -> bool {
    !matches!(state, RequestState::Pending | RequestState::Approved)
}

/// What a create or an update wants of its answer.
pub(crate) struct Wish<'a, F> {
    /// What a request that waits for a person comes to.
    pub(crate) on_pending: OnPending,
    /// How long to wait for what it comes to.
    pub(crate) patience: Patience,
    /// Where an error points.
    pub(crate) place: Place<'a>,
    /// The state, from what Orbit says of the object.
    pub(crate) fill: F,
}

/// What becomes of a create or an update that Orbit accepted: done, waiting for a person, or failed. A failure stores nothing: after a create
/// the next one takes up the same object, after an update the state stays what it was. That Orbit could not be asked any more is no failure: it has
/// accepted the work, and to lose sight of what is being made would be worse.
pub(crate) async fn settle<N: Requested, M, F: FnOnce(&N) -> M>(
    cx: &Cx<Orbit>,
    answer: Submitted<N>,
    wish: Wish<'_, F>,
) -> Outcome<M> {
    let Wish { on_pending, patience, place, fill } = wish;
    // The next change says which revision it knew of.
    let fill = |it: &N| -> Result<M, Diagnostics> { Seen::at(cx, it.revision()).map(|()| fill(it)) };
    let mut it = match answer {
        Submitted::Done(it) if it.is_in_place() => return Ok(Applied::Done(fill(&it)?)),
        // A call that attached to an open creation is answered as done, since it has filed nothing; the object is not there yet all the same.
        Submitted::Done(it) | Submitted::Accepted(it) => it,
    };
    let object = it.object();
    if let Some(request) = open_request(&it).filter(|request| request.action != Action::Delete) {
        Seen::filed(cx, &request.id)?;
        let warning = say::pending(&object, request, cx.client.run_id());
        match on_pending {
            OnPending::Return => return Ok(Applied::Pending(fill(&it)?, warning)),
            OnPending::Fail => return Err(say::as_error(warning).into()),
            OnPending::Wait => match decided(cx, &it, request, patience).await {
                Decided::Approved(now) => it = now,
                Decided::Refused(diagnostic) => return Err(diagnostic.into()),
                Decided::Not => return Ok(Applied::Pending(fill(&it)?, patience.exhausted(cx, warning))),
                Decided::Unseen(cause) => return Ok(Applied::Pending(fill(&it)?, say::unseen(warning, &cause))),
            },
        }
    }
    let Some(operation) = it.operation() else {
        return match it.request().filter(|request| ended_otherwise(request.state) && !it.is_in_place()) {
            // Decided the moment it was filed.
            Some(request) => Err(say::as_error(say::ended(&object, request)).into()),
            None => Ok(Applied::Done(fill(&it)?)),
        };
    };
    match finish(cx, &object, &operation.id, place, patience).await {
        Ok(Ended::Done) => {}
        Ok(Ended::Failed(diagnostic)) => return Err(diagnostic.into()),
        Ok(Ended::Not(warning)) => return Ok(Applied::Pending(fill(&it)?, warning)),
        Err(cause) => {
            let warning = say::lost_sight(&object, &operation.id, &cause);
            return Ok(Applied::Pending(fill(&it)?, warning));
        }
    }
    if let Ok(now) = ask(cx, N::look(cx.client.client()?, it.id())).await {
        return Ok(Applied::Done(fill(&now)?));
    }
    // It is there: an error would only lose sight of it.
    let warning = Diagnostic::warning(format!("The work on {object} is done, but Orbit did not show the result"))
        .detail("Plan again to see it.");
    Ok(Applied::Pending(fill(&it)?, warning))
}

/// What becomes of a deletion that Orbit accepted; without an object, it is gone. Terraform knows no pending deletion: one that waits for a person is
/// an error, and the object stays in the state.
pub(crate) async fn settle_deletion<N: Requested, M>(
    cx: &Cx<Orbit>,
    answer: Option<N>,
    patience: Patience,
) -> Result<Applied<()>, Failure<M>> {
    let Some(it) = answer else {
        return Ok(Applied::Done(()));
    };
    let object = it.object();
    if let Some(request) = open_request(&it).filter(|request| request.action == Action::Delete) {
        Seen::filed(cx, &request.id)?;
        return Err(say::as_error(say::pending(&object, request, cx.client.run_id())).into());
    }
    // Accepted, it is none of Terraform's any more; that it can be kept still is worth knowing.
    if let Some((at, restore)) = it.deletes_at() {
        return Ok(Applied::Pending((), say::scheduled(&object, &at, &restore)));
    }
    let Some(operation) = it.operation() else {
        return Ok(Applied::Done(()));
    };
    match finish(cx, &object, &operation.id, &nowhere, patience).await? {
        Ended::Done => Ok(Applied::Done(())),
        Ended::Failed(diagnostic) | Ended::Not(diagnostic) => Err(say::as_error(diagnostic).into()),
    }
}

/// Makes a call; while another operation on the object is in its way, waits for that once and calls again.
pub(crate) async fn when_free<N: Requested, T, Call: Future<Output = Result<T, NoAnswer>>>(
    cx: &Cx<Orbit>,
    (id, object): (&str, &str),
    patience: Patience,
    call: impl Fn() -> Call,
) -> Result<Result<T, NoAnswer>, Diagnostics> {
    let answer = call().await;
    if answer.as_ref().err().and_then(NoAnswer::code) != Some("operation.running") {
        return Ok(answer);
    }
    let it = ask(cx, N::look(cx.client.client()?, id)).await;
    let it = it.map_err(|e| e.tell(object, &nowhere))?;
    if let Some(operation) = it.operation().filter(|operation| !operation.state.is_final())
        && let Ended::Not(warning) = finish(cx, object, &operation.id, &nowhere, patience).await?
    {
        return Err(say::as_error(warning).into());
    }
    Ok(call().await)
}
