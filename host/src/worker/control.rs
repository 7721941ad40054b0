//! What other threads tell a worker, and what they may see of it.

use crate::metrics::Times;
use host_core::operator::Operator;
use host_core::record::Batch;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An operator that waits to take over.
pub struct Staged {
    /// Counts the modules of this process.
    pub version: u64,
    /// The worker's own.
    pub operator: Box<dyn Operator + Send>,
    /// Its digest, or `native:NAME`.
    pub module: String,
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged")
            .field("version", &self.version)
            .field("module", &self.module)
            .finish_non_exhaustive()
    }
}

/// A worker went back to the operator before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FellBack {
    /// The version that is no good, as it was staged.
    pub version: u64,
    /// What it did.
    pub reason: String,
}

/// What a worker is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Run,
    /// Finish the batch, commit, leave, end.
    Drain,
    /// Abort the open transaction and end.
    Quit,
}

/// One for each worker.
#[derive(Debug, Default)]
pub struct Control {
    order: AtomicU8,
    /// Milliseconds since the worker's start at which its commit began; zero: none is under way.
    committing_since_ms: AtomicU64,
    /// True while `staged` may hold something: looked at for every event.
    is_staged: AtomicBool,
    staged: Mutex<Option<Staged>>,
    installed: AtomicU64,
    pause_us: AtomicU64,
    sample: Mutex<Option<Batch>>,
    is_ready: AtomicBool,
    fell_back: Mutex<Option<FellBack>>,
    is_held: AtomicBool,
    holds: AtomicBool,
    times: Arc<Times>,
    restoring_tasks: AtomicU64,
    restored_rows: AtomicU64,
    restore_remaining: AtomicU64,
}

/// The tasks of a worker whose state is being read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restoring {
    /// How many.
    pub tasks: u64,
    /// Rows that were read since none was.
    pub rows: u64,
    /// Offsets to the ends of their changelogs: at least as many as rows.
    pub remaining: u64,
}

impl Control {
    /// Finish the batch, commit, leave, end.
    pub fn drain(&self) {
        self.order.fetch_max(Order::Drain as u8, Ordering::Relaxed);
    }

    /// Abort the open transaction and end.
    pub fn quit(&self) {
        self.order.fetch_max(Order::Quit as u8, Ordering::Relaxed);
    }

    pub(super) fn order(&self) -> Order {
        match self.order.load(Ordering::Relaxed) {
            0 => Order::Run,
            1 => Order::Drain,
            _ => Order::Quit,
        }
    }

    /// True from [`Control::drain`] or [`Control::quit`] on.
    pub fn is_ending(&self) -> bool {
        self.order() != Order::Run
    }

    /// When the commit that is under way began, on the worker's clock.
    pub fn committing_since_ms(&self) -> Option<u64> {
        Some(self.committing_since_ms.load(Ordering::Relaxed)).filter(|since| *since > 0)
    }

    pub(super) fn committing_since(&self, ms: u64) {
        self.committing_since_ms.store(ms, Ordering::Relaxed);
    }

    /// Gives the worker an operator; one that it has not yet taken is dropped.
    pub fn stage(&self, staged: Staged) {
        *lock(&self.staged) = Some(staged);
        self.is_staged.store(true, Ordering::Release);
    }

    pub(super) fn take_staged(&self) -> Option<Staged> {
        if !self.is_staged.swap(false, Ordering::Acquire) {
            return None;
        }
        lock(&self.staged).take()
    }

    pub(super) fn installed(&self, version: u64, pause: Duration) {
        self.pause_us.store(u64::try_from(pause.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.installed.store(version, Ordering::Release);
    }

    /// The version that works, 0 for the first, and how long the worker paused for it.
    pub fn version(&self) -> (u64, Duration) {
        let version = self.installed.load(Ordering::Acquire);
        (version, Duration::from_micros(self.pause_us.load(Ordering::Relaxed)))
    }

    /// True: nothing new goes into the repartition topic. False: it does again.
    pub fn hold(&self, held: bool) {
        self.holds.store(false, Ordering::Release);
        self.is_held.store(held, Ordering::Release);
    }

    pub(super) fn is_held(&self) -> bool {
        self.is_held.load(Ordering::Acquire)
    }

    pub(super) fn set_holds(&self, holds: bool) {
        self.holds.store(holds, Ordering::Release);
    }

    /// True once nothing of this worker is on its way into the repartition topic.
    pub fn holds(&self) -> bool {
        self.holds.load(Ordering::Acquire)
    }

    pub(super) fn fell_back(&self, reason: String) {
        let version = self.installed.load(Ordering::Relaxed);
        *lock(&self.fell_back) = Some(FellBack { version, reason });
    }

    /// That the worker went back to the module before on its own; said once.
    pub fn take_fell_back(&self) -> Option<FellBack> {
        lock(&self.fell_back).take()
    }

    pub(super) fn set_ready(&self, is_ready: bool) {
        self.is_ready.store(is_ready, Ordering::Relaxed);
    }

    /// True while the worker is in its group and the state of all its tasks is there.
    pub fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    /// Where the worker's time goes.
    pub fn times(&self) -> &Arc<Times> {
        &self.times
    }

    pub(super) fn set_restoring(&self, restoring: Restoring) {
        self.restoring_tasks.store(restoring.tasks, Ordering::Relaxed);
        self.restored_rows.store(restoring.rows, Ordering::Relaxed);
        self.restore_remaining.store(restoring.remaining, Ordering::Relaxed);
    }

    /// How far the restore is.
    pub fn restoring(&self) -> Restoring {
        Restoring {
            tasks: self.restoring_tasks.load(Ordering::Relaxed),
            rows: self.restored_rows.load(Ordering::Relaxed),
            remaining: self.restore_remaining.load(Ordering::Relaxed),
        }
    }

    pub(super) fn keep_sample(&self, batch: Batch) {
        *lock(&self.sample) = Some(batch);
    }

    /// A recent batch of an input.
    pub fn sample(&self) -> Option<Batch> {
        lock(&self.sample).clone()
    }
}

/// What is in these locks is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
