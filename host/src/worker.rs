//! One worker: one thread with its own consumer, producer and instance. It takes the next event, hands it to
//! the core and performs what the core asks for; it decides nothing itself.

mod control;
mod memory;
mod outbox;
mod reporter;
mod traces;

pub use control::{Control, FellBack, Restoring, Staged};
pub(crate) use memory::state_memory_bytes;
pub use memory::{StateMemory, default_bytes_max};
pub(crate) use outbox::at_start;
pub use outbox::{Outbox, OutboxSettings};
pub use reporter::Reporter;
pub use traces::{Collector, Traces};

use control::Order;

use crate::kafka::{Consumer, Extent, Limits, Polled, Reset, RestoreEvent, Restorer};
use crate::metrics::{Phase, Stopwatch};
use crate::snapshot::{Opened, Taker};
use host_core::Machine;
use host_core::effect::Effect;
use host_core::error::{Stop, StopKind};
use host_core::event::{Epoch, Event, Failure};
use host_core::operator::Operator;
use host_core::pace::Pace;
use host_core::record::TopicPartition;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest wait for the next event: how late a drain or a due commit may be noticed.
const POLL_TIMEOUT: Duration = Duration::from_millis(50);
/// Wait for a changelog while nothing else is to be done.
const RESTORE_TIMEOUT: Duration = Duration::from_millis(5);

/// How old the sample for trials may be; keeping one costs a copy of a batch.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(1);

/// Where inputs without a committed offset are read from.
#[derive(Clone, Debug)]
pub struct Resets {
    /// The policy for inputs.
    pub inputs: Reset,
    /// Always read from its start.
    pub repartition: Option<String>,
}

impl Resets {
    fn of(&self, topic: &str) -> Reset {
        if self.repartition.as_deref() == Some(topic) { Reset::Earliest } else { self.inputs }
    }
}

/// The parts of a worker.
pub struct Worker {
    /// All decisions.
    pub machine: Machine<Box<dyn Operator + Send>>,
    /// Reads, subscribed.
    pub consumer: Consumer,
    /// Writes.
    pub outbox: Outbox,
    /// Reads changelogs.
    pub restorer: Restorer,
    /// Bounds the state of all workers.
    pub state_memory: StateMemory,
    /// Takes snapshots and restores from them; none: there is no state, or they are off.
    pub snapshots: Option<Taker>,
    /// Snapshots that are being read, the first first.
    pub loading: VecDeque<(Epoch, TopicPartition, Opened)>,
    /// Counts and logs.
    pub reporter: Reporter,
    /// Spans of transactions.
    pub traces: Traces,
    /// Bounds the bytes of a batch.
    pub batch_bytes_max: usize,
    /// Bounds its records.
    pub pace: Pace,
    /// First positions.
    pub resets: Resets,
    /// Orders from the main thread.
    pub control: Arc<Control>,
    /// The worker's clock begins here.
    pub started: Instant,
    /// The version of the operator that is staged, and since when.
    pub swapping: Option<(u64, Instant)>,
    /// When the last sample was kept.
    pub sampled_at: Option<Instant>,
    /// Where the time goes.
    pub watch: Stopwatch,
    /// How far restores were when somebody was told.
    pub restoring: Restoring,
}

impl Worker {
    /// Runs until the machine ends. The consumer has left the group then.
    ///
    /// # Errors
    /// Why the machine ended, other than by a drain.
    pub fn run(mut self) -> Result<(), Stop> {
        let mut told_to_drain = false;
        loop {
            self.machine.hold(self.control.is_held());
            while let Some(effect) = self.machine.next_effect() {
                if let Effect::Stop(stop) = effect {
                    return self.end(stop);
                }
                self.perform(effect);
            }
            self.note_swaps();
            // Here, where a commit has just come to its end: while an input has a backlog a transaction is open at any
            // other time.
            if let Some(snapshots) = &mut self.snapshots {
                snapshots.step(&self.machine, |changelog| self.restorer.end_now(changelog));
            }
            self.control.set_ready(self.machine.is_ready());
            self.control.set_holds(self.machine.holds());
            self.watch.lap(Phase::Other);
            let event = match self.control.order() {
                Order::Quit => {
                    self.outbox.abort_at_exit();
                    return self.end(None);
                }
                Order::Drain if !told_to_drain => {
                    told_to_drain = true;
                    Event::Shutdown
                }
                Order::Run | Order::Drain => match self.control.take_staged() {
                    Some(staged) => {
                        self.stage(staged);
                        continue;
                    }
                    None => self.next_event(),
                },
            };
            self.sample(&event);
            self.reporter.event(&event, &self.consumer);
            self.handle(event);
        }
    }

