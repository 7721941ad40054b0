//! Headers that say where an output comes from: `--stamp`.

use crate::record::{Offset, Rows, TopicPartition};
use alloc::format;
use alloc::string::{String, ToString};

/// The digest of the module that made the output.
pub const MODULE: &str = "wasmhost.module";
/// The partition that its task reads: of an input, or of the repartition topic.
pub const SOURCE: &str = "wasmhost.source";
/// The first and the last offset that may be in it, like `17-42`: for a result those of its transaction.
pub const OFFSETS: &str = "wasmhost.offsets";

/// Adds the headers to all rows. `offsets`: those of row `i`.
pub(crate) fn stamped(
    rows: &Rows,
    module: &str,
    source: &TopicPartition,
    offsets: impl Fn(usize) -> (Offset, Offset),
) -> Rows {
    let source = source.to_string();
    let mut out = Rows::new();
    for i in 0..rows.len() {
        let (first, last) = offsets(i);
        let range: String = format!("{first}-{last}");
        let added = [(MODULE, module), (SOURCE, &source), (OFFSETS, &range)];
        let added = added.iter().map(|(name, value)| (name.as_bytes(), Some(value.as_bytes())));
        out.push_with_headers(rows.row(i), rows.headers(i).chain(added));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Row;
    use alloc::vec::Vec;

    #[test]
    fn headers_follow_those_that_are_there() {
        let mut rows = Rows::new();
        rows.push(Row { key: Some(b"k"), value: None, timestamp: 1 });
        let header: [(&[u8], Option<&[u8]>); 1] = [(b"h", None)];
        rows.push_with_headers(Row { key: None, value: Some(b"v"), timestamp: 2 }, header.into_iter());
        let stamped = stamped(&rows, "abc", &TopicPartition::new("in", 3), |i| (7, 7 + i as Offset));
        let headers: Vec<_> = stamped.headers(1).collect();
        assert_eq!(
            headers,
            [
                (&b"h"[..], None),
                (MODULE.as_bytes(), Some(&b"abc"[..])),
                (SOURCE.as_bytes(), Some(b"in-3")),
                (OFFSETS.as_bytes(), Some(b"7-8")),
            ]
        );
        assert_eq!(stamped.headers(0).count(), 3);
        assert_eq!(stamped.row(1), rows.row(1));
    }
}
