//! Reads changelogs to their ends, committed records only, on a consumer of its own that is in no group and
//! commits nothing.

use super::client::Settings;
use super::consumer::{ask, entries_ok};
use super::cut::{Noted, cut_off};
use super::error::{Doing, sort};
use super::fetch::{Fetch, Found, Limits, misplaced};
use super::sys::{EARLIEST, Handle, Isolation, Kind, LATEST, PartitionList, list_offsets};
use host_core::error::{Stop, StopKind};
use host_core::event::{Epoch, Failure};
use host_core::record::{Offset, Rows, TopicPartition};
use rdkafka::ClientConfig;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bounds one question to a broker.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bounds one that a worker asks while it has better things to do.
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);
/// A changelog that gives nothing for this long before its end is given up.
const STALL_TIMEOUT: Duration = Duration::from_mins(1);

/// What a poll found.
#[derive(Debug, PartialEq, Eq)]
pub enum RestoreEvent {
    /// A piece of a changelog, in log order.
    Rows {
        /// As given to [`Restorer::start`].
        epoch: Epoch,
        /// As given to [`Restorer::start`].
        source: TopicPartition,
        /// Keys and framed accumulators.
        rows: Rows,
    },
    /// The changelog was read to its end.
    Done {
        /// As given to [`Restorer::start`].
        epoch: Epoch,
        /// As given to [`Restorer::start`].
        source: TopicPartition,
    },
}

/// What a changelog reaches from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The offset of the first record.
    pub start: Offset,
    /// The offset behind the last record that the reader may see, and what stands there.
    pub end: Offset,
    /// Of the leader that gave the end; -1: not known.
    pub leader_epoch: i32,
}

/// One changelog being read.
struct Reading {
    epoch: Epoch,
    source: TopicPartition,
    changelog: TopicPartition,
    position: Offset,
    end: Offset,
    progress: Instant,
}

/// Reads changelogs, several at a time.
pub struct Restorer {
    fetch: Fetch,
    readings: Vec<Reading>,
    ready: VecDeque<RestoreEvent>,
    /// What is assigned is not what is read any more.
    changed: bool,
    limits: Limits,
    config: ClientConfig,
    handle: Arc<Handle>,
}

impl Restorer {
    /// Connects in the background.
    ///
    /// # Errors
    /// A stop when the settings make no client.
    pub fn new(settings: &Settings, client_id: &str, limits: Limits) -> Result<Self, Failure> {
        let client_id = format!("restore-{client_id}");
        let config = settings.restorer(&client_id);
        let handle = Handle::new(Kind::Consumer, &config).map_err(|text| {
            Failure::Stop(Stop::new(StopKind::Kafka, format!("cannot make the consumer {client_id}: {text}")))
        })?;
        let handle = Arc::new(handle);
        let fetch = Fetch::new(Arc::clone(&handle));
        let (readings, ready) = (Vec::new(), VecDeque::new());
        Ok(Self { fetch, readings, ready, changed: false, limits, config, handle })
    }

