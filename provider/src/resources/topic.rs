//! Resource `orbit_kafka_topic`.

mod drift;
mod mapping;
mod moved;
mod plan;
#[cfg(test)]
mod tests;
mod words;

pub(crate) use self::words::RequestWords;
use crate::{
    Orbit,
    memory::must_see,
    on_pending::OnPending,
    orbit::{NoAnswer, Place, ask, change, change_for, nowhere},
    plain, refresh, say,
    seen::Seen,
    settle::{Wish, open_request, settle, settle_deletion, when_free},
    slug,
    wait::{LAST_LOOK, Patience, let_end},
};
use orbit_api::{
    Topic, TopicCreate, TopicReplace, TopicStatus,
    client::{Client, Deleted, Submitted, TopicRead},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tfplugin::{
    Applied, Change, Computed, Cx, Diagnostic, Diagnostics, Failure, MoveSource, Outcome, Resource, Schema, Timed,
    Timeouts, View, model,
};

model! {
    /// A Kafka topic owned by a workspace. What is not set is not managed: the cluster's default applies and never shows as a difference.
    ///
    /// Where a policy asks for it, a person has to approve first. The apply then ends with a warning that says who and where, and the topic has the
    /// status `pending-approval`. Plan or apply again after the decision.
    ///
    /// A destroy deletes the topic with its records. Where that needs approval, it is an error until somebody approved it, and the topic stays in the state.
    /// Where a policy has a lead time for deletions, the destroy succeeds with a warning, and the topic is on its cluster until then; the warning has the
    /// call that keeps it.
    ///
    /// Who approved it and when, its conditions, and what its cluster shows of it are in the data source of the same name.
    pub(crate) struct ManagedTopic {
        /// Slug of the workspace that owns it. Default: the provider's. A change replaces the topic, and its records do not move.
        workspace: Computed<String>,
        /// Slug of the environment that it lives in, for example `prod`. A change replaces the topic, and its records do not move.
        environment: String,
        /// Name: 1 to 249 letters, digits, `.`, `_` and `-`. A change replaces the topic, and its records do not move.
        name: String,
        /// A preset that a policy offers, for example `audit`. What it gives holds where nothing else is said, is copied when the topic is asked for, and
        /// does not change with the policy later.
        profile: Option<String>,
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
        /// While on, the topic cannot be deleted. Turn it off in an apply of its own before a destroy. Default: what the policy's
        /// `deletion_protection_default` says.
        deletion_protection: Option<bool>,
        /// What a request about it says for itself, to those who decide. It is not kept in the topic, and a policy may ask for it.
        request: Option<RequestWords>,
        /// What an apply does when its creation or a change of it waits for a person: `return`, `wait` or `fail`, as in the provider block. Default: the
        /// provider's. A deletion that waits is an error until it is approved, whatever this says.
        on_pending: Option<String>,
        /// How long an apply waits for the work and, with `on_pending = "wait"`, for a person; by default 20 minutes, and one minute for a cluster that does
        /// not answer. A creation or change that takes longer ends with a warning, a deletion with an error. `read`: how long a refresh may take, before it
        /// ends with an error. What goes on after that is not lost, nor done twice.
        timeouts: Option<Timeouts>,
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
    }
}

/// There is no such topic, or none that the token sees.
const NOT_FOUND: &str = "topic.not-found";

/// How long Orbit may hold back the answer to a creation: most are done in a fraction of it, and need no further call then.
const HELD: Duration = Duration::from_secs(20);

/// How long a creation may be on its way to Orbit once the user wants to stop. Its answer is not waited for: Orbit holds it back, and can be asked.
const SENT: Duration = Duration::from_millis(150);

/// The topic that a creation is about whose answer nobody waited for any more: the one that this run asked for. Where an equal one of another run is met,
/// the next apply sees to it.
async fn found_after_all(client: &Client, intent: &TopicCreate, run_id: &str) -> Result<Submitted<Topic>, NoAnswer> {
    let key = format!("{}/{}/{}", intent.workspace, intent.environment, intent.name);
    let look = tokio::time::timeout(LAST_LOOK, client.topic_get(&key, TopicRead::default())).await;
    let found = look.ok().and_then(Result::ok).filter(|topic| {
        let comes =
            matches!(topic.status, TopicStatus::PendingApproval | TopicStatus::Provisioning | TopicStatus::Active);
        let is_ours = topic.request.as_ref().is_none_or(|request| request.run_id.as_deref() == Some(run_id));
        comes && is_ours && !topic.acknowledged && topic.spec() == intent.spec()
    });
    let found = found.ok_or(NoAnswer::Stopped { changes: true })?;
    Ok(if found.status == TopicStatus::Active { Submitted::Done(found) } else { Submitted::Accepted(found) })
}

/// The revision of a topic of which nothing changed that the plan is about: it is as it was then, but for where its approval stands, say; or it is as
/// planned already, by a call whose answer was lost.
async fn still_fits(cx: &Cx<Orbit>, client: &Client, was: &ManagedTopic, want: &ManagedTopic) -> Option<i64> {
    let look = client.topic_get(was.id.get()?, TopicRead { fresh: true, acknowledge: false });
    let now = ask(cx, look).await.ok()?;
    let seen = was.clone().refreshed(&now).spec().ok()?;
    let fits = seen == was.spec().ok()? || seen == want.spec().ok()?;
    fits.then_some(now.revision)
}

/// The topic, where an update asks nothing of Orbit: only words, timeouts or the like change, nothing that this resource asked for is open, and Orbit and
/// the cluster have it as configured.
async fn asks_nothing(
    cx: &Cx<Orbit>,
    client: &Client,
    was: &ManagedTopic,
    want: &ManagedTopic,
) -> Result<Option<Topic>, Diagnostics> {
    let seen = Seen::of(cx)?;
    let is_active = was.status.get().is_some_and(|status| *status == TopicStatus::Active.to_string());
    if !is_active || seen.drifted || seen.filed.is_some() || was.spec()? != want.spec()? {
        return Ok(None);
    }
    // What cannot be seen now is for the change itself to tell.
    let look = client.topic_get(was.id.require()?, TopicRead { fresh: true, acknowledge: false });
    let Ok(topic) = ask(cx, look).await else { return Ok(None) };
    let is_as_configured =
        topic.status == TopicStatus::Active && topic.drift.is_empty() && !want.differs_from(&topic)?;
    Ok(is_as_configured.then_some(topic))
}

impl ManagedTopic {
    /// How long a call may wait.
    fn patience(&self, call: Timed) -> Patience {
        Patience::of(self.timeouts.as_ref(), call)
    }

    /// What a create or an update wants of its answer.
    fn wish<'a>(
        &self,
        cx: &Cx<Orbit>,
        patience: Patience,
        place: Place<'a>,
    ) -> Result<Wish<'a, impl FnOnce(&Topic) -> Self + use<'a>>, Diagnostics> {
        let own = self.on_pending.as_deref().map(str::parse).transpose()?;
        let want = self.clone();
        Ok(Wish {
            on_pending: own.unwrap_or(cx.client.on_pending()),
            patience,
            place,
            fill: move |topic: &Topic| want.filled(topic),
        })
    }
}

