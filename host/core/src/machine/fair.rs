//! A partition whose records make the module fault costs time to find them. It is set back for a while, so that
//! the other partitions of the worker keep most of its time.

use super::Machine;
use crate::operator::Operator;

/// Others have so many times as long as the faults of a partition took: four fifths of the time are theirs.
const OTHERS_SHARE: u64 = 4;

impl<O: Operator> Machine<O> {
    /// Sets a task back after faults that took `spent_us`. Alone it waits for nobody.
    pub(super) fn set_back(&mut self, i: usize, now_ms: u64, spent_us: u64) {
        let spent_ms = spent_us / 1_000;
        if spent_ms == 0 || self.tasks.len() == 1 {
            return;
        }
        // `now_ms` is when the batch began.
        self.tasks[i].set_back_until_ms = Some(now_ms + (1 + OTHERS_SHARE) * spent_ms);
        self.pause(i);
    }

    pub(super) fn end_set_backs(&mut self, now_ms: u64) {
        for i in 0..self.tasks.len() {
            if self.tasks[i].set_back_until_ms.is_some_and(|until_ms| until_ms <= now_ms) {
                self.tasks[i].set_back_until_ms = None;
                self.read_again(i);
            }
        }
    }
}
