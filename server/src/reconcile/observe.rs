//! Looks at topics afresh: one batched describe per cluster, bounded in time. What cannot be reached keeps what was seen before.

use crate::app::App;
use futures::future::join_all;
use orbit_core::{
    id::ClusterId,
    model::topic::{Observed, TopicStatus},
    name::PhysicalName,
    ports::{Bulk, Item, TopicDescription},
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
    let look = look(app, cluster, &rows);
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
    let mut news = news(app, &rows, seen);
    if news.is_empty() {
        return;
    }
    // Rows of several topics are locked in one order, everywhere.
    news.sort_by_key(|(row, _)| row.id);
    let noted = async {
        let mut tx = app.store.begin().await?;
        for (row, observed) in &news {
            tx.topic_observe(row.id, observed, row.revision).await?;
        }
        tx.commit().await
    };
    if let Err(error) = noted.await {
        tracing::warn!(%cluster, %error, "what a cluster showed could not be noted");
    }
}

/// Describes topics. One that was made or changed just now and is not there is looked for again: a broker that lags behind does not show it yet.
async fn look(app: &App, cluster: ClusterId, rows: &[&TopicRow]) -> Bulk<Option<TopicDescription>> {
    const YOUNG: Duration = Duration::from_secs(10);
    const PAUSES_MILLISECONDS: [u64; 3] = [50, 150, 300];
    let admin = app.clusters.admin(cluster).await?;
    let names: Vec<PhysicalName> = rows.iter().map(|t| t.physical_name.clone()).collect();
    let mut seen = admin.topics_describe(&names).await?;
    let now = app.clock.now();
    let is_young = |row: &TopicRow| now.duration_since(row.updated_at).unsigned_abs() < YOUNG;
    for pause in PAUSES_MILLISECONDS {
        let missing: Vec<usize> =
            (0..rows.len()).filter(|n| matches!(seen[*n], Ok(None)) && is_young(rows[*n])).collect();
        if missing.is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let names: Vec<PhysicalName> = missing.iter().map(|n| names[*n].clone()).collect();
        for (n, again) in missing.into_iter().zip(admin.topics_describe(&names).await?) {
            seen[n] = again;
        }
    }
    Ok(seen)
}

/// What is worth writing. The same picture again is, once a minute: every refresh of Terraform looks.
fn news<'a>(
    app: &App,
    rows: &[&'a TopicRow],
    seen: Vec<Item<Option<TopicDescription>>>,
) -> Vec<(&'a TopicRow, Observed)> {
    const TO_THE: Duration = Duration::from_mins(1);
    let now = app.clock.now();
    let fresh = |row: &TopicRow| row.observed_at.is_some_and(|at| now.duration_since(at).unsigned_abs() < TO_THE);
    let look = |(row, answer): (&&'a TopicRow, Item<Option<TopicDescription>>)| match answer {
        Ok(topic) => Some((*row, Observed { topic })),
        Err(error) => {
            tracing::warn!(topic = %row.id, operator = error.operator, "a topic could not be looked at: {}", error.user);
            None
        }
    };
    let looks = rows.iter().zip(seen).filter_map(look);
    looks.filter(|(row, observed)| !fresh(row) || row.observed.as_ref() != Some(observed)).collect()
}
