//! The state store in memory: a key and its accumulator in one allocation, 32 bytes beside it, and an index of
//! five bytes a place. 10 million keys of 8 bytes with 16 bytes of state take about 70 bytes each.

use super::{StateStore, Visitor};
use crate::record::TimestampMs;
use alloc::boxed::Box;
use alloc::vec::Vec;
use hashbrown::HashTable;

/// Entries that are allocated together: the list grows without ever being copied.
const CHUNK_ENTRIES: usize = 4096;

struct Entry {
    /// The key, then the accumulator.
    bytes: Box<[u8]>,
    key_len: u32,
    hash: u32,
    timestamp: TimestampMs,
}

impl Entry {
    fn key(&self) -> &[u8] {
        &self.bytes[..self.key_len as usize]
    }

    fn accumulator(&self) -> &[u8] {
        &self.bytes[self.key_len as usize..]
    }
}

/// A [`StateStore`] in memory.
#[derive(Default)]
pub struct MemoryStore {
    index: HashTable<u32>,
    entries: Entries,
    bytes: usize,
}

impl MemoryStore {
    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        let place = place(short(hash));
        self.index.find(place, |&i| self.entries.at(i as usize).key() == key).map(|&i| i as usize)
    }
}

impl StateStore for MemoryStore {
    fn get(&self, hash: u64, key: &[u8]) -> Option<(&[u8], TimestampMs)> {
        let entry = self.entries.at(self.find(hash, key)?);
        Some((entry.accumulator(), entry.timestamp))
    }

    fn put(&mut self, hash: u64, key: &[u8], accumulator: &[u8], timestamp: TimestampMs) {
        if let Some(i) = self.find(hash, key) {
            let entry = self.entries.at_mut(i);
            self.bytes = self.bytes - entry.accumulator().len() + accumulator.len();
            entry.timestamp = timestamp;
            if entry.accumulator().len() == accumulator.len() {
                entry.bytes[key.len()..].copy_from_slice(accumulator);
            } else {
                entry.bytes = [key, accumulator].concat().into();
            }
            return;
        }
        let i = u32::try_from(self.entries.len).expect("a task holds fewer than 2^32 keys");
        self.bytes += key.len() + accumulator.len();
        self.entries.push(Entry {
            bytes: [key, accumulator].concat().into(),
            key_len: crate::record::position(key.len()),
            hash: short(hash),
            timestamp,
        });
        let entries = &self.entries;
        self.index.insert_unique(place(short(hash)), i, |&i| place(entries.at(i as usize).hash));
    }

    fn remove(&mut self, hash: u64, key: &[u8]) {
        let Some(i) = self.find(hash, key) else { return };
        let gone = self.entries.swap_remove(i);
        self.bytes -= gone.bytes.len();
        if let Ok(slot) = self.index.find_entry(place(gone.hash), |&at| at as usize == i) {
            slot.remove();
        }
        let moved_from = self.entries.len;
        if i < moved_from {
            let place = place(self.entries.at(i).hash);
            if let Some(at) = self.index.find_mut(place, |&at| at as usize == moved_from) {
                *at = i as u32;
            }
        }
    }

