//! Runs an operator natively, for `cargo test` without Wasm.
//!
//! The calls are those of the host, in its order: configure, describe, transform a batch, group its rows by
//! key, reduce or process, and, at a commit, finish the keys that were touched. The runner keeps the accumulators.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::accumulator::Accumulator;
use crate::bindings::types::{BytesColumn, Columns, HeaderColumns, Origin};
use crate::bytes::Column;
use crate::error::Failure;
use crate::operator::{Finish, Operator, Reduce, Transform};
use crate::run;

mod columns;
mod merge;
mod process;

use columns::{column, groups, input_columns, rows_of};

/// A header: name, and value or null.
pub type Header = (String, Option<Vec<u8>>);

/// A record of the input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    /// None: null.
    pub key: Option<Vec<u8>>,
    /// None: null.
    pub value: Option<Vec<u8>>,
    /// None: the runner's own clock, which counts records.
    pub timestamp: Option<i64>,
    /// In the record's order.
    pub headers: Vec<Header>,
}

impl Input {
    /// A record with a key and a value.
    pub fn new(key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        Self { key: Some(key.as_ref().to_vec()), ..Self::value(value) }
    }

    /// A record with a null key.
    pub fn value(value: impl AsRef<[u8]>) -> Self {
        Self { value: Some(value.as_ref().to_vec()), ..Self::default() }
    }

    /// With this timestamp.
    #[must_use]
    pub fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: Option<&[u8]>) -> Self {
        self.headers.push((name.into(), value.map(<[u8]>::to_vec)));
        self
    }
}

/// A row that a transform emitted, or that goes into a reduce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputRow {
    /// None: null.
    pub key: Option<Vec<u8>>,
    /// None: null.
    pub value: Option<Vec<u8>>,
    /// Its own or its record's.
    pub timestamp: i64,
    /// In the order in which they were added.
    pub headers: Vec<Header>,
    /// The offset of the record that it was made from.
    pub source_offset: i64,
}

/// A refused record or value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The call that refused it.
    pub stage: Stage,
    /// The offset of the record that it comes from.
    pub offset: i64,
    /// The operator's words.
    pub reason: String,
}

/// A call that can refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The transform.
    Transform,
    /// The reduce.
    Reduce,
    /// The process.
    Process,
}

/// Why a run ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunError {
    /// `configure` refused the settings.
    Configure(String),
    /// A call failed as a whole; its batch was not processed.
    Failed(Failure),
    /// The operator says that it preserves keys, but the row of the record at this offset has another.
    KeyChanged(i64),
    /// Folding in order is not the same as folding in reverse (cut 0), or as merging what the values before the cut
    /// fold to with what the others fold to.
    MergeLaw {
        /// How many values are in the first part.
        cut: usize,
    },
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configure(reason) => write!(f, "configure: {reason}"),
            Self::Failed(Failure::Retry(reason)) => write!(f, "retry: {reason}"),
            Self::Failed(Failure::Fatal(reason)) => write!(f, "fatal: {reason}"),
            Self::MergeLaw { cut: 0 } => write!(f, "the accumulator depends on the order of the values"),
            Self::MergeLaw { cut } => {
                write!(f, "the first {cut} values and the others, merged, are not what all of them fold to")
            }
            Self::KeyChanged(offset) => write!(f, "the key of the record at offset {offset} was changed"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<crate::bindings::types::Failure> for RunError {
    fn from(failure: crate::bindings::types::Failure) -> Self {
        Self::Failed(Failure::from_bindings(failure))
    }
}

/// What an operator says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// [`Operator::NAME`].
    pub name: String,
    /// [`Operator::VERSION`].
    pub version: String,
    /// [`Operator::preserves_key`].
    pub preserves_key: bool,
    /// [`Operator::STATE_SCHEMA`].
    pub state_schema: String,
    /// [`Operator::ROW_SCHEMA`].
    pub row_schema: String,
}