/// What became of a topic of the state.
async fn look(cx: &Cx<Orbit>, now: ManagedTopic) -> Result<Option<ManagedTopic>, Diagnostics> {
    let Some(id) = now.id.get() else { return moved::find(cx, &now).await.map(Some) };
    let client = cx.client.client()?;
    cx.client.memory().holds(now.object());
    let place = now.workspace.get().map(|workspace| (workspace.as_str(), now.environment.as_str()));
    let mut found = refresh::topic(cx, client, id, place).await;
    if let Ok(topic) = &found
        && let_end(cx, topic).await
    {
        found = refresh::topic(cx, client, id, None).await;
    }
    match found {
        Ok(topic) => {
            let open = open_request(&topic).map(|request| request.id.as_str());
            let filed = Seen::of(cx)?.filed.filter(|id| Some(id.as_str()) == open);
            Seen { drifted: !topic.drift.is_empty(), filed, revision: Some(topic.revision) }.note(cx)?;
            if open.is_some() || topic.status != TopicStatus::Active {
                cx.client.refresh().keep(&topic);
            }
            Ok(Some(now.refreshed(&topic)))
        }
        // Only this code: a 404 of a proxy, or of another server, does not say that the topic is gone.
        Err(e) if e.code() == Some(NOT_FOUND) => {
            must_see(cx, now.workspace.require()?, &now.object()).await?;
            cx.client.memory().forgets(&now.object());
            Ok(None)
        }
        Err(e) => Err(e.tell(&now.object(), &|pointer| now.place(pointer))),
    }
}

impl Resource for ManagedTopic {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_topic";

    fn schema() -> Schema<Self> {
        Schema::version(1)
            .attr(Self::workspace.optional_computed().keep().replace().identity().check(|text| slug::check(text)))
            .attr(Self::environment.required().replace().identity().check(|text| slug::check(text)))
            .attr(Self::name.required().replace().identity())
            .attr(Self::profile.optional())
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
            .attr(Self::request.optional())
            .attr(Self::on_pending.optional().check(|text| text.parse::<OnPending>().map(drop)))
            .attr(Self::timeouts.optional())
            .attr(Self::id.computed().keep())
            .attr(Self::cluster.computed().keep())
            .attr(Self::physical_name.computed().keep())
            .attr(Self::kafka_topic_id.computed().keep())
            .attr(Self::status.computed())
            .attr(Self::request_url.computed())
            .attr(Self::workflow_id.computed())
    }

