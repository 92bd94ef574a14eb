//! Principals, memberships and tokens.

use crate::{
    PageOf,
    conn::{Load, Read, Row, Tx, sql},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    id::{MembershipId, PrincipalId, TenantId, TokenId, WorkspaceId},
    name::Slug,
};
use sqlx::types::Json;
use uuid::Uuid;

/// The one tenant that there is so far.
pub const DEFAULT_TENANT: TenantId = TenantId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001));
/// Orbit itself.
pub const SYSTEM_PRINCIPAL: PrincipalId =
    PrincipalId::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0002));

/// A person or a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalRow {
    /// Its id.
    pub id: PrincipalId,
    /// Its name.
    pub name: String,
    /// `person`, `service` or `system`.
    pub kind: String,
    /// Where they get mail.
    pub email: Option<String>,
    /// Counts up with every change.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Load for PrincipalRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            id: r.id("id", PrincipalId::from_uuid)?,
            name: r.get("name")?,
            kind: r.get("kind")?,
            email: r.get("email")?,
            revision: r.get("revision")?,
            created_at: r.time("created_at")?,
        })
    }
}

/// A principal's role, on the platform or in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipRow {
    /// Its id.
    pub id: MembershipId,
    /// The principal.
    pub principal_id: PrincipalId,
    /// Its name.
    pub principal: String,
    /// `platform-admin`, `admin`, `member` or `viewer`.
    pub role: String,
    /// The workspace; absent for the platform.
    pub workspace_id: Option<WorkspaceId>,
    /// Its slug.
    pub workspace: Option<Slug>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Load for MembershipRow {
    fn load(r: &Row) -> Result<Self> {
        let slug: Option<String> = r.get("workspace")?;
        Ok(Self {
            id: r.id("id", MembershipId::from_uuid)?,
            principal_id: r.id("principal_id", PrincipalId::from_uuid)?,
            principal: r.get("principal")?,
            role: r.get("role")?,
            workspace_id: r.maybe_id("workspace_id", WorkspaceId::from_uuid)?,
            workspace: slug.map(|_| r.text("workspace")).transpose()?,
            created_at: r.time("created_at")?,
        })
    }
}

/// A token, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// The principal.
    pub principal_id: PrincipalId,
    /// Its name.
    pub principal: String,
    /// When it was minted.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

impl Load for TokenRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            id: r.id("id", TokenId::from_uuid)?,
            name: r.get("name")?,
            principal_id: r.id("principal_id", PrincipalId::from_uuid)?,
            principal: r.get("principal")?,
            created_at: r.time("created_at")?,
            expires_at: r.maybe_time("expires_at")?,
            revoked_at: r.maybe_time("revoked_at")?,
            last_used_at: r.maybe_time("last_used_at")?,
        })
    }
}

/// A token to store: its SHA-256, never itself.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// Its id.
    pub id: TokenId,
    /// Whom it speaks for.
    pub principal: PrincipalId,
    /// What it is for.
    pub name: String,
    /// SHA-256 of the token.
    pub hash: Vec<u8>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Who a token speaks for, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// The token.
    pub token: TokenRow,
    /// The principal's roles.
    pub memberships: Vec<MembershipRow>,
}

macro_rules! membership {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.principal_id, m.workspace_id, m.role, m.created_at, p.name AS principal, w.slug AS workspace FROM membership m \
             JOIN principal p ON p.id = m.principal_id LEFT JOIN workspace w ON w.id = m.workspace_id ",
            $rest
        )
    };
}
macro_rules! token {
    ($rest:literal) => {
        concat!("SELECT t.id, t.name, t.principal_id, t.created_at, t.expires_at, t.revoked_at, t.last_used_at, p.name AS principal FROM token t JOIN principal p ON p.id = t.principal_id ", $rest)
    };
}

