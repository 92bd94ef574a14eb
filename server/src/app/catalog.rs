//! Workspaces, environments and mappings.

use super::{
    App, AppError, AppResult, Call, Code, Refusal,
    policies::{names_admins_of, names_environment, policy_that_names},
    topics::field,
};
use crate::auth::{
    Caller, Identity,
    permission::{self, Permission},
};
use orbit_core::{
    id::{EnvironmentId, MappingId, WorkspaceId},
    name::Slug,
};
use orbit_store::{EnvironmentRow, MappingRow, NewEnvironment, NewMapping, PageOf, Read, WorkspaceRow};
use uuid::Uuid;

pub(super) fn no_workspace(named: &str) -> Refusal {
    Refusal::new(Code::WorkspaceNotFound, format!("there is no workspace {named} that you can see"))
        .remedy("check the name, or ask a platform admin for a role in it")
}

pub(super) fn no_environment(named: &str) -> AppError {
    Refusal::new(Code::EnvironmentNotFound, format!("there is no environment {named}"))
        .remedy("GET /v1/environments lists them")
        .into()
}

/// The refusal of a write that came too late.
pub(super) fn stale(what: &str) -> Refusal {
    Refusal::new(Code::Stale, format!("{what} was changed by somebody else meanwhile"))
        .remedy("read it again, and decide again")
}

/// The refusal of a name that is taken.
pub(super) fn taken(code: Code, pointer: &str, detail: String) -> Refusal {
    const REMEDY: &str = "choose another one, or change the one that is there";
    let told = field(pointer, code.as_str(), &detail, REMEDY);
    Refusal::new(code, detail).remedy(REMEDY).field(told)
}

/// Whether a write says again what an earlier one brought about, whose answer was lost: it names the revision of before, and asks for what is so. RFC 9110,
/// 13.1.1, has it answered as done.
pub(super) fn is_repeated(expected: Option<i64>, revision: i64, is_so: bool) -> bool {
    is_so && expected.is_some_and(|expected| expected != revision)
}

/// Refuses a write of who read another revision.
pub(super) fn unchanged(expected: Option<i64>, revision: i64, what: impl FnOnce() -> String) -> AppResult<()> {
    match expected {
        Some(expected) if expected != revision => Err(stale(&what()).into()),
        _ => Ok(()),
    }
}

impl App {
    /// A workspace by slug or id. What the caller has no role in is not there.
    pub(super) async fn workspace_for<P: Permission>(
        &self,
        db: &mut Read,
        caller: &Caller<P>,
        named: &str,
    ) -> AppResult<WorkspaceRow> {
        let row = self.workspace_row(db, named).await?;
        let visible = caller.who.platform_admin || caller.who.roles.contains_key(&row.id);
        if !visible {
            return Err(no_workspace(named).into());
        }
        caller.in_workspace(row.id, || no_workspace(named))?;
        Ok(row)
    }

    pub(super) async fn workspace_row(&self, db: &mut Read, named: &str) -> AppResult<WorkspaceRow> {
        let row = match named.parse::<WorkspaceId>() {
            Ok(id) => db.workspace(id).await?,
            Err(_) => db.workspace_by_slug(named).await?,
        };
        row.ok_or_else(|| no_workspace(named).into())
    }

    /// An environment by slug or id.
    pub(super) async fn environment_named(&self, db: &mut Read, named: &str) -> AppResult<EnvironmentRow> {
        let row = match named.parse::<EnvironmentId>() {
            Ok(id) => db.environment(id).await?,
            Err(_) => db.environment_by_slug(named).await?,
        };
        row.ok_or_else(|| no_environment(named))
    }

    /// Creates a workspace.
    pub async fn workspace_create(&self, call: &Call, slug: Slug, display_name: String) -> AppResult<WorkspaceRow> {
        let mut tx = self.store.begin().await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            return self.workspace_row(&mut tx, &WorkspaceId::from_uuid(id).to_string()).await;
        }
        let id = WorkspaceId::from_uuid(self.ids.fresh());
        if !tx.workspace_insert(id, &slug, &display_name).await? {
            return Err(taken(Code::WorkspaceExists, "/slug", format!("workspace {slug} exists already")).into());
        }
        self.remember(&mut tx, call, &id.uuid()).await?;
        let row = self.workspace_row(&mut tx, slug.as_str()).await?;
        self.audit_object(&mut tx, call, "created", None, Some(&row)).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// A workspace.
    pub async fn workspace_get(
        &self,
        caller: &Caller<permission::WorkspaceRead>,
        named: &str,
    ) -> AppResult<WorkspaceRow> {
        self.workspace_for(&mut self.store.read().await?, caller, named).await
    }

