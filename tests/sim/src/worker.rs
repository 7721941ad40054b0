//! A simulated worker: performs the effects of a real machine on the model of Kafka, as the real shell
//! does, with faults before and after each, and on demand with one of the deliberate bugs.

use crate::choices::Choices;
use crate::group::{Identity, Notice};
use crate::kafka::{Kafka, Record, Refused};
use crate::operators::{Calls, TestOperator};
use host_core::effect::{Assignment, CommitOffset, Effect, Outgoing, Target};
use host_core::error::{Stop, StopKind};
use host_core::event::{Epoch, Event, Failure, Start};
use host_core::hash::partition_of;
use host_core::machine::{Machine, Settings};
use host_core::metadata::Metadata;
use host_core::record::{Batch, Offset, Row, Rows, TopicPartition};
use std::collections::BTreeMap;

/// A deliberate bug of the shell; the ordinary run must catch each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Offsets are committed on their own, not in the transaction.
    OffsetsOutsideTransaction,
    /// After an abort reading goes on where it was.
    NoSeekAfterAbort,
    /// The machine hears "committed" before the commit.
    AppliedBeforeCommit,
    /// A restore ends at the last stable offset.
    RestoreToLastStable,
    /// Group metadata is read at commit, not at assignment.
    FreshGroupMetadata,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Something.
    Progress,
    /// It has to wait for somebody else.
    Blocked,
    /// The process crashed.
    Crashed,
    /// The machine has ended.
    Stopped(Option<Stop>),
}

struct Restore {
    epoch: Epoch,
    source: TopicPartition,
    changelog: TopicPartition,
    position: Offset,
    end: Offset,
}

/// One worker process.
pub struct Worker {
    /// Its transactional id; stays over restarts.
    pub id: String,
    machine: Machine<TestOperator>,
    /// The modules that worked for the open transaction.
    calls: Calls,
    bug: Option<Bug>,
    batch_max: usize,
    producer_epoch: u32,
    member: u64,
    epoch: Epoch,
    captured: BTreeMap<Epoch, (u64, i32)>,
    positions: BTreeMap<TopicPartition, (Offset, bool)>,
    ends_told: BTreeMap<TopicPartition, Offset>,
    restores: Vec<Restore>,
    blocked: Option<Effect>,
}

impl Worker {
    /// A process that has just started: its producer is ready, it has joined the group.
    pub fn start(
        id: &str,
        operator: TestOperator,
        settings: &Settings,
        kafka: &mut Kafka,
        epoch: u32,
    ) -> Self {
        let calls = Calls::default();
        let operator = operator.of_module(&settings.module, &calls);
        Self {
            id: id.into(),
            machine: Machine::new(operator, settings),
            calls,
            bug: None,
            batch_max: 4,
            producer_epoch: epoch,
            member: kafka.group.join(),
            epoch: Epoch::default(),
            captured: BTreeMap::new(),
            positions: BTreeMap::new(),
            ends_told: BTreeMap::new(),
            restores: Vec::new(),
            blocked: None,
        }
    }

    /// Gives it a bug.
    #[must_use]
    pub fn with_bug(mut self, bug: Option<Bug>) -> Self {
        self.bug = bug;
        self
    }

    /// Gives it another module.
    pub fn swap(&mut self, operator: TestOperator, module: &str) {
        self.machine.swap(operator.of_module(module, &self.calls), module);
    }

    /// Holds back its inputs, or reads them again.
    pub fn hold(&mut self, held: bool) {
        self.machine.hold(held);
    }

    /// A transaction is the work of one module: the one that it is committed with.
    fn check_module(&self, offsets: &[CommitOffset]) -> Result<(), Stop> {
        let calls = self.calls.borrow();
        let named = offsets.iter().filter_map(|offset| Metadata::parse(&offset.metadata));
        match named.map(|metadata| metadata.module).find(|module| calls.iter().any(|call| call != module)) {
            Some(module) => {
                Err(Stop::new(StopKind::Guest, format!("{calls:?} worked for what {module} commits")))
            }
            None => Ok(()),
        }
    }

    /// Its identity in the group.
    pub fn member(&self) -> u64 {
        self.member
    }

    /// One step: one effect, or one event.
    pub fn step(&mut self, kafka: &mut Kafka, now_ms: u64, choices: &mut Choices) -> Step {
        if let Some(effect) = self.blocked.take().or_else(|| self.machine.next_effect()) {
            return self.effect(effect, kafka, now_ms, choices);
        }
        if let Some(event) = self.poll(kafka, choices) {
            self.machine.handle(now_ms, event);
            return Step::Progress;
        }
        self.machine.handle(now_ms, Event::Tick);
        Step::Blocked
    }

