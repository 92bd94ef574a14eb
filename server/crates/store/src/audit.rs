//! The audit trail: who did what, written in the transaction of the deed.

use crate::{
    conn::{Load, Read, Row, Tx},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    id::{AuditEventId, OperationId, PrincipalId, RequestId, TokenId, WorkspaceId},
    policy::Verdict,
};
use sqlx::types::Json;
use uuid::Uuid;

/// An event to write. Never holds a secret: `before` and `after` are what answers show.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// Its id.
    pub id: AuditEventId,
    /// Who.
    pub principal: PrincipalId,
    /// Their name, as it was.
    pub actor: String,
    /// The token they used.
    pub token: Option<TokenId>,
    /// Where they called from.
    pub source_address: Option<String>,
    /// What, for example `request.approved`.
    pub action: String,
    /// Kind of the object.
    pub noun: String,
    /// The object.
    pub object: Option<Uuid>,
    /// Its natural key.
    pub object_key: String,
    /// Its workspace.
    pub workspace: Option<WorkspaceId>,
    /// The request that it belongs to.
    pub request: Option<RequestId>,
    /// The operation that it belongs to.
    pub operation: Option<OperationId>,
    /// More, for a person.
    pub detail: Option<String>,
    /// The object before.
    pub before: Option<serde_json::Value>,
    /// The object after.
    pub after: Option<serde_json::Value>,
    /// What policy said.
    pub verdict: Option<Verdict>,
}

impl AuditEvent {
    /// An event with what every event has.
    #[must_use]
    pub fn new(
        id: AuditEventId,
        principal: PrincipalId,
        actor: &str,
        action: &str,
        noun: &str,
        object: Option<Uuid>,
        object_key: &str,
    ) -> Self {
        Self {
            id,
            principal,
            actor: actor.to_owned(),
            token: None,
            source_address: None,
            action: action.to_owned(),
            noun: noun.to_owned(),
            object,
            object_key: object_key.to_owned(),
            workspace: None,
            request: None,
            operation: None,
            detail: None,
            before: None,
            after: None,
            verdict: None,
        }
    }
}

/// A line of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// The request that it belongs to.
    pub request_id: Option<RequestId>,
    /// More, for a person.
    pub detail: Option<String>,
}

impl Load for AuditRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            at: r.time("at")?,
            actor: r.get("actor")?,
            action: r.get("action")?,
            request_id: r.maybe_id("request_id", RequestId::from_uuid)?,
            detail: r.get("detail")?,
        })
    }
}

impl Read {
    /// What happened to an object, newest first.
    pub async fn audit_of(&mut self, object: Uuid, limit: u32) -> Result<Vec<AuditRow>> {
        self.sql("SELECT at, actor, action, request_id, detail FROM audit_event WHERE object_id = $1 ORDER BY at DESC, id DESC LIMIT $2")
            .bind(object)
            .bind(i64::from(limit))
            .all()
            .await
    }
}

impl Tx {
    /// Writes an event.
    pub async fn audit(&mut self, e: &AuditEvent) -> Result<()> {
        let now = self.now().await?;
        self.sql(
            "INSERT INTO audit_event (id, at, principal_id, actor, token_id, source_address, action, noun, object_id, object_key, \
             workspace_id, request_id, operation_id, detail, before, after, verdict) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        )
        .bind(e.id.uuid())
        .bind_time(now)
        .bind(e.principal.uuid())
        .bind(&e.actor)
        .bind(e.token.map(TokenId::uuid))
        .bind(&e.source_address)
        .bind(&e.action)
        .bind(&e.noun)
        .bind(e.object)
        .bind(&e.object_key)
        .bind(e.workspace.map(WorkspaceId::uuid))
        .bind(e.request.map(RequestId::uuid))
        .bind(e.operation.map(OperationId::uuid))
        .bind(&e.detail)
        .bind(e.before.as_ref().map(Json))
        .bind(e.after.as_ref().map(Json))
        .bind(e.verdict.as_ref().map(Json))
        .one_row()
        .await
    }
}
