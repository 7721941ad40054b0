//! Compaction: of each key the newest record stays. Offsets stay as they are.
//!
//! Up to the last stable offset there are no open transactions, so what was aborted goes, and the markers with it. The
//! last entry stays in any case: readers have to get past it. Compressed batches stay whole, as their keys are not
//! looked at.

use crate::batch::Batch;
use crate::configs::TopicConfigs;
use crate::records::{Record, records};
use crate::state::{State, wall_ms};
use bytes::{Bytes, BytesMut};
use host_core::record::Offset;
use host_model::log::{Aborted, Cleaned, Entry, Log};
use std::collections::HashMap;

/// Cleans the logs that have grown enough since they were cleaned last.
pub(crate) fn clean(state: &mut State) {
    let now = wall_ms();
    for (at, log) in state.kafka.logs_mut() {
        let Some(configs) = state.topics.get(&at.topic).map(|topic| &topic.configs) else { continue };
        if !configs.compacts() {
            continue;
        }
        let before = state.cleaned.get(at).copied().unwrap_or(0);
        let dirty = log.bytes().saturating_sub(before);
        if dirty == 0 || (dirty as f64) < configs.dirty_ratio() * log.bytes() as f64 {
            continue;
        }
        clean_log(log, configs, now);
        state.cleaned.insert(at.clone(), log.bytes());
    }
}

fn clean_log(log: &mut Log<Batch>, configs: &TopicConfigs, now: i64) {
    let stable = log.last_stable();
    let Some(end) = log.from(0).take_while(|(offset, _)| *offset < stable).map(|(offset, _)| offset).last()
    else {
        return;
    };
    let aborted: Vec<Aborted> = log.aborted(0, end).copied().collect();
    let is_aborted = |offset: Offset, batch: &Batch| {
        batch.is_transactional()
            && batch.sequence().is_some_and(|sequence| {
                aborted
                    .iter()
                    .any(|a| a.producer == sequence.producer && (a.first..a.marker).contains(&offset))
            })
    };
    let newest = newest(log, stable, &is_aborted);
    let old = now.saturating_sub(configs.delete_retention_ms());
    log.clean(end, |offset, batch| {
        if is_aborted(offset, batch) {
            return Some(Cleaned::Gone);
        }
        let all = records(batch)?;
        let stays = |record: &Record<'_>| {
            let is_newest =
                record.key.is_none_or(|key| newest.get(key) == Some(&(offset + record.offset_delta)));
            is_newest && (record.has_value || batch.base_timestamp() + record.timestamp_delta >= old)
        };
        let kept: Vec<_> = all.iter().filter(|record| stays(record)).collect();
        if kept.len() == all.len() {
            return None;
        }
        if kept.is_empty() {
            return Some(Cleaned::Gone);
        }
        let mut encoded = BytesMut::new();
        for record in &kept {
            encoded.extend_from_slice(record.encoded);
        }
        Some(Cleaned::Smaller(batch.with_records(kept.len() as i32, &encoded)))
    });
}

/// The offset of the newest record of each key.
fn newest(
    log: &Log<Batch>,
    stable: Offset,
    is_aborted: &impl Fn(Offset, &Batch) -> bool,
) -> HashMap<Bytes, Offset> {
    let mut newest = HashMap::new();
    for (offset, entry) in log.from(0).take_while(|(offset, _)| *offset < stable) {
        let Entry::Data(_, batch) = entry else { continue };
        if is_aborted(offset, batch) {
            continue;
        }
        for record in records(batch).unwrap_or_default() {
            if let Some(key) = record.key {
                newest.insert(batch.bytes().slice_ref(key), offset + record.offset_delta);
            }
        }
    }
    newest
}
