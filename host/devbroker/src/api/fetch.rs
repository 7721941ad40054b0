//! Batches out: whole ones, up to the last stable offset for readers of committed records, with the transactions that
//! these have to leave out. Waits until there is enough.

use super::Call;
use crate::batch::Batch;
use crate::state::State;
use bytes::{Bytes, BytesMut};
use host_core::record::Offset;
use host_model::log::{Entry, Log};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::fetch_request::FetchPartition;
use kafka_protocol::messages::fetch_response::{AbortedTransaction, FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{BrokerId, FetchRequest, FetchResponse, ProducerId};
use std::time::{Duration, Instant};

const READ_COMMITTED: i8 = 1;
const NO_NODE: i32 = -1;

/// What is found for a partition, before it is copied.
struct Found {
    data: PartitionData,
    batches: Vec<Bytes>,
}

pub(super) fn fetch(call: &Call<'_>, request: FetchRequest) -> FetchResponse {
    let wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let deadline = Instant::now() + wait;
    let enough = usize::try_from(request.min_bytes).unwrap_or(0);
    let mut state = call.shared.lock();
    let found = loop {
        let (found, bytes, has_error) = look(call, &state, &request);
        if bytes >= enough || has_error || Instant::now() >= deadline || call.shared.is_stopping() {
            break found;
        }
        state = call.shared.wait(state, deadline);
    };
    drop(state);
    let topics = request.topics.into_iter().zip(found);
    let responses = topics.map(|(topic, found)| {
        let partitions = found.into_iter().map(|found| {
            let records = joined(&found.batches);
            found.data.with_records(Some(records))
        });
        FetchableTopicResponse::default().with_topic(topic.topic).with_partitions(partitions.collect())
    });
    FetchResponse::default().with_responses(responses.collect())
}

/// By topic and partition, with all bytes, and whether one has an error.
fn look(call: &Call<'_>, state: &State, request: &FetchRequest) -> (Vec<Vec<Found>>, usize, bool) {
    let limit = call.shared.settings.limits.fetch_bytes_max;
    let bytes_max = usize::try_from(request.max_bytes).unwrap_or(0).min(limit);
    let is_committed = request.isolation_level == READ_COMMITTED;
    let (mut bytes, mut has_error) = (0, false);
    let mut look = |topic: &str, partition: &FetchPartition| {
        let left = bytes_max.saturating_sub(bytes);
        let room = usize::try_from(partition.partition_max_bytes).unwrap_or(0).min(left);
        // A first batch comes even if it is larger than all room, or its reader would never get on.
        let found = of_partition(state, topic, partition, is_committed, (room, bytes == 0));
        bytes += found.batches.iter().map(Bytes::len).sum::<usize>();
        has_error |= found.data.error_code != 0;
        found
    };
    let topics = request.topics.iter();
    let found =
        topics.map(|topic| topic.partitions.iter().map(|p| look(&topic.topic, p)).collect()).collect();
    (found, bytes, has_error)
}

fn of_partition(
    state: &State,
    topic: &str,
    partition: &FetchPartition,
    is_committed: bool,
    room: (usize, bool),
) -> Found {
    let data = PartitionData::default()
        .with_partition_index(partition.partition)
        .with_preferred_read_replica(BrokerId(NO_NODE));
    let refused = |data: PartitionData, error: ResponseError| {
        let data = data.with_error_code(error.code()).with_aborted_transactions(None);
        Found { data, batches: Vec::new() }
    };
    let unknown = |data: PartitionData| {
        data.with_high_watermark(-1).with_last_stable_offset(-1).with_log_start_offset(-1)
    };
    let log = match state.partition(topic, partition.partition) {
        Ok(at) => state.kafka.log(&at),
        Err(_) => None,
    };
    let Some(log) = log else { return refused(unknown(data), ResponseError::UnknownTopicOrPartition) };
    let position = partition.fetch_offset;
    if position < log.start() || position > log.end() {
        return refused(unknown(data), ResponseError::OffsetOutOfRange);
    }
    let data = data
        .with_high_watermark(log.end())
        .with_last_stable_offset(log.last_stable())
        .with_log_start_offset(log.start());
    let end = if is_committed { log.last_stable() } else { log.end() };
    let (batches, next) = batches(log, (position, end), room);
    let aborted = is_committed.then(|| aborted(log, position, next));
    Found { data: data.with_aborted_transactions(aborted), batches }
}

/// Whole batches from a position up to an end, and the offset behind them.
fn batches(log: &Log<Batch>, (position, end): (Offset, Offset), room: (usize, bool)) -> (Vec<Bytes>, Offset) {
    let (mut left, mut is_first) = room;
    let (mut found, mut next) = (Vec::new(), position);
    for (offset, entry) in log.from(position).take_while(|(offset, _)| *offset < end) {
        let (bytes, behind) = match entry {
            Entry::Data(_, batch) => {
                (batch.bytes().clone(), offset + host_model::log::Content::offsets(batch))
            }
            Entry::Marker(marker) => (Batch::of_marker(offset, marker), offset + 1),
        };
        if bytes.len() > left && !is_first {
            break;
        }
        left = left.saturating_sub(bytes.len());
        is_first = false;
        found.push(bytes);
        next = behind;
    }
    (found, next)
}

fn aborted(log: &Log<Batch>, from: Offset, to: Offset) -> Vec<AbortedTransaction> {
    let of = |aborted: &host_model::log::Aborted| {
        AbortedTransaction::default()
            .with_producer_id(ProducerId(aborted.producer.cast_signed()))
            .with_first_offset(aborted.first)
    };
    log.aborted(from, to).map(of).collect()
}

fn joined(batches: &[Bytes]) -> Bytes {
    match batches {
        [] => Bytes::new(),
        [only] => only.clone(),
        many => {
            let mut all = BytesMut::with_capacity(many.iter().map(Bytes::len).sum());
            for batch in many {
                all.extend_from_slice(batch);
            }
            all.freeze()
        }
    }
}