    async fn plan(cx: &Cx<Orbit>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        plan::plan(cx, change).await
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        let Some(longest) = Timeouts::chosen(now.timeouts.as_ref(), Timed::Read) else { return look(cx, now).await };
        let object = now.object();
        match tokio::time::timeout(longest, look(cx, now)).await {
            Ok(found) => found,
            Err(_) => Err(say::late(&object, longest).at(Self::timeouts).into()),
        }
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        cx.client.judge().applies();
        let place = |pointer: &str| want.place(pointer);
        let (intent, patience) = (want.intent()?, want.patience(Timed::Create));
        let client = cx.client.client()?;
        let held = HELD.min(patience.left());
        let answer = match change_for(cx, SENT, client.topic_make(&intent, held)).await {
            // Orbit has held its answer back: what became of the call can be seen.
            Err(NoAnswer::Stopped { .. }) => found_after_all(client, &intent, cx.client.run_id()).await,
            answer => answer,
        };
        let answer = answer.map_err(|e| e.tell(&want.object(), &place))?;
        cx.client.refresh().changed(&intent.workspace, &intent.environment);
        let (Submitted::Done(topic) | Submitted::Accepted(topic)) = &answer;
        let id = topic.id.clone();
        // An equal wish attaches, wherever it comes from: from another block of this run it is a mistake.
        if !cx.client.memory().claim(&id) {
            return Err(say::shared(&want.object()).at(Self::name).into());
        }
        let outcome = settle(cx, answer, want.wish(cx, patience, &place)?).await;
        if outcome.is_err() {
            cx.client.memory().release(&id);
        }
        outcome
    }

    async fn update(cx: &Cx<Orbit>, was: Self, want: Self) -> Outcome<Self> {
        cx.client.judge().applies();
        let place = |pointer: &str| want.place(pointer);
        let (client, id) = (cx.client.client()?, was.id.require()?);
        if let Some(topic) = asks_nothing(cx, client, &was, &want).await? {
            return Ok(Applied::Done(want.filled(&topic)));
        }
        let patience = want.patience(Timed::Update);
        let spec = TopicReplace::from(want.spec()?).documented(want.documentation());
        let revision = Seen::of(cx)?.revision;
        let call = async || {
            let answer = change(cx, client.topic_replace(id, &spec, revision)).await;
            if answer.as_ref().err().and_then(NoAnswer::code) != Some("stale") {
                return answer;
            }
            match still_fits(cx, client, &was, &want).await {
                Some(now) => change(cx, client.topic_replace(id, &spec, Some(now))).await,
                None => answer,
            }
        };
        let answer = match when_free::<Topic, _, _>(cx, (id, &want.object()), patience, call).await? {
            Ok(answer) => answer,
            Err(e) => {
                if e.code() == Some(NOT_FOUND) {
                    must_see(cx, was.workspace.require()?, &was.object()).await?;
                }
                return Err(e.tell(&want.object(), &place).into());
            }
        };
        cx.client.refresh().changed(was.workspace.require()?, &was.environment);
        Seen::default().note(cx)?;
        settle(cx, answer, want.wish(cx, patience, &place)?).await
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        cx.client.judge().applies();
        let (client, id) = (cx.client.client()?, was.id.require()?);
        if cx.client.memory().is_claimed(id) {
            return Err(say::shared(&was.object()).at(Self::name).into());
        }
        let patience = was.patience(Timed::Delete);
        cx.client.refresh().changed(was.workspace.require()?, &was.environment);
        let call = || change(cx, client.topic_delete(id, was.justification()));
        let outcome = match when_free::<Topic, _, _>(cx, (id, &was.object()), patience, call).await? {
            Ok(Deleted::Accepted(topic)) => settle_deletion(cx, Some(*topic), patience).await,
            Ok(Deleted::Gone) => Ok(Applied::Done(())),
            Err(e) if e.code() == Some(NOT_FOUND) => {
                must_see(cx, was.workspace.require()?, &was.object()).await?;
                Ok(Applied::Done(()))
            }
            Err(e) => Err(e.tell(&was.object(), &|pointer| was.place(pointer)).into()),
        };
        if outcome.is_ok() {
            cx.client.memory().release(id);
        }
        outcome
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

    async fn import_by(cx: &Cx<Orbit>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        let part = |field| plain::part(identity, field);
        let workspace = identity.get(Self::workspace).known().ok_or("the identity lacks workspace")?;
        Self::import(cx, format!("{workspace}/{}/{}", part(Self::environment)?, part(Self::name)?)).await
    }

    fn move_from(source: &MoveSource) -> Result<Option<Self>, Diagnostics> {
        moved::from(source)
    }
}
