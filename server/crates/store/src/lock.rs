//! Locks on the rows that others refer to. On SQLite, which has one writer, every transaction that writes holds them all.

use crate::{conn::Tx, error::Result};
use orbit_core::id::{ClusterId, WorkspaceId};
use uuid::Uuid;

/// A row that is to be deleted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum RowOf {
    Workspace,
    Environment,
    Cluster,
}

impl Tx {
    /// Makes submits of one workspace wait for each other, so that facts hold until the commit. False where it is gone.
    pub async fn workspace_lock(&mut self, id: WorkspaceId) -> Result<bool> {
        self.lock_once("SELECT 1 FROM workspace WHERE id = $1 FOR NO KEY UPDATE", id.uuid()).await
    }
    /// Makes submits to one cluster wait for each other; always after the workspace's lock, so that no two wait for one another. False where it is gone.
    pub async fn cluster_lock(&mut self, id: ClusterId) -> Result<bool> {
        self.lock_once("SELECT 1 FROM cluster WHERE id = $1 FOR NO KEY UPDATE", id.uuid()).await
    }
    /// Holds a row that is to be deleted: who refers to it is seen by the next statement, who is about to waits.
    pub(crate) async fn row_lock(&mut self, of: RowOf, id: Uuid) -> Result<()> {
        let text = match of {
            RowOf::Workspace => "SELECT 1 FROM workspace WHERE id = $1 FOR UPDATE",
            RowOf::Environment => "SELECT 1 FROM environment WHERE id = $1 FOR UPDATE",
            RowOf::Cluster => "SELECT 1 FROM cluster WHERE id = $1 FOR UPDATE",
        };
        self.lock(text, id).await.map(drop)
    }
    async fn lock_once(&mut self, text: &'static str, id: Uuid) -> Result<bool> {
        if self.holds.contains(&id) {
            return Ok(true);
        }
        let there = self.lock(text, id).await?;
        if there {
            self.holds.insert(id);
            // What is written under the lock is later than what the one before wrote.
            self.look_at_the_clock_again();
        }
        Ok(there)
    }
    async fn lock(&mut self, text: &'static str, id: Uuid) -> Result<bool> {
        Ok(self.writes_alone() || self.sql(text).bind(id).execute().await? == 1)
    }
}
