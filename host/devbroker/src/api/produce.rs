//! Batches in: checked, put in their place, written once.

use super::Call;
use crate::batch::Batch;
use crate::records::records;
use crate::retention;
use crate::state::{State, code};
use bytes::Bytes;
use host_core::record::{Offset, TopicPartition};
use host_model::sequence::Order;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};

/// No answer when the client wants none.
pub(super) fn produce(call: &Call<'_>, request: ProduceRequest) -> Option<ProduceResponse> {
    let id = request.transactional_id.map(|id| id.to_string());
    let mut state = call.shared.lock();
    let mut responses = Vec::new();
    for topic in request.topic_data {
        let mut write = |data: PartitionProduceData| {
            let bytes = data.records.unwrap_or_default();
            let written = if matches!(request.acks, -1..=1) {
                write(call, &mut state, id.as_deref(), (&topic.name, data.index), bytes)
            } else {
                Err(ResponseError::InvalidRequiredAcks)
            };
            PartitionProduceResponse::default()
                .with_index(data.index)
                .with_error_code(code(written.map(|_| ())))
                .with_base_offset(written.map_or(-1, |(offset, _)| offset))
                .with_log_append_time_ms(-1)
                .with_log_start_offset(written.map_or(-1, |(_, start)| start))
        };
        let partitions = topic.partition_data.into_iter().map(&mut write).collect();
        responses.push(
            TopicProduceResponse::default()
                .with_name(topic.name.clone())
                .with_partition_responses(partitions),
        );
    }
    drop(state);
    call.shared.changed();
    (request.acks != 0).then(|| ProduceResponse::default().with_responses(responses))
}

/// Answers the batch's first offset and the log's start.
fn write(
    call: &Call<'_>,
    state: &mut State,
    id: Option<&str>,
    (topic, partition): (&str, i32),
    bytes: Bytes,
) -> Result<(Offset, Offset), ResponseError> {
    let at = state.partition(topic, partition)?;
    let configs = &state.topics[topic].configs;
    let batch = Batch::check(bytes, configs.batch_bytes_max(call.shared.settings.limits.batch_bytes_max))?;
    if configs.compacts() && records(&batch).is_some_and(|all| all.iter().any(|record| record.key.is_none()))
    {
        return Err(ResponseError::InvalidRecord);
    }
    let (limits, bytes) = (&call.shared.settings.limits, batch.bytes().len());
    if state.bytes + bytes > limits.memory_bytes_max {
        retention::retain(state, limits, bytes);
        if state.is_full {
            return Err(ResponseError::KafkaStorageError);
        }
    }
    let epoch = if batch.is_transactional() { Some(check_producer(state, id, &at, &batch)?) } else { None };
    let log = state.kafka.log_mut(&at);
    let (start, end) = (log.start(), log.end());
    let sequence = batch.sequence();
    if let Some(sequence) = sequence {
        match log.sequences.order(sequence) {
            Order::Next => {}
            Order::Duplicate(offset) => return Ok((offset, start)),
            Order::OutOfOrder => return Err(ResponseError::OutOfOrderSequenceNumber),
            Order::OldEpoch => return Err(ResponseError::InvalidProducerEpoch),
        }
        log.sequences.note(sequence, end);
    }
    let batch = batch.placed_at(end);
    state.bytes += bytes;
    match (id, epoch) {
        (Some(id), Some(epoch)) => {
            let sent = state.kafka.send(id, epoch, &at, batch);
            sent.map_err(|_| ResponseError::InvalidProducerEpoch)?;
        }
        _ => drop(state.kafka.append(&at, batch)),
    }
    Ok((end, start))
}

/// The epoch of the producer whose open transaction this batch belongs to.
fn check_producer(
    state: &State,
    id: Option<&str>,
    at: &TopicPartition,
    batch: &Batch,
) -> Result<u32, ResponseError> {
    let (Some(id), Some(sequence)) = (id, batch.sequence()) else {
        return Err(ResponseError::InvalidTxnState);
    };
    let (number, epoch) = state.kafka.producer(id).ok_or(ResponseError::InvalidProducerIdMapping)?;
    if number != sequence.producer {
        return Err(ResponseError::InvalidProducerIdMapping);
    }
    if epoch != sequence.epoch {
        return Err(ResponseError::InvalidProducerEpoch);
    }
    state.kafka.is_enlisted(id, at).then_some(epoch).ok_or(ResponseError::InvalidTxnState)
}
