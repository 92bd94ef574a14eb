//! Requests and their items, as they are read.

use crate::{
    Direction, PageOf,
    conn::{Load, Read, Row, Sql, sql},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    approval::RequestState,
    change::Change,
    documentation::Documentation,
    id::{EnvironmentId, OperationId, PrincipalId, RequestId, WorkspaceId},
    model::topic::Difference,
    policy::{Needs, Verdict},
};
use sqlx::types::Json;
use std::collections::BTreeSet;
use uuid::Uuid;

/// A request, without its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRow {
    /// Its id.
    pub id: RequestId,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// Slug of its workspace; its id where the workspace is gone.
    pub workspace: String,
    /// Who filed it.
    pub requester_id: PrincipalId,
    /// Their name.
    pub requester: String,
    /// The run it came from.
    pub run_id: Option<String>,
    /// Where that can be seen.
    pub run_url: Option<String>,
    /// Where it stands.
    pub state: RequestState,
    /// What policy said when it was filed.
    pub verdict: Verdict,
    /// Whose consent is due by now: what the verdict said, and what the rules of later days added.
    pub needs: BTreeSet<Needs>,
    /// What it says for itself, in the requester's words.
    pub documentation: Documentation,
    /// The operation that carries it out.
    pub operation_id: Option<OperationId>,
    /// The request that took its place.
    pub superseded_by: Option<RequestId>,
    /// Who decided it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// What they said.
    pub reason: Option<String>,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Counts up with every change.
    pub revision: i64,
    /// When it was filed.
    pub created_at: Timestamp,
}

impl Load for RequestRow {
    fn load(r: &Row) -> Result<Self> {
        let workspace_id = r.id("workspace_id", WorkspaceId::from_uuid)?;
        let verdict: Verdict = r.json("verdict")?;
        Ok(Self {
            id: r.id("id", RequestId::from_uuid)?,
            workspace_id,
            workspace: r.get::<Option<String>>("workspace")?.unwrap_or_else(|| workspace_id.to_string()),
            requester_id: r.id("requester_id", PrincipalId::from_uuid)?,
            requester: r.get("requester")?,
            run_id: r.get("run_id")?,
            run_url: r.get("run_url")?,
            state: r.word("state")?,
            needs: r.maybe_json("needs")?.unwrap_or_else(|| verdict.needs.clone()),
            verdict,
            documentation: Documentation {
                justification: r.get("justification")?,
                ..r.maybe_json("documentation")?.unwrap_or_default()
            },
            operation_id: r.maybe_id("operation_id", OperationId::from_uuid)?,
            superseded_by: r.maybe_id("superseded_by", RequestId::from_uuid)?,
            decided_by: r.get("decided_by")?,
            decided_at: r.maybe_time("decided_at")?,
            reason: r.get("reason")?,
            expires_at: r.time("expires_at")?,
            revision: r.get("revision")?,
            created_at: r.time("created_at")?,
        })
    }
}

/// One object of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestItemRow {
    /// The request.
    pub request_id: RequestId,
    /// The object.
    pub object_id: Uuid,
    /// What is to happen to it.
    pub change: Change,
    /// What policy said of it.
    pub verdict: Verdict,
    /// What changes, field by field.
    pub differences: Vec<Difference>,
}

impl Load for RequestItemRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            request_id: r.id("request_id", RequestId::from_uuid)?,
            object_id: r.get("object_id")?,
            change: r.json("change")?,
            verdict: r.json("verdict")?,
            differences: r.json("differences")?,
        })
    }
}

/// What is read of a request `r`, and the names of what it belongs to.
macro_rules! columns {
    () => {
        "r.id, r.workspace_id, r.requester_id, r.state, r.verdict, r.needs, r.justification, r.documentation, r.operation_id, r.superseded_by, r.decided_by, \
         r.decided_at, r.reason, r.expires_at, r.revision, r.created_at, w.slug AS workspace, p.name AS requester, g.run_id AS run_id, r.run_url"
    };
}
macro_rules! names {
    () => {
        " LEFT JOIN workspace w ON w.id = r.workspace_id JOIN principal p ON p.id = r.requester_id LEFT JOIN run_group g ON g.id = r.run_group_id "
    };
}
macro_rules! select {
    ($($rest:expr),+) => {
        concat!("SELECT ", columns!(), " FROM request r", names!(), $($rest),+)
    };
}

