//! Data source `orbit_kafka_clusters`.

use crate::{Orbit, catalog};
use tfplugin::{Attributes, Computed, Cx, DataSource, Diagnostics, Nested, Schema, model};

model! {
    /// The clusters that Orbit works on, and how they are now.
    pub(crate) struct Clusters {
        /// The clusters, sorted by slug.
        clusters: Computed<Vec<Cluster>>,
    }
}

model! {
    /// A cluster.
    pub(crate) struct Cluster {
        /// Orbit's id of it.
        id: Computed<String>,
        /// What configurations name it by.
        slug: Computed<String>,
        /// What people call it.
        display_name: Computed<String>,
        /// Which product it is.
        kafka_provider: Computed<String>,
        /// Where it stands.
        region: Computed<Option<String>>,
        /// Where its data may not leave.
        residency: Computed<Option<String>>,
        /// Whether Orbit's connection works: `pending`, `valid` or `invalid`.
        validation_status: Computed<String>,
        /// Whether it answered when it was last asked.
        reachable: Computed<bool>,
        /// What it said when it did not.
        last_error: Computed<Option<String>>,
        /// When the connection last worked.
        last_validated_at: Computed<Option<String>>,
        /// Kafka's id of it.
        kafka_cluster_id: Computed<Option<String>>,
        /// How many brokers it has.
        brokers: Computed<Option<u32>>,
    }
}

impl Nested for Cluster {
    fn attributes() -> Attributes<Self> {
        Attributes::new()
            .attr(Self::id.computed())
            .attr(Self::slug.computed())
            .attr(Self::display_name.computed())
            .attr(Self::kafka_provider.computed())
            .attr(Self::region.computed())
            .attr(Self::residency.computed())
            .attr(Self::validation_status.computed())
            .attr(Self::reachable.computed())
            .attr(Self::last_error.computed())
            .attr(Self::last_validated_at.computed())
            .attr(Self::kafka_cluster_id.computed())
            .attr(Self::brokers.computed())
    }
}

impl DataSource for Clusters {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_clusters";

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::clusters.computed())
    }

    async fn read(cx: &Cx<Orbit>, _query: Self) -> Result<Self, Diagnostics> {
        let client = cx.client.client()?;
        let mut all = catalog::all(cx, "the clusters", |page| async move { client.cluster_list(&page).await }).await?;
        all.sort_by(|a, b| a.slug.cmp(&b.slug));
        let clusters: Vec<Cluster> = all.into_iter().map(Cluster::from).collect();
        Ok(Self { clusters: clusters.into() })
    }
}

impl From<orbit_api::Cluster> for Cluster {
    fn from(it: orbit_api::Cluster) -> Self {
        Self {
            id: it.id.into(),
            slug: it.slug.into(),
            display_name: it.display_name.into(),
            kafka_provider: it.provider.to_string().into(),
            region: it.region.into(),
            residency: it.residency.into(),
            validation_status: it.validation_status.to_string().into(),
            reachable: it.reachable.into(),
            last_error: it.last_error.into(),
            last_validated_at: it.last_validated_at.map(|at| at.to_string()).into(),
            kafka_cluster_id: it.kafka_cluster_id.into(),
            brokers: it.brokers.into(),
        }
    }
}
