//! Topics: what they are to be, and what was seen of them.

use crate::{
    PageOf,
    conn::{Load, Read, Row, Tx, sql},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    change::TopicChange,
    id::{ClusterId, EnvironmentId, PrincipalId, TopicId, WorkspaceId},
    model::topic::{Drift, Observed, TopicEvent, TopicSpec, TopicStatus, transition},
    name::{PhysicalName, Slug, TopicName},
    ports::KafkaTopicId,
};
use sqlx::types::Json;
use uuid::Uuid;

/// A topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicRow {
    /// Its id.
    pub id: TopicId,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// Slug of its workspace.
    pub workspace: Slug,
    /// Its environment.
    pub environment_id: EnvironmentId,
    /// Slug of its environment.
    pub environment: Slug,
    /// Its logical name.
    pub name: TopicName,
    /// Its cluster.
    pub cluster_id: ClusterId,
    /// Slug of its cluster.
    pub cluster: Slug,
    /// Whether the cluster answered when it was last asked.
    pub cluster_reachable: bool,
    /// Its name there.
    pub physical_name: PhysicalName,
    /// Kafka's id of it, by which Orbit knows its own.
    pub kafka_topic_id: Option<KafkaTopicId>,
    /// Where it is on its way.
    pub status: TopicStatus,
    /// What it is to be.
    pub desired: TopicSpec,
    /// What the cluster showed.
    pub observed: Option<Observed>,
    /// When.
    pub observed_at: Option<Timestamp>,
    /// Who asked for it.
    pub created_by: PrincipalId,
    /// When its creator first saw it by its id: before that, an equal create is taken for a lost reply.
    pub acknowledged_at: Option<Timestamp>,
    /// Whether its creation needed a person's consent.
    pub approval_required: bool,
    /// Who gave it.
    pub approved_by: Option<String>,
    /// When.
    pub approved_at: Option<Timestamp>,
    /// Counts up with every change.
    pub revision: i64,
    /// When it was first asked for.
    pub created_at: Timestamp,
    /// When its record last changed.
    pub updated_at: Timestamp,
}

impl TopicRow {
    /// Its natural key.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}/{}/{}", self.workspace, self.environment, self.name)
    }
    /// How the cluster differed when it was last looked at. Only what is on the cluster can differ.
    #[must_use]
    pub fn drift(&self) -> Option<Drift> {
        let observed = self.observed.as_ref().filter(|_| self.status == TopicStatus::Active)?;
        Some(Drift::between(&self.desired, self.kafka_topic_id, observed)).filter(Drift::is_some)
    }
    /// Whether it holds the name on the cluster that `change` wants: then nobody else can.
    fn holds_name_of(&self, change: &TopicChange) -> bool {
        !self.status.can_be_taken_up()
            && self.cluster_id == change.cluster_id
            && self.physical_name == change.physical_name
    }
}

impl Load for TopicRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            id: r.id("id", TopicId::from_uuid)?,
            workspace_id: r.id("workspace_id", WorkspaceId::from_uuid)?,
            workspace: r.text("workspace")?,
            environment_id: r.id("environment_id", EnvironmentId::from_uuid)?,
            environment: r.text("environment")?,
            name: r.text("name")?,
            cluster_id: r.id("cluster_id", ClusterId::from_uuid)?,
            cluster: r.text("cluster")?,
            cluster_reachable: r.get("cluster_reachable")?,
            physical_name: r.text("physical_name")?,
            kafka_topic_id: r.maybe_id("kafka_topic_id", KafkaTopicId::from_uuid)?,
            status: r.word("status")?,
            desired: r.json("desired")?,
            observed: r.maybe_json("observed")?,
            observed_at: r.maybe_time("observed_at")?,
            created_by: r.id("created_by", PrincipalId::from_uuid)?,
            acknowledged_at: r.maybe_time("acknowledged_at")?,
            approval_required: r.get("approval_required")?,
            approved_by: r.get("approved_by")?,
            approved_at: r.maybe_time("approved_at")?,
            revision: r.get("revision")?,
            created_at: r.time("created_at")?,
            updated_at: r.time("updated_at")?,
        })
    }
}

/// What is on a cluster under a name, or under one that Kafka would not tell from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// What the cluster showed when it was last asked: the very name, if it is there.
    pub shown: Option<String>,
    /// One of Orbit's topics.
    pub ours: Option<String>,
}

impl Load for Beside {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self { shown: r.get("shown")?, ours: r.get("ours")? })
    }
}

