//! A simulated worker: performs the effects of a real machine on the model of Kafka, as the real shell
//! does, with faults before and after each, and on demand with one of the deliberate bugs.

use crate::bugs::{self, Bug};
use crate::choices::Choices;
use crate::operators::{Calls, ModuleName, TestOperator};
use host_core::changelog;
use host_core::effect::{CommitOffset, Effect, Outgoing, Target};
use host_core::error::{Stop, StopKind};
use host_core::event::{Epoch, Event, Failure};
use host_core::machine::{Machine, Settings};
use host_core::metadata::Metadata;
use host_core::record::{Offset, Row, Rows, TopicPartition};
use host_core::task::Task;
use host_model::group::Identity;
use host_model::{Client, Kafka, Performed, Schedule};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Rows of a batch, at most.
const BATCH_RECORDS_MAX: usize = 4;

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

/// One worker process.
pub struct Worker {
    machine: Machine<TestOperator>,
    client: Client,
    /// The modules that worked for the open transaction.
    calls: Calls,
    /// What the operator that was given last is called.
    module: ModuleName,
    /// With a bug: a module that works before the machine knows.
    untold: Option<(TestOperator, String)>,
    bug: Option<Bug>,
    blocked: Option<Effect>,
    disk: Disk,
    taking: Option<Taking>,
}

/// Snapshots by task: where to go on in the changelog, and rows as a changelog has them. Shared by all workers, as if
/// they ran on one machine; it outlives them.
pub type Disk = Rc<RefCell<BTreeMap<TopicPartition, (Offset, Rows)>>>;

/// A snapshot that is being taken.
struct Taking {
    source: TopicPartition,
    offset: Offset,
    below: usize,
    rows: Rows,
}

impl Schedule for Choices {
    fn pick(&mut self, options: usize) -> usize {
        self.schedule(options)
    }

    fn batch_records(&mut self) -> usize {
        1 + self.schedule(BATCH_RECORDS_MAX)
    }

    fn restore_records(&self) -> usize {
        3
    }
}

impl Worker {
    /// A process that has just started: its producer is ready, it joins the group. `id`: its transactional id,
    /// which stays over restarts.
    pub fn start(
        id: &str,
        operator: TestOperator,
        settings: &Settings,
        kafka: &mut Kafka,
        (epoch, disk): (u32, &Disk),
    ) -> Self {
        let calls = Calls::default();
        let module = Rc::new(RefCell::new(settings.module.clone()));
        let operator = operator.of_module(&module, &calls);
        let machine = Machine::new(operator, settings);
        let (client, disk) = (Client::join(kafka, id, epoch), Rc::clone(disk));
        Self { machine, client, calls, module, untold: None, bug: None, blocked: None, disk, taking: None }
    }

    /// Gives it a bug.
    #[must_use]
    pub fn with_bug(mut self, bug: Option<Bug>) -> Self {
        self.bug = bug;
        self
    }

    /// Gives it another module.
    pub fn swap(&mut self, operator: TestOperator, module: &str) {
        if self.bug == Some(Bug::SwapInTransaction) {
            // The operator is the other one from now on; the machine only hears of it between two transactions.
            module.clone_into(&mut self.module.borrow_mut());
            self.untold = Some((operator, module.into()));
        } else {
            self.tell(operator, module);
        }
    }

    fn tell(&mut self, operator: TestOperator, module: &str) {
        self.module = Rc::new(RefCell::new(module.into()));
        self.machine.swap(operator.of_module(&self.module, &self.calls), module);
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
        self.client.member()
    }

    /// Its transactional id.
    pub fn id(&self) -> &str {
        self.client.id()
    }

    /// One step: one effect, or one event.
    pub fn step(&mut self, kafka: &mut Kafka, now_ms: u64, choices: &mut Choices) -> Step {
        if self.machine.is_settled()
            && let Some((operator, module)) = self.untold.take()
        {
            self.tell(operator, &module);
        }
        if let Some(effect) = self.blocked.take().or_else(|| self.machine.next_effect()) {
            return self.effect(effect, kafka, now_ms, choices);
        }
        self.snapshot(kafka, choices);
        if let Some(event) = self.client.poll(kafka, choices) {
            self.machine.handle(now_ms, event);
            return Step::Progress;
        }
        self.machine.handle(now_ms, Event::Tick);
        Step::Blocked
    }

