//! What must be the same whoever reads a topic.

use anyhow::{Context, Result};
use host_core::record::{Offset, Rows};
use serde::{Deserialize, Serialize};

/// Counts of a topic's records, and a number that depends on all bytes, timestamps and offsets but not on how
/// the partitions are interleaved. Cheap enough not to be what is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Records.
    pub rows: u64,
    /// Of keys and values.
    pub bytes: u64,
    /// The sum, modulo 2^64, of all bytes, timestamps (ms) and offsets.
    pub content: u64,
}

impl Seen {
    /// Counts a batch.
    pub fn add(&mut self, rows: &Rows, offsets: &[Offset]) {
        self.rows += rows.len() as u64;
        self.bytes += rows.data.len() as u64;
        let sums = [
            rows.data.iter().map(|byte| u64::from(*byte)).sum::<u64>(),
            rows.timestamps.iter().fold(0, |sum, time| sum.wrapping_add(time.cast_unsigned())),
            offsets.iter().fold(0, |sum, offset| sum.wrapping_add(offset.cast_unsigned())),
        ];
        self.content = sums.into_iter().fold(self.content, u64::wrapping_add);
    }

    /// Prints it as a line of JSON, the answer of a program that reads.
    ///
    /// # Errors
    /// It can't be written.
    #[allow(clippy::print_stdout, reason = "the answer of the program")]
    pub fn print(&self) -> Result<()> {
        println!("{}", serde_json::to_string(self)?);
        Ok(())
    }

    /// Reads what a program has printed.
    ///
    /// # Errors
    /// The last line is not what [`Seen::print`] prints.
    pub fn parse(text: &str) -> Result<Self> {
        let line = text.lines().last().context("the reader printed nothing")?;
        serde_json::from_str(line).with_context(|| format!("the reader printed: {line}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::record::Row;

    fn seen(records: &[(&str, i64, i64)]) -> Seen {
        let mut rows = Rows::new();
        let mut offsets = Vec::new();
        for (value, timestamp, offset) in records {
            rows.push(Row { key: None, value: Some(value.as_bytes()), timestamp: *timestamp });
            offsets.push(*offset);
        }
        let mut seen = Seen::default();
        seen.add(&rows, &offsets);
        seen
    }

    #[test]
    fn any_difference_is_seen() {
        let all = seen(&[("a", 1, 0), ("b", 2, 1)]);
        assert_eq!((all.rows, all.bytes), (2, 2));
        for other in [
            seen(&[("a", 1, 0)]),
            seen(&[("a", 1, 0), ("c", 2, 1)]),
            seen(&[("a", 1, 0), ("b", 3, 1)]),
            seen(&[("a", 1, 0), ("b", 2, 2)]),
        ] {
            assert_ne!(all, other);
        }
    }

    #[test]
    fn what_is_printed_is_read() {
        let some = seen(&[("a", 1, 0)]);
        let text = format!("noise\n{}\n", serde_json::to_string(&some).expect("plain data"));
        assert_eq!(Seen::parse(&text).expect("it was printed"), some);
        assert!(Seen::parse("").is_err() && Seen::parse("noise").is_err());
    }
}
