//! When results are written.

use crate::record::{BytesColumn, TimestampMs};
use alloc::vec::Vec;

/// How often a key that changes has a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emit {
    /// Once a commit.
    #[default]
    Commit,
    /// Once a batch. A batch whose faults are being isolated counts as several.
    Batch,
    /// After each record.
    Record,
}

/// Results that do not wait for the commit, in the order in which they are written.
#[derive(Default)]
pub(crate) struct Emitted {
    keys: BytesColumn,
    accumulators: BytesColumn,
    timestamps: Vec<TimestampMs>,
    /// The rows of the batch that they are of; empty when they are of many.
    rows: Vec<u32>,
}

impl Emitted {
    pub(crate) fn push(
        &mut self,
        key: &[u8],
        accumulator: Option<&[u8]>,
        timestamp: TimestampMs,
        row: Option<u32>,
    ) {
        self.keys.push(Some(key));
        self.accumulators.push(accumulator);
        self.timestamps.push(timestamp);
        self.rows.extend(row);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    pub(crate) fn row(&self, i: usize) -> Option<usize> {
        self.rows.get(i).map(|row| *row as usize)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>, TimestampMs)> {
        (0..self.timestamps.len())
            .map(|i| (self.keys.get(i).unwrap_or_default(), self.accumulators.get(i), self.timestamps[i]))
    }

    pub(crate) fn clear(&mut self) {
        self.keys.clear();
        self.accumulators.clear();
        self.timestamps.clear();
        self.rows.clear();
    }
}
