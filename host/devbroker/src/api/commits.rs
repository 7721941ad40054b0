//! Offsets of groups: committed at once or in a transaction, and asked for.

use super::transactions::Who;
use super::{Call, text};
use crate::state::{State, code};
use host_core::effect::CommitOffset;
use host_core::record::TopicPartition;
use host_model::Refused;
use host_model::group::{Group, Identity};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::offset_commit_response::{
    OffsetCommitResponsePartition, OffsetCommitResponseTopic,
};
use kafka_protocol::messages::offset_fetch_request::OffsetFetchRequestTopic;
use kafka_protocol::messages::offset_fetch_response::{
    OffsetFetchResponsePartition, OffsetFetchResponseTopic,
};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest, OffsetFetchResponse, TopicName,
    TxnOffsetCommitRequest, TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::StrBytes;
use std::time::Instant;

/// Nothing is committed.
const NONE: i64 = -1;

/// Who commits.
struct Member<'a> {
    group: &'a str,
    id: &'a str,
    instance: Option<&'a str>,
    generation: i32,
}

pub(super) fn commit(call: &Call<'_>, request: OffsetCommitRequest) -> OffsetCommitResponse {
    let mut state = call.shared.lock();
    let member = Member {
        group: &request.group_id,
        id: &request.member_id,
        instance: request.group_instance_id.as_deref(),
        generation: request.generation_id_or_member_epoch,
    };
    let checked = identity(&mut state, &member, false);
    let mut topics = Vec::new();
    for topic in request.topics {
        let mut partitions = Vec::new();
        for partition in topic.partitions {
            let index = partition.partition_index;
            let offset = (partition.committed_offset, partition.committed_metadata);
            let result = checked.and_then(|_| {
                let offset = offset_of(call, &state, &topic.name, index, offset)?;
                state.kafka.group_named(&request.group_id).commit([offset]);
                Ok(())
            });
            let response = OffsetCommitResponsePartition::default().with_partition_index(index);
            partitions.push(response.with_error_code(code(result)));
        }
        topics.push(OffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions));
    }
    OffsetCommitResponse::default().with_topics(topics)
}

pub(super) fn commit_in_transaction(
    call: &Call<'_>,
    request: TxnOffsetCommitRequest,
) -> TxnOffsetCommitResponse {
    let mut state = call.shared.lock();
    let (id, group) = (request.transactional_id.as_str(), request.group_id.as_str());
    let who = Who { id, number: request.producer_id.0, epoch: request.producer_epoch };
    let member = Member {
        group,
        id: &request.member_id,
        instance: request.group_instance_id.as_deref(),
        generation: request.generation_id,
    };
    let checked = state.check_producer(who).map_err(|_| ResponseError::InvalidProducerEpoch);
    let checked = checked.and_then(|epoch| Ok((epoch, identity(&mut state, &member, true)?)));
    let mut topics = Vec::new();
    for topic in request.topics {
        let mut partitions = Vec::new();
        for partition in topic.partitions {
            let index = partition.partition_index;
            let offset = (partition.committed_offset, partition.committed_metadata);
            let result = checked.and_then(|(epoch, identity)| {
                let offset = offset_of(call, &state, &topic.name, index, offset)?;
                state.kafka.send_offsets_of((id, epoch), group, identity, [offset]).map_err(refused)
            });
            let response = TxnOffsetCommitResponsePartition::default().with_partition_index(index);
            partitions.push(response.with_error_code(code(result)));
        }
        topics
            .push(TxnOffsetCommitResponseTopic::default().with_name(topic.name).with_partitions(partitions));
    }
    TxnOffsetCommitResponse::default().with_topics(topics)
}

fn refused(refused: Refused) -> ResponseError {
    match refused {
        Refused::Fenced => ResponseError::InvalidProducerEpoch,
        Refused::Stale => ResponseError::IllegalGeneration,
        Refused::Later => ResponseError::ConcurrentTransactions,
    }
}

