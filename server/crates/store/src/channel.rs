//! Notification channels.

use crate::{
    DEFAULT_TENANT, PageOf, Sealed,
    conn::{Load, Read, Row, Tx},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    id::{ChannelId, PrincipalId, WorkspaceId},
    name::Slug,
    notification::{EventKind, Target},
};
use sqlx::types::Json;
use std::collections::BTreeSet;

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// Its id.
    pub id: ChannelId,
    /// Its name.
    pub name: Slug,
    /// The workspace whose events it tells; of all where absent.
    pub workspace_id: Option<WorkspaceId>,
    /// Its slug.
    pub workspace: Option<Slug>,
    /// Where it leads.
    pub target: Target,
    /// Of what it tells.
    pub events: BTreeSet<EventKind>,
    /// What is secret of it, sealed.
    pub secret: Option<Sealed>,
    /// Counts up with every change.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Load for ChannelRow {
    fn load(r: &Row) -> Result<Self> {
        let slug: Option<String> = r.get("workspace")?;
        let bytes: Option<Vec<u8>> = r.get("secret")?;
        let key_id: Option<String> = r.get("secret_key_id")?;
        Ok(Self {
            id: r.id("id", ChannelId::from_uuid)?,
            name: r.text("name")?,
            workspace_id: r.maybe_id("workspace_id", WorkspaceId::from_uuid)?,
            workspace: slug.map(|_| r.text("workspace")).transpose()?,
            target: r.json("target")?,
            events: r.json("events")?,
            secret: bytes.zip(key_id).map(|(bytes, key_id)| Sealed { key_id, bytes }),
            revision: r.get("revision")?,
            created_at: r.time("created_at")?,
            updated_at: r.time("updated_at")?,
        })
    }
}

/// A channel to insert.
#[derive(Debug, Clone)]
pub struct NewChannel {
    /// Its id.
    pub id: ChannelId,
    /// Its name.
    pub name: Slug,
    /// The workspace whose events it tells; of all where absent.
    pub workspace: Option<WorkspaceId>,
    /// Where it leads.
    pub target: Target,
    /// Of what it tells.
    pub events: BTreeSet<EventKind>,
    /// What is secret of it, sealed.
    pub secret: Option<Sealed>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT c.id, c.name, c.workspace_id, c.target, c.events, c.secret, c.secret_key_id, c.revision, c.created_at, c.updated_at, \
             w.slug AS workspace FROM notification_channel c LEFT JOIN workspace w ON w.id = c.workspace_id ",
            $rest
        )
    };
}

impl Read {
    /// By id.
    pub async fn channel(&mut self, id: ChannelId) -> Result<Option<ChannelRow>> {
        self.sql(select!("WHERE c.id = $1")).bind(id.uuid()).optional().await
    }
    /// By name.
    pub async fn channel_by_name(&mut self, name: &str) -> Result<Option<ChannelRow>> {
        self.sql(select!("WHERE c.name = $1")).bind(name).optional().await
    }
    /// A page by name: those of workspaces that `visible_to` is an admin of; all where absent.
    pub async fn channel_list(
        &mut self,
        visible_to: Option<PrincipalId>,
        page: &PageOf<String>,
    ) -> Result<Vec<ChannelRow>> {
        self.sql(select!(
            "WHERE c.name > $1 AND ($2 IS NULL OR EXISTS (SELECT 1 FROM membership m \
             WHERE m.workspace_id = c.workspace_id AND m.principal_id = $2 AND m.role = 'admin')) ORDER BY c.name LIMIT $3"
        ))
        .bind(page.after.as_deref().unwrap_or_default())
        .bind(visible_to.map(PrincipalId::uuid))
        .bind(i64::from(page.limit))
        .all()
        .await
    }
    /// The channels that tell of what happens in a workspace.
    pub async fn channels_of(&mut self, workspace: WorkspaceId) -> Result<Vec<ChannelRow>> {
        self.sql(select!("WHERE c.workspace_id IS NULL OR c.workspace_id = $1 ORDER BY c.name"))
            .bind(workspace.uuid())
            .all()
            .await
    }
}

impl Tx {
    /// False where the name is taken.
    pub async fn channel_insert(&mut self, c: &NewChannel) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO notification_channel (id, tenant_id, name, workspace_id, target, events, secret, secret_key_id, revision, \
                 created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $9) ON CONFLICT DO NOTHING",
            )
            .bind(c.id.uuid())
            .bind(DEFAULT_TENANT.uuid())
            .bind(c.name.as_str())
            .bind(c.workspace.map(WorkspaceId::uuid))
            .bind(Json(&c.target))
            .bind(Json(&c.events))
            .bind(c.secret.as_ref().map(|s| s.bytes.clone()))
            .bind(c.secret.as_ref().map(|s| s.key_id.clone()))
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Writes what is changed of it. False where `revision` is not what it is by now.
    pub async fn channel_update(&mut self, c: &ChannelRow, revision: i64) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "UPDATE notification_channel SET target = $2, events = $3, secret = $4, secret_key_id = $5, revision = revision + 1, \
                 updated_at = $6 WHERE id = $1 AND revision = $7",
            )
            .bind(c.id.uuid())
            .bind(Json(&c.target))
            .bind(Json(&c.events))
            .bind(c.secret.as_ref().map(|s| s.bytes.clone()))
            .bind(c.secret.as_ref().map(|s| s.key_id.clone()))
            .bind_time(now)
            .bind(revision)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Deletes one, with its deliveries. False where `revision` is not what it is by now.
    pub async fn channel_delete(&mut self, id: ChannelId, revision: i64) -> Result<bool> {
        let wrote = self
            .sql("DELETE FROM notification_channel WHERE id = $1 AND revision = $2")
            .bind(id.uuid())
            .bind(revision)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
}
