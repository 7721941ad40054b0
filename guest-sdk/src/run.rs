//! Drives an operator over columns: the calls of the contract, over one record or value at a time.
//!
//! The same code runs on Wasm and in the native test runner.

use crate::accumulator::Accumulator;
use crate::bindings::module::Description;
use crate::bindings::processor::Processed;
use crate::bindings::reducer::Reduced;
use crate::bindings::transformer::Transformed;
use crate::bindings::types::{BadRow, BytesColumn, Columns, Failure as WitFailure, Groups, Origin};
use crate::bytes::{Bytes, Column, bit};
use crate::error::Error;
use crate::operator::{Finish, Finished, Merge, Operator, Process, Reduce, Settings, Transform};
use crate::output::Output;
use crate::record::{Value, cell, records};

/// `module.configure`.
///
/// # Errors
/// The operator's own.
pub fn configure<T: Operator>(settings: &[(String, String)]) -> Result<T, String> {
    #[cfg(target_arch = "wasm32")]
    crate::log::report_panics();
    T::configure(&Settings::new(settings))
}

/// `module.describe`.
pub fn describe<T: Operator>(operator: &T) -> Description {
    Description {
        name: T::NAME.into(),
        version: T::VERSION.into(),
        preserves_key: operator.preserves_key(),
        state_schema: T::STATE_SCHEMA.into(),
        row_schema: T::ROW_SCHEMA.into(),
    }
}

/// `transformer.transform`.
///
/// # Errors
/// The operator's own.
#[expect(clippy::needless_pass_by_value, reason = "the bindings hand over what they lifted")]
pub fn transform<T: Transform>(
    operator: &mut T,
    read_at: Origin,
    rows: Columns,
) -> Result<Transformed, WitFailure> {
    let mut out = Output::with_capacity(read_at.offsets.len(), rows.data.len());
    let mut bad = Vec::new();
    for (row, record) in (0..).zip(records(&read_at, &rows)) {
        out.begin(row);
        if let Err(error) = operator.transform(record, &mut out) {
            out.withdraw();
            bad.push(BadRow { row, reason: rejection(error)? });
        }
    }
    Ok(out.finish(&rows.timestamps, bad))
}

#[cold]
fn rejection(error: Error) -> Result<String, WitFailure> {
    match error {
        Error::Reject(reason) => Ok(reason),
        Error::Failure(failure) => Err(failure.into()),
    }
}

/// `reducer.reduce`.
///
/// # Errors
/// The operator's own, and fatal ones when an accumulator's bytes cannot be read.
#[expect(clippy::needless_pass_by_value, reason = "the bindings hand over what they lifted")]
pub fn reduce<T: Reduce>(operator: &mut T, groups: Groups, every: bool) -> Result<Reduced, WitFailure> {
    let answers = if every { groups.timestamps.len() } else { groups.ends.len() };
    let mut out = Column::with_capacity(answers, groups.accumulators.data.len() + 16 * groups.ends.len());
    let mut bad = Vec::new();
    let mut start = 0;
    for (i, end) in groups.ends.iter().enumerate() {
        let group = Group { key: cell(&groups.keys.data, &groups.keys.offsets, i), groups: &groups };
        let mut accumulator = stored(&group, &groups.accumulators, i)?;
        let mut undo = Undo { before: Before::Stored(i), start };
        for at in start..*end as usize {
            if let Err(error) = operator.fold(&mut accumulator, group.value(at)) {
                bad.push(BadRow { row: at as u32, reason: rejection(error)? });
                accumulator =
                    undo.value(&group, at, |accumulator, value| operator.fold(accumulator, value))?;
            }
            if every {
                push(&mut out, accumulator.as_ref());
            }
        }
        if !every {
            push(&mut out, accumulator.as_ref());
        }
        start = *end as usize;
    }
    Ok(Reduced { accumulators: out.finish(), bad })
}

/// `processor.process`.
///
/// # Errors
/// The operator's own, and fatal ones when an accumulator's bytes cannot be read.
#[expect(clippy::needless_pass_by_value, reason = "the bindings hand over what they lifted")]
pub fn process<T: Process>(operator: &mut T, groups: Groups) -> Result<Processed, WitFailure> {
    let mut accumulators =
        Column::with_capacity(groups.ends.len(), groups.accumulators.data.len() + 16 * groups.ends.len());
    let mut out = Output::with_capacity(groups.timestamps.len(), groups.values.data.len());
    let mut bad = Vec::new();
    let mut start = 0;
    for (i, end) in groups.ends.iter().enumerate() {
        let group = Group { key: cell(&groups.keys.data, &groups.keys.offsets, i), groups: &groups };
        let mut accumulator = stored(&group, &groups.accumulators, i)?;
        let mut undo = Undo { before: Before::Stored(i), start };
        for at in start..*end as usize {
            out.begin(at as u32);
            if let Err(error) = operator.process(&mut accumulator, group.value(at), &mut out) {
                out.withdraw();
                bad.push(BadRow { row: at as u32, reason: rejection(error)? });
                let mut again = Output::with_capacity(0, 0);
                accumulator = undo.value(&group, at, |accumulator, value| {
                    operator.process(accumulator, value, &mut again)
                })?;
            }
        }
        push(&mut accumulators, accumulator.as_ref());
        start = *end as usize;
    }
    let Transformed { rows, source, bad, .. } = out.finish(&groups.timestamps, bad);
    Ok(Processed { accumulators: accumulators.finish(), rows, source, bad })
}

