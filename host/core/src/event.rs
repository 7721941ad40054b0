//! Everything that can happen to a worker, as one enum. The shell makes events; [`crate::Machine`] eats them.

use crate::error::{Stop, StopKind};
use crate::record::{Batch, Offset, Rows, TopicPartition};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// Counts the assignments of one worker, from 1. Whatever was read, located or restored under an
/// assignment carries its epoch; the shell keeps the group metadata captured at that assignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The group gave these partitions (all of them: the protocol is eager). Asks for
    /// [`Effect::Locate`](crate::Effect::Locate).
    Assigned {
        /// One more than the epoch before.
        epoch: Epoch,
        /// May be empty.
        partitions: Vec<TopicPartition>,
    },
    /// The group takes all partitions back and waits: what is open is committed first, then
    /// [`Effect::Unassign`](crate::Effect::Unassign) lets go.
    Revoked,
    /// The group has given all partitions to others already: what is open is aborted.
    Lost,
    /// Answer to `Locate`, one entry per partition asked for.
    Located {
        /// The epoch of the question.
        epoch: Epoch,
        /// In the order of the question.
        starts: Vec<(TopicPartition, Start)>,
    },
    /// A piece of a changelog, in log order: accumulator records of [`crate::changelog`].
    RestoreRows {
        /// The epoch of the question.
        epoch: Epoch,
        /// The partition whose task is being restored.
        source: TopicPartition,
        /// Keys and framed accumulators; a null value deletes the key.
        rows: Rows,
    },
    /// The changelog was read up to the end that it had after the offsets were located.
    Restored {
        /// The epoch of the question.
        epoch: Epoch,
        /// The partition whose task is restored.
        source: TopicPartition,
    },
    /// Rows were read.
    Batch(Batch),
    /// The log of `source` was read up to its end; `position` may lie past the last row, as control
    /// records take offsets too.
    PartitionEnd {
        /// The epoch under which it was read.
        epoch: Epoch,
        /// The partition.
        source: TopicPartition,
        /// The next offset to read.
        position: Offset,
    },
    /// Time passed. Sent at least every commit interval.
    Tick,
    /// Answer to `Commit`.
    Committed {
        /// False when the commit was slow or a connection broke meanwhile: a retried request of this
        /// transaction may still be under way, so the producer is replaced (its new epoch fences the stray).
        clean: bool,
    },
    /// Answer to `Abort`.
    Aborted,
    /// Answer to `NewProducer`: the transaction of the producer before is settled.
    ProducerReady,
    /// The last effect failed. Effects that the machine has queued behind it are dropped.
    Failed(Failure),
    /// Drain: commit what is open, let go, stop.
    Shutdown,
}

/// Where a partition is read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The group's stable committed offset.
    Committed {
        /// The next offset to read.
        offset: Offset,
        /// What was committed with it; empty when another program did.
        metadata: String,
    },
    /// Nothing is committed: the reset policy's answer. It is committed before anything is processed.
    Reset {
        /// The next offset to read.
        offset: Offset,
    },
}

/// Why an effect failed, sorted by what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Abort, go back to the committed offsets, try again (bounded).
    Abortable(String),
    /// The consumer may not be where it was told to be (a seek or an assignment failed): abort, then locate
    /// and restore all tasks of the assignment anew (bounded).
    Unplaced(String),
    /// The group no longer takes offsets of this assignment: abort, drop the tasks, wait for the group.
    Stale(String),
    /// The group has taken this member for another one of its name, and the consumer has joined anew: abort, drop the
    /// tasks, wait for the group.
    Evicted(String),
    /// The producer is fenced or broken, or the outcome of a commit is unknown: new producer, then look.
    ProducerLost(String),
    /// Stop the application.
    Stop(Stop),
}

impl Failure {
    /// The stop that it comes to where nothing is open that could be aborted, and nobody tries again.
    pub fn into_stop(self) -> Stop {
        match self {
            Self::Stop(stop) => stop,
            Self::Abortable(text)
            | Self::Unplaced(text)
            | Self::Stale(text)
            | Self::Evicted(text)
            | Self::ProducerLost(text) => Stop::new(StopKind::Kafka, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_nobody_handles_stops_with_its_own_text() {
        let stop = Stop::new(StopKind::NotAuthorised, "not allowed");
        assert_eq!(Failure::Stop(stop.clone()).into_stop(), stop);
        for failure in
            [Failure::Abortable, Failure::Unplaced, Failure::Stale, Failure::Evicted, Failure::ProducerLost]
        {
            assert_eq!(failure("why".into()).into_stop(), Stop::new(StopKind::Kafka, "why"));
        }
    }
}
