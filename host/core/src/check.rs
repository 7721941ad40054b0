//! Whether an answer of an operator keeps the rules of `wit/`, before anything of it is used.
//!
//! Every function here takes what a hostile guest may have made up: nothing may panic, and nothing may cost
//! more than a walk over the answer. Sizes are not checked here; they are bounded before an answer gets here.
//! Output rows without timestamps pass: the core fills them from the source rows when it uses them.

use crate::operator::{BadRow, Processed, Reduced, Transformed};
use crate::record::{BytesColumn, HeaderColumns, Rows, bit};
use alloc::string::String;

/// Bytes of the reason of one refused row that are kept; stops a guest from filling dead letters and logs.
pub const REASON_BYTES_MAX: usize = 1024;

/// Bytes of a state schema or a row schema; both are written with each committed offset.
pub const SCHEMA_BYTES_MAX: usize = 256;

/// The rule that an answer breaks. `field` is the path in the answer, with the names of `wit/`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadAnswer {
    /// A list has the wrong length.
    #[error("`{field}` has {found} entries, not {expected}")]
    Length {
        /// Which list.
        field: &'static str,
        /// Its length.
        found: usize,
        /// What it should be.
        expected: usize,
    },
    /// Offsets of pairs come in an odd number.
    #[error("`{field}` has {found} entries, which is not an odd number")]
    NotPairs {
        /// Which list.
        field: &'static str,
        /// Its length.
        found: usize,
    },
    /// The first offset is not 0.
    #[error("`{field}` begins with {found}, not with 0")]
    Start {
        /// Which list.
        field: &'static str,
        /// Its first entry.
        found: u32,
    },
    /// A list that must never fall falls.
    #[error("`{field}` falls at entry {at}")]
    Falls {
        /// Which list.
        field: &'static str,
        /// The first entry that is smaller than the one before.
        at: usize,
    },
    /// A list that must rise does not.
    #[error("`{field}` does not rise at entry {at}")]
    NotRising {
        /// Which list.
        field: &'static str,
        /// The first entry that is not larger than the one before.
        at: usize,
    },
    /// An index or position is too large.
    #[error("`{field}` has {found}, where the largest is {max}")]
    Range {
        /// Which list.
        field: &'static str,
        /// The entry.
        found: u64,
        /// The largest that is allowed.
        max: u64,
    },
    /// There is an index, and nothing that it could be an index of.
    #[error("`{field}` has {found}, where there is nothing to point at")]
    Nothing {
        /// Which list.
        field: &'static str,
        /// The entry.
        found: u64,
    },
    /// The last of the ends is not the number of what they divide.
    #[error("`{field}` ends with {found}, not with {expected}")]
    End {
        /// Which list.
        field: &'static str,
        /// The last entry.
        found: u32,
        /// The number of what is divided.
        expected: usize,
    },
    /// A null cell has bytes.
    #[error("`{field}`: cell {at} is null and has bytes")]
    NullWithBytes {
        /// Which list of null bits.
        field: &'static str,
        /// The cell.
        at: usize,
    },
    /// A bit past the last cell is set.
    #[error("`{field}` has a bit set past its last cell")]
    StrayBit {
        /// Which list of null bits.
        field: &'static str,
    },
    /// A header's name is not UTF-8.
    #[error("`{field}`: the name of header {at} is not UTF-8")]
    HeaderName {
        /// Which headers.
        field: &'static str,
        /// The header, counted over all rows.
        at: usize,
    },
    /// A refused row has output rows.
    #[error("`bad` has row {row}, and `source` has it too")]
    BadRowHasOutput {
        /// The input row.
        row: u32,
    },
}

/// Checks the answer of a transform that was given `input_rows` rows.
///
/// # Errors
/// The first rule that is broken.
pub fn transformed(answer: &Transformed, input_rows: usize) -> Result<(), BadAnswer> {
    outputs(&answer.rows, &answer.source, input_rows)?;
    bad(&answer.bad, input_rows)?;
    refused_rows_have_no_output(&answer.bad, &answer.source)
}

