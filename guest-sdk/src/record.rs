//! What an operator sees of a batch: one borrowed record or value at a time.

use crate::bindings::types::{Columns, HeaderColumns, Origin};
use crate::bytes::bit;
use crate::error::{Error, reject};

/// One record of the input, borrowed from the batch.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// None: the key is null. An empty key is not.
    pub key: Option<&'a [u8]>,
    /// None: the value is null.
    pub value: Option<&'a [u8]>,
    /// Milliseconds since the Unix epoch.
    pub timestamp: i64,
    /// The record's headers, in its order.
    pub headers: Headers<'a>,
    /// The topic that it was read from.
    pub topic: &'a str,
    /// The partition that it was read from.
    pub partition: u32,
    /// Its offset there.
    pub offset: i64,
}

impl<'a> Record<'a> {
    /// The value's bytes.
    ///
    /// # Errors
    /// A rejection when the value is null.
    #[inline]
    pub fn value_bytes(&self) -> Result<&'a [u8], Error> {
        self.value.ok_or_else(|| reject("the value is null"))
    }

    /// The value as text.
    ///
    /// # Errors
    /// A rejection when the value is null or not UTF-8.
    pub fn value_str(&self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.value_bytes()?).map_err(|_| reject("the value is not UTF-8"))
    }

    /// The key as text.
    ///
    /// # Errors
    /// A rejection when the key is null or not UTF-8.
    pub fn key_str(&self) -> Result<&'a str, Error> {
        let key = self.key.ok_or_else(|| reject("the key is null"))?;
        std::str::from_utf8(key).map_err(|_| reject("the key is not UTF-8"))
    }
}

/// One value to be folded into the accumulator of its key, borrowed from the batch.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Value<'a> {
    /// The key; all values of a group have the same.
    pub key: &'a [u8],
    /// The value's bytes, as a transform (or the input topic) has them.
    pub bytes: &'a [u8],
    /// The row's timestamp, in milliseconds since the Unix epoch.
    pub timestamp: i64,
}

impl<'a> Value<'a> {
    pub(crate) fn new(key: &'a [u8], bytes: &'a [u8], timestamp: i64) -> Self {
        Self { key, bytes, timestamp }
    }

    /// The bytes as text.
    ///
    /// # Errors
    /// A rejection when they are not UTF-8.
    pub fn as_str(&self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.bytes).map_err(|_| reject("the value is not UTF-8"))
    }

    /// The bytes as an array, for fixed-size numbers.
    ///
    /// # Errors
    /// A rejection when there are more or fewer than `N`.
    #[inline]
    pub fn as_array<const N: usize>(&self) -> Result<[u8; N], Error> {
        self.bytes
            .try_into()
            .map_err(|_| reject(format!("the value has {} bytes where {N} are expected", self.bytes.len())))
    }
}

/// The headers of one record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Headers<'a> {
    columns: Option<&'a HeaderColumns>,
    from: usize,
    to: usize,
}

impl<'a> Headers<'a> {
    /// The headers as (name, value or null); a name may occur twice.
    pub fn iter(&self) -> impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)> + use<'a> {
        let range = self.from..self.to;
        self.columns.into_iter().flat_map(move |columns| {
            range.clone().map(move |i| {
                let value =
                    (!bit(&columns.null_values, i)).then(|| cell(&columns.data, &columns.offsets, 2 * i + 1));
                (cell(&columns.data, &columns.offsets, 2 * i), value)
            })
        })
    }

    /// The value of the last header of this name, as Kafka's own `lastHeader`; inner none: it is null.
    pub fn get(&self, name: &str) -> Option<Option<&'a [u8]>> {
        self.iter().filter(|(found, _)| *found == name.as_bytes()).last().map(|(_, value)| value)
    }

    /// The number of headers.
    pub fn len(&self) -> usize {
        self.to - self.from
    }

    /// True without any header.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The records of a batch, in offset order.
#[inline]
pub(crate) fn records<'a>(read_at: &'a Origin, rows: &'a Columns) -> impl Iterator<Item = Record<'a>> {
    let mut end_of_row_before = rows.offsets.first().map_or(0, |offset| *offset as usize);
    let mut headers_end = 0;
    let bounds = rows.offsets.get(1..).unwrap_or_default().chunks_exact(2);
    let places = read_at.offsets.iter().zip(&rows.timestamps);
    bounds.zip(places).enumerate().map(move |(i, (bounds, (offset, timestamp)))| {
        let (start, middle, end) = (end_of_row_before, bounds[0] as usize, bounds[1] as usize);
        end_of_row_before = end;
        let headers_start = headers_end;
        if let Some(columns) = &rows.headers {
            headers_end = columns.ends[i] as usize;
        }
        Record {
            key: (!bit(&rows.nulls, 2 * i)).then(|| &rows.data[start..middle]),
            value: (!bit(&rows.nulls, 2 * i + 1)).then(|| &rows.data[middle..end]),
            timestamp: *timestamp,
            headers: Headers { columns: rows.headers.as_ref(), from: headers_start, to: headers_end },
            topic: &read_at.topic,
            partition: read_at.partition,
            offset: *offset,
        }
    })
}

/// Cell `i` of a byte area.
#[inline]
pub(crate) fn cell<'a>(data: &'a [u8], offsets: &[u32], i: usize) -> &'a [u8] {
    &data[offsets[i] as usize..offsets[i + 1] as usize]
}
