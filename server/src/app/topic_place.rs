//! Where a topic lives or is to live: workspace, environment, cluster, its name there; and what its profile gives.

use super::{
    App, AppError, AppResult, Code, Refusal, TopicNew,
    catalog::{no_environment, no_workspace},
    topics::field,
    way::Standing,
};
use crate::auth::{
    Caller,
    permission::{Permission, TopicWrite},
};
use orbit_api::FieldProblem;
use orbit_core::{
    change::{TopicAction, TopicChange},
    id::{ClusterId, TopicId, WorkspaceId},
    model::{
        environment::TemplateNames,
        topic::{Profile, TopicSpec},
    },
    name::{Limited as _, Slug, TopicName},
    policy::Rulebook,
};
use orbit_store::{EnvironmentRow, MappingRow, Read, TopicRow, Tx, WorkspaceRow};
use std::{collections::HashMap, sync::Arc};

/// What topics live in, or are to.
#[derive(Debug, Clone)]
pub struct Room {
    /// Their workspace.
    pub workspace: WorkspaceRow,
    /// Their environment.
    pub environment: EnvironmentRow,
}

/// The rooms that a call names, each read once.
#[derive(Debug, Default)]
pub(super) struct Rooms(HashMap<(String, String), Room>);

/// Where a topic lives, or is to.
#[derive(Debug, Clone)]
pub struct Place {
    /// What it lives in.
    pub room: Room,
    /// The topic of that name, if there is one.
    pub existing: Option<TopicRow>,
}

/// The rules that bind workspaces, read once: a call judges everything it brings by the same.
#[derive(Debug, Clone, Default)]
pub struct Books(HashMap<WorkspaceId, Arc<Rulebook>>);

impl Books {
    pub(super) async fn of(&mut self, db: &mut Read, workspace: WorkspaceId) -> AppResult<Arc<Rulebook>> {
        if let Some(book) = self.0.get(&workspace) {
            return Ok(book.clone());
        }
        let book = Arc::new(db.rulebook(workspace).await?);
        self.0.insert(workspace, book.clone());
        Ok(book)
    }
}

impl App {
    /// What topics of a workspace in an environment live in. What the caller may not see is not there.
    pub(super) async fn room<P: Permission>(
        &self,
        db: &mut Read,
        caller: &Caller<P>,
        workspace: &str,
        environment: &str,
    ) -> AppResult<Room> {
        let workspace = self.workspace_for(db, caller, workspace).await.map_err(at("/workspace"));
        let environment = self.environment_named(db, environment).await.map_err(at("/environment"));
        let (workspace, environment) = both(workspace, environment)?;
        Ok(Room { workspace, environment })
    }

    /// The room that a topic is asked for in, as one of several that a call holds.
    pub(super) async fn room_of<P: Permission>(
        &self,
        (db, rooms): (&mut Read, &mut Rooms),
        caller: &Caller<P>,
        topic: &TopicNew,
    ) -> AppResult<Room> {
        let named = (topic.workspace.clone(), topic.environment.clone());
        if let Some(room) = rooms.0.get(&named) {
            return Ok(room.clone());
        }
        let room = self.room(db, caller, &topic.workspace, &topic.environment).await?;
        Ok(rooms.0.entry(named).or_insert(room).clone())
    }

    /// The same room, with its workspace locked and its environment held: both are there until the commit, and what lives in it changes by this call alone.
    pub(super) async fn room_lock(&self, tx: &mut Tx, room: Room) -> AppResult<Room> {
        if tx.writes_alone() {
            return Ok(room);
        }
        let (workspace, environment) = (room.workspace.slug.as_str(), room.environment.slug.as_str());
        if !tx.workspace_lock(room.workspace.id).await? {
            return Err(at("/workspace")(no_workspace(workspace).into()));
        }
        let held = tx.environment_hold(room.environment.id).await?;
        let held = held.ok_or_else(|| at("/environment")(no_environment(environment)))?;
        Ok(Room { environment: held, ..room })
    }

    /// Makes submits to a cluster wait for each other.
    pub(super) async fn lane_lock(&self, tx: &mut Tx, cluster: ClusterId) -> AppResult<()> {
        if tx.cluster_lock(cluster).await? {
            return Ok(());
        }
        Err(Refusal::new(Code::Unavailable, "the cluster was taken away at this moment").remedy("call again").into())
    }

    /// Where a topic of that name lives in a room that is locked; and what is open on it.
    pub(super) async fn standing(&self, tx: &mut Tx, room: Room, name: &TopicName) -> AppResult<(Place, Standing)> {
        let Some(row) = tx.topic_by_key(room.workspace.id, room.environment.id, name).await? else {
            return Ok((Place { room, existing: None }, Standing::New));
        };
        // What is open is read before the topic: see `Standing`.
        let open = tx.request_open(row.id.uuid()).await?;
        let existing = if tx.writes_alone() { Some(row) } else { tx.topic(row.id).await? };
        let standing = existing.as_ref().map_or(Standing::New, |_| Standing::of(open));
        Ok((Place { room, existing }, standing))
    }

    /// The same in a snapshot: in which order it is read makes no difference.
    pub(super) async fn seen(&self, db: &mut Read, room: Room, name: &TopicName) -> AppResult<(Place, Standing)> {
        let existing = db.topic_by_key(room.workspace.id, room.environment.id, name).await?;
        let standing = match &existing {
            Some(row) => Standing::of(db.request_open(row.id.uuid()).await?),
            None => Standing::New,
        };
        Ok((Place { room, existing }, standing))
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
    pub(super) async fn with_profile(
        &self,
        (db, books): (&mut Read, &mut Books),
        place: &Place,
        mut new: TopicNew,
    ) -> AppResult<TopicNew> {
        // What nothing stands behind any more begins anew.
        let before = place.existing.as_ref().filter(|t| !t.status.can_be_taken_up()).map(|t| &t.desired);
        let at = (place.room.workspace.id, &place.room.environment.slug);
        self.fill_profile((db, books), at, &mut new.spec, before).await?;
        Ok(new)
    }

    /// Copies what the profile gives: the one that is named, or that a policy gives to new topics that name none. A topic that has it already keeps what it gave then (SPEC §5): a policy that changes does not change topics.
    pub(super) async fn fill_profile(
        &self,
        (db, books): (&mut Read, &mut Books),
        (workspace, environment): (WorkspaceId, &Slug),
        spec: &mut TopicSpec,
        before: Option<&TopicSpec>,
    ) -> AppResult<()> {
        let Some(profile) = &mut spec.profile else {
            if let Some(before) = before {
                spec.profile = before.profile.clone().filter(|p| p.by_default);
                return Ok(());
            }
            let rules = books.of(db, workspace).await?;
            let given = rules.default_profile(environment, workspace);
            spec.profile =
                given.map(|(name, preset)| Profile { name: name.clone(), by_default: true, preset: preset.clone() });
            return Ok(());
        };
        let kept = before.and_then(|spec| spec.profile.as_ref()).filter(|kept| kept.name == profile.name);
        if let Some(kept) = kept {
            profile.preset = kept.preset.clone();
            return Ok(());
        }
        let rules = books.of(db, workspace).await?;
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
        let environment = &place.room.environment;
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
            tenant: &place.room.workspace.tenant,
            workspace: &place.room.workspace.slug,
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
            workspace_id: place.room.workspace.id,
            workspace: place.room.workspace.slug.clone(),
            environment_id: environment.id,
            environment: environment.slug.clone(),
            name: new.name.clone(),
            cluster_id: *cluster_id,
            physical_name,
            action: TopicAction::Create { spec: new.spec.clone() },
        })
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
