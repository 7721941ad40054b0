//! Idempotent producers: the same batch sent twice is written once, and a hole is refused.

use alloc::collections::{BTreeMap, VecDeque};
use host_core::record::Offset;

/// Batches of a producer that are remembered; it has no more on their way.
const BATCHES_MAX: usize = 5;

/// The numbers that an idempotent producer gives a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sequence {
    /// Who writes.
    pub producer: u64,
    /// Its epoch.
    pub epoch: u32,
    /// Of the first record; it counts on from 0 after `i32::MAX`.
    pub first: i32,
    /// Of the last record.
    pub last: i32,
}

/// What a batch is to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// The next.
    Next,
    /// Already written, at this offset.
    Duplicate(Offset),
    /// Something before it is missing.
    OutOfOrder,
    /// The producer has a newer epoch.
    OldEpoch,
}

#[derive(Clone, Debug, Default)]
struct Recent {
    epoch: u32,
    batches: VecDeque<(Sequence, Offset)>,
}

/// By producer, what it has written last to one log.
#[derive(Clone, Debug, Default)]
pub struct Sequences(BTreeMap<u64, Recent>);

impl Sequences {
    /// What this batch is. One of a producer that is not known may have any numbers: what it wrote before may have
    /// been deleted.
    pub fn order(&self, batch: Sequence) -> Order {
        let Some(recent) = self.0.get(&batch.producer) else { return Order::Next };
        if batch.epoch < recent.epoch {
            return Order::OldEpoch;
        }
        if batch.epoch > recent.epoch {
            return if batch.first == 0 { Order::Next } else { Order::OutOfOrder };
        }
        let found = recent.batches.iter().find(|(known, _)| *known == batch);
        if let Some((_, offset)) = found {
            return Order::Duplicate(*offset);
        }
        match recent.batches.back() {
            Some((last, _)) if batch.first != next(last.last) => Order::OutOfOrder,
            _ => Order::Next,
        }
    }

    /// Remembers a batch that was written at `offset`.
    pub fn note(&mut self, batch: Sequence, offset: Offset) {
        let recent = self.0.entry(batch.producer).or_default();
        if recent.epoch != batch.epoch {
            *recent = Recent { epoch: batch.epoch, batches: VecDeque::new() };
        }
        recent.batches.push_back((batch, offset));
        if recent.batches.len() > BATCHES_MAX {
            recent.batches.pop_front();
        }
    }

    /// A producer has ended a transaction in this epoch; older ones are refused from now on.
    pub fn raise(&mut self, producer: u64, epoch: u32) {
        if let Some(recent) = self.0.get_mut(&producer)
            && recent.epoch < epoch
        {
            *recent = Recent { epoch, batches: VecDeque::new() };
        }
    }
}

fn next(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(epoch: u32, first: i32, last: i32) -> Sequence {
        Sequence { producer: 7, epoch, first, last }
    }

    #[test]
    fn a_batch_is_next_twice_or_out_of_order() {
        let mut sequences = Sequences::default();
        assert_eq!(sequences.order(batch(0, 40, 49)), Order::Next);
        sequences.note(batch(0, 40, 49), 100);
        assert_eq!(sequences.order(batch(0, 40, 49)), Order::Duplicate(100));
        assert_eq!(sequences.order(batch(0, 50, 50)), Order::Next);
        assert_eq!(sequences.order(batch(0, 51, 51)), Order::OutOfOrder);
    }

    #[test]
    fn a_new_epoch_begins_at_0_and_ends_the_old_one() {
        let mut sequences = Sequences::default();
        sequences.note(batch(0, 0, 9), 100);
        assert_eq!(sequences.order(batch(1, 10, 10)), Order::OutOfOrder);
        assert_eq!(sequences.order(batch(1, 0, 0)), Order::Next);
        sequences.note(batch(1, 0, 0), 110);
        assert_eq!(sequences.order(batch(0, 10, 10)), Order::OldEpoch);
    }

    #[test]
    fn numbers_go_on_from_0() {
        let mut sequences = Sequences::default();
        sequences.note(batch(0, i32::MAX, i32::MAX), 0);
        assert_eq!(sequences.order(batch(0, 0, 3)), Order::Next);
    }

    #[test]
    fn five_batches_are_remembered() {
        let mut sequences = Sequences::default();
        for i in 0..6 {
            sequences.note(batch(0, i, i), i64::from(i));
        }
        assert_eq!(sequences.order(batch(0, 0, 0)), Order::OutOfOrder);
        assert_eq!(sequences.order(batch(0, 1, 1)), Order::Duplicate(1));
    }
}
