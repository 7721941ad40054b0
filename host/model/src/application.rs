//! What simulations ask of the model: one application with one group, records one by one, and requests that arrive
//! late.

use crate::group::{Group, Identity};
use crate::kafka::Kafka;
use crate::log::Entry;
use crate::record::Record;
use crate::transactions::Refused;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use host_core::effect::CommitOffset;
use host_core::record::{Offset, TopicPartition};

/// The one group of a simulated application.
const GROUP: &str = "application";

impl Kafka<Record> {
    /// The group of the application.
    pub fn group(&mut self) -> &mut Group {
        self.group_named(GROUP)
    }

    /// Reads committed records from `position` up to `limit` of them, below the last stable offset. Answers
    /// the next position too, which may have passed markers and aborted records.
    pub fn fetch(
        &self,
        at: &TopicPartition,
        position: Offset,
        limit: usize,
    ) -> (Vec<(Offset, &Record)>, Offset) {
        let log = &self.logs[at];
        let stable = log.last_stable();
        let mut out = Vec::new();
        let mut next = position;
        for (offset, entry) in log.from(position) {
            if offset >= stable || out.len() >= limit {
                break;
            }
            if let Entry::Data(no, record) = entry
                && self.is_committed(*no)
            {
                out.push((offset, record));
            }
            next = offset + 1;
        }
        (out, next)
    }

    /// All committed records of a topic, partition by partition: what a `read_committed` reader sees, once
    /// the transactions that are open today have ended.
    pub fn read_all(&self, topic: &str) -> Vec<(TopicPartition, Offset, Record)> {
        let mut out = Vec::new();
        for at in self.of_topic(topic) {
            for (offset, entry) in self.logs[at].from(0) {
                if let Entry::Data(no, record) = entry
                    && self.is_committed(*no)
                {
                    out.push((at.clone(), offset, record.clone()));
                }
            }
        }
        out
    }

    /// Adds offsets to the producer's transaction.
    ///
    /// # Errors
    /// `Fenced`, `Stale`, or `Later`.
    pub fn send_offsets(
        &mut self,
        id: &str,
        epoch: u32,
        member: Identity,
        offsets: &[CommitOffset],
    ) -> Result<(), Refused> {
        self.send_offsets_of((id, epoch), GROUP, member, offsets.iter().cloned())
    }

    /// An end request was repeated; the first one arrives at some later time.
    pub fn stray(&mut self, id: &str, epoch: u32, commit: bool) {
        self.strays.push((id.to_string(), epoch, commit));
    }

    /// A stray end request arrives: without transactions v2 it ends whatever this epoch has open.
    pub fn deliver_stray(&mut self) -> bool {
        let Some((id, epoch, commit)) = self.strays.pop() else { return false };
        if self.is_open(&id) {
            let _ = self.end_transaction(&id, epoch, commit);
        }
        true
    }

    /// Commits offsets outside any transaction (what a broken shell would do).
    pub fn commit(&mut self, offsets: Vec<CommitOffset>) {
        self.group().commit(offsets);
    }

    /// The committed offset of a partition, whatever is under way.
    pub fn last_committed(&self, at: &TopicPartition) -> Offset {
        self.find_group(GROUP).and_then(|group| group.committed(at)).map_or(0, |(offset, _)| *offset)
    }

    /// The stable committed offset of a partition.
    ///
    /// # Errors
    /// `Later` while a transaction holds an offset of it.
    pub fn committed(&self, at: &TopicPartition) -> Result<Option<(Offset, String)>, Refused> {
        self.committed_of(GROUP, at)
    }
}
