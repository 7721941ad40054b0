//! Keeps logs as small as topics say, and all of them within memory.

use crate::batch::Batch;
use crate::settings::Limits;
use crate::state::{State, wall_ms};
use host_core::record::TopicPartition;
use host_model::log::{Content as _, Entry, Log};
use std::collections::BTreeMap;

/// Of memory, one part in so many is made free at once.
const ROOM: usize = 10;

/// Deletes old batches where topics say so, then the oldest of those that may go until everything fits, and so many
/// bytes more.
pub(crate) fn retain(state: &mut State, limits: &Limits, more: usize) {
    let now = wall_ms();
    let mut sizes: BTreeMap<TopicPartition, usize> = BTreeMap::new();
    let mut all = 0;
    for (at, log) in state.kafka.logs_mut() {
        let Some(configs) = state.topics.get(&at.topic).map(|topic| &topic.configs) else { continue };
        if configs.deletes() {
            let oldest = configs.retention_ms().map(|ms| now - ms);
            let bytes_max = configs.retention_bytes();
            while let Some((end, timestamp)) = first(log)
                && (oldest.is_some_and(|oldest| timestamp < oldest)
                    || bytes_max.is_some_and(|max| log.bytes() > max))
            {
                log.delete_before(end);
            }
        }
        all += log.bytes();
        if !configs.keeps_all() {
            sizes.insert(at.clone(), log.bytes());
        }
    }
    let max = limits.memory_bytes_max;
    if all + more > max {
        // With some room to write before it has to be looked again.
        all = shrink(state, max - max / ROOM, all, sizes);
    }
    let is_full = all + more > max;
    if is_full && !state.is_full {
        tracing::warn!(
            bytes = all,
            memory_bytes_max = max,
            "the broker is full, and refuses what is written"
        );
    }
    (state.bytes, state.is_full) = (all, is_full);
}

/// The end of the first entry that may go, and the time of its newest record. The last stable entry stays.
fn first(log: &Log<Batch>) -> Option<(i64, i64)> {
    let (offset, entry) = log.from(log.start()).next()?;
    let (end, timestamp) = match entry {
        Entry::Data(_, batch) => (offset + batch.offsets(), batch.max_timestamp()),
        Entry::Marker(marker) => (offset + 1, marker.timestamp),
    };
    (end < log.last_stable()).then_some((end, timestamp))
}

/// Answers how much is left: more than wanted when nothing more may go.
fn shrink(
    state: &mut State,
    wanted: usize,
    mut all: usize,
    mut sizes: BTreeMap<TopicPartition, usize>,
) -> usize {
    while all > wanted {
        let largest = sizes.iter().max_by_key(|(_, bytes)| **bytes).map(|(at, _)| at.clone());
        let Some(at) = largest else { break };
        let log = state.kafka.log_mut(&at);
        let before = log.bytes();
        let Some((end, _)) = first(log) else {
            sizes.remove(&at);
            continue;
        };
        log.delete_before(end);
        all -= before - log.bytes();
        sizes.insert(at, log.bytes());
    }
    all
}
