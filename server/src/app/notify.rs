//! Telling people, after the commit: events become deliveries, deliveries are sent, tried again, or given up.

use super::{App, AppError, AppResult, decide::actor_of};
use crate::notify::{Happened, Message, NotSent};
use futures::future::join_all;
use orbit_core::{
    approval::{self, Deed, RequestState},
    id::RequestId,
    notification::{EventKind, Target},
    policy::Approver,
    secret::Secret,
};
use orbit_store::{OutboxRow, RequestRow, Tx};
use std::{collections::BTreeSet, time::Duration};

/// How many messages are taken at a time, and for how long: longer than any of them may take.
const LOT: u32 = 20;
const LEASE: Duration = Duration::from_mins(1);
/// After so many tries, which takes about six hours, a delivery is given up.
const TRIES: u32 = 12;

/// How long to wait after a try that failed; `None` after the last.
fn again_after(tries: u32) -> Option<Duration> {
    const FIRST: Duration = Duration::from_secs(10);
    const LONGEST: Duration = Duration::from_hours(4);
    (tries < TRIES).then(|| FIRST.saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1))).min(LONGEST))
}

impl App {
    /// Notes, in a transaction that goes on, that something happened to a request: who did it, and why.
    pub(super) async fn tell_of(
        &self,
        tx: &mut Tx,
        kind: EventKind,
        request: RequestId,
        why: (Option<&str>, Option<&str>),
    ) -> AppResult<()> {
        Ok(tx.event(self.ids.fresh(), kind, request, why).await?)
    }

    /// Sends what is due. Answers how many messages were taken.
    pub async fn post(&self) -> AppResult<usize> {
        let mut tx = self.store.begin().await?;
        let due = tx.outbox_claim(LOT, LEASE).await?;
        tx.commit().await?;
        join_all(due.iter().map(|row| self.post_one(row))).await;
        Ok(due.len())
    }

    async fn post_one(&self, row: &OutboxRow) {
        let is_event = row.channel.is_none() && row.recipient.is_none();
        let done = if is_event { self.spread(row).await } else { self.send(row).await };
        // It is due again when its lease is over.
        if let Err(error) = done {
            tracing::warn!(message = %row.id, ?error, "a message of the outbox could not be worked on");
        }
    }

    /// An event becomes a delivery to each channel that wants it.
    async fn spread(&self, row: &OutboxRow) -> AppResult<()> {
        // One that a newer version wrote, in the middle of an upgrade, is left to it.
        if row.event.is_none() {
            return Ok(());
        }
        let mut tx = self.store.begin().await?;
        if !tx.event_told(row.id).await? {
            return Ok(());
        }
        let request = row.payload.get("request").and_then(|id| id.as_str()).and_then(|id| id.parse::<RequestId>().ok());
        if let (Some(kind), Some(id)) = (row.event, request)
            && let Some(request) = tx.request(id).await?
        {
            let channels = tx.channels_of(request.workspace_id).await?;
            let wanted: Vec<_> = channels.into_iter().filter(|c| c.events.contains(&kind)).collect();
            let people = if self.mailer.is_some() { self.whom_to_mail(&mut tx, kind, &request).await? } else { vec![] };
            if !(wanted.is_empty() && people.is_empty()) {
                let message = self.message_of(&mut tx, kind, row, request).await?;
                let message = serde_json::to_value(&message).map_err(|e| AppError::Internal(e.to_string()))?;
                for channel in wanted {
                    tx.deliver(self.ids.fresh(), channel.id, kind, &message).await?;
                }
                for address in people {
                    tx.mail(self.ids.fresh(), &address, kind, &message).await?;
                }
            }
        }
        tx.commit().await?;
        self.post_bell.notify_one();
        Ok(())
    }

    /// The mail addresses of those whom an event is about: who decides, by the rule that decides, while a request waits, and when it waits no more because
    /// another took its place; who asked, of what becomes of it, and before its time is up.
    async fn whom_to_mail(&self, tx: &mut Tx, kind: EventKind, row: &RequestRow) -> AppResult<Vec<String>> {
        let mut addresses = BTreeSet::new();
        if !matches!(kind, EventKind::RequestPending | EventKind::RequestReopened) {
            let requester = tx.principal(row.requester_id).await?;
            // Who decided it themselves knows; what became of the work they do not.
            let decided = !matches!(kind, EventKind::OperationFailed | EventKind::OperationStuck);
            let own = decided && row.decided_by.as_deref() == Some(row.requester.as_str());
            addresses.extend(requester.and_then(|p| p.email).filter(|_| !own));
        }
        let asks = matches!(
            kind,
            EventKind::RequestPending
                | EventKind::RequestReopened
                | EventKind::RequestExpiring
                | EventKind::RequestSuperseded
        );
        if asks {
            addresses.extend(self.deciders(tx, row).await?);
        }
        Ok(addresses.into_iter().collect())
    }

