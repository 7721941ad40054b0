//! Producers and their transactions.

use super::Call;
use crate::state::{Deadline, State, code};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    EndTxnRequest, EndTxnResponse, InitProducerIdRequest, InitProducerIdResponse, ProducerId,
};
use std::time::{Duration, Instant};

/// From this version of the requests on a client knows that code of its own.
const FENCED_SINCE: i16 = 2;
/// The same for `InitProducerId`.
const INIT_FENCED_SINCE: i16 = 4;

/// Whom a request says it comes from.
#[derive(Clone, Copy)]
pub(super) struct Who<'a> {
    pub(super) id: &'a str,
    pub(super) number: i64,
    pub(super) epoch: i16,
}

impl State {
    /// The epoch, if this producer is the one that has the transactional id.
    pub(super) fn check_producer(&self, who: Who<'_>) -> Result<u32, ResponseError> {
        let (number, epoch) = self.kafka.producer(who.id).ok_or(ResponseError::InvalidProducerIdMapping)?;
        if i64::try_from(number) != Ok(who.number) {
            return Err(ResponseError::InvalidProducerIdMapping);
        }
        if u32::try_from(who.epoch) != Ok(epoch) {
            return Err(ResponseError::ProducerFenced);
        }
        Ok(epoch)
    }

    fn begin(&mut self, id: &str) {
        if let Some(deadline) = self.deadlines.get_mut(id) {
            deadline.began.get_or_insert_with(Instant::now);
        }
    }
}

fn known(error: ResponseError, version: i16, since: i16) -> ResponseError {
    match error {
        ResponseError::ProducerFenced if version < since => ResponseError::InvalidProducerEpoch,
        error => error,
    }
}

pub(super) fn init(call: &Call<'_>, request: &InitProducerIdRequest) -> InitProducerIdResponse {
    let mut state = call.shared.lock();
    let made = match &request.transactional_id {
        None => Ok((state.kafka.new_producer_id(), 0)),
        Some(id) => init_transactional(call, &mut state, id, request),
    };
    drop(state);
    call.shared.changed();
    let (number, epoch) = match made {
        Ok((number, epoch)) => (number.cast_signed(), epoch as i16),
        Err(_) => (-1, -1),
    };
    let result = made.map(|_| ()).map_err(|error| known(error, call.version, INIT_FENCED_SINCE));
    InitProducerIdResponse::default()
        .with_error_code(code(result))
        .with_producer_id(ProducerId(number))
        .with_producer_epoch(epoch)
}

fn init_transactional(
    call: &Call<'_>,
    state: &mut State,
    id: &str,
    request: &InitProducerIdRequest,
) -> Result<(u64, u32), ResponseError> {
    if id.is_empty() {
        return Err(ResponseError::InvalidRequest);
    }
    let timeout = u64::try_from(request.transaction_timeout_ms).ok().filter(|ms| *ms > 0);
    let timeout = timeout.map(Duration::from_millis);
    let timeout = timeout.filter(|timeout| *timeout <= call.shared.settings.limits.transaction_timeout_max);
    let timeout = timeout.ok_or(ResponseError::InvalidTransactionTimeout)?;
    // A producer that goes on after an error says who it is, and must still be that.
    if request.producer_id.0 >= 0 && state.kafka.producer(id).is_some() {
        state.check_producer(Who { id, number: request.producer_id.0, epoch: request.producer_epoch })?;
    }
    // The first try aborts what is open; once its markers have landed there is nothing in the way.
    if state.kafka.init(id).is_err() {
        state.land_markers();
    }
    state.deadlines.insert(id.to_owned(), Deadline { timeout, began: None });
    state.kafka.producer(id).ok_or(ResponseError::ConcurrentTransactions)
}

pub(super) fn add_partitions(
    call: &Call<'_>,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let mut state = call.shared.lock();
    let who = Who {
        id: &request.v3_and_below_transactional_id,
        number: request.v3_and_below_producer_id.0,
        epoch: request.v3_and_below_producer_epoch,
    };
    let results = add_all(&mut state, who, &request);
    let mut topics = Vec::new();
    for (topic, results) in request.v3_and_below_topics.into_iter().zip(results) {
        let answer = |(partition, result): (i32, Result<(), ResponseError>)| {
            let result = result.map_err(|error| known(error, call.version, FENCED_SINCE));
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(partition)
                .with_partition_error_code(code(result))
        };
        let partitions = topic.partitions.into_iter().zip(results).map(answer).collect();
        topics.push(
            AddPartitionsToTxnTopicResult::default()
                .with_name(topic.name)
                .with_results_by_partition(partitions),
        );
    }
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics)
}

/// All or none: where one partition is not there, the others are not tried.
fn add_all(
    state: &mut State,
    who: Who<'_>,
    request: &AddPartitionsToTxnRequest,
) -> Vec<Vec<Result<(), ResponseError>>> {
    let checked = state.check_producer(who);
    let topics = request.v3_and_below_topics.iter();
    let found: Vec<Vec<_>> = topics
        .map(|topic| {
            topic.partitions.iter().map(|partition| state.partition(&topic.name, *partition)).collect()
        })
        .collect();
    let all_there = found.iter().flatten().all(Result::is_ok);
    let mut add = |at: Result<host_core::record::TopicPartition, ResponseError>| {
        let epoch = checked?;
        let at = at?;
        if !all_there {
            return Err(ResponseError::OperationNotAttempted);
        }
        state.kafka.enlist(who.id, epoch, &at).map_err(|_| ResponseError::ConcurrentTransactions)?;
        state.begin(who.id);
        Ok(())
    };
    found.into_iter().map(|topic| topic.into_iter().map(&mut add).collect()).collect()
}

pub(super) fn add_offsets(call: &Call<'_>, request: &AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse {
    let mut state = call.shared.lock();
    let (number, epoch) = (request.producer_id.0, request.producer_epoch);
    let who = Who { id: &request.transactional_id, number, epoch };
    let result = state.check_producer(who).and_then(|epoch| {
        let added = state.kafka.enlist_offsets(who.id, epoch, &request.group_id);
        added.map_err(|_| ResponseError::ConcurrentTransactions)?;
        state.begin(who.id);
        Ok(())
    });
    let result = result.map_err(|error| known(error, call.version, FENCED_SINCE));
    AddOffsetsToTxnResponse::default().with_error_code(code(result))
}

pub(super) fn end(call: &Call<'_>, request: &EndTxnRequest) -> EndTxnResponse {
    let mut state = call.shared.lock();
    let (number, epoch) = (request.producer_id.0, request.producer_epoch);
    let who = Who { id: &request.transactional_id, number, epoch };
    let result = state.check_producer(who).and_then(|epoch| {
        let ended = state.kafka.end_transaction(who.id, epoch, request.committed);
        ended.map_err(|_| ResponseError::InvalidTxnState)?;
        if let Some(deadline) = state.deadlines.get_mut(who.id) {
            deadline.began = None;
        }
        state.land_markers();
        Ok(())
    });
    drop(state);
    call.shared.changed();
    let result = result.map_err(|error| known(error, call.version, FENCED_SINCE));
    EndTxnResponse::default().with_error_code(code(result))
}