/// Checks the sinks of `output_rows` rows: all 0, which is the only sink there is.
///
/// # Errors
/// The first rule that is broken.
pub fn sinks(sinks: &[u8], output_rows: usize) -> Result<(), BadAnswer> {
    if sinks.is_empty() {
        return Ok(());
    }
    length("sinks", sinks.len(), output_rows)?;
    match sinks.iter().find(|sink| **sink != 0) {
        Some(sink) => Err(BadAnswer::Range { field: "sinks", found: u64::from(*sink), max: 0 }),
        None => Ok(()),
    }
}

/// Checks the answer of a reduce that was given `keys` keys with `values` values in all, and was to answer for
/// each key or for `every` value.
///
/// # Errors
/// The first rule that is broken.
pub fn reduced(answer: &Reduced, keys: usize, values: usize, every: bool) -> Result<(), BadAnswer> {
    column(&ACCUMULATORS, &answer.accumulators, if every { values } else { keys })?;
    bad(&answer.bad, values)
}

/// Checks the answer of a process that was given `keys` keys with `values` values in all.
///
/// # Errors
/// The first rule that is broken.
pub fn processed(answer: &Processed, keys: usize, values: usize) -> Result<(), BadAnswer> {
    reduced(&answer.reduced, keys, values, false)?;
    outputs(&answer.rows, &answer.source, values)?;
    refused_rows_have_no_output(&answer.reduced.bad, &answer.source)
}

/// Checks the answer of a finish that was given `keys` keys.
///
/// # Errors
/// The first rule that is broken.
pub fn finished(answer: &BytesColumn, keys: usize) -> Result<(), BadAnswer> {
    column(&RESULTS, answer, keys)
}

/// Checks the answer of a merge that was given `pairs` pairs.
///
/// # Errors
/// The first rule that is broken.
pub fn merged(answer: &BytesColumn, pairs: usize) -> Result<(), BadAnswer> {
    column(&MERGED, answer, pairs)
}

/// `reason` cut to [`REASON_BYTES_MAX`] at the end of a character.
pub fn cut_reason(mut reason: String) -> String {
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
    reason
}

/// The names of the lists of a column, for errors.
struct Names {
    offsets: &'static str,
    nulls: &'static str,
}

const ACCUMULATORS: Names = Names { offsets: "accumulators.offsets", nulls: "accumulators.nulls" };
const RESULTS: Names = Names { offsets: "results.offsets", nulls: "results.nulls" };
const MERGED: Names = Names { offsets: "merged.offsets", nulls: "merged.nulls" };
const ROWS: Names = Names { offsets: "rows.offsets", nulls: "rows.nulls" };
const HEADERS: Names = Names { offsets: "rows.headers.offsets", nulls: "rows.headers.null-values" };

/// Output rows and the inputs, `inputs` of them, that they come from.
fn outputs(output: &Rows, source: &[u32], inputs: usize) -> Result<(), BadAnswer> {
    rows(output)?;
    length("source", source.len(), output.len())?;
    never_falling("source", source)?;
    match source.last() {
        Some(last) => index("source", *last, inputs),
        None => Ok(()),
    }
}

fn rows(rows: &Rows) -> Result<(), BadAnswer> {
    let cells = pairs(&ROWS, &rows.offsets, rows.data.len())?;
    let n = cells / 2;
    if !rows.timestamps.is_empty() {
        length("rows.timestamps", rows.timestamps.len(), n)?;
    }
    nulls(&ROWS, &rows.nulls, rows.offsets.windows(2))?;
    match &rows.headers {
        Some(columns) => headers(columns, n),
        None => Ok(()),
    }
}

fn headers(columns: &HeaderColumns, rows: usize) -> Result<(), BadAnswer> {
    let m = pairs(&HEADERS, &columns.offsets, columns.data.len())? / 2;
    let values = columns.offsets.get(1..).unwrap_or_default().windows(2).step_by(2);
    nulls(&HEADERS, &columns.null_values, values)?;
    for (at, name) in columns.offsets.windows(2).step_by(2).enumerate() {
        let bytes = cell(&columns.data, name);
        if core::str::from_utf8(bytes).is_err() {
            return Err(BadAnswer::HeaderName { field: "rows.headers", at });
        }
    }
    let field = "rows.headers.ends";
    length(field, columns.ends.len(), rows)?;
    never_falling(field, &columns.ends)?;
    match columns.ends.last() {
        Some(last) if *last as usize != m => Err(BadAnswer::End { field, found: *last, expected: m }),
        None if m != 0 => {
            Err(BadAnswer::Length { field: HEADERS.offsets, found: columns.offsets.len(), expected: 1 })
        }
        _ => Ok(()),
    }
}

