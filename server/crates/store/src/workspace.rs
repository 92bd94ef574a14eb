//! Workspaces.

use crate::{
    DEFAULT_TENANT, PageOf,
    conn::{Load, Read, Row, Tx},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{id::WorkspaceId, name::Slug};
use uuid::Uuid;

/// A workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceRow {
    /// Its id.
    pub id: WorkspaceId,
    /// Its slug.
    pub slug: Slug,
    /// What people call it.
    pub display_name: String,
    /// Slug of its tenant.
    pub tenant: Slug,
    /// Counts up with every change.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Load for WorkspaceRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            id: r.id("id", WorkspaceId::from_uuid)?,
            slug: r.text("slug")?,
            display_name: r.get("display_name")?,
            tenant: r.text("tenant")?,
            revision: r.get("revision")?,
            created_at: r.time("created_at")?,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT w.id, w.slug, w.display_name, w.revision, w.created_at, t.slug AS tenant FROM workspace w JOIN tenant t ON t.id = w.tenant_id ", $rest)
    };
}

impl Read {
    /// By id.
    pub async fn workspace(&mut self, id: WorkspaceId) -> Result<Option<WorkspaceRow>> {
        self.sql(select!("WHERE w.id = $1")).bind(id.uuid()).optional().await
    }
    /// By slug.
    pub async fn workspace_by_slug(&mut self, slug: &str) -> Result<Option<WorkspaceRow>> {
        self.sql(select!("WHERE w.slug = $1")).bind(slug).optional().await
    }
    /// A page by slug; only those of `principal` where one is given.
    pub async fn workspace_list(&mut self, of: Option<Uuid>, page: &PageOf<String>) -> Result<Vec<WorkspaceRow>> {
        self.sql(select!(
            "WHERE w.slug > $1 AND ($2 IS NULL OR EXISTS \
             (SELECT 1 FROM membership m WHERE m.workspace_id = w.id AND m.principal_id = $2)) ORDER BY w.slug LIMIT $3"
        ))
        .bind(page.after.as_deref().unwrap_or_default())
        .bind(of)
        .bind(i64::from(page.limit))
        .all()
        .await
    }
    /// How many topics it owns.
    pub async fn workspace_topic_count(&mut self, id: WorkspaceId) -> Result<i64> {
        let count = self.sql("SELECT COUNT(*) FROM topic WHERE workspace_id = $1").bind(id.uuid()).scalar().await?;
        Ok(count.unwrap_or(0))
    }
}

impl Tx {
    /// False where the slug is taken.
    pub async fn workspace_insert(&mut self, id: WorkspaceId, slug: &Slug, display_name: &str) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO workspace (id, tenant_id, slug, display_name, revision, created_at) \
                 VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT DO NOTHING",
            )
            .bind(id.uuid())
            .bind(DEFAULT_TENANT.uuid())
            .bind(slug.as_str())
            .bind(display_name)
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Gives it another display name. False where `revision` is not what it is by now.
    pub async fn workspace_update(&mut self, id: WorkspaceId, display_name: &str, revision: i64) -> Result<bool> {
        let wrote = self
            .sql("UPDATE workspace SET display_name = $2, revision = revision + 1 WHERE id = $1 AND revision = $3")
            .bind(id.uuid())
            .bind(display_name)
            .bind(revision)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Deletes one that owns nothing. False where a topic or a policy still belongs to it. Requests and audit events outlive it.
    pub async fn workspace_delete(&mut self, id: WorkspaceId) -> Result<bool> {
        self.row_lock(crate::lock::RowOf::Workspace, id.uuid()).await?;
        let wrote = self
            .sql(
                "DELETE FROM workspace WHERE id = $1 \
                 AND NOT EXISTS (SELECT 1 FROM topic WHERE workspace_id = $1) \
                 AND NOT EXISTS (SELECT 1 FROM topic_policy WHERE workspace_id = $1)",
            )
            .bind(id.uuid())
            .execute()
            .await?;
        if wrote == 1 {
            self.limits_forget(id.uuid()).await?;
        }
        Ok(wrote == 1)
    }
}
