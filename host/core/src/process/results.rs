//! What a task writes of its accumulators: results, and at the commit the changelog.

use super::{Processor, send, size};
use crate::changelog;
use crate::effect::{Effect, Target};
use crate::emit::Emit;
use crate::error::{Stop, StopKind};
use crate::operator::Operator;
use crate::record::{Batch, BytesColumn, Offset, Row, Rows, TimestampMs, TopicPartition};
use crate::stamp;
use crate::state::KeyedState;
use crate::task::Task;
use alloc::format;
use alloc::vec::Vec;

/// A key, its accumulator (none: deleted) and its timestamp.
type Outcome<'a> = (&'a [u8], Option<&'a [u8]>, TimestampMs);

impl<O: Operator> Processor<O> {
    /// What a task has to write before the open transaction may be committed.
    ///
    /// # Errors
    /// The finisher fails, or a result can't be written: nothing may be committed.
    pub(crate) fn flush(&mut self, task: &mut Task, effects: &mut Vec<Effect>) -> Result<(), Stop> {
        let offsets = (task.committed.offset.unwrap_or_default(), task.position);
        if let Some(state) = &task.state {
            if self.emit == Emit::Commit {
                let results = self.results(&task.source, state.touched())?;
                let stamped = self.stamp_results(results, &task.source, |_| (offsets.0, offsets.1 - 1));
                send(Target::Output, stamped, effects);
            }
            let log = self.log(&task.source, state)?;
            send(Target::Changelog(task.source.partition), log, effects);
        }
        self.flush_partials(task, effects)
    }

    /// The results of a batch, when they do not wait for the commit.
    pub(super) fn send_emitted(&mut self, batch: &Batch, effects: &mut Vec<Effect>) -> Result<(), Stop> {
        if self.emitted.is_empty() {
            return Ok(());
        }
        let mut emitted = core::mem::take(&mut self.emitted);
        if self.emit == Emit::Own {
            let made = core::mem::take(&mut emitted.made);
            self.check_sizes(&batch.source, &made)?;
            let offset = |i: usize| batch.offsets[emitted.made_of[i] as usize];
            let stamped = self.stamp_results(made, &batch.source, |i| (offset(i), offset(i)));
            send(Target::Output, stamped, effects);
            emitted.clear();
            self.emitted = emitted;
            return Ok(());
        }
        let results = self.results(&batch.source, emitted.iter())?;
        let ends = (batch.offsets[0], batch.offsets[batch.offsets.len() - 1]);
        let offsets = |i| emitted.row(i).map_or(ends, |row| (batch.offsets[row], batch.offsets[row]));
        send(Target::Output, self.stamp_results(results, &batch.source, offsets), effects);
        self.emitted = emitted;
        self.emitted.clear();
        Ok(())
    }

    fn stamp_results(
        &self,
        results: Rows,
        source: &TopicPartition,
        offsets: impl Fn(usize) -> (Offset, Offset),
    ) -> Rows {
        match &self.stamp {
            Some(module) => stamp::stamped(&results, module, source, offsets),
            None => results,
        }
    }

    /// One record per outcome, in order; the finisher is called with as many as a call may have.
    fn results<'a>(
        &mut self,
        source: &TopicPartition,
        outcomes: impl Iterator<Item = Outcome<'a>>,
    ) -> Result<Rows, Stop> {
        let mut results = Rows::new();
        let mut outcomes = outcomes.peekable();
        while outcomes.peek().is_some() {
            let (mut keys, mut accumulators) = (BytesColumn::new(), BytesColumn::new());
            let mut chunk = Vec::new();
            for (key, accumulator, timestamp) in outcomes.by_ref().take(self.caller.limits.call_records_max) {
                if accumulator.is_some() {
                    keys.push(Some(key));
                    accumulators.push(accumulator);
                }
                chunk.push((key, accumulator.is_some(), timestamp));
            }
            let values = self.finished(source, &keys, accumulators)?;
            let mut next = 0;
            for (key, is_there, timestamp) in chunk {
                let value = if is_there { values.get(next) } else { None };
                next += usize::from(is_there);
                results.push(Row { key: Some(key), value, timestamp });
            }
        }
        self.check_sizes(source, &results)?;
        Ok(results)
    }

    /// The changelog records of what the open transaction has touched.
    fn log(&self, source: &TopicPartition, state: &KeyedState) -> Result<Rows, Stop> {
        let (mut log, mut value) = (Rows::new(), Vec::new());
        for (key, accumulator, timestamp) in state.touched() {
            value.clear();
            changelog::write(accumulator.unwrap_or_default(), &mut value);
            log.push(Row { key: Some(key), value: accumulator.map(|_| value.as_slice()), timestamp });
        }
        self.check_sizes(source, &log)?;
        Ok(log)
    }

    fn finished(
        &mut self,
        source: &TopicPartition,
        keys: &BytesColumn,
        accumulators: BytesColumn,
    ) -> Result<BytesColumn, Stop> {
        if keys.is_empty() || !self.description().finishes {
            return Ok(accumulators);
        }
        self.caller.call(|operator| operator.finish(keys, &accumulators))?.map_err(|fault| {
            let (kind, reason) = (fault.kind.as_str(), fault.reason);
            Stop::new(
                StopKind::BadData,
                format!("the module's finish failed for the task of {source} ({kind}): {reason}\nhint: finish must work for every accumulator; nothing was lost, mend the module and start again"),
            )
        })
    }

    pub(super) fn check_sizes(&self, source: &TopicPartition, rows: &Rows) -> Result<(), Stop> {
        let max = self.caller.limits.output_record_bytes_max;
        let large = (rows.data.len() > max).then(|| (0..rows.len()).find(|&i| size(rows, i) > max)).flatten();
        let Some(i) = large else { return Ok(()) };
        let (key, bytes) = (rows.key(i).unwrap_or_default().escape_ascii(), size(rows, i));
        Err(Stop::new(
            StopKind::BadData,
            format!(
                "the result or accumulator of key \"{key}\" (task of {source}) has {bytes} bytes, more than \
                 output_record_bytes_max = {max}\nhint: raise it (and message.max.bytes, and the topic's \
                 max.message.bytes), or keep accumulators small"
            ),
        ))
    }
}
