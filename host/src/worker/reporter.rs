//! What a worker tells the world: counts, logs, printed results. It never holds anything up.

use crate::kafka::Consumer;
use crate::metrics::Metrics;
use crate::metrics::recent::{self, Ended, Output};
use host_core::effect::{Outgoing, Report, Target};
use host_core::event::Event;
use host_core::record::{Offset, Rows, TopicPartition};
use host_core::state::{KeyedState, StateStore};
use host_core::task::Task;
use host_core::topology::Topology;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// Warnings about single records in one second; more of them are logged at debug level.
const RECORD_WARNINGS_PER_SECOND_MAX: u32 = 10;

/// What the open transaction will count once it is committed.
#[derive(Default)]
struct Pending {
    records: u64,
    bytes: u64,
    /// Records read, by topic.
    read: Vec<(String, u64)>,
    repartitioned: u64,
    combined: u64,
    partials: u64,
    results: u64,
    changes: u64,
    dead_letters: u64,
    /// Keys and values of the last results.
    outputs: VecDeque<(Option<String>, Option<String>)>,
    printed: Vec<Rows>,
}

impl Pending {
    fn read(&mut self, topic: &str, records: u64) {
        match self.read.iter_mut().find(|(name, _)| name == topic) {
            Some((_, count)) => *count += records,
            None => self.read.push((topic.to_owned(), records)),
        }
    }
}

/// See the module's documentation.
pub struct Reporter {
    metrics: Arc<Metrics>,
    topology: Topology,
    worker: usize,
    print: bool,
    pending: Pending,
    /// Since when the open transaction is coming to its end.
    ending: Option<Instant>,
    sources: Vec<TopicPartition>,
    keys: u64,
    state_bytes: u64,
    warned_at: Instant,
    warnings: u32,
}

impl Reporter {
    /// A reporter for worker `worker`. `print`: results go to standard output once they are committed.
    pub fn new(metrics: Arc<Metrics>, topology: Topology, worker: usize, print: bool) -> Self {
        Self {
            metrics,
            topology,
            worker,
            print,
            pending: Pending::default(),
            ending: None,
            sources: Vec::new(),
            keys: 0,
            state_bytes: 0,
            warned_at: Instant::now(),
            warnings: 0,
        }
    }

    /// Sees an event before the machine does.
    pub fn event(&mut self, event: &Event, consumer: &Consumer) {
        match event {
            Event::Assigned { epoch, partitions } => self.assigned(epoch.0, partitions),
            Event::Revoked => tracing::info!(worker = self.worker, "partitions revoked"),
            Event::Lost => {
                tracing::warn!(worker = self.worker, "partitions lost: the group went on without us");
            }
            Event::Batch(batch) => {
                self.pending.read(&batch.source.topic, batch.rows.len() as u64);
                if self.topology.repartition.as_ref() != Some(&batch.source.topic) {
                    self.pending.records += batch.rows.len() as u64;
                    self.pending.bytes += batch.rows.data.len() as u64;
                }
                let next = batch.offsets.last().map_or(0, |last| last + 1);
                self.lag(&batch.source, next, consumer.cached_end(&batch.source));
            }
            Event::PartitionEnd { source, position, .. } => self.lag(source, *position, Some(*position)),
            Event::RestoreRows { rows, .. } => self.metrics.rows_restored.add(rows.len() as u64),
            Event::Committed { clean } => {
                self.ended(if *clean { Ended::Clean } else { Ended::Unclean });
                self.committed();
            }
            Event::Aborted => {
                self.ended(Ended::Aborted);
                self.pending = Pending::default();
            }
            Event::ProducerReady => {
                self.ending = None;
                self.pending = Pending::default();
            }
            Event::Failed(failure) => tracing::debug!(worker = self.worker, ?failure, "an effect failed"),
            Event::Located { .. } | Event::Restored { .. } | Event::Tick | Event::Shutdown => {}
        }
    }

