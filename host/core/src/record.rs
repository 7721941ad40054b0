//! Records in columns: the shape in which rows are read, handed to operators and written.
//!
//! The layouts are those of the WIT package (`wit/types.wit`), so that an operator receives them as they
//! are. Everything here is plain data; answers of guests are validated in [`crate::check`].

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// An offset in a partition's log, or a position (the next offset to read).
pub type Offset = i64;
/// Milliseconds since the Unix epoch.
pub type TimestampMs = i64;

/// One partition of one topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicPartition {
    /// The topic's name.
    pub topic: String,
    /// The partition's number.
    pub partition: u32,
}

impl TopicPartition {
    /// The partition `partition` of `topic`.
    pub fn new(topic: impl Into<String>, partition: u32) -> Self {
        Self { topic: topic.into(), partition }
    }
}

impl fmt::Display for TopicPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.topic, self.partition)
    }
}

/// n byte strings, each of which may be null. Layout as `bytes-column` in `wit/types.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BytesColumn {
    /// The bytes of all strings.
    pub data: Vec<u8>,
    /// n + 1 positions in `data`, never falling.
    pub offsets: Vec<u32>,
    /// One bit per string, or empty when none is null.
    pub nulls: Vec<u8>,
}

impl Default for BytesColumn {
    fn default() -> Self {
        Self::new()
    }
}

impl BytesColumn {
    /// A column with no strings.
    pub fn new() -> Self {
        Self { data: Vec::new(), offsets: alloc::vec![0], nulls: Vec::new() }
    }

    /// The number of strings.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// True without any string.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// String `i`, or none when it is null.
    ///
    /// # Panics
    /// When `i` is out of range: columns are checked before they get here.
    pub fn get(&self, i: usize) -> Option<&[u8]> {
        if bit(&self.nulls, i) {
            return None;
        }
        Some(span(&self.data, &self.offsets, i))
    }

    /// Appends a string or a null.
    pub fn push(&mut self, value: Option<&[u8]>) {
        let row = self.len();
        match value {
            Some(bytes) => self.data.extend_from_slice(bytes),
            None => set_bit(&mut self.nulls, row),
        }
        if !self.nulls.is_empty() {
            self.nulls.resize((row + 1).div_ceil(8), 0);
        }
        self.offsets.push(position(self.data.len()));
    }

    /// Removes all strings and keeps the buffers.
    pub fn clear(&mut self) {
        self.data.clear();
        self.offsets.truncate(1);
        self.nulls.clear();
    }
}

/// Headers of n rows. Layout as `header-columns` in `wit/types.wit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderColumns {
    /// One per row: where its headers end.
    pub ends: Vec<u32>,
    /// The bytes of all names and values.
    pub data: Vec<u8>,
    /// 2m + 1 positions in `data` for m headers.
    pub offsets: Vec<u32>,
    /// One bit per header, "value is null", or empty.
    pub null_values: Vec<u8>,
}

impl HeaderColumns {
    /// Headers of `rows` rows that have none.
    pub fn none_for(rows: usize) -> Self {
        Self { ends: alloc::vec![0; rows], offsets: alloc::vec![0], ..Self::default() }
    }

    /// The number of headers of all rows.
    pub fn len(&self) -> usize {
        self.offsets.len().saturating_sub(1) / 2
    }

    /// True when no row has a header.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The headers of row `i` as (name, value), in the record's order.
    pub fn row(&self, i: usize) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let from = if i == 0 { 0 } else { self.ends[i - 1] as usize };
        (from..self.ends[i] as usize).map(|j| {
            let value = (!bit(&self.null_values, j)).then(|| span(&self.data, &self.offsets, 2 * j + 1));
            (span(&self.data, &self.offsets, 2 * j), value)
        })
    }

    /// Appends a row with these headers.
    pub fn push_row<'a>(&mut self, headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>) {
        for (name, value) in headers {
            let header = self.len();
            self.data.extend_from_slice(name);
            self.offsets.push(position(self.data.len()));
            match value {
                Some(bytes) => self.data.extend_from_slice(bytes),
                None => set_bit(&mut self.null_values, header),
            }
            self.offsets.push(position(self.data.len()));
            if !self.null_values.is_empty() {
                self.null_values.resize((header + 1).div_ceil(8), 0);
            }
        }
        self.ends.push(position(self.len()));
    }
}

/// n rows: keys, values, timestamps and headers. Layout as `columns` in `wit/types.wit`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The bytes of all keys and values.
    pub data: Vec<u8>,
    /// 2n + 1 positions in `data`, never falling: key, value, key, value, …
    pub offsets: Vec<u32>,
    /// One per row.
    pub timestamps: Vec<TimestampMs>,
    /// Two bits per row (key, value), or empty when nothing is null.
    pub nulls: Vec<u8>,
    /// Absent when no row has a header.
    pub headers: Option<HeaderColumns>,
}

