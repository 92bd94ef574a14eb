//! News between the replicas of one PostgreSQL, by `NOTIFY`. They only make things quick: whoever misses one finds the same by looking. SQLite has one
//! process, and nobody to tell.

use crate::{
    conn::{Pools, Store},
    error::{Result, StoreError},
};
use orbit_core::id::ReplicaId;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgListener;
use uuid::Uuid;

/// The name of the channel.
const CHANNEL: &str = "orbit_news";

/// What a replica tells the others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct News {
    /// Who tells: it hears itself too.
    pub from: ReplicaId,
    /// Whether there is work that others may take.
    pub work: bool,
    /// Operations and requests that have changed.
    pub changed: Vec<Uuid>,
}

impl News {
    /// As many ids fit into one message: PostgreSQL takes less than 8,000 bytes.
    pub const MOST: usize = 150;
}

/// Hears the news, from its beginning on.
pub struct Listener(PgListener);

impl Store {
    /// Tells the other replicas. After the commit of what is told, never inside its transaction: a commit that notifies takes a lock that all share.
    pub async fn news_tell(&self, news: &News) -> Result<()> {
        let Pools::Postgres(pool) = &self.pools else { return Ok(()) };
        let text =
            serde_json::to_string(news).map_err(|e| StoreError::Column { column: "news", why: e.to_string() })?;
        sqlx::query("SELECT pg_notify($1, $2)").bind(CHANNEL).bind(text).execute(pool).await?;
        Ok(())
    }

    /// Begins to listen, on a connection of its own; `None` on SQLite.
    pub async fn news_listen(&self) -> Result<Option<Listener>> {
        let Pools::Postgres(pool) = &self.pools else { return Ok(None) };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Some(Listener(listener)))
    }
}

impl Listener {
    /// The next news; `None` where the connection was lost, and with it perhaps some news. The next call connects again.
    pub async fn next(&mut self) -> Result<Option<News>> {
        loop {
            let Some(told) = self.0.try_recv().await? else { return Ok(None) };
            // Another release may tell otherwise.
            if let Ok(news) = serde_json::from_str(told.payload()) {
                return Ok(Some(news));
            }
        }
    }
}