    fn assigned(&mut self, epoch: u64, partitions: &[TopicPartition]) {
        self.metrics.rebalances.add(1);
        self.set_state(0, 0);
        self.sources = partitions.to_vec();
        let tasks: Vec<_> =
            partitions.iter().map(|tp| format!("{} ({tp})", self.topology.task_name(tp))).collect();
        tracing::info!(worker = self.worker, epoch, tasks = tasks.join(", "), "assigned");
    }

    fn lag(&self, source: &TopicPartition, position: Offset, end: Option<Offset>) {
        if let Some(end) = end {
            self.metrics.set_lag(source, (end - position).max(0) as u64);
        }
    }

    /// The open transaction is about to be committed or aborted.
    pub fn ending(&mut self) {
        self.ending.get_or_insert_with(Instant::now);
    }

    fn ended(&mut self, ended: Ended) {
        let Some(since) = self.ending.take() else { return };
        let records = self.pending.read.iter().map(|(_, records)| records).sum();
        self.metrics.ended(recent::Commit { at: SystemTime::now(), took: since.elapsed(), ended, records });
    }

    fn committed(&mut self) {
        let pending = std::mem::take(&mut self.pending);
        self.committed_by_topic(&pending);
        self.metrics.records_consumed.add(pending.records);
        self.metrics.bytes_consumed.add(pending.bytes);
        self.metrics.rows_repartitioned.add(pending.repartitioned);
        self.metrics.rows_combined.add(pending.combined);
        self.metrics.partials.add(pending.partials);
        self.metrics.results.add(pending.results);
        self.metrics.commits.add(1);
        if let Err(error) = print(&pending.printed) {
            tracing::warn!(%error, "cannot print results; going on without");
            self.print = false;
        }
    }

    fn committed_by_topic(&self, pending: &Pending) {
        let (metrics, topology) = (&self.metrics, &self.topology);
        for (topic, records) in &pending.read {
            metrics.topics.consumed(topic, *records);
        }
        metrics.topics.produced(&topology.output, pending.results);
        metrics.topics.produced(&topology.dead_letter, pending.dead_letters);
        for (topic, records) in
            [(&topology.repartition, pending.repartitioned), (&topology.changelog, pending.changes)]
        {
            if let Some(topic) = topic {
                metrics.topics.produced(topic, records);
            }
        }
        if !pending.outputs.is_empty() {
            let at = SystemTime::now();
            let output = |(key, value): &(Option<String>, Option<String>)| Output {
                at,
                key: key.clone(),
                value: value.clone(),
            };
            metrics.recent.outputs.extend(pending.outputs.iter().map(output));
        }
    }

    /// Keeps the last results for people to see.
    fn keep_outputs(&mut self, rows: &Rows) {
        let max = self.metrics.recent.outputs.max();
        let text = |bytes: Option<&[u8]>| bytes.map(recent::shown);
        let last = rows.len().saturating_sub(max)..rows.len();
        let outputs = &mut self.pending.outputs;
        outputs.extend(last.map(|i| (text(rows.key(i)), text(rows.value(i)))));
        outputs.drain(..outputs.len().saturating_sub(max));
    }

    /// Sees rows that were handed to the producer.
    pub fn sent(&mut self, outgoing: Outgoing) {
        let rows = outgoing.rows.len() as u64;
        match outgoing.target {
            Target::Repartition => self.pending.repartitioned += rows,
            Target::Output => {
                self.pending.results += rows;
                self.keep_outputs(&outgoing.rows);
                if self.print {
                    self.pending.printed.push(outgoing.rows);
                }
            }
            Target::Changelog(_) => self.pending.changes += rows,
            Target::DeadLetter => self.pending.dead_letters += rows,
        }
    }

    /// Sees the tasks after a commit.
    pub fn state(&mut self, tasks: &[Task]) {
        let stores = || tasks.iter().filter_map(|task| task.state.as_ref()).map(KeyedState::committed);
        let keys = stores().map(StateStore::len).sum::<usize>() as u64;
        let bytes = stores().map(StateStore::bytes).sum::<usize>() as u64;
        self.set_state(keys, bytes);
    }

