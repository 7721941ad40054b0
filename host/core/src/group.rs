//! Rows by key: the keys of a call in the order of their first row, each with its rows in log order.

use crate::operator::Groups;
use crate::record::Rows;
use crate::state::{KeyedState, Slot};
use alloc::vec::Vec;

/// Groups rows; keeps its buffers from batch to batch.
#[derive(Default)]
pub(crate) struct Grouper {
    /// For each slot of the state the call that saw it last, and its group there.
    seen: Vec<(u32, u32)>,
    /// Counts calls, from 1.
    call: u32,
    /// For each selected row its group.
    pub(crate) group_of: Vec<u32>,
    /// One per key.
    pub(crate) groups: Vec<Group>,
    /// Rows, group by group, in log order inside a group.
    pub(crate) order: Vec<u32>,
    /// For each selected row its place in `order`.
    pub(crate) place_of: Vec<u32>,
    /// What an operator is given.
    pub(crate) argument: Groups,
}

/// One key of a call.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    /// Its place in the state.
    pub(crate) slot: Slot,
    /// Its first row, for the key's bytes.
    pub(crate) first: u32,
    /// Where its rows end in the order.
    pub(crate) end: u32,
}

impl Grouper {
    /// Groups the rows `selection` (rising; none with a null key) of `rows`. A key is hashed once a row, and the
    /// state is what finds equal keys.
    pub(crate) fn group(&mut self, rows: &Rows, selection: &[u32], state: &mut KeyedState) {
        self.begin();
        for &row in selection {
            let slot = state.slot(key(rows, row));
            let seen = self.seen(slot);
            let group = if seen.0 == self.call {
                seen.1
            } else {
                let group = self.groups.len() as u32;
                self.seen[slot as usize] = (self.call, group);
                self.groups.push(Group { slot, first: row, end: 0 });
                group
            };
            self.groups[group as usize].end += 1;
            self.group_of.push(group);
        }
        self.sort(selection);
    }

    fn begin(&mut self) {
        self.call = self.call.wrapping_add(1);
        if self.call == 0 {
            self.seen.clear();
            self.call = 1;
        }
        self.groups.clear();
        self.group_of.clear();
    }

    fn seen(&mut self, slot: Slot) -> (u32, u32) {
        let slot = slot as usize;
        if slot >= self.seen.len() {
            self.seen.resize(slot + 1, (0, 0));
        }
        self.seen[slot]
    }

    /// Counting sort: `end` holds counts on entry, starts meanwhile, ends at last.
    fn sort(&mut self, selection: &[u32]) {
        let mut start = 0;
        for group in &mut self.groups {
            start += core::mem::replace(&mut group.end, start);
        }
        self.order.clear();
        self.order.resize(selection.len(), 0);
        self.place_of.clear();
        for (&row, &group) in selection.iter().zip(&self.group_of) {
            let end = &mut self.groups[group as usize].end;
            self.order[*end as usize] = row;
            self.place_of.push(*end);
            *end += 1;
        }
    }
}

/// The key of a row that is known to have one.
pub(crate) fn key(rows: &Rows, row: u32) -> &[u8] {
    rows.key(row as usize).expect("rows with a null key are not selected")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hasher;
    use crate::record::Row;
    use crate::state::MemoryStore;
    use alloc::boxed::Box;
    use alloc::vec;

    #[test]
    fn keys_keep_first_seen_order_and_rows_keep_log_order() {
        let mut rows = Rows::new();
        for key in ["b", "a", "b", "c", "a", "b"] {
            rows.push(Row { key: Some(key.as_bytes()), value: Some(b"v"), timestamp: 0 });
        }
        let mut state = KeyedState::new(Box::new(MemoryStore::default()), Hasher::new(3));
        let mut grouper = Grouper::default();
        for _ in 0..2 {
            grouper.group(&rows, &[0, 1, 2, 4, 5], &mut state);
            let keys: Vec<_> = grouper.groups.iter().map(|g| (key(&rows, g.first), g.end)).collect();
            assert_eq!(keys, vec![(&b"b"[..], 3), (b"a", 5)]);
            assert_eq!(grouper.order, vec![0, 2, 5, 1, 4]);
            assert_eq!(grouper.place_of, vec![0, 3, 1, 4, 2]);
        }
    }

    #[test]
    fn groups_of_an_old_call_are_not_taken_for_new_ones() {
        let mut rows = Rows::new();
        rows.push(Row { key: Some(b"a"), value: Some(b"v"), timestamp: 0 });
        let mut state = KeyedState::new(Box::new(MemoryStore::default()), Hasher::new(3));
        let mut grouper = Grouper { call: u32::MAX - 1, ..Grouper::default() };
        for _ in 0..4 {
            grouper.group(&rows, &[0], &mut state);
            assert_eq!(grouper.groups.len(), 1);
        }
    }
}
