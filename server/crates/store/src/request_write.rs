//! Filing and deciding requests, and the lock that keeps one open request per object.

use crate::{
    DEFAULT_TENANT, RequestRow,
    conn::{Tx, sql},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    approval::RequestState,
    change::Change,
    documentation::Documentation,
    id::{OperationId, PrincipalId, RequestId, RunGroupId, WorkspaceId},
    model::topic::Difference,
    policy::{Needs, Verdict},
};
use sqlx::types::Json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A request to insert.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Its id.
    pub id: RequestId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Who files it.
    pub requester: PrincipalId,
    /// The run it comes from.
    pub group: Option<RunGroupId>,
    /// Where that run can be seen.
    pub run_url: Option<String>,
    /// Where it stands from the start: `pending`, or `approved` where policy allows.
    pub state: RequestState,
    /// What policy said.
    pub verdict: Verdict,
    /// What it says for itself.
    pub documentation: Documentation,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Its objects.
    pub items: Vec<NewItem>,
}

/// One object of a request to insert.
#[derive(Debug, Clone)]
pub struct NewItem {
    /// What is to happen.
    pub change: Change,
    /// What policy said of it.
    pub verdict: Verdict,
    /// What changes.
    pub differences: Vec<Difference>,
    /// Revision of the object that was judged; 0 where it is new.
    pub base_revision: i64,
}

/// How a request ended, or went on to an operation.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// Where it stands now.
    pub state: RequestState,
    /// Who did it.
    pub by: String,
    /// What they said.
    pub reason: Option<String>,
    /// The operation that carries it out.
    pub operation: Option<OperationId>,
    /// The request that takes its place.
    pub superseded_by: Option<RequestId>,
}

impl Tx {
    /// The request, held until the commit: two who decide wait for each other.
    pub async fn request_lock(&mut self, id: RequestId) -> Result<Option<RequestRow>> {
        self.sql(sql!(
            pg: "SELECT 1 FROM request WHERE id = $1 FOR UPDATE",
            lite: "SELECT 1 FROM request WHERE id = $1"
        ))
        .bind(id.uuid())
        .execute()
        .await?;
        self.request(id).await
    }
    /// The group of a run, made at its first request.
    pub async fn run_group(&mut self, fresh: RunGroupId, run_id: &str) -> Result<RunGroupId> {
        let now = self.now().await?;
        self.sql(
            "INSERT INTO run_group (id, tenant_id, run_id, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (tenant_id, run_id) DO NOTHING",
        )
        .bind(fresh.uuid())
        .bind(DEFAULT_TENANT.uuid())
        .bind(run_id)
        .bind_time(now)
        .execute()
        .await?;
        let id: Option<Uuid> = self
            .sql("SELECT id FROM run_group WHERE tenant_id = $1 AND run_id = $2")
            .bind(DEFAULT_TENANT.uuid())
            .bind(run_id)
            .scalar()
            .await?;
        Ok(id.map_or(fresh, RunGroupId::from_uuid))
    }
    /// Takes note that a run asked for what a request asks for already.
    pub async fn run_attach(&mut self, request: RequestId, group: RunGroupId) -> Result<()> {
        self.sql(
            "INSERT INTO attached_run (request_id, run_group_id) SELECT id, $2 FROM request \
             WHERE id = $1 AND (run_group_id IS NULL OR run_group_id <> $2) ON CONFLICT DO NOTHING",
        )
        .bind(request.uuid())
        .bind(group.uuid())
        .execute()
        .await?;
        Ok(())
    }

