//! Records as librdkafka holds them, and the queue that they come from.

use super::{Code, Handle, describe, millis};
use host_core::record::{Offset, Row, TimestampMs};
use rdkafka::bindings as rd;
use std::collections::VecDeque;
use std::ffi::CStr;
use std::sync::Arc;
use std::time::Duration;

/// One record, or an event of its partition ([`Record::code`]). Must not outlive its client.
pub(in crate::kafka) struct Record(*mut rd::rd_kafka_message_t);

// SAFETY: an owned object that librdkafka does not touch until it is destroyed, from any thread.
unsafe impl Send for Record {}

impl Record {
    fn raw(&self) -> &rd::rd_kafka_message_t {
        // SAFETY: owned and alive until drop.
        unsafe { &*self.0 }
    }

    pub(in crate::kafka) fn code(&self) -> Code {
        self.raw().err
    }

    /// An error event's text.
    pub(in crate::kafka) fn text(&self) -> String {
        let raw = self.raw();
        if raw.payload.is_null() {
            return describe(raw.err);
        }
        // SAFETY: the payload of an error event is its text, `len` bytes long.
        let text = unsafe { std::slice::from_raw_parts(raw.payload.cast::<u8>(), raw.len) };
        String::from_utf8_lossy(text).trim_end_matches('\0').to_owned()
    }

    /// Empty for an event that belongs to no topic.
    pub(in crate::kafka) fn topic(&self) -> String {
        let topic = self.raw().rkt;
        if topic.is_null() {
            return String::new();
        }
        // SAFETY: a record holds its topic; the name is NUL-terminated.
        unsafe { CStr::from_ptr(rd::rd_kafka_topic_name(topic)) }.to_string_lossy().into_owned()
    }

    pub(in crate::kafka) fn partition(&self) -> u32 {
        u32::try_from(self.raw().partition).unwrap_or(u32::MAX)
    }

    /// Equal for records of the same partition, without looking at names.
    pub(in crate::kafka) fn place(&self) -> (usize, i32) {
        (self.raw().rkt.addr(), self.raw().partition)
    }

    pub(in crate::kafka) fn offset(&self) -> Offset {
        self.raw().offset
    }

    /// Of the leader that took the record; -1: not known.
    pub(in crate::kafka) fn leader_epoch(&self) -> i32 {
        // SAFETY: the record is alive.
        unsafe { rd::rd_kafka_message_leader_epoch(self.0) }
    }

    /// Bytes of key and value.
    pub(in crate::kafka) fn size(&self) -> usize {
        self.raw().key_len + self.raw().len
    }

    pub(in crate::kafka) fn row(&self) -> Row<'_> {
        let raw = self.raw();
        // SAFETY: key and payload are null or have their lengths, and live as long as the record.
        let (key, value) = unsafe { (bytes(raw.key, raw.key_len), bytes(raw.payload, raw.len)) };
        Row { key, value, timestamp: self.timestamp() }
    }

    fn timestamp(&self) -> TimestampMs {
        let mut kind = rd::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
        // SAFETY: the record is alive.
        unsafe { rd::rd_kafka_message_timestamp(self.0, &raw mut kind) }
    }

    pub(in crate::kafka) fn headers(&self) -> Headers<'_> {
        let mut headers = std::ptr::null_mut();
        // SAFETY: the record is alive and owns the headers that it hands out.
        unsafe { rd::rd_kafka_message_headers(self.0, &raw mut headers) };
        Headers { all: headers, next: 0, record: std::marker::PhantomData }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        // SAFETY: owned, and freed once.
        unsafe { rd::rd_kafka_message_destroy(self.0) }
    }
}

/// # Safety
/// `data` is null or has `len` bytes that live for `'a`.
unsafe fn bytes<'a>(data: *const std::ffi::c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller's promise.
    (!data.is_null()).then(|| unsafe { std::slice::from_raw_parts(data.cast(), len) })
}

/// A record's headers as (name, value), in order.
pub(in crate::kafka) struct Headers<'a> {
    all: *mut rd::rd_kafka_headers_t,
    next: usize,
    record: std::marker::PhantomData<&'a Record>,
}

impl<'a> Iterator for Headers<'a> {
    type Item = (&'a [u8], Option<&'a [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.all.is_null() {
            return None;
        }
        let (mut name, mut value, mut size) = (std::ptr::null(), std::ptr::null(), 0);
        // SAFETY: the headers live as long as the record that this borrows; past the last one it says so.
        unsafe {
            let code = rd::rd_kafka_header_get_all(
                self.all,
                self.next,
                &raw mut name,
                &raw mut value,
                &raw mut size,
            );
            if code != Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                return None;
            }
            self.next += 1;
            Some((CStr::from_ptr(name).to_bytes(), bytes(value, size)))
        }
    }
}

/// Records fetched and not yet taken, in the order of librdkafka's queue.
pub(in crate::kafka) struct Fetched {
    ready: VecDeque<Record>,
    scratch: Vec<*mut rd::rd_kafka_message_t>,
    queue: *mut rd::rd_kafka_queue_t,
    // Last, so that records and queue are gone before the client can go.
    handle: Arc<Handle>,
}

// SAFETY: the scratch is empty between calls; records and queue may be used from any one thread.
unsafe impl Send for Fetched {}

impl Fetched {
    /// At most `records_max` records are taken from librdkafka's queue at once.
    pub(in crate::kafka) fn new(handle: Arc<Handle>, records_max: usize) -> Self {
        // SAFETY: the consumer is alive; the queue is ours to give back.
        let queue = unsafe { rd::rd_kafka_queue_get_consumer(handle.as_ptr()) };
        Self { ready: VecDeque::new(), scratch: vec![std::ptr::null_mut(); records_max], queue, handle }
    }

    pub(in crate::kafka) fn front(&self) -> Option<&Record> {
        self.ready.front()
    }

    pub(in crate::kafka) fn pop(&mut self) -> Option<Record> {
        self.ready.pop_front()
    }

    pub(in crate::kafka) fn retain(&mut self, keep: impl FnMut(&Record) -> bool) {
        self.ready.retain(keep);
    }

    /// Waits up to `timeout` for one record, then takes what else is there without waiting: a batch call that
    /// may wait waits until the batch is full.
    pub(in crate::kafka) fn fill(&mut self, timeout: Duration) {
        let signals = self.handle.signals();
        signals.set_may_yield(true);
        // SAFETY: the consumer is alive; a record returned is ours.
        let first = unsafe { rd::rd_kafka_consumer_poll(self.handle.as_ptr(), millis(timeout)) };
        signals.set_may_yield(false);
        if first.is_null() {
            return;
        }
        self.ready.push_back(Record(first));
        self.fill_now();
    }

    /// Takes what is there without waiting.
    pub(in crate::kafka) fn fill_now(&mut self) {
        // SAFETY: the queue is alive; the scratch has as many places as are offered.
        let taken = unsafe {
            rd::rd_kafka_consume_batch_queue(self.queue, 0, self.scratch.as_mut_ptr(), self.scratch.len())
        };
        let taken = usize::try_from(taken).unwrap_or(0);
        self.ready.extend(self.scratch[..taken].iter().map(|record| Record(*record)));
    }
}

impl Drop for Fetched {
    fn drop(&mut self) {
        self.ready.clear();
        // SAFETY: owned, and given back once, before the handle goes.
        unsafe { rd::rd_kafka_queue_destroy(self.queue) }
    }
}
