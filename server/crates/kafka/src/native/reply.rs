//! Answers, copied out of an event into plain Rust values. No pointer into an event leaves this file.
//!
//! Functions that return an enum of librdkafka's are declared here once more as returning an integer: a broker newer than this build may send a
//! code that the bindings' enum does not have, and an enum with such a value is undefined behaviour.

use super::{
    Code, Refusal,
    owned::Event,
    values::{ClusterNodes, ConfigEntry, Named, Right, TopicPartitions},
};
use rdkafka::bindings as rd;
use std::ffi::{CStr, c_char, c_int};

unsafe extern "C" {
    fn rd_kafka_event_error(event: *mut rd::rd_kafka_event_t) -> c_int;
    fn rd_kafka_topic_result_error(topic: *const rd::rd_kafka_topic_result_t) -> c_int;
    fn rd_kafka_ConfigResource_error(resource: *const rd::rd_kafka_ConfigResource_t) -> c_int;
    fn rd_kafka_error_code(error: *const rd::rd_kafka_error_t) -> c_int;
    fn rd_kafka_ConfigEntry_source(entry: *const rd::rd_kafka_ConfigEntry_t) -> c_int;
    fn rd_kafka_DescribeCluster_result_authorized_operations(
        result: *const rd::rd_kafka_DescribeCluster_result_t,
        count: *mut usize,
    ) -> *const c_int;
}

/// Copies a C text; NULL is empty.
///
/// # Safety
/// `at` is NULL or a text that ends with a zero byte and lives during the call.
pub(super) unsafe fn text(at: *const c_char) -> String {
    if at.is_null() {
        return String::new();
    }
    // SAFETY: not NULL, and otherwise as promised.
    unsafe { CStr::from_ptr(at) }.to_string_lossy().into_owned()
}

/// The refusal in an error object, `None` where there is none.
///
/// # Safety
/// `error` is NULL or live during the call.
pub(super) unsafe fn error_refusal(error: *const rd::rd_kafka_error_t) -> Option<Refusal> {
    // SAFETY: librdkafka takes NULL for "no error"; else the error is live, as promised.
    let (code, message) = unsafe { (rd_kafka_error_code(error), text(rd::rd_kafka_error_string(error))) };
    outcome(code, message).err()
}

fn outcome(code: Code, text: String) -> Result<(), Refusal> {
    if code == 0 { Ok(()) } else { Err(Refusal { code, text }) }
}

/// Reads each element of a list that hangs on `parent`; elements that are NULL (a topic that the answer left out) are skipped.
///
/// # Safety
/// `parent` is NULL or live during the call; `get` answers a list of `parent` that lives as long; `read` needs no more than a live element.
unsafe fn each<P, E, T>(
    parent: *const P,
    get: unsafe extern "C" fn(*const P, *mut usize) -> *mut *const E,
    read: unsafe fn(*const E) -> T,
) -> Vec<T> {
    if parent.is_null() {
        return Vec::new();
    }
    let mut count = 0;
    // SAFETY: `parent` is live, as promised, and `count` is a place to write to.
    let list = unsafe { get(parent, &raw mut count) };
    if list.is_null() {
        return Vec::new();
    }
    // SAFETY: the list is as long as `get` said, and its elements live as long as `parent`.
    unsafe { std::slice::from_raw_parts(list, count).iter().filter(|e| !e.is_null()).map(|e| read(*e)).collect() }
}

impl Event {
    fn ptr(&self) -> *mut rd::rd_kafka_event_t {
        self.0.ptr()
    }
    fn kind(&self) -> c_int {
        // SAFETY: a live event.
        unsafe { rd::rd_kafka_event_type(self.ptr()) }
    }
    /// The number given with the request.
    pub(super) fn number(&self) -> usize {
        // SAFETY: a live event; the opaque is a number and is not followed.
        unsafe { rd::rd_kafka_event_opaque(self.ptr()) }.addr()
    }
    /// The refusal of the whole call.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        // SAFETY: a live event, whose message lives as long.
        let (code, message) =
            unsafe { (rd_kafka_event_error(self.ptr()), text(rd::rd_kafka_event_error_string(self.ptr()))) };
        outcome(code, message).err()
    }
    /// Where it tells of a connection that could not be made or was lost: how.
    pub(super) fn connection_error(&self) -> Option<Refusal> {
        if self.kind() == rd::RD_KAFKA_EVENT_ERROR { self.refusal() } else { None }
    }
    /// Where it is a line of librdkafka's log: level (syslog's), facility, line.
    pub(super) fn log_line(&self) -> Option<(c_int, String, String)> {
        if self.kind() != rd::RD_KAFKA_EVENT_LOG {
            return None;
        }
        let (mut facility, mut line, mut level) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: a live event and three places to write to; the texts live as long as the event and are copied.
        unsafe {
            (rd::rd_kafka_event_log(self.ptr(), &raw mut facility, &raw mut line, &raw mut level) == 0)
                .then(|| (level, text(facility), text(line)))
        }
    }
}

