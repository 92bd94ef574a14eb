//! Resource `orbit_kafka_topic`.

mod drift;
mod mapping;
mod plan;
#[cfg(test)]
mod tests;

use crate::{
    Orbit,
    orbit::{ask, change, nowhere},
    settle::{let_end, settle, settle_deletion, when_free},
};
use orbit_api::{
    TopicReplace,
    client::{Deleted, TopicRead},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tfplugin::{Applied, Change, Computed, Cx, Diagnostic, Diagnostics, Failure, Outcome, Resource, Schema, model};

model! {
    /// A Kafka topic owned by a workspace. What is not set is not managed: the cluster's default applies and never shows as a difference.
    ///
    /// Where a policy asks for it, a person has to approve first. The apply then ends with a warning that says who and where, and the topic has the
    /// status `pending-approval`. Plan or apply again after the decision.
    pub(crate) struct ManagedTopic {
        /// Slug of the workspace that owns it. Default: the provider's. A change replaces the topic, and its records do not move.
        workspace: Computed<String>,
        /// Slug of the environment that it lives in, for example `prod`. A change replaces the topic, and its records do not move.
        environment: String,
        /// Name: 1 to 249 letters, digits, `.`, `_` and `-`. A change replaces the topic, and its records do not move.
        name: String,
        /// Number of partitions. Can grow, never shrink.
        partitions: Option<u32>,
        /// Replicas of each partition. Fixed once the topic is made.
        replication_factor: Option<u16>,
        /// How long records are kept, in milliseconds; `-1` is for ever.
        retention_ms: Option<i64>,
        /// What becomes of old records: `delete`, `compact` or `compact,delete`.
        cleanup_policy: Option<String>,
        /// How records are compressed: `none`, `gzip`, `snappy`, `lz4` or `zstd`.
        compression: Option<String>,
        /// Further topic settings by Kafka's name of them. Only what is here is managed.
        config: Option<BTreeMap<String, String>>,
        /// What the topic is for.
        description: Option<String>,
        /// Words to find it by.
        tags: Option<BTreeSet<String>>,
        /// Whom to ask about it: an address or a channel.
        owner_contact: Option<String>,
        /// While on, the topic cannot be deleted. Turn it off in an apply of its own before a destroy.
        deletion_protection: Option<bool>,
        /// Orbit's id of the topic.
        id: Computed<String>,
        /// Slug of the cluster that it lives on.
        cluster: Computed<String>,
        /// Its name there.
        physical_name: Computed<String>,
        /// Kafka's id of it, once it is on the cluster.
        kafka_topic_id: Computed<Option<String>>,
        /// `pending-approval`, `provisioning`, `active`, `failed`, `deleting`, `rejected`, `withdrawn` or `expired`.
        status: Computed<String>,
        /// Where the request about it can be seen, while one is open or after one was refused.
        request_url: Computed<Option<String>>,
        /// Id of the newest operation on it.
        workflow_id: Computed<Option<String>>,
        /// Whether its creation needed a person's consent.
        approval_required: Computed<bool>,
        /// Who gave it.
        approved_by: Computed<Option<String>>,
        /// When it was given.
        approved_at: Computed<Option<String>>,
    }
}

/// What the last refresh saw that is in no attribute. Kept in the private state.
#[derive(Debug, Serialize, Deserialize)]
struct Seen {
    /// The cluster shows something else than Orbit wants. If the configuration says what the cluster shows, only this tells that an apply is due.
    drifted: bool,
}

impl Seen {
    fn drift(cx: &Cx<Orbit>) -> Result<bool, Diagnostics> {
        Ok(cx.private::<Self>()?.is_some_and(|seen| seen.drifted))
    }

    /// Writes only what is new: else every refresh would be a change of the state.
    fn note(cx: &Cx<Orbit>, drifted: bool) -> Result<(), Diagnostics> {
        if Self::drift(cx)? == drifted { Ok(()) } else { cx.set_private(&Self { drifted }) }
    }
}

/// How long a refresh waits for an operation that is about to end: right after an approval the next plan is then empty.
const MOMENT: Duration = Duration::from_secs(10);

impl Resource for ManagedTopic {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_topic";

    fn schema() -> Schema<Self> {
        Schema::version(1)
            .attr(Self::workspace.optional_computed().keep().replace())
            .attr(Self::environment.required().replace())
            .attr(Self::name.required().replace())
            .attr(Self::partitions.optional())
            .attr(Self::replication_factor.optional())
            .attr(Self::retention_ms.optional())
            .attr(Self::cleanup_policy.optional().check(|text| mapping::cleanup_policy(text).map(drop)))
            .attr(Self::compression.optional().check(|text| mapping::compression(text).map(drop)))
            .attr(Self::config.optional())
            .attr(Self::description.optional())
            .attr(Self::tags.optional())
            .attr(Self::owner_contact.optional())
            .attr(Self::deletion_protection.optional())
            .attr(Self::id.computed().keep())
            .attr(Self::cluster.computed().keep())
            .attr(Self::physical_name.computed().keep())
            .attr(Self::kafka_topic_id.computed().keep())
            .attr(Self::status.computed())
            .attr(Self::request_url.computed())
            .attr(Self::workflow_id.computed())
            .attr(Self::approval_required.computed().keep())
            .attr(Self::approved_by.computed().keep())
            .attr(Self::approved_at.computed().keep())
    }

    async fn plan(cx: &Cx<Orbit>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        plan::plan(cx, change).await
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        let (client, id) = (cx.client.client()?, now.id.require()?);
        let look = TopicRead { fresh: true, acknowledge: true };
        let mut found = ask(cx, client.topic_get(id, look)).await;
        if let Ok(topic) = &found
            && let_end(cx, topic, MOMENT).await
        {
            found = ask(cx, client.topic_get(id, look)).await;
        }
        match found {
            Ok(topic) => {
                Seen::note(cx, !topic.drift.is_empty())?;
                Ok(Some(now.refreshed(&topic)))
            }
            // Only this code: a 404 of a proxy, or of another server, does not say that the topic is gone.
            Err(e) if e.code() == Some("topic.not-found") => Ok(None),
            Err(e) => Err(e.tell(&now.object(), &|pointer| now.place(pointer))),
        }
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        let place = |pointer: &str| want.place(pointer);
        let intent = want.intent()?;
        let answer = change(cx, cx.client.client()?.topic_create(&intent)).await;
        let answer = answer.map_err(|e| e.tell(&want.object(), &place))?;
        settle(cx, want.clone(), answer, &place).await
    }

    async fn update(cx: &Cx<Orbit>, was: Self, want: Self) -> Outcome<Self> {
        let place = |pointer: &str| want.place(pointer);
        let (client, id) = (cx.client.client()?, was.id.require()?);
        let spec = TopicReplace::from(want.spec()?);
        let answer = when_free(cx, id, &want.object(), || change(cx, client.topic_replace(id, &spec))).await?;
        let answer = answer.map_err(|e| e.tell(&want.object(), &place))?;
        Seen::note(cx, false)?;
        settle(cx, want.clone(), answer, &place).await
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let (client, id) = (cx.client.client()?, was.id.require()?);
        match when_free(cx, id, &was.object(), || change(cx, client.topic_delete(id))).await? {
            Ok(answer) => settle_deletion(cx, answer).await,
            Err(e) if e.code() == Some("topic.not-found") => settle_deletion(cx, Deleted::Gone).await,
            Err(e) => Err(e.tell(&was.object(), &|pointer| was.place(pointer)).into()),
        }
    }

    async fn import(cx: &Cx<Orbit>, id: String) -> Result<Self, Diagnostics> {
        if !id.starts_with("top_") && id.split('/').count() != 3 {
            return Err(Diagnostic::error(format!("{id} is not the id of a topic"))
                .detail("Import by workspace/environment/name, for example payments-team/prod/orders, or by Orbit's id, top_….")
                .into());
        }
        let topic = ask(cx, cx.client.client()?.topic_get(&id, TopicRead::default())).await;
        let topic = topic.map_err(|e| e.tell(&format!("topic {id}"), &nowhere))?;
        Ok(Self::imported(&topic))
    }
}
