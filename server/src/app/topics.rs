//! Topics: asking for one, changing it, taking it away.

use super::{App, AppError, AppResult, Call, Code, Filed, Filing, Refusal};
use crate::auth::{
    Caller,
    permission::{Permission, TopicWrite},
};
use orbit_api::FieldProblem;
use orbit_core::{
    change::{Change, TopicAction, TopicChange},
    id::{TopicId, WorkspaceId},
    model::{
        environment::TemplateNames,
        topic::{Drift, TopicSpec, TopicStatus},
    },
    name::{Limited as _, Slug, TopicName},
    workflow::Held,
};
use orbit_store::{EnvironmentRow, MappingRow, Read, RequestRow, TopicRow, Tx, WorkspaceRow};
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// A topic to ask for.
#[derive(Debug, Clone)]
pub struct TopicNew {
    /// Slug or id of the workspace.
    pub workspace: String,
    /// Slug or id of the environment.
    pub environment: String,
    /// Its logical name.
    pub name: TopicName,
    /// What it is to be.
    pub spec: TopicSpec,
    /// Why.
    pub justification: Option<String>,
}

/// Where a topic lives, or is to.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its workspace.
    pub workspace: WorkspaceRow,
    /// Its environment.
    pub environment: EnvironmentRow,
    /// The topic of that name, if there is one.
    pub existing: Option<TopicRow>,
}

/// What a call for a topic comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicReply {
    /// The topic.
    pub topic: TopicId,
    /// How the call ended.
    pub outcome: Outcome,
}

/// How a call for a topic ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It is there already, as asked for.
    There,
    /// Work is under way, or a person has to decide.
    UnderWay,
    /// Done, with no work to do.
    Done,
    /// Its record is gone.
    Gone,
}

pub(super) fn no_topic(named: &str) -> Refusal {
    Refusal::new(Code::TopicNotFound, format!("there is no topic {named} that you can see"))
}

impl App {
    /// Asks for a topic.
    pub async fn topic_create(&self, caller: &Caller<TopicWrite>, call: &Call, new: TopicNew) -> AppResult<TopicReply> {
        let mut tx = self.store.begin().await?;
        if let Some(before) = self.answered_before(&mut tx, call).await? {
            return self.replayed(&mut tx, caller, before, false).await;
        }
        let place = self.place(&mut tx, caller, &new.workspace, &new.environment, &new.name).await?;
        tx.workspace_lock(place.workspace.id).await?;
        tx.environment_hold(place.environment.id).await?;
        // Read again under the lock: an equal call may have come first. What is open is read before the topic: see `Filing::open`.
        let place = self.place(&mut tx, caller, &new.workspace, &new.environment, &new.name).await?;
        let id = place.existing.as_ref().map(|t| t.id);
        let open = match id {
            Some(id) => tx.request_open(id.uuid()).await?,
            None => None,
        };
        let place = self.place(&mut tx, caller, &new.workspace, &new.environment, &new.name).await?;
        let open = open.filter(|_| place.existing.as_ref().map(|t| t.id) == id);
        let new = self.with_profile(&mut tx, &place, new).await?;
        if let Some(there) = &place.existing
            && comes_to(there, &Wish::Create(&new.spec), call, open.is_some())? == Comes::There
        {
            return Ok(TopicReply { topic: there.id, outcome: Outcome::There });
        }
        let change = self.creation(&mut tx, &place, &new).await?;
        self.topic_submit(tx, call, (change, open), new.justification).await
    }

    /// The answer to a call that was carried out before, for who may see the topic still. One that is gone by now is what a deletion asked for.
    async fn replayed(
        &self,
        db: &mut Read,
        caller: &Caller<TopicWrite>,
        before: TopicReply,
        deletes: bool,
    ) -> AppResult<TopicReply> {
        let named = before.topic.to_string();
        match db.topic(before.topic).await? {
            Some(row) => caller.in_workspace(row.workspace_id, || no_topic(&named))?,
            None if deletes => {}
            None => return Err(no_topic(&named).remedy("it was made, and is gone by now").into()),
        }
        Ok(before)
    }