    /// Begins a snapshot of a task, or takes its next step; as the real shell does, in smaller steps.
    fn snapshot(&mut self, kafka: &Kafka, choices: &mut Choices) {
        let Some(mut taking) = self.taking.take() else {
            self.taking = self.begin_snapshot(kafka, choices);
            return;
        };
        let task = self.machine.tasks().iter().find(|task| task.source == taking.source);
        let Some(state) = task.and_then(|task| task.state.as_ref()) else { return };
        let (rows, mut value) = (&mut taking.rows, Vec::new());
        taking.below = state.committed().visit_below(taking.below, 1, &mut |key, accumulator, timestamp| {
            value.clear();
            changelog::write(accumulator, &mut value);
            rows.push(Row { key: Some(key), value: Some(&value), timestamp });
        });
        if taking.below > 0 {
            self.taking = Some(taking);
            return;
        }
        if self.bug == Some(Bug::SnapshotOffsetAtEnd) {
            taking.offset = kafka.end(&self.changelog_of(&taking.source));
        }
        let mut disk = self.disk.borrow_mut();
        if self.bug == Some(Bug::OldSnapshotGeneration)
            && let Some((_, before)) = disk.get(&taking.source)
        {
            taking.rows = before.clone();
        }
        disk.insert(taking.source, (taking.offset, taking.rows));
    }

    fn begin_snapshot(&self, kafka: &Kafka, choices: &mut Choices) -> Option<Taking> {
        // Another bug is to show by itself, and not by what a snapshot made of it.
        if !self.bug.is_none_or(Bug::is_of_snapshots) {
            return None;
        }
        let may = self.machine.is_settled() || self.bug == Some(Bug::SnapshotInTransaction);
        if !choices.once_in(4) || !may {
            return None;
        }
        let with_keys = |task: &&Task| task.state.as_ref().is_some_and(|state| !state.committed().is_empty());
        let tasks: Vec<_> = self.machine.tasks().iter().filter(with_keys).collect();
        let task = tasks.get(choices.schedule(tasks.len().max(1)))?;
        let below = task.state.as_ref()?.committed().len();
        let offset = kafka.end(&self.changelog_of(&task.source));
        Some(Taking { source: task.source.clone(), offset, below, rows: Rows::new() })
    }

    fn changelog_of(&self, source: &TopicPartition) -> TopicPartition {
        let topic = self.machine.topology().changelog.as_ref().expect("there is state");
        TopicPartition::new(topic, source.partition)
    }

    // ---- effects

    fn effect(&mut self, effect: Effect, kafka: &mut Kafka, now_ms: u64, choices: &mut Choices) -> Step {
        // 1: crash before, 2: crash after; the others depend on the effect.
        let fault = choices.fault(2 + own_faults(&effect) + evictions(&effect));
        if fault == 1 {
            return Step::Crashed;
        }
        let step = self.perform(effect, kafka, now_ms, fault.saturating_sub(2));
        if fault == 2 { Step::Crashed } else { step }
    }

