//! Reads one partition from its start to its end and on, committed records only, on a consumer of its own that
//! is in no group and commits nothing.

use super::client::Settings;
use super::consumer::{ask, entries_ok};
use super::error::{Doing, sort};
use super::fetch::{Fetch, Found, Limits, misplaced};
use super::sys::{EARLIEST, Handle, Isolation, Kind, LATEST, PartitionList, list_offsets};
use host_core::error::{Stop, StopKind};
use host_core::event::Failure;
use host_core::record::{Offset, Rows, TopicPartition};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bounds one question to a broker.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// Bounds reading to the end.
const CATCH_UP_TIMEOUT: Duration = Duration::from_mins(1);
/// One wait for records.
const STEP: Duration = Duration::from_millis(100);

/// A reader of one partition.
pub struct Tail {
    fetch: Fetch,
    handle: Arc<Handle>,
    partition: TopicPartition,
    position: Offset,
    limits: Limits,
}

impl Tail {
    /// Connects, and begins at the start of the log.
    ///
    /// # Errors
    /// When the settings make no client, or no broker says where the log begins.
    pub fn new(settings: &Settings, client_id: &str, partition: &TopicPartition) -> Result<Self, Failure> {
        let handle = Handle::new(Kind::Consumer, &settings.restorer(client_id)).map_err(|text| {
            Failure::Stop(Stop::new(StopKind::Kafka, format!("cannot make the consumer {client_id}: {text}")))
        })?;
        let handle = Arc::new(handle);
        let fetch = Fetch::new(Arc::clone(&handle));
        let limits = Limits { records_max: 1_000, bytes_max: 4 << 20 };
        let mut tail = Self { fetch, handle, partition: partition.clone(), position: 0, limits };
        tail.position = tail.log_offset(EARLIEST)?;
        let list = PartitionList::of(std::iter::once((&tail.partition, tail.position)));
        let assigned = tail.handle.assign(Some(&list));
        assigned.map_err(|fault| sort(Doing::Read, &format!("reading {partition}"), &fault))?;
        Ok(tail)
    }

    fn log_offset(&self, which: Offset) -> Result<Offset, Failure> {
        let what = format!("reading the end of {}", self.partition);
        let entries = ask(&what, || {
            let list = PartitionList::of(std::iter::once((&self.partition, which)));
            let entries = list_offsets(&self.handle, &list, Isolation::Committed, TRY_TIMEOUT)?;
            entries_ok(&entries)?;
            Ok(entries)
        })?;
        entries.first().map(|entry| entry.offset).ok_or_else(|| {
            Failure::Stop(Stop::new(StopKind::Kafka, format!("the broker gave no answer to {what}")))
        })
    }

    /// Reads up to the last stable offset of now.
    ///
    /// # Errors
    /// A stop when that takes longer than [`CATCH_UP_TIMEOUT`].
    pub fn catch_up(&mut self, mut take: impl FnMut(&Rows)) -> Result<(), Failure> {
        let end = self.log_offset(LATEST)?;
        let deadline = Instant::now() + CATCH_UP_TIMEOUT;
        while self.position < end {
            if let Some(rows) = self.poll(STEP)? {
                take(&rows);
            }
            if Instant::now() >= deadline {
                let Self { partition, position, .. } = self;
                let text = format!("{partition} stands still at offset {position} before its end {end}");
                return Err(Failure::Stop(Stop::new(StopKind::Kafka, text)));
            }
        }
        Ok(())
    }

    /// Waits up to `timeout` for records.
    ///
    /// # Errors
    /// As sorted.
    pub fn poll(&mut self, timeout: Duration) -> Result<Option<Rows>, Failure> {
        match self.fetch.poll(timeout, self.limits)? {
            Found::Rows { offsets, rows, .. } => {
                self.position = offsets.last().expect("a run has a record") + 1;
                Ok(Some(rows))
            }
            Found::End { position, .. } => {
                self.position = position;
                Ok(None)
            }
            Found::Misplaced { source, fault } => Err(misplaced(&source, &fault)),
            Found::Rebalance | Found::Nothing => Ok(None),
        }
    }
}
