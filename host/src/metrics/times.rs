//! Where a worker's time goes. Its thread looks at the clock a few times a batch, never for a record.

use super::Counter;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a worker does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waits for records and decodes them.
    Poll,
    /// Calls of the operator.
    Operator,
    /// The rest of the work on records: grouping, state, what is to be written.
    State,
    /// Hands rows to the producer.
    Produce,
    /// Waits for the end of a transaction.
    Commit,
    /// Reads snapshots and changelogs back.
    Restore,
    /// Everything else.
    Other,
}

/// All phases, in the order of [`Times`].
pub const PHASES: [Phase; 7] =
    [Phase::Poll, Phase::Operator, Phase::State, Phase::Produce, Phase::Commit, Phase::Restore, Phase::Other];

impl Phase {
    /// The word for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Poll => "poll",
            Self::Operator => "wasm",
            Self::State => "state",
            Self::Produce => "produce",
            Self::Commit => "commit",
            Self::Restore => "restore",
            Self::Other => "other",
        }
    }
}

/// The time of one worker, by phase. Only its own thread adds.
#[derive(Debug, Default)]
pub struct Times([Counter; PHASES.len()]);

impl Times {
    /// Adds to a phase.
    pub fn add(&self, phase: Phase, took: Duration) {
        self.0[phase as usize].add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Time in a phase so far.
    pub fn get(&self, phase: Phase) -> Duration {
        Duration::from_nanos(self.0[phase as usize].get())
    }
}

/// Gives the time of a thread to phases, without a gap.
#[derive(Debug)]
pub struct Stopwatch {
    times: Arc<Times>,
    lap_began: Instant,
    /// Time in the operator when the lap began: it counts itself, in whatever lap it is called.
    operator: Duration,
}

impl Stopwatch {
    /// The first lap begins now.
    pub fn start(times: Arc<Times>) -> Self {
        let operator = times.get(Phase::Operator);
        Self { times, lap_began: Instant::now(), operator }
    }

    /// The time since the last lap belongs to `phase`, but for what the operator took.
    pub fn lap(&mut self, phase: Phase) {
        let now = Instant::now();
        let operator = self.times.get(Phase::Operator);
        let took = now.duration_since(self.lap_began);
        self.times.add(phase, took.saturating_sub(operator.saturating_sub(self.operator)));
        (self.lap_began, self.operator) = (now, operator);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_phase_has_its_own_place() {
        let times = Times::default();
        for (i, phase) in (1..).zip(PHASES) {
            times.add(phase, Duration::from_secs(i));
        }
        let found: Vec<u64> = PHASES.into_iter().map(|phase| times.get(phase).as_secs()).collect();
        assert_eq!(found, [1, 2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn calls_of_the_operator_are_taken_out_of_the_lap() {
        let times = Arc::new(Times::default());
        let mut watch = Stopwatch::start(Arc::clone(&times));
        // More than the lap can have taken.
        times.add(Phase::Operator, Duration::from_hours(1));
        watch.lap(Phase::State);
        assert_eq!(times.get(Phase::State), Duration::ZERO);
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1) {}
        watch.lap(Phase::Poll);
        assert!(times.get(Phase::Poll) >= Duration::from_millis(1));
        assert_eq!(times.get(Phase::Operator), Duration::from_hours(1));
    }
}