impl Default for Rows {
    fn default() -> Self {
        Self::new()
    }
}

/// One row, borrowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// None: the key is null (an empty key is not).
    pub key: Option<&'a [u8]>,
    /// None: the value is null.
    pub value: Option<&'a [u8]>,
    /// The record's timestamp.
    pub timestamp: TimestampMs,
}

impl Rows {
    /// No rows.
    pub fn new() -> Self {
        Self {
            data: Vec::new(),
            offsets: alloc::vec![0],
            timestamps: Vec::new(),
            nulls: Vec::new(),
            headers: None,
        }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.offsets.len() / 2
    }

    /// True without any row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Row `i`.
    ///
    /// # Panics
    /// When `i` is out of range: columns are checked before they get here.
    pub fn row(&self, i: usize) -> Row<'_> {
        Row { key: self.key(i), value: self.value(i), timestamp: self.timestamps[i] }
    }

    /// The key of row `i`, or none when it is null.
    pub fn key(&self, i: usize) -> Option<&[u8]> {
        (!bit(&self.nulls, 2 * i)).then(|| span(&self.data, &self.offsets, 2 * i))
    }

    /// The value of row `i`, or none when it is null.
    pub fn value(&self, i: usize) -> Option<&[u8]> {
        (!bit(&self.nulls, 2 * i + 1)).then(|| span(&self.data, &self.offsets, 2 * i + 1))
    }

    /// The headers of row `i`, in the record's order.
    pub fn headers(&self, i: usize) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.headers.iter().flat_map(move |headers| headers.row(i))
    }

    /// Appends a row without headers.
    pub fn push(&mut self, row: Row<'_>) {
        self.push_with_headers(row, core::iter::empty());
    }

    /// Appends a row with headers.
    pub fn push_with_headers<'a>(
        &mut self,
        row: Row<'_>,
        headers: impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>,
    ) {
        let n = self.len();
        for (bit, cell) in [row.key, row.value].into_iter().enumerate() {
            match cell {
                Some(bytes) => self.data.extend_from_slice(bytes),
                None => set_bit(&mut self.nulls, 2 * n + bit),
            }
            self.offsets.push(position(self.data.len()));
        }
        if !self.nulls.is_empty() {
            self.nulls.resize((2 * (n + 1)).div_ceil(8), 0);
        }
        self.timestamps.push(row.timestamp);
        let mut headers = headers.peekable();
        if headers.peek().is_some() && self.headers.is_none() {
            self.headers = Some(HeaderColumns::none_for(n));
        }
        if let Some(columns) = &mut self.headers {
            columns.push_row(headers);
        }
    }

    /// Removes all rows and keeps the buffers.
    pub fn clear(&mut self) {
        self.data.clear();
        self.offsets.truncate(1);
        self.timestamps.clear();
        self.nulls.clear();
        self.headers = None;
    }

    /// The rows `range`, copied.
    #[must_use]
    pub fn slice(&self, range: core::ops::Range<usize>) -> Self {
        let mut out = Self::new();
        for i in range {
            out.push_with_headers(self.row(i), self.headers(i));
        }
        out
    }
}

/// Rows of one partition as they were read, in offset order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Where they were read.
    pub source: TopicPartition,
    /// The assignment under which they were read; see [`crate::event::Epoch`].
    pub epoch: crate::event::Epoch,
    /// One per row, rising; gaps are control records, aborted or compacted ones.
    pub offsets: Vec<Offset>,
    /// The rows.
    pub rows: Rows,
}

/// Where the rows of a call were read, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// Topic and partition.
    pub source: &'a TopicPartition,
    /// One per row.
    pub offsets: &'a [Offset],
}

pub(crate) fn span<'a>(data: &'a [u8], offsets: &[u32], i: usize) -> &'a [u8] {
    &data[offsets[i] as usize..offsets[i + 1] as usize]
}

pub(crate) fn bit(bits: &[u8], i: usize) -> bool {
    bits.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)
}

fn set_bit(bits: &mut Vec<u8>, i: usize) {
    if bits.len() <= i / 8 {
        bits.resize(i / 8 + 1, 0);
    }
    bits[i / 8] |= 1 << (i % 8);
}

/// A position in a column's bytes.
///
/// # Panics
/// Past 4 GiB: `batch_bytes_max` and the output limits keep columns far below.
pub(crate) fn position(len: usize) -> u32 {
    u32::try_from(len).expect("columns are bounded far below 4 GiB")
}
