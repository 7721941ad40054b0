//! The machine of one worker: events in, effects out. All control flow of tasks and transactions is here
//! and nowhere else; it reads no clock, and a run replays exactly from its events.

use self::hold::Hold;
use self::keep::Kept;
use self::swap::{Fallback, Staged};
use crate::effect::{Assignment, CommitOffset, Effect, Report};
use crate::emit::Emit;
use crate::error::{Stop, StopKind};
use crate::event::{Epoch, Event, Start};
use crate::hash::Hasher;
use crate::metadata::Metadata;
use crate::operator::Operator;
use crate::policy::{Limits, Policies};
use crate::process::{Combiner, Processor};
use crate::record::{Batch, Offset, Rows, TopicPartition};
use crate::state::{KeyedState, MemoryStore};
use crate::task::{Committed, Phase, Task};
use crate::topology::{Then, Topology};
use crate::transaction::{AfterAbort, Outcome, Transaction, outcome};
use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

mod failures;
mod fair;
mod hold;
mod keep;
mod swap;

/// What a machine is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Topics and stages.
    pub topology: Topology,
    /// What happens to records that fail.
    pub policies: Policies,
    /// The bounds.
    pub limits: Limits,
    /// One life of one worker: random, new at each start.
    pub incarnation: u64,
    /// The module's digest, or `native:NAME`.
    pub module: String,
    /// Seed of the hashes of keys.
    pub hash_seed: u64,
    /// Outputs carry the headers of [`crate::stamp`].
    pub stamp: bool,
    /// When results are written.
    pub emit: Emit,
}

/// Where the worker stands in its group.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Group {
    /// Nothing is assigned.
    Out,
    /// The partitions are known, where to read them is not.
    Locating(Vec<TopicPartition>),
    /// First positions are being committed; nothing is read yet.
    Positioning,
    /// Tasks are restoring or running.
    In,
    /// The group has gone on without this assignment: wait to be told.
    Stale,
}

/// Why tasks are let go once the transaction is out of the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    /// The group takes the partitions.
    Partitions,
    /// The application ends.
    Application,
}

/// The machine of one worker.
pub struct Machine<O> {
    processor: Processor<O>,
    metadata: Metadata,
    hasher: Hasher,
    epoch: Epoch,
    group: Group,
    leaving: Leaving,
    transaction: Transaction,
    tasks: Vec<Task>,
    /// State of the tasks of the assignment before, until the next has begun.
    kept: Kept,
    effects: VecDeque<Effect>,
    /// Aborts and lost producers since the last commit.
    troubles: u32,
    /// A seek or a pause has failed: where the consumer reads is known again when the tasks are located anew.
    unplaced: bool,
    /// A task whose batch was left in the middle; its rest is read again after the commit.
    cut: Option<TopicPartition>,
    /// The operator that takes over once no transaction is under way.
    staged: Option<Staged<O>>,
    /// The operator before, while the new one is on probation.
    fallback: Option<Fallback<O>>,
    /// Why the operator before works again, until somebody asks.
    fell_back: Option<String>,
    /// Whether anything new goes into the repartition topic.
    hold: Hold,
    /// The last batch, for its buffers.
    spent: Option<Batch>,
    stopped: bool,
}

impl<O: Operator> Machine<O> {
    /// A machine with nothing assigned. The shell has a producer whose predecessor is settled.
    pub fn new(operator: O, settings: &Settings) -> Self {
        let metadata = Metadata::new(settings.incarnation, &settings.module, operator.description());
        Self {
            processor: Processor::new(operator, settings),
            metadata,
            hasher: Hasher::new(settings.hash_seed),
            epoch: Epoch::default(),
            group: Group::Out,
            leaving: Leaving::No,
            transaction: Transaction::Idle,
            tasks: Vec::new(),
            kept: Kept::default(),
            effects: VecDeque::new(),
            troubles: 0,
            unplaced: false,
            cut: None,
            staged: None,
            fallback: None,
            fell_back: None,
            hold: Hold::default(),
            spent: None,
            stopped: false,
        }
    }

