//! Makes right answers wrong.

use crate::bindings::exports::host::operator::reducer::Reduced;
use crate::bindings::exports::host::operator::transformer::Transformed;
use crate::bindings::host::operator::types::{BadRow, Columns, HeaderColumns};
use crate::mode::Mode;

const FAR: u32 = 1 << 30;
const BIG_OUTPUT_BYTES: usize = 32 << 20;

/// Spoils the answer to a transform of `inputs` rows.
pub(crate) fn transformed(mode: &Mode, answer: &mut Transformed, inputs: usize) {
    let outputs = answer.source.len();
    let rows = &mut answer.rows;
    match mode {
        Mode::OffsetPastData => set_last(&mut rows.offsets, FAR),
        Mode::FallingOffsets => rows.offsets[1] = rows.data.len() as u32 + 1,
        Mode::OddOffsetCount => rows.offsets.push(rows.data.len() as u32),
        Mode::TooFewTimestamps => rows.timestamps = vec![0; if outputs == 1 { 2 } else { outputs - 1 }],
        Mode::NullBitsShort => rows.nulls = vec![0; (2 * outputs).div_ceil(8) - 1],
        Mode::NullBitsLong => rows.nulls = vec![0; (2 * outputs).div_ceil(8) + 1],
        Mode::SourceCountWrong => answer.source.push(inputs as u32 - 1),
        Mode::SourceOutOfRange => set_last(&mut answer.source, inputs as u32),
        Mode::SourceFalling => answer.source.reverse(),
        Mode::BadRowOutOfRange => answer.bad.push(bad(inputs as u32)),
        Mode::BadRowFalling => {
            *rows = no_rows();
            answer.source.clear();
            answer.bad = vec![bad(inputs as u32 - 1), bad(0)];
        }
        Mode::BadRowWithOutput => answer.bad = vec![bad(0)],
        Mode::HeaderEndsFalling => {
            let mut ends = vec![0; outputs];
            ends[0] = if outputs == 1 { 9 } else { 1 };
            rows.headers = Some(one_header(ends, 1));
        }
        Mode::HeaderOffsetPastData => rows.headers = Some(one_header(vec![1; outputs], FAR)),
        Mode::GigabyteListClaim => rows.data = gigabyte(),
        Mode::SinksWrong => answer.sinks = vec![7; outputs],
        _ => {}
    }
}

/// Spoils the answer to a reduce of `values` values.
pub(crate) fn reduced(mode: &Mode, answer: &mut Reduced, values: usize) {
    let accumulators = &mut answer.accumulators;
    match mode {
        Mode::ReduceWrongCount => accumulators.offsets.push(accumulators.data.len() as u32),
        Mode::ReduceOffsetPastData => set_last(&mut accumulators.offsets, FAR),
        Mode::ReduceBadOutOfRange => answer.bad.push(bad(values as u32)),
        _ => {}
    }
}

/// Gives the last cell 32 MiB more.
pub(crate) fn enlarge(data: &mut Vec<u8>, offsets: &mut [u32]) {
    data.resize(data.len() + BIG_OUTPUT_BYTES, b'x');
    set_last(offsets, data.len() as u32);
}

fn set_last(numbers: &mut [u32], number: u32) {
    if let Some(last) = numbers.last_mut() {
        *last = number;
    }
}

fn bad(row: u32) -> BadRow {
    BadRow { row, reason: "hostile".into() }
}

fn no_rows() -> Columns {
    Columns { data: Vec::new(), offsets: vec![0], timestamps: Vec::new(), nulls: Vec::new(), headers: None }
}

/// The header `h` without a value, which ends at `end`.
fn one_header(ends: Vec<u32>, end: u32) -> HeaderColumns {
    HeaderColumns { ends, data: b"h".to_vec(), offsets: vec![0, 1, end], null_values: Vec::new() }
}

/// A list whose length is a lie. Natively there is no host to lie to.
#[expect(clippy::same_length_and_capacity, reason = "both are made up")]
fn gigabyte() -> Vec<u8> {
    if cfg!(not(target_arch = "wasm32")) {
        return Vec::new();
    }
    // SAFETY: this is unsound on purpose. The list is only handed to the host, which must refuse it before
    // this instance runs again, because it lies outside of memory.
    unsafe { Vec::from_raw_parts(std::ptr::without_provenance_mut(1 << 16), FAR as usize, FAR as usize) }
}
