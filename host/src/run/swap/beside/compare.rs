//! Compares the answers of two operators, row by row or key by key.

use super::{Difference, Shadow, Tally};
use host_core::operator::{Groups, Processed, Transformed};
use host_core::record::{Origin, Rows};
use std::ops::Range;

/// Compares what came of each input row: its output rows, or that it was rejected.
pub(super) fn transformed(
    shadow: &Shadow,
    origin: Origin<'_>,
    rows: &Rows,
    (current, candidate): (&Transformed, &Transformed),
    tally: &mut Tally,
) {
    let (mut left, mut right) = (0, 0);
    for row in 0..rows.len() {
        let ours = outputs(current, row, &mut left);
        let theirs = outputs(candidate, row, &mut right);
        let timestamp = rows.timestamps[row];
        let same = ours.len() == theirs.len()
            && is_bad(current, row) == is_bad(candidate, row)
            && ours
                .clone()
                .zip(theirs.clone())
                .all(|(i, k)| same_row((&current.rows, i), (&candidate.rows, k), timestamp));
        tally.count(same, || Difference {
            interface: "transform",
            at: format!("{}-{}", origin.source, origin.offsets[row]),
            current: say(shadow, current, row, ours),
            candidate: say(shadow, candidate, row, theirs),
        });
    }
}

/// Compares what came of each key: its accumulator, its refused values and its output rows.
pub(super) fn processed(
    shadow: &Shadow,
    groups: &Groups,
    (current, candidate): (&Processed, &Processed),
    tally: &mut Tally,
) {
    let mut start = 0;
    for (i, end) in groups.ends.iter().enumerate() {
        let values = std::mem::replace(&mut start, *end)..*end;
        let (ours, theirs) = (of_values(current, &values), of_values(candidate, &values));
        let refused = |answer: &Processed| {
            let bad = answer.reduced.bad.iter().map(|bad| bad.row);
            bad.filter(|row| values.contains(row)).collect::<Vec<_>>()
        };
        let accumulator = |answer: &Processed| answer.reduced.accumulators.get(i).map(<[u8]>::to_vec);
        let same = accumulator(current) == accumulator(candidate)
            && refused(current) == refused(candidate)
            && ours.len() == theirs.len()
            && ours.clone().zip(theirs.clone()).all(|(ours, theirs)| {
                let value = current.source[ours];
                value == candidate.source[theirs]
                    && same_row(
                        (&current.rows, ours),
                        (&candidate.rows, theirs),
                        groups.timestamps[value as usize],
                    )
            });
        let say = |answer: &Processed, rows: Range<usize>| {
            let (text, refused) = (shadow.shown(answer.reduced.accumulators.get(i)), refused(answer).len());
            format!("{text}, {} rows, {refused} values rejected", rows.len())
        };
        tally.count(same, || Difference {
            interface: "process",
            at: format!("key {}", shadow.shown(groups.keys.get(i))),
            current: say(current, ours.clone()),
            candidate: say(candidate, theirs.clone()),
        });
    }
}

/// The output rows of these values.
fn of_values(answer: &Processed, values: &Range<u32>) -> Range<usize> {
    let place = |value: u32| answer.source.partition_point(|source| *source < value);
    place(values.start)..place(values.end)
}

/// The output rows of this input row; `next` is where they begin, and then where those of the next row do.
fn outputs(answer: &Transformed, row: usize, next: &mut usize) -> Range<usize> {
    let start = *next;
    let count = answer.source[start..].iter().take_while(|source| **source as usize == row).count();
    *next = start + count;
    start..*next
}

fn is_bad(answer: &Transformed, row: usize) -> bool {
    answer.bad.binary_search_by_key(&row, |bad| bad.row as usize).is_ok()
}

fn same_row((ours, i): (&Rows, usize), (theirs, k): (&Rows, usize), timestamp: i64) -> bool {
    let time = |rows: &Rows, i: usize| rows.timestamps.get(i).copied().unwrap_or(timestamp);
    ours.key(i) == theirs.key(k)
        && ours.value(i) == theirs.value(k)
        && time(ours, i) == time(theirs, k)
        && ours.headers(i).eq(theirs.headers(k))
}

fn say(shadow: &Shadow, answer: &Transformed, row: usize, outputs: Range<usize>) -> String {
    if is_bad(answer, row) {
        return "rejected".into();
    }
    let rows = outputs.take(2).map(|i| {
        let (key, value) = (shadow.shown(answer.rows.key(i)), shadow.shown(answer.rows.value(i)));
        format!("key {key} value {value}")
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() { "no row".into() } else { rows.join("; ") }
}