    /// Where a topic of that name lives, or is to live. What the caller may not see is not there.
    pub(super) async fn place<P: Permission>(
        &self,
        db: &mut Read,
        caller: &Caller<P>,
        workspace: &str,
        environment: &str,
        name: &TopicName,
    ) -> AppResult<Place> {
        let workspace = self.workspace_for(db, caller, workspace).await.map_err(at("/workspace"));
        let environment = self.environment_named(db, environment).await.map_err(at("/environment"));
        let (workspace, environment) = both(workspace, environment)?;
        let existing = db.topic_by_key(workspace.id, environment.id, name).await?;
        Ok(Place { workspace, environment, existing })
    }

    /// A refusal of fields, with what is wrong with the workspace and the environment beside them.
    pub async fn topic_place_too(
        &self,
        caller: &Caller<TopicWrite>,
        workspace: &str,
        environment: &str,
        mut refusal: Refusal,
    ) -> AppResult<Refusal> {
        let told = |refusal: &Refusal, pointer: &str| refusal.fields.iter().any(|f| f.pointer == pointer);
        // NUL is in no name, and PostgreSQL refuses even to look for it.
        let (workspace, environment) = (workspace.replace('\0', ""), environment.replace('\0', ""));
        let mut db = self.store.read().await?;
        let places = [
            ("/workspace", self.workspace_for(&mut db, caller, &workspace).await.map(drop)),
            ("/environment", self.environment_named(&mut db, &environment).await.map(drop)),
        ];
        for (pointer, place) in places {
            match place.map_err(at(pointer)) {
                Err(AppError::Refused(more)) if !told(&refusal, pointer) => refusal.fields.extend(more.fields),
                Err(error @ (AppError::Internal(_) | AppError::Unavailable(_))) => return Err(error),
                _ => {}
            }
        }
        Ok(Refusal::fields(refusal.fields))
    }

    /// A topic to ask for, with what its profile gives.
    pub(super) async fn with_profile(&self, db: &mut Read, place: &Place, mut new: TopicNew) -> AppResult<TopicNew> {
        let before = place.existing.as_ref().map(|t| &t.desired);
        let at = (place.workspace.id, &place.environment.slug);
        self.fill_profile(db, at, &mut new.spec, before).await?;
        Ok(new)
    }

    /// Copies what the profile gives. A topic that has it already keeps what it gave then (SPEC §5): a policy that changes does not change topics.
    async fn fill_profile(
        &self,
        db: &mut Read,
        (workspace, environment): (WorkspaceId, &Slug),
        spec: &mut TopicSpec,
        before: Option<&TopicSpec>,
    ) -> AppResult<()> {
        let Some(profile) = &mut spec.profile else { return Ok(()) };
        let kept = before.and_then(|spec| spec.profile.as_ref()).filter(|kept| kept.name == profile.name);
        if let Some(kept) = kept {
            profile.preset = kept.preset.clone();
            return Ok(());
        }
        let rules = db.rulebook(workspace).await?;
        if let Some(preset) = rules.profile(environment, workspace, &profile.name) {
            profile.preset = preset.clone();
            return Ok(());
        }
        let known: Vec<_> = rules.profiles(environment, workspace).into_iter().map(Slug::as_str).collect();
        let remedy = match known.as_slice() {
            [] => format!("take it out: no policy has a profile for {environment}"),
            some => format!("take one of: {}", some.join(", ")),
        };
        let detail = format!("is {}, and there is no such profile in {environment}", profile.name);
        Err(Refusal::fields(vec![field("/profile", "topic.profile.unknown", &detail, &remedy)]).into())
    }

