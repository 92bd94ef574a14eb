//! The outbox: what a transaction makes necessary and that happens after it. An event is told of by one delivery to each channel that wants it; a delivery
//! is tried until it arrives, or is given up and waits for a person.

use crate::{
    PageOf,
    conn::{Load, Read, Row, Tx, sql},
    error::Result,
};
use jiff::Timestamp;
use orbit_core::{
    id::{ChannelId, RequestId, WorkspaceId},
    notification::EventKind,
};
use serde_json::{Value, json};
use sqlx::types::Json;
use std::time::Duration;
use uuid::Uuid;

/// What a delivery came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is being tried.
    Pending,
    /// It arrived.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryState {
    /// As the database spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
    fn parse(text: Option<&str>) -> Self {
        match text {
            Some("delivered") => Self::Delivered,
            Some("dead") => Self::Dead,
            _ => Self::Pending,
        }
    }
}

/// A message of the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct OutboxRow {
    /// Its id: that of the event, or of the delivery.
    pub id: Uuid,
    /// The channel that it goes to.
    pub channel: Option<ChannelId>,
    /// The mail address of a person that it goes to. With neither it is an event that is to be told of.
    pub recipient: Option<String>,
    /// What happened; `None` where this build does not know it.
    pub event: Option<EventKind>,
    /// Of an event, what it is about; of a delivery, the message.
    pub payload: Value,
    /// How often it was tried.
    pub attempts: i64,
    /// What it came to.
    pub state: DeliveryState,
    /// What the last try said.
    pub last_error: Option<String>,
    /// When it is tried next.
    pub due_at: Timestamp,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it arrived, or was given up.
    pub ended_at: Option<Timestamp>,
}

impl Load for OutboxRow {
    fn load(r: &Row) -> Result<Self> {
        let (event, state): (Option<String>, Option<String>) = (r.get("event")?, r.get("state")?);
        Ok(Self {
            id: r.get("id")?,
            channel: r.maybe_id("channel_id", ChannelId::from_uuid)?,
            recipient: r.get("recipient")?,
            event: event.as_deref().and_then(EventKind::parse),
            payload: r.json("payload")?,
            attempts: r.get("attempts")?,
            state: DeliveryState::parse(state.as_deref()),
            last_error: r.get("last_error")?,
            due_at: r.time("due_at")?,
            created_at: r.time("created_at")?,
            ended_at: r.maybe_time("ended_at")?,
        })
    }
}

/// Which deliveries a list holds.
#[derive(Debug, Clone, Default)]
pub struct DeliveryFilter {
    /// To this channel.
    pub channel: Option<ChannelId>,
    /// To channels of this workspace; of all, the platform's included, where absent.
    pub workspace: Option<WorkspaceId>,
    /// Mail to the person of this address, and nothing to channels.
    pub recipient: Option<String>,
    /// That came to this.
    pub state: Option<DeliveryState>,
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT o.id, o.channel_id, o.event, o.payload, o.attempts, o.state, o.last_error, o.due_at, o.created_at, o.ended_at, o.recipient \
             FROM outbox o ",
            $rest
        )
    };
}

impl Read {
    /// A delivery by id.
    pub async fn delivery(&mut self, id: Uuid) -> Result<Option<OutboxRow>> {
        self.sql(select!("WHERE o.id = $1 AND o.kind <> 'event'")).bind(id).optional().await
    }
    /// A page of deliveries, newest first.
    pub async fn delivery_list(&mut self, filter: &DeliveryFilter, page: &PageOf<Uuid>) -> Result<Vec<OutboxRow>> {
        self.sql(select!(
            "LEFT JOIN notification_channel c ON c.id = o.channel_id WHERE o.id < $1 AND ($2 IS NULL OR o.channel_id = $2) \
             AND ($3 IS NULL OR c.workspace_id = $3) AND ($4 IS NULL OR COALESCE(o.state, 'pending') = $4) \
             AND (CASE WHEN $5 IS NULL THEN o.channel_id IS NOT NULL ELSE o.recipient = $5 END) ORDER BY o.id DESC LIMIT $6"
        ))
        .bind(page.after.unwrap_or(Uuid::max()))
        .bind(filter.channel.map(ChannelId::uuid))
        .bind(filter.workspace.map(WorkspaceId::uuid))
        .bind(filter.state.map(DeliveryState::as_str))
        .bind(filter.recipient.as_deref())
        .bind(i64::from(page.limit))
        .all()
        .await
    }
    /// How many deliveries were given up and wait for a person.
    pub async fn deliveries_dead(&mut self) -> Result<i64> {
        let count = self.sql("SELECT COUNT(*) FROM outbox WHERE state = 'dead'").scalar().await?;
        Ok(count.unwrap_or(0))
    }
}

/// Whom a message goes to.
enum To<'a> {
    Nobody,
    Channel(ChannelId),
    Person(&'a str),
}