    fn perform(&mut self, effect: Effect, kafka: &mut Kafka, now_ms: u64, fault: usize) -> Step {
        if matches!(effect, Effect::Assign { .. } | Effect::Unassign) {
            self.taking = None;
        }
        let own = own_faults(&effect);
        let performed = match &effect {
            _ if fault > own => self.be_evicted(&effect, kafka, fault - own == EVICTED_AFTER),
            Effect::Locate { .. } | Effect::Assign { .. } | Effect::Pause { .. } | Effect::Abort
                if fault == 1 =>
            {
                Performed::Failed(lost_before(&effect))
            }
            Effect::Restore { epoch, source, changelog } => {
                Performed::Done(self.restore(kafka, *epoch, source, changelog))
            }
            Effect::Seek { source, offset } => self.seek(kafka, source, *offset, fault),
            Effect::Send(letters)
                if letters.target == Target::DeadLetter
                    && self.bug == Some(Bug::DeadLettersOutsideTransaction) =>
            {
                bugs::append(kafka, &self.machine.topology().dead_letter, &letters.rows);
                Performed::Done(None)
            }
            Effect::Send(outgoing) if fault == 1 => self.send_one(kafka, outgoing),
            Effect::SendOffsets { epoch, offsets } => {
                if let Err(stop) = self.check_module(offsets) {
                    return Step::Stopped(Some(stop));
                }
                let captured = self.client.identity(*epoch);
                self.send_offsets(kafka, captured, offsets, fault)
            }
            Effect::Commit => self.commit(kafka, now_ms, fault),
            Effect::NewProducer if fault == 1 => {
                self.client.perform(kafka, &effect, self.machine.topology());
                Performed::Failed(Failure::ProducerLost("init failed".into()))
            }
            _ => self.client.perform(kafka, &effect, self.machine.topology()),
        };
        match performed {
            Performed::Done(Some(event)) => {
                if matches!(event, Event::Committed { .. } | Event::Aborted | Event::ProducerReady) {
                    self.calls.borrow_mut().clear();
                }
                self.machine.handle(now_ms, event);
            }
            Performed::Done(None) => {}
            Performed::Failed(failure) => self.machine.handle(now_ms, Event::Failed(failure)),
            Performed::Blocked => {
                self.blocked = Some(effect);
                return Step::Blocked;
            }
            Performed::Stopped(stop) => return Step::Stopped(stop),
        }
        Step::Progress
    }

    /// The group takes it for another one of its name, and so what it was at fails, before it was done or after.
    fn be_evicted(&mut self, effect: &Effect, kafka: &mut Kafka, is_done: bool) -> Performed {
        if is_done {
            // Whatever comes of it, this is not heard.
            self.client.perform(kafka, effect, self.machine.topology());
        }
        self.client.evict(kafka);
        Performed::Failed(Failure::Evicted("another one has its name".into()))
    }

    /// From the disk's snapshot and what is behind it, or from all of the changelog; wrongly with a bug of restores.
    fn restore(
        &mut self,
        kafka: &mut Kafka,
        epoch: Epoch,
        source: &TopicPartition,
        changelog: &TopicPartition,
    ) -> Option<Event> {
        let source = source.clone();
        if self.bug == Some(Bug::RestoreUncommitted) {
            let end = kafka.end(changelog);
            self.client.go_on_with_restore(epoch, &source, changelog, (end, end));
            let rows = bugs::uncommitted(kafka, changelog);
            return Some(Event::RestoreRows { epoch, source, rows });
        }
        if let Some(end) = bugs::restore_end(self.bug, kafka, changelog) {
            self.client.begin_restore(epoch, &source, changelog, end);
            return None;
        }
        let snapshot = self.disk.borrow().get(&source).cloned();
        let Some((offset, rows)) = snapshot else {
            self.client.begin_restore(epoch, &source, changelog, kafka.end(changelog));
            return None;
        };
        self.client.go_on_with_restore(epoch, &source, changelog, (offset, kafka.end(changelog)));
        Some(Event::RestoreRows { epoch, source, rows })
    }

    fn seek(
        &mut self,
        kafka: &mut Kafka,
        source: &TopicPartition,
        offset: Offset,
        fault: usize,
    ) -> Performed {
        let seek = Effect::Seek { source: source.clone(), offset };
        if fault == 1 {
            return Performed::Failed(lost_before(&seek));
        }
        if self.bug == Some(Bug::NoSeekAfterAbort) && !self.client.is_paused(source) {
            self.client.tell_end_again(source);
            return Performed::Done(None);
        }
        self.client.perform(kafka, &seek, self.machine.topology())
    }

    /// Fails after the first row.
    fn send_one(&mut self, kafka: &mut Kafka, outgoing: &Outgoing) -> Performed {
        let one = Outgoing { target: outgoing.target, rows: outgoing.rows.slice(0..1) };
        match self.client.perform(kafka, &Effect::Send(one), self.machine.topology()) {
            Performed::Done(_) => Performed::Failed(Failure::Abortable("a request failed".into())),
            performed => performed,
        }
    }

