//! Everything that can be asked of the world, as one enum. [`crate::Machine`] asks; the shell performs, in order.

use crate::error::Stop;
use crate::event::Epoch;
use crate::record::{Offset, Rows, TopicPartition};
use alloc::string::String;
use alloc::vec::Vec;

/// Something asked of the world.
///
/// The shell performs effects one at a time, in order. Where a variant names an answer, the shell feeds
/// that event, or [`Event::Failed`](crate::Event::Failed), to the machine before it asks for the next effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Read the group's stable committed offsets, and where there are none the offset of the reset policy.
    /// Answer: [`Event::Located`](crate::Event::Located).
    Locate {
        /// To be repeated in the answer.
        epoch: Epoch,
        /// All partitions of the assignment.
        partitions: Vec<TopicPartition>,
    },
    /// Read these partitions from these offsets, and no others.
    Assign {
        /// The assignment that this belongs to.
        epoch: Epoch,
        /// In the order of the assignment.
        starts: Vec<Assignment>,
    },
    /// Read the changelog of this partition's task from its start to the end that a read-uncommitted
    /// client sees *now*, committed records only. A restore of the same partition that is under way ends.
    /// Answers, later: [`Event::RestoreRows`](crate::Event::RestoreRows) and at last
    /// [`Event::Restored`](crate::Event::Restored).
    Restore {
        /// To be repeated in the answers.
        epoch: Epoch,
        /// The partition whose task is restored.
        source: TopicPartition,
        /// Where its accumulators were written.
        changelog: TopicPartition,
    },
    /// Read on from `offset`: what was fetched ahead is thrown away, a paused partition is resumed.
    Seek {
        /// The partition.
        source: TopicPartition,
        /// The next offset to read.
        offset: Offset,
    },
    /// Read nothing of this partition until [`Effect::Seek`] or the next [`Effect::Assign`].
    Pause {
        /// The partition.
        source: TopicPartition,
    },
    /// Begin a transaction.
    Begin,
    /// Hand rows to the producer, inside the open transaction.
    Send(Outgoing),
    /// Add the offsets to the open transaction, with the group metadata captured at `epoch` and no other.
    SendOffsets {
        /// The assignment under which the rows were read.
        epoch: Epoch,
        /// The touched partitions.
        offsets: Vec<CommitOffset>,
    },
    /// Commit the open transaction. Answer: [`Event::Committed`](crate::Event::Committed).
    Commit,
    /// Abort the open transaction, if one was begun. Answer: [`Event::Aborted`](crate::Event::Aborted).
    Abort,
    /// Throw the producer away and make a new one with the same transactional id, which settles whatever
    /// was open. Answer: [`Event::ProducerReady`](crate::Event::ProducerReady).
    NewProducer,
    /// Let go of all partitions; the group goes on.
    Unassign,
    /// Something to count and log.
    Report(Report),
    /// The machine has ended; nothing follows. None: drained, as asked.
    Stop(Option<Stop>),
}

/// One partition of [`Effect::Assign`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The partition.
    pub source: TopicPartition,
    /// The next offset to read.
    pub offset: Offset,
    /// Read nothing until [`Effect::Seek`]: its task is being restored.
    pub paused: bool,
}

/// One partition of [`Effect::SendOffsets`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitOffset {
    /// The partition.
    pub source: TopicPartition,
    /// The next offset to read.
    pub offset: Offset,
    /// See [`crate::metadata`].
    pub metadata: String,
}

/// Rows for one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// Which topic.
    pub target: Target,
    /// In the order in which they are written.
    pub rows: Rows,
}

/// Where [`Outgoing`] rows go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The output topic; placed by the key's murmur2 hash as Java clients do, null keys anywhere.
    Output,
    /// The repartition topic; placed by the key's murmur2 hash.
    Repartition,
    /// This partition of the changelog topic.
    Changelog(u32),
    /// The dead-letter topic; placed as in the output.
    DeadLetter,
}

/// Something to count and log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// A record that does not reach the result.
    Record {
        /// Where it was read first: the input, also behind a repartition topic.
        source: TopicPartition,
        /// Its offset there.
        offset: Offset,
        /// Why.
        cause: Cause,
        /// What the guest or the runtime says.
        reason: String,
        /// True: it went to the dead-letter topic; false: it was skipped.
        dead_letter: bool,
    },
    /// A call faulted and is being isolated.
    Fault {
        /// The partition of the batch.
        source: TopicPartition,
        /// First and last offset of the batch.
        offsets: (Offset, Offset),
        /// What happened.
        fault: crate::operator::Fault,
    },
    /// A task has started: its state is there and its records flow.
    TaskStarted {
        /// Its partition.
        source: TopicPartition,
        /// Where it reads on.
        offset: Offset,
        /// Keys in its state.
        keys: usize,
        /// Its state was still here from before a rebalance.
        kept: bool,
        /// The module that committed here last, when it is another one.
        module_before: Option<String>,
    },
    /// The user said that equal keys share a partition, and here one does not lie where Kafka's clients
    /// would have put it. Said once.
    Misplaced {
        /// Where the row was read.
        source: TopicPartition,
        /// Its offset there.
        offset: Offset,
        /// The partition of its key.
        expected: u32,
    },
    /// Rows were folded before they were shuffled.
    Combined {
        /// So many rows ...
        rows: u64,
        /// ... became so many records of the repartition topic.
        partials: u64,
    },
    /// A transaction was aborted and its records are read again.
    Aborted {
        /// Why.
        reason: String,
    },
    /// The producer is being replaced.
    ProducerReplaced {
        /// Why.
        reason: String,
    },
}

/// Why a record does not reach the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The guest refused it.
    Rejected,
    /// The guest faulted on it.
    Fault(crate::operator::FaultKind),
    /// A reduce cannot take a null key.
    NullKey,
    /// A reduce cannot take a null value.
    NullValue,
    /// The output row is larger than `output_record_bytes_max`.
    TooLarge,
}

impl Cause {
    /// The word for logs, metrics and the `__streams.errors.exception` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Fault(kind) => kind.as_str(),
            Self::NullKey => "null-key",
            Self::NullValue => "null-value",
            Self::TooLarge => "too-large",
        }
    }
}