impl Read {
    /// By id.
    pub async fn principal(&mut self, id: PrincipalId) -> Result<Option<PrincipalRow>> {
        self.sql(
            "SELECT id, name, kind, email, revision, created_at FROM principal WHERE id = $1 AND deleted_at IS NULL",
        )
        .bind(id.uuid())
        .optional()
        .await
    }
    /// By name.
    pub async fn principal_by_name(&mut self, name: &str) -> Result<Option<PrincipalRow>> {
        self.sql(
            "SELECT id, name, kind, email, revision, created_at FROM principal WHERE name = $1 AND deleted_at IS NULL",
        )
        .bind(name)
        .optional()
        .await
    }
    /// Those with a mail address who may have to decide something: admins of the platform or of a workspace, and those of these names.
    pub async fn principals_to_ask(&mut self, names: &[String]) -> Result<Vec<PrincipalRow>> {
        self.sql(sql!(
            pg: "SELECT id, name, kind, email, revision, created_at FROM principal p WHERE email IS NOT NULL AND deleted_at IS NULL AND (EXISTS (SELECT 1 FROM membership m \
                 WHERE m.principal_id = p.id AND m.role IN ('admin', 'platform-admin')) \
                 OR name IN (SELECT value FROM jsonb_array_elements_text($1) AS t (value))) ORDER BY name",
            lite: "SELECT id, name, kind, email, revision, created_at FROM principal p WHERE email IS NOT NULL AND deleted_at IS NULL AND (EXISTS (SELECT 1 FROM membership m \
                 WHERE m.principal_id = p.id AND m.role IN ('admin', 'platform-admin')) \
                 OR name IN (SELECT value FROM json_each($1))) ORDER BY name",
        ))
        .bind(Json(names))
        .all()
        .await
    }
    /// A page by name.
    pub async fn principal_list(&mut self, page: &PageOf<String>) -> Result<Vec<PrincipalRow>> {
        self.sql("SELECT id, name, kind, email, revision, created_at FROM principal WHERE name > $1 AND kind <> 'system' AND deleted_at IS NULL ORDER BY name LIMIT $2")
            .bind(page.after.as_deref().unwrap_or_default())
            .bind(i64::from(page.limit))
            .all()
            .await
    }
    /// By id.
    pub async fn membership(&mut self, id: MembershipId) -> Result<Option<MembershipRow>> {
        self.sql(membership!("WHERE m.id = $1")).bind(id.uuid()).optional().await
    }
    /// A page by id; of one workspace, of one principal, or all.
    pub async fn membership_list(
        &mut self,
        workspace: Option<WorkspaceId>,
        principal: Option<PrincipalId>,
        page: &PageOf<Uuid>,
    ) -> Result<Vec<MembershipRow>> {
        self.sql(membership!(
            "WHERE m.id > $1 AND ($2 IS NULL OR m.workspace_id = $2) AND ($3 IS NULL OR m.principal_id = $3) \
             ORDER BY m.id LIMIT $4"
        ))
        .bind(page.after.unwrap_or_default())
        .bind(workspace.map(WorkspaceId::uuid))
        .bind(principal.map(PrincipalId::uuid))
        .bind(i64::from(page.limit))
        .all()
        .await
    }
    /// By id.
    pub async fn token(&mut self, id: TokenId) -> Result<Option<TokenRow>> {
        self.sql(token!("WHERE t.id = $1")).bind(id.uuid()).optional().await
    }
    /// A page by id; of one principal or all.
    pub async fn token_list(&mut self, of: Option<PrincipalId>, page: &PageOf<Uuid>) -> Result<Vec<TokenRow>> {
        self.sql(token!("WHERE t.id > $1 AND ($2 IS NULL OR t.principal_id = $2) ORDER BY t.id LIMIT $3"))
            .bind(page.after.unwrap_or_default())
            .bind(of.map(PrincipalId::uuid))
            .bind(i64::from(page.limit))
            .all()
            .await
    }
    /// Whom the token of this hash speaks for. Says nothing of whether it still holds: see [`TokenRow`].
    pub async fn who(&mut self, hash: &[u8]) -> Result<Option<Who>> {
        let Some(token): Option<TokenRow> =
            self.sql(token!("WHERE t.hash = $1 AND p.deleted_at IS NULL")).bind(hash).optional().await?
        else {
            return Ok(None);
        };
        let memberships = self.memberships_of(token.principal_id).await?;
        Ok(Some(Who { token, memberships }))
    }
    /// Every role of a principal.
    pub async fn memberships_of(&mut self, principal: PrincipalId) -> Result<Vec<MembershipRow>> {
        self.sql(membership!("WHERE m.principal_id = $1 ORDER BY m.id")).bind(principal.uuid()).all().await
    }
}

