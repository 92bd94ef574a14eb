//! The journal of workflows on the database: state, consequences and audit event in one transaction, under the fence.

use crate::{AuditEvent, SYSTEM_PRINCIPAL, StoreError, Tx, conn::Store, error::Result, saves::Saves};
use orbit_core::{
    change::Action,
    id::{AuditEventId, Ids, ReplicaId, RequestId, TopicId},
    model::topic::{Observed, TopicEvent, TopicSpec},
    notification::EventKind,
    ports::KafkaTopicId,
    workflow::{Held, Journal, JournalError, Mark, OperationState, Save, Saved},
};
use sqlx::types::Json;
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

impl From<StoreError> for JournalError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.to_string())
    }
}

/// Why a mark could not be applied. Where the record does not fit, trying again would never end.
fn of_mark(error: StoreError) -> JournalError {
    match error {
        StoreError::Transition(_) | StoreError::Rows { .. } => JournalError::Unfit(error.to_string()),
        error => error.into(),
    }
}

impl LeasedJournal {
    /// The operation is over: the object is free again, unless a person has to look, and the trail tells.
    async fn conclude(&self, tx: &mut Tx, request: RequestId, held: &Held, save: &Save) -> Result<()> {
        let told = match save.state {
            OperationState::RolledBack => Some(EventKind::OperationFailed),
            OperationState::Stuck => Some(EventKind::OperationStuck),
            _ => None,
        };
        if let Some(kind) = told {
            tx.event(self.ids.fresh(), kind, request, (None, None)).await?;
        }
        if save.state != OperationState::Stuck {
            tx.request_unlock(request).await?;
        }
        for item in tx.request_items(request).await? {
            // A creation that succeeded takes what it asked for.
            let as_asked = item.change.action() == Action::Create && save.state == OperationState::Succeeded;
            if !as_asked && save.state != OperationState::Stuck {
                tx.claims_settle(&item.change).await?;
            }
            let object = item.change.object();
            tx.audit(&AuditEvent {
                operation: Some(held.id),
                request: Some(request),
                workspace: Some(item.change.workspace()),
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
        Ok(())
    }
}

impl Tx {
    /// What a step saw, or that nothing was seen of the topic as it is now.
    async fn topic_seen(&mut self, id: TopicId, observed: Option<&Observed>) -> Result<()> {
        let now = self.now().await?;
        self.sql("UPDATE topic SET observed = $2, observed_at = $3 WHERE id = $1")
            .bind(id.uuid())
            .bind(observed.map(Json))
            .bind_maybe_time(observed.map(|_| now))
            .one_row()
            .await
    }

    /// The cluster has it, and has not been asked since what it shows.
    async fn topic_activate(&mut self, id: TopicId, kafka_topic_id: KafkaTopicId, spec: &TopicSpec) -> Result<()> {
        let now = self.now().await?;
        let (from, to) = self.topic_next(id, TopicEvent::Provisioned).await?;
        self.sql(
            "UPDATE topic SET status = $2, kafka_topic_id = $3, desired = $4, observed = NULL, observed_at = NULL, revision = revision + 1, \
             updated_at = $5 WHERE id = $1 AND status = $6",
        )
        .bind(id.uuid())
        .bind(to.as_str())
        .bind(kafka_topic_id.uuid())
        .bind(Json(spec))
        .bind_time(now)
        .bind(from)
        .one_row()
        .await
    }

    /// Nothing of the topic is on the cluster any more.
    async fn topic_off_cluster(&mut self, id: TopicId) -> Result<()> {
        let Some(row) = self.topic(id).await? else { return Ok(()) };
        self.cluster_topic_gone(row.cluster_id, &row.physical_name).await?;
        self.sql("UPDATE topic SET kafka_topic_id = NULL WHERE id = $1").bind(id.uuid()).one_row().await
    }

    /// Applies a consequence of a step.
    async fn topic_mark(&mut self, mark: &Mark) -> Result<()> {
        match mark {
            Mark::TopicActive { topic, kafka_topic_id, spec } => {
                self.topic_activate(*topic, *kafka_topic_id, spec).await
            }
            Mark::TopicTakenBack { topic } => self.topic_transition(*topic, TopicEvent::TakenBack).await,
            Mark::TopicFailed { topic } => self.topic_transition(*topic, TopicEvent::ProvisioningFailed).await,
            Mark::TopicUpdated { topic, spec, observed } => {
                self.topic_respec(*topic, spec).await?;
                self.topic_seen(*topic, observed.as_ref()).await
            }
            Mark::TopicNameFree { topic } => self.topic_off_cluster(*topic).await,
            Mark::TopicDeleted { topic } => {
                if let Some(row) = self.topic(*topic).await? {
                    self.cluster_topic_gone(row.cluster_id, &row.physical_name).await?;
                    self.topic_forget(*topic).await?;
                }
                Ok(())
            }
            // A record that is gone went with its topic, before the bundle was taken back.
            Mark::TopicKept { topic } => match self.topic(*topic).await? {
                Some(_) => self.topic_transition(*topic, TopicEvent::DeleteFailed).await,
                None => Ok(()),
            },
            Mark::TopicObserved { topic, observed } => self.topic_seen(*topic, Some(observed)).await,
        }
    }
}

impl LeasedJournal {
    /// Saves in a transaction, which the caller commits.
    pub(crate) async fn save_in(
        &self,
        tx: &mut Tx,
        held: &Held,
        save: &Save,
    ) -> std::result::Result<Saved, JournalError> {
        let Some((request, wish)) = tx.operation_save(held, self.replica, (save.due, save.heeds), self.lease).await?
        else {
            return Err(if save.heeds { JournalError::Wished } else { JournalError::Fenced });
        };
        // Rows of several topics are locked in one order, everywhere.
        let mut marks: Vec<&Mark> = save.marks.iter().collect();
        marks.sort_by_key(|mark| mark.topic());
        for mark in marks {
            tx.topic_mark(mark).await.map_err(of_mark)?;
        }
        if save.state.is_final() {
            self.conclude(tx, request, held, save).await?;
        }
        Ok(Saved { version: held.version + 1, wish })
    }
}

impl Journal for LeasedJournal {
    async fn save(&self, held: &Held, save: Save) -> std::result::Result<Saved, JournalError> {
        Saves::save(self, held, save).await
    }
}
