//! Requests whose time is up, or nearly.

use crate::{
    conn::{Load, Read, Row, Tx, sql},
    error::Result,
};
use orbit_core::id::RequestId;

struct OnlyId(RequestId);
impl Load for OnlyId {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self(r.id("id", RequestId::from_uuid)?))
    }
}

impl Read {
    /// Pending requests whose time is up.
    pub async fn requests_expired(&mut self, limit: u32) -> Result<Vec<RequestId>> {
        let now = self.now().await?;
        let rows: Vec<OnlyId> = self
            .sql("SELECT id FROM request WHERE state = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2")
            .bind_time(now)
            .bind(i64::from(limit))
            .all()
            .await?;
        Ok(rows.into_iter().map(|r| r.0).collect())
    }
}

impl Tx {
    /// Pending requests that expire soon, each once: within a day, or within half of its time where that is shorter.
    pub async fn requests_warned(&mut self, limit: u32) -> Result<Vec<RequestId>> {
        const DAY_MICROSECONDS: i64 = 86_400_000_000;
        let now = self.now().await?;
        let rows: Vec<OnlyId> = self
            .sql(sql!(
                pg: "UPDATE request SET warned_at = $1 WHERE id IN (SELECT id FROM request WHERE state = 'pending' AND warned_at IS NULL \
                     AND expires_at > $1 AND expires_at - $1 <= least($2, (expires_at - created_at) / 2) ORDER BY expires_at LIMIT $3 \
                     FOR UPDATE SKIP LOCKED) RETURNING id",
                lite: "UPDATE request SET warned_at = $1 WHERE id IN (SELECT id FROM request WHERE state = 'pending' AND warned_at IS NULL \
                     AND expires_at > $1 AND expires_at - $1 <= min($2, (expires_at - created_at) / 2) ORDER BY expires_at LIMIT $3) RETURNING id",
            ))
            .bind_time(now)
            .bind(DAY_MICROSECONDS)
            .bind(i64::from(limit))
            .all()
            .await?;
        Ok(rows.into_iter().map(|r| r.0).collect())
    }
}
