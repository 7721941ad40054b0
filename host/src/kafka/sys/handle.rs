//! One client, consumer or producer.

use super::{Fault, GroupMetadata, PartitionList, Signals, check, millis, signals, take};
use host_core::record::{Offset, TopicPartition};
use rdkafka::ClientConfig;
use rdkafka::bindings as rd;
use std::ffi::{CString, c_char, c_int};
use std::sync::Arc;
use std::time::Duration;

/// What a client is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::kafka) enum Kind {
    Consumer,
    /// Asks for offsets: a consumer that never joins its group and reads nothing.
    Observer,
    Producer,
}

/// An owned client. Everything that came from it must be gone before it.
pub(in crate::kafka) struct Handle {
    rk: *mut rd::rd_kafka_t,
    kind: Kind,
    // After the client: its callbacks use them until it is gone.
    signals: Arc<Signals>,
}

// SAFETY: librdkafka's clients may be used from any thread.
unsafe impl Send for Handle {}
// SAFETY: as above, by several threads at once.
unsafe impl Sync for Handle {}

impl Handle {
    /// The error is librdkafka's text; it names the property, never its value.
    pub(in crate::kafka) fn new(kind: Kind, config: &ClientConfig) -> Result<Self, String> {
        let native = config.create_native_config().map_err(|error| config_error(&error))?;
        let signals = Arc::new(Signals::default());
        let mut text = [0 as c_char; 512];
        let native_kind = match kind {
            Kind::Consumer | Kind::Observer => rd::rd_kafka_type_t::RD_KAFKA_CONSUMER,
            Kind::Producer => rd::rd_kafka_type_t::RD_KAFKA_PRODUCER,
        };
        // SAFETY: the copy of the configuration is the client's when it is made, else still ours; the signals
        // outlive the client, as `drop` shows.
        let rk = unsafe {
            let conf = rd::rd_kafka_conf_dup(native.ptr());
            signals::register(conf, Arc::as_ptr(&signals), kind);
            let rk = rd::rd_kafka_new(native_kind, conf, text.as_mut_ptr(), text.len());
            if rk.is_null() {
                rd::rd_kafka_conf_destroy(conf);
                return Err(signals::text_of(&text));
            }
            if kind == Kind::Consumer {
                rd::rd_kafka_poll_set_consumer(rk);
            }
            rk
        };
        Ok(Self { rk, kind, signals })
    }

    pub(in crate::kafka) fn signals(&self) -> &Signals {
        &self.signals
    }

    pub(super) fn as_ptr(&self) -> *mut rd::rd_kafka_t {
        self.rk
    }

    /// Serves callbacks of a producer or an observer.
    pub(in crate::kafka) fn poll(&self, timeout: Duration) {
        // SAFETY: the client is alive.
        unsafe { rd::rd_kafka_poll(self.rk, millis(timeout)) };
    }

    /// Records and callbacks not settled yet.
    pub(in crate::kafka) fn outstanding(&self) -> usize {
        // SAFETY: the client is alive.
        usize::try_from(unsafe { rd::rd_kafka_outq_len(self.rk) }).unwrap_or(0)
    }

    /// Sends what is queued without lingering, for up to `timeout`.
    pub(in crate::kafka) fn flush(&self, timeout: Duration) {
        // SAFETY: the client is alive. That it timed out is seen by `outstanding`.
        unsafe { rd::rd_kafka_flush(self.rk, millis(timeout)) };
    }

    /// Forgets everything queued or under way.
    pub(in crate::kafka) fn purge(&self) {
        // SAFETY: the client is alive.
        unsafe { rd::rd_kafka_purge(self.rk, rd::RD_KAFKA_PURGE_F_QUEUE | rd::RD_KAFKA_PURGE_F_INFLIGHT) };
    }

    pub(in crate::kafka) fn init_transactions(&self, timeout: Duration) -> Result<(), Fault> {
        // SAFETY: the client is alive; the error is ours.
        unsafe { take(rd::rd_kafka_init_transactions(self.rk, millis(timeout))) }
    }

    pub(in crate::kafka) fn begin_transaction(&self) -> Result<(), Fault> {
        // SAFETY: the client is alive; the error is ours.
        unsafe { take(rd::rd_kafka_begin_transaction(self.rk)) }
    }