    /// The next thing to do, until none is left.
    pub fn next_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// The last batch that it was given and is done with, so that its buffers can be used again.
    pub fn take_spent(&mut self) -> Option<Batch> {
        self.spent.take()
    }

    /// The tasks, in the order of the assignment.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// The topics and stages.
    pub fn topology(&self) -> &Topology {
        self.processor.topology()
    }

    /// How long until the open transaction is due, in milliseconds; none without one.
    pub fn commit_due_in_ms(&self, now_ms: u64) -> Option<u64> {
        match self.transaction {
            Transaction::Open { began_ms } => {
                Some((began_ms + self.limits().commit_interval_ms).saturating_sub(now_ms))
            }
            _ => None,
        }
    }

    /// True when the group has given an assignment and all its tasks run; it may be an empty one.
    pub fn is_ready(&self) -> bool {
        self.group == Group::In && self.tasks.iter().all(|task| task.phase == Phase::Running)
    }

    /// True while the state of all tasks is exactly what is committed: every task is there, and no transaction is
    /// open or on its way.
    pub fn is_settled(&self) -> bool {
        self.is_ready() && matches!(self.transaction, Transaction::Idle)
    }

    /// The digest of the module that works now: what the next commit will say.
    pub fn module(&self) -> &str {
        &self.metadata.module
    }

    /// Takes an event. `now_ms` is any clock that never goes back.
    pub fn handle(&mut self, now_ms: u64, event: Event) {
        if !self.stopped {
            // A failure clears what waits to be done, and this must not be lost.
            if self.effects.is_empty() && !matches!(event, Event::Failed(_)) {
                self.settle_hold();
                self.end_set_backs(now_ms);
            }
            self.take(now_ms, event);
            self.install();
        }
    }

    fn take(&mut self, now_ms: u64, event: Event) {
        match event {
            Event::Assigned { epoch, partitions } => self.assigned(epoch, partitions),
            Event::Revoked => self.leave(now_ms, Leaving::Partitions),
            Event::Lost => self.lost(),
            Event::Located { epoch, starts } if epoch == self.epoch => self.located(now_ms, &starts),
            Event::RestoreRows { epoch, source, rows } if epoch == self.epoch => self.restore(&source, &rows),
            Event::Restored { epoch, source } if epoch == self.epoch => self.restored(&source),
            Event::Batch(batch) => {
                if batch.epoch == self.epoch {
                    self.batch(now_ms, &batch);
                }
                self.spent = Some(batch);
            }
            Event::PartitionEnd { epoch, source, position } if epoch == self.epoch => {
                self.partition_end(now_ms, &source, position);
            }
            Event::Tick => self.commit_if_due(now_ms),
            Event::Committed { clean } => self.committed(clean),
            Event::Aborted => self.aborted(),
            Event::ProducerReady => self.producer_ready(),
            Event::Failed(failure) => self.failed(failure),
            Event::Shutdown => self.leave(now_ms, Leaving::Application),
            // Answers to questions of an assignment that is gone.
            Event::Located { .. }
            | Event::RestoreRows { .. }
            | Event::Restored { .. }
            | Event::PartitionEnd { .. } => {}
        }
    }

    // ---- group

    fn assigned(&mut self, epoch: Epoch, partitions: Vec<TopicPartition>) {
        assert!(epoch > self.epoch, "epochs rise");
        assert!(self.tasks.is_empty(), "the protocol is eager: all tasks are let go before others come");
        assert_eq!(self.transaction, Transaction::Idle, "no transaction outlives its tasks");
        self.epoch = epoch;
        self.group = Group::Locating(partitions.clone());
        self.effects.push_back(Effect::Locate { epoch, partitions });
    }

    fn located(&mut self, now_ms: u64, starts: &[(TopicPartition, Start)]) {
        if let Transaction::Resolving(asked) = core::mem::replace(&mut self.transaction, Transaction::Idle) {
            match outcome(&asked, &self.tasks, starts) {
                Outcome::Ours => {
                    self.apply(&asked);
                    return self.go_on();
                }
                Outcome::Before if self.group == Group::In => return self.settle_aborted(),
                Outcome::Before | Outcome::Other => {}
            }
        }
        self.begin_tasks(now_ms, starts);
    }

