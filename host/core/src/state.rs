//! Keyed state: committed accumulators in a [`StateStore`], and the overlay of the open transaction.
//!
//! Nothing reaches the store before the transaction that wrote it is committed, so the store is never
//! ahead of the changelog, and an abort only forgets the overlay.

use crate::changelog;
use crate::hash::Hasher;
use crate::record::{Rows, TimestampMs};
use alloc::boxed::Box;
use alloc::vec::Vec;
use hashbrown::HashTable;

/// Takes a key, its accumulator and its timestamp.
pub type Visitor<'a> = dyn FnMut(&[u8], &[u8], TimestampMs) + 'a;

/// Where committed accumulators are kept. Local and synchronous; keys come with their [`Hasher`] hash.
pub trait StateStore {
    /// The accumulator of a key and its timestamp.
    fn get(&self, hash: u64, key: &[u8]) -> Option<(&[u8], TimestampMs)>;
    /// Sets the accumulator of a key.
    fn put(&mut self, hash: u64, key: &[u8], accumulator: &[u8], timestamp: TimestampMs);
    /// Forgets a key; fine when it is not there.
    fn remove(&mut self, hash: u64, key: &[u8]);
    /// The number of keys.
    fn len(&self) -> usize;
    /// True without keys.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// The bytes of all keys and accumulators.
    fn bytes(&self) -> usize;
    /// Calls `visit` with every key, accumulator and timestamp, in an order that depends on nothing but the calls
    /// so far.
    fn for_each(&self, visit: &mut Visitor<'_>);
}

struct Entry {
    hash: u64,
    key: Box<[u8]>,
    accumulator: Vec<u8>,
    timestamp: TimestampMs,
}

/// A [`StateStore`] in memory.
#[derive(Default)]
pub struct MemoryStore {
    index: HashTable<u32>,
    entries: Vec<Entry>,
    bytes: usize,
}

impl MemoryStore {
    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.index.find(hash, |&i| *self.entries[i as usize].key == *key).map(|&i| i as usize)
    }
}

impl StateStore for MemoryStore {
    fn get(&self, hash: u64, key: &[u8]) -> Option<(&[u8], TimestampMs)> {
        let entry = &self.entries[self.find(hash, key)?];
        Some((&entry.accumulator, entry.timestamp))
    }

    fn put(&mut self, hash: u64, key: &[u8], accumulator: &[u8], timestamp: TimestampMs) {
        if let Some(i) = self.find(hash, key) {
            let entry = &mut self.entries[i];
            self.bytes = self.bytes - entry.accumulator.len() + accumulator.len();
            entry.accumulator.clear();
            entry.accumulator.extend_from_slice(accumulator);
            entry.timestamp = timestamp;
            return;
        }
        let i = u32::try_from(self.entries.len()).expect("a task holds fewer than 2^32 keys");
        self.bytes += key.len() + accumulator.len();
        self.entries.push(Entry { hash, key: key.into(), accumulator: accumulator.into(), timestamp });
        let entries = &self.entries;
        self.index.insert_unique(hash, i, |&i| entries[i as usize].hash);
    }

    fn remove(&mut self, hash: u64, key: &[u8]) {
        let Some(i) = self.find(hash, key) else { return };
        let gone = self.entries.swap_remove(i);
        self.bytes -= gone.key.len() + gone.accumulator.len();
        if let Ok(slot) = self.index.find_entry(hash, |&at| at as usize == i) {
            slot.remove();
        }
        if let Some(moved) = self.entries.get(i) {
            let old = self.entries.len();
            if let Some(at) = self.index.find_mut(moved.hash, |&at| at as usize == old) {
                *at = i as u32;
            }
        }
    }

    fn len(&self) -> usize {
        self.entries.len()
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn for_each(&self, visit: &mut Visitor<'_>) {
        for entry in &self.entries {
            visit(&entry.key, &entry.accumulator, entry.timestamp);
        }
    }
}

/// One touched key of the open transaction.
#[derive(Default)]
struct Touched {
    hash: u64,
    key: Vec<u8>,
    accumulator: Vec<u8>,
    deleted: bool,
    timestamp: TimestampMs,
}

/// What the open transaction has written, in the order in which keys were first touched. Buffers are kept
/// over transactions, so a steady load does not allocate.
#[derive(Default)]
struct Overlay {
    index: HashTable<u32>,
    slots: Vec<Touched>,
    live: usize,
}

impl Overlay {
    fn find(&self, hash: u64, key: &[u8]) -> Option<usize> {
        self.index.find(hash, |&i| self.slots[i as usize].key == key).map(|&i| i as usize)
    }

    fn slot(&mut self, hash: u64, key: &[u8]) -> &mut Touched {
        let i = self.find(hash, key).unwrap_or_else(|| {
            let i = self.live;
            self.live += 1;
            if i == self.slots.len() {
                self.slots.push(Touched::default());
            }
            let slot = &mut self.slots[i];
            slot.hash = hash;
            slot.key.clear();
            slot.key.extend_from_slice(key);
            slot.timestamp = TimestampMs::MIN;
            let slots = &self.slots;
            self.index.insert_unique(hash, i as u32, |&i| slots[i as usize].hash);
            i
        });
        &mut self.slots[i]
    }

