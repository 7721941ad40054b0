//! What the workers count. Plain atomics, shared by all threads; reading them stops nobody.

mod calls;
mod histogram;
pub mod recent;
mod times;
mod topics;

pub use calls::{Calls, Measured};
pub use histogram::{Counts, Histogram};
pub use recent::Recent;
pub use times::{PHASES, Phase, Stopwatch, Times};
pub use topics::Topics;

use host_core::effect::Cause;
use host_core::operator::FaultKind;
use host_core::record::TopicPartition;
use host_core::topology::Topology;
use recent::{ENDS, Ended};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All causes, in the order of [`ByCause`].
pub const CAUSES: [Cause; 11] = [
    Cause::Rejected,
    Cause::NullKey,
    Cause::NullValue,
    Cause::TooLarge,
    Cause::Fault(FaultKind::Trap),
    Cause::Fault(FaultKind::Deadline),
    Cause::Fault(FaultKind::Memory),
    Cause::Fault(FaultKind::BadAnswer),
    Cause::Fault(FaultKind::Output),
    Cause::Fault(FaultKind::Retry),
    Cause::Fault(FaultKind::Fatal),
];

/// A number that only rises, or is set by one worker.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Takes `n` away, not below zero.
    pub fn sub(&self, n: u64) {
        let lower = |value: u64| Some(value.saturating_sub(n));
        // The update never refuses.
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, lower);
    }

    /// Puts `n` in its place.
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One counter a cause.
#[derive(Debug, Default)]
pub struct ByCause([Counter; CAUSES.len()]);

impl ByCause {
    /// Counts one.
    pub fn count(&self, cause: Cause) {
        self.0[index(cause)].add(1);
    }

    /// All of them, in the order of [`CAUSES`].
    pub fn all(&self) -> impl Iterator<Item = (Cause, u64)> {
        CAUSES.into_iter().zip(self.0.iter().map(Counter::get))
    }

    /// Those that happened.
    pub fn snapshot(&self) -> Vec<(Cause, u64)> {
        self.all().filter(|(_, count)| *count > 0).collect()
    }
}

fn index(cause: Cause) -> usize {
    match cause {
        Cause::Rejected => 0,
        Cause::NullKey => 1,
        Cause::NullValue => 2,
        Cause::TooLarge => 3,
        Cause::Fault(kind) => 4 + fault_index(kind),
    }
}

fn fault_index(kind: FaultKind) -> usize {
    match kind {
        FaultKind::Trap => 0,
        FaultKind::Deadline => 1,
        FaultKind::Memory => 2,
        FaultKind::BadAnswer => 3,
        FaultKind::Output => 4,
        FaultKind::Retry => 5,
        FaultKind::Fatal => 6,
    }
}

/// Everything that is counted. One for the process; workers add to it.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Input records whose transaction committed, without those of the repartition topic.
    pub records_consumed: Counter,
    /// Their keys' and values' bytes.
    pub bytes_consumed: Counter,
    /// Rows written to the repartition topic.
    pub rows_repartitioned: Counter,
    /// Rows folded before they were shuffled ...
    pub rows_combined: Counter,
    /// ... into so many records of the repartition topic.
    pub partials: Counter,
    /// Records written to the output.
    pub results: Counter,
    /// Transactions committed.
    pub commits: Counter,
    /// Transactions aborted.
    pub aborts: Counter,
    /// Records written to the dead-letter topic.
    pub dead_letters: ByCause,
    /// Records dropped.
    pub skipped: ByCause,
    /// Faulted calls.
    pub faults: ByCause,
    /// Snapshots of state.
    pub snapshots: Arc<crate::snapshot::Counts>,
    /// Keys in the state of all tasks now.
    pub keys: Counter,
    /// Bytes of keys and accumulators now.
    pub state_bytes: Counter,
    /// Changelog rows read back.
    pub rows_restored: Counter,
    /// Tasks whose state was still there after a rebalance.
    pub states_kept: Counter,
    /// Producers thrown away and made anew.
    pub producer_replacements: Counter,
    /// Modules that took over from another.
    pub swaps: Counter,
    /// Modules that were refused.
    pub swaps_refused: Counter,
    /// The longest pause of a worker at the last swap, in microseconds.
    pub swap_pause_us: Counter,
    /// Assignments received.
    pub rebalances: Counter,
    /// Records by topic.
    pub topics: Topics,
    /// The last of what happened.
    pub recent: Recent,
    /// How long the ends of transactions took, in the order of [`ENDS`].
    ends: [Histogram; ENDS.len()],
    /// Records behind the end of the log, by partition. Held for single look-ups only.
    lag: Mutex<BTreeMap<TopicPartition, u64>>,
}

