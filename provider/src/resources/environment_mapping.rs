//! Resource `orbit_kafka_environment_mapping`.

use crate::{
    Orbit,
    orbit::{ask, nowhere},
    plain::{self, SeenBy, place},
    slug,
};
use orbit_api::{EnvironmentMapping, EnvironmentMappingCreate, client::PageQuery};
use tfplugin::{Applied, Computed, Cx, Diagnostic, Diagnostics, Failure, Outcome, Resource, Schema, View, model};

model! {
    /// A rule that leads an environment to a cluster. New topics go where it leads; those that are there stay, also when it goes. A change makes another
    /// rule.
    pub(crate) struct ManagedMapping {
        /// Slug of the environment.
        environment: String,
        /// Slug of the cluster.
        cluster: String,
        /// Where several rules fit, the highest wins.
        priority: i32,
        /// Where priorities are equal, the default wins. Default: true for an environment's first rule, else false.
        is_default: Computed<bool>,
        /// Orbit's id of it.
        id: Computed<String>,
    }
}

impl ManagedMapping {
    fn object(&self) -> String {
        format!("mapping of environment {} to cluster {}", self.environment, self.cluster)
    }

    fn told(mapping: EnvironmentMapping) -> Self {
        Self {
            environment: mapping.environment,
            cluster: mapping.cluster,
            priority: mapping.priority,
            is_default: mapping.is_default.into(),
            id: mapping.id.into(),
        }
    }
}

impl Resource for ManagedMapping {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_environment_mapping";

    fn schema() -> Schema<Self> {
        Schema::version(0)
            .attr(Self::environment.required().replace().identity().check(|text| slug::check(text)))
            .attr(Self::cluster.required().replace().identity().check(|text| slug::check(text)))
            .attr(Self::priority.default(0).replace())
            .attr(Self::is_default.optional_computed().keep().replace())
            .attr(Self::id.computed().keep())
    }

    async fn read(cx: &Cx<Orbit>, now: Self) -> Result<Option<Self>, Diagnostics> {
        Ok(plain::look(cx, (&now.object(), now.id.require()?), SeenBy::Everybody).await?.map(Self::told))
    }

    async fn create(cx: &Cx<Orbit>, want: Self) -> Outcome<Self> {
        let new = EnvironmentMappingCreate {
            environment: want.environment.clone(),
            cluster: want.cluster.clone(),
            priority: Some(want.priority),
            is_default: want.is_default.get().copied(),
        };
        let import = format!("{}.NAME {}/{}", Self::NAME, want.environment, want.cluster);
        let call = cx.client.client()?.mapping_create(&new);
        let made = plain::create(cx, &want.object(), &place::<Self>, &import, call).await?;
        Ok(Applied::Done(Self::told(made)))
    }

    /// Every attribute that can be set replaces: nothing is left to change in place.
    async fn update(_cx: &Cx<Orbit>, _was: Self, want: Self) -> Outcome<Self> {
        Ok(Applied::Done(want))
    }

    async fn delete(cx: &Cx<Orbit>, was: Self) -> Result<Applied<()>, Failure<Self>> {
        let call = cx.client.client()?.mapping_delete(was.id.require()?);
        plain::delete::<EnvironmentMapping>(cx, &was.object(), call).await?;
        Ok(Applied::Done(()))
    }

    async fn import(cx: &Cx<Orbit>, id: String) -> Result<Self, Diagnostics> {
        if let Some((environment, cluster)) = id.split_once('/') {
            return find(cx, environment, cluster).await;
        }
        let call = cx.client.client()?.mapping_get(&id);
        Ok(Self::told(plain::import(cx, &format!("mapping {id}"), call).await?))
    }

    async fn import_by(cx: &Cx<Orbit>, identity: View<'_, Self>) -> Result<Self, Diagnostics> {
        find(cx, &plain::part(identity, Self::environment)?, &plain::part(identity, Self::cluster)?).await
    }
}

/// An environment leads to a cluster by one rule at most.
async fn find(cx: &Cx<Orbit>, environment: &str, cluster: &str) -> Result<ManagedMapping, Diagnostics> {
    let client = cx.client.client()?;
    let object = format!("mapping of environment {environment} to cluster {cluster}");
    let mut page = PageQuery::default();
    loop {
        let found = ask(cx, client.mapping_list(&page)).await.map_err(|e| e.tell(&object, &nowhere))?;
        let is_it = |it: &EnvironmentMapping| it.environment == environment && it.cluster == cluster;
        if let Some(found) = found.items.into_iter().find(is_it) {
            return Ok(ManagedMapping::told(found));
        }
        if found.next_cursor.is_none() || found.next_cursor == page.cursor {
            return Err(Diagnostic::error(format!("There is no {object}"))
                .detail("Import by ENVIRONMENT/CLUSTER, or by Orbit's id, map_….")
                .into());
        }
        page.cursor = found.next_cursor;
    }
}
