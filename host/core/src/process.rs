//! The path of one batch: transform, then output, repartition or reduce. Pure: rows in, effects and overlay
//! writes out; nothing counts before the transaction that holds it is committed.

use crate::call::Caller;
use crate::dead_letter::DeadLetter;
use crate::effect::{Cause, Effect, Outgoing, Report, Target};
use crate::emit::{Emit, Emitted};
use crate::error::{Stop, StopKind};
use crate::frame::{Frame, Kind};
use crate::group::Grouper;
use crate::hash::{fingerprint, partition_of};
use crate::machine::Settings;
use crate::operator::{Description, Operator};
use crate::policy::{Policies, Policy};
use crate::record::{Batch, Offset, Row, Rows, TopicPartition};
use crate::reduce::{Input, Reduction};
use crate::stamp;
use crate::state::KeyedState;
use crate::task::Task;
use crate::topology::{Then, Topology};
use crate::transform::{Stage, transform};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

mod combine;
mod merge;
mod results;

pub(crate) use combine::Combiner;

/// A row that does not reach the result.
pub(crate) struct Failed {
    /// Its index; among which rows, `place` says.
    pub(crate) row: u32,
    pub(crate) place: Place,
    pub(crate) cause: Cause,
    pub(crate) reason: String,
}

/// Which rows an index counts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The rows as they were read.
    Batch,
    /// The rows that the reduce was given.
    Reduce,
}

/// Processes batches of one worker.
pub(crate) struct Processor<O> {
    pub(crate) caller: Caller<O>,
    topology: Topology,
    policies: Policies,
    row_schema: u32,
    state_schema: u32,
    emit: Emit,
    grouper: Grouper,
    /// Results of the batch that is being processed.
    emitted: Emitted,
    /// Rows whose place is still to be checked, see [`Topology::trusted_partitions`].
    sample: usize,
    /// Outputs carry where they come from and this digest of the module.
    pub(crate) stamp: Option<String>,
}

/// Rows of each worker whose place is checked when the user asserts that keys need no repartitioning.
const SAMPLE_RECORDS: usize = 10_000;

impl<O: Operator> Processor<O> {
    pub(crate) fn new(operator: O, settings: &Settings) -> Self {
        let description = operator.description();
        let emit = if description.processes { Emit::Own } else { settings.emit };
        let sample = if settings.topology.trusted_partitions.is_some() { SAMPLE_RECORDS } else { 0 };
        Self {
            row_schema: fingerprint(&description.row_schema),
            state_schema: fingerprint(&description.state_schema),
            caller: Caller::new(operator, settings.limits),
            topology: settings.topology.clone(),
            policies: settings.policies,
            emit,
            grouper: Grouper::default(),
            emitted: Emitted::default(),
            sample,
            stamp: settings.stamp.then(|| settings.module.clone()),
        }
    }

    pub(crate) fn description(&self) -> &Description {
        self.caller.operator.description()
    }

    /// Takes another operator and gives the one before.
    pub(crate) fn replace(&mut self, operator: O) -> O {
        self.row_schema = fingerprint(&operator.description().row_schema);
        self.state_schema = fingerprint(&operator.description().state_schema);
        self.caller.replace(operator)
    }

    /// The fingerprint of the row-schema.
    pub(crate) fn row_schema(&self) -> u32 {
        self.row_schema
    }

    pub(crate) fn topology(&self) -> &Topology {
        &self.topology
    }

