//! Which batches a read-committed reader must not see.

use crate::batch::{Batch, Control};
use host_core::record::Offset;
use std::collections::BTreeSet;

/// The aborted transactions of one response's partition, while its batches are read in order.
#[derive(Debug, Default)]
pub struct Aborted {
    /// First offset and producer, the first one last.
    to_come: Vec<(Offset, i64)>,
    /// Producers in the midst of one.
    open: BTreeSet<i64>,
}

impl Aborted {
    /// Begins a response: its aborted transactions as (first offset, producer), in any order.
    pub fn begin(&mut self, transactions: impl Iterator<Item = (Offset, i64)>) {
        self.open.clear();
        self.to_come.clear();
        self.to_come.extend(transactions);
        self.to_come.sort_unstable_by(|a, b| b.cmp(a));
    }

    /// Whether the next batch is to be passed over: it says something of a transaction, or belongs to one that
    /// was aborted.
    pub fn hides(&mut self, batch: &Batch<'_>, control: Option<Control>) -> bool {
        while let Some((_, producer)) = self.to_come.pop_if(|(first, _)| *first <= batch.last_offset) {
            self.open.insert(producer);
        }
        match control {
            Some(Control::Abort) => {
                self.open.remove(&batch.producer_id);
                true
            }
            Some(Control::Commit | Control::Other) => true,
            None => batch.is_transactional() && self.open.contains(&batch.producer_id),
        }
    }
}