    /// Makes the tasks of the assignment anew. Positions that the reset policy chose are committed first, so
    /// that a crash can't choose again.
    fn begin_tasks(&mut self, now_ms: u64, starts: &[(TopicPartition, Start)]) {
        self.cut = None;
        self.tasks.clear();
        let mut kept = core::mem::take(&mut self.kept);
        for (source, start) in starts {
            match self.new_task(source, start, kept.take(source, start)) {
                Ok(task) => self.tasks.push(task),
                Err(stop) => return self.stop(stop),
            }
        }
        if self.tasks.iter().any(|task| task.touched) {
            self.group = Group::Positioning;
            self.open(now_ms);
            self.commit();
        } else {
            self.begin_reading();
        }
    }

    /// A task; with `kept`, its state is there already.
    fn new_task(
        &self,
        source: &TopicPartition,
        start: &Start,
        kept: Option<KeyedState>,
    ) -> Result<Task, Stop> {
        let (position, committed) = match start {
            Start::Committed { offset, metadata } => {
                (*offset, Committed { offset: Some(*offset), metadata: metadata.clone() })
            }
            Start::Reset { offset } => (*offset, Committed::default()),
        };
        let topology = self.topology();
        let then = topology.stages(&source.topic).then;
        let reduces = then == Then::Reduce;
        if let Some(before) = Metadata::parse(&committed.metadata).filter(|_| reduces) {
            self.check_state_schema(source, &before)?;
        }
        let restores = reduces && kept.is_none();
        let empty = || KeyedState::new(Box::new(MemoryStore::default()), self.hasher.clone());
        let state = reduces.then(|| kept.unwrap_or_else(empty));
        Ok(Task {
            name: topology.task_name(source),
            source: source.clone(),
            phase: if restores { Phase::Restoring } else { Phase::Running },
            position,
            touched: committed.offset.is_none(),
            committed,
            state,
            combiner: (then == Then::Repartition).then(|| Combiner::new(self.hasher.clone())),
            set_back_until_ms: None,
        })
    }

    fn check_state_schema(&self, source: &TopicPartition, before: &Metadata) -> Result<(), Stop> {
        if before.state_schema == self.metadata.state_schema {
            return Ok(());
        }
        Err(Stop::new(
            StopKind::State,
            format!(
                "the state of the task of {source} was written by module {} with another state-schema\n\
                 hint: run that module, or give this one its own --application-id",
                before.module
            ),
        ))
    }

    /// Reads the assignment; tasks with state wait for their changelog.
    fn begin_reading(&mut self) {
        let epoch = self.epoch;
        self.group = Group::In;
        let starts = self.tasks.iter().map(|task| Assignment {
            source: task.source.clone(),
            offset: task.position,
            paused: task.phase == Phase::Restoring || self.is_held(task),
        });
        self.effects.push_back(Effect::Assign { epoch, starts: starts.collect() });
        for task in &self.tasks {
            let source = task.source.clone();
            match task.phase {
                Phase::Running => {
                    let kept = task.state.is_some();
                    self.effects.push_back(started(task, &self.metadata, kept));
                }
                Phase::Restoring => {
                    let topic = self.processor.topology().changelog.clone();
                    let topic = topic.expect("a topology that reduces has a changelog");
                    let changelog = TopicPartition { topic, partition: source.partition };
                    self.effects.push_back(Effect::Restore { epoch, source, changelog });
                }
            }
        }
    }

    fn restore(&mut self, source: &TopicPartition, rows: &Rows) {
        let Some(task) = find(&mut self.tasks, source) else { return };
        let state = task.state.as_mut().expect("only tasks with state are restored");
        if let Err((row, error)) = state.restore(rows) {
            let key = rows.key(row).unwrap_or_default().escape_ascii();
            let message = format!(
                "the changelog of task {} ({source}) has a record for key \"{key}\" that can't be read: {error}\n\
                 hint: nothing else may write to a changelog topic; a newer host may have written it",
                task.name
            );
            self.stop(Stop::new(StopKind::State, message));
        }
    }

