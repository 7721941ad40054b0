//! Writes rows and offsets in transactions.

use crate::client::{Client, Offsets, name, take};
use anyhow::{Context, Result, ensure};
use rdkafka::bindings as rd;
use std::ffi::{c_int, c_void};
use std::ops::Range;

/// For one step of a transaction, in milliseconds.
const STEP_TIMEOUT_MS: i32 = 30_000;
/// Any partition: librdkafka's partitioner places the row.
const UNASSIGNED: i32 = -1;

/// A transactional producer.
pub(crate) struct Writer {
    client: Client,
}

impl Writer {
    /// Fences an earlier producer of this id and begins the first transaction.
    pub(crate) fn new(servers: &str, transactional_id: &str) -> Result<Self> {
        // The host's settings.
        let client = Client::producer(&[
            ("bootstrap.servers", servers),
            ("transactional.id", transactional_id),
            ("partitioner", "murmur2_random"),
            ("linger.ms", "5"),
            ("retry.backoff.ms", "10"),
            ("batch.size", "1000000"),
            ("queue.buffering.max.messages", "1000000"),
            ("queue.buffering.max.kbytes", "262144"),
            ("delivery.report.only.error", "true"),
        ])?;
        // SAFETY: the client is alive.
        take(unsafe { rd::rd_kafka_init_transactions(client.raw(), STEP_TIMEOUT_MS) }, "init")?;
        let writer = Self { client };
        writer.begin()?;
        Ok(writer)
    }

    pub(crate) fn begin(&self) -> Result<()> {
        // SAFETY: the client is alive.
        take(unsafe { rd::rd_kafka_begin_transaction(self.client.raw()) }, "begin")
    }

    /// Commits what was sent together with the positions of the group that `reader` names.
    pub(crate) fn commit(&self, reader: &Client, positions: &Offsets) -> Result<()> {
        // SAFETY: all are alive; the group's metadata is given back once.
        unsafe {
            let group = rd::rd_kafka_consumer_group_metadata(reader.raw());
            let sent = rd::rd_kafka_send_offsets_to_transaction(
                self.client.raw(),
                positions.raw(),
                group,
                STEP_TIMEOUT_MS,
            );
            rd::rd_kafka_consumer_group_metadata_destroy(group);
            take(sent, "sending offsets")?;
            take(rd::rd_kafka_commit_transaction(self.client.raw(), STEP_TIMEOUT_MS), "commit")
        }
    }

    /// A topic to write to.
    pub(crate) fn topic(&self, topic: &str) -> Result<Topic<'_>> {
        let name = name(topic)?;
        // SAFETY: the client is alive; the name is copied.
        let raw = unsafe { rd::rd_kafka_topic_new(self.client.raw(), name.as_ptr(), std::ptr::null_mut()) };
        ensure!(!raw.is_null(), "no topic {topic}");
        Ok(Topic { raw, writer: self, cells: Vec::new(), rows: Vec::new(), messages: Vec::new() })
    }
}

/// A topic with the rows that are to go there together.
pub(crate) struct Topic<'w> {
    raw: *mut rd::rd_kafka_topic_t,
    writer: &'w Writer,
    cells: Vec<u8>,
    /// Where key and value lie in `cells`.
    rows: Vec<(Range<usize>, Range<usize>)>,
    messages: Vec<rd::rd_kafka_message_t>,
}

impl Topic<'_> {
    pub(crate) fn put(&mut self, key: &[u8], value: &[u8]) {
        let start = self.cells.len();
        self.cells.extend_from_slice(key);
        let middle = self.cells.len();
        self.cells.extend_from_slice(value);
        self.rows.push((start..middle, middle..self.cells.len()));
    }

    /// Hands all rows over; librdkafka copies them, and blocks while its queue is full.
    pub(crate) fn send(&mut self) -> Result<()> {
        for (key, value) in self.rows.drain(..) {
            let (key, value) = (&self.cells[key], &self.cells[value]);
            // SAFETY: a message of zeros is an empty one.
            let mut message: rd::rd_kafka_message_t = unsafe { std::mem::zeroed() };
            message.key = key.as_ptr() as *mut c_void;
            message.key_len = key.len();
            message.payload = value.as_ptr() as *mut c_void;
            message.len = value.len();
            self.messages.push(message);
        }
        let (start, count) = (self.messages.as_mut_ptr(), self.messages.len());
        let flags = (rd::RD_KAFKA_MSG_F_COPY | rd::RD_KAFKA_MSG_F_BLOCK) as c_int;
        // SAFETY: all messages point into `cells`, which lives and is copied from during the call.
        let sent = unsafe {
            rd::rd_kafka_produce_batch(self.raw, UNASSIGNED, flags, start, c_int::try_from(count)?)
        };
        self.messages.clear();
        self.cells.clear();
        let sent = usize::try_from(sent).ok().context("producing failed")?;
        ensure!(sent == count, "only {sent} of {count} rows were taken");
        // SAFETY: the client is alive.
        unsafe { rd::rd_kafka_poll(self.writer.client.raw(), 0) };
        Ok(())
    }
}

impl Drop for Topic<'_> {
    fn drop(&mut self) {
        // SAFETY: owned, and given back once, before its client.
        unsafe { rd::rd_kafka_topic_destroy(self.raw) }
    }
}
