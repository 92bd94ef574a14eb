//! Whole operations: `turn` on the journal of the database and a cluster in memory, with crashes around every save.

use crate::support::{MINUTE, Place, SECOND, TestStore, Then, fresh, on_both, physical, room, spec};
use orbit_core::{
    change::TopicChange,
    id::ReplicaId,
    model::topic::TopicStatus,
    ports::Ports,
    testing::{FakeClusters, FakeKafka},
    workflow::{Held, Journal, JournalError, OperationState, Save, Saved, Turn, turn},
};
use orbit_store::LeasedJournal;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// When the process dies.
#[derive(Debug, Clone, Copy)]
enum Crash {
    BeforeSave,
    AfterSave,
}

/// A journal whose process dies around one of its saves.
struct Mortal {
    journal: LeasedJournal,
    saves_left: AtomicUsize,
    crash: Crash,
}

impl Journal for Mortal {
    async fn save(&self, held: &Held, save: Save) -> Result<Saved, JournalError> {
        let dies = self.saves_left.fetch_sub(1, Ordering::Relaxed) == 1;
        if dies && matches!(self.crash, Crash::BeforeSave) {
            return Err(JournalError::Store("dead".to_owned()));
        }
        let saved = self.journal.save(held, save).await?;
        if dies {
            return Err(JournalError::Store("dead".to_owned()));
        }
        Ok(saved)
    }
}

fn ports(db: &TestStore, place: &Place, kafka: &FakeKafka) -> Ports {
    Ports { clusters: Arc::new(FakeClusters::of(place.cluster, kafka.clone())), clock: db.clock.clone() }
}

/// Turns until nothing is left to do, or the process dies.
async fn drive(journal: &impl Journal, ports: &Ports, mut held: Held) -> Option<OperationState> {
    for _ in 0..20 {
        match turn(journal, ports, &mut held, 10 * SECOND).await {
            Ok(Turn::Finished | Turn::Paused) => return Some(held.saga.state),
            Ok(Turn::Again | Turn::Later(_)) => {}
            Err(_) => return None,
        }
    }
    panic!("the operation does not end: {:?}", held.saga)
}

async fn status(db: &TestStore, change: &TopicChange) -> Option<TopicStatus> {
    db.topic(change).await.map(|t| t.status)
}

async fn a_topic_lives_and_goes(db: TestStore) {
    let place = db.place().await;
    let kafka = FakeKafka::new().with_brokers(3);
    let (ports, journal) = (ports(&db, &place, &kafka), db.journal(&place));
    let create = place.create("orders", 3);
    let (_, held) = db.operate(&place, &create).await;
    assert_eq!(drive(&journal, &ports, held).await, Some(OperationState::Succeeded));
    assert_eq!(status(&db, &create).await, Some(TopicStatus::Active));

    let (_, held) = db.operate(&place, &create.update(spec(6))).await;
    assert_eq!(drive(&journal, &ports, held).await, Some(OperationState::Succeeded));
    assert_eq!(db.topic(&create).await.unwrap().desired, spec(6));
    let on_cluster = kafka.snapshot();
    assert_eq!(on_cluster[&physical("dev.payments.orders")].partitions, 6);

    let (_, held) = db.operate(&place, &create.delete()).await;
    assert_eq!(drive(&journal, &ports, held).await, Some(OperationState::Succeeded));
    assert_eq!(status(&db, &create).await, None);
    assert!(kafka.snapshot().is_empty());
    let trail = db.read().await.unwrap().audit_of(create.id.uuid(), 10).await.unwrap();
    assert_eq!(trail.len(), 3);
}

/// One replica dies around its `nth` save, another takes over when the lease is out. False where it ended before it could die.
async fn survives(db: &TestStore, place: &Place, nth: usize, crash: Crash) -> bool {
    let kafka = FakeKafka::new().with_brokers(3);
    let ports = ports(db, place, &kafka);
    let name = format!("t-{nth}-{crash:?}");
    let create = place.create(&name, 3);
    let (_, held) = db.operate(place, &create).await;
    let mortal = Mortal { journal: db.journal(place), saves_left: AtomicUsize::new(nth), crash };
    let ended = drive(&mortal, &ports, held.clone()).await;
    let next = Place { replica: ReplicaId::from_uuid(fresh()), ..place.clone() };
    db.pass(2 * MINUTE).await;
    let claimed = db.write(async |tx| tx.operation_claim(next.replica, MINUTE, room(10)).await);
    for claimed in claimed.await.unwrap() {
        assert_eq!(claimed.held.id, held.id);
        let state = drive(&db.journal(&next), &ports, claimed.held).await;
        assert_eq!(state, Some(OperationState::Succeeded), "{name}");
    }
    assert_eq!(status(db, &create).await, Some(TopicStatus::Active), "{name}");
    assert_eq!(kafka.made(&format!("dev.payments.{name}")), 1, "{name} was made once");
    let trail = db.read().await.unwrap().audit_of(create.id.uuid(), 10).await.unwrap();
    assert_eq!(trail.len(), 1, "{name}: its end is told once");
    ended.is_none()
}

async fn a_crash_around_any_save_heals(db: TestStore) {
    let place = db.place().await;
    for crash in [Crash::BeforeSave, Crash::AfterSave] {
        let mut died = 0;
        while survives(&db, &place, died + 1, crash).await {
            died += 1;
            assert!(died < 20, "the operation saves without end");
        }
        assert!(died >= 2, "{crash:?}: only {died} saves");
    }
}

on_both!(a_topic_lives_and_goes, a_crash_around_any_save_heals);