    fn restored(&mut self, source: &TopicPartition) {
        let Some(task) = find(&mut self.tasks, source) else { return };
        task.phase = Phase::Running;
        let seek = Effect::Seek { source: source.clone(), offset: task.position };
        let report = started(task, &self.metadata, false);
        self.effects.extend([seek, report]);
    }

    fn leave(&mut self, now_ms: u64, leaving: Leaving) {
        self.leaving = leaving;
        match self.transaction {
            Transaction::Open { .. } => {
                self.open(now_ms);
                self.commit();
            }
            _ => self.let_go(),
        }
    }

    fn lost(&mut self) {
        self.leaving = Leaving::Partitions;
        match self.transaction {
            Transaction::Open { .. } => {
                self.abort("the partitions were given to others".into(), AfterAbort::Forget);
            }
            _ => self.let_go(),
        }
    }

    fn let_go(&mut self) {
        let tasks = core::mem::take(&mut self.tasks);
        self.cut = None;
        self.unplaced = false;
        self.group = Group::Out;
        self.effects.push_back(Effect::Unassign);
        if self.leaving == Leaving::Partitions {
            self.kept = Kept::of(tasks);
        }
        if core::mem::replace(&mut self.leaving, Leaving::No) == Leaving::Application {
            self.stopped = true;
            self.effects.push_back(Effect::Stop(None));
        }
    }

    // ---- records

    fn batch(&mut self, now_ms: u64, batch: &Batch) {
        let running = |task: &mut Task| self.group == Group::In && task.phase == Phase::Running;
        let Some(i) = self.tasks.iter_mut().position(|task| task.source == batch.source && running(task))
        else {
            return;
        };
        if self.is_read_again(&self.tasks[i]) {
            // It was under way.
            return;
        }
        let (Some(&first), Some(&last)) = (batch.offsets.first(), batch.offsets.last()) else { return };
        assert!(first >= self.tasks[i].position, "records of a partition come once and in order");
        self.open(now_ms);
        // Also when it is given up in the middle: then there is something to take back.
        self.tasks[i].touched = true;
        let mut effects = Vec::new();
        let spent_before_us = self.processor.caller.spent_us();
        let answers_before = self.processor.caller.answers();
        let result = self.processor.process(batch, &mut self.tasks[i], &mut effects);
        self.effects.extend(effects);
        self.set_back(i, now_ms, self.processor.caller.spent_us() - spent_before_us);
        match result {
            Err(stop) => return self.give_up(stop),
            Ok(done) => {
                if self.processor.caller.answers() > answers_before {
                    self.passed();
                }
                let task = &mut self.tasks[i];
                task.position = batch.offsets.get(done).copied().unwrap_or(last + 1);
                if done < batch.offsets.len() {
                    self.cut = Some(batch.source.clone());
                    return self.commit();
                }
            }
        }
        self.commit_if_due(now_ms);
    }

    fn partition_end(&mut self, now_ms: u64, source: &TopicPartition, position: Offset) {
        if self.group != Group::In {
            return;
        }
        let again = self.tasks.iter().any(|task| task.source == *source && self.is_read_again(task));
        let Some(task) = find(&mut self.tasks, source) else { return };
        if !again && task.phase == Phase::Running && position > task.position {
            task.position = position;
            task.touched = true;
            self.open(now_ms);
        }
        self.commit_if_due(now_ms);
    }

    /// What was read of this task so far does not count: it is paused, or it is about to be sought.
    fn is_read_again(&self, task: &Task) -> bool {
        let is_sought =
            |effect: &Effect| matches!(effect, Effect::Seek { source, .. } if *source == task.source);
        self.is_paused(task) || self.effects.iter().any(is_sought)
    }

    // ---- transaction

    fn open(&mut self, now_ms: u64) {
        if self.transaction == Transaction::Idle {
            self.transaction = Transaction::Open { began_ms: now_ms };
            self.metadata.transaction += 1;
            self.processor.caller.renew_budget();
            self.effects.push_back(Effect::Begin);
        }
    }

