//! How many records a batch may have. Large batches are cheap; but what waits behind one is late, and nothing can be
//! committed in the middle of one. So a batch may take a share of the time within which results are wanted.

/// Batches that fit into the latency target one after the other.
const BATCHES_PER_TARGET: u64 = 8;
/// Records of the first batch, when nothing is known yet.
const RECORDS_START: usize = 1_000;

/// Bounds batches between two fixed bounds, by what the last ones took.
#[derive(Clone, Debug)]
pub struct Pace {
    min: usize,
    max: usize,
    budget_us: u64,
    records: usize,
}

impl Pace {
    /// At least `min` records and at most `max`, at least one; results are wanted within `latency_target_us`.
    pub fn new(min: usize, max: usize, latency_target_us: u64) -> Self {
        let max = max.max(1);
        let min = min.clamp(1, max);
        let budget_us = (latency_target_us / BATCHES_PER_TARGET).max(1);
        Self { min, max, budget_us, records: RECORDS_START.clamp(min, max) }
    }

    /// Records that the next batch may have.
    pub fn records_max(&self) -> usize {
        self.records
    }

    /// A batch of so many records took so long. It at most doubles or halves the next one, so that one odd batch
    /// does little; only a full one says that more records wait.
    pub fn took(&mut self, records: usize, us: u64) {
        let fits = (records as u64).saturating_mul(self.budget_us) / us.max(1);
        let fits = usize::try_from(fits).unwrap_or(usize::MAX);
        let is_full = records >= self.records;
        if us > self.budget_us || (is_full && fits > self.records) {
            self.records = fits.clamp(self.records / 2, self.records.saturating_mul(2));
            self.records = self.records.clamp(self.min, self.max);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bound after many full batches that take `us_per_record` and `us` more.
    fn settled(pace: &mut Pace, us_per_record: u64, us: u64) -> usize {
        for _ in 0..100 {
            let records = pace.records_max();
            pace.took(records, records as u64 * us_per_record + us);
        }
        pace.records_max()
    }

    #[test]
    fn fast_operators_get_full_batches_and_slow_ones_what_fits() {
        let mut pace = Pace::new(100, 10_000, 200_000);
        assert_eq!(settled(&mut pace, 1, 0), 10_000);
        assert_eq!(settled(&mut pace, 5, 0), 5_000);
        assert_eq!(settled(&mut pace, 100, 0), 250);
        assert_eq!(settled(&mut pace, 100_000, 0), 100);
        assert_eq!(settled(&mut pace, 1, 0), 10_000);
    }

    #[test]
    fn small_batches_do_not_make_it_grow() {
        let mut pace = Pace::new(100, 10_000, 200_000);
        for _ in 0..100 {
            pace.took(3, 10);
        }
        assert_eq!(pace.records_max(), RECORDS_START);
    }

    #[test]
    fn bounds_hold_whatever_they_are() {
        for (min, max) in [(0, 0), (1, 1), (50, 10), (7, 7)] {
            let mut pace = Pace::new(min, max, 0);
            for us in [0, 1, u64::MAX] {
                pace.took(usize::MAX, us);
                assert!((1..=max.max(1)).contains(&pace.records_max()));
            }
        }
    }
}