    // ---- events

    fn poll(&mut self, kafka: &mut Kafka, choices: &mut Choices) -> Option<Event> {
        match kafka.group.poll(self.member) {
            Notice::Nothing => {}
            Notice::Revoked => return Some(Event::Revoked),
            Notice::Lost => return Some(Event::Lost),
            Notice::Assigned(generation, partitions) => {
                self.epoch = Epoch(self.epoch.0 + 1);
                self.captured.insert(self.epoch, (self.member, generation));
                return Some(Event::Assigned { epoch: self.epoch, partitions });
            }
        }
        if !self.restores.is_empty() {
            let i = choices.schedule(self.restores.len());
            if let Some(event) = self.restore(i, kafka) {
                return Some(event);
            }
        }
        self.fetch(kafka, choices)
    }

    fn restore(&mut self, i: usize, kafka: &Kafka) -> Option<Event> {
        let restore = &mut self.restores[i];
        if restore.position >= restore.end {
            let done = self.restores.remove(i);
            return Some(Event::Restored { epoch: done.epoch, source: done.source });
        }
        let (records, next) = kafka.fetch(&restore.changelog, restore.position, 3);
        if next == restore.position {
            return None;
        }
        restore.position = next;
        let mut rows = Rows::new();
        for (_, record) in records {
            rows.push(row(record));
        }
        Some(Event::RestoreRows { epoch: restore.epoch, source: restore.source.clone(), rows })
    }

    fn fetch(&mut self, kafka: &Kafka, choices: &mut Choices) -> Option<Event> {
        let n = self.positions.len();
        let first = if n == 0 { 0 } else { choices.schedule(n) };
        for i in 0..n {
            let (source, (position, paused)) = self.positions.iter_mut().nth((first + i) % n)?;
            if *paused {
                continue;
            }
            let limit = 1 + choices.schedule(self.batch_max);
            let (records, next) = kafka.fetch(source, *position, limit);
            *position = next;
            if !records.is_empty() {
                let mut batch = Batch {
                    source: source.clone(),
                    epoch: self.epoch,
                    offsets: Vec::new(),
                    rows: Rows::new(),
                };
                for (offset, record) in records {
                    batch.offsets.push(offset);
                    batch.rows.push(row(record));
                }
                return Some(Event::Batch(batch));
            }
            if self.ends_told.get(source) != Some(&next) {
                self.ends_told.insert(source.clone(), next);
                return Some(Event::PartitionEnd {
                    epoch: self.epoch,
                    source: source.clone(),
                    position: next,
                });
            }
        }
        None
    }

    // ---- effects

    fn effect(&mut self, effect: Effect, kafka: &mut Kafka, now_ms: u64, choices: &mut Choices) -> Step {
        // 1: crash before, 2: crash after; the others depend on the effect.
        let fault = choices.fault(2 + extra_faults(&effect));
        if fault == 1 {
            return Step::Crashed;
        }
        let step = self.perform(effect, kafka, now_ms, fault.saturating_sub(2));
        if fault == 2 { Step::Crashed } else { step }
    }

