//! Empties the outbox.

use crate::app::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The reconciler.
pub struct Postman {
    /// The use cases.
    pub app: App,
    /// How often the outbox is looked at when nothing wakes it.
    pub every: Duration,
    /// Says when to stop.
    pub stopping: CancellationToken,
}

impl Postman {
    /// Sends, until told to stop.
    pub async fn run(self) {
        while !self.stopping.is_cancelled() {
            match self.app.post().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(?error, "the outbox could not be looked at"),
            }
            tokio::select! {
                () = self.app.post_bell.notified() => {}
                () = tokio::time::sleep(self.every) => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }
}
