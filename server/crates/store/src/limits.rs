//! Limits of workspaces and clusters, and what each object takes of them, open requests included.

use crate::{
    conn::{Load, Read, Row, Tx, sql},
    error::Result,
};
use orbit_core::{
    change::{Action, Change, Noun},
    id::ClusterId,
    name::Slug,
    policy::{Amounts, Holder, Quota, Resource},
};
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The limits of a workspace or a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LimitsRow {
    /// By resource; what is absent is not limited.
    pub amounts: Amounts,
    /// Counts up with every change; 0 where none was ever set.
    pub revision: i64,
}

impl Load for LimitsRow {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self { amounts: r.json("amounts")?, revision: r.get("revision")? })
    }
}

/// How much of a resource is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    /// Of what.
    pub resource: Resource,
    /// So much, by what has a limit.
    pub amount: i64,
    /// How many objects have none.
    pub unlimited: i64,
}

fn resource(r: &Row) -> Result<Option<Resource>> {
    let word: String = r.get("resource")?;
    Ok(Resource::ALL.into_iter().find(|known| known.as_str() == word))
}

impl Load for UsageRow {
    fn load(r: &Row) -> Result<Self> {
        // Sums can be larger than any count: as a fraction they lose less than a person would see.
        #[expect(clippy::cast_possible_truncation, reason = "what is beyond the largest number is the largest number")]
        let amount = r.get::<f64>("amount")? as i64;
        Ok(Self { resource: resource(r)?.unwrap_or(Resource::Topics), amount, unlimited: r.get("unlimited")? })
    }
}

struct OfHolder(Uuid, Amounts);
impl Load for OfHolder {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self(r.get("holder_id")?, r.json("amounts")?))
    }
}
struct Taken(Option<Resource>, i64);
impl Load for Taken {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self(resource(r)?, r.get("amount")?))
    }
}

/// Of holder `$1`, without object `$2`.
macro_rules! usage {
    ($holder:literal, $sum:literal) => {
        concat!(
            "SELECT resource, ",
            $sum,
            " AS amount, COUNT(CASE WHEN amount < 0 THEN 1 END) AS unlimited FROM resource_claim WHERE ",
            $holder,
            " = $1 AND ($2 IS NULL OR object_id <> $2) GROUP BY resource"
        )
    };
}

impl Read {
    /// The limits of a workspace or a cluster, by its id.
    pub async fn limits(&mut self, holder: Uuid) -> Result<LimitsRow> {
        let row = self.sql("SELECT amounts, revision FROM resource_limit WHERE holder_id = $1").bind(holder).optional();
        Ok(row.await?.unwrap_or_default())
    }

    /// How much is taken of a workspace or a cluster, leaving out one object.
    pub async fn usage(&mut self, holder: Holder, id: Uuid, without: Option<Uuid>) -> Result<Vec<UsageRow>> {
        let text = match holder {
            Holder::Workspace => sql!(
                pg: usage!("workspace_id", "COALESCE(SUM(amount) FILTER (WHERE amount >= 0), 0)::float8"),
                lite: usage!("workspace_id", "TOTAL(amount) FILTER (WHERE amount >= 0)")
            ),
            Holder::Cluster => sql!(
                pg: usage!("cluster_id", "COALESCE(SUM(amount) FILTER (WHERE amount >= 0), 0)::float8"),
                lite: usage!("cluster_id", "TOTAL(amount) FILTER (WHERE amount >= 0)")
            ),
        };
        self.sql(text).bind(id).bind(without).all().await
    }

    /// What an object takes.
    pub async fn claims(&mut self, object: Uuid) -> Result<Amounts> {
        let rows: Vec<Taken> =
            self.sql("SELECT resource, amount FROM resource_claim WHERE object_id = $1").bind(object).all().await?;
        Ok(rows.into_iter().filter_map(|t| Some((t.0?, t.1))).collect())
    }

