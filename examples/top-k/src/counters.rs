//! Counters for the most frequent items (Metwally, Agrawal, El Abbadi: "Space-Saving").
//!
//! When all are taken, a new item takes over the smallest one and counts on from there. So a count is never too
//! low, and too high by `error` at most; every item that was there more often than all records / counters has one.

use guest_sdk::{Accumulator, Bytes};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counter {
    pub(crate) count: u64,
    /// What the counter had when the item took it over.
    pub(crate) error: u64,
}

/// By item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters(BTreeMap<String, Counter>);

impl Counters {
    pub(crate) fn count(&mut self, item: &str, counters_max: usize) {
        if let Some(counter) = self.0.get_mut(item) {
            counter.count += 1;
            return;
        }
        let mut error = 0;
        // More than one goes only after the setting was lowered.
        while self.0.len() >= counters_max {
            error = self.remove_smallest();
        }
        self.0.insert(item.to_owned(), Counter { count: error + 1, error });
    }

    /// Of equal ones the last by name goes.
    fn remove_smallest(&mut self) -> u64 {
        let smallest = self.0.iter().min_by_key(|(item, counter)| (counter.count, Reverse(*item)));
        let Some((item, counter)) = smallest.map(|(item, counter)| (item.clone(), *counter)) else {
            return 0;
        };
        self.0.remove(&item);
        counter.count
    }

    /// The `k` largest, the largest first; equal ones by name.
    pub(crate) fn top(&self, k: usize) -> Vec<(&str, Counter)> {
        let mut all: Vec<_> = self.0.iter().map(|(item, counter)| (item.as_str(), *counter)).collect();
        all.sort_by_key(|(_, counter)| Reverse(counter.count));
        all.truncate(k);
        all
    }
}

impl Accumulator for Counters {
    fn encode(&self, out: &mut Bytes) {
        for (item, counter) in &self.0 {
            out.push(&counter.count.to_le_bytes());
            out.push(&counter.error.to_le_bytes());
            out.push(&(item.len() as u16).to_le_bytes());
            out.push(item.as_bytes());
        }
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut counters = BTreeMap::new();
        while !bytes.is_empty() {
            let (count, rest) = bytes.split_first_chunk()?;
            let (error, rest) = rest.split_first_chunk()?;
            let (length, rest) = rest.split_first_chunk()?;
            let (item, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
            let counter = Counter { count: u64::from_le_bytes(*count), error: u64::from_le_bytes(*error) };
            counters.insert(std::str::from_utf8(item).ok()?.to_owned(), counter);
            bytes = rest;
        }
        Some(Self(counters))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_item_takes_over_the_smallest_counter() {
        let mut counters = Counters::default();
        for item in ["a", "a", "a", "b", "b", "c", "d", "b", "c"] {
            counters.count(item, 3);
        }
        let counter = |count, error| Counter { count, error };
        // d took over c, and c d.
        assert_eq!(counters.top(9), [("a", counter(3, 0)), ("b", counter(3, 0)), ("c", counter(3, 2))]);
    }

    #[test]
    fn counts_are_never_too_low_and_frequent_items_never_missing() {
        let mut counters = Counters::default();
        let mut exact: BTreeMap<String, u64> = BTreeMap::new();
        let records = 5000_u64;
        for i in 0..records {
            // Item n is there about every 2^n-th time, with noise between.
            let item = if i % 3 == 0 {
                format!("noise{i}")
            } else {
                format!("item{}", (i * 7919 % 4093).trailing_zeros())
            };
            counters.count(&item, 20);
            *exact.entry(item).or_default() += 1;
        }
        for (item, counter) in &counters.0 {
            assert!((counter.count - counter.error..=counter.count).contains(&exact[item]), "{item}");
        }
        for (item, _) in exact.iter().filter(|(_, count)| **count > records / 20) {
            assert!(counters.0.contains_key(item), "{item}");
        }
        let mut bytes = Bytes::default();
        counters.encode(&mut bytes);
        assert_eq!(Counters::decode(bytes.as_slice()), Some(counters));
    }
}
