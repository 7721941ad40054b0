//! Turns fetched records into batches of one partition, in columns: the one copy on the way in.

use super::error::{Doing, Fault, of_consumer, sort};
use super::sys::{Fetched, Handle, Record};
use host_core::event::Failure;
use host_core::record::{HeaderColumns, Offset, Rows, TopicPartition};
use rdkafka::bindings::rd_kafka_resp_err_t as Code;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Records taken from librdkafka's queue at once.
const FETCH_RECORDS_MAX: usize = 10_000;

/// How much one batch holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Records; at least one.
    pub records_max: usize,
    /// Bytes of keys and values; a larger record comes alone.
    pub bytes_max: usize,
}

/// What one poll found.
#[allow(
    clippy::large_enum_variant,
    reason = "one a poll, moved once; a box would be one more allocation a batch"
)]
pub(super) enum Found {
    Rows {
        source: TopicPartition,
        offsets: Vec<Offset>,
        rows: Rows,
        /// Of the leader that took them; -1: not known, or more than one.
        leader_epoch: i32,
    },
    End {
        source: TopicPartition,
        position: Offset,
    },
    /// The client does not find in the log the place where it reads, and reads no more of it.
    Misplaced {
        source: TopicPartition,
        fault: Fault,
    },
    /// A rebalance was announced; it comes before records.
    Rebalance,
    Nothing,
}

/// Records fetched from any partition, given out by partition and in order.
pub(super) struct Fetch {
    fetched: Fetched,
    /// The buffers of a batch that is done with.
    spare: (Vec<Offset>, Rows),
    handle: Arc<Handle>,
}

impl Fetch {
    pub(super) fn new(handle: Arc<Handle>) -> Self {
        let fetched = Fetched::new(Arc::clone(&handle), FETCH_RECORDS_MAX);
        Self { fetched, spare: <_>::default(), handle }
    }

    /// Takes the buffers of a batch that is done with, for the next one.
    pub(super) fn reuse(&mut self, mut offsets: Vec<Offset>, mut rows: Rows) {
        offsets.clear();
        rows.clear();
        self.spare = (offsets, rows);
    }

    /// Forgets what was fetched ahead.
    pub(super) fn forget_all(&mut self) {
        self.fetched.retain(|_| false);
    }

    /// Forgets what was fetched ahead of one partition.
    pub(super) fn forget(&mut self, source: &TopicPartition) {
        self.fetched
            .retain(|record| record.partition() != source.partition || record.topic() != source.topic);
    }

    pub(super) fn poll(&mut self, timeout: Duration, limits: Limits) -> Result<Found, Failure> {
        let deadline = Instant::now() + timeout;
        loop {
            if self.handle.signals().has_rebalance() {
                return Ok(Found::Rebalance);
            }
            if self.fetched.front().is_none() {
                // The callbacks of a rebalance are served here, so it is looked for again.
                self.fetched.fill(deadline.saturating_duration_since(Instant::now()));
                if self.handle.signals().has_rebalance() {
                    continue;
                }
            }
            let Some(front) = self.fetched.front() else { return Ok(Found::Nothing) };
            if front.code() == Code::RD_KAFKA_RESP_ERR_NO_ERROR {
                return Ok(self.take_run(limits));
            }
            let event = self.fetched.pop().expect("the front was just seen");
            if let Some(end) = self.take_event(&event)? {
                return Ok(end);
            }
        }
    }

    fn take_event(&self, event: &Record) -> Result<Option<Found>, Failure> {
        let source = TopicPartition::new(event.topic(), event.partition());
        if event.code() == Code::RD_KAFKA_RESP_ERR__PARTITION_EOF {
            return Ok(Some(Found::End { source, position: event.offset() }));
        }
        let fatal = self.handle.fatal();
        let fault = fatal.unwrap_or_else(|| Fault { text: event.text(), ..Fault::of(event.code()) });
        if fault.code == Code::RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET {
            return Ok(Some(Found::Misplaced { source, fault }));
        }
        let what = if source.topic.is_empty() { "reading".to_owned() } else { format!("reading {source}") };
        if let Some(failure) = of_consumer(&what, &fault) {
            return Err(failure);
        }
        tracing::warn!(error = fault.text, "{what} is disturbed; going on");
        Ok(None)
    }

    /// The records at the front that are of one partition, up to the limits.
    fn take_run(&mut self, limits: Limits) -> Found {
        let front = self.fetched.front().expect("called with a record at the front");
        let source = TopicPartition::new(front.topic(), front.partition());
        let (place, first) = (front.place(), front.leader_epoch());
        let (mut offsets, mut rows) = std::mem::take(&mut self.spare);
        let mut last = first;
        loop {
            last = self.copy_run(place, limits, &mut offsets, &mut rows).unwrap_or(last);
            let full = offsets.len() >= limits.records_max || rows.data.len() >= limits.bytes_max;
            // A run that ends where the fetched records end may go on in librdkafka's queue.
            if full || self.fetched.front().is_some() {
                break;
            }
            self.fetched.fill_now();
            if self.fetched.front().is_none() || self.handle.signals().has_rebalance() {
                break;
            }
        }
        // Leader epochs rise with offsets, so those between are the same.
        let leader_epoch = if last == first { first } else { -1 };
        Found::Rows { source, offsets, rows, leader_epoch }
    }

    /// The leader epoch of the last record that was copied; none when none was.
    fn copy_run(
        &mut self,
        place: (usize, i32),
        limits: Limits,
        offsets: &mut Vec<Offset>,
        rows: &mut Rows,
    ) -> Option<i32> {
        let mut last = None;
        while let Some(record) = self.fetched.front() {
            let fits = offsets.is_empty() || rows.data.len() + record.size() <= limits.bytes_max;
            let same = record.code() == Code::RD_KAFKA_RESP_ERR_NO_ERROR && record.place() == place;
            if !same || !fits || offsets.len() >= limits.records_max {
                break;
            }
            offsets.push(record.offset());
            push(rows, record);
            last = self.fetched.pop();
        }
        last.map(|record| record.leader_epoch())
    }
}

/// A place that is not in the log.
pub(super) fn misplaced(source: &TopicPartition, fault: &Fault) -> Failure {
    sort(Doing::Read, &format!("reading {source}"), fault)
}

fn push(rows: &mut Rows, record: &Record) {
    let mut headers = record.headers().peekable();
    if rows.headers.is_none() && headers.peek().is_some() {
        // So that the rows before it are counted as rows without headers.
        rows.headers = Some(HeaderColumns::none_for(rows.len()));
    }
    rows.push_with_headers(record.row(), headers);
}
