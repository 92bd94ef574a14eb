//! Resource `orbit_service_principal`.

use crate::{
    Orbit,
    plain::{self, SeenBy, place},
};
use orbit_api::{Principal, PrincipalCreate, PrincipalKind, PrincipalPatch};
use tfplugin::{Applied, Computed, Cx, Diagnostic, Diagnostics, Failure, Outcome, Resource, Schema, View, model};

model! {
    /// A program that calls Orbit, such as a CI pipeline. What it may do comes from `orbit_membership`; its tokens are minted elsewhere, so that none is in
    /// a state. Destroying it ends its tokens and takes its roles away; what it asked for keeps its name.
    pub(crate) struct ServicePrincipal {
        /// Its name: 1 to 200 letters, digits, `.`, `_`, `@` and `-`. A change makes another principal.
        name: String,
        /// Where it gets mail of what it asked for.
        email: Option<String>,
        /// Orbit's id of it.
        id: Computed<String>,
    }
}

impl ServicePrincipal {
    fn object(&self) -> String {
        format!("service principal {}", self.name)
    }

    fn told(principal: Principal) -> Result<Self, Diagnostics> {
        if principal.kind != PrincipalKind::Service {
            return Err(Diagnostic::error(format!("{} is a person, not a service", principal.name))
                .detail("People are not managed by this resource.")
                .into());
        }
        Ok(Self { name: principal.name, email: principal.email, id: principal.id.into() })
    }
}

impl Resource for ServicePrincipal {
    type Client = Orbit;
    const NAME: &'static str = "orbit_service_principal";

    fn schema() -> Schema<Self> {
        Schema::version(0)
            .attr(Self::name.required().replace().identity())
            .attr(Self::email.optional())
            .attr(Self::id.computed().keep())
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        plain::look(cx, (&now.object(), now.id.require()?), SeenBy::Platform).await?.map(Self::told).transpose()
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        let new =
            PrincipalCreate { name: want.name.clone(), kind: Some(PrincipalKind::Service), email: want.email.clone() };
        let import = format!("{}.NAME {}", Self::NAME, want.name);
        let call = cx.client.client()?.principal_create(&new);
        let made = plain::create(cx, &want.object(), &place::<Self>, &import, call).await?;
        Ok(Applied::Done(Self::told(made)?))
    }

    async fn update(cx: &Cx<Orbit>, was: Self, want: Self) -> Outcome<Self> {
        let patch = PrincipalPatch { email: Some(want.email.clone()) };
        let call = cx.client.client()?.principal_update(was.id.require()?, &patch, plain::revision(cx)?);
        Ok(Applied::Done(Self::told(plain::write(cx, &want.object(), &place::<Self>, call).await?)?))
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let call = cx.client.client()?.principal_delete(was.id.require()?);
        plain::delete::<Principal>(cx, &was.object(), call).await?;
        Ok(Applied::Done(()))
    }

    async fn import(cx: &Cx<Orbit>, id: String) -> Result<Self, Diagnostics> {
        let call = cx.client.client()?.principal_get(&id);
        Self::told(plain::import(cx, &format!("service principal {id}"), call).await?)
    }

    async fn import_by(cx: &Cx<Orbit>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        Self::import(cx, plain::part(identity, Self::name)?).await
    }
}
