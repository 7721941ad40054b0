//! What was read, and which leaders took it: offsets are committed with the leader epoch of the record before them.

use host_core::record::{Offset, TopicPartition};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Of one partition; the oldest are forgotten. A new leader is rare, and what is asked for was read last.
const STRETCHES_MAX: usize = 8;

/// By partition, what was read.
#[derive(Debug, Default)]
pub(super) struct Trail {
    /// In the order of the log.
    read: BTreeMap<TopicPartition, VecDeque<Stretch>>,
    /// Those that the client did not find where it read them, and of which nothing has come since.
    doubted: BTreeSet<TopicPartition>,
}

/// Records that one leader took: the first and the last that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    first: Offset,
    last: Offset,
    leader_epoch: i32,
}

impl Trail {
    /// Records from `first` to `last` were read, of this leader epoch (-1: not known); what was read there and behind them
    /// before is not said of this log any more.
    pub(super) fn read(&mut self, source: &TopicPartition, first: Offset, last: Offset, leader_epoch: i32) {
        self.went_on(source);
        if !self.read.contains_key(source) {
            self.read.insert(source.clone(), VecDeque::new());
        }
        let stretches = self.read.get_mut(source).expect("just put there");
        while stretches.back().is_some_and(|stretch| stretch.first >= first) {
            stretches.pop_back();
        }
        if let Some(stretch) = stretches.back_mut() {
            stretch.last = stretch.last.min(first - 1);
        }
        match stretches.back_mut() {
            _ if leader_epoch < 0 => {}
            Some(stretch) if stretch.leader_epoch == leader_epoch => stretch.last = last,
            _ => stretches.push_back(Stretch { first, last, leader_epoch }),
        }
        if stretches.len() > STRETCHES_MAX {
            stretches.pop_front();
        }
    }

    /// Something came of the partition.
    pub(super) fn went_on(&mut self, source: &TopicPartition) {
        if !self.doubted.is_empty() {
            self.doubted.remove(source);
        }
    }

    /// The client does not find its place in the log. False: it did not before, and nothing has come since.
    pub(super) fn doubt(&mut self, source: &TopicPartition) -> bool {
        self.doubted.insert(source.clone())
    }

    /// Of the record before `offset`, if that was read.
    pub(super) fn leader_epoch(&self, source: &TopicPartition, offset: Offset) -> Option<i32> {
        let mut stretches = self.read.get(source)?.iter();
        // Between two records of one leader are only its own, though they were not read: markers, compacted ones.
        let has = |stretch: &&Stretch| (stretch.first..=stretch.last).contains(&(offset - 1));
        stretches.find(has).map(|stretch| stretch.leader_epoch)
    }

    /// Of a partition in doubt, where what was read before `offset` ends, and its leader epoch.
    pub(super) fn doubted(&self, source: &TopicPartition, offset: Offset) -> Option<(Offset, i32)> {
        let stretches = self.doubted.contains(source).then(|| self.read.get(source))??;
        let stretch = stretches.iter().rfind(|stretch| stretch.first < offset)?;
        Some((offset.min(stretch.last + 1), stretch.leader_epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> TopicPartition {
        TopicPartition::new("in", 0)
    }

    /// After these were read.
    fn trail(read: &[(Offset, Offset, i32)]) -> Trail {
        let mut trail = Trail::default();
        for (first, last, leader_epoch) in read {
            trail.read(&source(), *first, *last, *leader_epoch);
        }
        trail
    }

    #[test]
    fn the_record_before_an_offset_tells_its_leader() {
        let trail = trail(&[(10, 14, 0), (17, 19, 0), (21, 25, 2)]);
        let epochs = [10, 11, 15, 16, 20, 21, 22, 26, 27].map(|offset| trail.leader_epoch(&source(), offset));
        let read = [None, Some(0), Some(0), Some(0), Some(0), None, Some(2), Some(2), None];
        assert_eq!(epochs, read, "19 was the last of 0, 21 the first of 2, and of 20 nobody knows");
    }

    #[test]
    fn what_is_read_again_counts_and_not_what_was_read_before() {
        let trail = trail(&[(10, 14, 0), (15, 19, 1), (12, 13, 3)]);
        let epochs = [12, 13, 14, 15, 17].map(|offset| trail.leader_epoch(&source(), offset));
        assert_eq!(epochs, [Some(0), Some(3), Some(3), None, None]);
    }

    #[test]
    fn what_is_read_again_of_leaders_that_are_not_known_takes_their_place() {
        let trail = trail(&[(10, 14, 0), (15, 19, 1), (12, 30, -1)]);
        let epochs = [12, 13, 16, 20, 31].map(|offset| trail.leader_epoch(&source(), offset));
        assert_eq!(epochs, [Some(0), None, None, None, None]);
    }

    #[test]
    fn a_doubt_is_over_when_something_comes() {
        let mut trail = trail(&[(10, 14, 0)]);
        assert!(trail.doubt(&source()));
        assert!(!trail.doubt(&source()), "nothing has come since");
        trail.went_on(&TopicPartition::new("in", 1));
        assert!(!trail.doubt(&source()));
        trail.went_on(&source());
        assert!(trail.doubt(&source()));
        trail.read(&source(), 15, 15, 0);
        assert!(trail.doubt(&source()));
    }

    #[test]
    fn in_doubt_the_end_of_what_was_read_tells_where_nobody_took_the_record_before() {
        let mut trail = trail(&[(10, 14, 0), (20, 24, 2)]);
        assert_eq!(trail.doubted(&source(), 18), None, "nobody doubts");
        assert!(trail.doubt(&source()));
        let ends = [10, 11, 18, 22, 30].map(|offset| trail.doubted(&source(), offset));
        assert_eq!(ends, [None, Some((11, 0)), Some((15, 0)), Some((22, 2)), Some((25, 2))]);
    }

    #[test]
    fn old_leaders_are_forgotten_and_unknown_ones_not_kept() {
        let mut read: Vec<_> = (0..10).map(|epoch| (Offset::from(epoch) * 10, 9, epoch)).collect();
        for stretch in &mut read {
            stretch.1 += stretch.0;
        }
        read.push((100, 109, -1));
        let trail = trail(&read);
        let epochs = [15, 25, 95, 105].map(|offset| trail.leader_epoch(&source(), offset));
        assert_eq!(epochs, [None, Some(2), Some(9), None]);
    }
}
