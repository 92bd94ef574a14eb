//! Registered clusters, and the topics that they show.

use crate::{
    DEFAULT_TENANT, PageOf, Sealed,
    conn::{Load, Read, Row, Tx, sql},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    id::ClusterId,
    model::cluster::Connection,
    name::{PhysicalName, Slug},
    ports::ClusterDescription,
};
use sqlx::types::Json;
use std::time::Duration;

/// A registered cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterRow {
    /// Its id.
    pub id: ClusterId,
    /// Its slug.
    pub slug: Slug,
    /// What people call it.
    pub display_name: String,
    /// Which product it is.
    pub provider: String,
    /// Where it stands.
    pub region: Option<String>,
    /// Where its data may not leave.
    pub residency: Option<String>,
    /// How to connect, without anything secret.
    pub connection: Connection,
    /// The secret half, encrypted.
    pub credentials: Option<Sealed>,
    /// `pending`, `valid` or `invalid`.
    pub validation_status: String,
    /// Whether it answered when it was last asked.
    pub reachable: bool,
    /// What it said when it did not.
    pub last_error: Option<String>,
    /// When the connection last worked.
    pub last_validated_at: Option<Timestamp>,
    /// What it told of itself.
    pub description: Option<ClusterDescription>,
    /// When its topics were last listed.
    pub topics_seen_at: Option<Timestamp>,
    /// Counts up with every change by people.
    pub revision: i64,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl ClusterRow {
    /// What is wrong with it, for the user, where it did not answer or refused when it was last looked at.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let is_well = self.reachable && self.validation_status == "valid";
        (!is_well).then(|| self.last_error.clone().unwrap_or_else(|| "it did not answer".to_owned()))
    }
}

impl Load for ClusterRow {
    fn load(r: &Row) -> Result<Self> {
        let bytes: Option<Vec<u8>> = r.get("credentials")?;
        let key_id: Option<String> = r.get("credentials_key_id")?;
        Ok(Self {
            id: r.id("id", ClusterId::from_uuid)?,
            slug: r.text("slug")?,
            display_name: r.get("display_name")?,
            provider: r.get("provider")?,
            region: r.get("region")?,
            residency: r.get("residency")?,
            connection: r.json("connection")?,
            credentials: bytes.zip(key_id).map(|(bytes, key_id)| Sealed { key_id, bytes }),
            validation_status: r.get("validation_status")?,
            reachable: r.get("reachable")?,
            last_error: r.get("last_error")?,
            last_validated_at: r.maybe_time("last_validated_at")?,
            description: r.maybe_json("description")?,
            topics_seen_at: r.maybe_time("topics_seen_at")?,
            revision: r.get("revision")?,
            created_at: r.time("created_at")?,
        })
    }
}

/// A cluster to insert, tried and found to work.
#[derive(Debug, Clone)]
pub struct NewCluster {
    /// Its id.
    pub id: ClusterId,
    /// Its slug.
    pub slug: Slug,
    /// What people call it.
    pub display_name: String,
    /// Which product it is.
    pub provider: String,
    /// Where it stands.
    pub region: Option<String>,
    /// Where its data may not leave.
    pub residency: Option<String>,
    /// How to connect.
    pub connection: Connection,
    /// The secret half, encrypted.
    pub credentials: Option<Sealed>,
    /// What it told of itself.
    pub description: ClusterDescription,
}

const HOUR: Duration = Duration::from_hours(1);

/// What a look at a cluster showed.
#[derive(Debug, Clone)]
pub enum Health {
    /// It answered.
    Well {
        /// What it told of itself.
        description: Box<ClusterDescription>,
        /// The topics on it.
        topics: Vec<PhysicalName>,
        /// When the look began, by [`Read::now`]: what Orbit freed since is not there any more.
        began: Timestamp,
    },
    /// It did not answer, or refused.
    Ill {
        /// Whether it answered at all.
        reachable: bool,
        /// What it said, for the user.
        error: String,
    },
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, slug, display_name, provider, region, residency, connection, credentials, credentials_key_id, \
             validation_status, reachable, last_error, last_validated_at, description, topics_seen_at, revision, created_at \
             FROM cluster ",
            $rest
        )
    };
}

