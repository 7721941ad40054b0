//! The admin call that the safe wrapper lacks: offsets of logs.

use super::{Code, Entry, Fault, Handle, PartitionList, list, take};
use rdkafka::bindings as rd;
use std::collections::BTreeSet;
use std::ffi::c_int;
use std::time::{Duration, Instant};

/// Whose view of a log's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Isolation {
    /// The end is the last stable offset: before the first open transaction.
    Committed,
    /// The end is the high watermark.
    Uncommitted,
}

/// Asks for a log's first offset.
pub(in crate::kafka) const EARLIEST: i64 = rd::RD_KAFKA_OFFSET_BEGINNING as i64;
/// Asks for a log's end.
pub(in crate::kafka) const LATEST: i64 = rd::RD_KAFKA_OFFSET_END as i64;

/// How long it may take to hear who leads the partitions of all topics that a question was about.
const LEADERS_TIMEOUT: Duration = Duration::from_secs(5);

/// No offset at all.
const NO_OFFSET: i64 = rd::RD_KAFKA_OFFSET_INVALID as i64;

type Queue = *mut rd::rd_kafka_queue_t;
type Options = *mut rd::rd_kafka_AdminOptions_t;
type Event = *mut rd::rd_kafka_event_t;

/// What a call needs, freed in the end.
struct Call {
    options: Options,
    queue: Queue,
    event: Event,
}

impl Call {
    /// # Safety
    /// The handle outlives the call.
    unsafe fn new(handle: &Handle, op: rd::rd_kafka_admin_op_t, timeout: Duration) -> Self {
        // SAFETY: the client is alive; options and queue are ours. The timeout is in range by its type, and
        // a text is not asked for.
        unsafe {
            let options = rd::rd_kafka_AdminOptions_new(handle.as_ptr(), op);
            let timeout = super::millis(timeout).clamp(1, 3_600_000);
            rd::rd_kafka_AdminOptions_set_request_timeout(options, timeout, std::ptr::null_mut(), 0);
            Self { options, queue: rd::rd_kafka_queue_new(handle.as_ptr()), event: std::ptr::null_mut() }
        }
    }

    /// Waits for the answer: librdkafka always gives one, at the latest at the request's timeout.
    ///
    /// # Safety
    /// The request was made with this call's queue.
    unsafe fn wait(&mut self) -> Result<Event, Fault> {
        const FOREVER: c_int = -1;
        // SAFETY: the queue is alive; the event is ours and lives until drop.
        unsafe {
            while self.event.is_null() {
                self.event = rd::rd_kafka_queue_poll(self.queue, FOREVER);
            }
            super::check(rd::rd_kafka_event_error(self.event)).map_err(|fault| Fault {
                text: super::owned(rd::rd_kafka_event_error_string(self.event)),
                ..fault
            })?;
        }
        Ok(self.event)
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once; the event may be null.
        unsafe {
            if !self.event.is_null() {
                rd::rd_kafka_event_destroy(self.event);
            }
            rd::rd_kafka_queue_destroy(self.queue);
            rd::rd_kafka_AdminOptions_destroy(self.options);
        }
    }
}

/// Asks the leaders for offsets. The list's offsets say which: [`EARLIEST`] or [`LATEST`].
pub(in crate::kafka) fn list_offsets(
    handle: &Handle,
    partitions: &PartitionList,
    isolation: Isolation,
    timeout: Duration,
) -> Result<Vec<Entry>, Fault> {
    let isolation = match isolation {
        Isolation::Committed => rd::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_COMMITTED,
        Isolation::Uncommitted => rd::rd_kafka_IsolationLevel_t::RD_KAFKA_ISOLATION_LEVEL_READ_UNCOMMITTED,
    };
    // SAFETY: everything is alive until the end of the block; what the event holds is copied.
    unsafe {
        let mut call = Call::new(handle, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout);
        take(rd::rd_kafka_AdminOptions_set_isolation_level(call.options, isolation))?;
        rd::rd_kafka_ListOffsets(handle.as_ptr(), partitions.as_ptr(), call.options, call.queue);
        let result = rd::rd_kafka_event_ListOffsets_result(call.wait()?);
        let mut count = 0;
        let infos = rd::rd_kafka_ListOffsets_result_infos(result, &raw mut count);
        let info = |i| list::entry(&*rd::rd_kafka_ListOffsetsResultInfo_topic_partition(*infos.add(i)));
        let entries: Vec<Entry> = (0..count).map(info).collect();
        look_for_leaders(handle, &led_otherwise(&entries), timeout.min(LEADERS_TIMEOUT));
        whole(entries)
    }
}