    /// Processes a batch of a task. Answers how many of its rows came to their end: all, or fewer when faults took
    /// the time that they may take in one transaction.
    ///
    /// # Errors
    /// The application must stop; nothing of the open transaction may be committed.
    pub(crate) fn process(
        &mut self,
        batch: &Batch,
        task: &mut Task,
        effects: &mut Vec<Effect>,
    ) -> Result<usize, Stop> {
        let stages = self.topology.stages(&batch.source.topic);
        // A batch that was given up in the middle may have left some.
        self.emitted.clear();
        let mut failed = Vec::new();
        let mut stage = None;
        if stages.transform {
            let mut transformed = transform(&mut self.caller, batch, &mut failed, effects)?;
            self.drop_too_large(&mut transformed, &mut failed);
            stage = Some(transformed);
        }
        let mut done = stage.as_ref().map_or(batch.rows.len(), |stage| stage.done);
        match stages.then {
            Then::Output => {
                let rows = take_rows(batch, &mut stage);
                send(Target::Output, self.stamped(rows, batch, stage.as_ref()), effects);
            }
            Then::Repartition => match self.combiner(task) {
                Some(combiner) => {
                    let cut = self.combine(batch, stage.as_ref(), combiner, &mut failed, effects)?;
                    done = cut.unwrap_or(done);
                }
                None => self.repartition(batch, stage.as_ref(), &mut failed, effects),
            },
            Then::Reduce => {
                let state = task.state.as_mut().expect("a task that reduces has state");
                let cut = if stages.framed {
                    self.reduce_framed(batch, state, &mut failed, effects)?
                } else {
                    self.reduce_here(batch, stage.as_ref(), state, &mut failed, effects)?
                };
                done = cut.unwrap_or(done);
                self.send_emitted(batch, effects)?;
            }
        }
        self.apply_policies(batch, stage.as_ref(), failed, done, effects)?;
        Ok(done)
    }

    /// Each row with the offset of its source, if that is asked for.
    fn stamped(&self, rows: Rows, batch: &Batch, stage: Option<&Stage>) -> Rows {
        let Some(module) = &self.stamp else { return rows };
        stamp::stamped(&rows, module, &batch.source, |i| {
            let offset = batch.offsets[stage.map_or(i, |stage| stage.source[i] as usize)];
            (offset, offset)
        })
    }

    /// Rows larger than may be written, and all other rows of the same source, fail.
    fn drop_too_large(&self, stage: &mut Stage, failed: &mut Vec<Failed>) {
        let max = self.caller.limits.output_record_bytes_max;
        if stage.rows.data.len() <= max {
            return;
        }
        let mut large: Vec<u32> = Vec::new();
        for i in 0..stage.rows.len() {
            let bytes = size(&stage.rows, i);
            if bytes > max && large.last() != Some(&stage.source[i]) {
                large.push(stage.source[i]);
                failed.push(Failed {
                    row: stage.source[i],
                    place: Place::Batch,
                    cause: Cause::TooLarge,
                    reason: format!(
                        "an output row has {bytes} bytes, more than output_record_bytes_max = {max}"
                    ),
                });
            }
        }
        if large.is_empty() {
            return;
        }
        let (mut rows, mut source) = (Rows::new(), Vec::new());
        for (i, row) in stage.source.iter().enumerate() {
            if large.binary_search(row).is_err() {
                rows.push_with_headers(stage.rows.row(i), stage.rows.headers(i));
                source.push(*row);
            }
        }
        (stage.rows, stage.source) = (rows, source);
    }

    /// Rows are framed and placed by key.
    fn repartition(
        &self,
        batch: &Batch,
        stage: Option<&Stage>,
        failed: &mut Vec<Failed>,
        effects: &mut Vec<Effect>,
    ) {
        let rows = stage.map_or(&batch.rows, |stage| &stage.rows);
        let source = stage.map(|stage| stage.source.as_slice());
        let selection = select(rows, failed);
        let topic = fingerprint(&batch.source.topic);
        let mut out = Rows::new();
        let mut value = Vec::new();
        for &row in &selection {
            let i = row as usize;
            let from = source.map_or(i, |source| source[i] as usize);
            let frame = Frame {
                kind: Kind::Row,
                schema: self.row_schema,
                topic,
                partition: batch.source.partition,
                offset: batch.offsets[from],
            };
            value.clear();
            frame.write(&mut value);
            value.extend_from_slice(rows.value(i).unwrap_or_default());
            let row = Row { value: Some(&value), ..rows.row(i) };
            out.push_with_headers(row, rows.headers(i));
        }
        send(Target::Repartition, out, effects);
    }

