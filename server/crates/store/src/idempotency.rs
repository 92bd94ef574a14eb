//! Replies that were lost: the answer to a POST is kept for a day under the caller's `Idempotency-Key`.

use crate::{
    conn::{Load, Read, Row, Tx},
    error::Result,
};
use orbit_core::id::PrincipalId;
use sqlx::types::Json;

/// What is known of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Earlier {
    /// Nobody used it: go ahead.
    Nothing,
    /// The same call was answered: this.
    Answer(serde_json::Value),
    /// It was used for another call.
    OtherCall,
}

struct Kept {
    body_hash: Vec<u8>,
    answer: Option<serde_json::Value>,
}
impl Load for Kept {
    fn load(r: &Row) -> Result<Self> {
        Ok(Self { body_hash: r.get("body_hash")?, answer: r.maybe_json("answer")? })
    }
}

impl Read {
    async fn idempotency(&mut self, who: PrincipalId, key: &str) -> Result<Option<Kept>> {
        self.sql("SELECT body_hash, answer FROM idempotency WHERE principal_id = $1 AND key = $2")
            .bind(who.uuid())
            .bind(key)
            .optional()
            .await
    }
}

impl Tx {
    /// Takes a key. Inserted first in a transaction: whoever comes second with it waits here, then reads the answer.
    pub async fn idempotency_take(&mut self, who: PrincipalId, key: &str, body_hash: &[u8]) -> Result<Earlier> {
        let now = self.now().await?;
        let wrote = self
            .sql("INSERT INTO idempotency (principal_id, key, body_hash, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
            .bind(who.uuid())
            .bind(key)
            .bind(body_hash)
            .bind_time(now)
            .execute()
            .await?;
        if wrote == 1 {
            return Ok(Earlier::Nothing);
        }
        Ok(match self.idempotency(who, key).await? {
            Some(Kept { body_hash: kept, answer: Some(answer) }) if kept == body_hash => Earlier::Answer(answer),
            _ => Earlier::OtherCall,
        })
    }
    /// Keeps the answer under the key that was taken.
    pub async fn idempotency_answer(&mut self, who: PrincipalId, key: &str, answer: &serde_json::Value) -> Result<()> {
        self.sql("UPDATE idempotency SET answer = $3 WHERE principal_id = $1 AND key = $2")
            .bind(who.uuid())
            .bind(key)
            .bind(Json(answer))
            .one_row()
            .await
    }
    /// Forgets the answers that are older than a day.
    pub async fn idempotency_sweep(&mut self) -> Result<u64> {
        const DAY_MICROS: i64 = 24 * 3_600 * 1_000_000;
        let now = self.now().await?;
        self.sql("DELETE FROM idempotency WHERE created_at < $1")
            .bind(now.as_microsecond() - DAY_MICROS)
            .execute()
            .await
    }
}
