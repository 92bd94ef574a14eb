//! C objects with one owner each, which destroys them.

use super::{Refusal, c_text, reply::text};
use crate::health::Health;
use rdkafka::{
    bindings as rd,
    client::Client,
    types::{RDKafkaErrorCode as C, RDKafkaResourceType},
};
use std::{
    collections::BTreeMap,
    ffi::{c_char, c_int, c_void},
    ptr::NonNull,
};

/// The owner of one C object.
pub(super) struct Owned<T> {
    object: NonNull<T>,
    destroy: unsafe extern "C" fn(*mut T),
}

// SAFETY: librdkafka's objects are plain memory, tied to no thread; its queues lock themselves (`INTRODUCTION.md`: "completely thread-safe").
unsafe impl<T> Send for Owned<T> {}

impl<T> Owned<T> {
    /// Takes what a constructor returned; `None` where it returned NULL.
    ///
    /// # Safety
    /// `object` is NULL, or live, owned by nobody else, and of the kind that `destroy` ends.
    unsafe fn take(object: *mut T, destroy: unsafe extern "C" fn(*mut T)) -> Option<Self> {
        NonNull::new(object).map(|object| Self { object, destroy })
    }
    pub(super) fn ptr(&self) -> *mut T {
        self.object.as_ptr()
    }
}
impl<T> Drop for Owned<T> {
    fn drop(&mut self) {
        // SAFETY: `take` was promised a live object that only this owns, so it is destroyed once.
        unsafe { (self.destroy)(self.ptr()) }
    }
}

/// A place for librdkafka's message, in the size its documentation asks for.
struct ErrorText([c_char; 512]);

impl ErrorText {
    fn new() -> Self {
        Self([0; 512])
    }
    fn refusal(&self) -> Refusal {
        // SAFETY: the array starts zeroed and librdkafka ends what it writes with a zero byte.
        Refusal::new(C::InvalidArgument, unsafe { text(self.0.as_ptr()) })
    }
}

fn out_of_memory() -> Refusal {
    Refusal::new(C::CriticalSystemResource, "librdkafka could not make an object")
}

/// The client's main queue.
pub(super) struct Queue(Owned<rd::rd_kafka_queue_t>);

// SAFETY: a queue has its own lock; it may be polled, woken and added to from any thread at once.
unsafe impl Sync for Queue {}

impl Queue {
    pub(super) fn main(client: &Client<Health>) -> Self {
        // SAFETY: the client is live; the reference to its queue that this returns is ours to destroy.
        let queue =
            unsafe { Owned::take(rd::rd_kafka_queue_get_main(client.native_ptr()), rd::rd_kafka_queue_destroy) };
        Self(queue.expect("rd_kafka_queue_get_main allocates or aborts"))
    }
    pub(super) fn ptr(&self) -> *mut rd::rd_kafka_queue_t {
        self.0.ptr()
    }
    /// Sleeps until there is an event or [`Queue::wake`] was called.
    pub(super) fn next(&self) -> Option<Event> {
        // SAFETY: the queue is live as long as `self`; an event that poll returns is ours to destroy.
        unsafe { Owned::take(rd::rd_kafka_queue_poll(self.ptr(), -1), rd::rd_kafka_event_destroy) }.map(Event)
    }
    /// Ends the sleep of [`Queue::next`], or the next one where nobody sleeps.
    pub(super) fn wake(&self) {
        // SAFETY: the queue is live as long as `self`.
        unsafe { rd::rd_kafka_queue_yield(self.ptr()) }
    }
}

/// One event of a queue; [`super::reply`] reads it.
pub(super) struct Event(pub(super) Owned<rd::rd_kafka_event_t>);

/// Options of one request.
pub(super) struct Options(Owned<rd::rd_kafka_AdminOptions_t>);

