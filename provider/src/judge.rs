//! Verdicts, asked for together. Terraform plans each resource by itself; whoever asks while others do goes with them, so that thousands of verdicts are
//! some calls, and so that what they come to together, such as a limit of the workspace, is judged too.

use orbit_api::{
    TopicEvaluate, TopicEvaluateItem, TopicEvaluationItem,
    client::{Client, ClientError},
};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::oneshot;
use tracing::Instrument as _;

/// How long the first of a heap waits for others: far less than a call takes.
const GATHER: Duration = Duration::from_millis(3);
/// How many go in one call. The API takes more, but what is judged together waits for the slowest.
const TOGETHER: usize = 200;

type Answer = Result<TopicEvaluationItem, ClientError>;

/// What waits to be judged.
#[derive(Debug, Default)]
pub(crate) struct Judge {
    waiting: Arc<Mutex<Vec<Waiting>>>,
    applies: AtomicBool,
}

type Waiting = (TopicEvaluateItem, oneshot::Sender<Answer>);

impl Judge {
    /// This process applies. Terraform plans each object once more just before, in the process that applies it: what a plan has to say was said by
    /// then, and the change itself is judged the moment it arrives.
    pub(crate) fn applies(&self) {
        self.applies.store(true, Ordering::Relaxed);
    }

    /// Whether this process was seen to apply.
    pub(crate) fn is_over(&self) -> bool {
        self.applies.load(Ordering::Relaxed)
    }

    /// What Orbit would answer to a change.
    pub(crate) async fn judge(&self, client: &Client, item: TopicEvaluateItem) -> Answer {
        let (sender, answer) = oneshot::channel();
        let is_first = {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.push((item, sender));
            waiting.len() == 1
        };
        if is_first {
            let (client, waiting) = (client.clone(), Arc::clone(&self.waiting));
            // Not in this call's own time: whoever stops waiting must not keep the others from being judged.
            let gathers = async move {
                tokio::time::sleep(GATHER).await;
                let heap = std::mem::take(&mut *waiting.lock().unwrap_or_else(PoisonError::into_inner));
                ask(&client, heap).await;
            };
            tokio::spawn(gathers.in_current_span());
        }
        answer.await.unwrap_or_else(|_| Err(unanswered("the call was given up")))
    }
}

async fn ask(client: &Client, heap: Vec<(TopicEvaluateItem, oneshot::Sender<Answer>)>) {
    let mut heap = heap.into_iter().peekable();
    while heap.peek().is_some() {
        let (items, senders): (Vec<_>, Vec<_>) = heap.by_ref().take(TOGETHER).unzip();
        tracing::debug!(items = items.len(), "judged together");
        match client.topic_evaluate(&TopicEvaluate { items }).await {
            Ok(evaluation) => {
                let mut answers = evaluation.items.into_iter();
                for sender in senders {
                    let answer = answers.next().ok_or_else(|| unanswered("an item is missing in the answer"));
                    // Whoever asked has gone: nobody to tell.
                    let _gone = sender.send(answer);
                }
            }
            Err(e) => {
                for sender in senders {
                    let _gone = sender.send(Err(e.clone()));
                }
            }
        }
    }
}

fn unanswered(what: &str) -> ClientError {
    ClientError::Unexpected { call: "POST /v1/topics:evaluate".to_owned(), status: 200, what: what.to_owned() }
}
