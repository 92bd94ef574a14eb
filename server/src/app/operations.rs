//! Operations, as their workspace sees them.

use super::{App, AppResult, Call, Code, Refusal, audit::Deed};
use crate::auth::{
    Caller,
    permission::{OperationRead, OperationRetry},
};
use orbit_core::id::OperationId;
use orbit_store::{OperationRow, PageOf, RequestRow, Stage, Tx};
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

    /// Takes a stuck operation up again: what could not be taken back is tried anew.
    pub async fn operation_retry(
        &self,
        caller: &Caller<OperationRetry>,
        call: &Call,
        named: &str,
    ) -> AppResult<OperationId> {
        let absent =
            || Refusal::new(Code::OperationNotFound, format!("there is no operation {named} that you can see"));
        let id: OperationId = named.parse().map_err(|_| absent())?;
        let mut tx = self.store.begin().await?;
        if self.answered_before::<Uuid>(&mut tx, call).await?.is_some() {
            return Ok(id);
        }
        let row = tx.operation(id).await?.ok_or_else(absent)?;
        caller.in_workspace(row.workspace_id, absent)?;
        let Some(held) = tx.operation_retry(id, self.runner.replica(), self.runner.lease()).await? else {
            return Err(Refusal::new(Code::OperationNotStuck, format!("the operation is {}", row.state.as_str()))
                .remedy("only a stuck one can be retried; others go on by themselves")
                .into());
        };
        let changes: Vec<_> = tx.request_items(row.request_id).await?.into_iter().map(|i| i.change).collect();
        self.audit_request(&mut tx, call, row.request_id, &changes, Deed::new("operation.retried", None)).await?;
        self.remember(&mut tx, call, &id.uuid()).await?;
        self.commit_and_drive(tx, Some(held)).await?;
        Ok(id)
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
        for change in &changes {
            self.desire(tx, change, &Stage::Cancelled).await?;
        }
        tx.request_end(request.id).await?;
        self.audit_request(tx, call, request.id, &changes, Deed::new("operation.cancelled", None)).await?;
        Ok(true)
    }

    /// A page of operations, newest first: of one workspace, or of all in which the caller has a role.
    pub async fn operation_list(
        &self,
        caller: &Caller<OperationRead>,
        workspace: Option<&str>,
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<OperationRow>> {
        let mut db = self.store.read().await?;
        let workspace = match workspace {
            Some(named) => Some(self.workspace_for(&mut db, caller, named).await?.id),
            None => None,
        };
        Ok(db.operation_list(caller.who.sees(), workspace, page).await?)
    }
}
