//! Data source `orbit_kafka_environments`.

use crate::{
    Orbit,
    orbit::{ask, nowhere},
};
use tfplugin::{Attributes, Computed, Cx, DataSource, Diagnostics, Nested, Schema, model};

model! {
    /// The environments that topics can live in, by slug.
    pub(crate) struct Environments {
        /// The environments, sorted by slug.
        environments: Computed<Vec<Environment>>,
    }
}

model! {
    /// An environment.
    pub(crate) struct Environment {
        /// Orbit's id of it.
        id: Computed<String>,
        /// What `environment` of a resource is set to.
        slug: Computed<String>,
        /// What people call it.
        display_name: Computed<String>,
        /// How topics are named on the cluster, for example `{environment}.{workspace}.{name}`.
        naming_template: Computed<String>,
        /// Names of principals who may give the platform's consent here beside platform admins.
        default_approvers: Computed<Vec<String>>,
        /// Slugs of the clusters that topics here can come to live on.
        clusters: Computed<Vec<String>>,
    }
}

impl Nested for Environment {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::id.computed())
            .attr(Self::slug.computed())
            .attr(Self::display_name.computed())
            .attr(Self::naming_template.computed())
            .attr(Self::default_approvers.computed())
            .attr(Self::clusters.computed())
    }
}

impl DataSource for Environments {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_environments";

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::environments.computed())
    }

    async fn read(cx: &Cx<Orbit>, _query: Self) -> Result<Self, Diagnostics> {
        let all = ask(cx, cx.client.client()?.environment_all()).await;
        let mut all = all.map_err(|e| e.tell("the environments", &nowhere))?;
        all.sort_by(|a, b| a.slug.cmp(&b.slug));
        let environments: Vec<Environment> = all.into_iter().map(Environment::from).collect();
        Ok(Self { environments: environments.into() })
    }
}

impl From<orbit_api::Environment> for Environment {
    fn from(it: orbit_api::Environment) -> Self {
        Self {
            id: it.id.into(),
            slug: it.slug.into(),
            display_name: it.display_name.into(),
            naming_template: it.naming_template.into(),
            default_approvers: it.default_approvers.into(),
            clusters: it.clusters.into(),
        }
    }
}