/// Which topics a list holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TopicFilter {
    /// Of workspaces in which this principal has a role; of all where absent.
    pub visible_to: Option<PrincipalId>,
    /// Of this workspace.
    pub workspace: Option<WorkspaceId>,
    /// Of this environment.
    pub environment: Option<EnvironmentId>,
    /// On this cluster.
    pub cluster: Option<ClusterId>,
    /// Of this name.
    pub name: Option<String>,
    /// Of this name on their cluster.
    pub physical_name: Option<String>,
    /// Of this status.
    pub status: Option<TopicStatus>,
    /// In this order.
    pub order: TopicOrder,
}

/// In which order a list goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From the smallest, or the oldest.
    #[default]
    Up,
    /// From the largest, or the newest.
    Down,
}

/// In which order a list of topics goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TopicOrder {
    /// By age.
    Age(Direction),
    /// By name, those of one name by age. With the name of the last one of the page before.
    Name(Direction, Option<String>),
}

impl Default for TopicOrder {
    fn default() -> Self {
        Self::Age(Direction::Up)
    }
}

macro_rules! select {
    ($($rest:literal),+) => {
        concat!(
            "SELECT t.id, t.workspace_id, t.environment_id, t.name, t.cluster_id, t.physical_name, t.kafka_topic_id, t.status, t.desired, \
             t.observed, t.observed_at, t.created_by, t.acknowledged_at, t.approval_required, t.approved_by, t.approved_at, t.revision, \
             t.created_at, t.updated_at, w.slug AS workspace, e.slug AS environment, c.slug AS cluster, c.reachable AS cluster_reachable \
             FROM topic t JOIN workspace w ON w.id = t.workspace_id JOIN environment e ON e.id = t.environment_id \
             JOIN cluster c ON c.id = t.cluster_id ",
            $($rest),+
        )
    };
}

macro_rules! listed {
    ($after:literal, $order:literal) => {
        select!(
            "WHERE ",
            $after,
            " AND ($2 IS NULL OR EXISTS \
             (SELECT 1 FROM membership m WHERE m.workspace_id = t.workspace_id AND m.principal_id = $2)) \
             AND ($3 IS NULL OR t.workspace_id = $3) AND ($4 IS NULL OR t.environment_id = $4) \
             AND ($5 IS NULL OR t.cluster_id = $5) AND ($6 IS NULL OR t.name = $6) AND ($7 IS NULL OR t.status = $7) \
             AND ($8 IS NULL OR t.physical_name = $8) ORDER BY ",
            $order,
            " LIMIT $9"
        )
    };
}

impl Read {
    /// By id.
    pub async fn topic(&mut self, id: TopicId) -> Result<Option<TopicRow>> {
        self.sql(select!("WHERE t.id = $1")).bind(id.uuid()).optional().await
    }
    /// By natural key.
    pub async fn topic_by_key(
        &mut self,
        workspace: WorkspaceId,
        environment: EnvironmentId,
        name: &TopicName,
    ) -> Result<Option<TopicRow>> {
        self.sql(select!("WHERE t.workspace_id = $1 AND t.environment_id = $2 AND t.name = $3"))
            .bind(workspace.uuid())
            .bind(environment.uuid())
            .bind(name.as_str())
            .optional()
            .await
    }
    /// A page: `page.after` is the last one of the page before.
    pub async fn topic_list(&mut self, filter: &TopicFilter, page: &PageOf<Uuid>) -> Result<Vec<TopicRow>> {
        let (sql, name) = match &filter.order {
            TopicOrder::Age(Direction::Up) => (listed!("t.id > $1", "t.id"), None),
            TopicOrder::Age(Direction::Down) => (listed!("t.id < $1", "t.id DESC"), None),
            TopicOrder::Name(Direction::Up, after) => {
                (listed!("($10 IS NULL OR (t.name, t.id) > ($10, $1))", "t.name, t.id"), Some(after))
            }
            TopicOrder::Name(Direction::Down, after) => {
                (listed!("($10 IS NULL OR (t.name, t.id) < ($10, $1))", "t.name DESC, t.id DESC"), Some(after))
            }
        };
        let down = matches!(filter.order, TopicOrder::Age(Direction::Down) | TopicOrder::Name(Direction::Down, _));
        let query = self
            .sql(sql)
            .bind(page.after.unwrap_or(if down { Uuid::max() } else { Uuid::nil() }))
            .bind(filter.visible_to.map(PrincipalId::uuid))
            .bind(filter.workspace.map(WorkspaceId::uuid))
            .bind(filter.environment.map(EnvironmentId::uuid))
            .bind(filter.cluster.map(ClusterId::uuid))
            .bind(filter.name.as_deref())
            .bind(filter.status.map(TopicStatus::as_str))
            .bind(filter.physical_name.as_deref())
            .bind(i64::from(page.limit));
        match name {
            Some(after) => query.bind(after.as_deref()).all().await,
            None => query.all().await,
        }
    }
    /// What is on a cluster under a name, or under one that Kafka would not tell from it; one of Orbit's topics is left out, whose name it is.
    pub async fn names_beside(&mut self, cluster: ClusterId, name: &PhysicalName, of: TopicId) -> Result<Beside> {
        let row: Option<Beside> = self
            .sql(
                "SELECT (SELECT name FROM cluster_topic WHERE cluster_id = $1 AND replace(name, '.', '_') = $2 \
                   ORDER BY CASE WHEN name = $3 THEN 0 ELSE 1 END LIMIT 1) AS shown, \
                 (SELECT physical_name FROM topic WHERE cluster_id = $1 AND collision_key = $2 AND id <> $4 \
                   AND status NOT IN ('rejected', 'withdrawn', 'expired', 'failed')) AS ours",
            )
            .bind(cluster.uuid())
            .bind(name.collision_key())
            .bind(name.as_str())
            .bind(of.uuid())
            .optional()
            .await?;
        Ok(row.unwrap_or_default())
    }
}

