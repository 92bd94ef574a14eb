//! The embedded engine: drives operations whose lease this replica holds. Any number of replicas share the work.

mod lanes;
mod news;
mod watch;

pub use watch::{Watch, Watchers};

use lanes::Lanes;
use news::Told;
use orbit_core::{
    id::{ClusterId, Ids, ReplicaId},
    ports::Ports,
    workflow::{Held, JournalError, OperationState, Turn, turn},
};
use orbit_store::{LeasedJournal, News, Room, Store};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use uuid::Uuid;

/// How the runner goes about it.
#[derive(Debug, Clone)]
pub struct Pace {
    /// For how long a lease holds. Each save renews it.
    pub lease: Duration,
    /// Longest time of one step: less than half the lease, so that a step that hangs never outlasts it.
    pub step: Duration,
    /// How often the table is looked at when nothing wakes the runner.
    pub poll: Duration,
    /// Operations driven at once.
    pub concurrency: u32,
}

impl Pace {
    /// Operations of one cluster that are driven at once, of those that were claimed: half of all, so that a cluster that hangs leaves room.
    #[must_use]
    pub fn per_lane(&self) -> u32 {
        (self.concurrency / 2).max(1)
    }
}

impl Default for Pace {
    fn default() -> Self {
        let lease = Duration::from_secs(30);
        Self { lease, step: lease * 9 / 20, poll: Duration::from_secs(1), concurrency: 64 }
    }
}

/// The runner of one replica. Cheap to clone.
#[derive(Clone)]
pub struct Runner(Arc<Inner>);

struct Inner {
    journal: LeasedJournal,
    ports: Ports,
    pace: Pace,
    tasks: TaskTracker,
    stopping: CancellationToken,
    wake: Notify,
    watchers: Watchers,
    looks: mpsc::Sender<ClusterId>,
    news: news::Queue,
    slots: Arc<Semaphore>,
    lanes: Lanes,
}

/// What a runner is made of.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The outside.
    pub ports: Ports,
    /// Fresh ids.
    pub ids: Arc<dyn Ids>,
    /// How it goes about it.
    pub pace: Pace,
    /// Where its work is counted: shutdown waits for it.
    pub tasks: TaskTracker,
    /// Says when to stop.
    pub stopping: CancellationToken,
}

impl Runner {
    /// A runner, and the clusters that somebody wants looked at, for the health reconciler.
    #[must_use]
    pub fn new(parts: Parts) -> (Self, mpsc::Receiver<ClusterId>) {
        const LOOKS: usize = 256;
        let (looks, asked) = mpsc::channel(LOOKS);
        let replica = ReplicaId::from_uuid(parts.ids.fresh());
        let slots = usize::try_from(parts.pace.concurrency).unwrap_or(1);
        let (news, told) = news::queue();
        // It ends with the last handle on the runner.
        tokio::spawn(news::tell(parts.store.clone(), replica, told));
        let runner = Self(Arc::new(Inner {
            journal: LeasedJournal { store: parts.store, replica, lease: parts.pace.lease, ids: parts.ids },
            ports: parts.ports,
            pace: parts.pace,
            tasks: parts.tasks,
            stopping: parts.stopping,
            wake: Notify::new(),
            watchers: Watchers::default(),
            looks,
            news,
            slots: Arc::new(Semaphore::new(slots)),
            lanes: Lanes::default(),
        }));
        (runner, asked)
    }

