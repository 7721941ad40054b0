//! How long the calls of one module take, in all workers.

use super::Counter;
use super::histogram::{Counts, Histogram};
use super::times::{Phase, Times};
use host_core::operator::{Description, Fault, Groups, Operator, Processed, Reduced, Transformed};
use host_core::record::{BytesColumn, Origin, Rows};
use std::sync::Arc;
use std::time::Instant;

/// The calls of one module.
#[derive(Debug, Default)]
pub struct Calls {
    durations: Histogram,
    faults: Counter,
}

impl Calls {
    /// How long they took, faulted ones included.
    pub fn durations(&self) -> Counts {
        self.durations.counts()
    }

    /// Those that faulted.
    pub fn faults(&self) -> u64 {
        self.faults.get()
    }
}

/// An operator whose calls are timed: two looks at the clock for a call with all its records.
pub struct Measured {
    operator: Box<dyn Operator + Send>,
    calls: Arc<Calls>,
    times: Arc<Times>,
}

impl Measured {
    /// The operator of one worker.
    pub fn new(operator: Box<dyn Operator + Send>, calls: Arc<Calls>, times: Arc<Times>) -> Self {
        Self { operator, calls, times }
    }

    fn call<T>(&mut self, call: impl FnOnce(&mut dyn Operator) -> Result<T, Fault>) -> Result<T, Fault> {
        let began = Instant::now();
        let answer = call(self.operator.as_mut());
        let took = began.elapsed();
        self.times.add(Phase::Operator, took);
        self.calls.durations.add(took);
        self.calls.faults.add(u64::from(answer.is_err()));
        answer
    }
}

impl Operator for Measured {
    fn description(&self) -> &Description {
        self.operator.description()
    }

    fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        self.call(|operator| operator.transform(origin, rows))
    }

    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
        self.call(|operator| operator.reduce(groups, every))
    }

    fn process(&mut self, groups: &Groups) -> Result<Processed, Fault> {
        self.call(|operator| operator.process(groups))
    }

    fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.call(|operator| operator.finish(keys, accumulators))
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.call(|operator| operator.merge(left, right))
    }
}