    /// Faults: 1 the request is lost, 2 the answer is lost.
    fn send_offsets(
        &mut self,
        kafka: &mut Kafka,
        captured: Identity,
        offsets: &[CommitOffset],
        fault: usize,
    ) -> Performed {
        if fault == 1 {
            return Performed::Failed(Failure::Abortable("a request failed".into()));
        }
        if self.bug == Some(Bug::OffsetsOutsideTransaction) {
            kafka.commit(offsets.to_vec());
            return Performed::Done(None);
        }
        let offsets = match self.bug {
            Some(Bug::OffsetOfLastRecord) => &bugs::one_less(offsets)[..],
            _ => offsets,
        };
        let identity = match self.bug {
            // What the client library says of itself after it was thrown out: nothing.
            Some(Bug::FreshGroupMetadata) if !kafka.group().accepts(captured) => None,
            _ => captured,
        };
        match self.client.send_offsets(kafka, identity, offsets) {
            Performed::Done(_) if fault == 2 => {
                Performed::Failed(Failure::ProducerLost("the answer was lost".into()))
            }
            performed => performed,
        }
    }

    /// Faults: 1 the request is lost, 2 the answer is lost, 3 the request was repeated.
    fn commit(&mut self, kafka: &mut Kafka, now_ms: u64, fault: usize) -> Performed {
        let performed = self.try_commit(kafka, fault);
        if self.bug == Some(Bug::AppliedBeforeCommit) && matches!(performed, Performed::Failed(_)) {
            self.machine.handle(now_ms, Event::Committed { clean: true });
        }
        performed
    }

    fn try_commit(&mut self, kafka: &mut Kafka, fault: usize) -> Performed {
        if fault == 1 && self.bug == Some(Bug::AbortTakenForCommit) {
            return match kafka.end_transaction(self.client.id(), self.client.producer_epoch(), false) {
                Ok(()) => Performed::Done(Some(Event::Committed { clean: true })),
                Err(_) => Performed::Failed(Failure::ProducerLost("fenced".into())),
            };
        }
        if fault == 1 {
            return Performed::Failed(Failure::ProducerLost("timed out".into()));
        }
        let performed = self.client.perform(kafka, &Effect::Commit, self.machine.topology());
        // Without a bug there is a transaction: offsets are in it. With one there may be none.
        if matches!(performed, Performed::Failed(_)) && self.bug != Some(Bug::OffsetsOutsideTransaction) {
            return performed;
        }
        match fault {
            2 => Performed::Failed(Failure::ProducerLost("the answer was lost".into())),
            3 => {
                kafka.stray(self.client.id(), self.client.producer_epoch(), true);
                let clean = self.bug == Some(Bug::ProducerKept);
                Performed::Done(Some(Event::Committed { clean }))
            }
            _ => Performed::Done(Some(Event::Committed { clean: true })),
        }
    }
}

/// How many faults of its own an effect has.
fn own_faults(effect: &Effect) -> usize {
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

/// The second way to be evicted.
const EVICTED_AFTER: usize = 2;

/// In how many ways the worker can be evicted at an effect: before it is done, and, where that makes a difference to
/// others, after.
fn evictions(effect: &Effect) -> usize {
    match effect {
        Effect::Send(_)
        | Effect::SendOffsets { .. }
        | Effect::Commit
        | Effect::Abort
        | Effect::NewProducer => EVICTED_AFTER,
        Effect::Locate { .. } | Effect::Assign { .. } | Effect::Seek { .. } | Effect::Pause { .. } => 1,
        Effect::Begin | Effect::Report(_) | Effect::Restore { .. } | Effect::Unassign | Effect::Stop(_) => 0,
    }
}

/// What the machine hears of a request that did not get through.
fn lost_before(effect: &Effect) -> Failure {
    match effect {
        Effect::Assign { .. } | Effect::Seek { .. } | Effect::Pause { .. } => {
            Failure::Unplaced("a seek failed".into())
        }
        Effect::Abort => Failure::ProducerLost("timed out".into()),
        _ => Failure::Abortable("a request failed".into()),
    }
}
