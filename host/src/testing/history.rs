//! One run of an application from its first record to its end, on a model of Kafka: the very machine and operators
//! of `host run`. What happens follows from the scenario and its seed alone.

use super::input::Input;
use super::steady::Steady;
use host_core::effect::{Cause, Effect, Report};
use host_core::error::Stop;
use host_core::event::Event;
use host_core::machine::Settings;
use host_core::operator::Operator;
use host_core::record::{Offset, TopicPartition};
use host_core::{Machine, changelog};
use host_model::{Client, Kafka, Performed, Random, Record, Schedule};
use std::collections::{BTreeMap, BTreeSet};

/// Clock time of one event while nothing is cut at random, in milliseconds.
const EVENT_MS: u64 = 10;
/// Faults of calls that are told; later ones are counted only.
const INCIDENTS_MAX: usize = 10;
/// Turns in which nothing happens before the run counts as stuck.
const IDLE_TURNS_MAX: u32 = 100_000;

/// Makes operators.
pub(super) trait Modules {
    /// An operator for a worker, and its name. `swaps`: how often the module was swapped.
    fn operator(&self, swaps: usize) -> (Box<dyn Operator + Send>, String);
}

/// What a run starts from.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Of the machines; `incarnation`, `module` and `hash_seed` are set anew for each.
    pub settings: Settings,
    /// Partitions of every topic.
    pub partitions: u32,
    /// Records of a batch, at most.
    pub batch_records_max: usize,
    /// Bytes of a batch, at most.
    pub batch_bytes_max: usize,
    /// Workers.
    pub workers: usize,
    /// Everything at random follows from it.
    pub seed: u64,
    /// Batches, commits and turns are cut at random.
    pub cuts: bool,
    /// Workers are killed before or after these effects, counted over all workers from 0.
    pub crashes: BTreeSet<u64>,
    /// All workers swap at these events, counted from 0.
    pub swaps: BTreeSet<u64>,
    /// Records of each input, at most.
    pub records_max: usize,
}

/// A record that does not reach the result.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FailedRecord {
    /// Where it was read first.
    pub at: (TopicPartition, Offset),
    /// Why.
    pub cause: Cause,
    /// What the guest or the runtime says.
    pub reason: String,
}

/// A key's accumulator and its timestamp.
pub(super) type State = BTreeMap<Vec<u8>, (Vec<u8>, i64)>;

/// What a run has come to.
#[derive(Debug, Default)]
pub(super) struct History {
    /// Committed results, partition by partition.
    pub rows: Vec<(TopicPartition, Offset, Record)>,
    /// The accumulators that the changelog holds.
    pub state: State,
    /// Sorted by place.
    pub failed: Vec<FailedRecord>,
    /// Calls that faulted, swaps that were taken back, and the like; the first few.
    pub incidents: Vec<String>,
    /// Why the module before a swap took over again.
    pub gave_way: Option<String>,
    /// Where the records of a key were read first, in log order; empty when nobody can tell.
    pub sources: BTreeMap<Vec<u8>, Vec<(TopicPartition, Offset)>>,
    /// Counts.
    pub counts: Counts,
}

/// How much happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Records read from the inputs; those that were read again count again.
    pub records: u64,
    /// Batches of any topic.
    pub batches: u64,
    /// Transactions that were committed.
    pub commits: u64,
    /// Calls that faulted.
    pub faults: u64,
    /// Workers that were killed.
    pub crashes: u64,
    /// Swaps of the module.
    pub swaps: u64,
    /// Effects that were performed.
    pub effects: u64,
    /// Events that were handled.
    pub events: u64,
}

struct Worker {
    machine: Machine<Steady>,
    client: Client,
    /// Failed records of the open transaction.
    pending: Vec<FailedRecord>,
    blocked: Option<Effect>,
}

/// Batches and turns.
struct Turns<'a> {
    scenario: &'a Scenario,
    random: &'a mut Random,
    turn: usize,
    /// Bits of the length of the longest log.
    log_bits: usize,
}

impl Schedule for Turns<'_> {
    fn pick(&mut self, options: usize) -> usize {
        if self.scenario.cuts { self.random.below(options) } else { self.turn % options }
    }

    fn batch_records(&mut self) -> usize {
        let max = self.scenario.batch_records_max;
        if !self.scenario.cuts {
            return max;
        }
        // Small batches find more than large ones; all sizes up to that of the log may come.
        let largest = max.min(1 << self.random.below(self.log_bits));
        1 + self.random.below(largest)
    }

    fn batch_bytes(&self) -> usize {
        self.scenario.batch_bytes_max
    }
}

struct Run<'a> {
    scenario: &'a Scenario,
    modules: &'a dyn Modules,
    kafka: Kafka,
    random: Random,
    workers: Vec<Option<Worker>>,
    now_ms: u64,
    starts: u64,
    idle_turns: u32,
    log_bits: usize,
    history: History,
}