    pub(in crate::kafka) fn send_offsets(
        &self,
        offsets: &PartitionList,
        metadata: &GroupMetadata,
        timeout: Duration,
    ) -> Result<(), Fault> {
        // SAFETY: client, list and metadata are alive and only read; the error is ours.
        unsafe {
            let error = rd::rd_kafka_send_offsets_to_transaction(
                self.rk,
                offsets.as_ptr(),
                metadata.as_ptr(),
                millis(timeout),
            );
            take(error)
        }
    }

    /// Commits without a timeout of its own: librdkafka bounds it by the transaction's, and a shorter one
    /// would leave its state and ours apart.
    pub(in crate::kafka) fn commit_transaction(&self) -> Result<(), Fault> {
        // SAFETY: the client is alive; the error is ours.
        unsafe { take(rd::rd_kafka_commit_transaction(self.rk, -1)) }
    }

    pub(in crate::kafka) fn abort_transaction(&self, timeout: Duration) -> Result<(), Fault> {
        // SAFETY: the client is alive; the error is ours.
        unsafe { take(rd::rd_kafka_abort_transaction(self.rk, millis(timeout))) }
    }

    pub(in crate::kafka) fn subscribe(&self, topics: &PartitionList) -> Result<(), Fault> {
        // SAFETY: the client is alive; the list is copied.
        check(unsafe { rd::rd_kafka_subscribe(self.rk, topics.as_ptr()) })
    }

    /// Has the client look at its group now. Its main thread goes on with joining only when something wakes it: without
    /// this it waits for up to a second where the connection to the coordinator has come up meanwhile.
    pub(in crate::kafka) fn nudge(&self) {
        let mut list = std::ptr::null_mut();
        // SAFETY: the client is alive; the question goes through its main thread, and the list that is answered is
        // ours to free.
        unsafe {
            rd::rd_kafka_subscription(self.rk, &raw mut list);
            if !list.is_null() {
                rd::rd_kafka_topic_partition_list_destroy(list);
            }
        }
    }

    /// Whether some broker answers within this time.
    pub(in crate::kafka) fn reaches_a_broker(&self, timeout: Duration) -> bool {
        // SAFETY: no topic is one of the two that it takes.
        unsafe { self.refresh_metadata(std::ptr::null_mut(), timeout) }.is_ok()
    }

    /// Asks a broker for the metadata of a topic, or of all that the client knows. It keeps what it hears.
    ///
    /// # Safety
    /// `topic` is null, or alive and of this client.
    pub(super) unsafe fn refresh_metadata(
        &self,
        topic: *mut rd::rd_kafka_topic_t,
        timeout: Duration,
    ) -> Result<(), Fault> {
        const NOT_OF_ALL_TOPICS: c_int = 0;
        let mut metadata = std::ptr::null();
        // SAFETY: the client is alive, as is the topic; what is answered is freed after its last use.
        unsafe {
            let code =
                rd::rd_kafka_metadata(self.rk, NOT_OF_ALL_TOPICS, topic, &raw mut metadata, millis(timeout));
            check(code)?;
            rd::rd_kafka_metadata_destroy(metadata);
        }
        Ok(())
    }

    /// None: no partitions.
    pub(in crate::kafka) fn assign(&self, partitions: Option<&PartitionList>) -> Result<(), Fault> {
        let list = partitions.map_or(std::ptr::null_mut(), PartitionList::as_ptr);
        // SAFETY: the client is alive; the list is null or alive, and copied.
        check(unsafe { rd::rd_kafka_assign(self.rk, list) })
    }

    /// The outcome of each partition is in the list.
    pub(in crate::kafka) fn pause(&self, partitions: &PartitionList) -> Result<(), Fault> {
        // SAFETY: the client and the list are alive.
        check(unsafe { rd::rd_kafka_pause_partitions(self.rk, partitions.as_ptr()) })
    }

    /// The outcome of each partition is in the list.
    pub(in crate::kafka) fn resume(&self, partitions: &PartitionList) -> Result<(), Fault> {
        // SAFETY: the client and the list are alive.
        check(unsafe { rd::rd_kafka_resume_partitions(self.rk, partitions.as_ptr()) })
    }

