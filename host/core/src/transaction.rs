//! The life of a worker's transaction.
//!
//! ```text
//!        begin            commit due            Committed
//! Idle ────────> Open ───────────────> Committing ────────> Idle
//!                 │ failure                │ abortable
//!                 └────────> Aborting <────┘
//!                               │ Aborted: overlays dropped, tasks go back to their committed offsets
//!                               └──────> Idle
//!        producer lost, or the outcome is not known: from any state
//! any ────────> Replacing ──ProducerReady──> Resolving ──Located──> Idle, as committed or as aborted
//! ```

use crate::effect::CommitOffset;
use crate::event::Start;
use crate::record::{Offset, TopicPartition};
use crate::task::{Committed, Task};
use alloc::string::String;
use alloc::vec::Vec;

/// Where a worker's transaction stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Transaction {
    /// None is open.
    Idle,
    /// Rows may be sent.
    Open {
        /// When it began, for the commit interval.
        began_ms: u64,
    },
    /// Its offsets and its commit are asked for.
    Committing(Vec<CommitOffset>),
    /// Its abort is asked for.
    Aborting {
        reason: String,
        /// What then.
        then: AfterAbort,
    },
    /// A new producer is asked for. With offsets: whether they were committed must be found out.
    Replacing(Vec<CommitOffset>),
    /// The committed offsets are asked for, to find out.
    Resolving(Vec<CommitOffset>),
}

/// What follows an abort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AfterAbort {
    /// The touched tasks go back to their committed offsets.
    GoOn,
    /// The group does not know this assignment any more: the tasks go too.
    Forget,
}

/// What the committed offsets say of a transaction whose outcome was unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is committed.
    Ours,
    /// The one before is the last.
    Before,
    /// Somebody else has committed, or nothing fits: only a restore is right.
    Other,
}

/// Compares what is committed with what was asked for and what was known before.
pub(crate) fn outcome(asked: &[CommitOffset], tasks: &[Task], starts: &[(TopicPartition, Start)]) -> Outcome {
    let mut verdict = None;
    for task in tasks {
        let found = starts.iter().find(|(source, _)| *source == task.source);
        let Some((_, start)) = found else { return Outcome::Other };
        let ours = asked.iter().find(|offset| offset.source == task.source);
        let this = match start {
            Start::Committed { offset, metadata } => committed(*offset, metadata, ours, &task.committed),
            Start::Reset { .. } if task.committed.offset.is_none() => Some(Outcome::Before),
            Start::Reset { .. } => None,
        };
        match (this, ours.is_some(), verdict) {
            (None, _, _) | (Some(Outcome::Ours), false, _) => return Outcome::Other,
            (Some(_), false, _) => {}
            (Some(this), true, None) => verdict = Some(this),
            (Some(this), true, Some(verdict)) if this == verdict => {}
            (Some(_), true, Some(_)) => return Outcome::Other,
        }
    }
    verdict.unwrap_or(Outcome::Before)
}

fn committed(
    offset: Offset,
    metadata: &str,
    ours: Option<&CommitOffset>,
    before: &Committed,
) -> Option<Outcome> {
    if ours.is_some_and(|ours| ours.offset == offset && ours.metadata == metadata) {
        return Some(Outcome::Ours);
    }
    (before.offset == Some(offset) && before.metadata == metadata).then_some(Outcome::Before)
}
