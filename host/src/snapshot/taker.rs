//! Takes the snapshots of one worker's tasks, a few thousand keys between two batches, and opens them for a restore.

use super::file::Reader;
use super::writer::{Piece, Writer};
use super::{Counts, Folder, Header, Unusable};
use crate::time::now_ms;
use cap_std::fs::File;
use host_core::Machine;
use host_core::operator::Operator;
use host_core::record::{Offset, Row, Rows, TopicPartition};
use host_core::task::Task;
use host_core::{changelog, topology::Topology};
use std::collections::BTreeMap;
use std::io::BufReader;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Keys of one step: a millisecond of the worker's time.
const STEP_KEYS: usize = 4_000;

/// The end of a log, and the epoch of the leader that gave it.
type LogEnd = (Offset, i32);

/// An end that no changelog has.
const UNKNOWN: Offset = -1;

/// What the snapshots of an application have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where they lie.
    pub folder: Folder,
    /// How long after a task's last snapshot the next one begins, if its state has changed.
    pub interval: Duration,
    /// The application's id.
    pub application_id: String,
    /// The changelog.
    pub changelog: String,
    /// Its id.
    pub topic_id: String,
    /// How long it keeps tombstones.
    pub delete_retention_ms: u64,
    /// What the accumulators' bytes mean.
    pub state_schema: String,
    /// What became of them.
    pub counts: Arc<Counts>,
}

/// See the head of this file.
pub struct Taker {
    settings: Settings,
    writer: Writer,
    /// For each task when its last snapshot was begun, and with which end of its changelog.
    last: BTreeMap<String, (Instant, Offset)>,
    taking: Option<Taking>,
}

struct Taking {
    source: TopicPartition,
    below: usize,
    /// Keys so far.
    rows: usize,
    waiting: Option<Piece>,
    /// What its steps have taken of the worker's time: the longest, and all.
    longest: Duration,
    spent: Duration,
}

/// A snapshot to restore from.
pub struct Opened {
    reader: Reader<BufReader<File>>,
}

impl Opened {
    /// Where to go on in the changelog.
    pub fn offset(&self) -> Offset {
        self.reader.header().offset
    }

    /// The next keys and framed accumulators, as a changelog has them; none at the end.
    ///
    /// # Errors
    /// The file is not any more what it was when it was opened.
    pub fn read(&mut self) -> Result<Option<Rows>, Unusable> {
        self.reader.read()
    }
}

impl Taker {
    /// Starts its thread.
    ///
    /// # Errors
    /// The system has none.
    pub fn new(settings: Settings) -> std::io::Result<Self> {
        let writer = Writer::start(settings.folder.clone(), Arc::clone(&settings.counts))?;
        Ok(Self { settings, writer, last: BTreeMap::new(), taking: None })
    }

    /// The assignment has changed: what was begun is given up.
    pub fn forget(&mut self) {
        if self.taking.take().is_some() {
            // A full queue ends with the next `Begin`, which gives up what was open, too.
            let _ = self.writer.give(Piece::Abandon);
        }
        self.last.clear();
    }

    /// Takes the next step of a snapshot, or begins one that is due. `end` asks for the end of a partition of the
    /// changelog.
    pub fn step<O: Operator>(
        &mut self,
        machine: &Machine<O>,
        end: impl FnOnce(&TopicPartition) -> Option<LogEnd>,
    ) {
        let began = Instant::now();
        match self.taking.take() {
            Some(taking) => self.taking = self.go_on(taking, machine),
            None if machine.is_settled() => self.begin(machine, end),
            None => {}
        }
        if let Some(taking) = &mut self.taking {
            let step = began.elapsed();
            taking.longest = taking.longest.max(step);
            taking.spent += step;
        }
    }

