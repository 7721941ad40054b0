//! Rows by key: the keys of a batch in the order of their first row, each with its rows in log order.

use crate::record::Rows;
use crate::state::KeyedState;
use alloc::vec::Vec;
use hashbrown::HashTable;

/// Groups rows; keeps its buffers from batch to batch.
#[derive(Default)]
pub(crate) struct Grouper {
    index: HashTable<u32>,
    group_of: Vec<u32>,
    /// One per group.
    pub(crate) groups: Vec<Group>,
    /// Rows, group by group, in log order inside a group.
    pub(crate) order: Vec<u32>,
}

/// One key of a batch.
#[derive(Clone, Copy)]
pub(crate) struct Group {
    /// The hash of the key.
    pub(crate) hash: u64,
    /// Its first row, for the key's bytes.
    pub(crate) first: u32,
    /// Where its rows end in the order.
    pub(crate) end: u32,
}

impl Grouper {
    /// Groups the rows `selection` (rising; none with a null key) of `rows`.
    pub(crate) fn group(&mut self, rows: &Rows, selection: &[u32], state: &KeyedState) {
        self.index.clear();
        self.groups.clear();
        self.group_of.clear();
        for &row in selection {
            let key = key(rows, row);
            let hash = state.hash(key);
            let groups = &mut self.groups;
            let found = self.index.find(hash, |&g| self::key(rows, groups[g as usize].first) == key).copied();
            let group = found.unwrap_or_else(|| {
                let g = groups.len() as u32;
                groups.push(Group { hash, first: row, end: 0 });
                self.index.insert_unique(hash, g, |&g| groups[g as usize].hash);
                g
            });
            groups[group as usize].end += 1;
            self.group_of.push(group);
        }
        self.sort(selection);
    }

    /// Counting sort: `end` holds counts on entry, starts meanwhile, ends at last.
    fn sort(&mut self, selection: &[u32]) {
        let mut start = 0;
        for group in &mut self.groups {
            start += core::mem::replace(&mut group.end, start);
        }
        self.order.clear();
        self.order.resize(selection.len(), 0);
        for (&row, &group) in selection.iter().zip(&self.group_of) {
            let end = &mut self.groups[group as usize].end;
            self.order[*end as usize] = row;
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
        let state = KeyedState::new(Box::new(MemoryStore::default()), Hasher::new(3));
        let mut grouper = Grouper::default();
        grouper.group(&rows, &[0, 1, 2, 4, 5], &state);
        let keys: Vec<_> = grouper.groups.iter().map(|g| (key(&rows, g.first), g.end)).collect();
        assert_eq!(keys, vec![(&b"b"[..], 3), (b"a", 5)]);
        assert_eq!(grouper.order, vec![0, 2, 5, 1, 4]);
    }
}