    /// The change that creates a topic: its id, its cluster and its name there are settled here and stay.
    pub(super) async fn creation(&self, db: &mut Read, place: &Place, new: &TopicNew) -> AppResult<TopicChange> {
        let environment = &place.environment;
        let mappings = db.mappings_of(environment.id).await?;
        let Some(MappingRow { cluster_id, .. }) = mappings.first() else {
            return Err(Refusal::new(
                Code::EnvironmentNoCluster,
                format!("environment {} leads to no cluster yet", environment.slug),
            )
            .remedy("ask the platform team to map it: POST /v1/environment-mappings")
            .into());
        };
        let names = TemplateNames {
            tenant: &place.workspace.tenant,
            workspace: &place.workspace.slug,
            environment: &environment.slug,
            application: None,
            name: &new.name,
        };
        let physical_name = environment.naming_template.render(&names).map_err(|e| {
            let detail = format!("the name on the cluster {e}");
            let limit = e.limit().map(|most| most.to_string());
            let told = field("/name", "topic.name.length", &detail, "choose a shorter name");
            Refusal::fields(vec![FieldProblem { limit, ..told }])
        })?;
        Ok(TopicChange {
            id: place.existing.as_ref().map_or_else(|| TopicId::from_uuid(self.ids.fresh()), |t| t.id),
            workspace_id: place.workspace.id,
            workspace: place.workspace.slug.clone(),
            environment_id: environment.id,
            environment: environment.slug.clone(),
            name: new.name.clone(),
            cluster_id: *cluster_id,
            physical_name,
            action: TopicAction::Create { spec: new.spec.clone() },
        })
    }

    /// Submits a change of a topic, commits, and drives the work.
    async fn topic_submit(
        &self,
        mut tx: Tx,
        call: &Call,
        (change, open): (TopicChange, Option<RequestRow>),
        justification: Option<String>,
    ) -> AppResult<TopicReply> {
        let topic = change.id;
        let deletes = change.action == TopicAction::Delete;
        tx.cluster_lock(change.cluster_id).await?;
        let changes = vec![Change::Topic(change)];
        let filing = Filing { changes: changes.clone(), open: vec![open], justification };
        let filed = match self.submit(&mut tx, call, filing).await {
            Ok(filed) => filed,
            Err(AppError::Refused(refusal)) => {
                drop(tx);
                self.audit_denial(call, &changes, &refusal).await?;
                return Err(AppError::Refused(refusal));
            }
            Err(error) => return Err(error),
        };
        let outcome = match &filed {
            Filed::Attached | Filed::Pending | Filed::Accepted(Some(_)) => Outcome::UnderWay,
            Filed::Accepted(None) if deletes => Outcome::Gone,
            Filed::Accepted(None) => Outcome::Done,
        };
        let reply = TopicReply { topic, outcome };
        self.remember(&mut tx, call, &reply).await?;
        self.commit_and_drive(tx, if let Filed::Accepted(held) = filed { held } else { None }).await?;
        Ok(reply)
    }

    /// Commits, and drives the work at once: it was born leased to this replica, so nothing waits for a poll.
    pub(super) async fn commit_and_drive(&self, tx: Tx, held: Option<Held>) -> AppResult<()> {
        // The lease began a few statements ago: the runner leaves half of it for that.
        let since = Instant::now();
        tx.commit().await?;
        if let Some(held) = held {
            self.runner.drive(held, since);
        }
        Ok(())
    }

    /// Changes a topic. `respec` makes what it is to be from what it is.
    pub async fn topic_update(
        &self,
        caller: &Caller<TopicWrite>,
        call: &Call,
        named: &str,
        expected: Option<i64>,
        justification: Option<String>,
        respec: impl FnOnce(&TopicSpec) -> Result<TopicSpec, Vec<FieldProblem>> + Send,
    ) -> AppResult<TopicReply> {
        let mut tx = self.store.begin().await?;
        if let Some(before) = self.answered_before(&mut tx, call).await? {
            return self.replayed(&mut tx, caller, before, false).await;
        }
        let (row, open) = self.topic_locked(&mut tx, caller, named, expected).await?;
        let mut spec = respec(&row.desired).map_err(Refusal::fields)?;
        self.fill_profile(&mut tx, (row.workspace_id, &row.environment), &mut spec, Some(&row.desired)).await?;
        match comes_to(&row, &Wish::Update(&spec), call, open.is_some())? {
            Comes::To(action) => self.topic_submit(tx, call, (change_of(&row, action), open), justification).await,
            Comes::There | Comes::Drop => Ok(TopicReply { topic: row.id, outcome: Outcome::There }),
        }
    }

