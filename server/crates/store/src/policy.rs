//! Topic policies.

use crate::{
    DEFAULT_TENANT, PageOf,
    conn::{Load, Read, Row, Tx},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    id::{PolicyId, PrincipalId, WorkspaceId},
    name::Slug,
    policy::{Rulebook, Scope, TopicPolicy, TopicRules},
};
use sqlx::types::Json;

/// A topic policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyRow {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: Slug,
    /// The workspace that it binds; everybody where absent.
    pub workspace_id: Option<WorkspaceId>,
    /// Its slug.
    pub workspace: Option<Slug>,
    /// What it says.
    pub rules: TopicRules,
    /// Counts up with every change.
    pub version: i64,
    /// The pack that it comes from.
    pub pack: Option<PackMark>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Load for PolicyRow {
    fn load(r: &Row) -> Result<Self> {
        let slug: Option<String> = r.get("workspace")?;
        Ok(Self {
            id: r.id("id", PolicyId::from_uuid)?,
            name: r.text("name")?,
            workspace_id: r.maybe_id("workspace_id", WorkspaceId::from_uuid)?,
            workspace: slug.map(|_| r.text("workspace")).transpose()?,
            rules: r.json("rules")?,
            version: r.get("version")?,
            pack: PackMark::load(r)?,
            created_at: r.time("created_at")?,
            updated_at: r.time("updated_at")?,
        })
    }
}

/// The pack that a policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackMark {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: i64,
    /// The version of the policy that it wrote: a later one was changed by hand.
    pub wrote: i64,
}

impl PackMark {
    fn load(r: &Row) -> Result<Option<Self>> {
        let name: Option<String> = r.get("pack")?;
        let (version, wrote): (Option<i64>, Option<i64>) = (r.get("pack_version")?, r.get("pack_wrote")?);
        Ok(name.map(|name| Self { name, version: version.unwrap_or(0), wrote: wrote.unwrap_or(0) }))
    }
}

/// A policy as it was in one of its versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyVersionRow {
    /// The policy: what it said, its version and when it was changed are those of then.
    pub policy: PolicyRow,
    /// The name of who wrote it; not known of what was written before versions were kept.
    pub written_by: Option<String>,
}

impl Load for PolicyVersionRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self { policy: PolicyRow::load(r)?, written_by: r.get("written_by")? })
    }
}

/// A policy without what it says.
struct Head {
    id: PolicyId,
    name: Slug,
    workspace_id: Option<WorkspaceId>,
    version: i64,
}

impl Load for Head {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            id: r.id("id", PolicyId::from_uuid)?,
            name: r.text("name")?,
            workspace_id: r.maybe_id("workspace_id", WorkspaceId::from_uuid)?,
            version: r.get("version")?,
        })
    }
}

/// A policy to insert.
#[derive(Debug, Clone)]
pub struct NewPolicy {
    /// Its id.
    pub id: PolicyId,
    /// Its name.
    pub name: Slug,
    /// The workspace that it binds; everybody where absent.
    pub workspace: Option<WorkspaceId>,
    /// What it says.
    pub rules: TopicRules,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.name, p.workspace_id, p.rules, p.version, p.pack, p.pack_version, p.pack_wrote, p.created_at, p.updated_at, w.slug AS workspace FROM topic_policy p LEFT JOIN workspace w ON w.id = p.workspace_id ",
            $rest
        )
    };
}

macro_rules! select_version {
    ($rest:literal) => {
        concat!(
            "SELECT p.id, p.name, p.workspace_id, v.rules, v.version, p.pack, p.pack_version, p.pack_wrote, p.created_at, v.written_at AS updated_at, v.written_by, w.slug AS workspace \
             FROM topic_policy_version v JOIN topic_policy p ON p.id = v.policy_id LEFT JOIN workspace w ON w.id = p.workspace_id ",
            $rest
        )
    };
}

