//! The consents that were given to requests.

use crate::{
    conn::{Load, Read, Row, Tx, sql},
    error::Result,
};
use orbit_core::{
    approval::Consent,
    id::{PrincipalId, RequestId},
};
use sqlx::types::Json;
use uuid::Uuid;

/// A consent that was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalRow {
    /// By whom, for which layer.
    pub consent: Consent,
    /// Their name.
    pub name: String,
    /// What they said.
    pub comment: Option<String>,
}

impl Load for ApprovalRow {
    fn load(r: &Row) -> Result<Self> {
        let consent = Consent { principal: r.id("principal_id", PrincipalId::from_uuid)?, layer: r.word("layer")? };
        Ok(Self { consent, name: r.get("name")?, comment: r.get("comment")? })
    }
}

struct OfRequest(RequestId, ApprovalRow);
impl Load for OfRequest {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self(r.id("request_id", RequestId::from_uuid)?, ApprovalRow::load(r)?))
    }
}

impl Read {
    /// The consents given to several requests.
    pub async fn approvals_of(&mut self, requests: &[RequestId]) -> Result<Vec<(RequestId, ApprovalRow)>> {
        let ids: Vec<Uuid> = requests.iter().map(|id| id.uuid()).collect();
        let rows: Vec<OfRequest> = self
            .sql(sql!(
                pg: "SELECT a.request_id, a.principal_id, a.layer, a.comment, p.name FROM approval a JOIN principal p ON p.id = a.principal_id \
                     WHERE a.request_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1) AS t (value)) \
                     ORDER BY a.request_id, a.given_at, a.principal_id",
                lite: "SELECT a.request_id, a.principal_id, a.layer, a.comment, p.name FROM approval a JOIN principal p ON p.id = a.principal_id \
                     WHERE a.request_id IN (SELECT unhex(value, '-') FROM json_each($1)) ORDER BY a.request_id, a.given_at, a.principal_id",
            ))
            .bind(Json(ids))
            .all()
            .await?;
        Ok(rows.into_iter().map(|r| (r.0, r.1)).collect())
    }
    /// The consents given to a request.
    pub async fn approvals(&mut self, id: RequestId) -> Result<Vec<ApprovalRow>> {
        self.sql("SELECT a.principal_id, a.layer, a.comment, p.name FROM approval a JOIN principal p ON p.id = a.principal_id WHERE a.request_id = $1 ORDER BY a.given_at, a.principal_id")
            .bind(id.uuid())
            .all()
            .await
    }
}

impl Tx {
    /// Notes a consent.
    pub async fn approval_give(&mut self, request: RequestId, consent: Consent, comment: Option<&str>) -> Result<()> {
        let now = self.now().await?;
        self.sql(
            "INSERT INTO approval (request_id, principal_id, layer, comment, given_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (request_id, principal_id) DO UPDATE SET layer = $3, comment = $4, given_at = $5",
        )
        .bind(request.uuid())
        .bind(consent.principal.uuid())
        .bind(consent.layer.as_str())
        .bind(comment)
        .bind_time(now)
        .one_row()
        .await?;
        self.sql("UPDATE request SET revision = revision + 1 WHERE id = $1").bind(request.uuid()).one_row().await
    }
}
