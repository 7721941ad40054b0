//! Calls of the operator: retries, the time that faults take, and the halving that finds a culprit.

use crate::error::{Stop, StopKind};
use crate::operator::{Fault, FaultKind, Operator};
use crate::policy::{FaultRatio, Limits};
use alloc::vec::Vec;
use core::ops::Range;

/// The operator and what is known of its faults.
pub(crate) struct Caller<O> {
    pub(crate) operator: O,
    pub(crate) limits: Limits,
    /// Time of faulted calls in the open transaction.
    spent_us: u64,
    /// Calls that were answered.
    answers: u64,
    ratio: FaultRatio,
}

impl<O: Operator> Caller<O> {
    pub(crate) fn new(operator: O, limits: Limits) -> Self {
        Self { operator, limits, spent_us: 0, answers: 0, ratio: FaultRatio::default() }
    }

    /// Takes another operator and gives the one before: what is known of faults was its.
    pub(crate) fn replace(&mut self, operator: O) -> O {
        self.ratio = FaultRatio::default();
        core::mem::replace(&mut self.operator, operator)
    }

    /// A new transaction has a new isolation budget.
    pub(crate) fn renew_budget(&mut self) {
        self.spent_us = 0;
    }

    /// Calls, again on a fresh instance while the guest asks for it.
    ///
    /// # Errors
    /// Outer: the guest wants the application to stop. Inner: a fault to isolate.
    pub(crate) fn call<T>(
        &mut self,
        mut call: impl FnMut(&mut O) -> Result<T, Fault>,
    ) -> Result<Result<T, Fault>, Stop> {
        let mut tries = 0;
        loop {
            let fault = match call(&mut self.operator) {
                Ok(answer) => {
                    self.answers += 1;
                    return Ok(Ok(answer));
                }
                Err(fault) => fault,
            };
            self.spent_us = self.spent_us.saturating_add(fault.spent_us);
            tries += 1;
            match fault.kind {
                FaultKind::Fatal => return Err(Stop::new(StopKind::Guest, fault.reason)),
                FaultKind::Retry if tries <= self.limits.retries_max => {}
                _ => return Ok(Err(fault)),
            }
        }
    }

    /// Calls with `records` records. A record alone gets a second call, on a fresh instance, so that it does not
    /// pay for what an instance did before.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub(crate) fn call_with<T>(
        &mut self,
        records: usize,
        mut call: impl FnMut(&mut O) -> Result<T, Fault>,
    ) -> Result<Result<T, Fault>, Stop> {
        match self.call(&mut call)? {
            Err(_) if records == 1 => self.call(call),
            answer => Ok(answer),
        }
    }

    /// Counts records without a fault.
    pub(crate) fn processed(&mut self, records: usize) {
        self.ratio.count(records, 0);
    }

    /// Counts a record with a fault.
    ///
    /// # Errors
    /// Most records fault.
    pub(crate) fn faulted(&mut self, fault: &Fault) -> Result<(), Stop> {
        self.ratio.count(1, 1);
        self.ratio.check(&self.limits, &fault.reason)
    }

    /// Calls that were answered so far.
    pub(crate) fn answers(&self) -> u64 {
        self.answers
    }

    /// Time that faults have taken in the open transaction, in microseconds.
    pub(crate) fn spent_us(&self) -> u64 {
        self.spent_us
    }

    /// True when faults have taken all the time that they may take in one transaction.
    pub(crate) fn over_budget(&self) -> bool {
        self.spent_us > self.limits.isolation_budget_us
    }
}

/// Ranges still to be tried, in order: a faulted range is put back as two halves until one row is left.
pub(crate) struct Halving(Vec<Range<usize>>);

impl Halving {
    /// All of `rows` rows at once.
    pub(crate) fn new(rows: usize) -> Self {
        let mut ranges = Vec::new();
        if rows > 0 {
            ranges.push(0..rows);
        }
        Self(ranges)
    }

    /// The next range, in log order.
    pub(crate) fn next(&mut self) -> Option<Range<usize>> {
        self.0.pop()
    }

    /// The range faulted; its halves come next. False when it is one row: the culprit.
    pub(crate) fn split(&mut self, range: &Range<usize>) -> bool {
        if range.len() == 1 {
            return false;
        }
        let middle = range.start + range.len() / 2;
        self.0.push(middle..range.end);
        self.0.push(range.start..middle);
        true
    }
}
