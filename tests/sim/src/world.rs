//! One history: input, workers, faults, healing, and the checks.

use crate::bugs::Bug;
use crate::choices::Choices;
use crate::operators::{Fold, TestOperator};
use crate::oracle;
use crate::worker::{Disk, Step, Worker};
use host_core::emit::Emit;
use host_core::hash::partition_of;
use host_core::machine::Settings;
use host_core::operator::Operator;
use host_core::policy::{Limits, Policies, Policy};
use host_core::record::{Row, TopicPartition};
use host_core::topology::{Repartition, Topology};
use host_model::{Kafka, Record};

/// What a history starts from.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Workers.
    pub workers: usize,
    /// Partitions of the input.
    pub partitions: u32,
    /// Input records.
    pub records: usize,
    /// Different keys.
    pub keys: usize,
    /// Rows pass a repartition topic.
    pub repartition: bool,
    /// How values are folded.
    pub fold: Fold,
    /// When results are written.
    pub emit: Emit,
    /// One record in so many fails; 0: none does.
    pub failing_one_in: usize,
    /// A deliberate bug.
    pub bug: Option<Bug>,
    /// Steps with faults before everything has to heal.
    pub faulty_steps: usize,
}

impl Scenario {
    /// A scenario drawn from a seed.
    pub fn from_seed(seed: u64) -> Self {
        let mut choices = Choices::calm(seed ^ 0x5eed);
        Self {
            workers: 1 + choices.schedule(3),
            partitions: 1 + choices.schedule(3) as u32,
            records: 5 + choices.schedule(25),
            keys: 1 + choices.schedule(4),
            repartition: choices.schedule(2) == 0,
            fold: if choices.schedule(2) == 0 { Fold::Sum } else { Fold::Chain },
            failing_one_in: [0, 6, 12][choices.schedule(3)],
            bug: None,
            faulty_steps: 100 + choices.schedule(300),
            emit: [Emit::Commit, Emit::Commit, Emit::Batch, Emit::Record][choices.schedule(4)],
        }
    }
}

/// Faults in 1,000 decisions of a history from a seed.
pub const FAULTS_PER_MILLE: u32 = 25;
/// Steps after which a healed history must be done.
const CALM_STEPS_MAX: usize = 60_000;

/// A running history.
pub struct World {
    scenario: Scenario,
    choices: Choices,
    kafka: Kafka,
    topology: Topology,
    workers: Vec<Option<Worker>>,
    now_ms: u64,
    starts: u64,
    swaps: u64,
    /// Snapshots of all workers.
    disk: Disk,
    /// Records still to be written.
    input: Vec<(TopicPartition, Record)>,
}

/// Runs a history to its end.
///
/// # Errors
/// The first check that failed.
pub fn run(scenario: &Scenario, choices: Choices) -> (Result<(), String>, Choices) {
    let mut world = World::new(scenario.clone(), choices);
    let result = world.run();
    (result, world.choices)
}

impl World {
    fn new(scenario: Scenario, mut choices: Choices) -> Self {
        let operator = TestOperator::new(scenario.fold, !scenario.repartition, None);
        let io = (vec!["in".to_string()], "out".to_string());
        let topology = Topology::new("app", "test", io, operator.description(), Repartition::Auto);
        let mut kafka = Kafka::default();
        kafka.create("in", scenario.partitions);
        kafka.create("out", scenario.partitions);
        kafka.create(&topology.dead_letter, 1);
        for topic in topology.repartition.iter().chain(&topology.changelog) {
            kafka.create(topic, scenario.partitions);
        }
        let sources: Vec<_> = topology.sources().flat_map(|topic| kafka.of_topic(topic)).cloned().collect();
        kafka.group().subscribe(sources);
        let mut input: Vec<_> = (0..scenario.records).map(|i| input(&scenario, i, &mut choices)).collect();
        input.reverse();
        let workers = (0..scenario.workers).map(|_| None).collect();
        Self {
            scenario,
            choices,
            kafka,
            topology,
            workers,
            now_ms: 0,
            starts: 0,
            swaps: 0,
            disk: Disk::default(),
            input,
        }
    }

    fn run(&mut self) -> Result<(), String> {
        for _ in 0..self.scenario.faulty_steps {
            self.step()?;
        }
        self.choices = self.choices.clone().calmed();
        for _ in 0..CALM_STEPS_MAX {
            if self.input.is_empty() && oracle::is_done(&self.kafka, &self.topology) {
                return self.check();
            }
            self.step()?;
        }
        let left = oracle::left(&self.kafka, &self.topology);
        Err(format!("it does not come to an end after the last fault, this is left: {left}"))
    }

    fn step(&mut self) -> Result<(), String> {
        self.now_ms += self.choices.schedule(4) as u64 + 1;
        self.surroundings()?;
        let i = self.choices.schedule(self.workers.len());
        let Some(worker) = &mut self.workers[i] else {
            self.start(i);
            return Ok(());
        };
        match worker.step(&mut self.kafka, self.now_ms, &mut self.choices) {
            Step::Progress => Ok(()),
            Step::Blocked => {
                self.kafka.land_marker(|n| self.choices.schedule(n));
                Ok(())
            }
            Step::Crashed => {
                self.crash(i);
                Ok(())
            }
            Step::Stopped(stop) => Err(format!("a worker stopped: {stop:?}")),
        }
    }

