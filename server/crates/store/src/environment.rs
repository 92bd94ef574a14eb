//! Environments, and the mappings that lead them to clusters.

use crate::{
    DEFAULT_TENANT, PageOf,
    conn::{Load, Read, Row, Tx, sql},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    id::{ClusterId, EnvironmentId, MappingId},
    model::environment::NamingTemplate,
    name::Slug,
};
use sqlx::types::Json;
use uuid::Uuid;

/// An environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRow {
    /// Its id.
    pub id: EnvironmentId,
    /// Its slug.
    pub slug: Slug,
    /// What people call it.
    pub display_name: String,
    /// How physical names are made.
    pub naming_template: NamingTemplate,
    /// Names of principals who may give the platform's consent here.
    pub default_approvers: Vec<String>,
    /// Counts up with every change.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Load for EnvironmentRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            id: r.id("id", EnvironmentId::from_uuid)?,
            slug: r.text("slug")?,
            display_name: r.get("display_name")?,
            naming_template: r.text("naming_template")?,
            default_approvers: r.json("default_approvers")?,
            revision: r.get("revision")?,
            created_at: r.time("created_at")?,
        })
    }
}

/// An environment to insert.
#[derive(Debug, Clone)]
pub struct NewEnvironment {
    /// Its id.
    pub id: EnvironmentId,
    /// Its slug.
    pub slug: Slug,
    /// What people call it.
    pub display_name: String,
    /// How physical names are made.
    pub naming_template: NamingTemplate,
    /// Names of principals who may give the platform's consent here.
    pub default_approvers: Vec<String>,
}

/// A rule that leads an environment to a cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappingRow {
    /// Its id.
    pub id: MappingId,
    /// The environment.
    pub environment_id: EnvironmentId,
    /// Its slug.
    pub environment: Slug,
    /// The cluster.
    pub cluster_id: ClusterId,
    /// Its slug.
    pub cluster: Slug,
    /// The highest wins.
    pub priority: i64,
    /// Wins among equals.
    pub is_default: bool,
    /// Counts up with every change.
    pub revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Load for MappingRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            id: r.id("id", MappingId::from_uuid)?,
            environment_id: r.id("environment_id", EnvironmentId::from_uuid)?,
            environment: r.text("environment")?,
            cluster_id: r.id("cluster_id", ClusterId::from_uuid)?,
            cluster: r.text("cluster")?,
            priority: r.get("priority")?,
            is_default: r.get("is_default")?,
            revision: r.get("revision")?,
            created_at: r.time("created_at")?,
        })
    }
}

/// A mapping to insert.
#[derive(Debug, Clone, Copy)]
pub struct NewMapping {
    /// Its id.
    pub id: MappingId,
    /// The environment.
    pub environment: EnvironmentId,
    /// The cluster.
    pub cluster: ClusterId,
    /// The highest wins.
    pub priority: i32,
    /// Wins among equals; absent: true for an environment's first.
    pub is_default: Option<bool>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, slug, display_name, naming_template, default_approvers, revision, created_at FROM environment ",
            $rest
        )
    };
}
macro_rules! mapping {
    ($rest:literal) => {
        concat!(
            "SELECT m.id, m.environment_id, m.cluster_id, m.priority, m.is_default, m.revision, m.created_at, \
             e.slug AS environment, c.slug AS cluster FROM environment_mapping m \
             JOIN environment e ON e.id = m.environment_id JOIN cluster c ON c.id = m.cluster_id ",
            $rest
        )
    };
}

