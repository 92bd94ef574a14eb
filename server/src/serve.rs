//! Puts the parts together, serves, and goes down in order.

use crate::{
    app::{App, ClusterAccess, Inner},
    auth::throttle::{CallRate, Throttle},
    http,
    metrics::Metrics,
    notify::{Mailer, Webhooks},
    reconcile::{ClusterHealth, Postman, Sweep},
    runner::{Pace, Parts, Runner},
};
use orbit_core::{
    id::{ClusterId, Ids},
    ports::{Clock, Clusters, Ports},
};
use orbit_store::{Keyring, Store};
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// What a server is made of.
pub struct Made {
    /// The database, its tables current.
    pub store: Store,
    /// The registered clusters.
    pub clusters: Arc<dyn ClusterAccess>,
    /// Keys of secrets at rest.
    pub keyring: Arc<Keyring>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// How the runner goes about it.
    pub pace: Pace,
    /// How often clusters are looked at.
    pub health_every: Duration,
    /// How often requests are swept.
    pub sweep_every: Duration,
    /// How often the outbox is looked at when nothing wakes it.
    pub post_every: Duration,
    /// Sends webhooks.
    pub webhooks: Webhooks,
    /// Sends mail, where a mail server is configured.
    pub mailer: Option<Mailer>,
    /// Where users reach the server.
    pub public_url: String,
    /// The folder with releases of the Terraform provider, if it serves them.
    pub releases: Option<PathBuf>,
    /// How many calls a principal may make.
    pub calls: CallRate,
    /// Largest body taken, in bytes.
    pub body_limit: usize,
    /// How long a shutdown waits.
    pub patience: Duration,
}

/// A server, put together and not yet running.
pub struct Orbit {
    /// The use cases.
    pub app: App,
    asked: mpsc::Receiver<ClusterId>,
    stopping: CancellationToken,
    made: Rest,
}

struct Rest {
    health_every: Duration,
    sweep_every: Duration,
    post_every: Duration,
    body_limit: usize,
    patience: Duration,
}

impl Orbit {
    /// Puts the parts together.
    #[must_use]
    pub fn new(made: Made) -> Self {
        let (tasks, stopping) = (TaskTracker::new(), CancellationToken::new());
        let clusters: Arc<dyn Clusters> = made.clusters.clone();
        let (runner, asked) = Runner::new(Parts {
            store: made.store.clone(),
            ports: Ports { clusters, clock: made.clock.clone() },
            ids: made.ids.clone(),
            pace: made.pace,
            tasks: tasks.clone(),
            stopping: stopping.clone(),
        });
        let app = App::new(Inner {
            throttle: Throttle::new(made.calls),
            store: made.store,
            ids: made.ids,
            clock: made.clock,
            keyring: made.keyring,
            runner,
            clusters: made.clusters,
            public_url: made.public_url,
            releases: made.releases,
            webhooks: made.webhooks,
            mailer: made.mailer,
            post_bell: Arc::default(),
            metrics: Metrics::default(),
            tasks,
        });
        let rest = Rest {
            health_every: made.health_every,
            sweep_every: made.sweep_every,
            post_every: made.post_every,
            body_limit: made.body_limit,
            patience: made.patience,
        };
        Self { app, asked, stopping, made: rest }
    }

    /// Serves until `stop` ends, then goes down: takes no more calls, answers those that wait, ends the steps under way, gives up its leases.
    pub async fn run(
        self,
        listener: TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> std::io::Result<()> {
        let Self { app, asked, stopping, made } = self;
        let runner = app.runner.clone();
        app.tasks.spawn(async move { runner.run().await });
        let health = ClusterHealth { app: app.clone(), every: made.health_every, asked, stopping: stopping.clone() };
        app.tasks.spawn(health.run());
        app.tasks.spawn(Sweep { app: app.clone(), every: made.sweep_every, stopping: stopping.clone() }.run());
        app.tasks.spawn(Postman { app: app.clone(), every: made.post_every, stopping: stopping.clone() }.run());
        let router = http::router(app.clone(), made.body_limit).into_make_service_with_connect_info::<SocketAddr>();
        let told = stopping.clone();
        let graceful = async move {
            stop.await;
            tracing::info!("going down: no more calls are taken");
            told.cancel();
        };
        let serving = axum::serve(listener, router).with_graceful_shutdown(graceful);
        // Connections that are kept open end with the time given.
        tokio::select! {
            served = serving => served?,
            () = async { stopping.cancelled().await; tokio::time::sleep(made.patience).await } => {
                tracing::warn!("some calls did not end in time");
            }
        }
        app.tasks.close();
        if tokio::time::timeout(made.patience, app.tasks.wait()).await.is_err() {
            tracing::warn!("some steps did not end in time; whoever claims them next goes on");
        }
        app.runner.release().await;
        Ok(())
    }
}