    /// The outcome of each partition is in the list.
    pub(in crate::kafka) fn seek(&self, partitions: &PartitionList, timeout: Duration) -> Result<(), Fault> {
        // SAFETY: the client and the list are alive; the error is ours.
        unsafe { take(rd::rd_kafka_seek_partitions(self.rk, partitions.as_ptr(), millis(timeout))) }
    }

    /// Fills the list with the group's committed offsets; stable ones, as the client reads committed records.
    pub(in crate::kafka) fn committed(
        &self,
        partitions: &PartitionList,
        timeout: Duration,
    ) -> Result<(), Fault> {
        // SAFETY: the client and the list are alive.
        check(unsafe { rd::rd_kafka_committed(self.rk, partitions.as_ptr(), millis(timeout)) })
    }

    /// The high watermark of a partition as its last fetch brought it; none before the first.
    pub(in crate::kafka) fn cached_end(&self, partition: &TopicPartition) -> Option<Offset> {
        let topic = CString::new(partition.topic.as_str()).ok()?;
        let (mut low, mut high) = (-1, -1);
        // SAFETY: the client is alive; the name and both numbers outlive the call.
        let code = unsafe {
            let number = partition.partition.cast_signed();
            rd::rd_kafka_get_watermark_offsets(self.rk, topic.as_ptr(), number, &raw mut low, &raw mut high)
        };
        check(code).ok()?;
        (high >= 0).then_some(high)
    }

    /// Commits and waits for the answer. The outcome of each partition is in the list.
    pub(in crate::kafka) fn commit(&self, offsets: &PartitionList) -> Result<(), Fault> {
        const WAIT: c_int = 0;
        // SAFETY: the client and the list are alive.
        check(unsafe { rd::rd_kafka_commit(self.rk, offsets.as_ptr(), WAIT) })
    }

    /// A broker's id once one has answered; none when none does within `timeout`.
    pub(in crate::kafka) fn controller(&self, timeout: Duration) -> Option<i32> {
        // SAFETY: the client is alive.
        let id = unsafe { rd::rd_kafka_controllerid(self.rk, millis(timeout)) };
        (id >= 0).then_some(id)
    }

    /// The error that ended this client for good, if there was one.
    pub(in crate::kafka) fn fatal(&self) -> Option<Fault> {
        let mut text = [0 as c_char; 512];
        // SAFETY: the client is alive; the size is the buffer's.
        let code = unsafe { rd::rd_kafka_fatal_error(self.rk, text.as_mut_ptr(), text.len()) };
        check(code).err().map(|fault| Fault { fatal: true, text: signals::text_of(&text), ..fault })
    }

    /// Leaves the group. `step` is called between short polls, and ends the closing early by answering false;
    /// it must let go of partitions when a rebalance asks for it.
    pub(in crate::kafka) fn close(&self, mut step: impl FnMut(&Self) -> bool) {
        const STEP_MS: c_int = 20;
        // SAFETY: the client is alive; the queue is ours and given back after the last use; a record that
        // comes with it is freed at once.
        unsafe {
            let queue = rd::rd_kafka_queue_new(self.rk);
            let closing = take(rd::rd_kafka_consumer_close_queue(self.rk, queue)).is_ok();
            while closing && rd::rd_kafka_consumer_closed(self.rk) == 0 && step(self) {
                let record = rd::rd_kafka_consume_queue(queue, STEP_MS);
                if !record.is_null() {
                    rd::rd_kafka_message_destroy(record);
                }
            }
            rd::rd_kafka_queue_destroy(queue);
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.kind == Kind::Producer {
            self.purge();
        }
        // SAFETY: owned, and destroyed once. A consumer that was not closed stays a member until its session
        // ends: closing here could wait without bound.
        unsafe { rd::rd_kafka_destroy_flags(self.rk, rd::RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE) }
    }
}

fn config_error(error: &rdkafka::error::KafkaError) -> String {
    match error {
        rdkafka::error::KafkaError::ClientConfig(_, reason, key, _) => {
            format!("property \"{key}\": {reason}")
        }
        _ => "a property holds a NUL byte".to_owned(),
    }
}

/// Checks property names and values without making a client.
pub(in crate::kafka) fn try_config(config: &ClientConfig) -> Result<(), String> {
    config.create_native_config().map(drop).map_err(|error| config_error(&error))
}
