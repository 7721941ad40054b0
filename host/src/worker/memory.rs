//! The bound on what state may take of the machine's memory: a clear end instead of a kill by the system.

use crate::metrics::Metrics;
use host_core::error::{Stop, StopKind};
use std::sync::Arc;

/// Beside a key and its accumulator: the entry, its place in the index, the allocation's own.
const KEY_BYTES: u64 = 56;
/// Percent of the bound from which on there is a warning, ...
const WARN_PERCENT: u64 = 80;
/// ... and below which there may be the next one.
const CALM_PERCENT: u64 = 70;
const MIB: u64 = 1 << 20;

/// Watches the state of all workers of a process.
pub struct StateMemory {
    metrics: Arc<Metrics>,
    bytes_max: u64,
    has_warned: bool,
}

impl StateMemory {
    /// At most so many bytes.
    pub fn new(metrics: Arc<Metrics>, bytes_max: u64) -> Self {
        Self { metrics, bytes_max, has_warned: false }
    }

    /// Looks at what the state takes now.
    ///
    /// # Errors
    /// More than it may.
    pub fn check(&mut self) -> Result<(), Stop> {
        let (keys, bytes) = (self.metrics.keys.get(), state_memory_bytes(&self.metrics));
        let percent = bytes.saturating_mul(100) / self.bytes_max.max(1);
        if percent >= WARN_PERCENT && !self.has_warned {
            tracing::warn!(
                keys,
                bytes,
                percent,
                "the state takes most of what it may, state_memory_bytes_max"
            );
        }
        self.has_warned = percent >= if self.has_warned { CALM_PERCENT } else { WARN_PERCENT };
        if bytes <= self.bytes_max {
            return Ok(());
        }
        Err(Stop::new(
            StopKind::State,
            format!(
                "the state of {keys} keys takes about {} MiB, more than state_memory_bytes_max = {} MiB\n\
                 hint: raise --state-memory, spread the partitions over more processes, or keep fewer keys; nothing \
                 is lost, all of it is in the changelog",
                bytes / MIB,
                self.bytes_max / MIB,
            ),
        ))
    }
}

/// What the state of all tasks takes, bookkeeping included.
pub(crate) fn state_memory_bytes(metrics: &Metrics) -> u64 {
    metrics.state_bytes.get().saturating_add(metrics.keys.get().saturating_mul(KEY_BYTES))
}

/// Half of what the machine, or the control group of this process, has.
pub fn default_bytes_max() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let group = read("/sys/fs/cgroup/memory.max").trim().parse().unwrap_or(u64::MAX);
    machine_bytes(&read("/proc/meminfo")).unwrap_or(u64::MAX).min(group) / 2
}

fn machine_bytes(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_warns_early_and_stops_with_what_to_do() {
        let metrics = Arc::new(Metrics::default());
        let mut memory = StateMemory::new(Arc::clone(&metrics), 1000 * (KEY_BYTES + 20));
        for (keys, warns) in [(799, false), (800, true), (750, true), (600, false), (1000, true)] {
            metrics.keys.set(keys);
            metrics.state_bytes.set(keys * 20);
            assert!(memory.check().is_ok(), "{keys} keys");
            assert_eq!(memory.has_warned, warns, "{keys} keys");
        }
        metrics.keys.set(1001);
        let stop = memory.check().expect_err("too many");
        assert_eq!(stop.kind, StopKind::State);
        assert!(stop.to_string().contains("the state of 1001 keys"), "{stop}");
    }

    #[test]
    fn the_memory_of_the_machine_is_read() {
        assert_eq!(machine_bytes("MemFree: 1 kB\nMemTotal:       24684092 kB\n"), Some(24_684_092 * 1024));
        assert_eq!(machine_bytes("nothing"), None);
        assert!(default_bytes_max() > MIB);
    }
}
