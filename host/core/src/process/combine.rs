//! Folding before the shuffle: when a reduce can be merged, the sender folds the rows of a transaction, and one
//! partial accumulator a key goes into the repartition topic instead of every row.
//!
//! Rows and partials may be mixed in the topic, so the sender may change its mind between two transactions.

use super::{Failed, Processor, select, send};
use crate::effect::{Effect, Report, Target};
use crate::emit::Emit;
use crate::error::Stop;
use crate::frame::{Frame, Kind};
use crate::hash::{Hasher, fingerprint};
use crate::operator::Operator;
use crate::record::{Batch, Row, Rows};
use crate::reduce::Input;
use crate::state::{KeyedState, NoStore};
use crate::task::Task;
use crate::transform::Stage;
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Folding pays when a partial replaces at least so many rows, in percent of one row.
const ROWS_PER_PARTIAL_MIN_PERCENT: u64 = 125;
/// Transactions without folding after one in which it did not pay.
const REST_TRANSACTIONS: u32 = 50;

/// What a task has folded for the repartition topic in the open transaction.
pub(crate) struct Combiner {
    state: KeyedState,
    rows: u64,
    /// Transactions until it is tried again.
    rests: u32,
}

impl Combiner {
    pub(crate) fn new(hasher: Hasher) -> Self {
        Self { state: KeyedState::new(Box::new(NoStore), hasher), rows: 0, rests: 0 }
    }

    /// The open transaction is over, one way or the other.
    pub(crate) fn end_transaction(&mut self) {
        self.state.abort();
        self.rows = 0;
    }

    fn judge(&mut self, partials: u64) {
        if self.rests > 0 {
            self.rests -= 1;
        } else if 100 * self.rows < ROWS_PER_PARTIAL_MIN_PERCENT * partials {
            self.rests = REST_TRANSACTIONS;
        }
    }
}

impl<O: Operator> Processor<O> {
    /// The combiner of a task, if it is to be used in this transaction.
    pub(super) fn combiner<'a>(&self, task: &'a mut Task) -> Option<&'a mut Combiner> {
        let usable = self.topology.combines
            && self.description().merges
            && !matches!(self.emit, Emit::Record | Emit::Own);
        task.combiner.as_mut().filter(|combiner| usable && combiner.rests == 0)
    }

    /// Rows are folded into what the open transaction has folded so far.
    pub(super) fn combine(
        &mut self,
        batch: &Batch,
        stage: Option<&Stage>,
        combiner: &mut Combiner,
        failed: &mut Vec<Failed>,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<usize>, Stop> {
        let rows = stage.map_or(&batch.rows, |stage| &stage.rows);
        let selection = select(rows, failed);
        combiner.rows += selection.len() as u64;
        let source = stage.map(|stage| stage.source.as_slice());
        let input = Input { rows, value_starts: None, source, selection: &selection };
        // Whatever the results wait for, they are the business of whoever merges.
        self.reduction(Emit::Commit, &mut combiner.state, failed, effects).run(batch, &input)
    }

    /// One record per key that was folded.
    pub(super) fn flush_partials(&mut self, task: &mut Task, effects: &mut Vec<Effect>) -> Result<(), Stop> {
        let Some(combiner) = &mut task.combiner else { return Ok(()) };
        let frame = Frame {
            kind: Kind::Partial,
            schema: self.state_schema,
            topic: fingerprint(&task.source.topic),
            partition: task.source.partition,
            offset: task.position - 1,
        };
        let (mut partials, mut value) = (Rows::new(), Vec::new());
        for (key, accumulator, timestamp) in combiner.state.touched() {
            // What was deleted again is as if it had never been there.
            let Some(accumulator) = accumulator else { continue };
            value.clear();
            frame.write(&mut value);
            value.extend_from_slice(accumulator);
            partials.push(Row { key: Some(key), value: Some(&value), timestamp });
        }
        let (rows, count) = (combiner.rows, partials.len() as u64);
        combiner.judge(count);
        self.check_sizes(&task.source, &partials)?;
        if rows > 0 {
            effects.push(Effect::Report(Report::Combined { rows, partials: count }));
        }
        send(Target::Repartition, partials, effects);
        Ok(())
    }
}
