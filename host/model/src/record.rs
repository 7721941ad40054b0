//! A stored record, as simulations write and read it.

use crate::log::Content;
use alloc::vec::Vec;
use host_core::record::{Row, Rows};

/// Headers of a record: names and values, a null value as none.
pub type Headers = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// A stored record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// None: null.
    pub key: Option<Vec<u8>>,
    /// None: null.
    pub value: Option<Vec<u8>>,
    /// Milliseconds.
    pub timestamp: i64,
    /// In their order; a name may come twice.
    pub headers: Headers,
}

impl Record {
    /// A record without headers.
    pub fn of(row: Row<'_>) -> Self {
        Self {
            key: row.key.map(Into::into),
            value: row.value.map(Into::into),
            timestamp: row.timestamp,
            headers: Vec::new(),
        }
    }

    /// Row `i` of `rows`, with its headers.
    pub fn of_row(rows: &Rows, i: usize) -> Self {
        let headers = rows.headers(i).map(|(name, value)| (name.into(), value.map(Into::into)));
        Self { headers: headers.collect(), ..Self::of(rows.row(i)) }
    }

    /// Bytes of its key and value.
    pub fn bytes(&self) -> usize {
        self.key.as_ref().map_or(0, Vec::len) + self.value.as_ref().map_or(0, Vec::len)
    }

    /// Appends it to `rows`.
    pub fn push_to(&self, rows: &mut Rows) {
        let row = Row { key: self.key.as_deref(), value: self.value.as_deref(), timestamp: self.timestamp };
        let headers = self.headers.iter().map(|(name, value)| (name.as_slice(), value.as_deref()));
        rows.push_with_headers(row, headers);
    }
}

impl Content for Record {
    fn bytes(&self) -> usize {
        self.bytes()
    }
}
