//! What the cluster shows, laid over what Orbit says the topic is to be: so that a plan shows exactly what somebody changed past Orbit.

use super::ManagedTopic;
use orbit_api::{Difference, Topic};
use tfplugin::Computed;

/// Whether the topic is not on its cluster any more, or another one bears its name.
pub(super) fn is_gone(topic: &Topic) -> bool {
    topic.drift.iter().any(|difference| difference.field.is_empty())
}

/// What the attributes that a user can set are by now. The others are absent.
pub(super) fn overlay(topic: &Topic) -> ManagedTopic {
    let mut found = ManagedTopic {
        profile: topic.profile.clone(),
        partitions: topic.partitions,
        replication_factor: topic.replication_factor,
        retention_ms: topic.retention_ms,
        cleanup_policy: topic.cleanup_policy.map(|policy| policy.to_string()),
        compression: topic.compression.map(|compression| compression.to_string()),
        config: topic.config.clone(),
        description: topic.description.clone(),
        tags: topic.tags.clone(),
        owner_contact: topic.owner_contact.clone(),
        deletion_protection: topic.deletion_protection,
        ..blank()
    };
    for difference in &topic.drift {
        lay(&mut found, difference);
    }
    found
}

/// A topic of which nothing is known.
pub(super) fn blank() -> ManagedTopic {
    ManagedTopic {
        workspace: Computed::absent(),
        environment: String::new(),
        name: String::new(),
        profile: None,
        partitions: None,
        replication_factor: None,
        retention_ms: None,
        cleanup_policy: None,
        compression: None,
        config: None,
        description: None,
        tags: None,
        owner_contact: None,
        deletion_protection: None,
        request: None,
        on_pending: None,
        timeouts: None,
        id: Computed::absent(),
        cluster: Computed::absent(),
        physical_name: Computed::absent(),
        kafka_topic_id: Computed::absent(),
        status: Computed::absent(),
        request_url: Computed::absent(),
        workflow_id: Computed::absent(),
    }
}

fn lay(found: &mut ManagedTopic, difference: &Difference) {
    let observed = difference.after.as_deref();
    match difference.field.as_str() {
        "/partitions" => found.partitions = observed.and_then(|text| text.parse().ok()),
        "/replication_factor" => found.replication_factor = observed.and_then(|text| text.parse().ok()),
        "/retention_ms" => found.retention_ms = observed.and_then(|text| text.parse().ok()),
        "/cleanup_policy" => found.cleanup_policy = observed.map(str::to_owned),
        // Drift is told in Kafka's words. One of them is `producer`, which cannot be asked for but can be there.
        "/compression" => found.compression = observed.map(|text| in_our_words(text).to_owned()),
        field => {
            let Some(key) = field.strip_prefix("/config/") else { return };
            let key = key.replace("~1", "/").replace("~0", "~");
            let config = found.config.get_or_insert_default();
            match observed {
                Some(text) => config.insert(key, text.to_owned()),
                None => config.remove(&key),
            };
        }
    }
}

fn in_our_words(compression: &str) -> &str {
    if compression == "uncompressed" { "none" } else { compression }
}
