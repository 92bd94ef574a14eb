//! Ends what nobody decided in time, and forgets the answers of yesterday.

use crate::app::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// For how long deliveries are kept that arrived or were given up.
const DELIVERIES_KEPT: Duration = Duration::from_hours(30 * 24);

/// The reconciler.
pub struct Sweep {
    /// The use cases.
    pub app: App,
    /// How often.
    pub every: Duration,
    /// Says when to stop.
    pub stopping: CancellationToken,
}

impl Sweep {
    /// Sweeps, until told to stop.
    pub async fn run(self) {
        loop {
            if let Err(error) = self.app.requests_expire().await {
                tracing::warn!(?error, "requests could not be expired");
            }
            if let Err(error) = self.app.requests_warn().await {
                tracing::warn!(?error, "those who decide could not be warned of requests that expire");
            }
            if let Err(error) = self.forget_answers().await {
                tracing::warn!(%error, "old answers could not be forgotten");
            }
            tokio::select! {
                () = self.stopping.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
        }
    }

    async fn forget_answers(&self) -> orbit_store::Result<()> {
        let mut tx = self.app.store.begin().await?;
        tx.idempotency_sweep().await?;
        tx.outbox_sweep(DELIVERIES_KEPT).await?;
        tx.commit().await
    }
}