    /// Takes a topic away. What is not on a cluster loses its record at once.
    pub async fn topic_delete(
        &self,
        caller: &Caller<TopicWrite>,
        call: &Call,
        named: &str,
        expected: Option<i64>,
        justification: Option<String>,
    ) -> AppResult<TopicReply> {
        let mut tx = self.store.begin().await?;
        if let Some(before) = self.answered_before(&mut tx, call).await? {
            return self.replayed(&mut tx, caller, before, true).await;
        }
        let (row, open) = self.topic_locked(&mut tx, caller, named, expected).await?;
        match comes_to(&row, &Wish::Delete, call, open.is_some())? {
            Comes::To(action) => self.topic_submit(tx, call, (change_of(&row, action), open), justification).await,
            Comes::There | Comes::Drop => {
                if let Some(open) = open {
                    // An operation is none that could be taken back: it stands in the way.
                    self.not_under_way(&mut tx, &open, &row.key()).await?;
                    self.withdraw_open(&mut tx, call, row.id.uuid()).await?;
                }
                self.topic_drop(tx, call, &row).await
            }
        }
    }

    async fn topic_drop(&self, mut tx: Tx, call: &Call, row: &TopicRow) -> AppResult<TopicReply> {
        tx.topic_forget(row.id).await?;
        let reply = TopicReply { topic: row.id, outcome: Outcome::Gone };
        self.remember(&mut tx, call, &reply).await?;
        self.audit_object(&mut tx, call, "dropped", Some(row), None).await?;
        tx.commit().await?;
        Ok(reply)
    }

    /// The topic, with its workspace locked, at the revision that the caller expects; and what was open on it just before, see `Filing::open`.
    async fn topic_locked(
        &self,
        tx: &mut Tx,
        caller: &Caller<TopicWrite>,
        named: &str,
        expected: Option<i64>,
    ) -> AppResult<(TopicRow, Option<RequestRow>)> {
        let row = self.topic_named(tx, caller, named).await?;
        tx.workspace_lock(row.workspace_id).await?;
        let open = tx.request_open(row.id.uuid()).await?;
        let row = tx.topic(row.id).await?.ok_or_else(|| no_topic(named))?;
        match expected {
            Some(revision) if revision != row.revision => {
                Err(Refusal::new(Code::Stale, format!("topic {} is at revision {} by now", row.key(), row.revision))
                    .remedy("read it again, and decide again")
                    .into())
            }
            _ => Ok((row, open)),
        }
    }
}

/// Says which field named what there is not.
fn at(pointer: &'static str) -> impl FnOnce(AppError) -> AppError {
    move |error| match error {
        AppError::Refused(mut refusal) => {
            let remedy = refusal.remedy.clone().unwrap_or_default();
            refusal.fields.push(field(pointer, refusal.code.as_str(), &refusal.detail, &remedy));
            AppError::Refused(refusal)
        }
        error @ (AppError::Internal(_) | AppError::Unavailable(_)) => error,
    }
}

/// Both, or what is wrong with either, told in one answer.
fn both<A, B>(a: AppResult<A>, b: AppResult<B>) -> AppResult<(A, B)> {
    match (a, b) {
        (Err(AppError::Refused(mut first)), Err(AppError::Refused(second))) => {
            first.fields.extend(second.fields);
            Err(AppError::Refused(first))
        }
        (a, b) => Ok((a?, b?)),
    }
}

/// A field that is wrong.
pub(super) fn field(pointer: &str, code: &str, detail: &str, remedy: &str) -> FieldProblem {
    FieldProblem {
        pointer: pointer.to_owned(),
        code: code.to_owned(),
        detail: detail.to_owned(),
        limit: None,
        value: None,
        remedy: Some(remedy.to_owned()),
        rule: None,
    }
}

