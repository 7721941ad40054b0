//! What happens to records that fail, and the bounds of trying.

use crate::effect::Cause;
use crate::error::{Stop, StopKind};
use alloc::format;
use alloc::string::String;

/// What to do with a record that does not reach the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Write it to the dead-letter topic, in the same transaction.
    DeadLetter,
    /// Count it, log it, go on.
    Skip,
    /// Stop the application; nothing of the open transaction is committed.
    Fail,
}

/// A policy for each cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policies {
    /// The guest refused the record.
    pub rejected: Policy,
    /// The guest faulted on it, or its output is too large.
    pub fault: Policy,
}

impl Policies {
    /// The policy for this cause. A reduce skips null keys and values, as Kafka Streams does.
    pub fn of(&self, cause: Cause) -> Policy {
        match cause {
            Cause::Rejected => self.rejected,
            Cause::Fault(_) | Cause::TooLarge => self.fault,
            Cause::NullKey | Cause::NullValue => Policy::Skip,
        }
    }
}

/// The bounds of the core.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Longest time between the begin of a transaction and its commit, in milliseconds.
    pub commit_interval_ms: u64,
    /// Rows of one call to a finisher. Batches come bounded by the shell.
    pub call_records_max: usize,
    /// Largest value of a result, a repartitioned row or a dead letter, in bytes. Longer dead letters are cut.
    pub output_record_bytes_max: usize,
    /// How often one call is repeated because the guest asked for it.
    pub retries_max: u32,
    /// Time that faulted calls of one transaction may take, in microseconds, before its finished prefix is
    /// committed.
    pub isolation_budget_us: u64,
    /// Largest share of faults among recent records ...
    pub fault_ratio_max: f64,
    /// ... once so many records have faulted; fewer never stop the application.
    pub fault_records_min: u64,
    /// Batches after a swap within which the operator before is still kept; 0: it is not.
    pub probation_batches: u64,
    /// How many transactions in a row may abort, and producers in a row be lost, before the application stops.
    pub aborts_max: u32,
}

/// Records after which the counts of [`FaultRatio`] are halved, so that it looks at recent ones.
pub const FAULT_WINDOW_RECORDS: u64 = 10_000;

/// Watches the share of records on which the guest faults.
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultRatio {
    faulted: u64,
    processed: u64,
}

impl FaultRatio {
    /// Counts records that were processed, `faulted` of them with a fault.
    pub fn count(&mut self, processed: usize, faulted: usize) {
        self.processed += processed as u64;
        self.faulted += faulted as u64;
        if self.processed > FAULT_WINDOW_RECORDS {
            self.processed /= 2;
            self.faulted /= 2;
        }
    }

    /// Refuses to go on when most records fault.
    ///
    /// # Errors
    /// A [`Stop`] with the counts and the last reason.
    pub fn check(&self, limits: &Limits, last: &str) -> Result<(), Stop> {
        let ratio_max = limits.fault_ratio_max;
        if self.faulted < limits.fault_records_min
            || (self.faulted as f64) <= ratio_max * self.processed as f64
        {
            return Ok(());
        }
        Err(Stop::new(
            StopKind::BadData,
            format!(
                "the module faulted on {} of the last {} records, more than fault_ratio_max = {ratio_max}; last: {}\n\
                 hint: mend the module, or raise fault_ratio_max if so many bad records are expected",
                self.faulted,
                self.processed,
                first_line(last),
            ),
        ))
    }
}

/// The first line of a text, for messages that hold another one.
pub fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits {
        commit_interval_ms: 100,
        call_records_max: 1,
        output_record_bytes_max: 1,
        retries_max: 0,
        isolation_budget_us: 0,
        fault_ratio_max: 0.5,
        fault_records_min: 20,
        probation_batches: 100,
        aborts_max: 0,
    };

    #[test]
    fn a_few_faults_never_stop() {
        let mut ratio = FaultRatio::default();
        ratio.count(19, 19);
        assert!(ratio.check(&LIMITS, "trap").is_ok());
        ratio.count(1, 1);
        assert!(ratio.check(&LIMITS, "trap").is_err());
    }

    #[test]
    fn old_records_are_forgotten() {
        let mut ratio = FaultRatio::default();
        for _ in 0..100 {
            ratio.count(10_000, 0);
        }
        for _ in 0..10_000 {
            ratio.count(1, 1);
        }
        assert!(ratio.check(&LIMITS, "trap").is_err());
    }
}
