//! Operations, as their workspace sees them.

use super::{App, AppResult, Code, Refusal};
use crate::auth::{Caller, permission::OperationRead};
use orbit_core::id::OperationId;
use orbit_store::{OperationRow, PageOf};
use uuid::Uuid;

impl App {
    /// An operation. Another workspace's is not there.
    pub async fn operation_get(&self, caller: &Caller<OperationRead>, named: &str) -> AppResult<OperationRow> {
        let absent =
            || Refusal::new(Code::OperationNotFound, format!("there is no operation {named} that you can see"));
        let id: OperationId = named.parse().map_err(|_| absent())?;
        let row = self.store.read().await?.operation(id).await?.ok_or_else(absent)?;
        caller.in_workspace(row.workspace_id, absent)?;
        Ok(row)
    }

    /// A page of operations, newest first: of one workspace, or, for platform admins, of all.
    pub async fn operation_list(
        &self,
        caller: &Caller<OperationRead>,
        workspace: Option<&str>,
        page: &PageOf<Uuid>,
    ) -> AppResult<Vec<OperationRow>> {
        let mut db = self.store.read().await?;
        let workspace = match workspace {
            Some(named) => Some(self.workspace_for(&mut db, caller, named).await?.id),
            None if caller.who.platform_admin => None,
            None => {
                return Err(Refusal::new(
                    Code::Forbidden,
                    "listing the operations of all workspaces takes platform-admin",
                )
                .remedy("name a workspace: ?workspace=")
                .into());
            }
        };
        Ok(db.operation_list(workspace, page).await?)
    }
}