    fn perform(&mut self, effect: Effect, kafka: &mut Kafka, now_ms: u64, fault: usize) -> Step {
        let again = effect.clone();
        let answer = match effect {
            Effect::Locate { epoch, partitions } => match (fault, Self::locate(kafka, epoch, &partitions)) {
                (1, _) => Err(abortable()),
                (_, Some(event)) => Ok(Some(event)),
                (_, None) => return self.wait(again),
            },
            Effect::Assign { starts, .. } => self.assign(starts, fault),
            Effect::Restore { epoch, source, changelog } => {
                self.begin_restore(kafka, epoch, source, changelog);
                Ok(None)
            }
            Effect::Seek { source, offset } => self.seek(source, offset, fault),
            Effect::Pause { source } => self.pause(&source, fault),
            Effect::Begin | Effect::Report(_) => Ok(None),
            Effect::Send(outgoing) => match self.send(kafka, &outgoing, fault) {
                Some(answer) => answer,
                None => return self.wait(again),
            },
            Effect::SendOffsets { epoch, offsets } => {
                if let Err(stop) = self.check_module(&offsets) {
                    return Step::Stopped(Some(stop));
                }
                match self.send_offsets(kafka, epoch, &offsets, fault) {
                    Some(answer) => answer,
                    None => return self.wait(again),
                }
            }
            Effect::Commit => match self.commit(kafka, fault) {
                Err(failure) if self.bug == Some(Bug::AppliedBeforeCommit) => {
                    self.machine.handle(now_ms, Event::Committed { clean: true });
                    Err(failure)
                }
                answer => answer.map(Some),
            },
            Effect::Abort => self.abort(kafka, fault),
            Effect::NewProducer => match kafka.init(&self.id) {
                _ if fault == 1 => Err(Failure::ProducerLost("init failed".into())),
                Ok(epoch) => {
                    self.producer_epoch = epoch;
                    Ok(Some(Event::ProducerReady))
                }
                Err(_) => return self.wait(again),
            },
            Effect::Unassign => {
                self.unassign(kafka);
                Ok(None)
            }
            Effect::Stop(stop) => return Step::Stopped(stop),
        };
        if matches!(answer, Ok(Some(Event::Committed { .. } | Event::Aborted | Event::ProducerReady))) {
            self.calls.borrow_mut().clear();
        }
        match answer {
            Ok(Some(event)) => self.machine.handle(now_ms, event),
            Ok(None) => {}
            Err(failure) => self.machine.handle(now_ms, Event::Failed(failure)),
        }
        Step::Progress
    }

    fn wait(&mut self, effect: Effect) -> Step {
        self.blocked = Some(effect);
        Step::Blocked
    }

    fn locate(kafka: &Kafka, epoch: Epoch, partitions: &[TopicPartition]) -> Option<Event> {
        let mut starts = Vec::new();
        for source in partitions {
            let start = match kafka.committed(source).ok()? {
                Some((offset, metadata)) => Start::Committed { offset, metadata },
                None => Start::Reset { offset: 0 },
            };
            starts.push((source.clone(), start));
        }
        Some(Event::Located { epoch, starts })
    }

    fn assign(&mut self, starts: Vec<Assignment>, fault: usize) -> Result<Option<Event>, Failure> {
        if fault == 1 {
            return Err(unplaced());
        }
        self.ends_told.clear();
        self.positions =
            starts.into_iter().map(|start| (start.source, (start.offset, start.paused))).collect();
        Ok(None)
    }

    fn begin_restore(
        &mut self,
        kafka: &Kafka,
        epoch: Epoch,
        source: TopicPartition,
        changelog: TopicPartition,
    ) {
        let end = match self.bug {
            Some(Bug::RestoreToLastStable) => kafka.last_stable(&changelog),
            _ => kafka.end(&changelog),
        };
        self.restores.retain(|restore| restore.source != source);
        self.restores.push(Restore { epoch, source, changelog, position: 0, end });
    }

    fn seek(
        &mut self,
        source: TopicPartition,
        offset: Offset,
        fault: usize,
    ) -> Result<Option<Event>, Failure> {
        if fault == 1 {
            return Err(unplaced());
        }
        self.ends_told.remove(&source);
        let resumed = self.positions.get(&source).is_some_and(|(_, paused)| *paused);
        if self.bug == Some(Bug::NoSeekAfterAbort) && !resumed {
            return Ok(None);
        }
        self.positions.insert(source, (offset, false));
        Ok(None)
    }

    fn pause(&mut self, source: &TopicPartition, fault: usize) -> Result<Option<Event>, Failure> {
        if fault == 1 {
            return Err(unplaced());
        }
        if let Some((_, paused)) = self.positions.get_mut(source) {
            *paused = true;
        }
        Ok(None)
    }

    fn send(
        &mut self,
        kafka: &mut Kafka,
        outgoing: &Outgoing,
        fault: usize,
    ) -> Option<Result<Option<Event>, Failure>> {
        let topology = self.machine.topology();
        let topic = match outgoing.target {
            Target::Output => Some(&topology.output),
            Target::Repartition => topology.repartition.as_ref(),
            Target::Changelog(_) => topology.changelog.as_ref(),
            Target::DeadLetter => Some(&topology.dead_letter),
        };
        let topic = topic.expect("the topology has this topic").clone();
        let partitions = kafka.partitions(&topic);
        for i in 0..outgoing.rows.len() {
            let row = outgoing.rows.row(i);
            let partition = match (outgoing.target, row.key) {
                (Target::Changelog(partition), _) => partition,
                (_, Some(key)) => partition_of(key, partitions),
                (_, None) => 0,
            };
            let mut record = Record::of(row);
            record.headers = outgoing.rows.headers(i).map(|(n, v)| (n.into(), v.map(Into::into))).collect();
            let at = TopicPartition { topic: topic.clone(), partition };
            match kafka.send(&self.id, self.producer_epoch, &at, record) {
                Ok(()) => {}
                Err(Refused::Later) => return None,
                Err(refused) => return Some(Err(sort(refused))),
            }
            if fault == 1 {
                return Some(Err(abortable()));
            }
        }
        Some(Ok(None))
    }

