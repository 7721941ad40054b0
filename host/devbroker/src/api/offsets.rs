//! Offsets of logs: first, last, by time.

use super::Call;
use crate::batch::Batch;
use crate::records::records;
use crate::state::{LEADER_EPOCH, State, code};
use host_core::record::Offset;
use host_model::log::{Entry, Log};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::list_offsets_request::ListOffsetsPartition;
use kafka_protocol::messages::list_offsets_response::{
    ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use kafka_protocol::messages::offset_for_leader_epoch_request::OffsetForLeaderPartition;
use kafka_protocol::messages::offset_for_leader_epoch_response::{
    EpochEndOffset, OffsetForLeaderTopicResult,
};
use kafka_protocol::messages::{
    ListOffsetsRequest, ListOffsetsResponse, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse,
};

const READ_COMMITTED: i8 = 1;
/// What may stand in the place of a time.
const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const NEWEST: i64 = -3;
/// From this version on answers have the leader's epoch.
const EPOCH_SINCE: i16 = 4;
/// Nothing was found.
const NONE: i64 = -1;

pub(super) fn list(call: &Call<'_>, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let state = call.shared.lock();
    let is_committed = request.isolation_level == READ_COMMITTED;
    let mut topics = Vec::new();
    for topic in request.topics {
        let answer = |partition: &ListOffsetsPartition| {
            let index = partition.partition_index;
            let found = find(&state, &topic.name, index, partition.timestamp, is_committed);
            let (timestamp, offset) = found.unwrap_or((NONE, NONE));
            ListOffsetsPartitionResponse::default()
                .with_partition_index(index)
                .with_error_code(code(found.map(|_| ())))
                .with_timestamp(timestamp)
                .with_offset(offset)
                .with_leader_epoch(if offset == NONE || call.version < EPOCH_SINCE {
                    -1
                } else {
                    LEADER_EPOCH
                })
        };
        let partitions = topic.partitions.iter().map(answer).collect();
        topics.push(
            ListOffsetsTopicResponse::default().with_name(topic.name.clone()).with_partitions(partitions),
        );
    }
    ListOffsetsResponse::default().with_topics(topics)
}

/// Time and offset.
fn find(
    state: &State,
    topic: &str,
    partition: i32,
    wanted: i64,
    is_committed: bool,
) -> Result<(i64, Offset), ResponseError> {
    let at = state.partition(topic, partition)?;
    let log = state.kafka.log(&at).ok_or(ResponseError::UnknownTopicOrPartition)?;
    let end = if is_committed { log.last_stable() } else { log.end() };
    Ok(match wanted {
        LATEST => (NONE, end),
        EARLIEST => (NONE, log.start()),
        NEWEST => newest(log, end),
        time if time >= 0 => first_since(log, end, time),
        _ => return Err(ResponseError::UnsupportedVersion),
    })
}

/// The first record whose time is `time` or later.
fn first_since(log: &Log<Batch>, end: Offset, time: i64) -> (i64, Offset) {
    let mut times = times(log, end).flat_map(|(offset, entry)| in_entry(offset, entry, time));
    times.find(|(found, offset)| *found >= time && *offset >= log.start()).unwrap_or((NONE, NONE))
}

/// The first of the records with the latest time.
fn newest(log: &Log<Batch>, end: Offset) -> (i64, Offset) {
    let all = times(log, end).flat_map(|(offset, entry)| in_entry(offset, entry, i64::MIN));
    let later = |best: (i64, Offset), found: (i64, Offset)| if found.0 > best.0 { found } else { best };
    all.fold((NONE, NONE), later)
}

fn times(log: &Log<Batch>, end: Offset) -> impl Iterator<Item = (Offset, &Entry<Batch>)> {
    log.from(log.start()).take_while(move |(offset, _)| *offset < end)
}

/// Times and offsets in an entry that may have a record since `time`. Of compressed records only what the header says
/// is known: they all count as its first.
fn in_entry(offset: Offset, entry: &Entry<Batch>, time: i64) -> Vec<(i64, Offset)> {
    match entry {
        Entry::Marker(marker) => vec![(marker.timestamp, offset)],
        Entry::Data(_, batch) if batch.max_timestamp() < time => Vec::new(),
        Entry::Data(_, batch) => match records(batch) {
            None => vec![(batch.max_timestamp(), offset)],
            Some(records) => {
                let base = batch.base_timestamp();
                records
                    .iter()
                    .map(|record| (base + record.timestamp_delta, offset + record.offset_delta))
                    .collect()
            }
        },
    }
}

/// Where a leader's time ended: there was one leader only, and it leads still.
pub(super) fn of_epoch(
    call: &Call<'_>,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let state = call.shared.lock();
    let mut topics = Vec::new();
    for topic in request.topics {
        let answer = |partition: &OffsetForLeaderPartition| {
            let found = state.partition(&topic.topic, partition.partition);
            let end = found.as_ref().map_or(NONE, |at| state.kafka.end(at));
            let is_known = partition.leader_epoch >= LEADER_EPOCH && found.is_ok();
            EpochEndOffset::default()
                .with_partition(partition.partition)
                .with_error_code(code(found.map(|_| ())))
                .with_leader_epoch(if is_known { LEADER_EPOCH } else { -1 })
                .with_end_offset(if is_known { end } else { NONE })
        };
        let partitions = topic.partitions.iter().map(answer).collect();
        topics.push(
            OffsetForLeaderTopicResult::default().with_topic(topic.topic.clone()).with_partitions(partitions),
        );
    }
    OffsetForLeaderEpochResponse::default().with_topics(topics)
}
