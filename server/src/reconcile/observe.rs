//! Looks at topics afresh: one batched describe per cluster, bounded in time. What cannot be reached keeps what was seen before.

use crate::app::App;
use futures::future::join_all;
use orbit_core::{
    id::ClusterId,
    model::topic::{Observed, TopicStatus},
    name::PhysicalName,
};
use orbit_store::TopicRow;
use std::{collections::BTreeMap, time::Duration};

/// Longest that a reader waits for a cluster.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at those of `rows` that are on a cluster, and notes what it saw.
pub async fn observe(app: &App, rows: &[TopicRow]) {
    let mut of: BTreeMap<ClusterId, Vec<&TopicRow>> = BTreeMap::new();
    for row in rows.iter().filter(|t| t.status == TopicStatus::Active) {
        of.entry(row.cluster_id).or_default().push(row);
    }
    join_all(of.into_iter().map(|(cluster, rows)| observe_on(app, cluster, rows))).await;
}

async fn observe_on(app: &App, cluster: ClusterId, rows: Vec<&TopicRow>) {
    let names: Vec<PhysicalName> = rows.iter().map(|t| t.physical_name.clone()).collect();
    let look = async { app.clusters.admin(cluster).await?.topics_describe(&names).await };
    let seen = match tokio::time::timeout(PATIENCE, look).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(error)) => {
            app.runner.look_at(cluster);
            return tracing::warn!(%cluster, operator = error.operator, "topics could not be looked at: {}", error.user);
        }
        Err(_) => {
            app.runner.look_at(cluster);
            return tracing::warn!(%cluster, "topics could not be looked at in time");
        }
    };
    let noted = async {
        let mut tx = app.store.begin().await?;
        for (row, answer) in rows.iter().zip(seen) {
            match answer {
                Ok(topic) => tx.topic_observe(row.id, &Observed { topic }).await?,
                Err(error) => {
                    tracing::warn!(topic = %row.id, operator = error.operator, "a topic could not be looked at: {}", error.user);
                }
            }
        }
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%cluster, %error, "what a cluster showed could not be noted");
    }
}
