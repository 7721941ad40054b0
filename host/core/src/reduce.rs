//! The reduce of a batch: one call that writes the overlay, or, when it faults, halves until the culprits
//! are alone. Halves are taken in log order, so the cut law makes them the same as one call.

use crate::call::{Caller, Halving};
use crate::effect::{Cause, Effect};
use crate::emit::{Emit, Emitted};
use crate::error::{Stop, StopKind};
use crate::group::{Group, Grouper, key};
use crate::operator::{Fault, Operator, Reduced};
use crate::process::{Failed, Place};
use crate::record::{Batch, Rows, TimestampMs};
use crate::state::KeyedState;
use crate::transform::report;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

/// The rows that a reduce is to fold.
pub(crate) struct Input<'a> {
    /// Keys and values.
    pub(crate) rows: &'a Rows,
    /// Where each value begins behind its frame; none: values have no frame.
    pub(crate) value_starts: Option<&'a [u32]>,
    /// The row of the batch that each row comes from; none: the same.
    pub(crate) source: Option<&'a [u32]>,
    /// The rows to fold, rising, with keys and values.
    pub(crate) selection: &'a [u32],
}

impl Input<'_> {
    pub(crate) fn value(&self, row: u32) -> &[u8] {
        let end = self.rows.offsets[2 * row as usize + 2] as usize;
        let start = match self.value_starts {
            Some(starts) => starts[row as usize] as usize,
            None => self.rows.offsets[2 * row as usize + 1] as usize,
        };
        &self.rows.data[start..end]
    }

    fn batch_row(&self, at: usize) -> u32 {
        self.source_of(self.selection[at])
    }

    fn source_of(&self, row: u32) -> u32 {
        self.source.map_or(row, |source| source[row as usize])
    }

    /// True if the rows before `at` come from other rows of the batch, so that work may end there.
    fn is_boundary(&self, at: usize) -> bool {
        at > 0 && self.batch_row(at) != self.batch_row(at - 1)
    }
}

/// One reduce over a batch.
pub(crate) struct Reduction<'a, O> {
    pub(crate) caller: &'a mut Caller<O>,
    pub(crate) grouper: &'a mut Grouper,
    pub(crate) emit: Emit,
    pub(crate) emitted: &'a mut Emitted,
    pub(crate) state: &'a mut KeyedState,
    pub(crate) failed: &'a mut Vec<Failed>,
    pub(crate) effects: &'a mut Vec<Effect>,
}

