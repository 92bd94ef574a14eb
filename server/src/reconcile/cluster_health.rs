//! Looks at every registered cluster: does it answer, what does it tell of itself, which topics are on it.

use crate::app::App;
use orbit_core::{
    id::ClusterId,
    name::PhysicalName,
    ports::{ClusterDescription, KafkaError, KafkaErrorKind},
};
use orbit_store::{Health, PageOf};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval_at},
};
use tokio_util::sync::CancellationToken;

/// The reconciler.
pub struct ClusterHealth {
    /// The use cases.
    pub app: App,
    /// How often all clusters are looked at.
    pub every: Duration,
    /// Clusters that somebody wants looked at now.
    pub asked: mpsc::Receiver<ClusterId>,
    /// Says when to stop.
    pub stopping: CancellationToken,
}

impl ClusterHealth {
    /// Looks, until told to stop. Clusters are looked at beside each other: one that hangs keeps nobody waiting.
    pub async fn run(mut self) {
        // One clock for all of it: operations that keep asking must not put off the look at all.
        let mut timer = interval_at(Instant::now() + self.every, self.every);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let looks = Looks::default();
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return,
                Some(cluster) = self.asked.recv() => if looks.begin_or_repeat(cluster) {
                    self.look_beside(cluster, &looks);
                },
                _ = timer.tick() => self.look_at_all(&looks).await,
            }
        }
    }

    async fn look_at_all(&self, looks: &Looks) {
        const PAGE: u32 = 200;
        let mut page = PageOf { after: None, limit: PAGE };
        loop {
            let rows = match self.app.cluster_list(&page).await {
                Ok(rows) => rows,
                Err(error) => return tracing::warn!(?error, "clusters could not be listed"),
            };
            for row in &rows {
                if looks.begin(row.id) {
                    self.look_beside(row.id, looks);
                }
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE as usize => page.after = Some(last.slug.to_string()),
                _ => return,
            }
        }
    }

    fn look_beside(&self, cluster: ClusterId, looks: &Looks) {
        let (app, looks) = (self.app.clone(), looks.clone());
        self.app.tasks.spawn(async move {
            loop {
                let beside = app.clone();
                // A task of its own: one that panics must not leave the cluster marked, or nobody looked at it again.
                drop(app.tasks.spawn(async move { look(&beside, cluster).await }).await);
                if !looks.goes_on(cluster) {
                    return;
                }
            }
        });
    }
}

/// The clusters that are being looked at, and whether somebody asked for another look since it began. One that hangs is not asked again and again.
#[derive(Clone, Default)]
struct Looks(Arc<Mutex<HashMap<ClusterId, bool>>>);

impl Looks {
    fn under_way(&self) -> MutexGuard<'_, HashMap<ClusterId, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Whether a look is to begin; not where one is under way.
    fn begin(&self, cluster: ClusterId) -> bool {
        let mut under_way = self.under_way();
        let begins = !under_way.contains_key(&cluster);
        if begins {
            under_way.insert(cluster, false);
        }
        begins
    }
    /// The same for somebody who knows news: a look that is under way may have missed them, so another follows.
    fn begin_or_repeat(&self, cluster: ClusterId) -> bool {
        let mut under_way = self.under_way();
        let begins = !under_way.contains_key(&cluster);
        under_way.insert(cluster, !begins);
        begins
    }
    /// A look ended: whether another follows.
    fn goes_on(&self, cluster: ClusterId) -> bool {
        let mut under_way = self.under_way();
        let again = under_way.remove(&cluster) == Some(true);
        if again {
            under_way.insert(cluster, false);
        }
        again
    }
}

/// Looks at one cluster and notes what it showed.
async fn look(app: &App, cluster: ClusterId) {
    let began = match app.now().await {
        Ok(now) => now,
        Err(error) => {
            return tracing::warn!(%cluster, ?error, "a cluster was not looked at: the database does not answer");
        }
    };
    let health = match ask(app, cluster).await {
        Ok((description, topics)) => Health::Well { description: Box::new(description), topics, began },
        Err(error) => {
            tracing::warn!(%cluster, operator = error.operator, "cluster is not well: {}", error.user);
            Health::Ill { reachable: error.kind != KafkaErrorKind::Unreachable, error: error.user }
        }
    };
    if let Err(error) = app.cluster_seen(cluster, &health).await {
        tracing::warn!(%cluster, ?error, "a cluster's health could not be noted");
    }
}

async fn ask(app: &App, cluster: ClusterId) -> Result<(ClusterDescription, Vec<PhysicalName>), KafkaError> {
    let admin = app.clusters.admin(cluster).await?;
    let description = admin.cluster_describe().await?;
    let topics = admin.topics_list().await?.into_iter().map(|t| t.name).collect();
    Ok((description, topics))
}

#[cfg(test)]
mod tests {
    use super::*;
    use orbit_core::testing::SequentialIds;

    #[test]
    fn looks_at_one_cluster_come_one_after_the_other_and_none_is_lost() {
        let looks = Looks::default();
        let (one, other) = (ClusterId::from_uuid(SequentialIds::nth(1)), ClusterId::from_uuid(SequentialIds::nth(2)));
        assert!(looks.begin(one) && looks.begin_or_repeat(other));
        assert!(!looks.begin(one), "the timer leaves it to the look under way");
        assert!(!looks.goes_on(one));

        assert!(!looks.begin_or_repeat(other) && !looks.begin_or_repeat(other) && !looks.begin(other));
        assert!(looks.goes_on(other), "one more for all who asked");
        assert!(!looks.goes_on(other));
        assert!(looks.begin(one) && looks.begin(other), "both rest");
    }
}
