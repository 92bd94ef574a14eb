//! Fakes of what lives outside, and the fault suite that every workflow passes. Feature `testing`; never part of a release.
//!
//! | fake | of |
//! |---|---|
//! | [`FakeKafka`] | a cluster ([`crate::ports::KafkaAdmin`]): answers as Kafka does, records every call, can be told to fail at any of them |
//! | [`FakeClusters`] | the registered clusters ([`crate::ports::Clusters`]) |
//! | [`MemoryJournal`] | the database, as workflows see it ([`crate::workflow::Journal`]): fenced, JSON, can "crash" around any save |
//! | [`FixedClock`], [`SequentialIds`] | time of day and fresh ids |
//!
//! A test with a cluster of its own:
//!
//! ```
//! use orbit_core::{ports::{KafkaAdmin, KafkaErrorKind::Passing, TopicRef}, testing::{Fault, FakeKafka, Method, paused}};
//!
//! paused(async {
//!     let kafka = FakeKafka::new().with_brokers(3);
//!     let id = kafka.put("dev.payments.orders", 6, &[("retention.ms", "1000")]);
//!     kafka.fault_once(Method::TopicsDelete, Fault::FailAfter(Passing)); // it deletes, and the answer is an error
//!
//!     let topic = TopicRef { name: "dev.payments.orders".parse().unwrap(), id };
//!     let answer = kafka.topics_delete(&[topic]).await.unwrap().remove(0);
//!
//!     assert_eq!(answer.unwrap_err().kind, Passing);
//!     assert!(kafka.snapshot().is_empty());
//!     assert_eq!(kafka.calls_of(Method::TopicsDelete), 1);
//! });
//! ```
//!
//! A workflow, driven to its end with paused time:
//!
//! ```
//! use orbit_core::{model::topic::TopicSpec, testing::{Fault, Method, World, paused}, workflow::OperationState};
//!
//! paused(async {
//!     let world = World::new();
//!     world.kafka.fault_once(Method::TopicsCreate, Fault::LoseReply); // it creates, and the answer never comes
//!     world.accept_create("dev.payments.orders", TopicSpec::default());
//!
//!     assert_eq!(world.drive().await, OperationState::Succeeded);
//!     assert_eq!(world.kafka.made("dev.payments.orders"), 1);
//! });
//! ```

mod clock;
mod cluster;
mod drive;
mod journal;
mod kafka;
pub mod scenario;
mod script;
pub mod suite;

pub use clock::{FixedClock, SequentialIds};
pub use cluster::FakeTopic;
pub use drive::{STEP_DEADLINE, Seen, TURNS, World, drive, paused};
pub use journal::{Crash, MemoryJournal, SaveRecord, TopicRecord};
pub use kafka::{FakeClusters, FakeKafka};
pub use script::{At, Call, Fault, Method};