impl Tx {
    /// Says where a principal gets mail; `None`: nowhere. False where it is not at this revision any more.
    pub async fn principal_email(&mut self, id: PrincipalId, email: Option<&str>, revision: i64) -> Result<bool> {
        let wrote = self
            .sql("UPDATE principal SET email = $2, revision = revision + 1 WHERE id = $1 AND revision = $3")
            .bind(id.uuid())
            .bind(email)
            .bind(revision)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// False where the name is taken. Somebody of that name who has left comes back, under the id of old.
    pub async fn principal_insert(
        &mut self,
        id: PrincipalId,
        (kind, name): (&str, &str),
        email: Option<&str>,
    ) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO principal (id, tenant_id, kind, name, email, revision, created_at) \
                 VALUES ($1, $2, $3, $4, $5, 1, $6) ON CONFLICT (name) DO UPDATE SET kind = excluded.kind, \
                 email = excluded.email, deleted_at = NULL, revision = principal.revision + 1 \
                 WHERE principal.deleted_at IS NOT NULL",
            )
            .bind(id.uuid())
            .bind(DEFAULT_TENANT.uuid())
            .bind(kind)
            .bind(name)
            .bind(email)
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Somebody leaves: their tokens end, their roles go, and what they did keeps their name. False where they have left
    /// before, or are not at this revision any more.
    pub async fn principal_leave(&mut self, id: PrincipalId, revision: i64) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "UPDATE principal SET deleted_at = $2, email = NULL, revision = revision + 1 \
                 WHERE id = $1 AND revision = $3 AND deleted_at IS NULL",
            )
            .bind(id.uuid())
            .bind_time(now)
            .bind(revision)
            .execute()
            .await?;
        if wrote != 1 {
            return Ok(false);
        }
        self.sql("UPDATE token SET revoked_at = $2 WHERE principal_id = $1 AND revoked_at IS NULL")
            .bind(id.uuid())
            .bind_time(now)
            .execute()
            .await?;
        self.sql("DELETE FROM membership WHERE principal_id = $1").bind(id.uuid()).execute().await?;
        Ok(true)
    }
    /// False where the principal has a role there already.
    pub async fn membership_insert(
        &mut self,
        id: MembershipId,
        principal: PrincipalId,
        workspace: Option<WorkspaceId>,
        role: &str,
    ) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO membership (id, principal_id, workspace_id, role, created_at) \
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            )
            .bind(id.uuid())
            .bind(principal.uuid())
            .bind(workspace.map(WorkspaceId::uuid))
            .bind(role)
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Takes a role away.
    pub async fn membership_delete(&mut self, id: MembershipId) -> Result<()> {
        self.sql("DELETE FROM membership WHERE id = $1").bind(id.uuid()).one_row().await
    }
    /// Stores a token's hash.
    pub async fn token_insert(&mut self, t: &NewToken) -> Result<()> {
        let now = self.now().await?;
        self.sql(
            "INSERT INTO token (id, principal_id, name, hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(t.id.uuid())
        .bind(t.principal.uuid())
        .bind(&t.name)
        .bind(&t.hash)
        .bind_time(now)
        .bind_maybe_time(t.expires_at)
        .one_row()
        .await
    }
    /// Ends a token now. False where it had ended before.
    pub async fn token_revoke(&mut self, id: TokenId) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql("UPDATE token SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
            .bind(id.uuid())
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Notes that a token was used.
    pub async fn token_used(&mut self, id: TokenId) -> Result<()> {
        let now = self.now().await?;
        self.sql("UPDATE token SET last_used_at = $2 WHERE id = $1").bind(id.uuid()).bind_time(now).one_row().await
    }
}