    /// Rows of this partition are folded where they are.
    fn reduce_here(
        &mut self,
        batch: &Batch,
        stage: Option<&Stage>,
        state: &mut KeyedState,
        failed: &mut Vec<Failed>,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<usize>, Stop> {
        let rows = stage.map_or(&batch.rows, |stage| &stage.rows);
        let selection = select(rows, failed);
        let source = stage.map(|stage| stage.source.as_slice());
        self.check_places(batch, rows, source, effects);
        let input = Input { rows, value_starts: None, source, selection: &selection };
        let emit = self.emit;
        self.reduction(emit, state, failed, effects).run(batch, &input)
    }

    /// Looks at the first rows when the user asserts that equal keys share a partition.
    fn check_places(
        &mut self,
        batch: &Batch,
        rows: &Rows,
        source: Option<&[u32]>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(partitions) = self.topology.trusted_partitions else { return };
        let looked_at = rows.len().min(self.sample);
        self.sample -= looked_at;
        for i in 0..looked_at {
            let expected = rows.key(i).map_or(batch.source.partition, |key| partition_of(key, partitions));
            if expected != batch.source.partition {
                self.sample = 0;
                let offset = batch.offsets[source.map_or(i, |source| source[i] as usize)];
                let source = batch.source.clone();
                return effects.push(Effect::Report(Report::Misplaced { source, offset, expected }));
            }
        }
    }

    /// Rows of a repartition topic are folded, partial accumulators merged.
    fn reduce_framed(
        &mut self,
        batch: &Batch,
        state: &mut KeyedState,
        failed: &mut Vec<Failed>,
        effects: &mut Vec<Effect>,
    ) -> Result<Option<usize>, Stop> {
        let rows = &batch.rows;
        let selection = select(rows, failed);
        let mut starts = alloc::vec![0; rows.len()];
        let mut kinds = Vec::with_capacity(selection.len());
        for &row in &selection {
            let (frame, len) = frame(batch, row as usize)?;
            self.check_frame(batch, row as usize, &frame)?;
            starts[row as usize] = rows.offsets[2 * row as usize + 1] + len as u32;
            kinds.push(frame.kind);
        }
        let mut from = 0;
        for run in kinds.chunk_by(|left, right| left == right) {
            let selection = &selection[from..from + run.len()];
            from += run.len();
            let input = Input { rows, value_starts: Some(&starts), source: None, selection };
            if run[0] == Kind::Partial {
                self.merge(batch, &input, state)?;
                continue;
            }
            let emit = self.emit;
            let cut = self.reduction(emit, state, failed, effects).run(batch, &input)?;
            if cut.is_some() {
                return Ok(cut);
            }
        }
        Ok(None)
    }

    fn check_frame(&self, batch: &Batch, row: usize, frame: &Frame) -> Result<(), Stop> {
        let known = match frame.kind {
            Kind::Row => frame.schema == self.row_schema,
            Kind::Partial => frame.schema == self.state_schema && self.description().merges,
        };
        if known { Ok(()) } else { Err(Stop::new(StopKind::State, foreign(batch, row, frame.kind))) }
    }

    fn reduction<'a>(
        &'a mut self,
        emit: Emit,
        state: &'a mut KeyedState,
        failed: &'a mut Vec<Failed>,
        effects: &'a mut Vec<Effect>,
    ) -> Reduction<'a, O> {
        let emitted = &mut self.emitted;
        Reduction {
            caller: &mut self.caller,
            grouper: &mut self.grouper,
            emit,
            emitted,
            state,
            failed,
            effects,
        }
    }

    /// Applies the policy to each row that failed and came to its end.
    fn apply_policies(
        &self,
        batch: &Batch,
        stage: Option<&Stage>,
        mut failed: Vec<Failed>,
        done: usize,
        effects: &mut Vec<Effect>,
    ) -> Result<(), Stop> {
        let batch_row = |failed: &Failed| match (failed.place, stage) {
            (Place::Reduce, Some(stage)) => stage.source[failed.row as usize] as usize,
            _ => failed.row as usize,
        };
        failed.sort_by_key(batch_row);
        let mut letters = Rows::new();
        for failed in failed.iter().take_while(|failed| batch_row(failed) < done) {
            let policy = self.policies.of(failed.cause);
            let (source, offset, value) = self.origin(batch, stage, failed, batch_row(failed))?;
            if policy == Policy::Fail {
                return Err(Stop::new(StopKind::BadData, refused(&source, offset, failed)));
            }
            if policy == Policy::DeadLetter {
                let letter =
                    DeadLetter { source: &source, offset, cause: failed.cause, reason: &failed.reason };
                let rows = rows_of(failed, batch, stage);
                let max = self.caller.limits.output_record_bytes_max;
                letter.write(rows, failed.row as usize, value, max, &mut letters);
            }
            effects.push(Effect::Report(Report::Record {
                source,
                offset,
                cause: failed.cause,
                reason: failed.reason.clone(),
                dead_letter: policy == Policy::DeadLetter,
            }));
        }
        send(Target::DeadLetter, letters, effects);
        Ok(())
    }

    /// Where a failed row was read first, and its value without a frame.
    fn origin<'a>(
        &self,
        batch: &'a Batch,
        stage: Option<&'a Stage>,
        failed: &Failed,
        batch_row: usize,
    ) -> Result<(TopicPartition, Offset, Option<&'a [u8]>), Stop> {
        let value = rows_of(failed, batch, stage).value(failed.row as usize);
        let framed = self.topology.stages(&batch.source.topic).framed;
        let (true, Some(bytes)) = (framed, value) else {
            return Ok((batch.source.clone(), batch.offsets[batch_row], value));
        };
        let (frame, len) = frame(batch, batch_row)?;
        let topic = self.topology.input_of(frame.topic).unwrap_or(&batch.source.topic).to_string();
        Ok((TopicPartition { topic, partition: frame.partition }, frame.offset, Some(&bytes[len..])))
    }
}