/// An instance of an operator, its input partition and its state store.
#[derive(Debug)]
pub struct Runner<T> {
    operator: T,
    settings: Vec<(String, String)>,
    topic: String,
    partition: u32,
    next_offset: i64,
    batch_records: usize,
    fresh_instances: bool,
    state: BTreeMap<Vec<u8>, Vec<u8>>,
    touched: BTreeSet<Vec<u8>>,
    rejected: Vec<Rejected>,
    skipped_nulls: usize,
}

impl<T: Operator> Runner<T> {
    /// A configured instance that reads `test-0` from offset 0 in batches of 1,000.
    ///
    /// # Errors
    /// [`RunError::Configure`].
    pub fn new(settings: &[(&str, &str)]) -> Result<Self, RunError> {
        let mut settings: Vec<_> =
            settings.iter().map(|(name, value)| (String::from(*name), String::from(*value))).collect();
        settings.sort();
        Ok(Self {
            operator: run::configure(&settings).map_err(RunError::Configure)?,
            settings,
            topic: "test".into(),
            partition: 0,
            next_offset: 0,
            batch_records: 1_000,
            fresh_instances: false,
            state: BTreeMap::new(),
            touched: BTreeSet::new(),
            rejected: Vec::new(),
            skipped_nulls: 0,
        })
    }

    /// Gives the operator at most this many records, or values, in a call.
    #[must_use]
    pub fn batch_records(mut self, batch_records: usize) -> Self {
        self.batch_records = batch_records.max(1);
        self
    }

    /// Reads from here on from this place.
    #[must_use]
    pub fn read_at(mut self, topic: &str, partition: u32, offset: i64) -> Self {
        self.topic = topic.into();
        self.partition = partition;
        self.next_offset = offset;
        self
    }

    /// Makes a new instance before every call, as a host may: an operator that keeps state in itself
    /// then shows it.
    #[must_use]
    pub fn fresh_instances(mut self) -> Self {
        self.fresh_instances = true;
        self
    }

    /// Starts with this accumulator for `key`, as after a restart.
    #[must_use]
    pub fn with_state(mut self, key: impl AsRef<[u8]>, accumulator: &[u8]) -> Self {
        self.state.insert(key.as_ref().to_vec(), accumulator.to_vec());
        self
    }

    /// What the operator says of itself.
    pub fn describe(&self) -> Description {
        let description = run::describe(&self.operator);
        Description {
            name: description.name,
            version: description.version,
            preserves_key: description.preserves_key,
            state_schema: description.state_schema,
            row_schema: description.row_schema,
        }
    }

    /// What was refused so far.
    pub fn rejected(&self) -> &[Rejected] {
        &self.rejected
    }

    /// How many rows had a null key or value and so did not go into the reduce.
    pub fn skipped_nulls(&self) -> usize {
        self.skipped_nulls
    }

    /// The accumulators as the host keeps them, by key.
    pub fn state(&self) -> &BTreeMap<Vec<u8>, Vec<u8>> {
        &self.state
    }

    fn operator(&mut self) -> Result<&mut T, RunError> {
        if self.fresh_instances {
            self.operator = run::configure(&self.settings).map_err(RunError::Configure)?;
        }
        Ok(&mut self.operator)
    }

    /// Numbers the records as a partition does.
    fn append(&mut self, inputs: &[Input]) -> (Origin, Columns) {
        let first = self.next_offset;
        self.next_offset += inputs.len() as i64;
        let offsets = (first..self.next_offset).collect();
        let origin = Origin { topic: self.topic.clone(), partition: self.partition, offsets };
        (origin, input_columns(inputs, first))
    }

    /// Appends the records; they are the rows.
    fn rows(&mut self, inputs: &[Input]) -> Vec<OutputRow> {
        let (origin, columns) = self.append(inputs);
        let source: Vec<u32> = (0..inputs.len() as u32).collect();
        rows_of(&columns, &source, &columns.timestamps)
            .zip(origin.offsets)
            .map(|(row, source_offset)| OutputRow { source_offset, ..row })
            .collect()
    }
}

