//! Makes right answers wrong.

use crate::bindings::exports::host::operator::reducer::Reduced;
use crate::bindings::exports::host::operator::transformer::Transformed;
use crate::bindings::host::operator::types::{BadRow, Columns, HeaderColumns};
use crate::mode::Mode;

const FAR: u32 = 1 << 30;
const BIG_OUTPUT_BYTES: usize = 32 << 20;
const REASON_BYTES: usize = 1 << 20;

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
        Mode::AmplifiedReasons => {
            *rows = no_rows();
            answer.source.clear();
            answer.bad = amplified(inputs);
        }
        Mode::Nan => nan(rows, outputs),
        Mode::SpoilAtRandom => at_random(answer),
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

/// A NaN with its sign and a payload, after an addition: what is left of them is the machine's choice, unless
/// the host makes it the same everywhere.
fn nan(rows: &mut Columns, outputs: usize) {
    let nan = std::hint::black_box(f64::from_bits(0xfff8_0000_0000_1234)) + std::hint::black_box(1.0);
    let bytes = nan.to_bits().to_be_bytes();
    (rows.data, rows.offsets) = (Vec::new(), vec![0]);
    for _ in 0..outputs {
        rows.offsets.push(rows.data.len() as u32);
        rows.data.extend(bytes);
        rows.offsets.push(rows.data.len() as u32);
    }
}

/// One text, and a list that has it once for each row.
#[allow(unsafe_code, clippy::same_length_and_capacity, reason = "no safe code can own a text twice")]
fn amplified(inputs: usize) -> Vec<BadRow> {
    let text: &'static mut [u8] = vec![b'x'; REASON_BYTES].leak();
    let mut reason = || {
        // SAFETY: none; what comes of freeing it twice is the guest's own trouble, after its answer was read.
        unsafe { String::from_raw_parts(text.as_mut_ptr(), REASON_BYTES, REASON_BYTES) }
    };
    (0..inputs as u32).map(|row| BadRow { row, reason: reason() }).collect()
}

/// Changes one to four things; the number is read from the first value.
fn at_random(answer: &mut Transformed) {
    let rows = &mut answer.rows;
    let first = rows.data.iter().take_while(|byte| byte.is_ascii_digit());
    let mut state =
        first.fold(1_u64, |number, digit| number.wrapping_mul(31).wrapping_add(u64::from(*digit)));
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 16) as usize % below.max(1)
    };
    for _ in 0..=next(4) {
        match next(8) {
            0 => spoil(&mut rows.offsets, &mut next),
            1 => spoil(&mut answer.source, &mut next),
            2 => rows.nulls = vec![next(256) as u8; next(5)],
            3 => rows.timestamps = vec![next(9) as i64; next(12)],
            4 => rows.data.truncate(next(9)),
            5 => answer.bad.push(bad(next(12) as u32)),
            6 => rows.headers = Some(one_header(vec![next(4) as u32; next(12)], next(9) as u32)),
            _ => answer.sinks = vec![next(2) as u8; next(12)],
        }
    }
}

fn spoil(numbers: &mut Vec<u32>, next: &mut impl FnMut(usize) -> usize) {
    match next(3) {
        0 => numbers.push(next(64) as u32),
        1 => numbers.truncate(next(20)),
        _ => {
            let at = next(numbers.len());
            let value = if next(2) == 0 { next(64) as u32 } else { FAR };
            if let Some(number) = numbers.get_mut(at) {
                *number = value;
            }
        }
    }
}
