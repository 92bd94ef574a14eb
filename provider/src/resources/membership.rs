//! Resource `orbit_membership`.

use crate::{
    Orbit,
    orbit::{ask, nowhere},
    plain::{self, SeenBy, place},
    slug,
};
use orbit_api::{
    Membership, MembershipCreate, Role,
    client::{MembershipQuery, PageQuery},
};
use tfplugin::{Applied, Attr, Computed, Cx, Diagnostic, Diagnostics, Failure, Outcome, Resource, Schema, View, model};

model! {
    /// A role of a principal, on the platform or in a workspace. A change takes the role away and gives another.
    pub(crate) struct ManagedMembership {
        /// Name of the principal.
        principal: String,
        /// What it may do: `platform-admin`, or in a workspace `admin`, `member` or `viewer`.
        role: String,
        /// Slug of the workspace; none for `platform-admin`.
        workspace: Option<String>,
        /// Orbit's id of it.
        id: Computed<String>,
    }
}

impl ManagedMembership {
    fn object(&self) -> String {
        let place =
            self.workspace.as_ref().map_or_else(|| "the platform".to_owned(), |slug| format!("workspace {slug}"));
        format!("role {} of {} in {place}", self.role, self.principal)
    }

    fn told(membership: Membership) -> Self {
        Self {
            principal: membership.principal,
            role: membership.role.to_string(),
            workspace: membership.workspace,
            id: membership.id.into(),
        }
    }
}

impl Resource for ManagedMembership {
    type Client = Orbit;
    const NAME: &'static str = "orbit_membership";

    fn schema() -> Schema<Self> {
        Schema::version(0)
            .attr(Self::principal.required().replace().identity())
            .attr(Self::role.required().replace().check(|text| plain::word::<Role>(text).map(drop)))
            .attr(Self::workspace.optional().replace().identity_optional().check(|text| slug::check(text)))
            .attr(Self::id.computed().keep())
    }

    fn validate(config: View<'_, Self>) -> Result<(), Diagnostics> {
        let Attr::Known(role) = config.get(Self::role) else { return Ok(()) };
        let wrong = match config.get(Self::workspace) {
            Attr::Known(_) if role == "platform-admin" => "A platform admin is one everywhere: leave workspace out",
            Attr::Null if role != "platform-admin" => "This role is held in a workspace: set workspace",
            _ => return Ok(()),
        };
        Err(Diagnostic::error(wrong).at(Self::workspace).into())
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        let seen_by = now.workspace.as_deref().map_or(SeenBy::Platform, SeenBy::Workspace);
        Ok(plain::look(cx, (&now.object(), now.id.require()?), seen_by).await?.map(Self::told))
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        let new = MembershipCreate {
            principal: want.principal.clone(),
            role: plain::word(&want.role)?,
            workspace: want.workspace.clone(),
        };
        let import = format!("{}.NAME {}", Self::NAME, address(&want.principal, want.workspace.as_deref()));
        let call = cx.client.client()?.membership_create(&new);
        let made = plain::create(cx, &want.object(), &place::<Self>, &import, call).await?;
        Ok(Applied::Done(Self::told(made)))
    }

    /// Every attribute that can be set replaces: nothing is left to change in place.
    async fn update(_cx: &Cx<Orbit>, _was: Self, want: Self) -> Outcome<Self> {
        Ok(Applied::Done(want))
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let call = cx.client.client()?.membership_delete(was.id.require()?);
        plain::delete::<Membership>(cx, &was.object(), call).await?;
        Ok(Applied::Done(()))
    }

    async fn import(cx: &Cx<Orbit>, id: String) -> Result<Self, Diagnostics> {
        if id.starts_with("mem_") {
            let call = cx.client.client()?.membership_get(&id);
            return Ok(Self::told(plain::import(cx, &format!("membership {id}"), call).await?));
        }
        match id.split_once('/') {
            Some((workspace, principal)) => find(cx, principal, Some(workspace)).await,
            None => find(cx, &id, None).await,
        }
    }

    async fn import_by(cx: &Cx<Orbit>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        let principal = plain::part(identity, Self::principal)?;
        find(cx, &principal, identity.get(Self::workspace).known().as_deref()).await
    }
}

/// What a membership is imported by.
fn address(principal: &str, workspace: Option<&str>) -> String {
    workspace.map_or_else(|| principal.to_owned(), |workspace| format!("{workspace}/{principal}"))
}

/// A principal has one role at most in one place.
async fn find(cx: &Cx<Orbit>, principal: &str, workspace: Option<&str>) -> Result<ManagedMembership, Diagnostics> {
    let client = cx.client.client()?;
    let object = format!("membership {}", address(principal, workspace));
    let mut query = MembershipQuery { workspace: workspace.map(str::to_owned), page: PageQuery::default() };
    loop {
        let page = ask(cx, client.membership_list(&query)).await.map_err(|e| e.tell(&object, &nowhere))?;
        let is_it = |it: &Membership| it.principal == principal && it.workspace.as_deref() == workspace;
        if let Some(found) = page.items.into_iter().find(is_it) {
            return Ok(ManagedMembership::told(found));
        }
        if page.next_cursor.is_none() || page.next_cursor == query.page.cursor {
            return Err(Diagnostic::error(format!("There is no {object} that this token can see"))
                .detail("Import by WORKSPACE/PRINCIPAL, for a platform admin by PRINCIPAL, or by Orbit's id, mem_….")
                .into());
        }
        query.page.cursor = page.next_cursor;
    }
}
