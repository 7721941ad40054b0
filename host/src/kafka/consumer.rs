//! A worker's member of the group. It reads and says what the group wants; it lets go of and takes partitions
//! only when told to.

mod anew;
mod place;
mod start;
mod trail;

use super::client::Settings;
use super::error::{Doing, Fault, is_passing, of_consumer, sort};
use super::fetch::{Fetch, Found, Limits};
use super::known::KnownTopics;
use super::sys::{Entry, GroupMetadata, Handle, Kind, PartitionList, Rebalanced};
use host_core::effect::{Assignment, CommitOffset};
use host_core::error::{Stop, StopKind};
use host_core::event::{Epoch, Failure};
use host_core::record::{Batch, Offset, TopicPartition};
pub(super) use place::place;
use rdkafka::ClientConfig;
use rdkafka::bindings::rd_kafka_resp_err_t as Code;
use std::sync::Arc;
use std::time::{Duration, Instant};
use trail::Trail;

/// Bounds a question to the brokers, retries included.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(30);
/// Bounds one try of a question.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two tries.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// Bounds leaving the group.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// What one poll found.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one a poll, moved once; a box would be one more allocation a batch"
)]
pub enum Polled {
    /// Records of one partition.
    Batch(Batch),
    /// A log was read to its end.
    PartitionEnd {
        /// The assignment under which it was read.
        epoch: Epoch,
        /// The partition.
        source: TopicPartition,
        /// The next offset to read.
        position: Offset,
    },
    /// The group gives partitions: [`Consumer::assign`] is owed.
    Assigned {
        /// The new assignment's.
        epoch: Epoch,
        /// All of them.
        partitions: Vec<TopicPartition>,
    },
    /// The group takes all partitions back and waits: [`Consumer::unassign`] is owed.
    Revoked,
    /// The partitions are others' already: [`Consumer::unassign`] is owed.
    Lost,
    /// Nothing within the timeout.
    Idle,
}

/// Where a partition is read from when nothing is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// From the oldest record.
    Earliest,
    /// From the next record.
    Latest,
    /// Not at all: stop.
    None,
    /// From this offset.
    Offset(Offset),
    /// From the first record with this timestamp or a later one.
    Time(i64),
}

/// A member of the group.
pub struct Consumer {
    config: ClientConfig,
    /// For a client that only looks at logs.
    reader: ClientConfig,
    group: String,
    topics: Vec<String>,
    fetch: Fetch,
    epoch: Epoch,
    metadata: Option<GroupMetadata>,
    owes: Owes,
    /// The next assignment is waited for, since then.
    joins_since: Option<Instant>,
    handle: Arc<Handle>,
    known_topics: KnownTopics,
    trail: Trail,
    /// Taken for another one of its name so soon after it joined again, there is another one.
    session_timeout: Duration,
    joined_again: Option<Instant>,
}

/// What the group waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owes {
    Nothing,
    Assign,
    Unassign,
}

impl Consumer {
    /// Connects in the background, and joins the group.
    ///
    /// # Errors
    /// A stop when the settings make no client, or the names of the topics are not accepted.
    pub fn new(
        settings: &Settings,
        client_id: &str,
        instance_id: Option<&str>,
        topics: Vec<String>,
    ) -> Result<Self, Failure> {
        let config = settings.consumer(client_id, instance_id);
        let handle = Handle::new(Kind::Consumer, &config).map_err(|text| {
            Failure::Stop(Stop::new(
                StopKind::Kafka,
                format!("cannot make the consumer of worker {client_id}: {text}"),
            ))
        })?;
        let handle = Arc::new(handle);
        let fetch = Fetch::new(Arc::clone(&handle));
        subscribe(&handle, &topics)?;
        Ok(Self {
            config,
            reader: settings.restorer(client_id),
            group: settings.application_id.clone(),
            topics,
            fetch,
            epoch: Epoch(0),
            metadata: None,
            owes: Owes::Nothing,
            joins_since: Some(Instant::now()),
            handle,
            known_topics: settings.known_topics.clone(),
            trail: Trail::default(),
            session_timeout: settings.session_timeout(),
            joined_again: None,
        })
    }

    /// Waits up to `timeout` for something to happen. Must be called often, whatever is read, for the group to
    /// keep this member (`max.poll.interval.ms`).
    ///
    /// # Errors
    /// A failure that does not pass by itself.
    pub fn poll(&mut self, timeout: Duration, limits: Limits) -> Result<Polled, Failure> {
        let epoch = self.epoch;
        Ok(match self.fetch.poll(timeout, limits)? {
            Found::Rows { source, offsets, rows, leader_epoch } => {
                if let (Some(first), Some(last)) = (offsets.first(), offsets.last()) {
                    self.trail.read(&source, *first, *last, leader_epoch);
                }
                Polled::Batch(Batch { source, epoch, offsets, rows })
            }
            Found::End { source, position } => {
                self.trail.went_on(&source);
                Polled::PartitionEnd { epoch, source, position }
            }
            Found::Misplaced { source, fault } => return Err(self.misplaced(&source, &fault)),
            Found::Nothing => self.idle()?,
            Found::Rebalance => self.rebalance(),
        })
    }

