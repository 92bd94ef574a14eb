//! What can be asked. Each call hands its objects over and returns at once; librdkafka copies what it needs before it returns.

use super::{
    Answer, ConfigResource, DeleteTopic, Native, NewPartitions, NewTopic, Refusal,
    owned::{Event, Options, TopicNames},
    reply,
    values::{ClusterNodes, ConfigEntry, Named, TopicPartitions},
};
use orbit_core::ports::CHANGE_ENDS_WITHIN;
use rdkafka::{Offset, TopicPartitionList, bindings as rd, types::RDKafkaErrorCode as C};
use std::{ffi::c_int, time::Duration};

/// One change of one setting.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ConfigOp<'a> {
    /// Give it this value.
    Set(&'a str),
    /// Return it to the default.
    Unset,
}

/// Whether a change is made or only judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Make it.
    Apply,
    /// Only say whether it would be made.
    ValidateOnly,
}

/// The longest that a request may take that only reads, all in all. Like [`CHANGE_ENDS_WITHIN`] below the shortest deadline of a step, which is 5.4 s
/// (`runner.lease_seconds = 12`): a step that is cut off leaves no request behind that outlives the look of the next.
const READ_TIMEOUT: Duration = Duration::from_secs(4);
/// The longest that the controller may wait for a creation or deletion to be done; below [`CHANGE_ENDS_WITHIN`], so that it is the broker that
/// answers.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(4);

fn millis(duration: Duration) -> c_int {
    c_int::try_from(duration.as_millis()).unwrap_or(c_int::MAX)
}

type Rk = *mut rd::rd_kafka_t;
type Opts = *const rd::rd_kafka_AdminOptions_t;
type Rkqu = *mut rd::rd_kafka_queue_t;

impl Native {
    /// The bound of every request that is asked for here, for callers that wait.
    pub(crate) const REQUEST_TIMEOUT: Duration = CHANGE_ENDS_WITHIN;
    /// The bound of a listing of all topics, which may be long and which no step asks for.
    pub(crate) const LIST_TIMEOUT: Duration = Duration::from_secs(15);

