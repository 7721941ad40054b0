//! The guests' only import: lines for the host's log, cut, counted and made harmless.

use crate::shown::printable;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, WasmStr};

use super::bindings::host::operator::log::Level;
use super::instance::State;
use super::limits::Limits;

/// The interface's full name.
pub(super) const INTERFACE: &str = "host:operator/log@0.1.0";

/// The log of one module, shared by its instances, so that a fresh instance does not get fresh lines.
#[derive(Debug)]
pub(super) struct Log {
    module: String,
    line_bytes_max: usize,
    lines_per_second_max: u32,
    window: Mutex<Window>,
    /// Lines dropped since the module was loaded.
    dropped: AtomicU64,
}

/// One second of lines.
#[derive(Debug)]
struct Window {
    began: Instant,
    lines: u32,
    dropped: u64,
}

impl Log {
    pub(super) fn new(module: &str, limits: &Limits) -> Self {
        Self {
            module: module.to_owned(),
            line_bytes_max: limits.log_line_bytes_max,
            lines_per_second_max: limits.log_lines_per_second_max,
            window: Mutex::new(Window { began: Instant::now(), lines: 0, dropped: 0 }),
            dropped: AtomicU64::new(0),
        }
    }

    /// Lines dropped since the module was loaded.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// True when one more line may be written now; counts it either way.
    fn admit(&self, now: Instant) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(window.began) >= Duration::from_secs(1) {
            self.report(window.dropped);
            *window = Window { began: now, lines: 0, dropped: 0 };
        }
        let admitted = window.lines < self.lines_per_second_max;
        if admitted {
            window.lines += 1;
        } else {
            window.dropped += 1;
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
        admitted
    }

    fn report(&self, dropped: u64) {
        if dropped > 0 {
            tracing::warn!(module = self.module, dropped, "log lines of the module were dropped");
        }
    }

    /// Bytes of a line; the rest is cut.
    pub(super) fn line_bytes_max(&self) -> usize {
        self.line_bytes_max
    }

    /// Writes a line, or counts it when there are too many.
    pub(super) fn line(&self, level: Level, text: &str) {
        if self.admit(Instant::now()) {
            self.write(level, text);
        }
    }

    fn write(&self, level: Level, text: &str) {
        let (module, text) = (self.module.as_str(), printable(text, self.line_bytes_max));
        match level {
            Level::Debug => tracing::debug!(module, "{text}"),
            Level::Info => tracing::info!(module, "{text}"),
            Level::Warn => tracing::warn!(module, "{text}"),
            Level::Error => tracing::error!(module, "{text}"),
        }
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        let window = self.window.get_mut().unwrap_or_else(PoisonError::into_inner);
        let dropped = window.dropped;
        self.report(dropped);
    }
}

/// Grants the interface. The text of a line that is dropped is not even read.
pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    linker.instance(INTERFACE)?.func_wrap(
        "write",
        |store: StoreContextMut<'_, State>, (level, text): (Level, WasmStr)| {
            let log = &store.data().log;
            if log.admit(Instant::now()) {
                log.write(level, &text.to_str(&store)?);
            }
            Ok(())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_above_the_rate_are_dropped_until_the_next_second() {
        let log = Log::new("m", &Limits { log_lines_per_second_max: 2, ..Limits::default() });
        let start = Instant::now();
        let admitted = |after_ms| log.admit(start + Duration::from_millis(after_ms));
        assert_eq!([admitted(0), admitted(1), admitted(2), admitted(900)], [true, true, false, false]);
        assert_eq!([admitted(1_100), admitted(1_101), admitted(1_102)], [true, true, false]);
        assert_eq!(log.dropped(), 3);
    }
}
