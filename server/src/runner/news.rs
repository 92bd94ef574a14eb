//! News to and from the other replicas: what changed, and that there is work to take.

use super::{Runner, Watchers};
use orbit_core::id::ReplicaId;
use orbit_store::{News, Store};
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// How long after a failure to listen again.
const AGAIN: Duration = Duration::from_secs(2);
/// As many may wait to be told. One that finds no place is no loss: who waits for it looks by itself.
const QUEUE: usize = 4_096;

/// One piece of news.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told {
    Changed(Uuid),
    Work,
}

pub(super) type Queue = mpsc::Sender<Told>;

pub(super) fn queue() -> (Queue, mpsc::Receiver<Told>) {
    mpsc::channel(QUEUE)
}

/// Tells the others what this replica did: one message for all that came together.
pub(super) async fn tell(store: Store, from: ReplicaId, mut queue: mpsc::Receiver<Told>) {
    while let Some(first) = queue.recv().await {
        let mut news = News { from, work: false, changed: Vec::new() };
        let mut next = Some(first);
        while let Some(told) = next {
            match told {
                Told::Work => news.work = true,
                Told::Changed(id) => news.changed.push(id),
            }
            next = if news.changed.len() < News::MOST { queue.try_recv().ok() } else { None };
        }
        if let Err(error) = store.news_tell(&news).await {
            tracing::debug!(%error, "other replicas could not be told; they look by themselves");
        }
    }
}

/// Hears what the others did, until told to stop.
pub(super) async fn hear(runner: Runner, store: Store, watchers: Watchers) {
    let stopping = runner.0.stopping.clone();
    let listen = async {
        loop {
            match listen(&runner, &store, &watchers).await {
                Ok(()) => return,
                Err(error) => {
                    tracing::warn!(%error, "news of other replicas cannot be heard; this one looks by itself");
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    };
    tokio::select! {
        () = listen => {}
        () = stopping.cancelled() => {}
    }
}

/// Ends at once where there is nobody to hear.
async fn listen(runner: &Runner, store: &Store, watchers: &Watchers) -> orbit_store::Result<()> {
    let Some(mut listener) = store.news_listen().await? else { return Ok(()) };
    // What was told before is found by looking.
    runner.wake();
    loop {
        match listener.next().await? {
            Some(news) if news.from == runner.replica() => {}
            Some(news) => {
                news.changed.iter().for_each(|id| watchers.tell(*id));
                if news.work {
                    runner.wake();
                }
            }
            // Some may have been missed.
            None => runner.wake(),
        }
    }
}
