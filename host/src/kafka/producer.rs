//! A worker's producer: rows, offsets and their transaction. Every call returns: what may be repeated is
//! repeated here, within a named bound, and then sorted for the core.

use super::client::Settings;
use super::error::{Code, Doing, Fault, sort};
use super::known::KnownTopics;
use super::sys::{self, GroupMetadata, Handle, Kind, PartitionList};
use host_core::effect::CommitOffset;
use host_core::error::{Stop, StopKind};
use host_core::event::Failure;
use host_core::record::{Offset, Rows, TopicPartition};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A commit slower than this is not clean: a retried request of it may still be under way.
pub const COMMIT_SLOW_MS: u64 = 1_000;
/// Bounds making a producer ready, which settles what its predecessor left open.
const INIT_TIMEOUT: Duration = Duration::from_mins(1);
/// Bounds one try of it.
const INIT_TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bounds waiting for room in the producer's queue, and for delivery without a transaction.
const QUEUE_TIMEOUT: Duration = Duration::from_mins(1);
/// Bounds an abort.
const ABORT_TIMEOUT: Duration = Duration::from_secs(30);
/// Bounds one try of an abort, so that delivery events are served between tries.
const ABORT_TRY_TIMEOUT: Duration = Duration::from_millis(500);
/// One step of waiting.
const STEP: Duration = Duration::from_millis(1);
/// Between two tries of a request that may be repeated.
const RETRY_PAUSE: Duration = Duration::from_millis(10);

/// A topic that rows are sent to.
pub struct Topic(sys::Topic);

impl Topic {
    /// The topic's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

/// A producer, with transactions or without.
pub struct Producer {
    handle: Arc<Handle>,
    transactional_id: Option<String>,
    transaction_timeout: Duration,
    known_topics: KnownTopics,
    /// Troubles of the connection when the open transaction began.
    troubles_before: u64,
}

impl Producer {
    /// Connects in the background. None: at least once, idempotent but without transactions.
    ///
    /// # Errors
    /// A stop when the settings make no client.
    pub fn new(
        settings: &Settings,
        client_id: &str,
        transactional_id: Option<&str>,
    ) -> Result<Self, Failure> {
        let config = settings.producer(client_id, transactional_id);
        let handle = Handle::new(Kind::Producer, &config).map_err(|text| {
            Failure::Stop(Stop::new(
                StopKind::Kafka,
                format!("cannot make the producer of worker {client_id}: {text}"),
            ))
        })?;
        let transaction_timeout = settings.transaction_timeout();
        Ok(Self {
            handle: Arc::new(handle),
            transactional_id: transactional_id.map(str::to_owned),
            transaction_timeout,
            known_topics: settings.known_topics.clone(),
            troubles_before: 0,
        })
    }

    /// Names a topic to send to. It belongs to this producer.
    ///
    /// # Errors
    /// A stop when the name is not accepted.
    pub fn topic(&self, name: &str) -> Result<Topic, Failure> {
        let topic = sys::Topic::new(Arc::clone(&self.handle), name);
        topic.map(Topic).map_err(|fault| sort(Doing::Write, &format!("opening topic \"{name}\""), &fault))
    }

    /// Fences every other producer with this transactional id and settles what it left open.
    ///
    /// # Errors
    /// A stop when that is not done within [`INIT_TIMEOUT`], or when a broker refuses our credentials: no newer producer
    /// would do better.
    pub fn init(&self) -> Result<(), Failure> {
        let deadline = Instant::now() + INIT_TIMEOUT;
        let id = self.transactional_id.as_deref().unwrap_or_default();
        let what = format!("making the producer with transactional id \"{id}\" ready");
        loop {
            match self.handle.init_transactions(INIT_TRY_TIMEOUT) {
                Ok(()) => return Ok(()),
                Err(fault) if fault.retriable && Instant::now() < deadline => {
                    self.handle.poll(RETRY_PAUSE);
                    if let Some(text) = self.handle.signals().take_refused() {
                        let fault = Fault { text, ..Fault::of(Code::RD_KAFKA_RESP_ERR__AUTHENTICATION) };
                        return Err(sort(Doing::Begin, &what, &fault));
                    }
                }
                Err(fault) => return Err(self.not_ready(sort(Doing::Begin, &what, &fault))),
            }
        }
    }