/// The topics with a partition that somebody else leads than the client knew, each once.
fn led_otherwise(entries: &[Entry]) -> BTreeSet<&str> {
    let otherwise = entries.iter().filter(|entry| is_led_otherwise(entry.code));
    otherwise.map(|entry| entry.partition.topic.as_str()).collect()
}

/// The client asked with what it knew of the leader, and that is not so any more.
fn is_led_otherwise(code: Code) -> bool {
    matches!(
        code,
        Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION
            | Code::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
            | Code::RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH
            | Code::RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH
            | Code::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART
            | Code::RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR
    )
}

/// Asks who leads the partitions of these topics, for up to `timeout` in all. A client that reads a topic does so by
/// itself; for one that only asks for offsets librdkafka 2.12.1 does not, and would ask with what it knows for up to 15
/// minutes: after a broker's death for an epoch that is over. An answer that fails is none; the next question shows it.
fn look_for_leaders(handle: &Handle, topics: &BTreeSet<&str>, timeout: Duration) {
    let deadline = Instant::now() + timeout;
    for topic in topics {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        look_for_leaders_of(handle, topic, left);
    }
}

fn look_for_leaders_of(handle: &Handle, topic: &str, timeout: Duration) {
    let name = super::c_name(topic);
    // SAFETY: the client is alive; the topic is ours, and freed after its last use.
    unsafe {
        let topic = rd::rd_kafka_topic_new(handle.as_ptr(), name.as_ptr(), std::ptr::null_mut());
        if topic.is_null() {
            return;
        }
        let _ = handle.refresh_metadata(topic, timeout);
        rd::rd_kafka_topic_destroy(topic);
    }
}

/// When the connection breaks at the wrong moment librdkafka answers without an error, and without an offset.
fn whole(entries: Vec<Entry>) -> Result<Vec<Entry>, Fault> {
    let has_offset =
        |entry: &Entry| entry.offset != NO_OFFSET || entry.code != Code::RD_KAFKA_RESP_ERR_NO_ERROR;
    if entries.iter().all(has_offset) {
        return Ok(entries);
    }
    Err(Fault::of(Code::RD_KAFKA_RESP_ERR__PARTIAL))
}

/// The id of a topic, as Kafka writes it; a topic that is made again has another.
pub(in crate::kafka) fn topic_id(handle: &Handle, topic: &str, timeout: Duration) -> Result<String, Fault> {
    let name = super::c_name(topic);
    let mut names = [name.as_ptr()];
    // SAFETY: everything is alive until the end of the block; what the event holds is copied.
    unsafe {
        let mut call = Call::new(handle, rd::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout);
        let topics = rd::rd_kafka_TopicCollection_of_topic_names(names.as_mut_ptr(), names.len());
        rd::rd_kafka_DescribeTopics(handle.as_ptr(), topics, call.options, call.queue);
        rd::rd_kafka_TopicCollection_destroy(topics);
        let result = rd::rd_kafka_event_DescribeTopics_result(call.wait()?);
        let mut count = 0;
        let found = rd::rd_kafka_DescribeTopics_result_topics(result, &raw mut count);
        let description = *found;
        let error = rd::rd_kafka_TopicDescription_error(description);
        super::check(rd::rd_kafka_error_code(error))?;
        Ok(super::owned(rd::rd_kafka_Uuid_base64str(rd::rd_kafka_TopicDescription_topic_id(description))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::record::TopicPartition;

    fn entry(topic: &str, offset: i64, code: Code) -> Entry {
        let partition = TopicPartition::new(topic, 0);
        Entry { partition, offset, metadata: String::new(), leader_epoch: -1, code }
    }

    #[test]
    fn a_topic_whose_leaders_are_others_is_asked_for_once() {
        let entries = [
            entry("a", NO_OFFSET, Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION),
            entry("b", 7, Code::RD_KAFKA_RESP_ERR_NO_ERROR),
            entry("c", NO_OFFSET, Code::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT),
            entry("a", NO_OFFSET, Code::RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH),
        ];
        assert_eq!(Vec::from_iter(led_otherwise(&entries)), ["a"]);
    }

    #[test]
    fn an_answer_without_an_offset_is_no_answer() {
        let entry = |offset, code| entry("in", offset, code);
        let (fine, refused) =
            (Code::RD_KAFKA_RESP_ERR_NO_ERROR, Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION);
        assert_eq!(
            whole(vec![entry(7, fine), entry(0, fine)]).map_err(|fault| fault.code).map(|all| all.len()),
            Ok(2)
        );
        let partial = whole(vec![entry(7, fine), entry(NO_OFFSET, fine)]).map_err(|fault| fault.code);
        assert_eq!(partial.err(), Some(Code::RD_KAFKA_RESP_ERR__PARTIAL));
        assert!(whole(vec![entry(NO_OFFSET, refused)]).is_ok(), "its error says more");
    }
}