    fn ask<T: Send + 'static>(
        &self,
        timeout: Duration,
        operation: Option<Duration>,
        adjust: impl FnOnce(Options) -> Result<Options, Refusal>,
        read: fn(&Event) -> T,
        send: impl FnOnce(Rk, Opts, Rkqu),
    ) -> Answer<T> {
        let (number, answer) = self.shared.expect(read);
        let client = &self.shared.client;
        let options = Options::new(client, number, millis(timeout), operation.map(millis)).and_then(adjust);
        match options {
            Ok(options) => {
                send(client.native_ptr(), options.ptr(), self.shared.queue.ptr());
                Ok(answer)
            }
            Err(refusal) => {
                // No event will come for this number.
                self.shared.lock().remove(&number.addr());
                Err(refusal)
            }
        }
    }

    /// `CreateTopics`.
    pub(crate) fn topics_create(&self, topics: &[NewTopic], mode: Mode) -> Answer<Vec<Named<()>>> {
        let mut array = NewTopic::array(topics);
        self.ask(CHANGE_ENDS_WITHIN, Some(OPERATION_TIMEOUT), mode.adjust(), reply::created, |rk, options, queue| {
            // SAFETY: live client, options and queue; an array of as many live objects as said.
            unsafe { rd::rd_kafka_CreateTopics(rk, array.as_mut_ptr(), array.len(), options, queue) }
        })
    }

    /// `DeleteTopics`.
    pub(crate) fn topics_delete(&self, topics: &[DeleteTopic]) -> Answer<Vec<Named<()>>> {
        let mut array = DeleteTopic::array(topics);
        self.ask(CHANGE_ENDS_WITHIN, Some(OPERATION_TIMEOUT), Ok, reply::deleted, |rk, options, queue| {
            // SAFETY: live client, options and queue; an array of as many live objects as said.
            unsafe { rd::rd_kafka_DeleteTopics(rk, array.as_mut_ptr(), array.len(), options, queue) }
        })
    }

    /// `CreatePartitions`.
    pub(crate) fn partitions_create(&self, partitions: &[NewPartitions], mode: Mode) -> Answer<Vec<Named<()>>> {
        let mut array = NewPartitions::array(partitions);
        self.ask(CHANGE_ENDS_WITHIN, Some(OPERATION_TIMEOUT), mode.adjust(), reply::grown, |rk, options, queue| {
            // SAFETY: live client, options and queue; an array of as many live objects as said.
            unsafe { rd::rd_kafka_CreatePartitions(rk, array.as_mut_ptr(), array.len(), options, queue) }
        })
    }

    /// `IncrementalAlterConfigs`: what is not named stays as it is.
    pub(crate) fn configs_change(
        &self,
        resources: &[ConfigResource],
        mode: Mode,
        within: Duration,
    ) -> Answer<Vec<Named<()>>> {
        let mut array = ConfigResource::array(resources);
        self.ask(within, None, mode.adjust(), reply::altered, |rk, options, queue| {
            // SAFETY: live client, options and queue; an array of as many live objects as said.
            unsafe { rd::rd_kafka_IncrementalAlterConfigs(rk, array.as_mut_ptr(), array.len(), options, queue) }
        })
    }

    /// `DescribeConfigs`: of any number of topics, or of one broker.
    pub(crate) fn configs_describe(&self, resources: &[ConfigResource]) -> Answer<Vec<Named<Vec<ConfigEntry>>>> {
        let mut array = ConfigResource::array(resources);
        self.ask(READ_TIMEOUT, None, Ok, reply::configs, |rk, options, queue| {
            // SAFETY: live client, options and queue; an array of as many live objects as said.
            unsafe { rd::rd_kafka_DescribeConfigs(rk, array.as_mut_ptr(), array.len(), options, queue) }
        })
    }

    /// `DescribeTopics`. No name may come twice.
    pub(crate) fn topics_describe(&self, names: &[&str]) -> Answer<Vec<Named<TopicPartitions>>> {
        let names = TopicNames::new(names)?;
        self.ask(READ_TIMEOUT, None, Ok, reply::topics, |rk, options, queue| {
            // SAFETY: live client, names, options and queue.
            unsafe { rd::rd_kafka_DescribeTopics(rk, names.ptr(), options, queue) }
        })
    }

    /// `DescribeCluster`, with what the principal may do on the cluster.
    pub(crate) fn cluster_describe(&self) -> Answer<ClusterNodes> {
        self.ask(READ_TIMEOUT, None, Options::with_rights, reply::cluster, |rk, options, queue| {
            // SAFETY: live client, options and queue.
            unsafe { rd::rd_kafka_DescribeCluster(rk, options, queue) }
        })
    }

    /// `ListOffsets`: the end offset of each partition of a topic.
    pub(crate) fn end_offsets(&self, topic: &str, partitions: u32) -> Answer<Vec<Named<i64>>> {
        let mut asked = TopicPartitionList::new();
        for partition in 0..partitions {
            let partition = i32::try_from(partition).unwrap_or(i32::MAX);
            // -1 is both `Offset::End` and ListOffsets' "latest".
            asked
                .add_partition_offset(topic, partition, Offset::End)
                .map_err(|error| Refusal::new(C::InvalidArgument, error.to_string()))?;
        }
        self.ask(READ_TIMEOUT, None, Ok, reply::offsets, |rk, options, queue| {
            // SAFETY: live client, options, queue and list.
            unsafe { rd::rd_kafka_ListOffsets(rk, asked.ptr(), options, queue) }
        })
    }
}

impl Mode {
    fn adjust(self) -> fn(Options) -> Result<Options, Refusal> {
        match self {
            Self::Apply => Ok,
            Self::ValidateOnly => Options::validate_only,
        }
    }
}
