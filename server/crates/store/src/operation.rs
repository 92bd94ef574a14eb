//! Operations: claimed under a lease, saved under a fence.

use crate::{
    Direction, PageOf,
    conn::{Load, Read, Row, Sql, Tx, sql},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    id::{ClusterId, OperationId, PrincipalId, ReplicaId, RequestId, WorkspaceId},
    workflow::{Held, OperationState, Piece, Saga, Wish},
};
use sqlx::types::Json;
use std::time::Duration;
use uuid::Uuid;

/// The shape of the saga that this build writes. A build claims no operation of a newer shape.
const SHAPE: i64 = 1;

/// An operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// Its id.
    pub id: OperationId,
    /// The request that it carries out.
    pub request_id: RequestId,
    /// Its workspace.
    pub workspace_id: WorkspaceId,
    /// Slug of its workspace; its id where the workspace is gone.
    pub workspace: String,
    /// What it does.
    pub kind: String,
    /// The cluster it works on.
    pub lane: ClusterId,
    /// Slug of that cluster; its id where the cluster is gone.
    pub cluster: String,
    /// Where it stands.
    pub state: OperationState,
    /// Its state in full.
    pub saga: Saga,
    /// The fence.
    pub version: i64,
    /// What a person wants of it.
    pub wish: Wish,
    /// Whether a replica has it.
    pub held: bool,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

impl OperationRow {
    /// When it begins, where it has not.
    #[must_use]
    pub fn scheduled_at(&self) -> Option<Timestamp> {
        self.saga.not_before.filter(|_| self.state == OperationState::Pending && self.version == 1)
    }
}

fn wish(r: &Row) -> Result<Wish> {
    Ok(Wish { cancel: r.get("cancel")?, pause: r.get("pause")? })
}

struct OfRequest(RequestId, Wish);
impl Load for OfRequest {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self(r.id("request_id", RequestId::from_uuid)?, wish(r)?))
    }
}

impl Load for OperationRow {
    fn load(r: &Row) -> Result<Self> {
        let workspace_id = r.id("workspace_id", WorkspaceId::from_uuid)?;
        let lane = r.id("lane", ClusterId::from_uuid)?;
        Ok(Self {
            id: r.id("id", OperationId::from_uuid)?,
            request_id: r.id("request_id", RequestId::from_uuid)?,
            workspace_id,
            workspace: r.get::<Option<String>>("workspace")?.unwrap_or_else(|| workspace_id.to_string()),
            kind: r.get("kind")?,
            lane,
            cluster: r.get::<Option<String>>("cluster")?.unwrap_or_else(|| lane.to_string()),
            state: r.word("state")?,
            saga: r.json("saga")?,
            version: r.get("version")?,
            wish: wish(r)?,
            held: r.maybe_time("lease_until")?.is_some(),
            created_at: r.time("created_at")?,
            finished_at: r.maybe_time("finished_at")?,
        })
    }
}

/// An operation to insert, leased to the replica that inserts it from birth: nothing waits for a poll. One that begins later is held by nobody.
#[derive(Debug, Clone)]
pub struct NewOperation {
    /// Its id.
    pub id: OperationId,
    /// The request that it carries out.
    pub request: RequestId,
    /// The cluster it works on.
    pub lane: ClusterId,
    /// Its state.
    pub saga: Saga,
    /// Who holds it from birth, unless it begins later.
    pub holder: ReplicaId,
    /// For how long.
    pub lease: Duration,
}

/// How many operations a replica has room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// In all.
    pub in_all: u32,
    /// Of one cluster, with those that the replica holds already: one that hangs leaves room for the others.
    pub per_lane: u32,
}

/// An operation whose lease was taken.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// What to drive.
    pub held: Held,
    /// The cluster it works on.
    pub lane: ClusterId,
}

/// An operation that was claimed, as it is kept.
struct Kept {
    id: OperationId,
    version: i64,
    lane: ClusterId,
    saga: serde_json::Value,
    wish: Wish,
}