impl<T: Transform> Runner<T> {
    /// Appends the records to the input and transforms them.
    ///
    /// # Errors
    /// [`RunError::Failed`] and [`RunError::KeyChanged`]; the batches before are done.
    pub fn transform(&mut self, inputs: &[Input]) -> Result<Vec<OutputRow>, RunError> {
        let preserves_key = self.describe().preserves_key;
        let mut all = Vec::new();
        for batch in inputs.chunks(self.batch_records) {
            let (origin, columns) = self.append(batch);
            let offsets = origin.offsets.clone();
            let timestamps = columns.timestamps.clone();
            let answer = run::transform(self.operator()?, origin, columns)?;
            for bad in answer.bad {
                let offset = offsets[bad.row as usize];
                self.rejected.push(Rejected { stage: Stage::Transform, offset, reason: bad.reason });
            }
            for (row, source) in rows_of(&answer.rows, &answer.source, &timestamps).zip(&answer.source) {
                let row = OutputRow { source_offset: offsets[*source as usize], ..row };
                if preserves_key && row.key != batch[*source as usize].key {
                    return Err(RunError::KeyChanged(row.source_offset));
                }
                all.push(row);
            }
        }
        Ok(all)
    }
}

impl<T: Reduce> Runner<T> {
    /// Groups the rows by key and folds them into the accumulators.
    ///
    /// # Errors
    /// [`RunError::Failed`]; the batches before are done.
    pub fn reduce(&mut self, rows: &[OutputRow]) -> Result<(), RunError> {
        for batch in rows.chunks(self.batch_records) {
            let (groups, values) = groups(batch, &self.state);
            self.skipped_nulls += batch.len() - values.len();
            if values.is_empty() {
                continue;
            }
            let keys: Vec<Vec<u8>> =
                columns::strings(&groups.keys).map(|key| key.unwrap_or_default().to_vec()).collect();
            let answer = run::reduce(self.operator()?, groups, false)?;
            for bad in answer.bad {
                let offset = batch[values[bad.row as usize]].source_offset;
                self.rejected.push(Rejected { stage: Stage::Reduce, offset, reason: bad.reason });
            }
            for (key, accumulator) in keys.into_iter().zip(columns::strings(&answer.accumulators)) {
                match accumulator {
                    Some(bytes) => self.state.insert(key.clone(), bytes.to_vec()),
                    None => self.state.remove(&key),
                };
                self.touched.insert(key);
            }
        }
        Ok(())
    }

    /// Appends the records to the input and reduces them as they are.
    ///
    /// # Errors
    /// As [`Runner::reduce`].
    pub fn reduce_inputs(&mut self, inputs: &[Input]) -> Result<(), RunError> {
        let rows = self.rows(inputs);
        self.reduce(&rows)
    }

    /// The accumulator of a key, or none when it has none.
    pub fn accumulator(&self, key: impl AsRef<[u8]>) -> Option<T::Accumulator> {
        self.state.get(key.as_ref()).and_then(|bytes| T::Accumulator::decode(bytes))
    }
}

impl<T: Transform + Reduce> Runner<T> {
    /// Appends the records to the input, transforms them and reduces the rows.
    ///
    /// # Errors
    /// As [`Runner::transform`] and [`Runner::reduce`].
    pub fn run(&mut self, inputs: &[Input]) -> Result<(), RunError> {
        for batch in inputs.chunks(self.batch_records) {
            let rows = self.transform(batch)?;
            self.reduce(&rows)?;
        }
        Ok(())
    }
}

impl<T: Finish> Runner<T> {
    /// Commits: the results of the keys that were touched since the last time, sorted by key; none is a
    /// tombstone.
    ///
    /// # Errors
    /// [`RunError::Failed`].
    pub fn finish(&mut self) -> Result<BTreeMap<Vec<u8>, Option<Vec<u8>>>, RunError> {
        let touched = std::mem::take(&mut self.touched);
        let keys = column(touched.iter().map(|key| Some(key.as_slice())));
        let accumulators = column(touched.iter().map(|key| self.state.get(key).map(Vec::as_slice)));
        let answer = run::finish(self.operator()?, keys, accumulators)?;
        let results: Vec<_> = columns::strings(&answer).map(|value| value.map(<[u8]>::to_vec)).collect();
        Ok(touched.into_iter().zip(results).collect())
    }
}
