//! The seam to operators: what a module can do, and how a call can fail.

use crate::record::{BytesColumn, Origin, Rows, TimestampMs};
use alloc::string::String;
use alloc::vec::Vec;

/// What a module says of itself and which interfaces it has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "six independent facts, each with its name")]
pub struct Description {
    /// For people.
    pub name: String,
    /// For people.
    pub version: String,
    /// The transform never changes a key.
    pub preserves_key: bool,
    /// Names the bytes of an accumulator.
    pub state_schema: String,
    /// Names the values between transform and reduce.
    pub row_schema: String,
    /// `transformer` is exported.
    pub transforms: bool,
    /// `reducer` or `processor` is exported: there is keyed state.
    pub reduces: bool,
    /// It is `processor`: the rows that it makes are the results.
    pub processes: bool,
    /// `finisher` is exported.
    pub finishes: bool,
    /// `merger` is exported: rows may be folded before they are shuffled.
    pub merges: bool,
}

/// A row that an operator refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Index among the rows (transform) or the values (reduce) of the call.
    pub row: u32,
    /// For a person; at most [`crate::check::REASON_BYTES_MAX`] bytes.
    pub reason: String,
}

/// The answer of a transform.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transformed {
    /// Output rows in the order in which they are written; `timestamps` may be empty, see `wit/types.wit`.
    pub rows: Rows,
    /// One per output row, never falling: the input row that it comes from.
    pub source: Vec<u32>,
    /// Refused input rows, rising.
    pub bad: Vec<BadRow>,
}

/// Keys with their accumulators and new values, the argument of a reduce. See `groups` in `wit/reduce.wit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Groups {
    /// One per key, first seen first.
    pub keys: BytesColumn,
    /// One per key; null: none yet.
    pub accumulators: BytesColumn,
    /// One per key: where its values end.
    pub ends: Vec<u32>,
    /// The values of all keys.
    pub values: BytesColumn,
    /// One per value.
    pub timestamps: Vec<TimestampMs>,
}

/// The answer of a reduce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reduced {
    /// One per key, or one per value where every one was asked for; null deletes the key.
    pub accumulators: BytesColumn,
    /// Refused values, rising; `row` indexes [`Groups::values`].
    pub bad: Vec<BadRow>,
}

/// The answer of a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Processed {
    /// One accumulator per key, and the refused values.
    pub reduced: Reduced,
    /// Output rows in the order in which they are written; `timestamps` may be empty, see `wit/types.wit`.
    pub rows: Rows,
    /// One per output row, never falling: the index of the value that it comes from.
    pub source: Vec<u32>,
}

/// Why a call gave no answer. Every kind but [`FaultKind::Fatal`] is isolated by the core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What happened.
    pub kind: FaultKind,
    /// For a person: the trap with its backtrace, the guest's own text, the broken rule.
    pub reason: String,
    /// How long the call took, in microseconds; counts against the isolation budget of the transaction.
    pub spent_us: u64,
}

/// The kinds of [`Fault`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The guest trapped.
    Trap,
    /// The call passed its deadline.
    Deadline,
    /// The guest asked for more memory than it may have.
    Memory,
    /// The answer broke a rule of the contract.
    BadAnswer,
    /// The answer is larger than `output_bytes_max`.
    Output,
    /// The guest asked for the same batch on a fresh instance.
    Retry,
    /// The guest asked to stop the application.
    Fatal,
}

impl FaultKind {
    /// The word for logs, metrics and the `__streams.errors.exception` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trap => "trap",
            Self::Deadline => "deadline",
            Self::Memory => "memory",
            Self::BadAnswer => "bad-answer",
            Self::Output => "output",
            Self::Retry => "retry",
            Self::Fatal => "fatal",
        }
    }
}

/// A transform, a reduce, or both: one instance of a module.
///
/// Calls are local and synchronous. After any [`Fault`] the implementation has thrown its instance away;
/// the next call runs on a fresh one. Answers have passed [`crate::check`].
pub trait Operator {
    /// What the module can do; the same for its whole life.
    fn description(&self) -> &Description;

    /// Rows in, rows out. `rows` is never empty.
    ///
    /// # Errors
    /// A [`Fault`]; nothing of the batch counts as processed.
    fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault>;

    /// Folds values into accumulators. `groups` has at least one key. With `every` the answer has the accumulator
    /// after each value; after a refused one it is what it was before.
    ///
    /// # Errors
    /// A [`Fault`]; no accumulator has changed.
    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault>;

    /// Folds values into accumulators and makes rows of both; only called when the module processes, so that others
    /// need not have it.
    ///
    /// # Errors
    /// A [`Fault`]; no accumulator has changed.
    fn process(&mut self, _groups: &Groups) -> Result<Processed, Fault> {
        let reason = "the operator has no process, and it was called".into();
        Err(Fault { kind: FaultKind::Fatal, reason, spent_us: 0 })
    }

    /// Output values of accumulators, one per key; only called when the module finishes.
    ///
    /// # Errors
    /// A [`Fault`].
    fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault>;

    /// Accumulators of what the left and the right ones were folded from, pair by pair, none of them null; only
    /// called when the module merges. `merge(a, reduce(none, w)) = reduce(a, w)` for all a and w.
    ///
    /// # Errors
    /// A [`Fault`].
    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault>;
}

impl Groups {
    /// Removes all keys and values and keeps the buffers.
    pub fn clear(&mut self) {
        self.keys.clear();
        self.accumulators.clear();
        self.ends.clear();
        self.values.clear();
        self.timestamps.clear();
    }
}

impl<O: Operator + ?Sized> Operator for alloc::boxed::Box<O> {
    fn description(&self) -> &Description {
        (**self).description()
    }

    fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        (**self).transform(origin, rows)
    }

    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
        (**self).reduce(groups, every)
    }

    fn process(&mut self, groups: &Groups) -> Result<Processed, Fault> {
        (**self).process(groups)
    }

    fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        (**self).finish(keys, accumulators)
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        (**self).merge(left, right)
    }
}