impl Load for Kept {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self {
            id: r.id("id", OperationId::from_uuid)?,
            version: r.get("version")?,
            lane: r.id("lane", ClusterId::from_uuid)?,
            saga: r.json("saga")?,
            wish: wish(r)?,
        })
    }
}

impl Kept {
    /// `None` for one that this build cannot read: it stays leased until the lease is over, and one bad row keeps nobody else's work waiting.
    fn read(self) -> Option<Claimed> {
        match serde_json::from_value(self.saga) {
            Ok(saga) => {
                let held = Held { id: self.id, version: self.version, saga, wish: self.wish };
                Some(Claimed { held, lane: self.lane })
            }
            Err(error) => {
                tracing::error!(operation = %self.id, %error, "an operation cannot be read by this build, and is left alone");
                None
            }
        }
    }
}

/// What is read of an operation `o`, its request `r`, and the names of where it belongs.
macro_rules! columns {
    () => {
        "o.id, o.request_id, o.kind, o.lane, o.state, o.saga, o.version, o.cancel, o.pause, o.lease_until, o.created_at, o.finished_at, r.workspace_id, \
         w.slug AS workspace, c.slug AS cluster"
    };
}
macro_rules! names {
    () => {
        " LEFT JOIN workspace w ON w.id = r.workspace_id LEFT JOIN cluster c ON c.id = o.lane "
    };
}
macro_rules! select {
    ($($rest:literal),+) => {
        concat!("SELECT ", columns!(), " FROM operation o JOIN request r ON r.id = o.request_id", names!(), $($rest),+)
    };
}

macro_rules! listed {
    ($after:literal, $order:literal) => {
        select!(
            "WHERE ",
            $after,
            " AND ($2 IS NULL OR EXISTS \
             (SELECT 1 FROM membership m WHERE m.workspace_id = r.workspace_id AND m.principal_id = $2)) \
             AND ($3 IS NULL OR r.workspace_id = $3) AND ($4 IS NULL OR o.state = $4) ORDER BY ",
            $order,
            " LIMIT $5"
        )
    };
}

/// Which operations a list holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationFilter {
    /// Of workspaces in which this principal has a role; of all where absent.
    pub visible_to: Option<PrincipalId>,
    /// Of this workspace.
    pub workspace: Option<WorkspaceId>,
    /// In this state.
    pub state: Option<OperationState>,
    /// By age, in this order.
    pub order: Direction,
}

impl Default for OperationFilter {
    /// All of them, newest first.
    fn default() -> Self {
        Self { visible_to: None, workspace: None, state: None, order: Direction::Down }
    }
}

struct OfObject(Uuid, OperationRow);
impl Load for OfObject {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self(r.get("object_id")?, OperationRow::load(r)?))
    }
}

/// The newest operation of each object of `$1`: object after object, so that PostgreSQL looks each up by its index, whatever it believes of the tables.
const OF_OBJECTS: Sql = sql!(
    pg: concat!(
        "SELECT object_id, id, request_id, kind, lane, state, saga, version, cancel, pause, lease_until, created_at, finished_at, workspace_id, workspace, cluster \
           FROM (SELECT value::uuid AS item FROM jsonb_array_elements_text($1) AS t (value)) AS i CROSS JOIN LATERAL (SELECT i.item AS object_id, ",
        columns!(),
        " FROM request_item n JOIN request r ON r.id = n.request_id JOIN operation o ON o.id = r.operation_id",
        names!(),
        "WHERE n.object_id = i.item ORDER BY o.created_at DESC, o.id DESC LIMIT 1) AS x"
    ),
    lite: concat!(
        "SELECT i.object_id, ",
        columns!(),
        " FROM (SELECT unhex(value, '-') AS object_id FROM json_each($1)) AS i JOIN operation o ON o.id = \
           (SELECT p.id FROM request_item n JOIN request m ON m.id = n.request_id JOIN operation p ON p.id = m.operation_id \
            WHERE n.object_id = i.object_id ORDER BY p.created_at DESC, p.id DESC LIMIT 1) \
         JOIN request r ON r.id = o.request_id",
        names!()
    ),
);