    fn send_offsets(
        &mut self,
        kafka: &mut Kafka,
        epoch: Epoch,
        offsets: &[host_core::effect::CommitOffset],
        fault: usize,
    ) -> Option<Result<Option<Event>, Failure>> {
        if fault == 1 {
            return Some(Err(abortable()));
        }
        if self.bug == Some(Bug::OffsetsOutsideTransaction) {
            kafka.commit(offsets.to_vec());
            return Some(Ok(None));
        }
        let captured: Identity = self.captured.get(&epoch).copied();
        let identity = match self.bug {
            // What the client library says of itself after it was thrown out: nothing.
            Some(Bug::FreshGroupMetadata) if !kafka.group.accepts(captured) => None,
            _ => captured,
        };
        match kafka.send_offsets(&self.id, self.producer_epoch, identity, offsets) {
            Ok(()) if fault == 2 => Some(Err(Failure::ProducerLost("the answer was lost".into()))),
            Ok(()) => Some(Ok(None)),
            Err(Refused::Later) => None,
            Err(refused) => Some(Err(sort(refused))),
        }
    }

    /// Faults: 1 the request is lost, 2 the answer is lost, 3 the request was repeated.
    fn commit(&mut self, kafka: &mut Kafka, fault: usize) -> Result<Event, Failure> {
        if fault == 1 {
            return Err(Failure::ProducerLost("timed out".into()));
        }
        // Without a bug there is a transaction: offsets are in it. With one there may be none.
        if let Err(refused) = kafka.end_transaction(&self.id, self.producer_epoch, true)
            && self.bug != Some(Bug::OffsetsOutsideTransaction)
        {
            return Err(sort(refused));
        }
        match fault {
            2 => Err(Failure::ProducerLost("the answer was lost".into())),
            3 => {
                kafka.stray(&self.id, self.producer_epoch, true);
                Ok(Event::Committed { clean: false })
            }
            _ => Ok(Event::Committed { clean: true }),
        }
    }

    fn abort(&mut self, kafka: &mut Kafka, fault: usize) -> Result<Option<Event>, Failure> {
        if fault == 1 {
            return Err(Failure::ProducerLost("timed out".into()));
        }
        if kafka.is_open(&self.id) {
            kafka.end_transaction(&self.id, self.producer_epoch, false).map_err(sort)?;
        }
        Ok(Some(Event::Aborted))
    }

    fn unassign(&mut self, kafka: &mut Kafka) {
        self.positions.clear();
        self.ends_told.clear();
        self.restores.clear();
        if kafka.group.poll(self.member) == Notice::Lost {
            self.member = kafka.group.join();
        } else {
            kafka.group.release(self.member);
        }
    }
}

/// How many faults of its own an effect has.
fn extra_faults(effect: &Effect) -> usize {
    match effect {
        Effect::Commit => 3,
        Effect::SendOffsets { .. } => 2,
        Effect::Locate { .. }
        | Effect::Assign { .. }
        | Effect::Seek { .. }
        | Effect::Pause { .. }
        | Effect::Send(_)
        | Effect::Abort
        | Effect::NewProducer => 1,
        Effect::Begin | Effect::Report(_) | Effect::Restore { .. } | Effect::Unassign | Effect::Stop(_) => 0,
    }
}

fn abortable() -> Failure {
    Failure::Abortable("a request failed".into())
}

fn unplaced() -> Failure {
    Failure::Unplaced("a seek failed".into())
}

fn sort(refused: Refused) -> Failure {
    match refused {
        Refused::Fenced => Failure::ProducerLost("fenced".into()),
        Refused::Stale => Failure::Stale("illegal generation".into()),
        Refused::Later => Failure::Abortable("try again later".into()),
    }
}

fn row(record: &Record) -> Row<'_> {
    Row { key: record.key.as_deref(), value: record.value.as_deref(), timestamp: record.timestamp }
}
