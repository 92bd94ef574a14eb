//! One request of a kind is under way to a cluster at a time; what comes meanwhile is gathered and goes together in the next. So nothing waits when
//! nothing is under way, and a thousand creations that come together are a few requests: the controller makes a batch of topics nearly as fast as one.

use crate::bulk;
use futures::future::join_all;
use orbit_core::ports::{Bulk, CHANGE_ENDS_WITHIN, Item, KafkaError, KafkaErrorKind};
use std::{
    collections::{HashSet, VecDeque},
    sync::OnceLock,
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

/// As many may wait for a lane; who comes then waits to be let in.
const QUEUE: usize = 4_096;
/// Who waited so long is told that nothing was sent: the rest of the time would not do for the request.
const HELD_WITHIN: Duration = CHANGE_ENDS_WITHIN.checked_div(2).expect("two is not zero");

/// A kind of request that takes many items.
pub(crate) trait Batch: Clone + Send + Sync + 'static {
    /// What is asked.
    type Item: Send + 'static;
    /// What is answered to each.
    type Answer: Send + 'static;

    /// Two items of one key never go in one request. No key: any two may.
    fn key(item: &Self::Item) -> Option<String>;
    /// One request. It ends by `until`.
    fn send(&self, items: Vec<Self::Item>, until: Instant) -> impl Future<Output = Bulk<Self::Answer>> + Send;
}

struct Waiting<B: Batch> {
    item: B::Item,
    since: Instant,
    /// The outer error: not sent.
    answer: oneshot::Sender<Result<Item<B::Answer>, KafkaError>>,
}

/// The queue before one kind of request. It works from the first item on, until it is dropped.
pub(crate) struct Lane<B: Batch> {
    batch: B,
    queue: OnceLock<mpsc::Sender<Waiting<B>>>,
}

impl<B: Batch> Lane<B> {
    pub(crate) fn new(batch: B) -> Self {
        Self { batch, queue: OnceLock::new() }
    }

    /// Asks, together with whatever else waits. Who stops to wait before the request is sent takes the item back.
    pub(crate) async fn ask(&self, items: Vec<B::Item>) -> Bulk<B::Answer> {
        let queue = self.queue.get_or_init(|| {
            let (queue, waiting) = mpsc::channel(QUEUE);
            tokio::spawn(work(self.batch.clone(), waiting));
            queue
        });
        let mut answers = Vec::with_capacity(items.len());
        for item in items {
            let (answer, told) = oneshot::channel();
            // An item that is not taken drops its sender, which is told below.
            let _ = queue.send(Waiting { item, since: Instant::now(), answer }).await;
            answers.push(told);
        }
        let told = join_all(answers).await.into_iter().map(|told| told.unwrap_or_else(|_| Ok(Err(lost()))));
        let told: Vec<Result<Item<B::Answer>, KafkaError>> = told.collect();
        if let Some(Err(error)) = told.first()
            && told.iter().all(Result::is_err)
        {
            return Err(error.clone());
        }
        Ok(told.into_iter().map(|told| told.unwrap_or_else(Err)).collect())
    }
}

fn lost() -> KafkaError {
    let user = "Orbit's request to the Kafka cluster ended without an answer.".to_owned();
    KafkaError {
        kind: KafkaErrorKind::Passing,
        user,
        operator: "the lane ended while a request was under way".to_owned(),
    }
}

fn busy() -> KafkaError {
    let user = "Orbit has more to ask of this Kafka cluster than may be asked at once: its turn comes.".to_owned();
    KafkaError { kind: KafkaErrorKind::Busy, user, operator: "held back in the lane".to_owned() }
}

async fn work<B: Batch>(batch: B, mut queue: mpsc::Receiver<Waiting<B>>) {
    let mut held: VecDeque<Waiting<B>> = VecDeque::new();
    loop {
        if held.is_empty() {
            let Some(first) = queue.recv().await else { return };
            held.push_back(first);
        }
        gather(&mut queue, &mut held);
        let taken = take(&mut held, Instant::now());
        let Some(oldest) = taken.iter().map(|waiting| waiting.since).min() else { continue };
        let (items, answers): (Vec<_>, Vec<_>) =
            taken.into_iter().map(|waiting| (waiting.item, waiting.answer)).unzip();
        let sender = batch.clone();
        let count = items.len();
        // In a task of its own, so that a panic costs this request and not the lane.
        let sent = tokio::spawn(async move { sender.send(items, oldest + CHANGE_ENDS_WITHIN).await });
        let outcome = sent.await.unwrap_or_else(|_| Ok((0..count).map(|_| Err(lost())).collect()));
        gather(&mut queue, &mut held);
        tell(outcome, answers, &mut held);
    }
}

fn gather<B: Batch>(queue: &mut mpsc::Receiver<Waiting<B>>, held: &mut VecDeque<Waiting<B>>) {
    while held.len() < QUEUE
        && let Ok(next) = queue.try_recv()
    {
        held.push_back(next);
    }
}

/// What goes in the next request: those that waited longest, none of a key twice. Who stopped to wait is dropped, who waited too long is told.
fn take<B: Batch>(held: &mut VecDeque<Waiting<B>>, now: Instant) -> Vec<Waiting<B>> {
    let (mut taken, mut keys) = (Vec::new(), HashSet::new());
    for waiting in std::mem::take(held) {
        if waiting.answer.is_closed() {
            continue;
        }
        if now.duration_since(waiting.since) > HELD_WITHIN {
            let _ = waiting.answer.send(Err(busy()));
        } else if taken.len() < bulk::WRITE && B::key(&waiting.item).is_none_or(|key| keys.insert(key)) {
            taken.push(waiting);
        } else {
            held.push_back(waiting);
        }
    }
    taken
}

/// Who went away meanwhile is told in vain.
fn tell<B: Batch>(
    outcome: Bulk<B::Answer>,
    answers: Vec<oneshot::Sender<Result<Item<B::Answer>, KafkaError>>>,
    held: &mut VecDeque<Waiting<B>>,
) {
    match outcome {
        Ok(outcomes) => {
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                let _ = answer.send(Ok(outcome));
            }
        }
        Err(error) => {
            // Those who wait behind would meet the same, one long wait after the other.
            let away = matches!(error.kind, KafkaErrorKind::Unreachable | KafkaErrorKind::Authentication);
            let behind = if away { std::mem::take(held) } else { VecDeque::new() };
            for answer in answers.into_iter().chain(behind.into_iter().map(|waiting| waiting.answer)) {
                let _ = answer.send(Err(error.clone()));
            }
        }
    }
}

#[cfg(test)]
#[path = "lane_tests.rs"]
mod tests;
