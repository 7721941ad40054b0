//! What a module uses, over all its instances. Plain atomics; reading them stops nobody.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// The counts of one version of a module.
#[derive(Debug, Default)]
pub struct Usage {
    cpu_ns: AtomicU64,
    memory_bytes_max: AtomicUsize,
}

impl Usage {
    pub(super) fn called(&self, took: Duration) {
        self.cpu_ns.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn memory(&self, bytes: usize) {
        self.memory_bytes_max.fetch_max(bytes, Ordering::Relaxed);
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