    /// The mail addresses of those whose consent a request waits for, or waited for until another took its place.
    async fn deciders(&self, tx: &mut Tx, row: &RequestRow) -> AppResult<Vec<String>> {
        let items = tx.request_items(row.id).await?;
        let named = self.environment_approvers(tx, &items).await?;
        let approvers = row.needs.iter().flat_map(|need| &need.approvers);
        let by_name =
            approvers.filter_map(|a| if let Approver::Principal(name) = a { Some(name.clone()) } else { None });
        let asked: Vec<String> = by_name.chain(named.iter().cloned()).collect();
        let given = self.given(tx, row, &items).await?;
        let mut addresses = Vec::new();
        for person in tx.principals_to_ask(&asked).await? {
            let memberships = tx.memberships_of(person.id).await?;
            let actor = actor_of((person.id, &person.name), &memberships, row, &named);
            if approval::decide(RequestState::Pending, &row.needs, &given, Deed::Approve, &actor).is_ok() {
                addresses.extend(person.email);
            }
        }
        Ok(addresses)
    }

    async fn message_of(
        &self,
        tx: &mut Tx,
        kind: EventKind,
        row: &OutboxRow,
        request: RequestRow,
    ) -> AppResult<Message> {
        let why = match request.operation_id {
            Some(id) if matches!(kind, EventKind::OperationFailed | EventKind::OperationStuck) => {
                let operation = tx.operation(id).await?;
                operation.and_then(|o| o.saga.failure.map(|f| f.user))
            }
            _ => None,
        };
        let brief = self.request_brief(tx, &request).await?;
        let view = self.request_view(tx, request).await?;
        let told = |name: &str| row.payload.get(name).and_then(|text| text.as_str()).map(str::to_owned);
        let happened = Happened { kind, at: row.created_at, by: told("by"), reason: told("reason"), error: why };
        Ok(Message::of_request(happened, &view, &brief))
    }

    /// Sends a delivery, and notes what came of it.
    async fn send(&self, row: &OutboxRow) -> AppResult<()> {
        let sent = self.try_to_send(row).await?;
        let mut tx = self.store.begin().await?;
        match sent {
            Ok(()) => tx.delivered(row.id).await?,
            Err(error) => {
                let again = again_after(u32::try_from(row.attempts).unwrap_or(TRIES));
                tracing::warn!(delivery = %row.id, attempts = row.attempts, %error, given_up = again.is_none(), "a message did not arrive");
                tx.not_delivered((row.id, row.attempts), &error.0, again).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    async fn try_to_send(&self, row: &OutboxRow) -> AppResult<Result<(), NotSent>> {
        let channel = match row.channel {
            Some(id) => self.store.read().await?.channel(id).await?,
            None => None,
        };
        let message: Message = match serde_json::from_value(row.payload.clone()) {
            Ok(message) => message,
            Err(error) => return Ok(Err(NotSent(format!("the message cannot be read: {error}")))),
        };
        if let Some(address) = &row.recipient {
            return Ok(self.mail(std::slice::from_ref(address), row, &message).await);
        }
        let Some(channel) = channel else { return Ok(Err(NotSent("the channel is gone".to_owned()))) };
        Ok(match &channel.target {
            Target::Webhook { template, .. } => match self.channel_kept(&channel) {
                Err(_) => {
                    Err(NotSent("the address of the channel cannot be decrypted: is its key configured?".to_owned()))
                }
                Ok(Some(kept)) => {
                    let (secret, now) = (Secret::new(kept.secret), self.clock.now().as_second());
                    self.webhooks.send((&kept.url, &secret), (row.id, now), (&message, *template)).await
                }
                Ok(None) => Err(NotSent("the channel has no address".to_owned())),
            },
            Target::Email { to } => self.mail(to, row, &message).await,
        })
    }

    async fn mail(&self, to: &[String], row: &OutboxRow, message: &Message) -> Result<(), NotSent> {
        match &self.mailer {
            Some(mailer) => mailer.send(to, row.id, message).await,
            None => Err(NotSent("this server has no mail server: email.smtp_url is not set".to_owned())),
        }
    }

    /// Warns those who decide of requests that expire soon. Answers how many.
    pub async fn requests_warn(&self) -> AppResult<usize> {
        const BATCH: u32 = 100;
        let mut count = 0;
        loop {
            let mut tx = self.store.begin().await?;
            let due = tx.requests_warned(BATCH).await?;
            for id in &due {
                self.tell_of(&mut tx, EventKind::RequestExpiring, *id, (None, None)).await?;
            }
            tx.commit().await?;
            count += due.len();
            if due.len() < BATCH as usize {
                return Ok(count);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<_> = (1..=TRIES).map_while(again_after).map(|wait| wait.as_secs()).collect();
        assert_eq!(waits[..4], [10, 20, 40, 80]);
        assert_eq!((waits.len(), *waits.last().unwrap()), (11, 10_240));
        assert!(waits.is_sorted());
        assert_eq!(again_after(TRIES), None);
    }
}
