//! Partial accumulators become part of a key's accumulator.

use super::Processor;
use crate::emit::Emit;
use crate::error::{Stop, StopKind};
use crate::group::key;
use crate::operator::{Fault, Operator};
use crate::record::{Batch, BytesColumn};
use crate::reduce::Input;
use crate::state::KeyedState;
use alloc::format;
use alloc::vec::Vec;

/// The partials of a key that are still to be merged, as places in the grouper's order.
struct Waiting {
    group: u32,
    next: u32,
    end: u32,
}

impl<O: Operator> Processor<O> {
    /// Merges the partials of the input, in log order inside a key, with one call for the first partial of all
    /// keys, one for the second, and so on.
    ///
    /// # Errors
    /// The module faults. A partial stands for many records, so none is set aside: the application stops, and
    /// nothing of the transaction is committed.
    pub(super) fn merge(
        &mut self,
        batch: &Batch,
        input: &Input<'_>,
        state: &mut KeyedState,
    ) -> Result<(), Stop> {
        self.grouper.group(input.rows, input.selection, state);
        let mut waiting = Vec::with_capacity(self.grouper.groups.len());
        let mut next = 0;
        for (group, found) in (0..).zip(&self.grouper.groups) {
            waiting.push(Waiting { group, next, end: found.end });
            next = found.end;
        }
        while !waiting.is_empty() {
            self.merge_next(batch, input, state, &waiting)?;
            waiting.retain_mut(|key| {
                key.next += 1;
                key.next < key.end
            });
        }
        self.caller.processed(input.selection.len());
        if self.emit != Emit::Commit {
            for group in &self.grouper.groups {
                let (accumulator, timestamp) = state.get(group.slot).unzip();
                let timestamp = timestamp.unwrap_or_else(|| state.timestamp(group.slot));
                self.emitted.push(key(input.rows, group.first), accumulator, timestamp, None);
            }
        }
        Ok(())
    }

    /// Merges the next partial of each key.
    fn merge_next(
        &mut self,
        batch: &Batch,
        input: &Input<'_>,
        state: &mut KeyedState,
        waiting: &[Waiting],
    ) -> Result<(), Stop> {
        let (mut left, mut right) = (BytesColumn::new(), BytesColumn::new());
        let mut pairs = Vec::new();
        for key in waiting {
            let row = self.grouper.order[key.next as usize];
            let (partial, timestamp) = (input.value(row), input.rows.timestamps[row as usize]);
            let slot = self.grouper.groups[key.group as usize].slot;
            match state.get(slot) {
                None => state.set(slot, Some(partial), timestamp),
                Some((accumulator, _)) => {
                    left.push(Some(accumulator));
                    right.push(Some(partial));
                    pairs.push((slot, timestamp));
                }
            }
        }
        if pairs.is_empty() {
            return Ok(());
        }
        // As for a record alone: it does not pay for what the instance did before.
        let merged = self.caller.call_with(1, |operator| operator.merge(&left, &right))?;
        let merged = merged.map_err(|fault| cannot_merge(batch, &fault))?;
        for (i, (slot, timestamp)) in pairs.into_iter().enumerate() {
            state.set(slot, merged.get(i), timestamp);
        }
        Ok(())
    }
}

fn cannot_merge(batch: &Batch, fault: &Fault) -> Stop {
    let ends = (batch.offsets[0], batch.offsets[batch.offsets.len() - 1]);
    Stop::new(
        StopKind::BadData,
        format!(
            "the module faults on merging partial accumulators of {}, offsets {} to {} ({}): {}\n\
             hint: each stands for many records, so none is set aside; nothing was lost: mend the module and start \
             again",
            batch.source,
            ends.0,
            ends.1,
            fault.kind.as_str(),
            fault.reason
        ),
    )
}