    /// A consumer that is broken for good stays silent: what broke it may have been said while nobody polled.
    fn idle(&mut self) -> Result<Polled, Failure> {
        if let Some(since) = self.joins_since {
            self.handle.nudge();
            self.join_again_without_brokers(since)?;
        }
        let broken = self.handle.fatal().and_then(|fault| of_consumer("reading", &fault));
        broken.map_or(Ok(Polled::Idle), Err)
    }

    /// What ended the client for good, if anything did: whatever fails then fails because of it.
    fn worst(&self, fault: Fault) -> Fault {
        self.handle.fatal().unwrap_or(fault)
    }

    /// Takes the buffers of a batch that is done with, so that the next one needs none.
    pub fn reuse(&mut self, batch: Batch) {
        self.fetch.reuse(batch.offsets, batch.rows);
    }

    fn rebalance(&mut self) -> Polled {
        self.fetch.forget_all();
        match self.handle.signals().take_rebalance() {
            None => Polled::Idle,
            Some(Rebalanced::Assigned { partitions, metadata }) => {
                self.epoch = Epoch(self.epoch.0 + 1);
                self.metadata = metadata;
                self.owes = Owes::Assign;
                self.joins_since = None;
                Polled::Assigned { epoch: self.epoch, partitions }
            }
            Some(Rebalanced::Revoked) => {
                self.owes = Owes::Unassign;
                Polled::Revoked
            }
            Some(Rebalanced::Lost) => {
                self.owes = Owes::Unassign;
                Polled::Lost
            }
        }
    }

    /// The newest assignment's epoch; zero before the first.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The group metadata captured when `epoch` was assigned.
    ///
    /// # Errors
    /// Stale for any other epoch, and when the metadata would not fence us.
    pub fn group_metadata(&self, epoch: Epoch) -> Result<&GroupMetadata, Failure> {
        let metadata = self.metadata.as_ref().filter(|metadata| epoch == self.epoch && metadata.fences());
        metadata.ok_or_else(|| {
            Failure::Stale(format!("no usable membership for assignment {epoch} of the group"))
        })
    }

    /// Reads these partitions from these offsets, and no others; forgets what was fetched ahead.
    ///
    /// # Errors
    /// As librdkafka says.
    pub fn assign(&mut self, starts: &[Assignment]) -> Result<(), Failure> {
        let list = PartitionList::of(starts.iter().map(|start| (&start.source, start.offset)));
        self.fetch.forget_all();
        self.owes = Owes::Nothing;
        let sort = |fault| sort(Doing::Read, "taking the assigned partitions", &self.worst(fault));
        self.handle.assign(Some(&list)).map_err(sort)?;
        // A pause outlives an assignment, so what is not to be paused is resumed.
        let (paused, flowing): (Vec<_>, Vec<_>) = starts.iter().partition(|start| start.paused);
        for (starts, pause) in [(paused, true), (flowing, false)] {
            if starts.is_empty() {
                continue;
            }
            let list = PartitionList::of(starts.iter().map(|start| (&start.source, start.offset)));
            if pause { self.handle.pause(&list) } else { self.handle.resume(&list) }.map_err(sort)?;
            first_error(&list).map_err(sort)?;
        }
        Ok(())
    }

    /// Lets go of all partitions; the group goes on.
    ///
    /// # Errors
    /// As librdkafka says.
    pub fn unassign(&mut self) -> Result<(), Failure> {
        self.fetch.forget_all();
        self.owes = Owes::Nothing;
        self.joins_since = Some(Instant::now());
        self.handle.assign(None).map_err(|fault| sort(Doing::Read, "letting go of all partitions", &fault))
    }

    /// The end of a partition's log as the last fetch saw it, open transactions included; asks nobody.
    pub fn cached_end(&self, source: &TopicPartition) -> Option<Offset> {
        self.handle.cached_end(source)
    }

    /// The leader epoch that `offset` is committed with; -1: not known.
    pub fn leader_epoch(&self, source: &TopicPartition, offset: Offset) -> i32 {
        self.trail.leader_epoch(source, offset).unwrap_or(-1)
    }

    /// Commits offsets without a transaction, and waits for the answer.
    ///
    /// # Errors
    /// Stale when `epoch` is not the newest assignment, or the group refuses.
    pub fn commit(&self, epoch: Epoch, offsets: &[CommitOffset]) -> Result<(), Failure> {
        self.group_metadata(epoch)?;
        let mut list = PartitionList::new();
        for CommitOffset { source, offset, metadata } in offsets {
            let metadata = self.known_topics.mark(source, metadata);
            list.add_with_metadata(source, *offset, self.leader_epoch(source, *offset), &metadata);
        }
        let done = self.handle.commit(&list).and_then(|()| first_error(&list));
        done.map_err(|fault| sort(Doing::CommitOffsets, "committing offsets", &fault))
    }

