//! The journal of workflows on the database: state, consequences and audit event in one transaction, under the fence.

use crate::{AuditEvent, SYSTEM_PRINCIPAL, StoreError, conn::Store, error::Result};
use orbit_core::{
    id::{AuditEventId, Ids, ReplicaId},
    workflow::{Held, Journal, JournalError, OperationState, Save},
};
use std::{sync::Arc, time::Duration};

/// The journal as one replica writes it.
#[derive(Clone)]
pub struct LeasedJournal {
    /// Where.
    pub store: Store,
    /// Who writes.
    pub replica: ReplicaId,
    /// For how long each save renews the lease.
    pub lease: Duration,
    /// Ids of audit events.
    pub ids: Arc<dyn Ids>,
}

impl LeasedJournal {
    async fn try_save(&self, held: &Held, save: &Save) -> Result<Option<i64>> {
        let mut tx = self.store.begin().await?;
        if !tx.operation_save(held, self.replica, save.due, self.lease).await? {
            return Ok(None);
        }
        for mark in &save.marks {
            tx.topic_mark(mark).await?;
        }
        if save.state.is_final() {
            let row = tx.operation(held.id).await?.ok_or(StoreError::Sqlx(sqlx::Error::RowNotFound))?;
            if save.state != OperationState::Stuck {
                tx.request_unlock(row.request_id).await?;
            }
            for item in tx.request_items(row.request_id).await? {
                let object = item.change.object();
                tx.audit(&AuditEvent {
                    operation: Some(held.id),
                    request: Some(row.request_id),
                    workspace: Some(row.workspace_id),
                    detail: save.failure.as_ref().map(|f| f.user.clone()),
                    ..AuditEvent::new(
                        AuditEventId::from_uuid(self.ids.fresh()),
                        SYSTEM_PRINCIPAL,
                        "orbit",
                        &format!("operation.{}", save.state.as_str()),
                        object.noun.as_str(),
                        Some(object.id),
                        &object.key,
                    )
                })
                .await?;
            }
        }
        tx.commit().await?;
        Ok(Some(held.version + 1))
    }
}

impl Journal for LeasedJournal {
    async fn save(&self, held: &Held, save: Save) -> std::result::Result<i64, JournalError> {
        match self.try_save(held, &save).await {
            Ok(Some(version)) => Ok(version),
            Ok(None) => Err(JournalError::Fenced),
            Err(e) => Err(JournalError::Store(e.to_string())),
        }
    }
}