/// Runs the application over all records of the inputs.
///
/// # Errors
/// Why it stopped before the end.
pub(super) fn run(scenario: &Scenario, inputs: &[Input], modules: &dyn Modules) -> Result<History, Stop> {
    let mut run = Run {
        scenario,
        modules,
        kafka: kafka(scenario, inputs),
        random: Random::new(scenario.seed),
        workers: (0..scenario.workers).map(|_| None).collect(),
        now_ms: 1,
        starts: 0,
        idle_turns: 0,
        log_bits: 1 + inputs
            .iter()
            .map(|input| input.records.len())
            .max()
            .unwrap_or(0)
            .checked_ilog2()
            .unwrap_or(0) as usize,
        history: History::default(),
    };
    while !run.is_done() {
        run.turn()?;
    }
    run.drain()?;
    Ok(run.end())
}

/// The topics, with the records in them.
fn kafka(scenario: &Scenario, inputs: &[Input]) -> Kafka {
    let topology = &scenario.settings.topology;
    let mut kafka = Kafka::default();
    for topic in topology.sources().chain(topology.changelog.as_deref()).chain([topology.output.as_str()]) {
        kafka.create(topic, scenario.partitions);
    }
    kafka.create(&topology.dead_letter, 1);
    for input in inputs {
        for placed in input.records.iter().take(scenario.records_max) {
            let at = TopicPartition::new(input.topic.clone(), placed.partition);
            kafka.append(&at, placed.record.clone());
        }
    }
    let sources: Vec<_> = topology.sources().flat_map(|topic| kafka.of_topic(topic)).cloned().collect();
    kafka.group().subscribe(sources);
    kafka
}

