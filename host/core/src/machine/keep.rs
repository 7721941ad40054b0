//! State that stays while its task is away. Under the eager protocol every rebalance takes all partitions and gives
//! most of them back; a task whose partition nobody has committed meanwhile goes on with the state that it had.

use crate::event::Start;
use crate::record::TopicPartition;
use crate::state::KeyedState;
use crate::task::{Committed, Phase, Task};
use alloc::vec::Vec;

/// The state of tasks that were let go.
#[derive(Default)]
pub(super) struct Kept(Vec<(TopicPartition, Committed, KeyedState)>);

impl Kept {
    /// Of tasks that are let go: the state that is exactly what is committed.
    pub(super) fn of(tasks: Vec<Task>) -> Self {
        let kept = tasks.into_iter().filter(|task| task.phase == Phase::Running && !task.touched);
        let kept = kept.filter_map(|task| Some((task.source, task.committed, task.state?)));
        Self(kept.collect())
    }

    /// The state of a partition, if the commit that it was made by is still the last one there: every commit of a
    /// task's changelog commits its offset too, and its metadata names the worker's life and the transaction.
    pub(super) fn take(&mut self, source: &TopicPartition, start: &Start) -> Option<KeyedState> {
        let i = self.0.iter().position(|(kept, _, _)| kept == source)?;
        let (_, committed, state) = self.0.swap_remove(i);
        let Start::Committed { offset, metadata } = start else { return None };
        (committed.offset == Some(*offset) && committed.metadata == *metadata).then_some(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hasher;
    use crate::state::MemoryStore;
    use alloc::boxed::Box;
    use alloc::string::String;
    use alloc::vec;

    fn task(change: impl FnOnce(&mut Task)) -> Task {
        let mut task = Task {
            source: TopicPartition::new("in", 0),
            name: "0_0".into(),
            phase: Phase::Running,
            position: 7,
            committed: Committed { offset: Some(7), metadata: "ours 3".into() },
            touched: false,
            state: Some(KeyedState::new(Box::new(MemoryStore::default()), Hasher::new(0))),
            combiner: None,
            set_back_until_ms: None,
        };
        change(&mut task);
        task
    }

    fn is_kept(task: Task, start: &Start) -> bool {
        Kept::of(vec![task]).take(&TopicPartition::new("in", 0), start).is_some()
    }

    fn committed(offset: i64, metadata: &str) -> Start {
        Start::Committed { offset, metadata: String::from(metadata) }
    }

    #[test]
    fn state_is_kept_while_its_commit_is_the_last() {
        assert!(is_kept(task(|_| {}), &committed(7, "ours 3")));
        assert!(!is_kept(task(|_| {}), &committed(8, "ours 3")));
        assert!(!is_kept(task(|_| {}), &committed(7, "theirs 3")));
        assert!(!is_kept(task(|_| {}), &committed(7, "")), "somebody has set the offset by hand");
        assert!(!is_kept(task(|_| {}), &Start::Reset { offset: 7 }));
    }

    #[test]
    fn state_that_is_not_what_is_committed_is_not_kept() {
        let start = committed(7, "ours 3");
        assert!(!is_kept(task(|task| task.touched = true), &start));
        assert!(!is_kept(task(|task| task.phase = Phase::Restoring), &start));
        assert!(!is_kept(task(|task| task.committed = Committed::default()), &Start::Reset { offset: 7 }));
        assert!(!is_kept(task(|task| task.source = TopicPartition::new("in", 1)), &start));
    }
}