impl<O: Operator> Reduction<'_, O> {
    /// Folds the input into the overlay. Answers where to go on: none when all rows came to their end, else
    /// the row of the batch at which the isolation budget ran out.
    pub(crate) fn run(&mut self, batch: &Batch, input: &Input<'_>) -> Result<Option<usize>, Stop> {
        let n = input.selection.len();
        let mut halving = Halving::new(n);
        let mut culprits: Vec<(u32, Fault)> = Vec::new();
        let mut end = n;
        while let Some(range) = halving.next() {
            if input.is_boundary(range.start) && self.caller.over_budget() {
                end = range.start;
                break;
            }
            match self.fold(input, &range)? {
                Ok(()) => self.caller.processed(range.len()),
                Err(fault) => {
                    if range.len() == n {
                        self.effects.push(Effect::Report(report(batch, &fault)));
                    }
                    if halving.split(&range) {
                        continue;
                    }
                    self.caller.faulted(&fault)?;
                    culprits.push((input.selection[range.start], fault));
                }
            }
        }
        self.suspect_accumulators(batch, input, &culprits, end)?;
        self.failed.extend(culprits.into_iter().map(|(row, fault)| Failed {
            row,
            place: Place::Reduce,
            cause: Cause::Fault(fault.kind),
            reason: fault.reason,
        }));
        Ok((end < n).then(|| input.batch_row(end) as usize))
    }

    /// One call. Nothing is written unless it succeeds.
    fn fold(&mut self, input: &Input<'_>, range: &Range<usize>) -> Result<Result<(), Fault>, Stop> {
        self.grouper.group(input.rows, &input.selection[range.clone()], self.state);
        self.gather(input, true);
        let every = self.emit == Emit::Record;
        let reduced = match self.answer(input, range.len())? {
            Ok(reduced) => reduced,
            Err(fault) => return Ok(Err(fault)),
        };
        if every {
            self.emit_every(input, range, &reduced);
        }
        self.write(input, &reduced);
        self.failed.extend(reduced.bad.into_iter().map(|bad| Failed {
            row: self.grouper.order[bad.row as usize],
            place: Place::Reduce,
            cause: Cause::Rejected,
            reason: bad.reason,
        }));
        Ok(Ok(()))
    }

    /// The operator's answer for what is gathered; a processor's rows wait to be sent.
    fn answer(&mut self, input: &Input<'_>, records: usize) -> Result<Result<Reduced, Fault>, Stop> {
        let Grouper { argument: groups, order, .. } = &*self.grouper;
        if self.emit != Emit::Own {
            let every = self.emit == Emit::Record;
            return self.caller.call_with(records, |operator| operator.reduce(groups, every));
        }
        let answer = self.caller.call_with(records, |operator| operator.process(groups))?;
        Ok(answer.map(|made| {
            self.emitted.make(&made, &groups.timestamps, |value| input.source_of(order[value as usize]));
            made.reduced
        }))
    }

    /// The answer becomes what the open transaction has written. A key of which all values were refused keeps what
    /// it had.
    fn write(&mut self, input: &Input<'_>, reduced: &Reduced) {
        let mut bad = reduced.bad.iter().map(|bad| bad.row).peekable();
        let mut start = 0;
        for (g, group) in self.grouper.groups.iter().enumerate() {
            let values = start..group.end;
            start = group.end;
            let mut refused = 0;
            while bad.next_if(|&row| row < values.end).is_some() {
                refused += 1;
            }
            let answer = if self.emit == Emit::Record { values.end as usize - 1 } else { g };
            let accumulator = reduced.accumulators.get(answer);
            let unknown = accumulator.is_none() && self.state.get(group.slot).is_none();
            if refused == values.len() || unknown {
                continue;
            }
            let times = &self.grouper.argument.timestamps[values.start as usize..values.end as usize];
            let timestamp = times.iter().copied().max().unwrap_or(TimestampMs::MIN);
            self.state.set(group.slot, accumulator, timestamp);
            if self.emit == Emit::Batch {
                let timestamp = self.state.timestamp(group.slot);
                self.emitted.push(key(input.rows, group.first), accumulator, timestamp, None);
            }
        }
    }

    /// The results after each value, in log order; before anything is written.
    fn emit_every(&mut self, input: &Input<'_>, range: &Range<usize>, reduced: &Reduced) {
        let Grouper { groups, group_of, place_of, .. } = &*self.grouper;
        let now = |group: &Group| (self.state.get(group.slot).is_some(), self.state.timestamp(group.slot));
        let mut now: Vec<_> = groups.iter().map(now).collect();
        for (i, &row) in input.selection[range.clone()].iter().enumerate() {
            let place = place_of[i];
            if reduced.bad.binary_search_by_key(&place, |bad| bad.row).is_ok() {
                continue;
            }
            let (is_there, newest) = &mut now[group_of[i] as usize];
            *newest = (*newest).max(input.rows.timestamps[row as usize]);
            let accumulator = reduced.accumulators.get(place as usize);
            if accumulator.is_some() || *is_there {
                *is_there = accumulator.is_some();
                let row_read = input.source_of(row);
                self.emitted.push(key(input.rows, row), accumulator, *newest, Some(row_read));
            }
        }
    }

    /// Fills the argument of a call over what is grouped.
    fn gather(&mut self, input: &Input<'_>, with_accumulators: bool) {
        let Grouper { groups, order, argument, .. } = &mut *self.grouper;
        argument.clear();
        for group in groups {
            let accumulator = self.state.get(group.slot).filter(|_| with_accumulators);
            argument.keys.push(Some(key(input.rows, group.first)));
            argument.accumulators.push(accumulator.map(|(accumulator, _)| accumulator));
            argument.ends.push(group.end);
        }
        for &row in order.iter() {
            argument.values.push(Some(input.value(row)));
            argument.timestamps.push(input.rows.timestamps[row as usize]);
        }
    }

    /// When every value of a key faulted, its accumulator may be the culprit: the values are folded once
    /// without it. If that works, going on would throw good records away.
    fn suspect_accumulators(
        &mut self,
        batch: &Batch,
        input: &Input<'_>,
        culprits: &[(u32, Fault)],
        end: usize,
    ) -> Result<(), Stop> {
        let mut rows: Vec<u32> = culprits.iter().map(|(row, _)| *row).collect();
        while let Some(&first) = rows.first() {
            let key = key(input.rows, first);
            let same = |row: &u32| self::key(input.rows, *row) == key;
            let (of_key, others): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(same);
            rows = others;
            let all = input.selection[..end].iter().filter(|row| same(row)).count();
            let slot = self.state.slot(key);
            let known = self.state.get(slot).is_some();
            if !known || of_key.len() < all {
                continue;
            }
            self.grouper.group(input.rows, &of_key, self.state);
            self.gather(input, false);
            let (groups, processes) = (&self.grouper.argument, self.emit == Emit::Own);
            let works = self.caller.call(|operator| {
                if processes {
                    operator.process(groups).map(|_| ())
                } else {
                    operator.reduce(groups, false).map(|_| ())
                }
            })?;
            if works.is_ok() {
                return Err(Stop::new(StopKind::BadData, broken_accumulator(batch, key)));
            }
        }
        Ok(())
    }
}

fn broken_accumulator(batch: &Batch, key: &[u8]) -> String {
    format!(
        "the module faults on the accumulator of key \"{}\" (task of {}), but not on its new values\n\
         hint: the state was written by another module or version; go back to it, or reset the application",
        key.escape_ascii(),
        batch.source,
    )
}