    /// A page of the workspaces that the caller sees.
    pub async fn workspace_list(&self, who: &Identity, page: &PageOf<String>) -> AppResult<Vec<WorkspaceRow>> {
        let of = who.sees().map(orbit_core::id::PrincipalId::uuid);
        Ok(self.store.read().await?.workspace_list(of, page).await?)
    }

    /// Gives a workspace another display name.
    pub async fn workspace_update(
        &self,
        caller: &Caller<permission::WorkspaceUpdate>,
        call: &Call,
        named: &str,
        display_name: Option<String>,
        expected: Option<i64>,
    ) -> AppResult<WorkspaceRow> {
        let mut tx = self.store.begin().await?;
        let row = self.workspace_for(&mut tx, caller, named).await?;
        let display_name = display_name.unwrap_or_else(|| row.display_name.clone());
        if is_repeated(expected, row.revision, display_name == row.display_name) {
            return Ok(row);
        }
        if !tx.workspace_update(row.id, &display_name, expected.unwrap_or(row.revision)).await? {
            return Err(stale(&format!("workspace {}", row.slug)).into());
        }
        let after = self.workspace_row(&mut tx, row.slug.as_str()).await?;
        self.audit_object(&mut tx, call, "updated", Some(&row), Some(&after)).await?;
        tx.commit().await?;
        Ok(after)
    }