impl Run<'_> {
    fn is_done(&self) -> bool {
        let topology = &self.scenario.settings.topology;
        let mut sources = topology.sources().flat_map(|topic| self.kafka.of_topic(topic));
        !self.kafka.has_markers_under_way()
            && sources.all(|at| {
                let end = self.kafka.end(at);
                self.kafka.last_committed(at) == end && self.kafka.last_stable(at) == end
            })
    }

    /// One effect or one event of one worker.
    fn turn(&mut self) -> Result<(), Stop> {
        if !self.scenario.cuts || self.random.below(3) == 0 {
            self.land_marker();
        }
        let n = self.workers.len();
        let i =
            if self.scenario.cuts { self.random.below(n) } else { self.history.counts.events as usize % n };
        if self.workers[i].is_none() && !self.start(i) {
            self.land_marker();
            return Ok(());
        }
        let Some(mut worker) = self.workers[i].take() else { return Ok(()) };
        let effect = worker.blocked.take().or_else(|| worker.machine.next_effect());
        let lives = if let Some(effect) = effect {
            self.effect(&mut worker, effect)?
        } else {
            self.event(&mut worker);
            true
        };
        if lives {
            self.workers[i] = Some(worker);
        } else {
            self.kafka.group().remove(worker.client.member());
            self.history.counts.crashes += 1;
        }
        assert!(self.idle_turns < IDLE_TURNS_MAX, "a run on the model comes to its end");
        Ok(())
    }

    fn land_marker(&mut self) {
        let random = &mut self.random;
        let cuts = self.scenario.cuts;
        self.kafka.land_marker(|n| if cuts { random.below(n) } else { 0 });
    }

    /// Starts a worker, unless the transaction of the one before is not settled yet.
    fn start(&mut self, i: usize) -> bool {
        let id = format!("test-{i}");
        let Ok(epoch) = self.kafka.init(&id) else { return false };
        self.starts += 1;
        let (operator, module) = self.modules.operator(self.history.counts.swaps as usize);
        let settings = Settings {
            incarnation: self.starts,
            module,
            hash_seed: self.scenario.seed,
            ..self.scenario.settings.clone()
        };
        self.workers[i] = Some(Worker {
            machine: Machine::new(Steady(operator), &settings),
            client: Client::join(&mut self.kafka, &id, epoch),
            pending: Vec::new(),
            blocked: None,
        });
        true
    }

    // ---- events

    fn event(&mut self, worker: &mut Worker) {
        let number = self.history.counts.events;
        self.history.counts.events += 1;
        let turn = number as usize / self.workers.len();
        let mut turns =
            Turns { scenario: self.scenario, random: &mut self.random, turn, log_bits: self.log_bits };
        let event = worker.client.poll(&mut self.kafka, &mut turns);
        self.pass_time(event.is_none());
        self.idle_turns = if event.is_none() { self.idle_turns + 1 } else { 0 };
        if let Some(Event::Batch(batch)) = &event {
            self.history.counts.batches += 1;
            if self.scenario.settings.topology.repartition.as_ref() != Some(&batch.source.topic) {
                self.history.counts.records += batch.rows.len() as u64;
            }
        }
        worker.machine.handle(self.now_ms, event.unwrap_or(Event::Tick));
        if self.scenario.swaps.contains(&number) {
            self.swap(worker);
        }
        if let Some(reason) = worker.machine.take_fell_back() {
            self.history.gave_way.get_or_insert(reason);
        }
    }

    fn pass_time(&mut self, is_idle: bool) {
        let interval = self.scenario.settings.limits.commit_interval_ms;
        self.now_ms += match (is_idle, self.scenario.cuts) {
            (true, _) => interval,
            // Half of all events find a commit due.
            (false, true) => interval * self.random.below(2) as u64,
            (false, false) => EVENT_MS,
        };
    }

    /// The worker at hand swaps now, all others with it.
    fn swap(&mut self, worker: &mut Worker) {
        self.history.counts.swaps += 1;
        let swaps = self.history.counts.swaps as usize;
        for worker in self.workers.iter_mut().flatten().chain([worker]) {
            let (operator, module) = self.modules.operator(swaps);
            worker.machine.swap(Steady(operator), &module);
        }
    }

    // ---- effects

    /// Performs an effect. False: the worker was killed.
    fn effect(&mut self, worker: &mut Worker, effect: Effect) -> Result<bool, Stop> {
        let number = self.history.counts.effects;
        let is_killed = self.scenario.crashes.contains(&number);
        self.history.counts.effects += 1;
        if is_killed && self.random.below(2) == 0 {
            return Ok(false);
        }
        match worker.client.perform(&mut self.kafka, &effect, worker.machine.topology()) {
            Performed::Done(event) => {
                self.idle_turns = 0;
                self.done(worker, effect);
                if !is_killed && let Some(event) = event {
                    worker.machine.handle(self.now_ms, event);
                }
            }
            Performed::Failed(failure) => worker.machine.handle(self.now_ms, Event::Failed(failure)),
            Performed::Blocked => {
                self.idle_turns += 1;
                // It is the same effect when it is tried again.
                self.history.counts.effects = number;
                worker.blocked = Some(effect);
                self.land_marker();
            }
            Performed::Stopped(None) => {}
            Performed::Stopped(Some(stop)) => return Err(stop),
        }
        Ok(!is_killed)
    }

    fn done(&mut self, worker: &mut Worker, effect: Effect) {
        match effect {
            Effect::Commit => {
                self.history.counts.commits += 1;
                self.history.failed.append(&mut worker.pending);
            }
            Effect::Abort | Effect::NewProducer => worker.pending.clear(),
            Effect::Report(Report::Record { source, offset, cause, reason, .. }) => {
                worker.pending.push(FailedRecord { at: (source, offset), cause, reason });
            }
            Effect::Report(Report::Fault { source, offsets: (first, last), fault }) => {
                self.history.counts.faults += 1;
                let (kind, reason) = (fault.kind.as_str(), fault.reason);
                self.incident(format!("the module faulted on {source}-{first}..{last} ({kind}): {reason}"));
            }
            Effect::Report(Report::Misplaced { source, offset, expected }) => self.incident(format!(
                "the key of {source}-{offset} belongs to partition {expected}: with --repartition never its \
                 state may be split"
            )),
            Effect::Report(Report::Aborted { reason }) => {
                self.incident(format!("a transaction was aborted: {reason}"));
            }
            _ => {}
        }
    }

    fn incident(&mut self, text: String) {
        if self.history.incidents.len() < INCIDENTS_MAX {
            self.history.incidents.push(text);
        }
    }

    // ---- end

    fn drain(&mut self) -> Result<(), Stop> {
        for worker in self.workers.iter_mut().flatten() {
            worker.machine.handle(self.now_ms, Event::Shutdown);
            while let Some(effect) = worker.blocked.take().or_else(|| worker.machine.next_effect()) {
                match worker.client.perform(&mut self.kafka, &effect, worker.machine.topology()) {
                    Performed::Done(Some(event)) => worker.machine.handle(self.now_ms, event),
                    Performed::Done(None) => {}
                    Performed::Failed(failure) => worker.machine.handle(self.now_ms, Event::Failed(failure)),
                    Performed::Blocked => {
                        worker.blocked = Some(effect);
                        self.kafka.land_marker(|_| 0);
                    }
                    Performed::Stopped(None) => break,
                    Performed::Stopped(Some(stop)) => return Err(stop),
                }
            }
        }
        Ok(())
    }

    fn end(mut self) -> History {
        let topology = &self.scenario.settings.topology;
        self.history.rows = self.kafka.read_all(&topology.output);
        if let Some(topic) = &topology.changelog {
            for (_, _, record) in self.kafka.read_all(topic) {
                let key = record.key.unwrap_or_default();
                if let Some(value) = &record.value {
                    let accumulator = changelog::read(value).expect("our own machine wrote it");
                    self.history.state.insert(key, (accumulator.to_vec(), record.timestamp));
                } else {
                    self.history.state.remove(&key);
                }
            }
        }
        self.history.sources = super::sources::of(&self.kafka, topology);
        self.history.failed.sort();
        self.history
    }
}