impl Read {
    /// By id.
    pub async fn cluster(&mut self, id: ClusterId) -> Result<Option<ClusterRow>> {
        self.sql(select!("WHERE id = $1")).bind(id.uuid()).optional().await
    }
    /// By slug.
    pub async fn cluster_by_slug(&mut self, slug: &str) -> Result<Option<ClusterRow>> {
        self.sql(select!("WHERE slug = $1")).bind(slug).optional().await
    }
    /// A page by slug.
    pub async fn cluster_list(&mut self, page: &PageOf<String>) -> Result<Vec<ClusterRow>> {
        self.sql(select!("WHERE slug > $1 ORDER BY slug LIMIT $2"))
            .bind(page.after.as_deref().unwrap_or_default())
            .bind(i64::from(page.limit))
            .all()
            .await
    }
    /// Whether topics live on the cluster, or work is under way on it.
    pub async fn cluster_in_use(&mut self, id: ClusterId) -> Result<bool> {
        let found: Option<i64> = self
            .sql(
                "SELECT CAST(1 AS BIGINT) WHERE EXISTS (SELECT 1 FROM topic WHERE cluster_id = $1) \
                 OR EXISTS (SELECT 1 FROM operation WHERE lane = $1 AND finished_at IS NULL)",
            )
            .bind(id.uuid())
            .scalar()
            .await?;
        Ok(found.is_some())
    }
}