    fn commit_if_due(&mut self, now_ms: u64) {
        if self.commit_due_in_ms(now_ms) == Some(0) {
            self.commit();
        }
    }

    fn commit(&mut self) {
        let mut effects = Vec::new();
        for task in self.tasks.iter_mut().filter(|task| task.touched) {
            if let Err(stop) = self.processor.flush(task, &mut effects) {
                return self.give_up(stop);
            }
        }
        self.effects.extend(effects);
        let metadata = self.metadata.text(self.metadata.transaction);
        let touched = self.tasks.iter().filter(|task| task.touched);
        let offsets: Vec<_> = touched
            .map(|task| CommitOffset {
                source: task.source.clone(),
                offset: task.position,
                metadata: metadata.clone(),
            })
            .collect();
        self.effects.push_back(Effect::SendOffsets { epoch: self.epoch, offsets: offsets.clone() });
        self.effects.push_back(Effect::Commit);
        self.transaction = Transaction::Committing(offsets);
    }

    fn committed(&mut self, clean: bool) {
        let Transaction::Committing(offsets) = core::mem::replace(&mut self.transaction, Transaction::Idle)
        else {
            unreachable!("a commit is answered once");
        };
        self.apply(&offsets);
        if clean {
            self.go_on();
        } else {
            self.replace_producer("the commit was slow, or a connection broke meanwhile".into(), Vec::new());
        }
    }

    /// The offsets are committed, and with them all that was written.
    fn apply(&mut self, offsets: &[CommitOffset]) {
        self.troubles = 0;
        let metadata = offsets.first().map(|offset| offset.metadata.clone()).unwrap_or_default();
        for task in &mut self.tasks {
            task.commit(&metadata);
        }
    }

    fn abort(&mut self, reason: String, then: AfterAbort) {
        self.transaction = Transaction::Aborting { reason, then };
        self.effects.push_back(Effect::Abort);
    }

    fn aborted(&mut self) {
        let Transaction::Aborting { reason, then } =
            core::mem::replace(&mut self.transaction, Transaction::Idle)
        else {
            unreachable!("an abort is answered once");
        };
        self.effects.push_back(Effect::Report(Report::Aborted { reason }));
        if then == AfterAbort::Forget {
            self.tasks.clear();
            self.group = Group::Stale;
        }
        self.settle_aborted();
    }

    /// Nothing of the transaction counts: its records are read again.
    fn settle_aborted(&mut self) {
        self.cut = None;
        for i in 0..self.tasks.len() {
            if self.tasks[i].abort().is_some() && self.group == Group::In && !self.unplaced {
                self.read_again(i);
            }
        }
        if self.group == Group::Positioning && self.leaving == Leaving::No {
            return self.locate_again();
        }
        self.go_on();
    }

    /// What waited for the end of the transaction.
    fn go_on(&mut self) {
        if self.leaving != Leaving::No {
            self.let_go();
        } else if self.unplaced || matches!(self.group, Group::Locating(_)) {
            self.locate_again();
        } else if self.group == Group::Positioning {
            self.begin_reading();
        } else if let Some(source) = self.cut.take()
            && let Some(i) = self.tasks.iter().position(|task| task.source == source)
        {
            self.read_again(i);
        }
    }

    fn limits(&self) -> &Limits {
        &self.processor.caller.limits
    }
}

fn find<'a>(tasks: &'a mut [Task], source: &TopicPartition) -> Option<&'a mut Task> {
    tasks.iter_mut().find(|task| task.source == *source)
}

fn started(task: &Task, now: &Metadata, kept: bool) -> Effect {
    let before = Metadata::parse(&task.committed.metadata).map(|before| before.module);
    Effect::Report(Report::TaskStarted {
        module_before: before.filter(|module| *module != now.module),
        source: task.source.clone(),
        offset: task.position,
        keys: task.state.as_ref().map_or(0, |state| state.committed().len()),
        kept,
    })
}