impl Options {
    /// `number` comes back with the answer; `timeout_ms` bounds the whole request, `operation_ms` what the broker may wait for the cluster.
    pub(super) fn new(
        client: &Client<Health>,
        number: *mut c_void,
        timeout_ms: c_int,
        operation_ms: Option<c_int>,
    ) -> Result<Self, Refusal> {
        // SAFETY: the client is live; the object returned is ours.
        let options = unsafe {
            Owned::take(
                rd::rd_kafka_AdminOptions_new(client.native_ptr(), rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_ANY),
                rd::rd_kafka_AdminOptions_destroy,
            )
        }
        .ok_or_else(out_of_memory)?;
        let mut error = ErrorText::new();
        let (at, len) = (error.0.as_mut_ptr(), error.0.len());
        // SAFETY: live options; the message's place is `len` bytes long; the opaque is a number that librdkafka never follows.
        let codes = unsafe {
            rd::rd_kafka_AdminOptions_set_opaque(options.ptr(), number);
            let operation = operation_ms.map_or(rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR, |ms| {
                rd::rd_kafka_AdminOptions_set_operation_timeout(options.ptr(), ms, at, len)
            });
            [operation, rd::rd_kafka_AdminOptions_set_request_timeout(options.ptr(), timeout_ms, at, len)]
        };
        let fine = codes.iter().all(|code| *code == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR);
        if fine { Ok(Self(options)) } else { Err(error.refusal()) }
    }
    /// The broker only says whether it would do it.
    pub(super) fn validate_only(self) -> Result<Self, Refusal> {
        let mut error = ErrorText::new();
        // SAFETY: live options; the message's place is as long as said.
        let code = unsafe {
            rd::rd_kafka_AdminOptions_set_validate_only(self.0.ptr(), 1, error.0.as_mut_ptr(), error.0.len())
        };
        if code == rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR { Ok(self) } else { Err(error.refusal()) }
    }
    /// The answer also tells what the principal may do.
    pub(super) fn with_rights(self) -> Result<Self, Refusal> {
        // SAFETY: live options; the error returned, if any, is ours.
        let error = unsafe {
            Owned::take(
                rd::rd_kafka_AdminOptions_set_include_authorized_operations(self.0.ptr(), 1),
                rd::rd_kafka_error_destroy,
            )
        };
        match error {
            None => Ok(self),
            Some(error) => Err(error_refusal(&error)),
        }
    }
    pub(super) fn ptr(&self) -> *mut rd::rd_kafka_AdminOptions_t {
        self.0.ptr()
    }
}

fn error_refusal(error: &Owned<rd::rd_kafka_error_t>) -> Refusal {
    // SAFETY: a live error; its message lives as long and is copied.
    unsafe { super::reply::error_refusal(error.ptr()) }
        .unwrap_or_else(|| Refusal::new(C::Fail, "an error without a code"))
}

/// A topic to create.
pub(crate) struct NewTopic(Owned<rd::rd_kafka_NewTopic_t>);

impl NewTopic {
    /// Without a number of partitions or replicas the cluster's default holds (KIP-464).
    pub(crate) fn new(
        name: &str,
        partitions: Option<u32>,
        replication_factor: Option<u16>,
        configs: &BTreeMap<String, String>,
    ) -> Result<Self, Refusal> {
        let name = c_text(name)?;
        let mut error = ErrorText::new();
        // Too many for C is too many for Kafka: librdkafka refuses the largest number with a message.
        let partitions = partitions.map_or(-1, |n| c_int::try_from(n).unwrap_or(c_int::MAX));
        // SAFETY: the name outlives the call, which copies it; the message's place is as long as said; what is returned is ours.
        let topic = unsafe {
            Owned::take(
                rd::rd_kafka_NewTopic_new(
                    name.as_ptr(),
                    partitions,
                    replication_factor.map_or(-1, c_int::from),
                    error.0.as_mut_ptr(),
                    error.0.len(),
                ),
                rd::rd_kafka_NewTopic_destroy,
            )
        }
        .ok_or_else(|| error.refusal())?;
        for (key, value) in configs {
            let (key, value) = (c_text(key)?, c_text(value)?);
            // SAFETY: a live topic, and texts that outlive the call, which copies them.
            let code = unsafe { rd::rd_kafka_NewTopic_set_config(topic.ptr(), key.as_ptr(), value.as_ptr()) };
            if code != rd::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Err(Refusal::new(C::InvalidArgument, "a setting has no name"));
            }
        }
        Ok(Self(topic))
    }
    pub(super) fn array(topics: &[Self]) -> Vec<*mut rd::rd_kafka_NewTopic_t> {
        topics.iter().map(|topic| topic.0.ptr()).collect()
    }
}

/// A topic to delete, by name: librdkafka knows no other way.
pub(crate) struct DeleteTopic(Owned<rd::rd_kafka_DeleteTopic_t>);