    /// Gives an event to the machine, and a batch's buffers back to the consumer.
    fn handle(&mut self, event: Event) {
        let restores = matches!(event, Event::RestoreRows { .. } | Event::Restored { .. });
        self.note_restoring(&event);
        let records = if let Event::Batch(batch) = &event {
            self.traces.batch(batch);
            batch.rows.len()
        } else {
            0
        };
        let began = Instant::now();
        self.machine.handle(self.now_ms(), event);
        if let Some(batch) = self.machine.take_spent() {
            self.pace.took(records, began.elapsed().as_micros() as u64);
            self.consumer.reuse(batch);
        }
        if restores {
            self.see_state();
        }
        self.watch.lap(if restores { Phase::Restore } else { Phase::State });
    }

    /// Tells how far restores are, while there are some.
    fn note_restoring(&mut self, event: &Event) {
        let (tasks, remaining) = self.restorer.remaining();
        let rows = match event {
            Event::RestoreRows { rows, .. } => self.restoring.rows + rows.len() as u64,
            _ if tasks == 0 => 0,
            _ => self.restoring.rows,
        };
        let restoring = Restoring { tasks, rows, remaining };
        if restoring != self.restoring {
            self.restoring = restoring;
            self.control.set_restoring(restoring);
        }
    }

    /// The state of the tasks has changed.
    fn see_state(&mut self) {
        self.reporter.state(self.machine.tasks());
        if let Err(stop) = self.state_memory.check() {
            self.machine.handle(self.now_ms(), Event::Failed(Failure::Stop(stop)));
        }
    }

    /// Hands an operator to the machine, which decides when it takes over.
    fn stage(&mut self, staged: Staged) {
        self.machine.swap(staged.operator, &staged.module);
        self.swapping = Some((staged.version, Instant::now()));
    }

    fn note_swaps(&mut self) {
        if let Some(reason) = self.machine.take_fell_back() {
            tracing::warn!(module = self.machine.module(), reason, "the module before works again");
            self.control.fell_back(reason);
        }
        if let Some((version, since)) = self.swapping.take_if(|_| !self.machine.is_swapping()) {
            self.control.installed(version, since.elapsed());
        }
    }

    /// Keeps a recent batch of an input, for trials of modules.
    fn sample(&mut self, event: &Event) {
        if let Event::Batch(batch) = event
            && self.sampled_at.is_none_or(|at| at.elapsed() >= SAMPLE_INTERVAL)
            && self.resets.repartition.as_ref() != Some(&batch.source.topic)
        {
            self.sampled_at = Some(Instant::now());
            self.control.keep_sample(batch.clone());
        }
    }

    fn end(mut self, stop: Option<Stop>) -> Result<(), Stop> {
        if stop.is_some() {
            self.traces.end(Some("the worker stopped before its end"));
        }
        self.reporter.end();
        self.consumer.close();
        stop.map_or(Ok(()), Err)
    }

    /// Milliseconds since the start, and one: zero says "none" elsewhere.
    fn now_ms(&self) -> u64 {
        self.started.elapsed().as_millis() as u64 + 1
    }

    // ---- events