    /// Who this replica is.
    #[must_use]
    pub fn replica(&self) -> ReplicaId {
        self.0.journal.replica
    }
    /// For how long its leases hold.
    #[must_use]
    pub fn lease(&self) -> Duration {
        self.0.pace.lease
    }
    /// Whether the server is going down: who waits is answered at once.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.is_cancelled()
    }
    /// Looks at the table now.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }
    /// Asks for a look at a cluster. One more among many that wait is no loss: the reconciler looks at all of them in time.
    pub fn look_at(&self, cluster: ClusterId) {
        let _ = self.0.looks.try_send(cluster);
    }
    /// Waits for news of an object: an operation or a request.
    #[must_use]
    pub fn watch(&self, id: Uuid) -> Watch {
        self.0.watchers.watch(id)
    }
    /// Tells those who wait for it, here and at other replicas.
    pub fn tell(&self, id: Uuid) {
        self.0.watchers.tell(id);
        let _ = self.0.news.try_send(Told::Changed(id));
    }
    /// Looks at the table now, and has the other replicas look: there is work that nobody holds.
    pub fn rouse(&self) {
        self.wake();
        let _ = self.0.news.try_send(Told::Work);
    }

    /// Drives an operation that this replica holds, beside the caller. `since`: a moment before its lease began.
    pub fn drive(&self, held: Held, since: Instant) {
        let runner = self.clone();
        // It was born leased, so it does not wait for a slot; it takes one where there is one, so that fewer are claimed beside it.
        let slot = self.0.slots.clone().try_acquire_owned().ok();
        self.0.tasks.spawn(async move {
            runner.drive_to_rest(held, since).await;
            drop(slot);
        });
    }

    /// Turn after turn, until it is over, has to wait, or belongs to somebody else. `since`: a moment before the lease began.
    async fn drive_to_rest(&self, mut held: Held, mut since: Instant) {
        let inner = &self.0;
        loop {
            // A turn that is not begun can be left to whoever claims it next; one that is begun ends.
            if inner.stopping.is_cancelled() {
                return;
            }
            // A save would be fenced, but a step is not: none is begun that could outlast the lease, or another replica would run it too.
            if since.elapsed() + inner.pace.step > inner.pace.lease {
                tracing::warn!(operation = %held.id, "the lease is nearly out before a step could begin; whoever claims it next goes on");
                return self.wake_after(inner.pace.lease);
            }
            let began = Instant::now();
            match turn(&inner.journal, &inner.ports, &mut held, inner.pace.step).await {
                Ok(next) => {
                    since = began;
                    // Nobody waits for what happens on the way.
                    if next != Turn::Again {
                        self.tell(held.id.uuid());
                    }
                    match next {
                        Turn::Again => {}
                        Turn::Finished => return note_end(&held),
                        Turn::Paused => return,
                        Turn::Later(after) => {
                            self.look_at_lane_of(&held).await;
                            return self.wake_after(after);
                        }
                    }
                }
                Err(JournalError::Fenced | JournalError::Wished) => {
                    tracing::info!(operation = %held.id, "another replica holds the operation now");
                    return;
                }
                Err(JournalError::Store(error) | JournalError::Unfit(error)) => {
                    tracing::warn!(operation = %held.id, error, "a turn could not be saved; it runs again when the lease is out");
                    return self.wake_after(inner.pace.lease);
                }
            }
        }
    }

    /// What waits for its cluster makes the cluster worth a look: so its condition is right at once, and what else waits learns when it answers.
    async fn look_at_lane_of(&self, held: &Held) {
        if held.saga.state != OperationState::Waiting {
            return;
        }
        let Ok(mut db) = self.0.journal.store.read().await else { return };
        if let Ok(Some(row)) = db.operation(held.id).await {
            self.look_at(row.lane);
        }
    }

    fn wake_after(&self, after: Duration) {
        let runner = self.clone();
        self.0.tasks.spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(after) => runner.wake(),
                () = runner.0.stopping.cancelled() => {}
            }
        });
    }

    /// Claims what is due, again and again, until told to stop. The poll alone would be enough; wake-ups make it quick.
    pub async fn run(&self) {
        let inner = &self.0;
        inner.tasks.spawn(news::hear(self.clone(), inner.journal.store.clone(), inner.watchers.clone()));
        while !inner.stopping.is_cancelled() {
            match self.claim().await {
                Ok(0) => {}
                Ok(_) => continue,
                Err(error) => tracing::warn!(%error, "the table of operations could not be looked at"),
            }
            tokio::select! {
                () = inner.wake.notified() => {}
                () = tokio::time::sleep(inner.pace.poll) => {}
                () = inner.stopping.cancelled() => {}
            }
        }
    }

    /// Takes as many due operations as there are free slots. Answers how many.
    async fn claim(&self) -> orbit_store::Result<usize> {
        let inner = &self.0;
        let free = u32::try_from(inner.slots.available_permits()).unwrap_or(u32::MAX);
        // Taken before the claim: what is claimed is driven at once, and its lease does not run out while it waits for a slot.
        let Ok(mut slots) = inner.slots.clone().try_acquire_many_owned(free) else { return Ok(0) };
        if free == 0 {
            return Ok(0);
        }
        let since = Instant::now();
        let room = Room { in_all: free, per_lane: inner.pace.per_lane() };
        let mut tx = inner.journal.store.begin().await?;
        let claimed = tx.operation_claim(inner.journal.replica, inner.pace.lease, room).await?;
        tx.commit().await?;
        let count = claimed.len();
        for one in claimed {
            let (runner, slot) = (self.clone(), slots.split(1));
            inner.lanes.took(one.lane);
            inner.tasks.spawn(async move {
                runner.drive_to_rest(one.held, since).await;
                let was_full = runner.0.slots.available_permits() == 0;
                drop(slot);
                // A lane that is full leaves slots free, and more of it may be due: it is filled again when half of it is done.
                let left = runner.0.lanes.left(one.lane);
                if was_full || left == 0 || left == runner.0.pace.per_lane() / 2 {
                    runner.wake();
                }
            });
        }
        Ok(count)
    }

    /// Gives up the leases that are left, so that other replicas need not wait for them to end.
    pub async fn release(&self) {
        let released = async {
            let mut tx = self.0.journal.store.begin().await?;
            let count = tx.operations_release(self.0.journal.replica).await?;
            tx.commit().await?;
            Ok::<_, orbit_store::StoreError>(count)
        };
        match released.await {
            Ok(0) => {}
            Ok(count) => {
                tracing::info!(count, "operations left to whoever comes next");
                let news = News { from: self.replica(), work: true, changed: Vec::new() };
                // The queue is not waited for: the process ends.
                if let Err(error) = self.0.journal.store.news_tell(&news).await {
                    tracing::debug!(%error, "other replicas could not be told");
                }
            }
            Err(error) => tracing::warn!(%error, "leases could not be given up; they end by themselves"),
        }
    }
}

fn note_end(held: &Held) {
    let saga = &held.saga;
    match &saga.failure {
        None => tracing::info!(operation = %held.id, "operation succeeded"),
        Some(why) => tracing::warn!(
            operation = %held.id, state = saga.state.as_str(), code = why.code, user = why.user, operator = why.operator,
            "operation ended without success"
        ),
    }
}