impl Read {
    /// By id.
    pub async fn operation(&mut self, id: OperationId) -> Result<Option<OperationRow>> {
        self.sql(select!("WHERE o.id = $1")).bind(id.uuid()).optional().await
    }
    /// A page: `page.after` is the last one of the page before. Of workspaces in which `visible_to` has a role; of all where absent.
    pub async fn operation_list(&mut self, filter: &OperationFilter, page: &PageOf<Uuid>) -> Result<Vec<OperationRow>> {
        let (sql, first) = match filter.order {
            Direction::Down => (listed!("o.id < $1", "o.id DESC"), Uuid::max()),
            Direction::Up => (listed!("o.id > $1", "o.id"), Uuid::nil()),
        };
        self.sql(sql)
            .bind(page.after.unwrap_or(first))
            .bind(filter.visible_to.map(PrincipalId::uuid))
            .bind(filter.workspace.map(WorkspaceId::uuid))
            .bind(filter.state.map(OperationState::as_str))
            .bind(i64::from(page.limit))
            .all()
            .await
    }
    /// The newest operation on each of several objects that have one.
    pub async fn operations_newest(&mut self, objects: &[Uuid]) -> Result<Vec<(Uuid, OperationRow)>> {
        let rows: Vec<OfObject> = self.sql(OF_OBJECTS).bind(Json(objects)).all().await?;
        Ok(rows.into_iter().map(|r| (r.0, r.1)).collect())
    }
    /// How many operations stand in each state that is not final, and how many are stuck.
    pub async fn operation_counts(&mut self) -> Result<Vec<(String, i64)>> {
        struct Count(String, i64);
        impl Load for Count {
            fn load(r: &Row) -> Result<Self> {
                Ok(Self(r.get("state")?, r.get("n")?))
            }
        }
        let rows: Vec<Count> = self
            .sql("SELECT state, COUNT(*) AS n FROM operation WHERE finished_at IS NULL OR state = 'stuck' GROUP BY state")
            .all()
            .await?;
        Ok(rows.into_iter().map(|c| (c.0, c.1)).collect())
    }
}

/// What is due, at most `$7` of a lane with those that replica `$1` holds already.
macro_rules! fair {
    ($kinds:literal) => {
        concat!(
            "WITH ranked AS (SELECT id, lane, priority, due_at, row_number() OVER (PARTITION BY lane ORDER BY priority DESC, due_at, id) AS place \
               FROM operation WHERE finished_at IS NULL AND due_at <= $3 AND (holder IS NULL OR lease_until <= $3) \
               AND engine = 'embedded' AND shape <= $4 AND kind IN ",
            $kinds,
            "), held AS (SELECT lane, COUNT(*) AS count FROM operation WHERE finished_at IS NULL AND holder = $1 AND lease_until > $3 GROUP BY lane), \
             fair AS (SELECT ranked.id, ranked.priority, ranked.due_at FROM ranked LEFT JOIN held ON held.lane = ranked.lane \
               WHERE ranked.place + COALESCE(held.count, 0) <= $7)"
        )
    };
}

impl Tx {
    /// Inserts an operation, leased from birth, and answers its fence; `None` where it begins later.
    pub async fn operation_insert(&mut self, o: &NewOperation) -> Result<Option<Held>> {
        let now = self.now().await?;
        let later = o.saga.not_before.filter(|at| *at > now);
        let held = later.is_none();
        self.sql(
            "INSERT INTO operation (id, request_id, kind, shape, lane, engine, priority, state, due_at, holder, lease_until, \
             version, poke_seq, cancel, pause, saga, created_at) \
             VALUES ($1, $2, $3, $4, $5, 'embedded', 0, $6, $11, $8, $9, 1, 0, false, false, $10, $7)",
        )
        .bind(o.id.uuid())
        .bind(o.request.uuid())
        .bind(o.saga.kind())
        .bind(SHAPE)
        .bind(o.lane.uuid())
        .bind(o.saga.state.as_str())
        .bind_time(now)
        .bind(held.then(|| o.holder.uuid()))
        .bind_maybe_time(held.then(|| after(now, o.lease)))
        .bind(Json(&o.saga))
        .bind_time(later.unwrap_or(now))
        .one_row()
        .await?;
        Ok(held.then(|| Held { id: o.id, version: 1, saga: o.saga.clone(), wish: Wish::default() }))
    }