impl Tx {
    /// Writes the record of a topic that is created, or taken up again. False where its name, here or on the cluster, was taken meanwhile.
    pub(crate) async fn topic_desire(
        &mut self,
        change: &TopicChange,
        spec: &TopicSpec,
        event: TopicEvent,
        by: PrincipalId,
        approved_by: Option<&str>,
    ) -> Result<bool> {
        let before = self.topic(change.id).await?;
        let status = transition(before.as_ref().map(|t| t.status), event)?;
        let approval_required = event == TopicEvent::CreateFiled || approved_by.is_some();
        // Who takes a name on the cluster waits for others who do: what is free now is so at the commit, and the unique index is never violated,
        // which would end the transaction on PostgreSQL. Submit has the lock already; an approval finds the name held and waits for nobody.
        let holds_name = before.as_ref().is_some_and(|t| t.holds_name_of(change));
        if !holds_name {
            self.cluster_lock(change.cluster_id).await?;
        }
        match before {
            None => self.topic_insert(change, spec, status, by, approval_required).await,
            Some(before) => {
                // An insert finds out by itself.
                if !holds_name
                    && self.names_beside(change.cluster_id, &change.physical_name, change.id).await?.ours.is_some()
                {
                    return Ok(false);
                }
                // An approval leaves in the record what its request put there; any other create begins anew.
                let acknowledged_at = before.acknowledged_at.filter(|_| approved_by.is_some());
                self.topic_take_up(change, spec, (before.status, status), (by, acknowledged_at)).await?;
                self.topic_consent(change.id, approval_required, approved_by).await?;
                Ok(true)
            }
        }
    }
    async fn topic_insert(
        &mut self,
        change: &TopicChange,
        spec: &TopicSpec,
        status: TopicStatus,
        by: PrincipalId,
        approval_required: bool,
    ) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO topic (id, workspace_id, environment_id, name, cluster_id, physical_name, collision_key, status, \
                 desired, created_by, approval_required, revision, created_at, updated_at) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12, $12) ON CONFLICT DO NOTHING",
            )
            .bind(change.id.uuid())
            .bind(change.workspace_id.uuid())
            .bind(change.environment_id.uuid())
            .bind(change.name.as_str())
            .bind(change.cluster_id.uuid())
            .bind(change.physical_name.as_str())
            .bind(change.physical_name.collision_key())
            .bind(status.as_str())
            .bind(Json(spec))
            .bind(by.uuid())
            .bind(approval_required)
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    async fn topic_take_up(
        &mut self,
        change: &TopicChange,
        spec: &TopicSpec,
        (from, to): (TopicStatus, TopicStatus),
        (by, acknowledged_at): (PrincipalId, Option<Timestamp>),
    ) -> Result<()> {
        let now = self.now().await?;
        self.sql(
            "UPDATE topic SET cluster_id = $2, physical_name = $3, collision_key = $4, status = $5, desired = $6, created_by = $7, \
             acknowledged_at = $8, kafka_topic_id = NULL, observed = NULL, observed_at = NULL, revision = revision + 1, \
             updated_at = $9 WHERE id = $1 AND status = $10",
        )
        .bind(change.id.uuid())
        .bind(change.cluster_id.uuid())
        .bind(change.physical_name.as_str())
        .bind(change.physical_name.collision_key())
        .bind(to.as_str())
        .bind(Json(spec))
        .bind(by.uuid())
        .bind_maybe_time(acknowledged_at)
        .bind_time(now)
        .bind(from.as_str())
        .one_row()
        .await
    }
    /// Notes whether its creation needs a person's consent, and who gave it.
    async fn topic_consent(&mut self, id: TopicId, required: bool, by: Option<&str>) -> Result<()> {
        let now = self.now().await?;
        self.sql("UPDATE topic SET approval_required = $2, approved_by = $3, approved_at = $4 WHERE id = $1")
            .bind(id.uuid())
            .bind(required)
            .bind(by)
            .bind_maybe_time(by.map(|_| now))
            .one_row()
            .await
    }
    /// Moves its status on.
    pub(crate) async fn topic_transition(&mut self, id: TopicId, event: TopicEvent) -> Result<()> {
        let now = self.now().await?;
        let (from, to) = self.topic_next(id, event).await?;
        self.sql("UPDATE topic SET status = $2, revision = revision + 1, updated_at = $3 WHERE id = $1 AND status = $4")
            .bind(id.uuid())
            .bind(to.as_str())
            .bind_time(now)
            .bind(from)
            .one_row()
            .await
    }
    /// The status that it has, as it is kept, and the one that comes of what happened.
    pub(crate) async fn topic_next(&mut self, id: TopicId, event: TopicEvent) -> Result<(Option<String>, TopicStatus)> {
        struct Status(TopicStatus);
        impl Load for Status {
            fn load(r: &Row) -> Result<Self> {
                Ok(Self(r.word("status")?))
            }
        }
        let from: Option<Status> =
            self.sql("SELECT status FROM topic WHERE id = $1").bind(id.uuid()).optional().await?;
        let from = from.map(|row| row.0);
        Ok((from.map(|status| status.as_str().to_owned()), transition(from, event)?))
    }
    /// Notes that something about it changed that is kept elsewhere: a request of it, for one.
    pub(crate) async fn topic_touch(&mut self, id: TopicId) -> Result<()> {
        let now = self.now().await?;
        self.sql("UPDATE topic SET revision = revision + 1, updated_at = $2 WHERE id = $1")
            .bind(id.uuid())
            .bind_time(now)
            .one_row()
            .await
    }
    /// Makes it what it is to be from now on.
    pub(crate) async fn topic_respec(&mut self, id: TopicId, spec: &TopicSpec) -> Result<()> {
        let now = self.now().await?;
        self.sql("UPDATE topic SET desired = $2, revision = revision + 1, updated_at = $3 WHERE id = $1")
            .bind(id.uuid())
            .bind(Json(spec))
            .bind_time(now)
            .one_row()
            .await
    }
    /// Drops a record that nothing on a cluster stands behind.
    pub async fn topic_forget(&mut self, id: TopicId) -> Result<()> {
        self.sql("DELETE FROM resource_claim WHERE object_id = $1").bind(id.uuid()).execute().await?;
        self.sql("DELETE FROM topic WHERE id = $1").bind(id.uuid()).one_row().await
    }
    /// Notes that its creator saw it.
    pub async fn topic_acknowledge(&mut self, id: TopicId) -> Result<()> {
        let now = self.now().await?;
        self.sql("UPDATE topic SET acknowledged_at = $2 WHERE id = $1 AND acknowledged_at IS NULL")
            .bind(id.uuid())
            .bind_time(now)
            .execute()
            .await?;
        Ok(())
    }
    /// Notes that whoever asked for them saw them: those of these that are there and that this principal asked for.
    pub async fn topics_acknowledge(&mut self, by: PrincipalId, ids: &[TopicId]) -> Result<()> {
        let now = self.now().await?;
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        self.sql(sql!(
            pg: "UPDATE topic SET acknowledged_at = $3 WHERE id IN (SELECT value::uuid FROM jsonb_array_elements_text($1) AS t (value)) \
                 AND created_by = $2 AND status = 'active' AND acknowledged_at IS NULL",
            lite: "UPDATE topic SET acknowledged_at = $3 WHERE id IN (SELECT unhex(replace(value, '-', '')) FROM json_each($1)) \
                 AND created_by = $2 AND status = 'active' AND acknowledged_at IS NULL",
        ))
        .bind(Json(ids))
        .bind(by.uuid())
        .bind_time(now)
        .execute()
        .await?;
        Ok(())
    }
    /// Notes what the cluster showed, where the record is as it was when it was asked: else it showed what the topic was before. Does not count as a
    /// change of the record.
    pub async fn topic_observe(&mut self, id: TopicId, observed: &Observed, revision: i64) -> Result<()> {
        let now = self.now().await?;
        self.sql("UPDATE topic SET observed = $2, observed_at = $3 WHERE id = $1 AND revision = $4")
            .bind(id.uuid())
            .bind(Json(observed))
            .bind_time(now)
            .bind(revision)
            .execute()
            .await?;
        Ok(())
    }
}
