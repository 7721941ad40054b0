//! What is kept of a group: how many baskets there were, and how many with each item and each pair.
//!
//! Exact while a group has no more different items and pairs than the bounds. Beyond, see `table.rs`; an item that is
//! forgotten takes its pairs with it, as they were there no more often than itself.

use crate::table::{Counter, Table};
use guest_sdk::{Accumulator, Bytes};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Counters in an accumulator, at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) items: usize,
    pub(crate) pairs: usize,
}

/// Two items, the smaller first.
pub(crate) type Pair = (Rc<str>, Rc<str>);

/// See the module's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub(crate) baskets: u64,
    pub(crate) items: Table<Rc<str>>,
    pub(crate) pairs: Table<Pair>,
}

impl Counts {
    /// Adds a basket of different items, sorted.
    pub(crate) fn add(&mut self, basket: &[&str], bounds: &Bounds) {
        self.baskets += 1;
        let items: Vec<Rc<str>> = basket.iter().map(|item| self.name(item)).collect();
        for (i, item) in items.iter().enumerate() {
            self.items.count(Rc::clone(item));
            for other in &items[i + 1..] {
                self.pairs.count((Rc::clone(item), Rc::clone(other)));
            }
        }
        self.forget(bounds);
    }

    /// One text for all that name the item.
    fn name(&self, item: &str) -> Rc<str> {
        self.items.counters.get_key_value(item).map_or_else(|| item.into(), |(name, _)| Rc::clone(name))
    }

    fn forget(&mut self, bounds: &Bounds) {
        let floor = self.items.floor;
        self.items.bound(bounds.items);
        if self.items.floor > floor {
            let kept = &self.items.counters;
            self.pairs.counters.retain(|(a, b), _| kept.contains_key(a) && kept.contains_key(b));
            self.pairs.floor = self.pairs.floor.max(self.items.floor);
        }
        self.pairs.bound(bounds.pairs);
    }
}

impl Accumulator for Counts {
    /// Pairs name their items by their place in the list of items.
    fn encode(&self, out: &mut Bytes) {
        let numbers = [self.baskets, self.items.floor, self.pairs.floor, self.items.counters.len() as u64];
        for number in numbers {
            push(out, number);
        }
        let mut places = BTreeMap::new();
        for (place, (item, counter)) in (0_u64..).zip(&self.items.counters) {
            push(out, item.len() as u64);
            out.push(item.as_bytes());
            push_counter(out, *counter);
            places.insert(item, place);
        }
        for ((a, b), counter) in &self.pairs.counters {
            push(out, places[a]);
            push(out, places[b]);
            push_counter(out, *counter);
        }
    }

    fn decode(mut bytes: &[u8]) -> Option<Self> {
        let bytes = &mut bytes;
        let mut counts = Self { baskets: take(bytes)?, ..Self::default() };
        (counts.items.floor, counts.pairs.floor) = (take(bytes)?, take(bytes)?);
        let mut names: Vec<Rc<str>> = Vec::new();
        for _ in 0..take(bytes)? {
            let length = usize::try_from(take(bytes)?).ok()?;
            let (name, rest) = bytes.split_at_checked(length)?;
            *bytes = rest;
            let name: Rc<str> = std::str::from_utf8(name).ok()?.into();
            names.push(Rc::clone(&name));
            counts.items.counters.insert(name, take_counter(bytes)?);
        }
        while !bytes.is_empty() {
            let mut name = || names.get(usize::try_from(take(bytes)?).ok()?).cloned();
            let pair = (name()?, name()?);
            counts.pairs.counters.insert(pair, take_counter(bytes)?);
        }
        Some(counts)
    }
}

fn push_counter(out: &mut Bytes, counter: Counter) {
    push(out, counter.count);
    push(out, counter.missed);
}

fn take_counter(bytes: &mut &[u8]) -> Option<Counter> {
    Some(Counter { count: take(bytes)?, missed: take(bytes)? })
}

/// Seven bits a byte, the lowest first.
fn push(out: &mut Bytes, mut number: u64) {
    while number >= 0x80 {
        out.push(&[number as u8 | 0x80]);
        number >>= 7;
    }
    out.push(&[number as u8]);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forgotten_item_takes_its_pairs_with_it() {
        let mut counts = Counts::default();
        let bounds = Bounds { items: 4, pairs: 100 };
        for _ in 0..3 {
            counts.add(&["bread", "milk"], &bounds);
        }
        counts.add(&["milk", "oil", "tea"], &bounds);
        counts.add(&["salt"], &bounds);
        let items: Vec<&str> = counts.items.counters.keys().map(|name| &**name).collect();
        assert_eq!(items, ["bread", "milk"]);
        assert_eq!((counts.items.floor, counts.pairs.floor, counts.pairs.counters.len()), (1, 1, 1));
        let mut bytes = Bytes::default();
        counts.encode(&mut bytes);
        assert_eq!(Counts::decode(bytes.as_slice()), Some(counts));
        assert_eq!(Counts::decode(&bytes.as_slice()[..bytes.len() - 1]), None);
    }
}