    /// Takes the lease on due operations of kinds and shapes that this build knows, as many as there is room for. Fences out the former holders: their saves no
    /// longer match `version`.
    pub async fn operation_claim(&mut self, by: ReplicaId, lease: Duration, room: Room) -> Result<Vec<Claimed>> {
        let now = self.now().await?;
        let rows: Vec<Kept> = self.sql(sql!(
            // MATERIALIZED: a subquery could be run again for each row, and then take more than there is room for.
            pg: concat!(
                fair!("(SELECT value FROM jsonb_array_elements_text($5) AS t (value))"),
                ", due AS MATERIALIZED (SELECT o.id FROM operation o JOIN fair ON fair.id = o.id \
                   WHERE o.finished_at IS NULL AND o.due_at <= $3 AND (o.holder IS NULL OR o.lease_until <= $3) \
                   ORDER BY o.priority DESC, o.due_at LIMIT $6 FOR UPDATE OF o SKIP LOCKED) \
                 UPDATE operation AS o SET holder = $1, lease_until = $2, version = o.version + 1, poke_seq = 0 \
                 FROM due WHERE o.id = due.id RETURNING o.id, o.version, o.saga, o.lane, o.cancel, o.pause"
            ),
            lite: concat!(
                fair!("(SELECT value FROM json_each($5))"),
                " UPDATE operation SET holder = $1, lease_until = $2, version = version + 1, poke_seq = 0 WHERE id IN \
                 (SELECT id FROM fair ORDER BY priority DESC, due_at LIMIT $6) RETURNING id, version, saga, lane, cancel, pause"
            ),
        ))
        .bind(by.uuid())
        .bind_time(after(now, lease))
        .bind_time(now)
        .bind(SHAPE)
        .bind(Json([Piece::KINDS, &[Saga::BUNDLE]].concat()))
        .bind(i64::from(room.in_all))
        .bind(i64::from(room.per_lane))
        .all()
        .await?;
        Ok(rows.into_iter().filter_map(Kept::read).collect())
    }

    /// Saves under version and holder, and answers the request that it is of and what a person wants by now; `None` where somebody else holds the operation
    /// by now, or a person wants something else of one that `heeds` that. With `due` in the future the lease is given up; what was poked meanwhile is due at once.
    pub(crate) async fn operation_save(
        &mut self,
        held: &Held,
        by: ReplicaId,
        (due, heeds): (Duration, bool),
        lease: Duration,
    ) -> Result<Option<(RequestId, Wish)>> {
        let now = self.now().await?;
        let done = held.saga.state.is_final();
        let keep = due.is_zero() && !done;
        self
            .sql(
                "UPDATE operation SET saga = $4, state = $5, version = version + 1, holder = $7, lease_until = $8, finished_at = $9, \
                 due_at = CASE WHEN poke_seq > 0 THEN $10 ELSE $6 END, poke_seq = 0 WHERE id = $1 AND version = $2 AND holder = $3 \
                 AND NOT ($11 AND (cancel OR pause)) RETURNING request_id, cancel, pause",
            )
            .bind(held.id.uuid())
            .bind(held.version)
            .bind(by.uuid())
            .bind(Json(&held.saga))
            .bind(held.saga.state.as_str())
            .bind_time(after(now, due))
            .bind(keep.then_some(by.uuid()))
            .bind_maybe_time(keep.then(|| after(now, lease)))
            .bind_maybe_time(done.then_some(now))
            .bind_time(now)
            .bind(heeds)
            .optional::<OfRequest>()
            .await
            .map(|row| row.map(|row| (row.0, row.1)))
    }