    fn len(&self) -> usize {
        self.entries.len
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn visit_below(&self, below: usize, max: usize, visit: &mut Visitor<'_>) -> usize {
        let end = below.min(self.entries.len);
        let start = end.saturating_sub(max);
        for i in (start..end).rev() {
            let entry = self.entries.at(i);
            visit(entry.key(), entry.accumulator(), entry.timestamp);
        }
        start
    }

    fn for_each(&self, visit: &mut Visitor<'_>) {
        for entry in self.entries.chunks.iter().flatten() {
            visit(entry.key(), entry.accumulator(), entry.timestamp);
        }
    }
}

/// What an entry keeps of its hash.
fn short(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The hash of an entry in the index, which looks at the lowest and the highest bits.
fn place(short: u32) -> u64 {
    u64::from(short).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A list in chunks, all but the last full.
#[derive(Default)]
struct Entries {
    chunks: Vec<Vec<Entry>>,
    len: usize,
}

impl Entries {
    fn at(&self, i: usize) -> &Entry {
        &self.chunks[i / CHUNK_ENTRIES][i % CHUNK_ENTRIES]
    }

    fn at_mut(&mut self, i: usize) -> &mut Entry {
        &mut self.chunks[i / CHUNK_ENTRIES][i % CHUNK_ENTRIES]
    }

    fn push(&mut self, entry: Entry) {
        if self.len.is_multiple_of(CHUNK_ENTRIES) {
            self.chunks.push(Vec::with_capacity(CHUNK_ENTRIES));
        }
        self.chunks[self.len / CHUNK_ENTRIES].push(entry);
        self.len += 1;
    }

    /// Takes entry `i` out; the last one takes its place.
    fn swap_remove(&mut self, i: usize) -> Entry {
        self.len -= 1;
        let chunk = self.len / CHUNK_ENTRIES;
        let last = self.chunks[chunk].pop().expect("there is an entry, so the last chunk has one");
        if self.chunks[chunk].is_empty() {
            self.chunks.pop();
        }
        if i == self.len { last } else { core::mem::replace(self.at_mut(i), last) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hasher;
    use alloc::collections::{BTreeMap, BTreeSet};
    use alloc::string::ToString;
    use alloc::vec;

    /// What a walk must show of a store that changes meanwhile: all that stays as it is, each key with one of the
    /// accumulators that it had since.
    #[test]
    fn a_walk_over_a_store_that_changes_misses_nothing_that_stays() {
        let hasher = Hasher::new(7);
        let mut random = 1u64;
        for round in 0..50 {
            let mut store = MemoryStore::default();
            for key in 0..300u32 {
                store.put(hasher.hash(&key.to_le_bytes()), &key.to_le_bytes(), b"old", 0);
            }
            let (mut below, mut seen, mut changed) = (store.len(), BTreeMap::new(), BTreeSet::new());
            while below > 0 {
                below = store.visit_below(below, 1 + round % 40, &mut |key, accumulator, _| {
                    seen.insert(key.to_vec(), accumulator.to_vec());
                });
                for _ in 0..4 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let key = ((random >> 33) as u32 % 400).to_le_bytes();
                    if random >> 63 == 0 {
                        store.remove(hasher.hash(&key), &key);
                    } else {
                        store.put(hasher.hash(&key), &key, b"newer", 1);
                    }
                    changed.insert(key.to_vec());
                }
            }
            store.for_each(&mut |key, accumulator, _| {
                if !changed.contains(key) {
                    assert_eq!(seen.get(key).map(Vec::as_slice), Some(accumulator), "round {round}");
                }
            });
        }
    }

    #[test]
    fn the_memory_store_agrees_with_a_map() {
        let mut store = MemoryStore::default();
        let mut map = BTreeMap::new();
        let hasher = Hasher::new(7);
        let mut random = 1u64;
        for step in 0..200_000i64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = ((random >> 33) % 9_000).to_string().into_bytes();
            let hash = hasher.hash(&key);
            if random >> 60 < 5 {
                store.remove(hash, &key);
                map.remove(&key);
            } else {
                let value = vec![0u8; (random >> 40) as usize % 20];
                store.put(hash, &key, &value, step);
                map.insert(key, (value, step));
            }
        }
        let bytes: usize = map.iter().map(|(k, (v, _))| k.len() + v.len()).sum();
        assert_eq!((store.len(), store.bytes()), (map.len(), bytes));
        let mut seen = BTreeMap::new();
        store.for_each(&mut |k, a, t| {
            seen.insert(k.to_vec(), (a.to_vec(), t));
        });
        assert_eq!(seen, map);
        for (key, (value, at)) in &map {
            assert_eq!(store.get(hasher.hash(key), key), Some((value.as_slice(), *at)));
        }
    }
}
