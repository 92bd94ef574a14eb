//! Requests whose time is up: ended by the sweep, or by whoever meets one.

use super::{App, AppResult};
use orbit_core::{
    approval::RequestState,
    id::{AuditEventId, RequestId},
    notification::EventKind,
};
use orbit_store::{AuditEvent, RequestRow, Resolution, SYSTEM_PRINCIPAL, Stage, Tx};

impl App {
    /// Ends requests that nobody decided in time. Answers how many.
    pub async fn requests_expire(&self) -> AppResult<usize> {
        const BATCH: u32 = 100;
        let mut count = 0;
        loop {
            let due = self.store.read().await?.requests_expired(BATCH).await?;
            let mut ended = 0;
            for id in &due {
                // One that cannot be ended keeps no other waiting.
                match self.request_expire(*id).await {
                    Ok(()) => ended += 1,
                    Err(error) => tracing::warn!(request = %id, ?error, "a request could not be expired"),
                }
            }
            count += ended;
            if ended == 0 || due.len() < BATCH as usize {
                return Ok(count);
            }
        }
    }

    async fn request_expire(&self, id: RequestId) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let Some(row) = tx.request_lock(id).await?.filter(|r| r.state == RequestState::Pending) else { return Ok(()) };
        self.expire(&mut tx, &row).await?;
        tx.commit().await?;
        self.runner.tell(id.uuid());
        Ok(())
    }

    /// Ends a pending request whose time is up.
    pub(super) async fn expire(&self, tx: &mut Tx, row: &RequestRow) -> AppResult<()> {
        let items = tx.request_items(row.id).await?;
        let changes: Vec<_> = items.iter().map(|item| item.change.clone()).collect();
        self.desire_all(tx, &changes, &Stage::Expired).await?;
        for item in items {
            let object = item.change.object();
            let id = AuditEventId::from_uuid(self.ids.fresh());
            let (noun, key) = (object.noun.as_str(), &object.key);
            let event = AuditEvent {
                workspace: Some(row.workspace_id),
                request: Some(row.id),
                ..AuditEvent::new(id, SYSTEM_PRINCIPAL, "orbit", "request.expired", noun, Some(object.id), key)
            };
            tx.audit(&event).await?;
        }
        let by = "orbit".to_owned();
        let state = RequestState::Expired;
        let resolution = Resolution { state, by, reason: None, operation: None, superseded_by: None };
        tx.request_resolve(row.id, &resolution).await?;
        self.tell_of(tx, EventKind::RequestExpired, row.id, (None, None)).await?;
        Ok(tx.request_end(row.id).await?)
    }
}