    fn next_event(&mut self) -> Event {
        if let Some(event) = self.load() {
            self.watch.lap(Phase::Restore);
            return event;
        }
        if !self.restorer.is_idle() {
            let polled = self.restorer.poll(RESTORE_TIMEOUT);
            self.watch.lap(Phase::Restore);
            match polled {
                Ok(Some(RestoreEvent::Rows { epoch, source, rows })) => {
                    return Event::RestoreRows { epoch, source, rows };
                }
                Ok(Some(RestoreEvent::Done { epoch, source })) => return Event::Restored { epoch, source },
                Ok(None) => {}
                Err(failure) => return Event::Failed(failure),
            }
        }
        let limits = Limits { records_max: self.pace.records_max(), bytes_max: self.batch_bytes_max };
        let polled = self.consumer.poll(self.poll_timeout(), limits);
        self.watch.lap(Phase::Poll);
        match polled {
            Ok(Polled::Batch(batch)) => Event::Batch(batch),
            Ok(Polled::PartitionEnd { epoch, source, position }) => {
                Event::PartitionEnd { epoch, source, position }
            }
            Ok(Polled::Assigned { epoch, partitions }) => Event::Assigned { epoch, partitions },
            Ok(Polled::Revoked) => Event::Revoked,
            Ok(Polled::Lost) => Event::Lost,
            Ok(Polled::Idle) => Event::Tick,
            Err(failure) => Event::Failed(self.consumer.join_again_after(failure)),
        }
    }

    /// The next piece of a snapshot; what is behind it in the changelog comes after all of them.
    fn load(&mut self) -> Option<Event> {
        while let Some((epoch, source, opened)) = self.loading.front_mut() {
            match opened.read() {
                Ok(Some(rows)) => {
                    return Some(Event::RestoreRows { epoch: *epoch, source: source.clone(), rows });
                }
                Ok(None) => self.loading.pop_front(),
                Err(error) => {
                    let text =
                        format!("the snapshot of the task of {source} changed while it was read: {error}");
                    return Some(Event::Failed(Failure::Stop(Stop::new(StopKind::State, text))));
                }
            };
        }
        None
    }

    fn poll_timeout(&self) -> Duration {
        if !self.restorer.is_idle() {
            return Duration::ZERO;
        }
        let due = self.machine.commit_due_in_ms(self.now_ms()).map(Duration::from_millis);
        due.map_or(POLL_TIMEOUT, |due| due.min(POLL_TIMEOUT))
    }

    // ---- effects

    fn perform(&mut self, effect: Effect) {
        let phase = phase(&effect);
        let answer = match effect {
            Effect::Locate { epoch, partitions } => {
                self.locate(&partitions).map(|starts| Some(Event::Located { epoch, starts }))
            }
            Effect::Assign { starts, .. } => {
                self.stop_restoring();
                self.reporter.state(self.machine.tasks());
                self.consumer.assign(&starts).map_err(unplaced).map(none)
            }
            Effect::Restore { epoch, source, changelog } => {
                self.restore(epoch, &source, &changelog).map_err(unplaced).map(none)
            }
            Effect::Seek { source, offset } => {
                self.consumer.seek(&source, offset).map_err(unplaced).map(none)
            }
            Effect::Pause { source } => self.consumer.pause(&source).map_err(unplaced).map(none),
            Effect::Begin => self.outbox.begin().map(none),
            Effect::Send(outgoing) => {
                let outgoing = self.traces.outgoing(outgoing);
                let answer = self.outbox.send(&outgoing).map(none);
                self.reporter.sent(outgoing);
                answer
            }
            Effect::SendOffsets { epoch, offsets } => {
                self.reporter.ending();
                self.outbox.send_offsets(&self.consumer, epoch, offsets).map(none)
            }
            Effect::Commit => self.commit().map(|clean| Some(Event::Committed { clean })),
            Effect::Abort => {
                self.reporter.ending();
                self.outbox.abort().map(|()| Some(Event::Aborted))
            }
            Effect::NewProducer => self.outbox.renew().map(|()| Some(Event::ProducerReady)),
            Effect::Unassign => {
                self.stop_restoring();
                self.reporter.unassigned();
                self.consumer.unassign().map_err(unplaced).map(none)
            }
            Effect::Report(report) => {
                self.reporter.report(report, self.machine.module());
                Ok(None)
            }
            Effect::Stop(_) => unreachable!("the loop ends with it"),
        };
        self.watch.lap(phase);
        let event =
            answer.unwrap_or_else(|failure| Some(Event::Failed(self.consumer.join_again_after(failure))));
        if let Some(event) = event {
            self.answer(event);
        }
    }

