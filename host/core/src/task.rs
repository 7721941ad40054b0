//! A task: one partition's work, with its positions and, when it reduces, its state.
//!
//! ```text
//! Restoring ──Restored──> Running        (a task without state is Running at once)
//! ```

use crate::process::Combiner;
use crate::record::{Offset, TopicPartition};
use crate::state::KeyedState;
use alloc::string::String;

/// One partition's work.
pub struct Task {
    /// The partition that it reads.
    pub source: TopicPartition,
    /// Its name, as in Kafka Streams: `0_3`.
    pub name: String,
    /// What it may do.
    pub phase: Phase,
    /// The next offset to process.
    pub position: Offset,
    /// What the group has committed, as far as this worker knows.
    pub committed: Committed,
    /// The open transaction has moved its position or its state.
    pub touched: bool,
    /// Its accumulators; none without a reduce.
    pub state: Option<KeyedState>,
    /// Where its rows are folded before they go to the repartition topic, if they are.
    pub(crate) combiner: Option<Combiner>,
    /// Its records wait until then, so that the others have their turn.
    pub(crate) set_back_until_ms: Option<u64>,
}

/// The life of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its changelog is being read; its records are not.
    Restoring,
    /// Its records are processed.
    Running,
}

/// A committed offset with its metadata; no offset: nothing is committed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Committed {
    /// The next offset to read after a restart.
    pub offset: Option<Offset>,
    /// What was committed with it.
    pub metadata: String,
}

impl Task {
    /// True while its records wait because others are to have their turn.
    pub(crate) fn is_set_back(&self) -> bool {
        self.set_back_until_ms.is_some()
    }

    /// The open transaction is committed.
    pub(crate) fn commit(&mut self, metadata: &str) {
        if !self.touched {
            return;
        }
        if let Some(state) = &mut self.state {
            state.commit();
        }
        if let Some(combiner) = &mut self.combiner {
            combiner.end_transaction();
        }
        self.committed = Committed { offset: Some(self.position), metadata: metadata.into() };
        self.touched = false;
    }

    /// The open transaction is aborted. Answers where to read on, if this task was part of it.
    pub(crate) fn abort(&mut self) -> Option<Offset> {
        if !self.touched {
            return None;
        }
        if let Some(state) = &mut self.state {
            state.abort();
        }
        if let Some(combiner) = &mut self.combiner {
            combiner.end_transaction();
        }
        self.touched = false;
        self.position = self.committed.offset?;
        Some(self.position)
    }
}