pub(super) fn created(event: &Event) -> Vec<Named<()>> {
    // SAFETY: a live event; it gives its own result, or NULL where it is of another kind; `topic_result` needs a live element.
    unsafe {
        let result = rd::rd_kafka_event_CreateTopics_result(event.ptr());
        each(result, rd::rd_kafka_CreateTopics_result_topics, topic_result)
    }
}

pub(super) fn deleted(event: &Event) -> Vec<Named<()>> {
    // SAFETY: as in `created`.
    unsafe {
        let result = rd::rd_kafka_event_DeleteTopics_result(event.ptr());
        each(result, rd::rd_kafka_DeleteTopics_result_topics, topic_result)
    }
}

pub(super) fn grown(event: &Event) -> Vec<Named<()>> {
    // SAFETY: as in `created`.
    unsafe {
        let result = rd::rd_kafka_event_CreatePartitions_result(event.ptr());
        each(result, rd::rd_kafka_CreatePartitions_result_topics, topic_result)
    }
}

pub(super) fn altered(event: &Event) -> Vec<Named<()>> {
    // SAFETY: as in `created`.
    unsafe {
        let result = rd::rd_kafka_event_IncrementalAlterConfigs_result(event.ptr());
        each(result, rd::rd_kafka_IncrementalAlterConfigs_result_resources, resource_result)
    }
}

pub(super) fn configs(event: &Event) -> Vec<Named<Vec<ConfigEntry>>> {
    // SAFETY: as in `created`.
    unsafe {
        let result = rd::rd_kafka_event_DescribeConfigs_result(event.ptr());
        each(result, rd::rd_kafka_DescribeConfigs_result_resources, resource_configs)
    }
}

pub(super) fn topics(event: &Event) -> Vec<Named<TopicPartitions>> {
    // SAFETY: as in `created`.
    unsafe {
        let result = rd::rd_kafka_event_DescribeTopics_result(event.ptr());
        each(result, rd::rd_kafka_DescribeTopics_result_topics, topic_description)
    }
}

pub(super) fn offsets(event: &Event) -> Vec<Named<i64>> {
    // SAFETY: as in `created`.
    unsafe {
        let result = rd::rd_kafka_event_ListOffsets_result(event.ptr());
        each(result, rd::rd_kafka_ListOffsets_result_infos, end_offset)
    }
}

pub(super) fn cluster(event: &Event) -> ClusterNodes {
    // SAFETY: as in `created`; librdkafka's getters of a result do not take NULL, so that is looked at first.
    unsafe {
        let result = rd::rd_kafka_event_DescribeCluster_result(event.ptr());
        if result.is_null() {
            return ClusterNodes { id: None, brokers: Vec::new(), rights: None };
        }
        let id = rd::rd_kafka_DescribeCluster_result_cluster_id(result);
        let mut count = 0;
        let rights = rd_kafka_DescribeCluster_result_authorized_operations(result, &raw mut count);
        ClusterNodes {
            id: (!id.is_null()).then(|| text(id)),
            brokers: each(result, rd::rd_kafka_DescribeCluster_result_nodes, |node| rd::rd_kafka_Node_id(node)),
            rights: (!rights.is_null()).then(|| {
                // The list is as long as it says; where it is empty, the pointer is only a mark that the cluster told.
                (0..count).filter_map(|at| Right::from_number(rights.add(at).read())).collect()
            }),
        }
    }
}

/// # Safety
/// `topic` is live.
unsafe fn topic_result(topic: *const rd::rd_kafka_topic_result_t) -> Named<()> {
    // SAFETY: live, as promised; the texts live as long and are copied.
    unsafe {
        let message = text(rd::rd_kafka_topic_result_error_string(topic));
        Named {
            name: text(rd::rd_kafka_topic_result_name(topic)),
            outcome: outcome(rd_kafka_topic_result_error(topic), message),
        }
    }
}

