//! Operations, as their workspace sees them.

use super::{App, AppResult, Code, Refusal};
use crate::auth::{Caller, permission::OperationRead};
use orbit_core::id::OperationId;
use orbit_store::{OperationRow, PageOf};
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