    fn clear(&mut self) {
        self.index.clear();
        self.live = 0;
    }
}

/// The state of one task.
pub struct KeyedState {
    store: Box<dyn StateStore + Send>,
    overlay: Overlay,
    hasher: Hasher,
}

impl KeyedState {
    /// Empty state over this store.
    pub fn new(store: Box<dyn StateStore + Send>, hasher: Hasher) -> Self {
        Self { store, overlay: Overlay::default(), hasher }
    }

    /// The hash that all calls with this key take.
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.hasher.hash(key)
    }

    /// The accumulator of a key as the open transaction sees it, with its timestamp.
    pub fn get(&self, hash: u64, key: &[u8]) -> Option<(&[u8], TimestampMs)> {
        match self.overlay.find(hash, key) {
            Some(i) => {
                let slot = &self.overlay.slots[i];
                (!slot.deleted).then_some((slot.accumulator.as_slice(), slot.timestamp))
            }
            None => self.store.get(hash, key),
        }
    }

    /// Sets or deletes (none) the accumulator of a key in the open transaction. The key's timestamp
    /// becomes the largest of `timestamp` and what it was.
    pub fn write(&mut self, hash: u64, key: &[u8], accumulator: Option<&[u8]>, timestamp: TimestampMs) {
        let before = self.store.get(hash, key).map_or(TimestampMs::MIN, |(_, timestamp)| timestamp);
        let slot = self.overlay.slot(hash, key);
        slot.accumulator.clear();
        slot.accumulator.extend_from_slice(accumulator.unwrap_or_default());
        slot.deleted = accumulator.is_none();
        slot.timestamp = slot.timestamp.max(before).max(timestamp);
    }

    /// The keys that the open transaction has touched, in the order of their first touch, with
    /// accumulator (none: deleted) and timestamp.
    pub fn touched(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>, TimestampMs)> {
        self.overlay.slots[..self.overlay.live].iter().map(|slot| {
            (slot.key.as_slice(), (!slot.deleted).then_some(slot.accumulator.as_slice()), slot.timestamp)
        })
    }

    /// The transaction is committed: its writes become the state.
    pub fn commit(&mut self) {
        for slot in &self.overlay.slots[..self.overlay.live] {
            if slot.deleted {
                self.store.remove(slot.hash, &slot.key);
            } else {
                self.store.put(slot.hash, &slot.key, &slot.accumulator, slot.timestamp);
            }
        }
        self.overlay.clear();
    }

    /// The transaction is aborted: its writes never were.
    pub fn abort(&mut self) {
        self.overlay.clear();
    }

    /// Applies changelog records, in log order.
    ///
    /// # Errors
    /// The row and why it can't be read.
    pub fn restore(&mut self, rows: &Rows) -> Result<(), (usize, changelog::ChangelogError)> {
        for i in 0..rows.len() {
            let row = rows.row(i);
            let key = row.key.unwrap_or_default();
            let hash = self.hash(key);
            match row.value {
                None => self.store.remove(hash, key),
                Some(value) => {
                    let accumulator = changelog::read(value).map_err(|error| (i, error))?;
                    self.store.put(hash, key, accumulator, row.timestamp);
                }
            }
        }
        Ok(())
    }

    /// The committed state.
    pub fn committed(&self) -> &dyn StateStore {
        &*self.store
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;

    fn state() -> KeyedState {
        KeyedState::new(Box::new(MemoryStore::default()), Hasher::new(1))
    }

    fn put(state: &mut KeyedState, key: &[u8], accumulator: Option<&[u8]>, timestamp: TimestampMs) {
        state.write(state.hash(key), key, accumulator, timestamp);
    }

    fn get(state: &KeyedState, key: &[u8]) -> Option<(Vec<u8>, TimestampMs)> {
        state.get(state.hash(key), key).map(|(a, t)| (a.to_vec(), t))
    }

    #[test]
    fn an_abort_leaves_the_committed_state() {
        let mut state = state();
        put(&mut state, b"a", Some(b"1"), 5);
        state.commit();
        put(&mut state, b"a", Some(b"2"), 6);
        put(&mut state, b"b", Some(b"3"), 6);
        assert_eq!(get(&state, b"a"), Some((b"2".to_vec(), 6)));
        state.abort();
        assert_eq!(get(&state, b"a"), Some((b"1".to_vec(), 5)));
        assert_eq!(get(&state, b"b"), None);
    }

    #[test]
    fn timestamps_never_fall() {
        let mut state = state();
        put(&mut state, b"a", Some(b"1"), 9);
        state.commit();
        put(&mut state, b"a", Some(b"2"), 3);
        assert_eq!(get(&state, b"a"), Some((b"2".to_vec(), 9)));
    }

    #[test]
    fn a_deleted_key_is_gone_before_and_after_the_commit() {
        let mut state = state();
        put(&mut state, b"a", Some(b"1"), 1);
        state.commit();
        put(&mut state, b"a", None, 2);
        assert_eq!(get(&state, b"a"), None);
        assert_eq!(state.touched().collect::<Vec<_>>(), vec![(&b"a"[..], None, 2)]);
        state.commit();
        assert!(state.committed().is_empty());
    }

    #[test]
    fn the_memory_store_agrees_with_a_map() {
        let mut store = MemoryStore::default();
        let mut map = BTreeMap::new();
        let hasher = Hasher::new(7);
        let mut random = 1u64;
        for step in 0..20_000i64 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let key = ((random >> 33) % 300).to_string().into_bytes();
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

    use alloc::string::ToString;
}