macro_rules! due {
    ($skip:literal) => {
        concat!(
            "UPDATE outbox SET due_at = $2, attempts = attempts + 1 WHERE id IN \
               (SELECT id FROM outbox WHERE ended_at IS NULL AND due_at <= $1 ORDER BY due_at, id LIMIT $3",
            $skip,
            ") RETURNING id, channel_id, event, payload, attempts, state, last_error, due_at, created_at, ended_at, recipient"
        )
    };
}

impl Tx {
    /// Notes that something happened to a request: it is told of after the commit, or not at all where there is none. Who did it and why are kept with it:
    /// the request may say something else by then.
    pub async fn event(
        &mut self,
        id: Uuid,
        kind: EventKind,
        request: RequestId,
        (by, reason): (Option<&str>, Option<&str>),
    ) -> Result<()> {
        let told = json!({ "request": request, "by": by, "reason": reason });
        self.outbox_insert(id, To::Nobody, kind, &told).await
    }
    /// Sends a message to a channel.
    pub async fn deliver(&mut self, id: Uuid, to: ChannelId, kind: EventKind, message: &Value) -> Result<()> {
        self.outbox_insert(id, To::Channel(to), kind, message).await
    }
    /// Sends a message to a person.
    pub async fn mail(&mut self, id: Uuid, to: &str, kind: EventKind, message: &Value) -> Result<()> {
        self.outbox_insert(id, To::Person(to), kind, message).await
    }
    async fn outbox_insert(&mut self, id: Uuid, to: To<'_>, kind: EventKind, payload: &Value) -> Result<()> {
        let now = self.now().await?;
        self.sql(
            "INSERT INTO outbox (id, kind, payload, due_at, attempts, created_at, channel_id, event, recipient) \
             VALUES ($1, $2, $3, $4, 0, $4, $5, $6, $7)",
        )
        .bind(id)
        .bind(match to {
            To::Nobody => "event",
            To::Channel(_) => "delivery",
            To::Person(_) => "mail",
        })
        .bind(Json(payload))
        .bind_time(now)
        .bind(if let To::Channel(id) = to { Some(id.uuid()) } else { None })
        .bind(kind.as_str())
        .bind(if let To::Person(address) = to { Some(address) } else { None })
        .one_row()
        .await
    }
    /// Takes what is due, for as long as `lease`: whoever takes it has it done by then, or another tries again. So a message may arrive twice, with the same id.
    pub async fn outbox_claim(&mut self, limit: u32, lease: Duration) -> Result<Vec<OutboxRow>> {
        let now = self.now().await?;
        self.sql(sql!(pg: due!(" FOR UPDATE SKIP LOCKED"), lite: due!("")))
            .bind_time(now)
            .bind_time(now.checked_add(lease).unwrap_or(now))
            .bind(i64::from(limit))
            .all()
            .await
    }
    /// An event is told of in this transaction: its deliveries stand for it. False where it was before.
    pub async fn event_told(&mut self, id: Uuid) -> Result<bool> {
        let wrote = self.sql("DELETE FROM outbox WHERE id = $1 AND kind = 'event'").bind(id).execute().await?;
        Ok(wrote == 1)
    }
    /// A delivery arrived.
    pub async fn delivered(&mut self, id: Uuid) -> Result<()> {
        let now = self.now().await?;
        self.sql("UPDATE outbox SET state = 'delivered', last_error = NULL, ended_at = $2 WHERE id = $1")
            .bind(id)
            .bind_time(now)
            .execute()
            .await?;
        Ok(())
    }
    /// The try of a number failed: it is tried again after a while, or given up where there is none. A try that another has overtaken says nothing.
    pub async fn not_delivered(
        &mut self,
        (id, attempt): (Uuid, i64),
        error: &str,
        again: Option<Duration>,
    ) -> Result<()> {
        let now = self.now().await?;
        self.sql(
            "UPDATE outbox SET last_error = $2, due_at = $3, state = CASE WHEN $4 THEN 'dead' END, ended_at = $5 \
             WHERE id = $1 AND attempts = $6 AND ended_at IS NULL",
        )
        .bind(id)
        .bind(error)
        .bind_time(again.and_then(|wait| now.checked_add(wait).ok()).unwrap_or(now))
        .bind(again.is_none())
        .bind_maybe_time(again.is_none().then_some(now))
        .bind(attempt)
        .execute()
        .await?;
        Ok(())
    }
    /// Tries one again that is over, from the beginning. False where it is being tried.
    pub async fn redeliver(&mut self, id: Uuid) -> Result<bool> {
        let now = self.now().await?;
        let wrote = self
            .sql(
                "UPDATE outbox SET state = NULL, ended_at = NULL, attempts = 0, due_at = $2 \
                 WHERE id = $1 AND ended_at IS NOT NULL",
            )
            .bind(id)
            .bind_time(now)
            .execute()
            .await?;
        Ok(wrote == 1)
    }
    /// Forgets deliveries that ended long ago.
    pub async fn outbox_sweep(&mut self, older: Duration) -> Result<u64> {
        let now = self.now().await?;
        self.sql("DELETE FROM outbox WHERE ended_at < $1")
            .bind_time(now.checked_sub(older).unwrap_or(now))
            .execute()
            .await
    }
}