    /// Takes a stuck one up again, leased to the replica that does. `None` where it is not stuck any more, or never was.
    pub async fn operation_retry(&mut self, id: OperationId, by: ReplicaId, lease: Duration) -> Result<Option<Held>> {
        let now = self.now().await?;
        let Some(mut row) = self.operation(id).await? else { return Ok(None) };
        if !row.saga.retry() {
            return Ok(None);
        }
        let wrote = self
            .sql(
                "UPDATE operation SET saga = $3, state = $4, version = version + 1, holder = $5, lease_until = $6, due_at = $7, \
                 finished_at = NULL WHERE id = $1 AND version = $2 AND state = 'stuck'",
            )
            .bind(id.uuid())
            .bind(row.version)
            .bind(Json(&row.saga))
            .bind(row.saga.state.as_str())
            .bind(by.uuid())
            .bind_time(after(now, lease))
            .bind_time(now)
            .execute()
            .await?;
        Ok((wrote == 1).then_some(Held { id, version: row.version + 1, saga: row.saga, wish: row.wish }))
    }

    /// Takes back one that has not begun. False where it has, or may have: each claim counts the version up, also one that saved nothing of what it did.
    pub async fn operation_cancel(&mut self, id: OperationId) -> Result<bool> {
        let now = self.now().await?;
        let Some(mut row) = self.operation(id).await? else { return Ok(false) };
        if !row.saga.cancel() {
            return Ok(false);
        }
        let wrote = self
            .sql(
                "UPDATE operation SET saga = $3, state = $4, version = version + 1, finished_at = $5 \
                 WHERE id = $1 AND version = $2 AND state = 'pending' AND holder IS NULL AND version = 1",
            )
            .bind(id.uuid())
            .bind(row.version)
            .bind(Json(&row.saga))
            .bind(row.saga.state.as_str())
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }

    /// Notes what a person wants of an operation that is not over, and makes it due: who holds it learns with its next save, else who claims it. Outside
    /// of the fence, so that a turn under way is not disturbed. Who was cancelled stays so, whoever wishes something else at the same moment. False where
    /// it is over by now.
    pub async fn operation_wish(&mut self, id: OperationId, wish: Wish) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "UPDATE operation SET cancel = cancel OR $2, pause = $3, poke_seq = poke_seq + 1, due_at = CASE WHEN holder IS NULL THEN $4 ELSE due_at END \
                 WHERE id = $1 AND finished_at IS NULL",
            )
            .bind(id.uuid())
            .bind(wish.cancel)
            .bind(wish.pause)
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }

    /// Makes what waits for a cluster due now: the cluster answers again. Lies outside the fence, so a turn under way is not disturbed, and its save
    /// makes due at once what it would have made wait. A transaction of its own: it waits for saves, which may wait for [`Tx::cluster_seen`].
    pub async fn operations_poke(&mut self, lane: ClusterId) -> Result<u64> {
        let now = self.now().await?;
        self.sql(
            "UPDATE operation SET poke_seq = poke_seq + 1, due_at = CASE WHEN holder IS NULL THEN $2 ELSE due_at END \
             WHERE lane = $1 AND finished_at IS NULL AND (holder IS NOT NULL OR due_at > $2 AND state NOT IN ('pending', 'paused'))",
        )
        .bind(lane.uuid())
        .bind_time(now)
        .execute()
        .await
    }

    /// Gives up every lease of a replica that is going down, so that nobody waits for them to end.
    pub async fn operations_release(&mut self, by: ReplicaId) -> Result<u64> {
        self.sql("UPDATE operation SET holder = NULL, lease_until = NULL, version = version + 1 WHERE holder = $1 AND finished_at IS NULL")
            .bind(by.uuid())
            .execute()
            .await
    }
}

fn after(now: Timestamp, wait: Duration) -> Timestamp {
    // Leases and waits are seconds to minutes: the end of time is not near.
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