    /// A new one would do no better. That it took too long says less than the connection's newest error.
    fn not_ready(&self, failure: Failure) -> Failure {
        let has_its_reason = matches!(failure, Failure::Stop(_));
        let mut stop = failure.into_stop();
        if let Some(error) = self.handle.signals().last_error().filter(|_| !has_its_reason) {
            stop.message = format!("{}\n{error}", stop.message);
        }
        Failure::Stop(stop)
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When the producer cannot.
    pub fn begin(&mut self) -> Result<(), Failure> {
        self.handle.signals().take_undelivered();
        self.handle.poll(Duration::ZERO);
        self.troubles_before = self.handle.signals().troubles();
        self.handle.begin_transaction().map_err(|fault| sort(Doing::Begin, "beginning a transaction", &fault))
    }

    /// Copies rows into the producer's queue, in order. None: placed by the key's murmur2 hash, null keys anywhere.
    ///
    /// # Errors
    /// When a row is not accepted, or there is no room within [`QUEUE_TIMEOUT`].
    pub fn send(&self, topic: &Topic, partition: Option<u32>, rows: &Rows) -> Result<(), Failure> {
        for i in 0..rows.len() {
            let mut deadline = None;
            while let Err(fault) = topic.0.produce(partition, rows.row(i), rows.headers(i)) {
                let now = Instant::now();
                let full = fault.code == Code::RD_KAFKA_RESP_ERR__QUEUE_FULL;
                if !full || now >= *deadline.get_or_insert(now + QUEUE_TIMEOUT) {
                    return Err(self.not_accepted(topic, &fault));
                }
                self.handle.poll(STEP);
            }
        }
        self.handle.poll(Duration::ZERO);
        Ok(())
    }

    /// A broken transaction takes no more records; what broke it is the better reason: a delivery, or an answer of the
    /// transaction's coordinator.
    fn not_accepted(&self, topic: &Topic, fault: &Fault) -> Failure {
        self.handle.poll(Duration::ZERO);
        if let Some(failure) = self.undelivered() {
            return failure;
        }
        let fault = self.handle.fatal().unwrap_or_else(|| fault.clone());
        if let Some(broken) = self.broken_by(&fault) {
            return sort(Doing::Write, "adding to the open transaction", &broken);
        }
        sort(Doing::Write, &format!("writing to topic \"{}\"", topic.name()), &fault)
    }

    /// Why the open transaction can only be aborted. The client tells it to whoever asks for what it does not allow then,
    /// such as to begin another one; only a record that is not accepted is not told.
    fn broken_by(&self, not_accepted: &Fault) -> Option<Fault> {
        let is_told = not_accepted.code != Code::RD_KAFKA_RESP_ERR__STATE || self.transactional_id.is_none();
        if is_told { None } else { self.handle.begin_transaction().err().filter(|fault| fault.abort) }
    }

    fn undelivered(&self) -> Option<Failure> {
        let (fault, place) = self.handle.signals().take_undelivered()?;
        let fault = self.handle.fatal().unwrap_or(fault);
        Some(sort(Doing::Write, &format!("writing to {place}"), &fault))
    }

    /// Adds offsets to the open transaction. `metadata` is that of the assignment under which they were read;
    /// a retry repeats both unchanged. `leader_epoch`: of the record before an offset; -1: not known.
    ///
    /// # Errors
    /// Stale when the group refuses; as sorted otherwise.
    pub fn send_offsets(
        &self,
        offsets: &[CommitOffset],
        metadata: &GroupMetadata,
        leader_epoch: impl Fn(&TopicPartition, Offset) -> i32,
    ) -> Result<(), Failure> {
        if !metadata.fences() {
            return Err(Failure::Stale(
                "the group's metadata names no member: offsets would not be fenced".to_owned(),
            ));
        }
        self.send_all_offsets(offsets, metadata, leader_epoch)
    }

    /// The same for a group without members: nothing fences these offsets.
    ///
    /// # Errors
    /// Stale when the group has members; as sorted otherwise.
    pub fn send_offsets_without_member(
        &self,
        offsets: &[CommitOffset],
        metadata: &GroupMetadata,
    ) -> Result<(), Failure> {
        self.send_all_offsets(offsets, metadata, |_, _| -1)
    }

    fn send_all_offsets(
        &self,
        offsets: &[CommitOffset],
        metadata: &GroupMetadata,
        leader_epoch: impl Fn(&TopicPartition, Offset) -> i32,
    ) -> Result<(), Failure> {
        let mut list = PartitionList::new();
        for CommitOffset { source, offset, metadata } in offsets {
            let metadata = self.known_topics.mark(source, metadata);
            list.add_with_metadata(source, *offset, leader_epoch(source, *offset), &metadata);
        }
        let deadline = Instant::now() + self.transaction_timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.handle.send_offsets(&list, metadata, left) {
                Ok(()) => return Ok(()),
                Err(fault) if fault.retriable && Instant::now() < deadline => self.handle.poll(RETRY_PAUSE),
                Err(fault) => {
                    return Err(sort(Doing::SendOffsets, "adding offsets to the transaction", &fault));
                }
            }
        }
    }

