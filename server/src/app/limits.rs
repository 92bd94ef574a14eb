//! Limits of workspaces and clusters on how much they may hold in all.

use super::{
    App, AppResult, Call,
    audit::{Picture, Pictured},
    catalog::stale,
};
use crate::auth::{
    Caller,
    permission::{ClusterRead, LimitsWrite, WorkspaceRead},
};
use orbit_core::{
    id::WorkspaceId,
    policy::{Amounts, Holder},
};
use orbit_store::{ClusterRow, LimitsRow, Read, Tx, UsageRow, WorkspaceRow};
use serde_json::json;
use uuid::Uuid;

/// Limits, and what is taken of them.
#[derive(Debug, Clone)]
pub struct LimitsView {
    /// The limits.
    pub row: LimitsRow,
    /// What is taken, open requests included.
    pub used: Vec<UsageRow>,
}

/// Whose limits.
struct Of {
    holder: Holder,
    id: Uuid,
    noun: &'static str,
    slug: String,
}

impl From<&WorkspaceRow> for Of {
    fn from(row: &WorkspaceRow) -> Self {
        Self { holder: Holder::Workspace, id: row.id.uuid(), noun: "workspace", slug: row.slug.to_string() }
    }
}
impl From<&ClusterRow> for Of {
    fn from(row: &ClusterRow) -> Self {
        Self { holder: Holder::Cluster, id: row.id.uuid(), noun: "cluster", slug: row.slug.to_string() }
    }
}

/// Limits as the trail shows them.
struct Limited<'a> {
    of: &'a Of,
    amounts: &'a Amounts,
}

impl Pictured for Limited<'_> {
    fn picture(&self) -> Picture {
        let (of, shows) = (self.of, json!({ "limits": self.amounts }));
        let workspace = (of.holder == Holder::Workspace).then(|| WorkspaceId::from_uuid(of.id));
        Picture { noun: of.noun, id: of.id, key: of.slug.clone(), workspace, shows }
    }
}

async fn view(db: &mut Read, of: &Of) -> AppResult<LimitsView> {
    Ok(LimitsView { row: db.limits(of.id).await?, used: db.usage(of.holder, of.id, None).await? })
}

impl App {
    /// The limits of a workspace.
    pub async fn workspace_limits(&self, caller: &Caller<WorkspaceRead>, named: &str) -> AppResult<LimitsView> {
        let mut db = self.store.read().await?;
        let row = self.workspace_for(&mut db, caller, named).await?;
        view(&mut db, &Of::from(&row)).await
    }

    /// The limits of a cluster.
    pub async fn cluster_limits(&self, _proof: &Caller<ClusterRead>, named: &str) -> AppResult<LimitsView> {
        let mut db = self.store.read().await?;
        let row = self.cluster_named(&mut db, named).await?;
        view(&mut db, &Of::from(&row)).await
    }

    /// Sets the limits of a workspace, whole. What is there already stays, whatever it takes.
    pub async fn workspace_limits_put(
        &self,
        caller: &Caller<LimitsWrite>,
        call: &Call,
        named: &str,
        amounts: &Amounts,
        expected: Option<i64>,
    ) -> AppResult<LimitsView> {
        let mut tx = self.store.begin().await?;
        let row = self.workspace_for(&mut tx, caller, named).await?;
        // Who submits at this moment is judged by the old limits or by the new ones, and counts in what is answered here.
        tx.workspace_lock(row.id).await?;
        self.limits_put(tx, call, &Of::from(&row), amounts, expected).await
    }

    /// Sets the limits of a cluster, whole. What is there already stays, whatever it takes.
    pub async fn cluster_limits_put(
        &self,
        _proof: &Caller<LimitsWrite>,
        call: &Call,
        named: &str,
        amounts: &Amounts,
        expected: Option<i64>,
    ) -> AppResult<LimitsView> {
        let mut tx = self.store.begin().await?;
        let row = self.cluster_named(&mut tx, named).await?;
        tx.cluster_lock(row.id).await?;
        self.limits_put(tx, call, &Of::from(&row), amounts, expected).await
    }

    async fn limits_put(
        &self,
        mut tx: Tx,
        call: &Call,
        of: &Of,
        amounts: &Amounts,
        expected: Option<i64>,
    ) -> AppResult<LimitsView> {
        let before = tx.limits(of.id).await?;
        if !tx.limits_put(of.id, amounts, expected.unwrap_or(before.revision)).await? {
            return Err(stale(&format!("the limits of {} {}", of.noun, of.slug)).into());
        }
        let (before, now) = (Limited { of, amounts: &before.amounts }, Limited { of, amounts });
        self.audit_object(&mut tx, call, "limited", Some(&before), Some(&now)).await?;
        let after = view(&mut tx, of).await?;
        tx.commit().await?;
        Ok(after)
    }
}
