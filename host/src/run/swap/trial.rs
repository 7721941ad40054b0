//! A candidate's trial: called once, beside the running module, with rows whose results are thrown away.

use host_core::event::Epoch;
use host_core::operator::{Fault, Groups, Operator};
use host_core::record::{Batch, BytesColumn, Origin, Row, Rows, TopicPartition};
use std::collections::BTreeMap;

/// Rows that a module should survive whatever it is for: text, an empty value, nulls, bytes that are no text,
/// a long value.
pub(super) fn canned(topic: &str) -> Batch {
    let long = vec![b'x'; 64 << 10];
    let mut rows = Rows::new();
    let mut push = |key, value| rows.push(Row { key, value, timestamp: 1 });
    push(None, Some(b"key,1"));
    push(Some(b"key"), Some(b"1"));
    push(Some(b""), Some(b""));
    push(None, None);
    push(Some(b"\xff\x00"), Some(b"\xfe,\x80"));
    push(Some(b"long"), Some(&long));
    let offsets = (0..rows.len() as i64).collect();
    Batch { source: TopicPartition::new(topic, 0), epoch: Epoch::default(), offsets, rows }
}

/// Calls all that the operator has. Every key is new to it.
///
/// # Errors
/// The first fault. Rows that it rejects are none.
pub(super) fn run(operator: &mut dyn Operator, batch: &Batch) -> Result<(), Fault> {
    let description = operator.description().clone();
    let mut rows = batch.rows.clone();
    if description.transforms {
        let origin = Origin { source: &batch.source, offsets: &batch.offsets };
        let timestamps = std::mem::take(&mut rows.timestamps);
        rows.timestamps.clone_from(&timestamps);
        let answer = operator.transform(origin, &rows)?;
        let source = answer.source;
        rows = answer.rows;
        if rows.timestamps.is_empty() {
            rows.timestamps = source.iter().map(|row| timestamps[*row as usize]).collect();
        }
    }
    let groups = group(&rows);
    if !description.reduces || groups.keys.is_empty() {
        return Ok(());
    }
    if description.processes {
        return operator.process(&groups).map(drop);
    }
    let reduced = operator.reduce(&groups, false)?;
    try_merge(operator, &reduced.accumulators)?;
    if !description.finishes {
        return Ok(());
    }
    let (mut keys, mut accumulators) = (BytesColumn::new(), BytesColumn::new());
    for i in 0..groups.keys.len() {
        if let Some(accumulator) = reduced.accumulators.get(i) {
            keys.push(groups.keys.get(i));
            accumulators.push(Some(accumulator));
        }
    }
    if keys.is_empty() { Ok(()) } else { operator.finish(&keys, &accumulators).map(|_| ()) }
}

/// Merges each accumulator with itself.
fn try_merge(operator: &mut dyn Operator, accumulators: &BytesColumn) -> Result<(), Fault> {
    let mut sides = BytesColumn::new();
    for accumulator in (0..accumulators.len()).filter_map(|i| accumulators.get(i)) {
        sides.push(Some(accumulator));
    }
    if sides.is_empty() || !operator.description().merges {
        return Ok(());
    }
    operator.merge(&sides, &sides).map(drop)
}

fn group(rows: &Rows) -> Groups {
    let mut by_key: BTreeMap<&[u8], Vec<usize>> = BTreeMap::new();
    for i in 0..rows.len() {
        if let (Some(key), Some(_)) = (rows.key(i), rows.value(i)) {
            by_key.entry(key).or_default().push(i);
        }
    }
    let mut groups = Groups::default();
    for (key, members) in by_key {
        groups.keys.push(Some(key));
        groups.accumulators.push(None);
        for i in members {
            groups.values.push(rows.value(i));
            groups.timestamps.push(rows.timestamps[i]);
        }
        groups.ends.push(groups.values.len() as u32);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::Native;

    #[test]
    fn native_operators_pass_the_canned_batch() {
        for name in ["sum", "count", "min", "max", "last"] {
            let mut native = Native::load(name, &[]).expect("it exists");
            assert_eq!(run(&mut native, &canned("in")), Ok(()), "{name}");
        }
    }
}
