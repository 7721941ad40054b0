//! When results are written.

use crate::operator::Processed;
use crate::record::{BytesColumn, Row, Rows, TimestampMs};
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
    /// Never by itself: the module makes the rows that are written.
    Own,
}

/// Results that do not wait for the commit, in the order in which they are written.
#[derive(Default)]
pub(crate) struct Emitted {
    keys: BytesColumn,
    accumulators: BytesColumn,
    timestamps: Vec<TimestampMs>,
    /// The rows of the batch that they are of; empty when they are of many.
    rows: Vec<u32>,
    /// Rows that a processor made, and those of the batch that they come from.
    pub(crate) made: Rows,
    pub(crate) made_of: Vec<u32>,
}

impl Emitted {
    /// Adds what a processor made; `values` are the timestamps of its values, `row_of` tells the batch's row of a
    /// value.
    pub(crate) fn make(&mut self, made: &Processed, values: &[TimestampMs], row_of: impl Fn(u32) -> u32) {
        for (i, &value) in made.source.iter().enumerate() {
            let (key, bytes) = (made.rows.key(i), made.rows.value(i));
            let timestamp = made.rows.timestamps.get(i).copied().unwrap_or(values[value as usize]);
            let row = Row { key, value: bytes, timestamp };
            self.made.push_with_headers(row, made.rows.headers(i));
            self.made_of.push(row_of(value));
        }
    }

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
        self.keys.is_empty() && self.made.is_empty()
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
        self.made.clear();
        self.made_of.clear();
    }
}
