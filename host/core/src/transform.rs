//! The transform of a batch: one call, or, when it faults, halves until the culprits are alone.

use crate::call::{Caller, Halving};
use crate::effect::{Cause, Effect, Report};
use crate::error::Stop;
use crate::operator::{Fault, Operator, Transformed};
use crate::process::{Failed, Place};
use crate::record::{Batch, Origin, Rows};
use alloc::vec::Vec;

/// What came out of a transform.
pub(crate) struct Stage {
    /// Output rows, each with a timestamp.
    pub(crate) rows: Rows,
    /// One per output row, never falling: its row in the batch.
    pub(crate) source: Vec<u32>,
    /// Rows of the batch that came to their end: all, or fewer when the isolation budget ran out.
    pub(crate) done: usize,
}

/// Transforms a batch. Refused and faulted rows are added to `failed`.
pub(crate) fn transform<O: Operator>(
    caller: &mut Caller<O>,
    batch: &Batch,
    failed: &mut Vec<Failed>,
    effects: &mut Vec<Effect>,
) -> Result<Stage, Stop> {
    let n = batch.rows.len();
    let mut stage = Stage { rows: Rows::new(), source: Vec::new(), done: 0 };
    let mut halving = Halving::new(n);
    while let Some(range) = halving.next() {
        if stage.done > 0 && caller.over_budget() {
            break;
        }
        let part = (range.len() < n).then(|| batch.rows.slice(range.clone()));
        let rows = part.as_ref().unwrap_or(&batch.rows);
        let origin = Origin { source: &batch.source, offsets: &batch.offsets[range.clone()] };
        match caller.call_with(range.len(), |operator| operator.transform(origin, rows))? {
            Ok(answer) => {
                caller.processed(range.len());
                stage.take(answer, rows, range.start, failed);
            }
            Err(fault) => {
                if range.len() == n {
                    effects.push(Effect::Report(report(batch, &fault)));
                }
                if halving.split(&range) {
                    continue;
                }
                caller.faulted(&fault)?;
                failed.push(Failed {
                    row: range.start as u32,
                    place: Place::Batch,
                    cause: Cause::Fault(fault.kind),
                    reason: fault.reason,
                });
            }
        }
        stage.done = range.end;
    }
    Ok(stage)
}

/// The report of a fault in this batch.
pub(crate) fn report(batch: &Batch, fault: &Fault) -> Report {
    let ends = (batch.offsets.first(), batch.offsets.last());
    Report::Fault {
        source: batch.source.clone(),
        offsets: (ends.0.copied().unwrap_or_default(), ends.1.copied().unwrap_or_default()),
        fault: fault.clone(),
    }
}

impl Stage {
    /// Adds the answer for the rows that begin at row `start` of the batch.
    fn take(&mut self, answer: Transformed, input: &Rows, start: usize, failed: &mut Vec<Failed>) {
        let Transformed { mut rows, mut source, bad } = answer;
        if rows.timestamps.is_empty() {
            rows.timestamps = source.iter().map(|&row| input.timestamps[row as usize]).collect();
        }
        failed.extend(bad.into_iter().map(|bad| Failed {
            row: bad.row + start as u32,
            place: Place::Batch,
            cause: Cause::Rejected,
            reason: bad.reason,
        }));
        for row in &mut source {
            *row += start as u32;
        }
        if self.rows.is_empty() {
            self.rows = rows;
            self.source = source;
            return;
        }
        for i in 0..rows.len() {
            self.rows.push_with_headers(rows.row(i), rows.headers(i));
        }
        self.source.append(&mut source);
    }
}
