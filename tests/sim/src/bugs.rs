//! Deliberate bugs: does the net catch fish? Each is a mistake that a shell, an operator or a disk could make; the
//! ordinary histories must catch each of them (`tests/bugs.rs`, listed in `tests/FAULTS.md`).

use host_core::effect::CommitOffset;
use host_core::record::{Offset, Rows, TopicPartition};
use host_model::log::Entry;
use host_model::{Kafka, Record};

/// A deliberate bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Offsets are committed on their own, not in the transaction.
    OffsetsOutsideTransaction,
    /// Dead letters are written on their own, not in the transaction.
    DeadLettersOutsideTransaction,
    /// After an abort reading goes on where it was.
    NoSeekAfterAbort,
    /// The machine hears "committed" before the commit.
    AppliedBeforeCommit,
    /// A commit that ended as an abort is taken for one that went well.
    AbortTakenForCommit,
    /// After a commit that was sent twice the producer goes on, and nothing fences the one that is still under way.
    ProducerKept,
    /// The offset of the last record is committed, and not the one behind it.
    OffsetOfLastRecord,
    /// Group metadata is read at commit, not at assignment.
    FreshGroupMetadata,
    /// A restore ends at the last stable offset.
    RestoreToLastStable,
    /// A restore ends at the last record, and not behind it.
    RestoreToLastRecord,
    /// A restore takes what was aborted too.
    RestoreUncommitted,
    /// A snapshot is begun while a transaction is open.
    SnapshotInTransaction,
    /// A snapshot's offset is the changelog's end when it is finished.
    SnapshotOffsetAtEnd,
    /// The rows of the snapshot before stand behind the offset of the newest.
    OldSnapshotGeneration,
    /// A module takes over in the middle of a transaction.
    SwapInTransaction,
    /// After a trap the instance goes on, with what it had half done in its memory.
    InstanceReused,
}

impl Bug {
    /// It needs snapshots; any other bug is to show by itself, and not by what a snapshot made of it.
    pub fn is_of_snapshots(self) -> bool {
        matches!(self, Self::SnapshotInTransaction | Self::SnapshotOffsetAtEnd | Self::OldSnapshotGeneration)
    }
}

/// Where a restore with this bug ends; none: where it should.
pub(crate) fn restore_end(bug: Option<Bug>, kafka: &Kafka, changelog: &TopicPartition) -> Option<Offset> {
    match bug? {
        Bug::RestoreToLastStable => Some(kafka.last_stable(changelog)),
        Bug::RestoreToLastRecord => Some(entries(kafka, changelog).last().map_or(0, |(offset, _)| offset)),
        _ => None,
    }
}

/// All that was ever written to a partition, committed or not.
pub(crate) fn uncommitted(kafka: &Kafka, at: &TopicPartition) -> Rows {
    let mut rows = Rows::new();
    for (_, record) in entries(kafka, at) {
        record.push_to(&mut rows);
    }
    rows
}

fn entries<'a>(kafka: &'a Kafka, at: &TopicPartition) -> impl Iterator<Item = (Offset, &'a Record)> {
    let log = kafka.log(at).expect("topics are created first");
    log.from(0).filter_map(|(offset, entry)| match entry {
        Entry::Data(_, record) => Some((offset, record)),
        Entry::Marker(_) => None,
    })
}

/// Writes rows outside of any transaction.
pub(crate) fn append(kafka: &mut Kafka, topic: &str, rows: &Rows) {
    for i in 0..rows.len() {
        kafka.append(&TopicPartition::new(topic, 0), Record::of_row(rows, i));
    }
}

/// The offsets of the last records themselves.
pub(crate) fn one_less(offsets: &[CommitOffset]) -> Vec<CommitOffset> {
    let less = |offset: &CommitOffset| CommitOffset { offset: (offset.offset - 1).max(0), ..offset.clone() };
    offsets.iter().map(less).collect()
}