/// The newest request of each object of `$1`: object after object, so that PostgreSQL looks each up by its index, whatever it believes of the tables.
const OF_OBJECTS: Sql = sql!(
    pg: concat!(
        "SELECT object_id, id, workspace_id, requester_id, state, verdict, needs, justification, documentation, operation_id, superseded_by, decided_by, decided_at, \
           reason, expires_at, revision, created_at, workspace, requester, run_id, run_url FROM (SELECT value::uuid AS item FROM jsonb_array_elements_text($1) AS t (value)) AS i CROSS JOIN LATERAL (SELECT i.item AS object_id, ",
        columns!(),
        " FROM request_item n JOIN request r ON r.id = n.request_id",
        names!(),
        "WHERE n.object_id = i.item ORDER BY r.created_at DESC, r.id DESC LIMIT 1) AS x"
    ),
    lite: concat!(
        "SELECT i.object_id, ",
        columns!(),
        " FROM (SELECT unhex(value, '-') AS object_id FROM json_each($1)) AS i JOIN request r ON r.id = \
           (SELECT m.id FROM request_item n JOIN request m ON m.id = n.request_id \
            WHERE n.object_id = i.object_id ORDER BY m.created_at DESC, m.id DESC LIMIT 1)",
        names!()
    ),
);

/// Of a principal's workspaces, and those that they may decide: since every environment in it names them, where a platform policy asks for its default
/// approvers; or since a policy names them, or a workspace whose admin they are.
macro_rules! listed {
    ($after:literal, $order:literal, $asks_the_platform:literal, $names:literal, $approvers:literal, $principal:literal, $admin_of:literal) => {
        select!(
            "WHERE ",
            $after,
            " AND ($2 IS NULL \
               OR EXISTS (SELECT 1 FROM membership m WHERE m.workspace_id = r.workspace_id AND m.principal_id = $2) \
               OR ",
            $asks_the_platform,
            " AND NOT EXISTS (SELECT 1 FROM request_item i LEFT JOIN environment e ON e.id = i.environment_id \
                  JOIN principal p ON p.id = $2 WHERE i.request_id = r.id AND (e.id IS NULL OR NOT (",
            $names,
            "))) OR EXISTS (SELECT 1 FROM ",
            $approvers,
            " JOIN principal p ON p.id = $2 WHERE p.name = ",
            $principal,
            " OR EXISTS (SELECT 1 FROM membership m JOIN workspace o ON o.id = m.workspace_id \
                WHERE m.principal_id = $2 AND m.role = 'admin' AND o.slug = ",
            $admin_of,
            "))) AND ($3 IS NULL OR r.workspace_id = $3) AND ($4 IS NULL OR r.state = $4) \
             AND ($5 IS NULL OR g.run_id = $5 OR EXISTS \
               (SELECT 1 FROM attached_run a JOIN run_group o ON o.id = a.run_group_id WHERE a.request_id = r.id AND o.run_id = $5)) AND ($6 IS NULL OR p.name = $6) \
             AND ($7 IS NULL OR EXISTS (SELECT 1 FROM request_item i WHERE i.request_id = r.id AND i.environment_id = $7)) ORDER BY ",
            $order,
            " LIMIT $8"
        )
    };
}

/// The same, in both dialects.
macro_rules! listed_on {
    ($after:literal, $order:literal) => {
        sql!(
            pg: listed!($after, $order,
                "EXISTS (SELECT 1 FROM jsonb_array_elements(COALESCE(r.needs, r.verdict -> 'needs')) AS n (need) \
                   WHERE n.need ->> 'layer' <> 'workspace' AND n.need -> 'approvers' IS NULL)",
                "e.default_approvers ? p.name",
                "jsonb_array_elements(COALESCE(r.needs, r.verdict -> 'needs')) AS n (need), \
                   jsonb_array_elements(COALESCE(n.need -> 'approvers', '[]')) AS a (who)",
                "a.who ->> 'principal'",
                "a.who ->> 'admin-of'"
            ),
            lite: listed!($after, $order,
                "EXISTS (SELECT 1 FROM json_each(COALESCE(r.needs, json_extract(r.verdict, '$.needs'))) AS n \
                   WHERE json_extract(n.value, '$.layer') <> 'workspace' AND json_extract(n.value, '$.approvers') IS NULL)",
                "EXISTS (SELECT 1 FROM json_each(e.default_approvers) AS a WHERE a.value = p.name)",
                "json_each(COALESCE(r.needs, json_extract(r.verdict, '$.needs'))) AS n, json_each(n.value, '$.approvers') AS a",
                "CASE WHEN a.type = 'object' THEN json_extract(a.value, '$.principal') END",
                "CASE WHEN a.type = 'object' THEN json_extract(a.value, '$.\"admin-of\"') END"
            ),
        )
    };
}

/// Which requests a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFilter {
    /// That this principal may see; all where absent.
    pub visible_to: Option<PrincipalId>,
    /// Of this workspace.
    pub workspace: Option<WorkspaceId>,
    /// In this state.
    pub state: Option<RequestState>,
    /// Of this run: filed by it, or asked for by it when another had filed it.
    pub run_id: Option<String>,
    /// Filed by the principal of this name.
    pub requester: Option<String>,
    /// With an object in this environment.
    pub environment: Option<EnvironmentId>,
    /// By age, in this order.
    pub order: Direction,
}