    /// Delivers what is queued and commits the open transaction. True: nothing of it can still be under way.
    ///
    /// # Errors
    /// Abortable when a record was not delivered; lost when the outcome is not known.
    pub fn commit(&self) -> Result<bool, Failure> {
        let begun = Instant::now();
        self.deliver(self.transaction_timeout)?;
        self.handle.commit_transaction().map_err(|fault| {
            // Known before the end of the transaction was asked for: it is open, and can be aborted.
            let undelivered = if fault.abort { self.undelivered() } else { None };
            undelivered.unwrap_or_else(|| sort(Doing::Commit, "committing a transaction", &fault))
        })?;
        self.handle.poll(Duration::ZERO);
        Ok(self.is_clean(begun))
    }

    /// Nothing of the transaction, which began to end then, can still be under way.
    fn is_clean(&self, ending_since: Instant) -> bool {
        let quick = ending_since.elapsed() < Duration::from_millis(COMMIT_SLOW_MS);
        quick && self.handle.signals().troubles() == self.troubles_before
    }

    /// Waits until everything queued is delivered: what at-least-once does before it commits offsets.
    ///
    /// # Errors
    /// Abortable when a record was not delivered.
    pub fn flush(&self) -> Result<(), Failure> {
        self.deliver(QUEUE_TIMEOUT)
    }

    /// Short steps, as one long flush returns up to 100 ms late.
    fn deliver(&self, timeout: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + timeout;
        while self.handle.outstanding() > 0 && !self.handle.signals().has_undelivered() {
            if Instant::now() >= deadline {
                let text =
                    format!("{} records were not delivered within {timeout:?}", self.handle.outstanding());
                return Err(Failure::Abortable(text));
            }
            self.handle.flush(STEP);
        }
        self.undelivered().map_or(Ok(()), Err)
    }

    /// Throws away what is queued and aborts the open transaction. True: nothing of it can still be under way.
    ///
    /// # Errors
    /// Lost when that is not done within [`ABORT_TIMEOUT`].
    pub fn abort(&self) -> Result<bool, Failure> {
        let begun = Instant::now();
        let deadline = begun + ABORT_TIMEOUT;
        let done = loop {
            match self.handle.abort_transaction(ABORT_TRY_TIMEOUT) {
                Ok(()) => break Ok(()),
                Err(fault) if fault.retriable && Instant::now() < deadline => self.handle.poll(STEP),
                Err(fault) => break Err(sort(Doing::Abort, "aborting a transaction", &fault)),
            }
        };
        self.handle.signals().take_undelivered();
        done.map(|()| self.is_clean(begun))
    }

    /// Throws away everything queued or under way; a producer without transactions does it before it reads again.
    pub fn purge(&self) {
        self.handle.purge();
        self.handle.poll(Duration::ZERO);
        self.handle.signals().take_undelivered();
    }

    /// The newest error of the connection, for logs.
    pub fn last_error(&self) -> Option<String> {
        self.handle.signals().last_error()
    }
}