    /// Whether `changelog` was cut off before an end that it once had, under that leader epoch, and has grown since.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn was_cut_off(
        &self,
        changelog: &TopicPartition,
        offset: Offset,
        leader_epoch: i32,
    ) -> Result<bool, Failure> {
        let noted = Noted { partition: changelog.clone(), offset, leader_epoch };
        Ok(!cut_off(self.config.clone(), vec![noted])?.is_empty())
    }

    /// The start of `changelog`, and the end that it has now for a reader of uncommitted records: markers of
    /// transactions whose offsets are committed may still be on their way to it.
    ///
    /// # Errors
    /// When they cannot be had.
    pub fn extent(&self, changelog: &TopicPartition) -> Result<Extent, Failure> {
        let (end, leader_epoch) = self.log_offset(changelog, LATEST)?;
        let (start, _) = self.log_offset(changelog, EARLIEST)?;
        Ok(Extent { start, end, leader_epoch })
    }

    /// That end and the leader's epoch, asked for once and not for long; none when there is no answer.
    pub fn end_now(&self, changelog: &TopicPartition) -> Option<(Offset, i32)> {
        let list = PartitionList::of(std::iter::once((changelog, LATEST)));
        let entries = list_offsets(&self.handle, &list, Isolation::Uncommitted, SHORT_TIMEOUT).ok()?;
        entries_ok(&entries).ok()?;
        entries.first().map(|entry| (entry.offset, entry.leader_epoch))
    }

    /// Starts reading `changelog` from `position` up to `end`.
    pub fn start(
        &mut self,
        epoch: Epoch,
        source: &TopicPartition,
        changelog: &TopicPartition,
        (position, end): (Offset, Offset),
    ) {
        let (source, changelog) = (source.clone(), changelog.clone());
        if position >= end {
            self.ready.push_back(RestoreEvent::Done { epoch, source });
            return;
        }
        tracing::debug!(%changelog, position, end, "restoring");
        self.readings.retain(|reading| reading.changelog != changelog);
        self.readings.push(Reading { epoch, source, changelog, position, end, progress: Instant::now() });
        self.changed = true;
    }

    fn log_offset(&self, changelog: &TopicPartition, which: Offset) -> Result<(Offset, i32), Failure> {
        let entries = ask(&format!("reading the end of {changelog}"), || {
            let list = PartitionList::of(std::iter::once((changelog, which)));
            let entries = list_offsets(&self.handle, &list, Isolation::Uncommitted, TRY_TIMEOUT)?;
            entries_ok(&entries)?;
            Ok(entries)
        })?;
        entries.first().map(|entry| (entry.offset, entry.leader_epoch)).ok_or_else(|| {
            Failure::Stop(Stop::new(StopKind::Kafka, format!("the broker gave no end of {changelog}")))
        })
    }

    /// Stops reading everything: the assignment is gone.
    pub fn stop(&mut self) {
        self.changed |= !self.readings.is_empty();
        self.readings.clear();
        self.ready.clear();
        self.fetch.forget_all();
    }

    /// True when there is nothing to read and nothing to tell.
    pub fn is_idle(&self) -> bool {
        self.readings.is_empty() && self.ready.is_empty()
    }

    /// Tasks whose changelog is not read to its end, and how many offsets are left of all of them.
    pub fn remaining(&self) -> (u64, u64) {
        let done = self.ready.iter().filter(|event| matches!(event, RestoreEvent::Done { .. })).count();
        let left = self.readings.iter().map(|reading| (reading.end - reading.position).max(0) as u64).sum();
        ((self.readings.len() + done) as u64, left)
    }

    /// Waits up to `timeout` for a piece of a changelog or its end.
    ///
    /// # Errors
    /// A stop when a changelog gives nothing for [`STALL_TIMEOUT`].
    pub fn poll(&mut self, timeout: Duration) -> Result<Option<RestoreEvent>, Failure> {
        if let Some(event) = self.ready.pop_front() {
            return Ok(Some(event));
        }
        if self.changed {
            self.assign()?;
        }
        if self.readings.is_empty() {
            return Ok(None);
        }
        match self.fetch.poll(timeout, self.limits)? {
            Found::Rows { source, offsets, rows, .. } => {
                let next = offsets.last().expect("a run has a record") + 1;
                if let Some((epoch, source)) = self.advance(&source, next) {
                    self.ready.push_front(RestoreEvent::Rows { epoch, source, rows });
                }
            }
            Found::End { source, position } => {
                self.advance(&source, position);
            }
            Found::Misplaced { source, fault } => return Err(misplaced(&source, &fault)),
            Found::Rebalance | Found::Nothing => {}
        }
        self.check_stalls()?;
        Ok(self.ready.pop_front())
    }

    /// Notes how far `changelog` was read. Whom that is for, unless nobody any more.
    fn advance(&mut self, changelog: &TopicPartition, position: Offset) -> Option<(Epoch, TopicPartition)> {
        let i = self.readings.iter().position(|reading| reading.changelog == *changelog)?;
        let reading = &mut self.readings[i];
        if position > reading.position {
            (reading.position, reading.progress) = (position, Instant::now());
        }
        let whom = (reading.epoch, reading.source.clone());
        if reading.position >= reading.end {
            let Reading { epoch, source, .. } = self.readings.remove(i);
            self.ready.push_back(RestoreEvent::Done { epoch, source });
            self.changed = true;
        }
        Some(whom)
    }

    /// Reads what is left, from where it was read to.
    fn assign(&mut self) -> Result<(), Failure> {
        self.fetch.forget_all();
        let list =
            PartitionList::of(self.readings.iter().map(|reading| (&reading.changelog, reading.position)));
        let partitions = (!self.readings.is_empty()).then_some(&list);
        self.handle.assign(partitions).map_err(|fault| sort(Doing::Read, "reading changelogs", &fault))?;
        self.changed = false;
        Ok(())
    }

    fn check_stalls(&self) -> Result<(), Failure> {
        let stalled = self.readings.iter().find(|reading| reading.progress.elapsed() > STALL_TIMEOUT);
        stalled.map_or(Ok(()), |Reading { changelog, position, end, .. }| {
            let text = format!(
                "restoring from {changelog} stands still at offset {position} before its end {end}: \
                 a transaction that is still open holds back its last stable offset\n\
                 find it with kafka-transactions --describe-producers, or wait for its timeout"
            );
            Err(Failure::Stop(Stop::new(StopKind::State, text)))
        })
    }
}
