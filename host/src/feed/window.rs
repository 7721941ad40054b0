//! The last minute of a histogram that only grows.

use crate::metrics::Counts;
use std::collections::VecDeque;
use std::time::Duration;

/// How far back it looks.
const SPAN: Duration = Duration::from_mins(1);
/// How often a copy is kept to look back to.
const STEP: Duration = Duration::from_secs(5);

/// Copies of the minute, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Window(VecDeque<(Duration, Counts)>);

impl Window {
    /// What came in the last minute. `at`: any clock that never goes back.
    pub(super) fn last_minute(&mut self, at: Duration, now: &Counts) -> Counts {
        if self.0.back().is_none_or(|(last, _)| at.saturating_sub(*last) >= STEP) {
            self.0.push_back((at, now.clone()));
        }
        // The first that is kept is as old as the minute, or the oldest there is.
        while self.0.get(1).is_some_and(|(second, _)| at.saturating_sub(*second) >= SPAN) {
            self.0.pop_front();
        }
        let oldest = self.0.front().filter(|(first, _)| at.saturating_sub(*first) >= SPAN);
        oldest.map_or_else(|| now.clone(), |(_, before)| now.since(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Histogram;

    #[test]
    fn what_is_older_than_a_minute_is_forgotten() {
        let (mut window, histogram) = (Window::default(), Histogram::default());
        let mut found = Vec::new();
        for second in 0..200 {
            // One in the first second, one in the hundredth.
            if second == 0 || second == 100 {
                histogram.add(Duration::from_millis(1));
            }
            found.push(window.last_minute(Duration::from_secs(second), &histogram.counts()).count());
            assert!(window.0.len() <= 14, "{} copies", window.0.len());
        }
        assert_eq!([found[0], found[59], found[70], found[100], found[150], found[170]], [1, 1, 0, 1, 1, 0]);
    }
}