fn column(names: &Names, column: &BytesColumn, strings: usize) -> Result<(), BadAnswer> {
    length(names.offsets, column.offsets.len(), strings.saturating_add(1))?;
    positions(names.offsets, &column.offsets, column.data.len())?;
    nulls(names, &column.nulls, column.offsets.windows(2))
}

/// The number of cells between `offsets`, an even one.
fn pairs(names: &Names, offsets: &[u32], data: usize) -> Result<usize, BadAnswer> {
    if offsets.len().is_multiple_of(2) {
        return Err(BadAnswer::NotPairs { field: names.offsets, found: offsets.len() });
    }
    positions(names.offsets, offsets, data)?;
    Ok(offsets.len() - 1)
}

/// Offsets begin with 0, never fall and stay within `data` bytes.
fn positions(field: &'static str, offsets: &[u32], data: usize) -> Result<(), BadAnswer> {
    match offsets.first() {
        Some(0) => {}
        Some(first) => return Err(BadAnswer::Start { field, found: *first }),
        None => return Err(BadAnswer::Length { field, found: 0, expected: 1 }),
    }
    never_falling(field, offsets)?;
    match offsets.last() {
        Some(last) if *last as usize > data => {
            Err(BadAnswer::Range { field, found: u64::from(*last), max: data as u64 })
        }
        _ => Ok(()),
    }
}

/// Null bits of the cells whose start and end are in `bounds`.
fn nulls<'a>(
    names: &Names,
    bits: &[u8],
    bounds: impl ExactSizeIterator<Item = &'a [u32]>,
) -> Result<(), BadAnswer> {
    if bits.is_empty() {
        return Ok(());
    }
    let field = names.nulls;
    let cells = bounds.len();
    length(field, bits.len(), cells.div_ceil(8))?;
    for (at, bounds) in bounds.enumerate() {
        if bit(bits, at) && bounds.first() != bounds.last() {
            return Err(BadAnswer::NullWithBytes { field, at });
        }
    }
    if (cells..bits.len().saturating_mul(8)).any(|i| bit(bits, i)) {
        return Err(BadAnswer::StrayBit { field });
    }
    Ok(())
}

fn bad(bad: &[BadRow], rows: usize) -> Result<(), BadAnswer> {
    let field = "bad";
    for (i, pair) in bad.windows(2).enumerate() {
        if let [left, right] = pair
            && left.row >= right.row
        {
            return Err(BadAnswer::NotRising { field, at: i + 1 });
        }
    }
    match bad.last() {
        Some(last) => index(field, last.row, rows),
        None => Ok(()),
    }
}

/// Both lists never fall, so that one walk over both finds what they share.
fn refused_rows_have_no_output(bad: &[BadRow], source: &[u32]) -> Result<(), BadAnswer> {
    let mut rest = source;
    for refused in bad {
        rest = rest.get(rest.partition_point(|row| *row < refused.row)..).unwrap_or_default();
        if rest.first() == Some(&refused.row) {
            return Err(BadAnswer::BadRowHasOutput { row: refused.row });
        }
    }
    Ok(())
}

fn length(field: &'static str, found: usize, expected: usize) -> Result<(), BadAnswer> {
    if found == expected { Ok(()) } else { Err(BadAnswer::Length { field, found, expected }) }
}

fn index(field: &'static str, found: u32, count: usize) -> Result<(), BadAnswer> {
    let found = u64::from(found);
    match (count as u64).checked_sub(1) {
        Some(max) if found <= max => Ok(()),
        Some(max) => Err(BadAnswer::Range { field, found, max }),
        None => Err(BadAnswer::Nothing { field, found }),
    }
}

fn never_falling(field: &'static str, list: &[u32]) -> Result<(), BadAnswer> {
    if list.is_sorted() {
        return Ok(());
    }
    let at = list.windows(2).position(|pair| pair.first() > pair.last()).map_or(0, |i| i + 1);
    Err(BadAnswer::Falls { field, at })
}

fn cell<'a>(data: &'a [u8], bounds: &[u32]) -> &'a [u8] {
    match bounds {
        [start, end] => data.get(*start as usize..*end as usize).unwrap_or_default(),
        _ => &[],
    }
}