    fn set_state(&mut self, keys: u64, bytes: u64) {
        self.metrics.keys.add(keys);
        self.metrics.keys.sub(std::mem::replace(&mut self.keys, keys));
        self.metrics.state_bytes.add(bytes);
        self.metrics.state_bytes.sub(std::mem::replace(&mut self.state_bytes, bytes));
    }

    /// All partitions are let go.
    pub fn unassigned(&mut self) {
        self.metrics.clear_lag(&self.sources);
        self.sources.clear();
        self.pending = Pending::default();
    }

    /// The worker ends; what it held stays counted for the summary.
    pub fn end(&self) {
        tracing::debug!(worker = self.worker, "worker ended");
    }

    /// Counts and logs what the machine reports. `module`: the one that works.
    pub fn report(&mut self, report: Report, module: &str) {
        let worker = self.worker;
        match report {
            Report::Record { source, offset, cause, reason, dead_letter } => {
                let counts = if dead_letter { &self.metrics.dead_letters } else { &self.metrics.skipped };
                counts.count(cause);
                let cause = cause.as_str();
                let reason = host_core::policy::first_line(&reason);
                if self.may_warn() {
                    tracing::warn!(at = %format_args!("{source}-{offset}"), cause, reason, dead_letter, "record failed");
                } else {
                    tracing::debug!(at = %format_args!("{source}-{offset}"), cause, reason, dead_letter, "record failed");
                }
            }
            Report::Fault { source, offsets, fault } => {
                self.metrics.fault(fault.kind);
                let kind = fault.kind.as_str();
                self.metrics.recent.faults.push(recent::Fault::new(&source, offsets, &fault, module));
                if self.may_warn() {
                    tracing::warn!(%source, ?offsets, kind, reason = fault.reason, "the module faulted; looking for the culprit");
                }
            }
            Report::TaskStarted { source, offset, keys, kept, module_before } => {
                let task = self.topology.task_name(&source);
                tracing::info!(worker, task, %source, offset, keys, kept, "task started");
                self.metrics.states_kept.add(u64::from(kept));
                if let Some(before) = module_before {
                    tracing::info!(worker, task, before, "another module than before works on its state");
                }
            }
            Report::Misplaced { source, offset, expected } => tracing::warn!(
                at = %format_args!("{source}-{offset}"),
                expected_partition = expected,
                "a key lies in another partition than Kafka's clients would have put it: \
                 with --repartition never its sums may be split; use --repartition auto"
            ),
            Report::Combined { rows, partials } => {
                self.pending.combined += rows;
                self.pending.partials += partials;
            }
            Report::Aborted { reason } => {
                self.metrics.aborts.add(1);
                tracing::warn!(worker, reason, "transaction aborted; its records are read again");
            }
            Report::ProducerReplaced { reason } => {
                self.metrics.producer_replacements.add(1);
                tracing::warn!(worker, reason, "replacing the producer");
            }
        }
    }

    /// At most [`RECORD_WARNINGS_PER_SECOND_MAX`] times a second.
    fn may_warn(&mut self) -> bool {
        if self.warned_at.elapsed() >= Duration::from_secs(1) {
            self.warned_at = Instant::now();
            self.warnings = 0;
        }
        self.warnings += 1;
        self.warnings <= RECORD_WARNINGS_PER_SECOND_MAX
    }
}

/// Results as `key<TAB>value`; a null prints as nothing.
fn print(results: &[Rows]) -> io::Result<()> {
    if results.is_empty() {
        return Ok(());
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    for rows in results {
        for i in 0..rows.len() {
            out.write_all(rows.key(i).unwrap_or_default())?;
            out.write_all(b"\t")?;
            out.write_all(rows.value(i).unwrap_or_default())?;
            out.write_all(b"\n")?;
        }
    }
    out.flush()
}
