//! What the open transaction has read and written: each key that it has seen, once, with its accumulator.
//!
//! All bytes are in one buffer that is kept over transactions, so that a steady load does not allocate, and an
//! accumulator is replaced where it is when the new one fits.

use super::Slot;
use crate::record::TimestampMs;
use alloc::vec::Vec;
use hashbrown::HashTable;

/// Bytes that are kept for the next transaction whatever this one has used.
const SPARE_BYTES: usize = 4 << 20;

#[derive(Default)]
pub(super) struct Overlay {
    index: HashTable<Slot>,
    slots: Vec<Seen>,
    bytes: Vec<u8>,
}

/// A key that was seen. Its accumulator has `accumulator_len` bytes in a place of `room` bytes.
struct Seen {
    hash: u64,
    key_at: usize,
    accumulator_at: usize,
    timestamp: TimestampMs,
    key_len: u32,
    accumulator_len: u32,
    room: u32,
    /// It has an accumulator.
    is_there: bool,
    /// Set or deleted in this transaction.
    is_written: bool,
}

/// A key that was set or deleted (no accumulator).
pub(super) struct Written<'a> {
    pub(super) hash: u64,
    pub(super) key: &'a [u8],
    pub(super) accumulator: Option<&'a [u8]>,
    pub(super) timestamp: TimestampMs,
}

impl Overlay {
    pub(super) fn find(&self, hash: u64, key: &[u8]) -> Option<Slot> {
        self.index.find(hash, |&slot| self.key(&self.slots[slot as usize]) == key).copied()
    }

    /// A key that was not seen before, with what is committed for it.
    pub(super) fn insert(&mut self, hash: u64, key: &[u8], committed: Option<(&[u8], TimestampMs)>) -> Slot {
        let slot = Slot::try_from(self.slots.len()).expect("a transaction sees fewer than 2^32 keys");
        let (accumulator, timestamp) = committed.unwrap_or((&[], TimestampMs::MIN));
        let key_at = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(accumulator);
        let len = crate::record::position(accumulator.len());
        self.slots.push(Seen {
            hash,
            key_at,
            accumulator_at: key_at + key.len(),
            timestamp,
            key_len: crate::record::position(key.len()),
            accumulator_len: len,
            room: len,
            is_there: committed.is_some(),
            is_written: false,
        });
        let slots = &self.slots;
        self.index.insert_unique(hash, slot, |&slot| slots[slot as usize].hash);
        slot
    }

    pub(super) fn get(&self, slot: Slot) -> Option<(&[u8], TimestampMs)> {
        let seen = &self.slots[slot as usize];
        seen.is_there.then(|| (self.accumulator(seen), seen.timestamp))
    }

    pub(super) fn timestamp(&self, slot: Slot) -> TimestampMs {
        self.slots[slot as usize].timestamp
    }

    pub(super) fn set(&mut self, slot: Slot, accumulator: Option<&[u8]>, timestamp: TimestampMs) {
        let seen = &mut self.slots[slot as usize];
        seen.timestamp = seen.timestamp.max(timestamp);
        seen.is_there = accumulator.is_some();
        seen.is_written = true;
        let bytes = accumulator.unwrap_or_default();
        let len = crate::record::position(bytes.len());
        seen.accumulator_len = len;
        if len > seen.room {
            // From the second time on twice the room: what grows step by step wastes no more than it has.
            seen.room = if seen.room == 0 { len } else { len.saturating_mul(2) };
            seen.accumulator_at = self.bytes.len();
            self.bytes.resize(self.bytes.len() + seen.room as usize, 0);
        }
        self.bytes[seen.accumulator_at..][..bytes.len()].copy_from_slice(bytes);
    }

    pub(super) fn written(&self) -> impl Iterator<Item = Written<'_>> {
        self.slots.iter().filter(|seen| seen.is_written).map(|seen| Written {
            hash: seen.hash,
            key: self.key(seen),
            accumulator: seen.is_there.then(|| self.accumulator(seen)),
            timestamp: seen.timestamp,
        })
    }

    pub(super) fn clear(&mut self) {
        let used = self.bytes.len();
        self.index.clear();
        self.slots.clear();
        self.bytes.clear();
        // After a peak the buffer comes down again, by halves.
        if self.bytes.capacity() > SPARE_BYTES.max(4 * used) {
            self.bytes.shrink_to(self.bytes.capacity() / 2);
        }
    }

    fn key(&self, seen: &Seen) -> &[u8] {
        &self.bytes[seen.key_at..][..seen.key_len as usize]
    }

    fn accumulator(&self, seen: &Seen) -> &[u8] {
        &self.bytes[seen.accumulator_at..][..seen.accumulator_len as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accumulator_that_grows_and_shrinks_keeps_its_neighbours() {
        let mut overlay = Overlay::default();
        let a = overlay.insert(1, b"a", Some((b"12", 5)));
        let b = overlay.insert(2, b"b", None);
        for len in [0, 1, 2, 3, 7, 3, 100, 64, 200] {
            overlay.set(a, Some(&alloc::vec![b'x'; len]), 0);
            overlay.set(b, Some(b"neighbour"), 9);
            assert_eq!(overlay.get(a), Some((&alloc::vec![b'x'; len][..], 5)));
            assert_eq!(overlay.get(b), Some((&b"neighbour"[..], 9)));
        }
        assert_eq!(overlay.find(1, b"a"), Some(a));
        assert_eq!(overlay.find(2, b"c"), None);
    }

    #[test]
    fn the_buffer_comes_down_after_a_peak() {
        let mut overlay = Overlay::default();
        overlay.insert(1, &alloc::vec![0; 8 * SPARE_BYTES], None);
        for _ in 0..8 {
            overlay.clear();
        }
        assert!(overlay.bytes.capacity() <= SPARE_BYTES, "{}", overlay.bytes.capacity());
    }
}