impl Read {
    /// By id.
    pub async fn environment(&mut self, id: EnvironmentId) -> Result<Option<EnvironmentRow>> {
        self.sql(select!("WHERE id = $1")).bind(id.uuid()).optional().await
    }
    /// By slug.
    pub async fn environment_by_slug(&mut self, slug: &str) -> Result<Option<EnvironmentRow>> {
        self.sql(select!("WHERE slug = $1")).bind(slug).optional().await
    }
    /// A page by slug.
    pub async fn environment_list(&mut self, page: &PageOf<String>) -> Result<Vec<EnvironmentRow>> {
        self.sql(select!("WHERE slug > $1 ORDER BY slug LIMIT $2"))
            .bind(page.after.as_deref().unwrap_or_default())
            .bind(i64::from(page.limit))
            .all()
            .await
    }
    /// By id.
    pub async fn mapping(&mut self, id: MappingId) -> Result<Option<MappingRow>> {
        self.sql(mapping!("WHERE m.id = $1")).bind(id.uuid()).optional().await
    }
    /// The mappings of one environment, the one that new topics take first.
    pub async fn mappings_of(&mut self, environment: EnvironmentId) -> Result<Vec<MappingRow>> {
        self.sql(mapping!("WHERE m.environment_id = $1 ORDER BY m.priority DESC, m.is_default DESC, m.id"))
            .bind(environment.uuid())
            .all()
            .await
    }
    /// A page by id.
    pub async fn mapping_list(&mut self, page: &PageOf<Uuid>) -> Result<Vec<MappingRow>> {
        self.sql(mapping!("WHERE m.id > $1 ORDER BY m.id LIMIT $2"))
            .bind(page.after.unwrap_or_default())
            .bind(i64::from(page.limit))
            .all()
            .await
    }
}

impl Tx {
    /// An environment, kept from being deleted until the commit; does not keep others from doing the same.
    pub async fn environment_hold(&mut self, id: EnvironmentId) -> Result<Option<EnvironmentRow>> {
        self.sql(sql!(pg: select!("WHERE id = $1 FOR KEY SHARE"), lite: select!("WHERE id = $1")))
            .bind(id.uuid())
            .optional()
            .await
    }
    /// False where the slug is taken.
    pub async fn environment_insert(&mut self, e: &NewEnvironment) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO environment (id, tenant_id, slug, display_name, naming_template, default_approvers, revision, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, 1, $7) ON CONFLICT DO NOTHING",
            )
            .bind(e.id.uuid())
            .bind(DEFAULT_TENANT.uuid())
            .bind(e.slug.as_str())
            .bind(&e.display_name)
            .bind(e.naming_template.to_string())
            .bind(Json(&e.default_approvers))
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// False where `revision` is not what it is by now.
    pub async fn environment_update(&mut self, e: &EnvironmentRow) -> Result<bool> {
        let wrote = self
            .sql(
                "UPDATE environment SET display_name = $2, default_approvers = $3, revision = revision + 1 \
                 WHERE id = $1 AND revision = $4",
            )
            .bind(e.id.uuid())
            .bind(&e.display_name)
            .bind(Json(&e.default_approvers))
            .bind(e.revision)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Deletes one that nothing refers to. False where a topic or a mapping does.
    pub async fn environment_delete(&mut self, id: EnvironmentId) -> Result<bool> {
        self.row_lock(crate::lock::RowOf::Environment, id.uuid()).await?;
        let wrote = self
            .sql(
                "DELETE FROM environment WHERE id = $1 \
                 AND NOT EXISTS (SELECT 1 FROM topic WHERE environment_id = $1) \
                 AND NOT EXISTS (SELECT 1 FROM environment_mapping WHERE environment_id = $1)",
            )
            .bind(id.uuid())
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// False where the environment leads to that cluster already.
    pub async fn mapping_insert(&mut self, m: &NewMapping) -> Result<bool> {
        let now = self.now().await?;
        let is_default = match m.is_default {
            Some(given) => given,
            None => self.mappings_of(m.environment).await?.is_empty(),
        };
        let wrote = self
            .sql(
                "INSERT INTO environment_mapping (id, environment_id, cluster_id, priority, is_default, revision, created_at) \
                 VALUES ($1, $2, $3, $4, $5, 1, $6) ON CONFLICT DO NOTHING",
            )
            .bind(m.id.uuid())
            .bind(m.environment.uuid())
            .bind(m.cluster.uuid())
            .bind(i64::from(m.priority))
            .bind(is_default)
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Takes a mapping away. Topics that came to live on a cluster by it stay there.
    pub async fn mapping_delete(&mut self, id: MappingId) -> Result<()> {
        self.sql("DELETE FROM environment_mapping WHERE id = $1").bind(id.uuid()).one_row().await
    }
}
