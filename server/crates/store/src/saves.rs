//! Saves share commits. SQLite has one writer, and each of its commits waits for the disk: saves that come while one is under way go together in the next.
//! Where one does not fit, each gets a transaction of its own. PostgreSQL gathers commits of its connections by itself.

use crate::{
    conn::{Pools, Store},
    error::Result,
    journal::LeasedJournal,
};
use orbit_core::workflow::{Held, JournalError, Save, Saved};
use std::sync::{Arc, OnceLock};
use tokio::sync::{mpsc, oneshot};

/// As many share a commit: the writer is others' too.
const TOGETHER: usize = 64;

struct Queued {
    journal: LeasedJournal,
    held: Held,
    save: Save,
    answer: oneshot::Sender<Outcome>,
}

/// The queue of one store's saves. It works from the first save on, until the last handle on the store goes.
#[derive(Clone, Default)]
pub(crate) struct Saves(Arc<OnceLock<mpsc::Sender<Queued>>>);

impl Saves {
    /// Saves, with whatever else waits.
    pub(crate) async fn save(journal: &LeasedJournal, held: &Held, save: Save) -> Outcome {
        if matches!(journal.store.pools, Pools::Postgres(_)) {
            return alone(journal, held, &save).await;
        }
        let queue = journal.store.saves.0.get_or_init(|| {
            let (queue, waiting) = mpsc::channel(TOGETHER);
            // Without the queue's own handle: the work ends with the last of the others.
            tokio::spawn(work(Store { saves: Self::default(), ..journal.store.clone() }, waiting));
            queue
        });
        let (answer, told) = oneshot::channel();
        let queued = Queued { journal: journal.clone(), held: held.clone(), save, answer };
        let ended = || JournalError::Store("the store is closing".to_owned());
        queue.send(queued).await.map_err(|_| ended())?;
        told.await.map_err(|_| ended())?
    }
}

async fn alone(journal: &LeasedJournal, held: &Held, save: &Save) -> Outcome {
    let mut tx = journal.store.begin().await?;
    let saved = journal.save_in(&mut tx, held, save).await?;
    tx.commit().await?;
    Ok(saved)
}

async fn work(store: Store, mut queue: mpsc::Receiver<Queued>) {
    let mut waiting = Vec::with_capacity(TOGETHER);
    while queue.recv_many(&mut waiting, TOGETHER).await > 0 {
        let outcomes = match together(&store, &mut queue, &mut waiting).await {
            Ok(Some(outcomes)) => outcomes,
            Ok(None) => each_alone(&waiting).await,
            Err(error) => waiting.iter().map(|_| Err(JournalError::Store(error.to_string()))).collect(),
        };
        for (queued, outcome) in waiting.drain(..).zip(outcomes) {
            let _ = queued.answer.send(outcome);
        }
    }
}

type Outcome = std::result::Result<Saved, JournalError>;

/// One transaction of all that wait. `None` where one of them does not fit: it left half of what it is, and so nothing was saved.
async fn together(
    store: &Store,
    queue: &mut mpsc::Receiver<Queued>,
    waiting: &mut Vec<Queued>,
) -> Result<Option<Vec<Outcome>>> {
    let mut tx = store.begin().await?;
    // Those that came while the writer was busy.
    while waiting.len() < TOGETHER
        && let Ok(queued) = queue.try_recv()
    {
        waiting.push(queued);
    }
    let mut outcomes = Vec::with_capacity(waiting.len());
    for queued in waiting.iter() {
        let outcome = queued.journal.save_in(&mut tx, &queued.held, &queued.save).await;
        // Who was fenced, or gave way to a wish, wrote nothing.
        if !matches!(outcome, Ok(_) | Err(JournalError::Fenced | JournalError::Wished)) {
            return Ok(None);
        }
        outcomes.push(outcome);
    }
    tx.commit().await?;
    Ok(Some(outcomes))
}

async fn each_alone(waiting: &[Queued]) -> Vec<Outcome> {
    let mut outcomes = Vec::with_capacity(waiting.len());
    for queued in waiting {
        outcomes.push(alone(&queued.journal, &queued.held, &queued.save).await);
    }
    outcomes
}
