//! Resource `orbit_workspace`.

use crate::{
    Orbit,
    plain::{self, SeenBy, place},
    slug,
};
use orbit_api::{Workspace, WorkspaceCreate, WorkspacePatch};
use tfplugin::{Action, Applied, Change, Computed, Cx, Diagnostics, Failure, Outcome, Resource, Schema, View, model};

model! {
    /// A workspace: a team. Every topic belongs to one.
    pub(crate) struct ManagedWorkspace {
        /// What configurations name it by: a lower-case letter, then lower-case letters, digits and hyphens, at most 39. A change makes another workspace.
        slug: String,
        /// What people call it, at most 100 characters. Default: the slug.
        display_name: Computed<String>,
        /// Orbit's id of it.
        id: Computed<String>,
        /// Slug of the tenant that it belongs to.
        tenant: Computed<String>,
    }
}

impl ManagedWorkspace {
    fn object(&self) -> String {
        format!("workspace {}", self.slug)
    }

    fn told(workspace: Workspace) -> Self {
        Self {
            slug: workspace.slug,
            display_name: workspace.display_name.into(),
            id: workspace.id.into(),
            tenant: workspace.tenant.into(),
        }
    }
}

impl Resource for ManagedWorkspace {
    type Client = Orbit;
    const NAME: &'static str = "orbit_workspace";

    fn schema() -> Schema<Self> {
        Schema::version(0)
            .attr(Self::slug.required().replace().identity().check(|text| slug::check(text)))
            .attr(Self::display_name.optional_computed())
            .attr(Self::id.computed().keep())
            .attr(Self::tenant.computed().keep())
    }

    async fn plan(_cx: &Cx<Orbit>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        default_display_name(change, Self::slug, Self::display_name);
        Ok(())
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        Ok(plain::look(cx, (&now.object(), now.id.require()?), SeenBy::Platform).await?.map(Self::told))
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        let new = WorkspaceCreate { slug: want.slug.clone(), display_name: want.display_name.get().cloned() };
        let import = format!("{}.NAME {}", Self::NAME, want.slug);
        let call = cx.client.client()?.workspace_create(&new);
        let made = plain::create(cx, &want.object(), &place::<Self>, &import, call).await?;
        Ok(Applied::Done(Self::told(made)))
    }

    async fn update(cx: &Cx<Orbit>, was: Self, want: Self) -> Outcome<Self> {
        let patch = WorkspacePatch { display_name: want.display_name.get().cloned() };
        let call = cx.client.client()?.workspace_update(was.id.require()?, &patch, plain::revision(cx)?);
        Ok(Applied::Done(Self::told(plain::write(cx, &want.object(), &place::<Self>, call).await?)))
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let call = cx.client.client()?.workspace_delete(was.id.require()?);
        plain::delete::<Workspace>(cx, &was.object(), call).await?;
        Ok(Applied::Done(()))
    }

    async fn import(cx: &Cx<Orbit>, id: String) -> Result<Self, Diagnostics> {
        let call = cx.client.client()?.workspace_get(&id);
        Ok(Self::told(plain::import(cx, &format!("workspace {id}"), call).await?))
    }

    async fn import_by(cx: &Cx<Orbit>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        Self::import(cx, plain::part(identity, Self::slug)?).await
    }
}

/// Where the configuration does not say what people call it, its slug.
pub(crate) fn default_display_name<M: tfplugin::Model>(
    change: &mut Change<'_, M>,
    slug: tfplugin::Field<M, String>,
    display_name: tfplugin::Field<M, Computed<String>>,
) {
    if change.action() != Action::Destroy
        && change.config(display_name).is_null()
        && let Some(slug) = change.planned(slug).known()
    {
        change.set(display_name, slug);
    }
}
