use super::*;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

/// Answers each item with itself, once it is let.
#[derive(Clone)]
struct Echo {
    sent: Arc<Mutex<Vec<Vec<u32>>>>,
    let_through: Arc<Semaphore>,
}

impl Batch for Echo {
    type Item = u32;
    type Answer = u32;
    fn key(item: &u32) -> Option<String> {
        Some(item.to_string())
    }
    async fn send(&self, items: Vec<u32>, _: Instant) -> Bulk<u32> {
        self.sent.lock().unwrap().push(items.clone());
        self.let_through.acquire().await.unwrap().forget();
        match items.first() {
            Some(&UNREACHABLE) => Err(KafkaError { kind: KafkaErrorKind::Unreachable, ..lost() }),
            Some(&PANICS) => panic!("a bug"),
            _ => Ok(items.into_iter().map(|item| if item == BAD { Err(lost()) } else { Ok(item) }).collect()),
        }
    }
}

const UNREACHABLE: u32 = 1_000_000;
const PANICS: u32 = 1_000_001;
const BAD: u32 = 13;

fn lane() -> (Arc<Lane<Echo>>, Echo) {
    let echo = Echo { sent: Arc::default(), let_through: Arc::new(Semaphore::new(0)) };
    (Arc::new(Lane::new(echo.clone())), echo)
}

type Asked = tokio::task::JoinHandle<Bulk<u32>>;

fn ask(lane: &Arc<Lane<Echo>>, item: u32) -> Asked {
    let lane = lane.clone();
    tokio::spawn(async move { lane.ask(vec![item]).await })
}

/// The first is under way, and the others wait behind it.
async fn behind_one(lane: &Arc<Lane<Echo>>, echo: &Echo, first: u32, others: &[u32]) -> (Asked, Vec<Asked>) {
    let first = ask(lane, first);
    while echo.sent.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    let others = others.iter().map(|item| ask(lane, *item)).collect();
    // As often as it takes a task to come to its wait; what it does is not seen from here.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    (first, others)
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_one_is_under_way_goes_together_and_a_bad_one_fails_alone() {
    let (lane, echo) = lane();
    let (first, others) = behind_one(&lane, &echo, 1, &[2, BAD, 3]).await;
    echo.let_through.add_permits(2);

    assert_eq!(first.await.unwrap(), Ok(vec![Ok(1)]));
    let told: Vec<_> = join_all(others).await.into_iter().map(|told| told.unwrap().unwrap().remove(0)).collect();
    assert_eq!(told, [Ok(2), Err(lost()), Ok(3)]);
    assert_eq!(*echo.sent.lock().unwrap(), [vec![1], vec![2, BAD, 3]]);
}

#[tokio::test(start_paused = true)]
async fn one_key_goes_once_in_a_request_and_in_its_order() {
    let (lane, echo) = lane();
    let (_first, others) = behind_one(&lane, &echo, 1, &[2, 2, 3]).await;
    echo.let_through.add_permits(3);
    join_all(others).await;
    assert_eq!(*echo.sent.lock().unwrap(), [vec![1], vec![2, 3], vec![2]]);
}

#[tokio::test(start_paused = true)]
async fn no_request_is_larger_than_a_batch() {
    let (lane, echo) = lane();
    echo.let_through.add_permits(10);
    let told = lane.ask((0..600).filter(|item| *item != BAD).collect()).await.unwrap();
    assert_eq!(told.len(), 599);
    assert!(echo.sent.lock().unwrap().iter().all(|request| request.len() <= bulk::WRITE));
    assert!(echo.sent.lock().unwrap().len() <= 8);
}

#[tokio::test(start_paused = true)]
async fn who_stops_to_wait_takes_the_item_back() {
    let (lane, echo) = lane();
    let (_first, others) = behind_one(&lane, &echo, 1, &[2, 3]).await;
    others[0].abort();
    echo.let_through.add_permits(2);
    assert_eq!(others.into_iter().nth(1).unwrap().await.unwrap(), Ok(vec![Ok(3)]));
    assert_eq!(*echo.sent.lock().unwrap(), [vec![1], vec![3]]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_too_long_is_told_that_nothing_was_sent() {
    let (lane, echo) = lane();
    let (_first, mut others) = behind_one(&lane, &echo, 1, &[2]).await;
    tokio::time::advance(HELD_WITHIN + Duration::from_millis(1)).await;
    echo.let_through.add_permits(2);
    let told = others.remove(0).await.unwrap();
    assert_eq!(told.unwrap_err().kind, KafkaErrorKind::Busy);
    assert_eq!(*echo.sent.lock().unwrap(), [vec![1]]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_one_that_met_nobody_learns_it_at_once() {
    let (lane, echo) = lane();
    let (first, others) = behind_one(&lane, &echo, UNREACHABLE, &[2, 3]).await;
    echo.let_through.add_permits(1);
    for told in [first].into_iter().chain(others) {
        assert_eq!(told.await.unwrap().unwrap_err().kind, KafkaErrorKind::Unreachable);
    }
    assert_eq!(echo.sent.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_panics_leaves_the_lane_at_work() {
    let (lane, echo) = lane();
    echo.let_through.add_permits(2);
    assert_eq!(lane.ask(vec![PANICS]).await, Ok(vec![Err(lost())]));
    assert_eq!(lane.ask(vec![1]).await, Ok(vec![Ok(1)]));
}