/// The values of one key.
struct Group<'a> {
    key: &'a [u8],
    groups: &'a Groups,
}

impl<'a> Group<'a> {
    #[inline]
    fn value(&self, at: usize) -> Value<'a> {
        let values = &self.groups.values;
        Value::new(self.key, cell(&values.data, &values.offsets, at), self.groups.timestamps[at])
    }
}

#[inline]
fn push<A: Accumulator>(out: &mut Column, accumulator: Option<&A>) {
    match accumulator {
        Some(accumulator) => {
            accumulator.encode(&mut out.bytes);
            out.end_string();
        }
        None => out.push_null(),
    }
}

#[inline]
fn stored<A: Accumulator>(
    group: &Group<'_>,
    column: &BytesColumn,
    i: usize,
) -> Result<Option<A>, WitFailure> {
    if bit(&column.nulls, i) {
        return Ok(None);
    }
    decode(group.key, cell(&column.data, &column.offsets, i)).map(Some)
}

#[inline]
fn decode<A: Accumulator>(key: &[u8], bytes: &[u8]) -> Result<A, WitFailure> {
    A::decode(bytes).ok_or_else(|| unreadable(key, bytes.len()))
}

#[cold]
fn unreadable(key: &[u8], len: usize) -> WitFailure {
    let key = key.escape_ascii();
    WitFailure::Fatal(format!("the accumulator of key \"{key}\" ({len} bytes) is not one of this operator's"))
}

/// Where a group can go back to when a value is refused: the accumulator before value `start`, of which all
/// values since were accepted. Going back folds them again, each at most once more in a group's life, so
/// that accepting a value costs nothing.
struct Undo {
    before: Before,
    start: usize,
}

enum Before {
    /// The accumulator that the host gave for this group.
    Stored(usize),
    /// These bytes; none: no accumulator.
    Taken(Option<Vec<u8>>),
}

impl Undo {
    /// The accumulator as if value `at` had never been there.
    #[cold]
    fn value<A: Accumulator>(
        &mut self,
        group: &Group<'_>,
        at: usize,
        mut fold: impl FnMut(&mut Option<A>, Value<'_>) -> Result<(), Error>,
    ) -> Result<Option<A>, WitFailure> {
        let mut accumulator = match &self.before {
            Before::Stored(i) => stored(group, &group.groups.accumulators, *i)?,
            Before::Taken(bytes) => bytes.as_deref().map(|bytes| decode(group.key, bytes)).transpose()?,
        };
        for accepted in self.start..at {
            if let Err(error) = fold(&mut accumulator, group.value(accepted)) {
                let reason = rejection(error)?;
                return Err(WitFailure::Fatal(format!(
                    "a value was first accepted and then refused: {reason}"
                )));
            }
        }
        self.before = Before::Taken(accumulator.as_ref().map(|accumulator| {
            let mut bytes = Bytes::default();
            accumulator.encode(&mut bytes);
            bytes.into_vec()
        }));
        self.start = at + 1;
        Ok(accumulator)
    }
}

/// `finisher.finish`.
///
/// # Errors
/// The operator's own, and fatal ones when an accumulator's bytes cannot be read.
#[expect(clippy::needless_pass_by_value, reason = "the bindings hand over what they lifted")]
pub fn finish<T: Finish>(
    operator: &mut T,
    keys: BytesColumn,
    accumulators: BytesColumn,
) -> Result<BytesColumn, WitFailure> {
    let count = accumulators.offsets.len().saturating_sub(1);
    let mut out = Column::with_capacity(count, accumulators.data.len());
    for i in 0..count {
        if bit(&accumulators.nulls, i) {
            out.push_null();
            continue;
        }
        let key = cell(&keys.data, &keys.offsets, i);
        let accumulator = decode(key, cell(&accumulators.data, &accumulators.offsets, i))?;
        match operator.finish(key, &accumulator, &mut out.bytes)? {
            Finished::Value => out.end_string(),
            Finished::Tombstone => out.push_null(),
        }
    }
    Ok(out.finish())
}

/// `merger.merge`.
///
/// # Errors
/// The operator's own, and fatal ones when an accumulator's bytes cannot be read.
#[expect(clippy::needless_pass_by_value, reason = "the bindings hand over what they lifted")]
pub fn merge<T: Merge>(
    operator: &mut T,
    left: BytesColumn,
    right: BytesColumn,
) -> Result<BytesColumn, WitFailure> {
    let count = left.offsets.len().saturating_sub(1);
    let mut out = Column::with_capacity(count, left.data.len());
    for i in 0..count {
        let side = |column: &BytesColumn| decode(b"", cell(&column.data, &column.offsets, i));
        let merged = operator.merge(side(&left)?, side(&right)?)?;
        push(&mut out, merged.as_ref());
    }
    Ok(out.finish())
}