impl Tx {
    /// False where the slug is taken.
    pub async fn cluster_insert(&mut self, c: &NewCluster) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO cluster (id, tenant_id, slug, display_name, provider, region, residency, connection, credentials, \
                 credentials_key_id, validation_status, reachable, last_validated_at, description, revision, created_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'valid', true, $11, $12, 1, $11) ON CONFLICT DO NOTHING",
            )
            .bind(c.id.uuid())
            .bind(DEFAULT_TENANT.uuid())
            .bind(c.slug.as_str())
            .bind(&c.display_name)
            .bind(&c.provider)
            .bind(&c.region)
            .bind(&c.residency)
            .bind(Json(&c.connection))
            .bind(c.credentials.as_ref().map(|s| s.bytes.clone()))
            .bind(c.credentials.as_ref().map(|s| s.key_id.clone()))
            .bind_time(now)
            .bind(Json(&c.description))
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Writes what people may change. False where `revision` is not what it is by now.
    pub async fn cluster_update(&mut self, c: &ClusterRow) -> Result<bool> {
        let wrote = self
            .sql(
                "UPDATE cluster SET display_name = $2, connection = $3, credentials = $4, credentials_key_id = $5, \
                 validation_status = $6, reachable = $7, last_error = $8, description = $9, region = $11, residency = $12, \
                 revision = revision + 1 WHERE id = $1 AND revision = $10",
            )
            .bind(c.id.uuid())
            .bind(&c.display_name)
            .bind(Json(&c.connection))
            .bind(c.credentials.as_ref().map(|s| s.bytes.clone()))
            .bind(c.credentials.as_ref().map(|s| s.key_id.clone()))
            .bind(&c.validation_status)
            .bind(c.reachable)
            .bind(&c.last_error)
            .bind(c.description.as_ref().map(Json))
            .bind(c.revision)
            .bind(&c.region)
            .bind(&c.residency)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Deletes one that nothing refers to. False where a topic, a mapping or an operation under way does. Operations that are over outlive it.
    pub async fn cluster_delete(&mut self, id: ClusterId) -> Result<bool> {
        self.row_lock(crate::lock::RowOf::Cluster, id.uuid()).await?;
        let wrote = self
            .sql(
                "DELETE FROM cluster WHERE id = $1 \
                 AND NOT EXISTS (SELECT 1 FROM topic WHERE cluster_id = $1) \
                 AND NOT EXISTS (SELECT 1 FROM operation WHERE lane = $1 AND finished_at IS NULL) \
                 AND NOT EXISTS (SELECT 1 FROM environment_mapping WHERE cluster_id = $1)",
            )
            .bind(id.uuid())
            .execute()
            .await?;
        if wrote == 1 {
            self.limits_forget(id.uuid()).await?;
        }
        Ok(wrote == 1)
    }
    /// Notes what a look at a cluster showed, topics included.
    pub async fn cluster_seen(&mut self, id: ClusterId, health: &Health) -> Result<()> {
        let now = self.now().await?;
        match health {
            Health::Ill { reachable, error } => {
                self.sql("UPDATE cluster SET reachable = $2, last_error = $3, validation_status = CASE WHEN $2 THEN 'invalid' ELSE validation_status END WHERE id = $1")
                    .bind(id.uuid())
                    .bind(*reachable)
                    .bind(error)
                    .one_row()
                    .await
            }
            Health::Well { description, topics, began } => {
                self.sql(
                    "UPDATE cluster SET reachable = true, last_error = NULL, validation_status = 'valid', last_validated_at = $2, \
                     description = $3, topics_seen_at = $2 WHERE id = $1",
                )
                .bind(id.uuid())
                .bind_time(now)
                .bind(Json(description))
                .one_row()
                .await?;
                self.cluster_topics_replace(id, topics, *began).await
            }
        }
    }
    async fn cluster_topics_replace(&mut self, id: ClusterId, topics: &[PhysicalName], began: Timestamp) -> Result<()> {
        self.sql(sql!(
            pg: "DELETE FROM cluster_topic WHERE cluster_id = $1 \
                 AND name NOT IN (SELECT value FROM jsonb_array_elements_text($2) AS t (value))",
            lite: "DELETE FROM cluster_topic WHERE cluster_id = $1 AND name NOT IN (SELECT value FROM json_each($2))"
        ))
        .bind(id.uuid())
        .bind(Json(topics))
        .execute()
        .await?;
        self.sql(sql!(
            pg: "INSERT INTO cluster_topic (cluster_id, name) SELECT $1, value FROM jsonb_array_elements_text($2) AS t (value) \
                 WHERE NOT EXISTS (SELECT 1 FROM cluster_topic_freed f WHERE f.cluster_id = $1 AND f.name = value AND f.freed_at >= $3) \
                 ON CONFLICT DO NOTHING",
            lite: "INSERT INTO cluster_topic (cluster_id, name) SELECT $1, value FROM json_each($2) \
                 WHERE NOT EXISTS (SELECT 1 FROM cluster_topic_freed f WHERE f.cluster_id = $1 AND f.name = value AND f.freed_at >= $3) \
                 ON CONFLICT DO NOTHING"
        ))
        .bind(id.uuid())
        .bind(Json(topics))
        .bind_time(began)
        .execute()
        .await?;
        // A look takes seconds; what was freed an hour ago is in no listing that is still to come.
        self.sql("DELETE FROM cluster_topic_freed WHERE cluster_id = $1 AND freed_at < $2")
            .bind(id.uuid())
            .bind_time(began.checked_sub(HOUR).unwrap_or(began))
            .execute()
            .await?;
        Ok(())
    }
    /// Notes that Orbit deleted a topic there, so that its name is free at once, and stays so where a listing that began before still shows it.
    pub(crate) async fn cluster_topic_gone(&mut self, id: ClusterId, name: &PhysicalName) -> Result<()> {
        let now = self.now().await?;
        self.sql(
            "INSERT INTO cluster_topic_freed (cluster_id, name, freed_at) VALUES ($1, $2, $3) \
             ON CONFLICT (cluster_id, name) DO UPDATE SET freed_at = $3",
        )
        .bind(id.uuid())
        .bind(name.as_str())
        .bind_time(now)
        .execute()
        .await?;
        self.sql("DELETE FROM cluster_topic WHERE cluster_id = $1 AND name = $2")
            .bind(id.uuid())
            .bind(name.as_str())
            .execute()
            .await?;
        Ok(())
    }
}
