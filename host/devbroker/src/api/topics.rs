//! Topics: made, made larger, deleted, emptied, described.

use super::{Call, text};
use crate::configs::{self, TopicConfigs};
use crate::state::{NODE_ID, State, code};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use kafka_protocol::messages::create_partitions_response::CreatePartitionsTopicResult;
use kafka_protocol::messages::create_topics_request::CreatableTopic;
use kafka_protocol::messages::create_topics_response::CreatableTopicResult;
use kafka_protocol::messages::delete_records_request::DeleteRecordsPartition;
use kafka_protocol::messages::delete_records_response::{
    DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use kafka_protocol::messages::delete_topics_response::DeletableTopicResult;
use kafka_protocol::messages::describe_configs_request::DescribeConfigsResource;
use kafka_protocol::messages::describe_configs_response::{
    DescribeConfigsResourceResult, DescribeConfigsResult,
};
use kafka_protocol::messages::{
    BrokerId, CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteRecordsRequest, DeleteRecordsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
    DescribeConfigsRequest, DescribeConfigsResponse,
};

/// Of a topic's name.
const NAME_BYTES_MAX: usize = 249;
/// Kinds of resources that have settings.
const TOPIC: i8 = 2;
const BROKER: i8 = 4;
/// Where a setting comes from.
const OF_TOPIC: i8 = 1;
const OF_BROKER_FILE: i8 = 4;
const DEFAULT: i8 = 5;

/// May a topic be called so?
pub(super) fn is_name(name: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    !["", ".", ".."].contains(&name) && name.len() <= NAME_BYTES_MAX && name.bytes().all(is_legal)
}

pub(super) fn create(call: &Call<'_>, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let mut state = call.shared.lock();
    let only_check = request.validate_only;
    let create = |topic: CreatableTopic| {
        let error = create_one(call, &mut state, &topic, only_check).err();
        let result = CreatableTopicResult::default().with_name(topic.name);
        result
            .with_error_code(error.map_or(0, |error| error.code()))
            .with_error_message(error.map(|error| text(error.to_string())))
    };
    let topics = request.topics.into_iter().map(create).collect();
    call.shared.changed();
    CreateTopicsResponse::default().with_topics(topics)
}

fn create_one(
    call: &Call<'_>,
    state: &mut State,
    topic: &CreatableTopic,
    only_check: bool,
) -> Result<(), ResponseError> {
    let name = topic.name.as_str();
    if !is_name(name) {
        return Err(ResponseError::InvalidTopicException);
    }
    if state.topics.contains_key(name) {
        return Err(ResponseError::TopicAlreadyExists);
    }
    let partitions = if topic.assignments.is_empty() {
        wanted_partitions(call, topic)?
    } else {
        let is_ours = |nodes: &[BrokerId]| *nodes == [BrokerId(NODE_ID)];
        if topic.assignments.iter().any(|assignment| !is_ours(&assignment.broker_ids)) {
            return Err(ResponseError::InvalidReplicaAssignment);
        }
        topic.assignments.len() as u32
    };
    within_limit(call, state, partitions)?;
    let settings = topic.configs.iter().map(|config| {
        let value = config.value.as_ref().map(ToString::to_string).unwrap_or_default();
        (config.name.to_string(), value)
    });
    let configs = TopicConfigs::of(settings).ok_or(ResponseError::InvalidConfig)?;
    if !only_check {
        state.create(name, partitions, configs);
    }
    Ok(())
}

fn wanted_partitions(call: &Call<'_>, topic: &CreatableTopic) -> Result<u32, ResponseError> {
    if !matches!(topic.replication_factor, -1 | 1) {
        return Err(ResponseError::InvalidReplicationFactor);
    }
    match topic.num_partitions {
        -1 => Ok(call.shared.settings.partitions_default),
        count => u32::try_from(count).ok().filter(|n| *n > 0).ok_or(ResponseError::InvalidPartitions),
    }
}

fn within_limit(call: &Call<'_>, state: &State, more: u32) -> Result<(), ResponseError> {
    let all: u32 = state.topics.keys().map(|name| state.kafka.partitions(name)).sum();
    let max = call.shared.settings.limits.partitions_max;
    if all.saturating_add(more) > max { Err(ResponseError::InvalidPartitions) } else { Ok(()) }
}

pub(super) fn delete(call: &Call<'_>, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let mut state = call.shared.lock();
    let mut delete = |name: kafka_protocol::messages::TopicName| {
        let found = state.topics.contains_key(name.as_str());
        state.delete(&name);
        let result = found.then_some(()).ok_or(ResponseError::UnknownTopicOrPartition);
        DeletableTopicResult::default().with_name(Some(name)).with_error_code(code(result))
    };
    let responses = request.topic_names.into_iter().map(&mut delete).collect();
    call.shared.changed();
    DeleteTopicsResponse::default().with_responses(responses)
}

pub(super) fn create_partitions(
    call: &Call<'_>,
    request: CreatePartitionsRequest,
) -> CreatePartitionsResponse {
    let mut state = call.shared.lock();
    let only_check = request.validate_only;
    let mut enlarge = |topic: CreatePartitionsTopic| {
        let result = enlarge_one(call, &mut state, &topic, only_check);
        CreatePartitionsTopicResult::default().with_name(topic.name).with_error_code(code(result))
    };
    let results = request.topics.into_iter().map(&mut enlarge).collect();
    call.shared.changed();
    CreatePartitionsResponse::default().with_results(results)
}

fn enlarge_one(
    call: &Call<'_>,
    state: &mut State,
    topic: &CreatePartitionsTopic,
    only_check: bool,
) -> Result<(), ResponseError> {
    let name = topic.name.as_str();
    let now = state.kafka.partitions(name);
    if now == 0 {
        return Err(ResponseError::UnknownTopicOrPartition);
    }
    let wanted = u32::try_from(topic.count).ok().filter(|wanted| *wanted > now);
    let wanted = wanted.ok_or(ResponseError::InvalidPartitions)?;
    within_limit(call, state, wanted - now)?;
    if !only_check {
        state.kafka.create(name, wanted);
    }
    Ok(())
}

pub(super) fn delete_records(call: &Call<'_>, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut state = call.shared.lock();
    let mut topics = Vec::new();
    for topic in request.topics {
        let mut delete = |partition: DeleteRecordsPartition| {
            let index = partition.partition_index;
            let result = delete_before(&mut state, &topic.name, index, partition.offset);
            let response = DeleteRecordsPartitionResult::default().with_partition_index(index);
            response.with_low_watermark(result.unwrap_or(-1)).with_error_code(code(result.map(|_| ())))
        };
        let partitions = topic.partitions.iter().cloned().map(&mut delete).collect();
        topics.push(
            DeleteRecordsTopicResult::default().with_name(topic.name.clone()).with_partitions(partitions),
        );
    }
    call.shared.changed();
    DeleteRecordsResponse::default().with_topics(topics)
}

/// Answers the log's start. Offset -1 is the log's end.
fn delete_before(state: &mut State, topic: &str, partition: i32, offset: i64) -> Result<i64, ResponseError> {
    let at = state.partition(topic, partition)?;
    if state.topics.get(topic).is_some_and(|topic| !topic.configs.deletes()) {
        return Err(ResponseError::PolicyViolation);
    }
    let log = state.kafka.log_mut(&at);
    let offset = if offset == -1 { log.end() } else { offset };
    if offset < 0 || offset > log.end() {
        return Err(ResponseError::OffsetOutOfRange);
    }
    log.delete_before(offset);
    Ok(log.start())
}

pub(super) fn describe_configs(call: &Call<'_>, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let state = call.shared.lock();
    let describe = |resource: DescribeConfigsResource| {
        let (name, kind) = (resource.resource_name, resource.resource_type);
        let wanted = |key: &str| {
            resource.configuration_keys.as_ref().is_none_or(|keys| keys.iter().any(|wanted| **wanted == *key))
        };
        let result =
            DescribeConfigsResult::default().with_resource_type(kind).with_resource_name(name.clone());
        let found = match kind {
            TOPIC => state.topics.get(name.as_str()).map(|topic| of_topic(&topic.configs)),
            BROKER if *name == *NODE_ID.to_string() => Some(of_broker(call)),
            _ => return result.with_error_code(ResponseError::InvalidRequest.code()),
        };
        let Some(mut configs) = found else {
            return result.with_error_code(ResponseError::UnknownTopicOrPartition.code());
        };
        configs.retain(|config| wanted(&config.name));
        result.with_configs(configs)
    };
    DescribeConfigsResponse::default().with_results(request.resources.into_iter().map(describe).collect())
}

fn of_topic(configs: &TopicConfigs) -> Vec<DescribeConfigsResourceResult> {
    let entry = |(name, value, is_default)| {
        let source = if is_default { DEFAULT } else { OF_TOPIC };
        config(name, value).with_config_source(source)
    };
    configs.all().map(entry).collect()
}

fn of_broker(call: &Call<'_>) -> Vec<DescribeConfigsResourceResult> {
    let settings = &call.shared.settings;
    let all = configs::of_broker(&settings.limits, settings.partitions_default);
    let entry = |(name, value): (&str, String)| {
        config(name, &value).with_config_source(OF_BROKER_FILE).with_read_only(true)
    };
    all.into_iter().map(entry).collect()
}

fn config(name: &str, value: &str) -> DescribeConfigsResourceResult {
    DescribeConfigsResourceResult::default().with_name(text(name)).with_value(Some(text(value)))
}
