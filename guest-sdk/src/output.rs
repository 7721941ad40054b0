//! Where a transform puts its rows.

use crate::bindings::transformer::Transformed;
use crate::bindings::types::{BadRow, Columns, HeaderColumns};
use crate::bytes::{Bytes, cut_bits, pad_bits, set_bit};
use crate::cell::Cell;
use crate::record::{Headers, Record};

/// The output rows of a batch, in the order in which they are emitted.
#[derive(Debug)]
pub struct Output {
    data: Bytes,
    offsets: Vec<u32>,
    nulls: Vec<u8>,
    source: Vec<u32>,
    /// Timestamps that were set, with their rows; the others are their source's.
    timestamps: Vec<(usize, i64)>,
    headers: OutputHeaders,
    /// The input row that is being transformed.
    row: u32,
}

impl Output {
    pub(crate) fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(2 * rows + 1);
        offsets.push(0);
        Self {
            data: Bytes::with_capacity(bytes),
            offsets,
            nulls: Vec::new(),
            source: Vec::with_capacity(rows),
            timestamps: Vec::new(),
            headers: OutputHeaders::default(),
            row: 0,
        }
    }

    /// Writes a row. It has the timestamp of the record that it is made from, and no headers, unless they
    /// are set on the answer: `out.emit(key, value).timestamp(5).header("kind", "test")`.
    #[inline]
    pub fn emit(&mut self, key: impl Cell, value: impl Cell) -> Row<'_> {
        self.push_cell(key.cell());
        self.push_cell(value.cell());
        self.source.push(self.row);
        Row { output: self }
    }

    /// Writes the record as it is, with its headers.
    pub fn forward(&mut self, record: &Record<'_>) -> Row<'_> {
        self.emit(record.key, record.value).headers(record.headers)
    }

    #[inline]
    fn push_cell(&mut self, cell: Option<&[u8]>) {
        match cell {
            Some(bytes) => self.data.push(bytes),
            None => set_bit(&mut self.nulls, self.offsets.len() - 1),
        }
        self.offsets.push(self.data.len() as u32);
    }

    /// From here on rows are made from input row `row`.
    #[inline]
    pub(crate) fn begin(&mut self, row: u32) {
        self.row = row;
    }

    /// Takes back the rows made from the current input row.
    #[cold]
    pub(crate) fn withdraw(&mut self) {
        while self.source.last() == Some(&self.row) {
            self.source.pop();
        }
        let rows = self.source.len();
        self.offsets.truncate(2 * rows + 1);
        self.data.truncate(self.offsets[2 * rows] as usize);
        cut_bits(&mut self.nulls, 2 * rows);
        self.timestamps.retain(|(row, _)| *row < rows);
        self.headers.truncate(rows);
    }

    pub(crate) fn finish(mut self, source_timestamps: &[i64], bad: Vec<BadRow>) -> Transformed {
        let rows = self.source.len();
        pad_bits(&mut self.nulls, 2 * rows);
        let mut timestamps = Vec::new();
        if !self.timestamps.is_empty() {
            timestamps.extend(self.source.iter().map(|row| source_timestamps[*row as usize]));
            for (row, timestamp) in self.timestamps {
                timestamps[row] = timestamp;
            }
        }
        let rows = Columns {
            data: self.data.into_vec(),
            offsets: self.offsets,
            timestamps,
            nulls: self.nulls,
            headers: self.headers.finish(rows),
        };
        Transformed { rows, source: self.source, sinks: Vec::new(), bad }
    }
}

/// The row that was just emitted.
#[derive(Debug)]
pub struct Row<'a> {
    output: &'a mut Output,
}

#[expect(clippy::return_self_not_must_use, reason = "the row is already emitted; the calls only add to it")]
impl Row<'_> {
    /// Gives the row a timestamp of its own, in milliseconds since the Unix epoch.
    pub fn timestamp(self, timestamp: i64) -> Self {
        self.output.timestamps.push((self.output.source.len() - 1, timestamp));
        self
    }

    /// Adds a header.
    pub fn header(self, name: &str, value: impl Cell) -> Self {
        self.output.headers.push(self.output.source.len() - 1, name.as_bytes(), value.cell());
        self
    }

    /// Adds all these headers, usually those of the record.
    pub fn headers(self, headers: Headers<'_>) -> Self {
        for (name, value) in headers.iter() {
            self.output.headers.push(self.output.source.len() - 1, name, value);
        }
        self
    }
}

/// Header columns; rows at the end without a header have no entry in `ends` before `finish`.
#[derive(Debug, Default)]
struct OutputHeaders {
    ends: Vec<u32>,
    data: Bytes,
    /// Ends of name and value; the leading zero is added by `finish`.
    offsets: Vec<u32>,
    null_values: Vec<u8>,
}

impl OutputHeaders {
    fn count(&self) -> usize {
        self.offsets.len() / 2
    }

    fn push(&mut self, row: usize, name: &[u8], value: Option<&[u8]>) {
        let header = self.count();
        self.ends.resize((row + 1).max(self.ends.len()), header as u32);
        self.data.push(name);
        self.offsets.push(self.data.len() as u32);
        match value {
            Some(bytes) => self.data.push(bytes),
            None => set_bit(&mut self.null_values, header),
        }
        self.offsets.push(self.data.len() as u32);
        self.ends[row] = self.count() as u32;
    }

    fn truncate(&mut self, rows: usize) {
        self.ends.truncate(rows);
        let headers = self.ends.last().map_or(0, |end| *end as usize);
        self.offsets.truncate(2 * headers);
        self.data.truncate(self.offsets.last().map_or(0, |end| *end as usize));
        cut_bits(&mut self.null_values, headers);
    }

    fn finish(mut self, rows: usize) -> Option<HeaderColumns> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        self.ends.resize(rows, count as u32);
        self.offsets.insert(0, 0);
        pad_bits(&mut self.null_values, count);
        Some(HeaderColumns {
            ends: self.ends,
            data: self.data.into_vec(),
            offsets: self.offsets,
            null_values: self.null_values,
        })
    }
}
