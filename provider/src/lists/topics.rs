//! List resource `orbit_kafka_topic`.

use crate::{
    Orbit,
    catalog::PAGE,
    orbit::{ask, nowhere},
    resources::topic::ManagedTopic,
};
use orbit_api::{
    TopicStatus,
    client::{PageQuery, TopicQuery},
};
use tfplugin::{Cx, Diagnostics, Found, ListResource, Schema, model};

model! {
    /// The topics that the token may see, for `terraform query`: with `-generate-config-out` they come with their configuration and an import block.
    pub(crate) struct FindTopics {
        /// Only those of this workspace, by slug.
        workspace: Option<String>,
        /// Only those in this environment, by slug.
        environment: Option<String>,
    }
}

impl ListResource for FindTopics {
    type Of = ManagedTopic;

    fn schema() -> Schema<Self> {
        Schema::new().attr(Self::workspace.optional()).attr(Self::environment.optional())
    }

    async fn list(cx: &Cx<Orbit>, query: Self, found: &mut Found<ManagedTopic>) -> Result<(), Diagnostics> {
        let client = cx.client.client()?;
        // What is not there yet, or goes, is nothing to be taken over.
        let mut which = TopicQuery {
            workspace: query.workspace,
            environment: query.environment,
            status: Some(TopicStatus::Active),
            ..TopicQuery::default()
        };
        while !found.is_full() {
            let most = u32::try_from(found.wanted()).unwrap_or(PAGE).min(PAGE);
            which.page = PageQuery { limit: Some(most), cursor: which.page.cursor.take() };
            let page = ask(cx, client.topic_list(&which)).await.map_err(|e| e.tell("the topics", &nowhere))?;
            for topic in page.items {
                let name = format!("{}/{}/{}", topic.workspace, topic.environment, topic.name);
                found.found(name, ManagedTopic::imported(&topic)).await?;
            }
            if page.next_cursor.is_none() || page.next_cursor == which.page.cursor {
                break;
            }
            which.page.cursor = page.next_cursor;
        }
        Ok(())
    }
}