    fn begin<O: Operator>(
        &mut self,
        machine: &Machine<O>,
        end: impl FnOnce(&TopicPartition) -> Option<LogEnd>,
    ) {
        let now = Instant::now();
        for task in machine.tasks() {
            // What was just restored need not be written at once.
            self.last.entry(task.name.clone()).or_insert((now, UNKNOWN));
        }
        let is_due = |task: &&Task| {
            let last = self.last.get(&task.name).map_or(Duration::MAX, |(at, _)| now.duration_since(*at));
            task.state.is_some() && last >= self.settings.interval
        };
        let Some(task) = machine.tasks().iter().find(is_due) else { return };
        let Some(state) = &task.state else { return };
        let partition = TopicPartition::new(&self.settings.changelog, task.source.partition);
        let before = self.last.get(&task.name).map(|(_, offset)| *offset);
        let Some(end) = end(&partition) else { return };
        self.last.insert(task.name.clone(), (now, end.0));
        if before == Some(end.0) || state.committed().is_empty() {
            return;
        }
        let header = Box::new(self.header(task, end, machine.module()));
        let below = state.committed().len();
        let (source, waiting) = (task.source.clone(), Some(Piece::Begin(header)));
        let (longest, spent) = (Duration::ZERO, Duration::ZERO);
        self.taking = Some(Taking { source, below, rows: 0, waiting, longest, spent });
    }

    fn header(&self, task: &Task, (offset, leader_epoch): LogEnd, module: &str) -> Header {
        let settings = &self.settings;
        Header {
            application_id: settings.application_id.clone(),
            task: task.name.clone(),
            changelog: settings.changelog.clone(),
            topic_id: settings.topic_id.clone(),
            partition: task.source.partition,
            offset,
            leader_epoch,
            module: module.to_owned(),
            state_schema: settings.state_schema.clone(),
            begun_at_ms: now_ms(),
        }
    }

    fn go_on<O: Operator>(&self, mut taking: Taking, machine: &Machine<O>) -> Option<Taking> {
        let piece = match taking.waiting.take() {
            Some(piece) => piece,
            None if taking.below == 0 => Piece::End,
            None => {
                let task = machine.tasks().iter().find(|task| task.source == taking.source);
                let Some(state) = task.and_then(|task| task.state.as_ref()) else {
                    let _ = self.writer.give(Piece::Abandon);
                    return None;
                };
                let (mut rows, mut value) = (Rows::new(), Vec::new());
                taking.below = state.committed().visit_below(
                    taking.below,
                    STEP_KEYS,
                    &mut |key, accumulator, timestamp| {
                        value.clear();
                        changelog::write(accumulator, &mut value);
                        rows.push(Row { key: Some(key), value: Some(&value), timestamp });
                    },
                );
                taking.rows += rows.len();
                Piece::Rows(rows)
            }
        };
        let is_end = matches!(piece, Piece::End);
        match self.writer.give(piece) {
            None if is_end => {
                let [longest_us, spent_us] =
                    [taking.longest, taking.spent].map(|time| time.as_micros() as u64);
                let (source, rows) = (&taking.source, taking.rows);
                tracing::debug!(%source, rows, longest_us, spent_us, "a snapshot is taken");
                None
            }
            waiting => Some(Taking { waiting, ..taking }),
        }
    }

    /// The newest snapshot of a task that fits to its changelog, which reaches from `start` to the given end. `was_cut_off`:
    /// whether it was before that offset of that leader epoch.
    pub fn open(
        &self,
        topology: &Topology,
        source: &TopicPartition,
        start: Offset,
        (end, leader_epoch): LogEnd,
        was_cut_off: impl Fn(Offset, i32) -> Result<bool, String>,
    ) -> Option<Opened> {
        let settings = &self.settings;
        let task = topology.task_name(source);
        let expected = Header {
            application_id: settings.application_id.clone(),
            task: task.clone(),
            changelog: settings.changelog.clone(),
            topic_id: settings.topic_id.clone(),
            partition: source.partition,
            offset: end,
            leader_epoch,
            module: String::new(),
            state_schema: settings.state_schema.clone(),
            begun_at_ms: now_ms(),
        };
        let check = |header: &Header| {
            header.check(&expected, start, settings.delete_retention_ms)?;
            header.check_leader(leader_epoch, &was_cut_off)
        };
        let refused = |name: &str, why: &Unusable| {
            settings.counts.refused.add(1);
            tracing::warn!(task, name, %why, "a snapshot is not used, and removed; the changelog has the state");
        };
        let found = settings.folder.newest(&task, check, refused);
        let reader = found.unwrap_or_else(|error| {
            tracing::warn!(task, %error, "cannot look for snapshots; the changelog has the state");
            None
        })?;
        settings.counts.restored.add(1);
        tracing::info!(task, offset = reader.header().offset, end, "restoring from a snapshot");
        Some(Opened { reader })
    }
}