impl Read {
    /// A policy as it was in a version.
    pub async fn policy_version(&mut self, id: PolicyId, version: i64) -> Result<Option<PolicyVersionRow>> {
        self.sql(select_version!("WHERE v.policy_id = $1 AND v.version = $2"))
            .bind(id.uuid())
            .bind(version)
            .optional()
            .await
    }
    /// A page of a policy's versions, newest first.
    pub async fn policy_versions(&mut self, id: PolicyId, page: &PageOf<i64>) -> Result<Vec<PolicyVersionRow>> {
        self.sql(select_version!("WHERE v.policy_id = $1 AND v.version < $2 ORDER BY v.version DESC LIMIT $3"))
            .bind(id.uuid())
            .bind(page.after.unwrap_or(i64::MAX))
            .bind(i64::from(page.limit))
            .all()
            .await
    }
    /// By id.
    pub async fn policy(&mut self, id: PolicyId) -> Result<Option<PolicyRow>> {
        self.sql(select!("WHERE p.id = $1")).bind(id.uuid()).optional().await
    }
    /// By name.
    pub async fn policy_by_name(&mut self, name: &str) -> Result<Option<PolicyRow>> {
        self.sql(select!("WHERE p.name = $1")).bind(name).optional().await
    }
    /// A page by name: the platform's, and those of workspaces in which `visible_to` has a role; all where absent.
    pub async fn policy_list(
        &mut self,
        visible_to: Option<PrincipalId>,
        page: &PageOf<String>,
    ) -> Result<Vec<PolicyRow>> {
        self.sql(select!(
            "WHERE p.name > $1 AND ($2 IS NULL OR p.workspace_id IS NULL OR EXISTS \
             (SELECT 1 FROM membership m WHERE m.workspace_id = p.workspace_id AND m.principal_id = $2)) \
             ORDER BY p.name LIMIT $3"
        ))
        .bind(page.after.as_deref().unwrap_or_default())
        .bind(visible_to.map(PrincipalId::uuid))
        .bind(i64::from(page.limit))
        .all()
        .await
    }
    /// The policies that come from a pack, by name.
    pub async fn policies_of_pack(&mut self, pack: &str) -> Result<Vec<PolicyRow>> {
        self.sql(select!("WHERE p.pack = $1 ORDER BY p.name")).bind(pack).all().await
    }
    /// Everything that binds a workspace: the platform's policies and its own, by name.
    pub async fn rulebook(&mut self, workspace: WorkspaceId) -> Result<Rulebook> {
        let heads: Vec<Head> = self
            .sql(
                "SELECT id, name, workspace_id, version FROM topic_policy \
                 WHERE workspace_id IS NULL OR workspace_id = $1 ORDER BY name",
            )
            .bind(workspace.uuid())
            .all()
            .await?;
        let mut topic_policies = Vec::with_capacity(heads.len());
        for Head { id, name, workspace_id, version } in heads {
            let (version, rules) = match self.rules.get(id, version) {
                Some(rules) => (version, rules),
                None => match self.policy(id).await? {
                    // Outside a snapshot it may have been replaced this very moment: then that version binds.
                    Some(row) => (row.version, self.rules.keep(id, row.version, row.rules)),
                    None => continue,
                },
            };
            let scope = workspace_id.map_or(Scope::Platform, Scope::Workspace);
            topic_policies.push(TopicPolicy { id, name, version, scope, rules });
        }
        Ok(Rulebook { topic_policies })
    }
}

impl Tx {
    /// False where the name is taken.
    pub async fn policy_insert(&mut self, p: &NewPolicy) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO topic_policy (id, tenant_id, name, workspace_id, rules, version, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, 1, $6, $6) ON CONFLICT DO NOTHING",
            )
            .bind(p.id.uuid())
            .bind(DEFAULT_TENANT.uuid())
            .bind(p.name.as_str())
            .bind(p.workspace.map(WorkspaceId::uuid))
            .bind(Json(&p.rules))
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Replaces what it says. False where `version` is not what it is by now.
    pub async fn policy_replace(&mut self, id: PolicyId, rules: &TopicRules, version: i64) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql("UPDATE topic_policy SET rules = $2, version = version + 1, updated_at = $3 WHERE id = $1 AND version = $4")
            .bind(id.uuid())
            .bind(Json(rules))
            .bind_time(now)
            .bind(version)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Keeps what it says now as a version, and who wrote that: due after each insert and replacement.
    pub async fn policy_version_keep(&mut self, id: PolicyId, written_by: &str) -> Result<()> {
        self.sql(
            "INSERT INTO topic_policy_version (policy_id, version, rules, written_by, written_at) \
             SELECT id, version, rules, $2, updated_at FROM topic_policy WHERE id = $1",
        )
        .bind(id.uuid())
        .bind(written_by)
        .one_row()
        .await
    }
    /// Notes that what a policy says now is what a version of a pack wrote.
    pub async fn policy_of_pack(&mut self, id: PolicyId, pack: &str, version: i64) -> Result<()> {
        self.sql("UPDATE topic_policy SET pack = $2, pack_version = $3, pack_wrote = version WHERE id = $1")
            .bind(id.uuid())
            .bind(pack)
            .bind(version)
            .one_row()
            .await
    }
    /// Deletes one, its versions too. False where `version` is not what it is by now.
    pub async fn policy_delete(&mut self, id: PolicyId, version: i64) -> Result<bool> {
        let wrote = self
            .sql("DELETE FROM topic_policy WHERE id = $1 AND version = $2")
            .bind(id.uuid())
            .bind(version)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
}
