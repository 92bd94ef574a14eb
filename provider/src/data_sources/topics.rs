//! Data source `orbit_kafka_topics`.

use super::facts::TopicItem;
use crate::{Orbit, catalog, plain};
use orbit_api::{TopicStatus, client::TopicQuery};
use tfplugin::{Computed, Cx, DataSource, Diagnostics, Schema, model};

model! {
    /// The topics that the token may see.
    pub(crate) struct FoundTopics {
        /// Only those of this workspace, by slug.
        workspace: Option<String>,
        /// Only those in this environment, by slug.
        environment: Option<String>,
        /// Only those that are so far on their way, for example `active`.
        status: Option<String>,
        /// The topics, sorted by workspace, environment and name.
        topics: Computed<Vec<TopicItem>>,
    }
}

impl DataSource for FoundTopics {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_topics";

    fn schema() -> Schema<Self> {
        Schema::new()
            .attr(Self::workspace.optional())
            .attr(Self::environment.optional())
            .attr(Self::status.optional().check(|text| plain::word::<TopicStatus>(text).map(drop)))
            .attr(Self::topics.computed())
    }

    async fn read(cx: &Cx<Orbit>, query: Self) -> Result<Self, Diagnostics> {
        let which = TopicQuery {
            workspace: query.workspace.clone(),
            environment: query.environment.clone(),
            status: query.status.as_deref().map(plain::word).transpose()?,
            ..TopicQuery::default()
        };
        let mut found = catalog::topics(cx, which).await?;
        found.sort_by(|a, b| (&a.workspace, &a.environment, &a.name).cmp(&(&b.workspace, &b.environment, &b.name)));
        let topics: Vec<_> = found.iter().map(TopicItem::told).collect();
        Ok(Self { topics: topics.into(), ..query })
    }
}
