//! Looks at every registered cluster: does it answer, what does it tell of itself, which topics are on it.

use crate::app::App;
use orbit_core::{
    id::ClusterId,
    name::PhysicalName,
    ports::{ClusterDescription, KafkaError, KafkaErrorKind},
};
use orbit_store::{Health, PageOf};
use std::time::Duration;
use tokio::sync::mpsc;
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
        loop {
            tokio::select! {
                () = self.stopping.cancelled() => return,
                Some(cluster) = self.asked.recv() => self.look_beside(cluster),
                () = tokio::time::sleep(self.every) => self.look_at_all().await,
            }
        }
    }

    async fn look_at_all(&self) {
        const PAGE: u32 = 200;
        let mut page = PageOf { after: None, limit: PAGE };
        loop {
            let rows = match self.app.cluster_list(&page).await {
                Ok(rows) => rows,
                Err(error) => return tracing::warn!(?error, "clusters could not be listed"),
            };
            for row in &rows {
                self.look_beside(row.id);
            }
            match rows.last() {
                Some(last) if rows.len() == PAGE as usize => page.after = Some(last.slug.to_string()),
                _ => return,
            }
        }
    }

    fn look_beside(&self, cluster: ClusterId) {
        let app = self.app.clone();
        self.app.tasks.spawn(async move { look(&app, cluster).await });
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
