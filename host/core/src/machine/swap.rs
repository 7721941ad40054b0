//! How one operator takes over from another, and back when it is no good.

use super::Machine;
use crate::error::{Stop, StopKind};
use crate::operator::Operator;
use crate::policy::first_line;
use crate::swap::OnTheirWay;
use crate::transaction::{AfterAbort, Transaction};
use alloc::format;
use alloc::string::String;

/// An operator that waits to take over.
pub(super) struct Staged<O> {
    operator: O,
    module: String,
    trust: Trust<O>,
}

/// What is kept while a staged operator is on probation.
enum Trust<O> {
    /// Nothing: it has worked before.
    Trusted,
    /// What there is: it is another operator of the same module.
    Same,
    /// The last operator that is not on probation itself.
    Before,
    /// This one, since the one that works until then is no good.
    Instead(O, String),
}

/// An operator to go back to.
pub(super) struct Fallback<O> {
    operator: O,
    module: String,
    /// Batches until the new one is trusted.
    batches_left: u64,
}

impl<O: Operator> Machine<O> {
    /// Stages an operator. What is open is committed with the operator before; then this one takes over, so
    /// that no transaction holds the work of two. Another one that is still staged is dropped.
    ///
    /// The operator before is kept for the next `probation_batches` batches: when the new one would stop the
    /// application within them, the transaction is aborted and the operator before works again. An operator of
    /// the module that works already changes nothing about that.
    ///
    /// With another row-schema nothing may be on its way between transform and reduce (see [`Machine::hold`]), and
    /// there is no way back.
    ///
    /// # Panics
    /// When [`swap::check`](crate::swap::check) refuses it.
    pub fn swap(&mut self, operator: O, module: &str) {
        let next = operator.description();
        assert_eq!(
            crate::swap::check(self.processor.description(), next, OnTheirWay::None),
            Ok(()),
            "the shell has checked it"
        );
        let trust = match self.staged.take() {
            Some(Staged { operator, module, trust: Trust::Trusted }) => Trust::Instead(operator, module),
            Some(Staged { trust: Trust::Before | Trust::Same, .. }) | None => {
                if module == self.metadata.module { Trust::Same } else { Trust::Before }
            }
            Some(Staged { trust, .. }) => trust,
        };
        self.staged = Some(Staged { operator, module: module.into(), trust });
        if let Transaction::Open { .. } = self.transaction {
            self.commit();
        }
        self.install();
    }

    /// True from [`Machine::swap`] until the operator has taken over.
    pub fn is_swapping(&self) -> bool {
        self.staged.is_some()
    }

    /// Why the operator before works again; said once.
    pub fn take_fell_back(&mut self) -> Option<String> {
        self.fell_back.take()
    }

    pub(super) fn install(&mut self) {
        if self.transaction == Transaction::Idle
            && !self.stopped
            && let Some(Staged { operator, module, trust }) = self.staged.take()
        {
            if matches!(trust, Trust::Same) {
                self.processor.caller.operator = operator;
                return;
            }
            if let Some(stamp) = &mut self.processor.stamp {
                stamp.clone_from(&module);
            }
            let module_before = core::mem::replace(&mut self.metadata.module, module);
            let before = self.processor.replace(operator);
            let same_rows = self.metadata.row_schema == self.processor.row_schema();
            self.metadata.row_schema = self.processor.row_schema();
            let kept = match trust {
                Trust::Trusted | Trust::Same => None,
                // One that is on probation itself is no better.
                Trust::Before => match self.fallback.take() {
                    Some(Fallback { operator, module, .. }) => Some((operator, module)),
                    None => Some((before, module_before)),
                },
                Trust::Instead(operator, module) => Some((operator, module)),
            };
            let batches_left = self.limits().probation_batches;
            let kept = kept.filter(|_| batches_left > 0 && same_rows);
            self.fallback = kept.map(|(operator, module)| Fallback { operator, module, batches_left });
        }
    }

    /// A batch has come through, and the operator was called for it.
    pub(super) fn passed(&mut self) {
        if let Some(fallback) = &mut self.fallback {
            fallback.batches_left -= 1;
            if fallback.batches_left == 0 {
                self.fallback = None;
            }
        }
    }

    /// Stops, or goes back to the operator before when there is one.
    pub(super) fn give_up(&mut self, stop: Stop) {
        let its_fault = matches!(stop.kind, StopKind::BadData | StopKind::Guest);
        match self.fallback.take() {
            Some(fallback) if its_fault => {
                let reason = format!("the new module is no good: {}", first_line(&stop.message));
                self.fell_back = Some(stop.message);
                let Fallback { operator, module, .. } = fallback;
                self.staged = Some(Staged { operator, module, trust: Trust::Trusted });
                self.abort(reason, AfterAbort::GoOn);
            }
            _ => self.stop(stop),
        }
    }
}
