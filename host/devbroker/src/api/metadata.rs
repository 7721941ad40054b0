//! Who and what is there: the one node, topics, coordinators.

use super::{Call, text};
use crate::configs::TopicConfigs;
use crate::state::{CLUSTER_ID, LEADER_EPOCH, NODE_ID, State};
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{
    BrokerId, DescribeClusterRequest, DescribeClusterResponse, FindCoordinatorRequest,
    FindCoordinatorResponse, MetadataRequest, MetadataResponse, TopicName,
};

/// "Not asked for" of authorised operations.
const NO_OPERATIONS: i32 = i32::MIN;

impl Call<'_> {
    fn host(&self) -> String {
        self.shared.advertised().ip().to_string()
    }

    fn port(&self) -> i32 {
        i32::from(self.shared.advertised().port())
    }
}

pub(super) fn metadata(call: &Call<'_>, request: MetadataRequest) -> MetadataResponse {
    let mut state = call.shared.lock();
    let all = |state: &State| state.topics.keys().cloned().map(Ok).collect::<Vec<_>>();
    let wanted: Vec<Result<String, MetadataResponseTopic>> = match request.topics {
        None => all(&state),
        // In version 0 no topic is every topic.
        Some(topics) if topics.is_empty() && call.version == 0 => all(&state),
        Some(topics) => topics
            .into_iter()
            .map(|topic| {
                if let Some(name) = topic.name {
                    return Ok(name.to_string());
                }
                let by_id = state.topics.iter().find(|(_, known)| known.id == topic.topic_id);
                by_id.map(|(name, _)| name.clone()).ok_or_else(|| {
                    let code = ResponseError::UnknownTopicId.code();
                    MetadataResponseTopic::default().with_error_code(code).with_topic_id(topic.topic_id)
                })
            })
            .collect(),
    };
    let may_create = call.shared.settings.auto_create_topics && request.allow_auto_topic_creation;
    let mut topics = Vec::new();
    for name in wanted {
        topics.push(match name {
            Ok(name) => {
                if may_create && !state.topics.contains_key(&name) && super::topics::is_name(&name) {
                    let partitions = call.shared.settings.partitions_default;
                    state.create(&name, partitions, TopicConfigs::default());
                }
                topic(&state, &name)
            }
            Err(unknown) => unknown,
        });
    }
    let broker = MetadataResponseBroker::default()
        .with_node_id(BrokerId(NODE_ID))
        .with_host(text(call.host()))
        .with_port(call.port());
    MetadataResponse::default()
        .with_brokers(vec![broker])
        .with_cluster_id(Some(text(CLUSTER_ID)))
        .with_controller_id(BrokerId(NODE_ID))
        .with_cluster_authorized_operations(NO_OPERATIONS)
        .with_topics(topics)
}

fn topic(state: &State, name: &str) -> MetadataResponseTopic {
    let response = MetadataResponseTopic::default()
        .with_name(Some(TopicName(text(name))))
        .with_topic_authorized_operations(NO_OPERATIONS);
    let Some(topic) = state.topics.get(name) else {
        let error = if super::topics::is_name(name) {
            ResponseError::UnknownTopicOrPartition
        } else {
            ResponseError::InvalidTopicException
        };
        return response.with_error_code(error.code());
    };
    let partition = |index: u32| {
        MetadataResponsePartition::default()
            .with_partition_index(index.cast_signed())
            .with_leader_id(BrokerId(NODE_ID))
            .with_leader_epoch(LEADER_EPOCH)
            .with_replica_nodes(vec![BrokerId(NODE_ID)])
            .with_isr_nodes(vec![BrokerId(NODE_ID)])
    };
    let partitions = (0..state.kafka.partitions(name)).map(partition).collect();
    response.with_topic_id(topic.id).with_partitions(partitions)
}

pub(super) fn cluster(call: &Call<'_>, _: DescribeClusterRequest) -> DescribeClusterResponse {
    let broker = DescribeClusterBroker::default()
        .with_broker_id(BrokerId(NODE_ID))
        .with_host(text(call.host()))
        .with_port(call.port());
    DescribeClusterResponse::default()
        .with_cluster_id(text(CLUSTER_ID))
        .with_controller_id(BrokerId(NODE_ID))
        .with_cluster_authorized_operations(NO_OPERATIONS)
        .with_brokers(vec![broker])
}

/// Of groups and of transactional ids alike: there is nobody else.
pub(super) fn coordinator(call: &Call<'_>, _: FindCoordinatorRequest) -> FindCoordinatorResponse {
    FindCoordinatorResponse::default()
        .with_node_id(BrokerId(NODE_ID))
        .with_host(text(call.host()))
        .with_port(call.port())
}
