//! Reads partitions assigned by hand through librdkafka's batch call, read-committed.

use crate::client::{Client, Code, OK, Offsets, check};
use anyhow::{Context, Result};
use rdkafka::bindings as rd;
use std::time::Duration;

/// Records taken at once.
const BATCH_RECORDS: usize = 10_000;
const EARLIEST: i64 = -2;

/// A consumer at the start of some partitions of a topic.
pub(crate) struct Reader {
    // Before the client: it comes from it.
    queue: Queue,
    taken: Vec<*mut rd::rd_kafka_message_t>,
    client: Client,
}

/// What was read.
pub(crate) enum Found<'a> {
    /// A record.
    Record(Record<'a>),
    /// The end of this partition.
    End,
}

/// A record, borrowed from librdkafka.
#[derive(Clone, Copy)]
pub(crate) struct Record<'a>(&'a rd::rd_kafka_message_t);

impl<'a> Record<'a> {
    pub(crate) fn partition(self) -> i32 {
        self.0.partition
    }

    pub(crate) fn offset(self) -> i64 {
        self.0.offset
    }

    pub(crate) fn key(self) -> Option<&'a [u8]> {
        bytes(self.0.key.cast(), self.0.key_len)
    }

    pub(crate) fn value(self) -> Option<&'a [u8]> {
        bytes(self.0.payload.cast(), self.0.len)
    }

    pub(crate) fn timestamp(self) -> i64 {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the message is alive.
        unsafe { rd::rd_kafka_message_timestamp(self.0, &raw mut kind) }
    }
}

fn bytes<'a>(start: *const u8, length: usize) -> Option<&'a [u8]> {
    // SAFETY: key and value of a message that is alive are `length` bytes; a null pointer is a null.
    (!start.is_null()).then(|| unsafe { std::slice::from_raw_parts(start, length) })
}

impl Reader {
    /// Reads `partitions` of `topic` from their start, in the name of `group`, which is not joined.
    pub(crate) fn new(
        servers: &str,
        group: &str,
        topic: &str,
        partitions: impl Iterator<Item = i32>,
    ) -> Result<Self> {
        // The host's settings.
        let client = Client::consumer(&[
            ("bootstrap.servers", servers),
            ("group.id", group),
            ("isolation.level", "read_committed"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("enable.partition.eof", "true"),
            ("check.crcs", "true"),
            ("fetch.queue.backoff.ms", "2"),
            ("fetch.message.max.bytes", "1048576"),
            ("queued.min.messages", "50000"),
            ("queued.max.messages.kbytes", "65536"),
        ])?;
        let assigned = Offsets::of(topic, partitions.map(|partition| (partition, EARLIEST)))?;
        // SAFETY: both are alive; librdkafka copies the list.
        check(unsafe { rd::rd_kafka_assign(client.raw(), assigned.raw()) }, "assigning partitions")?;
        // SAFETY: the client is alive.
        let queue = Queue(unsafe { rd::rd_kafka_queue_get_consumer(client.raw()) });
        Ok(Self { queue, taken: vec![std::ptr::null_mut(); BATCH_RECORDS], client })
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits up to `timeout` for a whole batch and shows what there is; each is given back after it was shown.
    pub(crate) fn poll(
        &mut self,
        timeout: Duration,
        mut show: impl FnMut(Found<'_>) -> Result<()>,
    ) -> Result<usize> {
        let wait_ms = i32::try_from(timeout.as_millis())?;
        let (start, room) = (self.taken.as_mut_ptr(), self.taken.len());
        // SAFETY: the queue is alive; there is room for as many messages as are asked for.
        let count = unsafe { rd::rd_kafka_consume_batch_queue(self.queue.0, wait_ms, start, room) };
        let count = usize::try_from(count).ok().context("the batch call failed")?;
        let mut outcome = Ok(());
        for raw in &self.taken[..count] {
            // SAFETY: one of the messages that were just given to us.
            let message = unsafe { &**raw };
            outcome = outcome.and_then(|()| match message.err {
                OK => show(Found::Record(Record(message))),
                Code::RD_KAFKA_RESP_ERR__PARTITION_EOF => show(Found::End),
                code => check(code, "reading"),
            });
            // SAFETY: given back once; nothing of it outlives `show`.
            unsafe { rd::rd_kafka_message_destroy(*raw) };
        }
        outcome.map(|()| count)
    }
}

struct Queue(*mut rd::rd_kafka_queue_t);

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: owned, and given back once, before the client.
        unsafe { rd::rd_kafka_queue_destroy(self.0) }
    }
}