impl Metrics {
    /// Of an application with these topics. `outputs_max`: results that are kept for people to see.
    pub fn new(topology: &Topology, outputs_max: usize) -> Self {
        Self { topics: Topics::new(topology), recent: Recent::new(outputs_max), ..Self::default() }
    }

    /// Notes the end of a transaction.
    pub fn ended(&self, commit: recent::Commit) {
        self.ends[commit.ended as usize].add(commit.took);
        self.recent.commits.push(commit);
    }

    /// How long transactions took to end so.
    pub fn ends(&self, ended: Ended) -> Counts {
        self.ends[ended as usize].counts()
    }

    /// Counts a faulted call.
    pub fn fault(&self, kind: FaultKind) {
        self.faults.count(Cause::Fault(kind));
    }

    /// Sets how far a partition is behind.
    pub fn set_lag(&self, source: &TopicPartition, records: u64) {
        let mut lag = self.lag();
        match lag.get_mut(source) {
            Some(entry) => *entry = records,
            None => drop(lag.insert(source.clone(), records)),
        }
    }

    /// Forgets partitions that are no longer ours.
    pub fn clear_lag<'a>(&self, sources: impl IntoIterator<Item = &'a TopicPartition>) {
        let mut lag = self.lag();
        for source in sources {
            lag.remove(source);
        }
    }

    /// A copy of all numbers; not one moment's, as workers go on meanwhile.
    pub fn snapshot(&self) -> Counters {
        Counters {
            records_consumed: self.records_consumed.get(),
            bytes_consumed: self.bytes_consumed.get(),
            rows_repartitioned: self.rows_repartitioned.get(),
            rows_combined: self.rows_combined.get(),
            partials: self.partials.get(),
            results: self.results.get(),
            commits: self.commits.get(),
            aborts: self.aborts.get(),
            dead_letters: self.dead_letters.snapshot(),
            skipped: self.skipped.snapshot(),
            faults: self.faults.snapshot(),
            keys: self.keys.get(),
            state_bytes: self.state_bytes.get(),
            rows_restored: self.rows_restored.get(),
            producer_replacements: self.producer_replacements.get(),
            rebalances: self.rebalances.get(),
            lag: self.lag().clone(),
        }
    }

    fn lag(&self) -> MutexGuard<'_, BTreeMap<TopicPartition, u64>> {
        self.lag.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A copy of [`Metrics`]; the fields have the same meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields are those of `Metrics`")]
pub struct Counters {
    pub records_consumed: u64,
    pub bytes_consumed: u64,
    pub rows_repartitioned: u64,
    pub rows_combined: u64,
    pub partials: u64,
    pub results: u64,
    pub commits: u64,
    pub aborts: u64,
    pub dead_letters: Vec<(Cause, u64)>,
    pub skipped: Vec<(Cause, u64)>,
    pub faults: Vec<(Cause, u64)>,
    pub keys: u64,
    pub state_bytes: u64,
    pub rows_restored: u64,
    pub producer_replacements: u64,
    pub rebalances: u64,
    pub lag: BTreeMap<TopicPartition, u64>,
}

impl Counters {
    /// Records behind, over all partitions.
    pub fn lag_total(&self) -> u64 {
        self.lag.values().sum()
    }
}

/// The sum over all causes.
pub fn total(by_cause: &[(Cause, u64)]) -> u64 {
    by_cause.iter().map(|(_, count)| count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_its_own_counter() {
        let counters = ByCause::default();
        for (i, cause) in CAUSES.into_iter().enumerate() {
            for _ in 0..=i {
                counters.count(cause);
            }
        }
        let expected: Vec<_> = CAUSES.into_iter().zip(1..).collect();
        assert_eq!(counters.snapshot(), expected);
        assert_eq!(ByCause::default().all().count(), CAUSES.len());
        assert!(ByCause::default().snapshot().is_empty());
    }

    #[test]
    fn lag_is_set_summed_and_forgotten() {
        let metrics = Metrics::default();
        let [a, b] = [0, 1].map(|partition| TopicPartition::new("t", partition));
        metrics.set_lag(&a, 5);
        metrics.set_lag(&b, 7);
        metrics.set_lag(&a, 1);
        assert_eq!(metrics.snapshot().lag_total(), 8);
        metrics.clear_lag([&a]);
        assert_eq!(metrics.snapshot().lag_total(), 7);
    }

    #[test]
    fn counters_do_not_fall_below_zero() {
        let counter = Counter::default();
        counter.add(3);
        counter.sub(5);
        assert_eq!(counter.get(), 0);
    }
}