    /// Leaves the group (a static member stays until its session ends, and finds its partitions again), within
    /// [`CLOSE_TIMEOUT`]. What was not committed before is read again by the next owner.
    pub fn close(mut self) {
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        self.fetch.forget_all();
        if self.owes != Owes::Nothing || self.handle.signals().take_rebalance().is_some() {
            let_go(&self.handle);
        }
        self.handle.close(|handle| {
            while handle.signals().take_rebalance().is_some() {
                let_go(handle);
            }
            Instant::now() < deadline
        });
        if Instant::now() >= deadline {
            tracing::warn!("the group did not let go within {CLOSE_TIMEOUT:?}; leaving without its word");
        }
    }
}

/// Joins the group. Only exact names.
fn subscribe(handle: &Handle, topics: &[String]) -> Result<(), Failure> {
    handle
        .subscribe(&PartitionList::of_topics(topics))
        .map_err(|fault| sort(Doing::Read, &format!("subscribing to {topics:?}"), &fault))
}

fn let_go(handle: &Handle) {
    if let Err(fault) = handle.assign(None) {
        tracing::warn!(error = fault.text, "letting go of the partitions failed while closing");
    }
}

/// The stable committed offsets of the client's group, in the order of the question.
pub(super) fn committed(
    handle: &Handle,
    group: &str,
    partitions: &[TopicPartition],
) -> Result<Vec<Option<Entry>>, Failure> {
    if partitions.is_empty() {
        return Ok(Vec::new());
    }
    let entries = ask(&format!("reading the committed offsets of group \"{group}\""), || {
        let list = PartitionList::of(partitions.iter().map(|partition| (partition, 0)));
        let asked = handle.committed(&list, TRY_TIMEOUT).and_then(|()| first_error(&list));
        // A client that is broken for good times out, and would again.
        asked.map_err(|fault| handle.fatal().unwrap_or(fault))?;
        Ok(list.entries())
    });
    let entries = entries.map_err(held_back)?;
    let found = in_order(partitions, &entries)?.into_iter();
    Ok(found.map(|entry| (entry.offset >= 0).then_some(entry)).collect())
}

/// What has not passed within [`QUESTION_TIMEOUT`] may never do so.
fn held_back(failure: Failure) -> Failure {
    match failure {
        Failure::Abortable(text) => Failure::Abortable(format!(
            "{text}\nif the brokers are well, an open transaction holds committed offsets back, until its timeout; one \
             that hangs, for ever: kafka-transactions.sh find-hanging names it, and abort ends it"
        )),
        failure => failure,
    }
}

/// Repeats a question while its error passes.
pub(super) fn ask<T>(what: &str, mut question: impl FnMut() -> Result<T, Fault>) -> Result<T, Failure> {
    let deadline = Instant::now() + QUESTION_TIMEOUT;
    loop {
        match question() {
            Ok(answer) => return Ok(answer),
            Err(fault) if is_passing(fault.code) && Instant::now() < deadline => {
                std::thread::sleep(RETRY_PAUSE);
            }
            Err(fault) => return Err(sort(Doing::Read, what, &fault)),
        }
    }
}

/// The first partition's error of a list.
pub(super) fn first_error(list: &PartitionList) -> Result<(), Fault> {
    entries_ok(&list.entries())
}

/// The first partition's error.
pub(super) fn entries_ok(entries: &[Entry]) -> Result<(), Fault> {
    let bad = entries.iter().find(|entry| entry.code != Code::RD_KAFKA_RESP_ERR_NO_ERROR);
    bad.map_or(Ok(()), |entry| {
        let fault = Fault::of(entry.code);
        Err(Fault { text: format!("{}: {}", entry.partition, fault.text), ..fault })
    })
}

/// Answers come in any order; these are put into the question's.
pub(super) fn in_order(partitions: &[TopicPartition], entries: &[Entry]) -> Result<Vec<Entry>, Failure> {
    let find = |wanted: &TopicPartition| {
        entries.iter().find(|entry| entry.partition == *wanted).cloned().ok_or_else(|| {
            let text = format!("the broker gave no answer for {wanted}");
            Failure::Stop(Stop::new(StopKind::Kafka, text))
        })
    };
    partitions.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_that_are_held_back_name_the_tool_that_finds_by_what() {
        let Failure::Abortable(text) = held_back(Failure::Abortable("timed out".to_owned())) else {
            panic!("it is tried again")
        };
        assert!(
            text.starts_with("timed out\n") && text.contains("kafka-transactions.sh find-hanging"),
            "{text}"
        );
        let stop = Failure::Stop(Stop::new(StopKind::Kafka, "gone"));
        assert_eq!(held_back(stop.clone()), stop);
    }
}