    /// Deletes a workspace that owns nothing.
    pub async fn workspace_delete(
        &self,
        caller: &Caller<permission::WorkspaceDelete>,
        call: &Call,
        named: &str,
        expected: Option<i64>,
    ) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let row = self.workspace_for(&mut tx, caller, named).await?;
        unchanged(expected, row.revision, || format!("workspace {}", row.slug))?;
        let naming = policy_that_names(&mut tx, |rules| names_admins_of(rules, &row.slug)).await?;
        if let Some(policy) = naming {
            let text = format!("policy {policy} has the admins of workspace {} consent", row.slug);
            return Err(Refusal::new(Code::WorkspaceInUse, text).remedy("name others in the policy first").into());
        }
        if !tx.workspace_delete(row.id).await? {
            let owns = match tx.workspace_topic_count(row.id).await? {
                0 => "has policies of its own".to_owned(),
                1 => "owns 1 topic".to_owned(),
                topics => format!("owns {topics} topics"),
            };
            return Err(Refusal::new(Code::WorkspaceInUse, format!("workspace {} {owns}", row.slug))
                .remedy("delete those first; the record of a topic that was refused or withdrawn counts until it is deleted")
                .into());
        }
        self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
        Ok(tx.commit().await?)
    }

    /// Creates an environment.
    pub async fn environment_create(&self, call: &Call, new: NewEnvironment) -> AppResult<EnvironmentRow> {
        let mut tx = self.store.begin().await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            return self.environment_named(&mut tx, &EnvironmentId::from_uuid(id).to_string()).await;
        }
        if !tx.environment_insert(&new).await? {
            return Err(
                taken(Code::EnvironmentExists, "/slug", format!("environment {} exists already", new.slug)).into()
            );
        }
        self.remember(&mut tx, call, &new.id.uuid()).await?;
        let row = self.environment_named(&mut tx, new.slug.as_str()).await?;
        self.audit_object(&mut tx, call, "created", None, Some(&row)).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// An environment, with the slugs of the clusters it leads to.
    pub async fn environment_get(&self, named: &str) -> AppResult<(EnvironmentRow, Vec<String>)> {
        let mut db = self.store.read().await?;
        let row = self.environment_named(&mut db, named).await?;
        let clusters = clusters_of(&mut db, &row).await?;
        Ok((row, clusters))
    }

    /// A page of environments.
    pub async fn environment_list(&self, page: &PageOf<String>) -> AppResult<Vec<(EnvironmentRow, Vec<String>)>> {
        let mut db = self.store.read().await?;
        let mut answer = Vec::new();
        for row in db.environment_list(page).await? {
            let clusters = clusters_of(&mut db, &row).await?;
            answer.push((row, clusters));
        }
        Ok(answer)
    }

    /// Changes an environment.
    pub async fn environment_update(
        &self,
        call: &Call,
        named: &str,
        display_name: Option<String>,
        approvers: Option<Vec<String>>,
        expected: Option<i64>,
    ) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let before = self.environment_named(&mut tx, named).await?;
        let mut row = before.clone();
        row.display_name = display_name.unwrap_or(row.display_name);
        row.default_approvers = approvers.unwrap_or(row.default_approvers);
        if is_repeated(expected, before.revision, row == before) {
            return Ok(());
        }
        row.revision = expected.unwrap_or(row.revision);
        if !tx.environment_update(&row).await? {
            return Err(stale(&format!("environment {}", row.slug)).into());
        }
        self.audit_object(&mut tx, call, "updated", Some(&before), Some(&row)).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes an environment that nothing refers to.
    pub async fn environment_delete(&self, call: &Call, named: &str, expected: Option<i64>) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let row = self.environment_named(&mut tx, named).await?;
        unchanged(expected, row.revision, || format!("environment {}", row.slug))?;
        let naming = policy_that_names(&mut tx, |rules| names_environment(rules, &row.slug)).await?;
        if let Some(policy) = naming {
            let text = format!("policy {policy} names environment {}", row.slug);
            return Err(Refusal::new(Code::EnvironmentInUse, text).remedy("take it out of the policy first").into());
        }
        if !tx.environment_delete(row.id).await? {
            let clusters: Vec<_> = tx.mappings_of(row.id).await?.into_iter().map(|m| m.cluster.to_string()).collect();
            let has = match clusters.as_slice() {
                [] => "has topics".to_owned(),
                some => format!("is mapped to {}", some.join(", ")),
            };
            return Err(Refusal::new(Code::EnvironmentInUse, format!("environment {} {has}", row.slug))
                .remedy("delete those first; the record of a topic that was refused or withdrawn counts until it is deleted")
                .into());
        }
        self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
        Ok(tx.commit().await?)
    }

    /// Leads an environment to a cluster.
    pub async fn mapping_create(
        &self,
        call: &Call,
        environment: &str,
        cluster: &str,
        priority: i32,
        is_default: Option<bool>,
    ) -> AppResult<MappingRow> {
        let mut tx = self.store.begin().await?;
        if let Some(id) = self.answered_before::<Uuid>(&mut tx, call).await? {
            return mapping_row(&mut tx, MappingId::from_uuid(id)).await;
        }
        let environment = self.environment_named(&mut tx, environment).await?;
        let cluster = self.cluster_named(&mut tx, cluster).await?;
        let id = MappingId::from_uuid(self.ids.fresh());
        let new = NewMapping { id, environment: environment.id, cluster: cluster.id, priority, is_default };
        if !tx.mapping_insert(&new).await? {
            let text = format!("environment {} leads to cluster {} already", environment.slug, cluster.slug);
            return Err(Refusal::new(Code::MappingExists, text).into());
        }
        self.remember(&mut tx, call, &id.uuid()).await?;
        let row = mapping_row(&mut tx, id).await?;
        self.audit_object(&mut tx, call, "created", None, Some(&row)).await?;
        tx.commit().await?;
        Ok(row)
    }

    /// A mapping.
    pub async fn mapping_get(&self, named: &str) -> AppResult<MappingRow> {
        mapping_row(&mut self.store.read().await?, mapping_id(named)?).await
    }

    /// A page of mappings.
    pub async fn mapping_list(&self, page: &PageOf<Uuid>) -> AppResult<Vec<MappingRow>> {
        Ok(self.store.read().await?.mapping_list(page).await?)
    }

    /// Takes a mapping away.
    pub async fn mapping_delete(&self, call: &Call, named: &str, expected: Option<i64>) -> AppResult<()> {
        let mut tx = self.store.begin().await?;
        let row = mapping_row(&mut tx, mapping_id(named)?).await?;
        unchanged(expected, row.revision, || format!("environment mapping {named}"))?;
        tx.mapping_delete(row.id).await?;
        self.audit_object(&mut tx, call, "deleted", Some(&row), None).await?;
        Ok(tx.commit().await?)
    }
}

async fn clusters_of(db: &mut Read, row: &EnvironmentRow) -> AppResult<Vec<String>> {
    Ok(db.mappings_of(row.id).await?.into_iter().map(|m| m.cluster.to_string()).collect())
}

fn no_mapping(named: &str) -> Refusal {
    Refusal::new(Code::MappingNotFound, format!("there is no environment mapping {named}"))
        .remedy("GET /v1/environment-mappings lists them")
}

fn mapping_id(named: &str) -> AppResult<MappingId> {
    named.parse().map_err(|_| no_mapping(named).into())
}

async fn mapping_row(db: &mut Read, id: MappingId) -> AppResult<MappingRow> {
    db.mapping(id).await?.ok_or_else(|| no_mapping(&id.to_string()).into())
}
