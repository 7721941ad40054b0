//! The traits that an operator implements.

use crate::accumulator::Accumulator;
use crate::bytes::Bytes;
use crate::error::{Error, Failure};
use crate::output::Output;
use crate::record::{Record, Value};

/// What every operator has: how it is made, and what it says of itself.
///
/// An instance may be thrown away between any two calls. What must last is the accumulator; fields are for
/// settings and for buffers.
pub trait Operator: Sized + 'static {
    /// For people, at best `env!("CARGO_PKG_NAME")`.
    const NAME: &'static str;
    /// For people, at best `env!("CARGO_PKG_VERSION")`.
    const VERSION: &'static str;
    /// Names the bytes of an accumulator, at most 256 bytes; must be set by whoever reduces. A new version
    /// of a module with the same string reads the old one's accumulators.
    const STATE_SCHEMA: &'static str = "";
    /// Names the bytes of the values between transform and reduce, at most 256 bytes.
    const ROW_SCHEMA: &'static str = "";

    /// Makes an instance. Must do the same each time with the same settings.
    ///
    /// # Errors
    /// The text stops the start of the application: say which setting is wrong and what is allowed.
    fn configure(settings: &Settings<'_>) -> Result<Self, String>;

    /// True if `transform` never changes a key and never makes rows of another key. The host then needs no
    /// repartition topic before a reduce. A wrong `true` gives wrong results.
    fn preserves_key(&self) -> bool {
        false
    }
}

/// Rows in, any number of rows out, no state.
pub trait Transform: Operator {
    /// Called for each record of a batch, in offset order.
    ///
    /// # Errors
    /// [`reject`](crate::reject) (or any error by `?`) refuses this record, and the rows emitted for it are
    /// taken back. [`retry`](crate::retry) and [`fatal`](crate::fatal) end the whole call.
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error>;
}

/// Values in, one accumulator per key.
pub trait Reduce: Operator {
    /// The state of a key; `i128`, `Vec<u8>`, `String`, … or a type of your own.
    type Accumulator: Accumulator;

    /// Folds one value into the accumulator of its key; called in log order. `accumulator` is none when the
    /// key has none yet; leaving or making it none deletes the key.
    ///
    /// The result may only depend on what is given here, and not on where batches were cut: it may be
    /// called again with the same values.
    ///
    /// # Errors
    /// [`reject`](crate::reject) (or any error by `?`) refuses this value. The accumulator is then put back
    /// as if the value had never been there, whatever was done to it.
    fn fold(&mut self, accumulator: &mut Option<Self::Accumulator>, value: Value<'_>) -> Result<(), Error>;
}

/// Values in, one accumulator per key and any number of rows out: state, and full say in what is written.
///
/// For what is no running result of a key: removing duplicates, filling gaps, raising an alarm. Rows are written as
/// they come and become visible with the commit that has the accumulators too.
pub trait Process: Operator {
    /// The state of a key; `i128`, `Vec<u8>`, `String`, … or a type of your own.
    type Accumulator: Accumulator;

    /// Takes one value of a key; called in log order. `accumulator` is none when the key has none yet; leaving or
    /// making it none deletes the key. Rows may have any key.
    ///
    /// As with [`Reduce::fold`], the outcome may only depend on what is given here.
    ///
    /// # Errors
    /// [`reject`](crate::reject) (or any error by `?`) refuses this value: its rows are taken back, and the
    /// accumulator is put back as if the value had never been there.
    fn process(
        &mut self,
        accumulator: &mut Option<Self::Accumulator>,
        value: Value<'_>,
        out: &mut Output,
    ) -> Result<(), Error>;
}

/// A fold that may be split: values of a key may be folded apart, and what came of it merged. The host then folds
/// records before it shuffles them by key, which saves most of the way through the repartition topic.
///
/// Only for folds in which the order of values does not count, and which refuse no value because of those before it:
/// merging `a` with what `w` alone folds to must be the same as folding `w` into `a`.
/// `testing::Runner::check_merge_law` checks it.
pub trait Merge: Reduce {
    /// Merges `other` into `accumulator`, both of the same key.
    ///
    /// # Errors
    /// The application stops: an accumulator stands for many records.
    fn merge(
        &mut self,
        accumulator: Self::Accumulator,
        other: Self::Accumulator,
    ) -> Result<Option<Self::Accumulator>, Failure>;
}

/// Makes output values of accumulators. Without it the output value is the accumulator's own bytes.
pub trait Finish: Reduce {
    /// Writes the output value of `key` to `out`. Called once a commit for each key that was touched; keys
    /// that were deleted give tombstones without a call.
    ///
    /// # Errors
    /// The whole call fails; there is no record to refuse.
    fn finish(
        &mut self,
        key: &[u8],
        accumulator: &Self::Accumulator,
        out: &mut Bytes,
    ) -> Result<Finished, Failure>;
}

/// What [`Finish::finish`] decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finished {
    /// The result is what was written.
    Value,
    /// The result is a tombstone, a record with a null value; what was written is dropped.
    Tombstone,
}

/// The settings of the operator: `[settings]` in `host.toml`, `--set name=value`.
#[derive(Clone, Copy, Debug)]
pub struct Settings<'a> {
    pairs: &'a [(String, String)],
}

impl<'a> Settings<'a> {
    /// These settings, each a name and a value.
    pub fn new(pairs: &'a [(String, String)]) -> Self {
        Self { pairs }
    }

    /// The value of a setting.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.pairs.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The value of a setting as a number, a bool, …, or `default` when it is not set.
    ///
    /// # Errors
    /// A text for [`Operator::configure`] when the value cannot be read.
    pub fn parse<T: std::str::FromStr>(&self, name: &str, default: T) -> Result<T, String>
    where
        T::Err: std::fmt::Display,
    {
        self.get(name).map_or(Ok(default), |value| {
            value.parse().map_err(|error| format!("setting `{name}` has the value `{value}`: {error}"))
        })
    }

    /// Refuses settings that are not in `names`, so that a misspelt one is not ignored.
    ///
    /// # Errors
    /// A text for [`Operator::configure`] with the names that exist.
    pub fn expect_only(&self, names: &[&str]) -> Result<(), String> {
        match self.pairs.iter().find(|(name, _)| !names.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) if names.is_empty() => Err(format!("unknown setting `{name}`: there are none")),
            Some((name, _)) => Err(format!("unknown setting `{name}`: there are {}", names.join(", "))),
        }
    }

    /// All settings, as (name, value).
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, &'a str)> + use<'a> {
        self.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}