    /// Files a request with its items and takes the lock of each object. False where one is locked by another request: then the transaction holds
    /// half of it and must not be committed.
    pub async fn request_insert(&mut self, r: &NewRequest) -> Result<bool> {
        let now = self.now().await?;
        self.sql(
            "INSERT INTO request (id, workspace_id, requester_id, run_group_id, state, verdict, justification, documentation, expires_at, \
             revision, created_at, run_url) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11)",
        )
        .bind(r.id.uuid())
        .bind(r.workspace.uuid())
        .bind(r.requester.uuid())
        .bind(r.group.map(RunGroupId::uuid))
        .bind(r.state.as_str())
        .bind(Json(&r.verdict))
        .bind(&r.documentation.justification)
        .bind(Json(&r.documentation))
        .bind_time(r.expires_at)
        .bind_time(now)
        .bind(&r.run_url)
        .one_row()
        .await?;
        for (ordinal, item) in (0..).zip(&r.items) {
            self.request_item_insert(r.id, ordinal, item).await?;
            if !self.object_lock(item.change.object().id, r.id).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
    async fn request_item_insert(&mut self, id: RequestId, ordinal: i64, item: &NewItem) -> Result<()> {
        let object = item.change.object();
        self.sql(
            "INSERT INTO request_item (request_id, ordinal, noun, action, object_id, change, verdict, differences, base_revision, environment_id) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(id.uuid())
        .bind(ordinal)
        .bind(object.noun.as_str())
        .bind(item.change.action().as_str())
        .bind(object.id)
        .bind(Json(&item.change))
        .bind(Json(&item.verdict))
        .bind(Json(&item.differences))
        .bind(item.base_revision)
        .bind(item.change.environment().uuid())
        .one_row()
        .await
    }
    async fn object_lock(&mut self, object: Uuid, request: RequestId) -> Result<bool> {
        let wrote = self
            .sql("INSERT INTO object_lock (object_id, request_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(object)
            .bind(request.uuid())
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Notes whose consent is due by now.
    pub async fn request_needs(&mut self, id: RequestId, needs: &BTreeSet<Needs>) -> Result<()> {
        self.sql("UPDATE request SET needs = $2 WHERE id = $1").bind(id.uuid()).bind(Json(needs)).one_row().await
    }
    /// What a pending request says for itself from now on.
    pub async fn request_document(&mut self, id: RequestId, documentation: &Documentation) -> Result<()> {
        self.sql(
            "UPDATE request SET justification = $2, documentation = $3, revision = revision + 1 WHERE id = $1 AND state = 'pending'",
        )
        .bind(id.uuid())
        .bind(&documentation.justification)
        .bind(Json(documentation))
        .one_row()
        .await
    }
    /// Frees the objects of a request that is over.
    pub(crate) async fn request_unlock(&mut self, request: RequestId) -> Result<()> {
        self.sql("DELETE FROM object_lock WHERE request_id = $1").bind(request.uuid()).execute().await?;
        Ok(())
    }
    /// Takes a pending request out of that state.
    pub async fn request_resolve(&mut self, id: RequestId, to: &Resolution) -> Result<()> {
        let now = self.now().await?;
        self.sql(
            "UPDATE request SET state = $2, decided_by = $3, decided_at = $4, reason = $5, operation_id = $6, superseded_by = $7, \
             revision = revision + 1 WHERE id = $1 AND state = 'pending'",
        )
        .bind(id.uuid())
        .bind(to.state.as_str())
        .bind(&to.by)
        .bind_time(now)
        .bind(&to.reason)
        .bind(to.operation.map(OperationId::uuid))
        .bind(to.superseded_by.map(RequestId::uuid))
        .one_row()
        .await
    }
    /// Puts a rejected request back before those who decide: nothing of the decision is left, and the consents given are due anew. False where something
    /// else is open on one of its objects: then the transaction holds half of it and must not be committed.
    pub async fn request_reopen(&mut self, id: RequestId, expires_at: Timestamp) -> Result<bool> {
        self.sql("DELETE FROM approval WHERE request_id = $1").bind(id.uuid()).execute().await?;
        self.sql(
            "UPDATE request SET state = 'pending', decided_by = NULL, decided_at = NULL, reason = NULL, expires_at = $2, warned_at = NULL, \
             revision = revision + 1 WHERE id = $1 AND state = 'rejected'",
        )
        .bind(id.uuid())
        .bind_time(expires_at)
        .one_row()
        .await?;
        for item in self.request_items(id).await? {
            if !self.object_lock(item.object_id, id).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
    /// Notes the operation of a request that policy allowed at once.
    pub async fn request_operation(&mut self, id: RequestId, operation: OperationId) -> Result<()> {
        self.sql("UPDATE request SET operation_id = $2 WHERE id = $1")
            .bind(id.uuid())
            .bind(operation.uuid())
            .one_row()
            .await
    }
}
