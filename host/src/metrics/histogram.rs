//! How long things took, in buckets. Adding is one addition to an atomic number; reading stops nobody.

use super::Counter;
use std::time::Duration;

/// Bounds within a decade, fine enough for a percentile that people read.
const STEPS: [u64; 9] = [10, 15, 20, 25, 30, 40, 50, 60, 80];
/// Decades, from 1 µs to 100 s.
const DECADES: usize = 8;
/// Buckets, without the last one, that has no bound.
const BOUNDS: usize = STEPS.len() * DECADES;

/// The upper bound of a bucket, in tenths of a microsecond, so that all are whole numbers.
const fn bound(index: usize) -> u64 {
    STEPS[index % STEPS.len()] * 10_u64.pow((index / STEPS.len()) as u32)
}

/// Durations in buckets.
#[derive(Debug)]
pub struct Histogram {
    buckets: [Counter; BOUNDS + 1],
    sum_ns: Counter,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: std::array::from_fn(|_| Counter::default()), sum_ns: Counter::default() }
    }
}

impl Histogram {
    /// Adds one.
    pub fn add(&self, took: Duration) {
        let ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[index_of(ns)].add(1);
        self.sum_ns.add(ns);
    }

    /// A copy.
    pub fn counts(&self) -> Counts {
        Counts {
            buckets: self.buckets.iter().map(Counter::get).collect(),
            sum: Duration::from_nanos(self.sum_ns.get()),
        }
    }
}

fn index_of(ns: u64) -> usize {
    let (mut low, mut high) = (0, BOUNDS);
    while low < high {
        let middle = usize::midpoint(low, high);
        if bound(middle) * 100 < ns { low = middle + 1 } else { high = middle }
    }
    low
}

/// A copy of a [`Histogram`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    buckets: Vec<u64>,
    /// All durations together.
    pub sum: Duration,
}

impl Counts {
    /// How many there are.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// What came since `before`, a copy of the same histogram.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let old = before.buckets.iter().copied().chain(std::iter::repeat(0));
        Self {
            buckets: self.buckets.iter().zip(old).map(|(now, old)| now.saturating_sub(old)).collect(),
            sum: self.sum.saturating_sub(before.sum),
        }
    }

    /// The duration, in microseconds, that this share of them does not pass, evenly spread within a bucket; none of
    /// nothing.
    pub fn quantile_us(&self, share: f64) -> Option<u64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = (share * count as f64).max(1.0);
        let mut below = 0;
        for (index, inside) in self.buckets.iter().enumerate() {
            if *inside > 0 && (below + inside) as f64 >= rank {
                let lower = index.checked_sub(1).map_or(0, bound) as f64;
                let upper = bound(index.min(BOUNDS - 1)) as f64;
                let part = (rank - below as f64) / *inside as f64;
                return Some(((lower + (upper - lower).max(0.0) * part) / 10.0).round() as u64);
            }
            below += inside;
        }
        None
    }

    /// How many took at most so long, for each of the bounds 1, 2.5 and 5 of the decades from `from_s` to `to_s`
    /// seconds: `(bound in seconds, count)`.
    pub fn cumulative(&self, from_s: f64, to_s: f64) -> Vec<(f64, u64)> {
        let mut total = 0;
        let mut found = Vec::new();
        for (index, inside) in self.buckets.iter().take(BOUNDS).enumerate() {
            total += inside;
            let seconds = bound(index) as f64 / 1e7;
            if matches!(STEPS[index % STEPS.len()], 10 | 25 | 50) && (from_s..=to_s).contains(&seconds) {
                found.push((seconds, total));
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        for (ns, index) in [(0, 0), (1_000, 0), (1_001, 1), (1_500, 1), (2_500, 3), (10_000, 9), (10_001, 10)]
        {
            assert_eq!(index_of(ns), index, "{ns} ns");
        }
        assert_eq!(index_of(u64::MAX), BOUNDS);
        assert!((1..BOUNDS).all(|index| bound(index - 1) < bound(index)));
    }

    #[test]
    fn percentiles_lie_within_their_bucket() {
        let histogram = Histogram::default();
        for us in 1..=1000 {
            histogram.add(Duration::from_micros(us));
        }
        let counts = histogram.counts();
        assert_eq!(counts.count(), 1000);
        assert_eq!(counts.sum, Duration::from_micros(500_500));
        for (share, us) in [(0.5, 500), (0.99, 990), (0.001, 1)] {
            let found = counts.quantile_us(share).expect("there are some");
            assert!(found.abs_diff(us) <= us / 100, "{share}: {found}, not {us}");
        }
        assert_eq!(Counts::default().quantile_us(0.5), None);
    }

    #[test]
    fn what_came_since_is_a_histogram_too() {
        let histogram = Histogram::default();
        histogram.add(Duration::from_hours(1));
        let before = histogram.counts();
        histogram.add(Duration::from_millis(2));
        let since = histogram.counts().since(&before);
        assert_eq!((since.count(), since.sum), (1, Duration::from_millis(2)));
        assert_eq!(since.quantile_us(0.99), Some(2000));
        assert_eq!(before.since(&Counts::default()), before);
    }

    #[test]
    fn bounds_for_prometheus_are_round_and_counts_rise() {
        let histogram = Histogram::default();
        for us in [5, 10, 11, 30, 40_000] {
            histogram.add(Duration::from_micros(us));
        }
        let cumulative = histogram.counts().cumulative(0.000_01, 0.001);
        let bounds = [0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001];
        assert_eq!(cumulative.iter().map(|(bound, _)| *bound).collect::<Vec<_>>(), bounds);
        assert_eq!(cumulative.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [2, 3, 4, 4, 4, 4, 4]);
    }
}