impl DeleteTopic {
    pub(crate) fn new(name: &str) -> Result<Self, Refusal> {
        let name = c_text(name)?;
        // SAFETY: the name outlives the call, which copies it; what is returned is ours.
        let topic =
            unsafe { Owned::take(rd::rd_kafka_DeleteTopic_new(name.as_ptr()), rd::rd_kafka_DeleteTopic_destroy) };
        topic.map(Self).ok_or_else(out_of_memory)
    }
    pub(super) fn array(topics: &[Self]) -> Vec<*mut rd::rd_kafka_DeleteTopic_t> {
        topics.iter().map(|topic| topic.0.ptr()).collect()
    }
}

/// A topic to raise to so many partitions in all.
pub(crate) struct NewPartitions(Owned<rd::rd_kafka_NewPartitions_t>);

impl NewPartitions {
    pub(crate) fn new(name: &str, count: u32) -> Result<Self, Refusal> {
        let name = c_text(name)?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let mut error = ErrorText::new();
        // SAFETY: the name outlives the call, which copies it; the message's place is as long as said; what is returned is ours.
        let partitions = unsafe {
            Owned::take(
                rd::rd_kafka_NewPartitions_new(name.as_ptr(), count, error.0.as_mut_ptr(), error.0.len()),
                rd::rd_kafka_NewPartitions_destroy,
            )
        };
        partitions.map(Self).ok_or_else(|| error.refusal())
    }
    pub(super) fn array(partitions: &[Self]) -> Vec<*mut rd::rd_kafka_NewPartitions_t> {
        partitions.iter().map(|one| one.0.ptr()).collect()
    }
}

/// A topic or broker whose settings are asked for or changed.
pub(crate) struct ConfigResource(Owned<rd::rd_kafka_ConfigResource_t>);

impl ConfigResource {
    pub(crate) fn topic(name: &str) -> Result<Self, Refusal> {
        Self::new(RDKafkaResourceType::RD_KAFKA_RESOURCE_TOPIC, name)
    }
    pub(crate) fn broker(id: i32) -> Result<Self, Refusal> {
        Self::new(RDKafkaResourceType::RD_KAFKA_RESOURCE_BROKER, &id.to_string())
    }
    fn new(kind: RDKafkaResourceType, name: &str) -> Result<Self, Refusal> {
        let name = c_text(name)?;
        // SAFETY: the name outlives the call, which copies it; what is returned is ours.
        let resource = unsafe {
            Owned::take(rd::rd_kafka_ConfigResource_new(kind, name.as_ptr()), rd::rd_kafka_ConfigResource_destroy)
        };
        resource.map(Self).ok_or_else(out_of_memory)
    }
    /// Adds one change to make.
    pub(crate) fn change(&self, key: &str, op: super::ConfigOp<'_>) -> Result<(), Refusal> {
        use rd::rd_kafka_AlterConfigOpType_t as Op;
        let key = c_text(key)?;
        let (op, value) = match op {
            super::ConfigOp::Set(value) => (Op::RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, Some(c_text(value)?)),
            super::ConfigOp::Unset => (Op::RD_KAFKA_ALTER_CONFIG_OP_TYPE_DELETE, None),
        };
        let value = value.as_ref().map_or(std::ptr::null(), |value| value.as_ptr());
        // SAFETY: a live resource; texts that outlive the call, which copies them; NULL is the value of a deletion; the error is ours.
        let error = unsafe {
            Owned::take(
                rd::rd_kafka_ConfigResource_add_incremental_config(self.0.ptr(), key.as_ptr(), op, value),
                rd::rd_kafka_error_destroy,
            )
        };
        error.map_or(Ok(()), |error| Err(error_refusal(&error)))
    }
    pub(super) fn array(resources: &[Self]) -> Vec<*mut rd::rd_kafka_ConfigResource_t> {
        resources.iter().map(|resource| resource.0.ptr()).collect()
    }
}

/// Names of topics to describe.
pub(super) struct TopicNames(Owned<rd::rd_kafka_TopicCollection_t>);

impl TopicNames {
    pub(super) fn new(names: &[&str]) -> Result<Self, Refusal> {
        let names = names.iter().map(|name| c_text(name)).collect::<Result<Vec<_>, _>>()?;
        let mut array: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
        // SAFETY: an array of as many texts as said, all outliving the call, which copies them; what is returned is ours.
        let collection = unsafe {
            Owned::take(
                rd::rd_kafka_TopicCollection_of_topic_names(array.as_mut_ptr(), array.len()),
                rd::rd_kafka_TopicCollection_destroy,
            )
        };
        collection.map(Self).ok_or_else(out_of_memory)
    }
    pub(super) fn ptr(&self) -> *mut rd::rd_kafka_TopicCollection_t {
        self.0.ptr()
    }
}
