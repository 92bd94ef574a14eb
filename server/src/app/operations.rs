//! Operations, as their workspace sees them.

use super::{App, AppResult, Call, Code, Refusal, audit::Deed};
use crate::auth::{
    Caller,
    permission::{OperationControl, OperationRead, Role},
};
use orbit_core::{
    id::OperationId,
    workflow::{self, Control, Effect, OperationState},
};
use orbit_store::{OperationFilter, OperationRow, PageOf, RequestRow, Stage, Tx};
use uuid::Uuid;

impl App {
    /// An operation, for who belongs to its workspace or may see the request that it carries out. Another's is not there.
    pub async fn operation_get(&self, caller: &Caller<OperationRead>, named: &str) -> AppResult<OperationRow> {
        let absent =
            || Refusal::new(Code::OperationNotFound, format!("there is no operation {named} that you can see"));
        let id: OperationId = named.parse().map_err(|_| absent())?;
        let mut db = self.store.read().await?;
        let row = db.operation(id).await?.ok_or_else(absent)?;
        match caller.in_workspace(row.workspace_id, absent) {
            Err(_) if self.may_see_request(&mut db, &caller.who, row.request_id).await? => Ok(row),
            proven => proven.map(|()| row),
        }
    }

    /// An operation as the answer to a call that was just carried out.
    pub async fn operation_after(&self, id: OperationId) -> AppResult<OperationRow> {
        let absent = || Refusal::new(Code::OperationNotFound, format!("there is no operation {id}"));
        Ok(self.store.read().await?.operation(id).await?.ok_or_else(absent)?)
    }

    /// Cancels, pauses, resumes or retries an operation: an admin of its workspace; who asked for it may cancel it.
    pub async fn operation_control(
        &self,
        caller: &Caller<OperationControl>,
        call: &Call,
        named: &str,
        control: Control,
    ) -> AppResult<OperationId> {
        let absent =
            || Refusal::new(Code::OperationNotFound, format!("there is no operation {named} that you can see"));
        let id: OperationId = named.parse().map_err(|_| absent())?;
        let mut tx = self.store.begin().await?;
        if self.answered_before::<Uuid>(&mut tx, call).await?.is_some() {
            return Ok(id);
        }
        let row = tx.operation(id).await?.ok_or_else(absent)?;
        let request = tx.request(row.request_id).await?.ok_or_else(absent)?;
        if !caller.who.is_at_least(Role::Viewer, row.workspace_id) {
            return Err(absent().into());
        }
        let asked = control == Control::Cancel && request.requester_id == caller.who.principal;
        if !asked && !caller.who.is_at_least(Role::Admin, row.workspace_id) {
            return Err(not_theirs(control).into());
        }
        let effect = control.on(row.state, row.scheduled_at().is_some(), row.wish);
        let held = self.take_effect(&mut tx, call, (&row, &request), (control, effect)).await?;
        self.remember(&mut tx, call, &id.uuid()).await?;
        self.commit_and_drive(tx, held).await?;
        self.runner.rouse();
        self.runner.tell(id.uuid());
        Ok(id)
    }

    async fn take_effect(
        &self,
        tx: &mut Tx,
        call: &Call,
        (row, request): (&OperationRow, &RequestRow),
        (control, effect): (Control, Effect),
    ) -> AppResult<Option<workflow::Held>> {
        let (held, took) = match effect {
            Effect::Already => return Ok(None),
            // The trail tells by itself.
            Effect::Ends if self.cancel(tx, call, request, row.id).await? => return Ok(None),
            Effect::Ends | Effect::Refused => (None, false),
            Effect::Wishes(wish) => (None, tx.operation_wish(row.id, wish).await?),
            Effect::Due => (None, tx.operation_wish(row.id, row.wish).await?),
            Effect::TakesBackAnew => {
                let held = tx.operation_retry(row.id, self.runner.replica(), self.runner.lease()).await?;
                let took = held.is_some();
                (held, took)
            }
        };
        if !took {
            return Err(cannot(control, row.state).into());
        }
        let told = match control {
            Control::Cancel => "operation.cancel-requested",
            Control::Pause => "operation.pause-requested",
            Control::Resume => "operation.resumed",
            Control::Retry => "operation.retried",
        };
        let changes: Vec<_> = tx.request_items(row.request_id).await?.into_iter().map(|i| i.change).collect();
        self.audit_request(tx, call, row.request_id, &changes, Deed::new(told, None)).await?;
        Ok(held)
    }

    /// Takes back an operation that has not begun: its objects are what they were, and free again. False where it has begun.
    pub(super) async fn cancel(
        &self,
        tx: &mut Tx,
        call: &Call,
        request: &RequestRow,
        operation: OperationId,
    ) -> AppResult<bool> {
        if !tx.operation_cancel(operation).await? {
            return Ok(false);
        }
        let changes: Vec<_> = tx.request_items(request.id).await?.into_iter().map(|i| i.change).collect();
        self.desire_all(tx, &changes, &Stage::Cancelled).await?;
        tx.request_end(request.id).await?;
        self.audit_request(tx, call, request.id, &changes, Deed::new("operation.cancelled", None)).await?;
        Ok(true)
    }

    /// A page of operations, newest first: of one workspace, or of all in which the caller has a role.
    pub async fn operation_list(
        &self,
        caller: &Caller<OperationRead>,
        workspace: Option<&str>,
        filter: OperationFilter,
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<OperationRow>> {
        let mut db = self.store.read().await?;
        let workspace = match workspace {
            Some(named) => Some(self.workspace_for(&mut db, caller, named).await?.id),
            None => None,
        };
        let filter = OperationFilter { visible_to: caller.who.sees(), workspace, ..filter };
        Ok(db.operation_list(&filter, page).await?)
    }
}

fn not_theirs(control: Control) -> Refusal {
    let may = if control == Control::Cancel { " or of who asked for it" } else { "" };
    Refusal::new(
        Code::Forbidden,
        format!("to {} an operation is a matter of the workspace's admins{may}", control.as_str()),
    )
    .remedy("ask an admin of the workspace")
}

fn cannot(control: Control, state: OperationState) -> Refusal {
    let remedy = match (control, state) {
        (Control::Retry, _) => "only one that waits or is stuck can be retried; others go on by themselves",
        (_, OperationState::RollingBack) => "what it did is being taken back already: wait for its end",
        (_, OperationState::Stuck) => "retry takes it up again, once the cause is mended",
        _ => "it is over: what is to change now takes a new request",
    };
    let text = format!("the operation is {}, so there is nothing to {}", state.as_str(), control.as_str());
    Refusal::new(Code::OperationState, text).remedy(remedy)
}
