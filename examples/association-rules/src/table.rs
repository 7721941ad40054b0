//! A bounded table of counters (Manku and Motwani: "Lossy Counting", with rounds that end when the table is full).
//!
//! While it has never been full, all counts are exact. When it is, the quarter with the smallest counts is forgotten,
//! and `floor` is what one of them had at most. From then on a count is too low by `missed` at most, and what has no
//! counter was there at most `floor` times.

use std::collections::BTreeMap;

/// Of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    /// How often it was there since it has the counter.
    pub(crate) count: u64,
    /// How often it can have been there before.
    pub(crate) missed: u64,
}

/// Counters by key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Table<K> {
    pub(crate) counters: BTreeMap<K, Counter>,
    pub(crate) floor: u64,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { counters: BTreeMap::new(), floor: 0 }
    }
}

impl<K: Ord> Table<K> {
    pub(crate) fn count(&mut self, key: K) {
        let new = Counter { count: 0, missed: self.floor };
        self.counters.entry(key).or_insert(new).count += 1;
    }

    /// Makes room when there are more than `max` counters.
    pub(crate) fn bound(&mut self, max: usize) {
        if self.counters.len() <= max {
            return;
        }
        let mut most: Vec<u64> = self.counters.values().map(Counter::at_most).collect();
        let forgotten = self.counters.len() - (max - max / 4);
        let (_, floor, _) = most.select_nth_unstable(forgotten - 1);
        self.floor = self.floor.max(*floor);
        self.counters.retain(|_, counter| counter.at_most() > self.floor);
    }
}

impl Counter {
    pub(crate) fn at_most(&self) -> u64 {
        self.count + self.missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_within_their_bounds() {
        let (mut table, mut exact) = (Table::default(), BTreeMap::<u64, u64>::new());
        for i in 0..20_000_u64 {
            // Small numbers are frequent, and most are there once or twice.
            let key = if i % 2 == 0 { i * 7919 % 10_007 } else { (i * 31 % 64).trailing_zeros().into() };
            table.count(key);
            table.bound(200);
            *exact.entry(key).or_default() += 1;
        }
        assert!(table.counters.len() <= 200 && table.floor > 0);
        for (key, exact) in exact {
            match table.counters.get(&key) {
                Some(counter) => assert!((counter.count..=counter.at_most()).contains(&exact), "{key}"),
                None => assert!(exact <= table.floor, "{key}: {exact}"),
            }
        }
    }
}