/// # Safety
/// `resource` is live.
unsafe fn resource_result(resource: *const rd::rd_kafka_ConfigResource_t) -> Named<()> {
    // SAFETY: live, as promised; the texts live as long and are copied.
    unsafe {
        let message = text(rd::rd_kafka_ConfigResource_error_string(resource));
        Named {
            name: text(rd::rd_kafka_ConfigResource_name(resource)),
            outcome: outcome(rd_kafka_ConfigResource_error(resource), message),
        }
    }
}

/// # Safety
/// `resource` is live.
unsafe fn resource_configs(resource: *const rd::rd_kafka_ConfigResource_t) -> Named<Vec<ConfigEntry>> {
    // SAFETY: live, as promised, and its entries as long.
    unsafe {
        let Named { name, outcome } = resource_result(resource);
        Named { name, outcome: outcome.map(|()| each(resource, rd::rd_kafka_ConfigResource_configs, config_entry)) }
    }
}

const DYNAMIC_TOPIC_CONFIG: c_int = 1;

/// # Safety
/// `entry` is live.
unsafe fn config_entry(entry: *const rd::rd_kafka_ConfigEntry_t) -> ConfigEntry {
    // SAFETY: live, as promised, and its synonyms as long.
    unsafe {
        let (own, value) = config_value(entry);
        let inherited = if own {
            let synonyms = each(entry, rd::rd_kafka_ConfigEntry_synonyms, config_value);
            synonyms.into_iter().find(|(own, _)| !own).and_then(|(_, value)| value)
        } else {
            value.clone()
        };
        ConfigEntry { name: text(rd::rd_kafka_ConfigEntry_name(entry)), value, own, inherited }
    }
}

/// Whether it is the topic's own, and the value.
///
/// # Safety
/// `entry` is live.
unsafe fn config_value(entry: *const rd::rd_kafka_ConfigEntry_t) -> (bool, Option<String>) {
    // SAFETY: live, as promised; the text lives as long and is copied.
    unsafe {
        let value = rd::rd_kafka_ConfigEntry_value(entry);
        (rd_kafka_ConfigEntry_source(entry) == DYNAMIC_TOPIC_CONFIG, (!value.is_null()).then(|| text(value)))
    }
}

/// # Safety
/// `topic` is live.
unsafe fn topic_description(topic: *const rd::rd_kafka_TopicDescription_t) -> Named<TopicPartitions> {
    // SAFETY: live, as promised; name, error, id and partitions live as long and are copied.
    unsafe {
        let name = text(rd::rd_kafka_TopicDescription_name(topic));
        if let Some(refusal) = error_refusal(rd::rd_kafka_TopicDescription_error(topic)) {
            return Named { name, outcome: Err(refusal) };
        }
        let id = rd::rd_kafka_TopicDescription_topic_id(topic);
        let high = rd::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
        let low = rd::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
        let partitions = each(topic, rd::rd_kafka_TopicDescription_partitions, partition_replicas);
        let first = partitions.iter().find(|(partition, _)| *partition == 0).map_or(0, |(_, replicas)| *replicas);
        let description = TopicPartitions {
            id: u128::from(high) << 64 | u128::from(low),
            partitions: u32::try_from(partitions.len()).unwrap_or(u32::MAX),
            replication_factor: u16::try_from(first).unwrap_or(u16::MAX),
        };
        Named { name, outcome: Ok(description) }
    }
}

/// A partition's number and how many replicas it has.
///
/// # Safety
/// `partition` is live.
unsafe fn partition_replicas(partition: *const rd::rd_kafka_TopicPartitionInfo_t) -> (c_int, usize) {
    let mut count = 0;
    // SAFETY: live, as promised, and `count` is a place to write to; only the length of the list is used.
    let number = unsafe {
        rd::rd_kafka_TopicPartitionInfo_replicas(partition, &raw mut count);
        rd::rd_kafka_TopicPartitionInfo_partition(partition)
    };
    (number, count)
}

/// # Safety
/// `info` is live.
unsafe fn end_offset(info: *const rd::rd_kafka_ListOffsetsResultInfo_t) -> Named<i64> {
    // SAFETY: live, as promised, and its partition as long; the code is read as the integer that C holds there.
    unsafe {
        let partition = rd::rd_kafka_ListOffsetsResultInfo_topic_partition(info);
        let code = (&raw const (*partition).err).cast::<c_int>().read();
        let name = format!("{}[{}]", text((*partition).topic), (*partition).partition);
        Named { name, outcome: outcome(code, String::new()).map(|()| (*partition).offset) }
    }
}
