//! Resource `orbit_environment`.

use super::workspace::default_display_name;
use crate::{
    Orbit,
    plain::{self, SeenBy, place},
    slug,
};
use orbit_api::{Environment, EnvironmentCreate, EnvironmentPatch};
use std::collections::BTreeSet;
use tfplugin::{Applied, Change, Computed, Cx, Diagnostics, Failure, Outcome, Resource, Schema, View, model};

model! {
    /// An environment: what developers name instead of a cluster. An `orbit_kafka_environment_mapping` leads it to one.
    pub(crate) struct ManagedEnvironment {
        /// What configurations name it by: a lower-case letter, then lower-case letters, digits and hyphens, at most 39. A change makes another environment.
        slug: String,
        /// What people call it, at most 100 characters. Default: the slug.
        display_name: Computed<String>,
        /// How topics are named on the cluster, over `{tenant}`, `{workspace}`, `{environment}` and `{name}`. Topics bear the names that it made, so a
        /// change makes another environment.
        naming_template: String,
        /// Names of principals who may give the platform's consent here beside platform admins. At most 50.
        default_approvers: Option<BTreeSet<String>>,
        /// Orbit's id of it.
        id: Computed<String>,
    }
}

/// What holds where a configuration says nothing; the server's own default.
const NAMING_TEMPLATE: &str = "{environment}.{workspace}.{name}";

impl ManagedEnvironment {
    fn object(&self) -> String {
        format!("environment {}", self.slug)
    }

    fn approvers(&self) -> Vec<String> {
        self.default_approvers.iter().flatten().cloned().collect()
    }

    /// An empty set and none at all are the same to Orbit: what was written stays.
    fn told(environment: Environment, written: Option<&BTreeSet<String>>) -> Self {
        let approvers: BTreeSet<String> = environment.default_approvers.into_iter().collect();
        Self {
            slug: environment.slug,
            display_name: environment.display_name.into(),
            naming_template: environment.naming_template,
            default_approvers: if approvers.is_empty() { written.map(|_| approvers) } else { Some(approvers) },
            id: environment.id.into(),
        }
    }
}

impl Resource for ManagedEnvironment {
    type Client = Orbit;
    const NAME: &'static str = "orbit_environment";

    fn schema() -> Schema<Self> {
        Schema::version(0)
            .attr(Self::slug.required().replace().identity().check(|text| slug::check(text)))
            .attr(Self::display_name.optional_computed())
            .attr(Self::naming_template.default(NAMING_TEMPLATE).replace())
            .attr(Self::default_approvers.optional())
            .attr(Self::id.computed().keep())
    }

    async fn plan(_cx: &Cx<Orbit>, change: &mut Change<'_, Self>) -> Result<(), Diagnostics> {
        default_display_name(change, Self::slug, Self::display_name);
        Ok(())
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        let found = plain::look(cx, (&now.object(), now.id.require()?), SeenBy::Everybody).await?;
        Ok(found.map(|it| Self::told(it, now.default_approvers.as_ref())))
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        let new = EnvironmentCreate {
            slug: want.slug.clone(),
            display_name: want.display_name.get().cloned(),
            naming_template: Some(want.naming_template.clone()),
            default_approvers: Some(want.approvers()),
        };
        let import = format!("{}.NAME {}", Self::NAME, want.slug);
        let call = cx.client.client()?.environment_create(&new);
        let made = plain::create(cx, &want.object(), &place::<Self>, &import, call).await?;
        Ok(Applied::Done(Self::told(made, want.default_approvers.as_ref())))
    }

    async fn update(cx: &Cx<Orbit>, was: Self, want: Self) -> Outcome<Self> {
        let patch = EnvironmentPatch {
            display_name: want.display_name.get().cloned(),
            default_approvers: Some(want.approvers()),
        };
        let call = cx.client.client()?.environment_update(was.id.require()?, &patch, plain::revision(cx)?);
        let now = plain::write(cx, &want.object(), &place::<Self>, call).await?;
        Ok(Applied::Done(Self::told(now, want.default_approvers.as_ref())))
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let call = cx.client.client()?.environment_delete(was.id.require()?);
        plain::delete::<Environment>(cx, &was.object(), call).await?;
        Ok(Applied::Done(()))
    }

    async fn import(cx: &Cx<Orbit>, id: String) -> Result<Self, Diagnostics> {
        let call = cx.client.client()?.environment_get(&id);
        Ok(Self::told(plain::import(cx, &format!("environment {id}"), call).await?, None))
    }

    async fn import_by(cx: &Cx<Orbit>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        Self::import(cx, plain::part(identity, Self::slug)?).await
    }
}