    /// The limits that a change has to keep, and what is taken of them. One query where there are none.
    pub(crate) async fn quotas(&mut self, change: &impl Noun, cluster: &Slug) -> Result<Vec<Quota>> {
        let (workspace, lane) = (change.workspace().uuid(), change.lane().uuid());
        let limits: Vec<OfHolder> = self
            .sql("SELECT holder_id, amounts FROM resource_limit WHERE holder_id IN ($1, $2)")
            .bind(workspace)
            .bind(lane)
            .all()
            .await?;
        let mut quotas = Vec::new();
        if limits.iter().all(|l| l.1.is_empty()) {
            return Ok(quotas);
        }
        let object = change.object().id;
        for OfHolder(id, limits) in limits {
            let (holder, name) =
                if id == workspace { (Holder::Workspace, change.workspace_slug()) } else { (Holder::Cluster, cluster) };
            let others = self.usage(holder, id, Some(object)).await?;
            let others: BTreeMap<_, _> = others.into_iter().map(|u| (u.resource, u.amount)).collect();
            quotas.extend(limits.into_iter().map(|(resource, limit)| Quota {
                holder,
                name: name.clone(),
                resource,
                limit,
                others: others.get(&resource).copied().unwrap_or(0),
            }));
        }
        Ok(quotas)
    }
}

/// Each resource of `$4`.
macro_rules! claim {
    ($each:literal, $end:expr) => {
        concat!(
            "INSERT INTO resource_claim (object_id, resource, workspace_id, cluster_id, amount) SELECT $1, c.key, $2, $3, ",
            $each,
            " AS c WHERE true ON CONFLICT (object_id, resource) DO UPDATE SET cluster_id = excluded.cluster_id, amount = ",
            $end
        )
    };
}
/// The larger of two amounts, where what is without limit is larger than all.
macro_rules! larger {
    () => {
        "CASE WHEN resource_claim.amount < 0 OR (resource_claim.amount > excluded.amount AND excluded.amount >= 0) THEN resource_claim.amount ELSE excluded.amount END"
    };
}

impl Tx {
    /// Sets limits, whole. False where `revision` is not what it is by now.
    pub async fn limits_put(&mut self, holder: Uuid, amounts: &Amounts, revision: i64) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "INSERT INTO resource_limit (holder_id, amounts, revision, updated_at) SELECT $1, $2, $3 + 1, $4 \
                 WHERE $3 = 0 OR EXISTS (SELECT 1 FROM resource_limit WHERE holder_id = $1) ON CONFLICT (holder_id) DO UPDATE SET amounts = excluded.amounts, revision = excluded.revision, \
                 updated_at = excluded.updated_at WHERE resource_limit.revision = $3",
            )
            .bind(holder)
            .bind(Json(amounts))
            .bind(revision)
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Forgets the limits of what is gone.
    pub(crate) async fn limits_forget(&mut self, holder: Uuid) -> Result<()> {
        self.sql("DELETE FROM resource_limit WHERE holder_id = $1").bind(holder).execute().await?;
        Ok(())
    }

    /// Takes for an object what a change asks for. What is there counts until the change is done, where that is more.
    pub async fn claims_take(&mut self, change: &Change, amounts: &Amounts) -> Result<()> {
        if change.action() == Action::Create {
            return self.claims_set(change, Some(amounts)).await;
        }
        let text = sql!(
            pg: claim!("c.value::bigint FROM jsonb_each_text($4)", larger!()),
            lite: claim!("c.value FROM json_each($4)", larger!())
        );
        self.claim(text, change, amounts).await
    }

    /// Makes what an object takes exactly this.
    pub(crate) async fn claims_set(&mut self, change: &Change, amounts: Option<&Amounts>) -> Result<()> {
        let Some(amounts) = amounts else {
            self.sql("DELETE FROM resource_claim WHERE object_id = $1").bind(change.object().id).execute().await?;
            return Ok(());
        };
        let text = sql!(
            pg: claim!("c.value::bigint FROM jsonb_each_text($4)", "excluded.amount"),
            lite: claim!("c.value FROM json_each($4)", "excluded.amount")
        );
        self.claim(text, change, amounts).await
    }

    async fn claim(&mut self, text: crate::conn::Sql, change: &Change, amounts: &Amounts) -> Result<()> {
        let lane: ClusterId = change.lane();
        self.sql(text)
            .bind(change.object().id)
            .bind(change.workspace().uuid())
            .bind(lane.uuid())
            .bind(Json(amounts))
            .execute()
            .await?;
        Ok(())
    }
}
