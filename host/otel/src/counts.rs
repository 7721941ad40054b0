//! What becomes of an exporter's spans. Those that are lost are told, at a bounded rate.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// From one warning to the next; what is lost meanwhile is in its count.
const WARNING_INTERVAL: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(crate) struct Counts {
    waiting: AtomicU64,
    lost: AtomicU64,
    told: Mutex<Told>,
}

/// The last warning.
#[derive(Debug, Default)]
struct Told {
    at: Option<Instant>,
    lost: u64,
}

impl Counts {
    /// A span is to be sent.
    pub(crate) fn take(&self) {
        self.waiting.fetch_add(1, Relaxed);
    }

    /// So many were sent.
    pub(crate) fn sent(&self, spans: u64) {
        self.waiting.fetch_sub(spans, Relaxed);
    }

    /// So many never will be.
    pub(crate) fn lose(&self, spans: u64, reason: impl fmt::Display) {
        self.waiting.fetch_sub(spans, Relaxed);
        let lost = self.lost.fetch_add(spans, Relaxed) + spans;
        if self.told().is_due(Instant::now(), lost) {
            tracing::warn!(lost, "{reason}; spans are lost");
        }
    }

    /// So many were lost.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Relaxed)
    }

    /// Nothing is sent any more; what still waits is lost. Gives all that was lost, if some of it was not told yet.
    pub(crate) fn end(&self) -> Option<u64> {
        let lost = self.lost() + self.waiting.swap(0, Relaxed);
        (lost > self.told().lost).then_some(lost)
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Told {
    fn is_due(&mut self, now: Instant, lost: u64) -> bool {
        let is_due = self.at.is_none_or(|at| now.saturating_duration_since(at) >= WARNING_INTERVAL);
        if is_due {
            *self = Self { at: Some(now), lost };
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_comes_at_once_and_the_next_ones_at_intervals() {
        let (mut told, start) = (Told::default(), Instant::now());
        assert!(told.is_due(start, 1));
        assert!(!told.is_due(start + WARNING_INTERVAL / 2, 2));
        assert!(told.is_due(start + WARNING_INTERVAL, 3));
        assert!(!told.is_due(start + WARNING_INTERVAL, 4));
        assert_eq!(told.lost, 3);
    }

    #[test]
    fn at_the_end_what_was_not_told_is() {
        let counts = Counts::default();
        for _ in 0..7 {
            counts.take();
        }
        counts.sent(1);
        counts.lose(2, "told at once");
        assert_eq!((counts.lost(), counts.waiting.load(Relaxed)), (2, 4));
        assert_eq!(counts.end(), Some(6), "what waits is lost too");

        let counts = Counts::default();
        assert_eq!(counts.end(), None);
        counts.take();
        counts.lose(1, "told at once");
        assert_eq!(counts.end(), None);
    }
}