/// Who the model is told commits. Without a member it is somebody who has assigned partitions to itself.
fn identity(state: &mut State, member: &Member<'_>, in_transaction: bool) -> Result<Identity, ResponseError> {
    if member.group.is_empty() && !in_transaction {
        return Err(ResponseError::InvalidGroupId);
    }
    let is_nobody = member.generation < 0 && member.id.is_empty() && member.instance.is_none();
    if is_nobody && in_transaction {
        return Ok(None);
    }
    let is_empty = state.members.get(member.group).is_none_or(|members| members.all.is_empty());
    if is_nobody {
        return if is_empty { Ok(None) } else { Err(ResponseError::UnknownMemberId) };
    }
    if is_empty && state.kafka.find_group(member.group).is_none() {
        return Err(ResponseError::IllegalGeneration);
    }
    let (group, members) = state.group(member.group);
    let number = members.identify(member.id, member.instance)?;
    if member.generation != group.generation() {
        return Err(ResponseError::IllegalGeneration);
    }
    if !in_transaction && !group.is_rebalancing() && members.synced != group.generation() {
        return Err(ResponseError::RebalanceInProgress);
    }
    if let Some(member) = members.all.get_mut(&number) {
        member.seen = Instant::now();
    }
    Ok(Some((number, member.generation)))
}

fn offset_of(
    call: &Call<'_>,
    state: &State,
    topic: &str,
    partition: i32,
    (offset, metadata): (i64, Option<StrBytes>),
) -> Result<CommitOffset, ResponseError> {
    let source = state.partition(topic, partition)?;
    let metadata = metadata.map(|metadata| metadata.to_string()).unwrap_or_default();
    if metadata.len() > call.shared.settings.limits.offset_metadata_bytes_max {
        return Err(ResponseError::OffsetMetadataTooLarge);
    }
    Ok(CommitOffset { source, offset, metadata })
}

pub(super) fn fetch(call: &Call<'_>, request: OffsetFetchRequest) -> OffsetFetchResponse {
    let state = call.shared.lock();
    let group = request.group_id.as_str();
    let wanted = request.topics.unwrap_or_else(|| all(&state, group));
    let mut topics = Vec::new();
    for topic in wanted {
        let answer = |index: &i32| {
            let found = committed(&state, group, (&topic.name, *index), request.require_stable);
            let (offset, metadata) = found.clone().unwrap_or((NONE, String::new()));
            OffsetFetchResponsePartition::default()
                .with_partition_index(*index)
                .with_committed_offset(offset)
                .with_committed_leader_epoch(-1)
                .with_metadata(Some(text(metadata)))
                .with_error_code(code(found.map(|_| ())))
        };
        let partitions = topic.partition_indexes.iter().map(answer).collect();
        topics.push(OffsetFetchResponseTopic::default().with_name(topic.name).with_partitions(partitions));
    }
    OffsetFetchResponse::default().with_topics(topics)
}

fn committed(
    state: &State,
    group: &str,
    (topic, partition): (&str, i32),
    only_stable: bool,
) -> Result<(i64, String), ResponseError> {
    let none = (NONE, String::new());
    let Ok(at) = state.partition(topic, partition) else { return Ok(none) };
    let found = if only_stable {
        state.kafka.committed_of(group, &at).map_err(|_| ResponseError::UnstableOffsetCommit)?
    } else {
        state.kafka.find_group(group).and_then(|group| group.committed(&at).cloned())
    };
    Ok(found.unwrap_or(none))
}

/// Everything that the group has committed.
fn all(state: &State, group: &str) -> Vec<OffsetFetchRequestTopic> {
    let mut topics: Vec<OffsetFetchRequestTopic> = Vec::new();
    let partitions = state.kafka.find_group(group).into_iter().flat_map(Group::committed_partitions);
    for TopicPartition { topic, partition } in partitions {
        let index = partition.cast_signed();
        match topics.last_mut() {
            Some(last) if *last.name == **topic => last.partition_indexes.push(index),
            _ => topics.push(
                OffsetFetchRequestTopic::default()
                    .with_name(TopicName(text(&**topic)))
                    .with_partition_indexes(vec![index]),
            ),
        }
    }
    topics
}
