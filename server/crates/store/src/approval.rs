//! The consents that were given to requests.

use crate::{
    conn::{Load, Read, Row, Tx},
    error::Result,
};
use orbit_core::{
    approval::Consent,
    id::{PrincipalId, RequestId},
};

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

impl Read {
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