    fn answer(&mut self, event: Event) {
        let committed = matches!(event, Event::Committed { .. });
        match &event {
            Event::Committed { .. } => self.traces.end(None),
            Event::Aborted => self.traces.end(Some("aborted; its records are read again")),
            Event::ProducerReady => self.traces.end(Some("its outcome is not known to this producer")),
            _ => {}
        }
        self.reporter.event(&event, &self.consumer);
        self.machine.handle(self.now_ms(), event);
        if committed {
            self.see_state();
        }
        self.watch.lap(Phase::State);
    }

    /// From the newest snapshot that fits and what is behind it in the changelog, or from all of that.
    fn restore(
        &mut self,
        epoch: Epoch,
        source: &TopicPartition,
        changelog: &TopicPartition,
    ) -> Result<(), Failure> {
        let Extent { start, end, leader_epoch } = self.restorer.extent(changelog)?;
        let topology = self.machine.topology();
        let now = (end, leader_epoch);
        let was_cut_off = |offset, epoch| {
            let answer = self.restorer.was_cut_off(changelog, offset, epoch);
            answer.map_err(|failure| failure.into_stop().message)
        };
        let taker = self.snapshots.as_ref();
        let opened = taker.and_then(|taker| taker.open(topology, source, start, now, was_cut_off));
        if opened.is_none() && start > 0 {
            let text = format!(
                "{changelog} begins at offset {start}: records of the state were deleted, and no snapshot has them\n\
                 hint: nothing but compaction may remove records of a changelog; `host reset` begins anew"
            );
            return Err(Failure::Stop(Stop::new(StopKind::State, text)));
        }
        let position = opened.as_ref().map_or(start, Opened::offset);
        self.loading.extend(opened.map(|opened| (epoch, source.clone(), opened)));
        self.restorer.start(epoch, source, changelog, (position, end));
        Ok(())
    }

    fn stop_restoring(&mut self) {
        self.restorer.stop();
        self.loading.clear();
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.forget();
        }
    }

    fn locate(
        &self,
        partitions: &[TopicPartition],
    ) -> Result<Vec<(TopicPartition, host_core::event::Start)>, Failure> {
        self.consumer.locate(partitions, |topic| self.resets.of(topic))
    }

    fn commit(&mut self) -> Result<bool, Failure> {
        self.control.committing_since(self.now_ms());
        let answer = self.outbox.commit(&self.consumer);
        self.control.committing_since(0);
        answer
    }
}

fn none((): ()) -> Option<Event> {
    None
}

/// What performing it is.
fn phase(effect: &Effect) -> Phase {
    match effect {
        Effect::Begin | Effect::Send(_) => Phase::Produce,
        Effect::SendOffsets { .. } | Effect::Commit | Effect::Abort | Effect::NewProducer => Phase::Commit,
        Effect::Restore { .. } => Phase::Restore,
        Effect::Locate { .. }
        | Effect::Assign { .. }
        | Effect::Seek { .. }
        | Effect::Pause { .. }
        | Effect::Unassign
        | Effect::Report(_)
        | Effect::Stop(_) => Phase::Other,
    }
}

/// The consumer did not do as it was told, so nobody knows where it reads.
fn unplaced(failure: Failure) -> Failure {
    match failure {
        Failure::Abortable(reason) | Failure::Stale(reason) | Failure::ProducerLost(reason) => {
            Failure::Unplaced(reason)
        }
        failure => failure,
    }
}