/// What a call asks of a topic that has a record.
pub(super) enum Wish<'a> {
    Create(&'a TopicSpec),
    Update(&'a TopicSpec),
    Delete,
}

/// What a wish comes to.
#[derive(Debug, PartialEq)]
pub(super) enum Comes {
    /// A change to judge and file.
    To(TopicAction),
    /// Nothing: it is there as asked.
    There,
    /// Nothing stands behind the record: it is dropped, once the request that is open on it is taken back.
    Drop,
}

/// What a wish comes to, where the topic stands; submit and evaluate both ask. A create that meets an active topic is the lost reply of its own creator,
/// or the topic exists already.
pub(super) fn comes_to(row: &TopicRow, wish: &Wish<'_>, call: &Call, is_open: bool) -> AppResult<Comes> {
    match (row.status, wish) {
        (TopicStatus::Deleting, Wish::Create(_) | Wish::Update(_)) => Err(deleting(row).into()),
        (TopicStatus::Active, Wish::Create(spec)) => {
            let lost_reply = row.acknowledged_at.is_none()
                && row.created_by == call.who.principal
                && row.desired.differences(spec).is_empty();
            if lost_reply { Ok(Comes::There) } else { Err(exists(row).into()) }
        }
        (TopicStatus::Active, Wish::Update(spec)) => match row.drift() {
            Some(Drift::Recreated { .. }) => Err(recreated(row).into()),
            // With a request open, asking for what is already there is a wish of its own: that one gives way to it, and nothing is left to do.
            None if !is_open && row.desired.differences(spec).is_empty() => Ok(Comes::There),
            _ => Ok(Comes::To(TopicAction::Update { spec: (*spec).clone() })),
        },
        (TopicStatus::Active | TopicStatus::Deleting, Wish::Delete) => Ok(Comes::To(TopicAction::Delete)),
        (
            TopicStatus::PendingApproval
            | TopicStatus::Provisioning
            | TopicStatus::Failed
            | TopicStatus::Rejected
            | TopicStatus::Withdrawn
            | TopicStatus::Expired,
            Wish::Create(spec) | Wish::Update(spec),
        ) => Ok(Comes::To(TopicAction::Create { spec: (*spec).clone() })),
        (
            TopicStatus::PendingApproval
            | TopicStatus::Provisioning
            | TopicStatus::Failed
            | TopicStatus::Rejected
            | TopicStatus::Withdrawn
            | TopicStatus::Expired,
            Wish::Delete,
        ) => Ok(Comes::Drop),
    }
}

fn exists(row: &TopicRow) -> Refusal {
    let (key, name) = (row.key(), row.name.as_str().replace('.', "_"));
    let remedy = format!("bring it under Terraform: terraform import orbit_kafka_topic.{name} {key}");
    let detail = format!("topic {key} exists already");
    Refusal::new(Code::TopicExists, &detail).remedy(&remedy).field(field("/name", "topic.exists", &detail, &remedy))
}

fn deleting(row: &TopicRow) -> Refusal {
    Refusal::new(Code::TopicDeleting, format!("topic {} is being deleted", row.key()))
        .remedy("wait until it is gone, then call again")
}

fn recreated(row: &TopicRow) -> Refusal {
    let (name, cluster) = (&row.physical_name, &row.cluster);
    Refusal::new(
        Code::TopicRecreated,
        format!("the topic {name} on cluster {cluster} is not the one that Orbit made: somebody deleted it and created it again"),
    )
    .remedy("have it removed from the cluster, then apply again; or delete the topic here, which leaves the one on the cluster alone")
}

/// A change of a topic that has a record: names and cluster stay what they are.
pub(super) fn change_of(row: &TopicRow, action: TopicAction) -> TopicChange {
    TopicChange {
        id: row.id,
        workspace_id: row.workspace_id,
        workspace: row.workspace.clone(),
        environment_id: row.environment_id,
        environment: row.environment.clone(),
        name: row.name.clone(),
        cluster_id: row.cluster_id,
        physical_name: row.physical_name.clone(),
        action,
    }
}
