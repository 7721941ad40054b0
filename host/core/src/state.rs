//! Keyed state: committed accumulators in a [`StateStore`], and the [`overlay`] of the open transaction.
//!
//! Nothing reaches the store before the transaction that wrote it is committed, so the store is never
//! ahead of the changelog, and an abort only forgets the overlay.

mod memory;
mod overlay;

pub use memory::MemoryStore;

use crate::changelog;
use crate::hash::Hasher;
use crate::record::{Rows, TimestampMs};
use alloc::boxed::Box;
use overlay::Overlay;

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
    /// Visits at most `max` entries at places below `below`, downwards, and answers where to go on; 0: all were
    /// visited. [`StateStore::len`] is where to begin.
    ///
    /// The store may change between two such calls. Whatever was there all the time is visited, with what it was at
    /// the visit; that is why it goes downwards: what is new comes behind, and what moves moves down or was visited.
    fn visit_below(&self, below: usize, max: usize, visit: &mut Visitor<'_>) -> usize;
    /// Calls `visit` with every key, accumulator and timestamp, in an order that depends on nothing but the calls
    /// so far.
    fn for_each(&self, visit: &mut Visitor<'_>);
}

/// Keeps nothing: what is committed is gone. For state that lives no longer than a transaction.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoStore;

impl StateStore for NoStore {
    fn get(&self, _: u64, _: &[u8]) -> Option<(&[u8], TimestampMs)> {
        None
    }

    fn put(&mut self, _: u64, _: &[u8], _: &[u8], _: TimestampMs) {}

    fn remove(&mut self, _: u64, _: &[u8]) {}

    fn len(&self) -> usize {
        0
    }

    fn bytes(&self) -> usize {
        0
    }

    fn visit_below(&self, _: usize, _: usize, _: &mut Visitor<'_>) -> usize {
        0
    }

    fn for_each(&self, _: &mut Visitor<'_>) {}
}

/// A key's place in the open transaction, good until its end. Slots count up from 0.
pub type Slot = u32;

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

    /// The place of a key in the open transaction; its accumulator is fetched from the store at most once in a
    /// transaction.
    pub fn slot(&mut self, key: &[u8]) -> Slot {
        let hash = self.hasher.hash(key);
        match self.overlay.find(hash, key) {
            Some(slot) => slot,
            None => self.overlay.insert(hash, key, self.store.get(hash, key)),
        }
    }

    /// The accumulator in a slot as the open transaction sees it, with its timestamp.
    pub fn get(&self, slot: Slot) -> Option<(&[u8], TimestampMs)> {
        self.overlay.get(slot)
    }

    /// The timestamp in a slot: the largest that was ever set there; [`TimestampMs::MIN`] before the first.
    pub fn timestamp(&self, slot: Slot) -> TimestampMs {
        self.overlay.timestamp(slot)
    }

    /// Sets or deletes (none) the accumulator in a slot. Its timestamp becomes the largest of `timestamp` and
    /// what it was.
    pub fn set(&mut self, slot: Slot, accumulator: Option<&[u8]>, timestamp: TimestampMs) {
        self.overlay.set(slot, accumulator, timestamp);
    }

    /// The keys that the open transaction has set or deleted, in the order in which it first saw them, with
    /// accumulator (none: deleted) and timestamp.
    pub fn touched(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>, TimestampMs)> {
        self.overlay.written().map(|written| (written.key, written.accumulator, written.timestamp))
    }

    /// The transaction is committed: its writes become the state.
    pub fn commit(&mut self) {
        for written in self.overlay.written() {
            match written.accumulator {
                None => self.store.remove(written.hash, written.key),
                Some(bytes) => self.store.put(written.hash, written.key, bytes, written.timestamp),
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
            let hash = self.hasher.hash(key);
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
    use alloc::vec;
    use alloc::vec::Vec;

    fn state() -> KeyedState {
        KeyedState::new(Box::new(MemoryStore::default()), Hasher::new(1))
    }

    fn put(state: &mut KeyedState, key: &[u8], accumulator: Option<&[u8]>, timestamp: TimestampMs) {
        let slot = state.slot(key);
        state.set(slot, accumulator, timestamp);
    }

    fn get(state: &mut KeyedState, key: &[u8]) -> Option<(Vec<u8>, TimestampMs)> {
        let slot = state.slot(key);
        state.get(slot).map(|(a, t)| (a.to_vec(), t))
    }

    #[test]
    fn an_abort_leaves_the_committed_state() {
        let mut state = state();
        put(&mut state, b"a", Some(b"1"), 5);
        state.commit();
        put(&mut state, b"a", Some(b"2"), 6);
        put(&mut state, b"b", Some(b"3"), 6);
        assert_eq!(get(&mut state, b"a"), Some((b"2".to_vec(), 6)));
        state.abort();
        assert_eq!(get(&mut state, b"a"), Some((b"1".to_vec(), 5)));
        assert_eq!(get(&mut state, b"b"), None);
    }

    #[test]
    fn timestamps_never_fall() {
        let mut state = state();
        put(&mut state, b"a", Some(b"1"), 9);
        state.commit();
        put(&mut state, b"a", Some(b"2"), 3);
        assert_eq!(get(&mut state, b"a"), Some((b"2".to_vec(), 9)));
    }

    #[test]
    fn a_deleted_key_is_gone_before_and_after_the_commit() {
        let mut state = state();
        put(&mut state, b"a", Some(b"1"), 1);
        state.commit();
        put(&mut state, b"a", None, 2);
        assert_eq!(get(&mut state, b"a"), None);
        assert_eq!(state.touched().collect::<Vec<_>>(), vec![(&b"a"[..], None, 2)]);
        state.commit();
        assert!(state.committed().is_empty());
    }

    #[test]
    fn a_key_that_was_only_read_is_not_touched() {
        let mut state = state();
        put(&mut state, b"a", Some(b"1"), 1);
        state.commit();
        assert_eq!(get(&mut state, b"a"), Some((b"1".to_vec(), 1)));
        assert_eq!(get(&mut state, b"b"), None);
        assert_eq!(state.touched().count(), 0);
        state.commit();
        assert_eq!(state.committed().len(), 1);
    }
}