impl Default for RequestFilter {
    /// All of them, newest first.
    fn default() -> Self {
        Self {
            visible_to: None,
            workspace: None,
            state: None,
            run_id: None,
            requester: None,
            environment: None,
            order: Direction::Down,
        }
    }
}

struct OfObject(Uuid, RequestRow);
impl Load for OfObject {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self(r.get("object_id")?, RequestRow::load(r)?))
    }
}

impl Read {
    /// By id.
    pub async fn request(&mut self, id: RequestId) -> Result<Option<RequestRow>> {
        self.sql(select!("WHERE r.id = $1")).bind(id.uuid()).optional().await
    }
    /// Its objects, in order.
    pub async fn request_items(&mut self, id: RequestId) -> Result<Vec<RequestItemRow>> {
        self.sql("SELECT request_id, object_id, change, verdict, differences FROM request_item WHERE request_id = $1 ORDER BY ordinal").bind(id.uuid()).all().await
    }
    /// The objects of several requests, in order.
    pub async fn request_items_of(&mut self, requests: &[RequestId]) -> Result<Vec<RequestItemRow>> {
        if requests.is_empty() {
            return Ok(vec![]);
        }
        let ids: Vec<Uuid> = requests.iter().map(|id| id.uuid()).collect();
        self.sql(sql!(
            pg: "SELECT request_id, object_id, change, verdict, differences FROM request_item \
                 WHERE request_id IN (SELECT value::uuid FROM jsonb_array_elements_text($1) AS t (value)) ORDER BY request_id, ordinal",
            lite: "SELECT request_id, object_id, change, verdict, differences FROM request_item \
                 WHERE request_id IN (SELECT unhex(value, '-') FROM json_each($1)) ORDER BY request_id, ordinal",
        ))
        .bind(Json(ids))
        .all()
        .await
    }
    /// What else somebody has open in a workspace: pending requests, newest first, without one of them.
    pub async fn requests_open_of(
        &mut self,
        requester: PrincipalId,
        workspace: WorkspaceId,
        without: RequestId,
        limit: u32,
    ) -> Result<Vec<RequestRow>> {
        self.sql(select!(
            "WHERE r.requester_id = $1 AND r.workspace_id = $2 AND r.id <> $3 AND r.state = 'pending' ORDER BY r.id DESC LIMIT $4"
        ))
        .bind(requester.uuid())
        .bind(workspace.uuid())
        .bind(without.uuid())
        .bind(i64::from(limit))
        .all()
        .await
    }
    /// A page: `page.after` is the last one of the page before.
    pub async fn request_list(&mut self, filter: &RequestFilter, page: &PageOf<Uuid>) -> Result<Vec<RequestRow>> {
        let sql = match filter.order {
            Direction::Down => listed_on!("r.id < $1", "r.id DESC"),
            Direction::Up => listed_on!("r.id > $1", "r.id"),
        };
        let first = if filter.order == Direction::Down { Uuid::max() } else { Uuid::nil() };
        self.sql(sql)
            .bind(page.after.unwrap_or(first))
            .bind(filter.visible_to.map(PrincipalId::uuid))
            .bind(filter.workspace.map(WorkspaceId::uuid))
            .bind(filter.state.map(RequestState::as_str))
            .bind(filter.run_id.as_deref())
            .bind(filter.requester.as_deref())
            .bind(filter.environment.map(EnvironmentId::uuid))
            .bind(i64::from(page.limit))
            .all()
            .await
    }
    /// The newest request of an object, by the database's time: ids carry the clocks of replicas.
    pub async fn request_newest(&mut self, object: Uuid) -> Result<Option<RequestRow>> {
        self.sql(select!(
            "JOIN request_item i ON i.request_id = r.id WHERE i.object_id = $1 ORDER BY r.created_at DESC, r.id DESC LIMIT 1"
        ))
        .bind(object)
        .optional()
        .await
    }
    /// The newest request of each of several objects that have one.
    pub async fn requests_newest(&mut self, objects: &[Uuid]) -> Result<Vec<(Uuid, RequestRow)>> {
        let rows: Vec<OfObject> = self.sql(OF_OBJECTS).bind(Json(objects)).all().await?;
        Ok(rows.into_iter().map(|r| (r.0, r.1)).collect())
    }
    /// The open request of an object.
    pub async fn request_open(&mut self, object: Uuid) -> Result<Option<RequestRow>> {
        self.sql(select!("JOIN object_lock l ON l.request_id = r.id WHERE l.object_id = $1"))
            .bind(object)
            .optional()
            .await
    }
}
