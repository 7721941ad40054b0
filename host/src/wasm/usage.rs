//! What a module uses, over all its instances. Plain atomics; reading them stops nobody.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// The counts of one module.
#[derive(Debug, Default)]
pub struct Usage {
    calls: AtomicU64,
    faults: AtomicU64,
    cpu_ns: AtomicU64,
    memory_bytes_max: AtomicUsize,
}

impl Usage {
    pub(super) fn called(&self, took: Duration, faulted: bool) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        self.faults.fetch_add(u64::from(faulted), Ordering::Relaxed);
        self.cpu_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn memory(&self, bytes: usize) {
        self.memory_bytes_max.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Calls with data.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Those that faulted.
    pub fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    /// CPU time of all calls, the crossing of the boundary included.
    pub fn cpu(&self) -> Duration {
        Duration::from_nanos(self.cpu_ns.load(Ordering::Relaxed))
    }

    /// The largest memory that an instance has had, in bytes.
    pub fn memory_bytes_max(&self) -> usize {
        self.memory_bytes_max.load(Ordering::Relaxed)
    }
}