    /// What happens without the workers: input comes, markers land, members are thrown out, transactions
    /// time out, repeated requests arrive.
    fn surroundings(&mut self) -> Result<(), String> {
        let scripted = matches!(self.choices, Choices::Script { .. });
        if (scripted || self.choices.once_in(3))
            && let Some((at, record)) = self.input.pop()
        {
            self.kafka.append(&at, record);
        }
        if self.choices.once_in(4) {
            self.kafka.land_marker(|n| self.choices.schedule(n));
        }
        // A deliberate bug is to show by itself.
        let may_swap = matches!(self.scenario.bug, None | Some(Bug::SwapInTransaction));
        if !scripted && may_swap && self.choices.once_in(50) {
            self.swap();
        }
        if !scripted && self.scenario.bug.is_none() && self.choices.once_in(20) {
            self.hold();
        }
        let faulty = matches!(self.choices, Choices::Seed { .. });
        if faulty && self.choices.once_in(60) {
            let i = self.choices.schedule(self.workers.len());
            if let Some(worker) = &self.workers[i] {
                match self.choices.schedule(3) {
                    0 => self.kafka.time_out(worker.id()),
                    1 => self.kafka.group().remove(worker.member()),
                    _ => self.crash(i),
                }
            }
        }
        if self.choices.once_in(20) {
            self.kafka.deliver_stray();
        }
        if !self.kafka.has_markers_under_way() && (scripted || self.choices.once_in(8)) {
            self.check()?;
        }
        Ok(())
    }

    fn check(&self) -> Result<(), String> {
        oracle::check(&self.kafka, &self.topology, self.scenario.fold, self.scenario.emit)
    }

    /// A worker gets another module.
    fn swap(&mut self) {
        let i = self.choices.schedule(self.workers.len());
        let operator = TestOperator::new(self.scenario.fold, !self.scenario.repartition, None);
        if let Some(worker) = &mut self.workers[i] {
            self.swaps += 1;
            // A deliberate bug is to show by itself.
            let is_broken = self.scenario.bug.is_none() && self.swaps.is_multiple_of(3);
            let operator = if is_broken { operator.broken() } else { operator };
            worker.swap(operator, &format!("native:test-{}", self.swaps));
        }
    }

    /// A worker holds back its inputs, or, more often, reads them again.
    fn hold(&mut self) {
        let i = self.choices.schedule(self.workers.len());
        let held = self.choices.once_in(4);
        if let Some(worker) = &mut self.workers[i] {
            worker.hold(held);
        }
    }

    fn crash(&mut self, i: usize) {
        if let Some(worker) = self.workers[i].take() {
            self.kafka.group().remove(worker.member());
        }
    }

    /// Starts a worker, once the transaction of the one before is settled.
    fn start(&mut self, i: usize) {
        let id = format!("app-{i}");
        let Ok(epoch) = self.kafka.init(&id) else {
            self.kafka.land_marker(|n| self.choices.schedule(n));
            return;
        };
        self.starts += 1;
        let trap_in = self.choices.once_in(4).then(|| self.choices.schedule(10) as u32);
        let operator = TestOperator::new(self.scenario.fold, !self.scenario.repartition, trap_in);
        let operator = operator.reused(self.scenario.bug == Some(Bug::InstanceReused));
        let settings = Settings {
            topology: self.topology.clone(),
            policies: Policies { rejected: Policy::DeadLetter, fault: Policy::DeadLetter },
            limits: limits(),
            incarnation: self.starts,
            module: "native:test".into(),
            hash_seed: self.starts,
            stamp: false,
            emit: self.scenario.emit,
        };
        let worker = Worker::start(&id, operator, &settings, &mut self.kafka, (epoch, &self.disk));
        self.workers[i] = Some(worker.with_bug(self.scenario.bug));
    }
}

/// Bounds that small histories reach.
pub fn limits() -> Limits {
    Limits {
        commit_interval_ms: 30,
        call_records_max: 3,
        output_record_bytes_max: 1_000,
        retries_max: 2,
        // A few faulted calls, so that batches are left in the middle too.
        isolation_budget_us: 3_000,
        fault_ratio_max: 0.9,
        fault_records_min: 20,
        probation_batches: 5,
        aborts_max: 1_000,
    }
}

/// Record `i`: without a repartition topic its key decides the partition, else nothing does.
fn input(scenario: &Scenario, i: usize, choices: &mut Choices) -> (TopicPartition, Record) {
    let key = format!("k{}", choices.schedule(scenario.keys));
    let fails = scenario.failing_one_in > 0 && choices.once_in(scenario.failing_one_in);
    let word = if fails { ["bad", "boom", "odd", "bang"][choices.schedule(4)] } else { "" };
    let value = format!("{key}:{word}{i}");
    let partition = if scenario.repartition {
        choices.schedule(scenario.partitions as usize) as u32
    } else {
        partition_of(key.as_bytes(), scenario.partitions)
    };
    let row = Row { key: None, value: Some(value.as_bytes()), timestamp: i as i64 };
    (TopicPartition::new("in", partition), Record::of(row))
}
