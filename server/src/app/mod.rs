//! Use cases in the words of the domain, one transaction each. No network here: what a cluster has to be asked was asked before, or is asked by a
//! step of the operation that follows.

mod audit;
mod backtest;
mod bundle;
mod call;
mod catalog;
mod channels;
mod clusters;
mod decide;
mod error;
mod evaluate;
mod expire;
mod limits;
mod notify;
mod operations;
mod packs;
mod people;
mod policies;
mod request_reads;
mod submit;
mod topic_place;
mod topic_reads;
mod topic_wish;
mod topics;
mod view;
mod way;

pub use backtest::{BacktestView, Fares, Tally};
pub use bundle::{RequestEvaluated, RequestNew, RequestReply};
pub use call::{Call, Once, Run};
pub use channels::{ChannelChange, ChannelNew, ChannelView, DELIVERY_PREFIX, TargetChange, TargetNew};
pub use clusters::{ClusterAccess, ClusterChange, ClusterNew, ConnectionFailure, Tried, open as open_credentials};
pub use decide::Decision;
pub use error::{AppError, AppResult, Code, Refusal, rule_text};
pub use evaluate::{Evaluated, TopicIntent};
pub use limits::LimitsView;
pub use packs::{PackDeed, PackInstalled, PackStep, PackView, PackWish, changed_by_hand};
pub use people::MintedToken;
pub use policies::{Confirmed, EffectiveView, PolicyNew};
pub use request_reads::{Inbox, InboxFilter};
pub use submit::{Accepted, Filed, Filing};
pub use topic_place::Place;
pub use topics::{Outcome, TopicNew, TopicReply};
pub use view::{OpenBrief, RequestBrief, RequestView, TopicView, to_the_second};
pub use way::Standing;

use crate::{
    auth::throttle::Throttle,
    notify::{Mailer, Webhooks},
    runner::Runner,
};
use orbit_core::{id::Ids, ports::Clock};
use orbit_store::{Keyring, Store};
use std::{ops::Deref, path::PathBuf, sync::Arc};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// The server's use cases, and what they work with. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What use cases work with.
pub struct Inner {
    /// How many calls each principal may make.
    pub throttle: Throttle,
    /// The database.
    pub store: Store,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// The time of day, for what people read.
    pub clock: Arc<dyn Clock>,
    /// Keys of secrets at rest.
    pub keyring: Arc<Keyring>,
    /// The runner of this replica.
    pub runner: Runner,
    /// The registered clusters. Handlers and reconcilers ask them; use cases do not.
    pub clusters: Arc<dyn ClusterAccess>,
    /// Where users reach this server: links in answers begin with it.
    pub public_url: String,
    /// The folder with releases of the Terraform provider, if this server serves them.
    pub releases: Option<PathBuf>,
    /// Sends webhooks.
    pub webhooks: Webhooks,
    /// Sends mail, where a mail server is configured.
    pub mailer: Option<Mailer>,
    /// Wakes who empties the outbox.
    pub post_bell: Arc<Notify>,
    /// What is counted.
    pub metrics: crate::metrics::Metrics,
    /// Work that outlives a call; shutdown waits for it.
    pub tasks: TaskTracker,
}

impl Deref for App {
    type Target = Inner;
    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Puts the parts together.
    #[must_use]
    pub fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Runs work to its end even where the caller hangs up: a dropped connection must not leave a commit without its operation being driven.
    pub async fn to_the_end<T: Send + 'static>(
        &self,
        work: impl Future<Output = AppResult<T>> + Send + 'static,
    ) -> AppResult<T> {
        match self.tasks.spawn(work).await {
            Ok(done) => done,
            Err(e) => Err(AppError::Internal(format!("a use case panicked: {e}"))),
        }
    }
}
