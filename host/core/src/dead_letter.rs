//! Dead letters: the record as it was, with headers that say where it was read and why it failed. The
//! header names are those of Kafka Streams (KIP-1034).

use crate::effect::Cause;
use crate::record::{Offset, Row, Rows, TopicPartition};
use alloc::string::ToString;
use alloc::vec::Vec;

/// Added when the value had to be cut: its length before, in bytes.
pub const TRUNCATED_FROM: &str = "wasmhost.truncated-from";

/// A record for the dead-letter topic.
#[derive(Clone, Copy)]
pub struct DeadLetter<'a> {
    /// Where it was read first.
    pub source: &'a TopicPartition,
    /// Its offset there.
    pub offset: Offset,
    /// Why it failed.
    pub cause: Cause,
    /// What the guest or the runtime says.
    pub reason: &'a str,
}

impl DeadLetter<'_> {
    /// Appends row `i` of `rows`, with `value` in place of its own (a frame is taken off), to `out`.
    pub fn write(&self, rows: &Rows, i: usize, value: Option<&[u8]>, value_bytes_max: usize, out: &mut Rows) {
        let partition = self.source.partition.to_string();
        let offset = self.offset.to_string();
        let cut = value.filter(|value| value.len() > value_bytes_max).map(|value| value.len().to_string());
        let value = value.map(|value| &value[..value.len().min(value_bytes_max)]);
        let mut headers: Vec<(&[u8], Option<&[u8]>)> = rows.headers(i).collect();
        headers.extend([
            (&b"__streams.errors.exception"[..], Some(self.cause.as_str().as_bytes())),
            (b"__streams.errors.message", Some(self.reason.as_bytes())),
            (b"__streams.errors.topic", Some(self.source.topic.as_bytes())),
            (b"__streams.errors.partition", Some(partition.as_bytes())),
            (b"__streams.errors.offset", Some(offset.as_bytes())),
        ]);
        if let Some(length) = &cut {
            headers.push((TRUNCATED_FROM.as_bytes(), Some(length.as_bytes())));
        }
        let row = Row { key: rows.key(i), value, timestamp: rows.timestamps[i] };
        out.push_with_headers(row, headers.into_iter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_keeps_the_record_and_says_why() {
        let mut rows = Rows::new();
        let header: [(&[u8], Option<&[u8]>); 1] = [(b"h", None)];
        rows.push_with_headers(
            Row { key: None, value: Some(b"0123456789"), timestamp: 4 },
            header.into_iter(),
        );
        let source = TopicPartition::new("in", 2);
        let letter = DeadLetter { source: &source, offset: 17, cause: Cause::Rejected, reason: "no comma" };
        let mut out = Rows::new();
        letter.write(&rows, 0, rows.value(0), 4, &mut out);
        assert_eq!(out.row(0), Row { key: None, value: Some(b"0123"), timestamp: 4 });
        let headers: Vec<_> = out.headers(0).collect();
        assert_eq!(headers[0], (&b"h"[..], None));
        assert_eq!(headers[1], (&b"__streams.errors.exception"[..], Some(&b"rejected"[..])));
        assert_eq!(headers[5], (&b"__streams.errors.offset"[..], Some(&b"17"[..])));
        assert_eq!(headers[6], (TRUNCATED_FROM.as_bytes(), Some(&b"10"[..])));
    }
}
