//! What the machine does when an effect fails: try again, make the producer anew, or stop.

use super::{Group, Leaving, Machine};
use crate::effect::{CommitOffset, Effect, Report};
use crate::error::{Stop, StopKind};
use crate::event::Failure;
use crate::operator::Operator;
use crate::transaction::{AfterAbort, Transaction};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

impl<O: Operator> Machine<O> {
    pub(super) fn failed(&mut self, failure: Failure) {
        self.effects.clear();
        match failure {
            Failure::Stop(stop) => self.stop(stop),
            Failure::ProducerLost(reason) => self.producer_lost(reason),
            Failure::Abortable(reason) => self.try_again(reason),
            Failure::Unplaced(reason) => {
                self.unplaced = true;
                self.try_again(reason);
            }
            Failure::Evicted(reason) => self.evicted(reason),
            Failure::Stale(reason) => match self.transaction {
                Transaction::Open { .. } | Transaction::Committing(_) => {
                    self.abort(reason, AfterAbort::Forget);
                }
                _ => self.producer_lost(reason),
            },
        }
    }

    /// As partitions that are lost, and in the middle of anything.
    fn evicted(&mut self, reason: String) {
        if !self.count_trouble(&reason) {
            return;
        }
        if self.leaving == Leaving::No {
            self.leaving = Leaving::Partitions;
        }
        match self.transaction {
            Transaction::Open { .. } | Transaction::Committing(_) => self.abort(reason, AfterAbort::Forget),
            Transaction::Aborting { .. } | Transaction::Replacing(_) => self.producer_lost(reason),
            Transaction::Idle | Transaction::Resolving(_) => {
                if matches!(
                    core::mem::replace(&mut self.transaction, Transaction::Idle),
                    Transaction::Resolving(_)
                ) {
                    // Nobody knows yet what their state is.
                    self.tasks.clear();
                }
                self.let_go();
            }
        }
    }

    pub(super) fn try_again(&mut self, reason: String) {
        if !self.count_trouble(&reason) {
            return;
        }
        match self.transaction {
            Transaction::Open { .. } | Transaction::Committing(_) => self.abort(reason, AfterAbort::GoOn),
            Transaction::Idle | Transaction::Resolving(_) => self.locate_again(),
            Transaction::Aborting { .. } | Transaction::Replacing(_) => self.producer_lost(reason),
        }
    }

    pub(super) fn producer_lost(&mut self, reason: String) {
        if !self.count_trouble(&reason) {
            return;
        }
        let unknown = match core::mem::replace(&mut self.transaction, Transaction::Idle) {
            Transaction::Committing(offsets)
            | Transaction::Replacing(offsets)
            | Transaction::Resolving(offsets) => offsets,
            Transaction::Idle | Transaction::Open { .. } | Transaction::Aborting { .. } => Vec::new(),
        };
        self.replace_producer(reason, unknown);
    }

    pub(super) fn replace_producer(&mut self, reason: String, unknown: Vec<CommitOffset>) {
        self.transaction = Transaction::Replacing(unknown);
        self.effects.push_back(Effect::Report(Report::ProducerReplaced { reason }));
        self.effects.push_back(Effect::NewProducer);
    }

    /// The broker has settled the old producer's transaction; the committed offsets tell how.
    pub(super) fn producer_ready(&mut self) {
        let Transaction::Replacing(unknown) = core::mem::replace(&mut self.transaction, Transaction::Idle)
        else {
            unreachable!("a new producer is asked for once");
        };
        if self.leaving != Leaving::No || !self.tasks.iter().any(|task| task.touched) {
            return self.go_on();
        }
        self.transaction = Transaction::Resolving(unknown);
        let partitions = self.tasks.iter().map(|task| task.source.clone()).collect();
        self.effects.push_back(Effect::Locate { epoch: self.epoch, partitions });
    }

    /// Asks again where to read, from the start.
    pub(super) fn locate_again(&mut self) {
        let partitions = match &self.group {
            Group::Out | Group::Stale => return,
            Group::Locating(partitions) => partitions.clone(),
            Group::Positioning | Group::In => self.tasks.iter().map(|task| task.source.clone()).collect(),
        };
        self.transaction = Transaction::Idle;
        self.unplaced = false;
        self.tasks.clear();
        self.group = Group::Locating(partitions.clone());
        self.effects.push_back(Effect::Locate { epoch: self.epoch, partitions });
    }

    pub(super) fn count_trouble(&mut self, reason: &str) -> bool {
        self.troubles += 1;
        let max = self.limits().aborts_max;
        if self.troubles > max {
            let message = format!(
                "{max} attempts in a row failed, the last one: {reason}\n\
                 hint: nothing was lost; look at the brokers, and whether another process has the same state.dir"
            );
            self.stop(Stop::new(StopKind::Kafka, message));
            return false;
        }
        true
    }

    /// Ends, with nothing of the open transaction committed.
    pub(super) fn stop(&mut self, stop: Stop) {
        self.stopped = true;
        self.effects.clear();
        if matches!(self.transaction, Transaction::Open { .. } | Transaction::Committing(_)) {
            self.effects.push_back(Effect::Abort);
        }
        self.effects.push_back(Effect::Stop(Some(stop)));
    }
}