fn frame(batch: &Batch, row: usize) -> Result<(Frame, usize), Stop> {
    Frame::read(batch.rows.value(row).unwrap_or_default()).map_err(|error| {
        let at = &batch.source;
        let offset = batch.offsets[row];
        Stop::new(
            StopKind::State,
            format!(
                "the record at {at}-{offset} was not written by this application: {error}\n\
                 hint: nothing else may write to a repartition topic"
            ),
        )
    })
}

/// The rows after the transform; what is left of the stage is only its sources.
fn take_rows(batch: &Batch, stage: &mut Option<Stage>) -> Rows {
    match stage {
        Some(stage) => core::mem::take(&mut stage.rows),
        None => batch.rows.clone(),
    }
}

fn rows_of<'a>(failed: &Failed, batch: &'a Batch, stage: Option<&'a Stage>) -> &'a Rows {
    match (failed.place, stage) {
        (Place::Reduce, Some(stage)) => &stage.rows,
        _ => &batch.rows,
    }
}

fn size(rows: &Rows, i: usize) -> usize {
    (rows.offsets[2 * i + 2] - rows.offsets[2 * i]) as usize
}

/// The rows with key and value; the others fail.
fn select(rows: &Rows, failed: &mut Vec<Failed>) -> Vec<u32> {
    let all = 0..rows.len() as u32;
    if rows.nulls.is_empty() {
        return all.collect();
    }
    all.filter(|&row| {
        let cause = match rows.row(row as usize) {
            Row { key: None, .. } => Cause::NullKey,
            Row { value: None, .. } => Cause::NullValue,
            _ => return true,
        };
        let reason = "a reduce takes no null key and no null value".into();
        failed.push(Failed { row, place: Place::Reduce, cause, reason });
        false
    })
    .collect()
}

fn send(target: Target, rows: Rows, effects: &mut Vec<Effect>) {
    if !rows.is_empty() {
        effects.push(Effect::Send(Outgoing { target, rows }));
    }
}

fn refused(source: &TopicPartition, offset: Offset, failed: &Failed) -> String {
    let (cause, reason) = (failed.cause.as_str(), &failed.reason);
    let key = if failed.cause == Cause::Rejected { "on_rejected" } else { "on_fault" };
    format!(
        "the record at {source}-{offset} failed ({cause}): {reason}\n\
         hint: the policy is {key} = \"fail\"; \"dead-letter\" or \"skip\" go on"
    )
}

fn foreign(batch: &Batch, row: usize, kind: Kind) -> String {
    let (what, schema) = match kind {
        Kind::Row => ("a row of", "row-schema"),
        Kind::Partial => ("a partial accumulator of", "state-schema, or with a merger that this one lacks"),
    };
    format!(
        "the record at {}-{} is {what} a module with another {schema}\n\
         hint: start the module before once more with --until-end, so that nothing is left between transform \
         and reduce",
        batch.source, batch.offsets[row],
    )
}
