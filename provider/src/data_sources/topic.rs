//! Data source `orbit_kafka_topic`.

use super::facts::TopicData;
use crate::{
    Orbit,
    orbit::{ask, nowhere},
    say,
};
use orbit_api::client::TopicRead;
use tfplugin::{Cx, DataSource, Diagnostics, Schema};

impl DataSource for TopicData {
    type Client = Orbit;
    const NAME: &'static str = "orbit_kafka_topic";

    fn schema() -> Schema<Self> {
        Self::schema_of()
    }

    async fn read(cx: &Cx<Orbit>, query: Self) -> Result<Self, Diagnostics> {
        let workspace = cx.client.workspace_or(query.workspace.get()).map_err(|e| e.at(Self::workspace))?;
        let key = format!("{workspace}/{}/{}", query.environment, query.name);
        let look = TopicRead { fresh: true, acknowledge: false };
        let topic = ask(cx, cx.client.client()?.topic_get(&key, look)).await;
        let object = say::topic(&workspace, &query.environment, &query.name);
        Self::told(&topic.map_err(|e| e.tell(&object, &nowhere))?)
    }
}
