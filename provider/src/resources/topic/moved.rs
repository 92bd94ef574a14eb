//! Topics of other providers, which a `moved` block makes Orbit's. Their state says what a topic is called on its cluster; whose it is in Orbit, Orbit
//! knows.

use super::{ManagedTopic, drift};
use crate::{Orbit, catalog};
use orbit_api::client::TopicQuery;
use tfplugin::{Computed, Cx, Diagnostic, Diagnostics, MoveSource};

/// The types that are known, and the attribute of each that holds the name: those of Mongey's, Confluent's and Aiven's providers.
const TYPES: [(&str, &str); 3] =
    [("kafka_topic", "name"), ("confluent_kafka_topic", "topic_name"), ("aiven_kafka_topic", "topic_name")];

/// A topic of another provider, as one that Orbit is to find.
pub(super) fn from(source: &MoveSource) -> Result<Option<ManagedTopic>, Diagnostics> {
    let Some((_, attribute)) = TYPES.iter().find(|(name, _)| *name == source.type_name) else { return Ok(None) };
    let name = source.state.get(*attribute).and_then(|name| name.as_str()).filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| {
        Diagnostic::error(format!("The state of this {} says no {attribute}", source.type_name)).detail(
            "Without its name on the cluster the topic cannot be found. Use a `removed` and an `import` block instead.",
        )
    })?;
    Ok(Some(ManagedTopic { name: name.to_owned(), physical_name: Computed::known(name.to_owned()), ..drift::blank() }))
}

/// Orbit's topic of the name that a moved one has on its cluster.
pub(super) async fn find(cx: &Cx<Orbit>, now: &ManagedTopic) -> Result<ManagedTopic, Diagnostics> {
    let name = now.physical_name.require()?;
    let which = TopicQuery { physical_name: Some(name.clone()), ..TopicQuery::default() };
    let found = catalog::topics(cx, which).await?;
    match found.as_slice() {
        [topic] => Ok(ManagedTopic::imported(topic)),
        [] => Err(Diagnostic::error(format!("Orbit knows no topic that is called {name} on its cluster"))
            .detail(
                "A `moved` block hands a topic over to Orbit where Orbit has it already, in a workspace that the token sees. Until it has, take the \
                 `moved` block out: the topic then stays with the provider that it has now.",
            )
            .into()),
        several => {
            let places = several.iter().map(|t| format!("{}/{}/{} on {}", t.workspace, t.environment, t.name, t.cluster));
            let places: Vec<String> = places.collect();
            Err(Diagnostic::error(format!("Several topics are called {name}, each on another cluster"))
                .detail(format!(
                    "They are {}. Use a `removed` block for the old resource and an `import` block with the one that is meant.",
                    places.join(", ")
                ))
                .into())
        }
    }
}

/// A moved topic that Terraform has not refreshed.
pub(super) fn unseen(was: &ManagedTopic) -> Diagnostic {
    Diagnostic::error(format!("Topic {} has moved here, and Orbit was not asked for it yet", was.name))
        .detail("Plan once without `-refresh=false`: only a refresh finds out which of Orbit's topics it is.")
}
