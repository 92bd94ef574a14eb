//! What a test tells the fake cluster to do wrong, and when.

use crate::{name::PhysicalName, ports::KafkaErrorKind};

/// A call of [`crate::ports::KafkaAdmin`], by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Method {
    /// `cluster_describe`
    ClusterDescribe,
    /// `topics_list`
    TopicsList,
    /// `topics_describe`
    TopicsDescribe,
    /// `topics_create`
    TopicsCreate,
    /// `configs_change`
    ConfigsChange,
    /// `partitions_grow`
    PartitionsGrow,
    /// `topics_delete`
    TopicsDelete,
    /// `topic_has_records`
    TopicHasRecords,
}

/// A call that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Which.
    pub method: Method,
    /// The topics it was about, in the order asked.
    pub topics: Vec<PhysicalName>,
}

/// What goes wrong with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The cluster refuses; nothing was done.
    FailBefore(KafkaErrorKind),
    /// The cluster did it, and answers an error all the same.
    FailAfter(KafkaErrorKind),
    /// The cluster did it, and the answer never comes: the step's deadline ends the wait.
    LoseReply,
    /// Nothing was done, and no answer comes.
    Hang,
}

/// Which call is meant. Says itself by number (`3.into()`, counted from 0 over all calls) or by method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The call of this number, counted from 0 over every call since the fake was made or [`crate::testing::FakeKafka::forget_calls`].
    Call(usize),
    /// A call of this method.
    Method(Method),
    /// The call of this method that has this number among them, counted from 0.
    Nth(Method, usize),
    /// Any call.
    Any,
}
impl At {
    /// Whether the last of `calls` is meant.
    fn fits(self, calls: &[Call]) -> bool {
        let Some((last, before)) = calls.split_last() else {
            return false;
        };
        match self {
            Self::Call(n) => n == before.len(),
            Self::Method(m) => m == last.method,
            Self::Nth(m, n) => m == last.method && before.iter().filter(|c| c.method == m).count() == n,
            Self::Any => true,
        }
    }
}
impl From<usize> for At {
    fn from(number: usize) -> Self {
        Self::Call(number)
    }
}
impl From<Method> for At {
    fn from(method: Method) -> Self {
        Self::Method(method)
    }
}

/// Something that happens past Orbit when a call arrives.
pub(super) type Event = Box<dyn FnOnce(&super::FakeKafka) + Send>;

/// The faults and events still to come.
#[derive(Default)]
pub(super) struct Script {
    faults: Vec<(At, Fault, Lasts)>,
    events: Vec<(At, Event)>,
    met: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lasts {
    Once,
    Always,
}

impl Script {
    pub(super) fn fault(&mut self, at: At, fault: Fault, lasts: Lasts) {
        self.faults.push((at, fault, lasts));
    }
    pub(super) fn event(&mut self, at: At, event: Event) {
        self.events.push((at, event));
    }
    /// Faults that a call has met so far.
    pub(super) fn met(&self) -> usize {
        self.met
    }
    pub(super) fn clear(&mut self) {
        self.faults.clear();
        self.events.clear();
    }
    /// What the last of `calls` meets: every event that waits for it, and the first fault that does.
    pub(super) fn meet(&mut self, calls: &[Call]) -> (Vec<Event>, Option<Fault>) {
        let events = self.events.extract_if(.., |(at, _)| at.fits(calls));
        let events = events.map(|(_, event)| event).collect();
        let found = self.faults.iter().position(|(at, ..)| at.fits(calls));
        let fault = found.map(|place| match self.faults[place] {
            (_, fault, Lasts::Once) => {
                self.faults.remove(place);
                fault
            }
            (_, fault, Lasts::Always) => fault,
        });
        self.met += usize::from(fault.is_some());
        (events, fault)
    }
}
