//! Answers with an error code that no broker gave, and the error code of one that a broker did.

use crate::request::Request;
use anyhow::{Context, Result, bail};
use kafka_protocol::messages::add_partitions_to_txn_response::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopicResult,
};
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::txn_offset_commit_response::{
    TxnOffsetCommitResponsePartition, TxnOffsetCommitResponseTopic,
};
use kafka_protocol::messages::{
    AddOffsetsToTxnRequest, AddOffsetsToTxnResponse, AddPartitionsToTxnRequest, AddPartitionsToTxnResponse,
    ApiKey, EndTxnRequest, EndTxnResponse, HeartbeatRequest, HeartbeatResponse, InitProducerIdRequest,
    InitProducerIdResponse, JoinGroupRequest, JoinGroupResponse, ProduceRequest, ProduceResponse,
    RequestHeader, ResponseHeader, SyncGroupRequest, SyncGroupResponse, TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request as Message};

/// The frame of a response that refuses everything in the request with `code`.
///
/// # Errors
/// Not known how for this kind of request, or it cannot be read.
pub fn refusal(request: &Request, frame: &[u8], code: i16) -> Result<Vec<u8>> {
    match request.api {
        Some(ApiKey::EndTxn) => {
            answer::<EndTxnRequest>(request, frame, |_| EndTxnResponse::default().with_error_code(code))
        }
        Some(ApiKey::AddOffsetsToTxn) => answer::<AddOffsetsToTxnRequest>(request, frame, |_| {
            AddOffsetsToTxnResponse::default().with_error_code(code)
        }),
        Some(ApiKey::Heartbeat) => {
            answer::<HeartbeatRequest>(request, frame, |_| HeartbeatResponse::default().with_error_code(code))
        }
        Some(ApiKey::InitProducerId) => answer::<InitProducerIdRequest>(request, frame, |_| {
            InitProducerIdResponse::default().with_error_code(code)
        }),
        Some(ApiKey::JoinGroup) => answer::<JoinGroupRequest>(request, frame, |asked| {
            JoinGroupResponse::default().with_error_code(code).with_member_id(asked.member_id)
        }),
        Some(ApiKey::SyncGroup) => {
            answer::<SyncGroupRequest>(request, frame, |_| SyncGroupResponse::default().with_error_code(code))
        }
        Some(ApiKey::AddPartitionsToTxn) => {
            answer::<AddPartitionsToTxnRequest>(request, frame, |asked| partitions(&asked, code))
        }
        Some(ApiKey::TxnOffsetCommit) => {
            answer::<TxnOffsetCommitRequest>(request, frame, |asked| offsets(&asked, code))
        }
        Some(ApiKey::Produce) => answer::<ProduceRequest>(request, frame, |asked| records(&asked, code)),
        other => bail!("no refusal of {other:?} is known"),
    }
}

/// The error code of a broker's response to an `EndTxn`.
///
/// # Errors
/// It cannot be read.
pub fn end_txn_error(version: i16, frame: &[u8]) -> Result<i16> {
    let mut bytes = bytes::Bytes::copy_from_slice(frame);
    ResponseHeader::decode(&mut bytes, EndTxnResponse::header_version(version))?;
    Ok(EndTxnResponse::decode(&mut bytes, version)?.error_code)
}

fn answer<M: Message>(
    request: &Request,
    frame: &[u8],
    make: impl FnOnce(M) -> M::Response,
) -> Result<Vec<u8>> {
    let version = request.version;
    let mut bytes = bytes::Bytes::copy_from_slice(frame);
    RequestHeader::decode(&mut bytes, M::header_version(version)).context("a request's header")?;
    let asked = M::decode(&mut bytes, version).with_context(|| format!("a request {:?}", request.api))?;
    let mut response = bytes::BytesMut::new();
    let header = ResponseHeader::default().with_correlation_id(request.correlation_id);
    header.encode(&mut response, M::Response::header_version(version))?;
    make(asked).encode(&mut response, version)?;
    Ok(response.to_vec())
}

fn partitions(asked: &AddPartitionsToTxnRequest, code: i16) -> AddPartitionsToTxnResponse {
    let topics = asked.v3_and_below_topics.iter().map(|topic| {
        let refused = topic.partitions.iter().map(|partition| {
            AddPartitionsToTxnPartitionResult::default()
                .with_partition_index(*partition)
                .with_partition_error_code(code)
        });
        AddPartitionsToTxnTopicResult::default()
            .with_name(topic.name.clone())
            .with_results_by_partition(refused.collect())
    });
    AddPartitionsToTxnResponse::default().with_results_by_topic_v3_and_below(topics.collect())
}

fn offsets(asked: &TxnOffsetCommitRequest, code: i16) -> TxnOffsetCommitResponse {
    let topics = asked.topics.iter().map(|topic| {
        let refused = topic.partitions.iter().map(|partition| {
            TxnOffsetCommitResponsePartition::default()
                .with_partition_index(partition.partition_index)
                .with_error_code(code)
        });
        TxnOffsetCommitResponseTopic::default()
            .with_name(topic.name.clone())
            .with_partitions(refused.collect())
    });
    TxnOffsetCommitResponse::default().with_topics(topics.collect())
}

fn records(asked: &ProduceRequest, code: i16) -> ProduceResponse {
    let topics = asked.topic_data.iter().map(|topic| {
        let refused = topic.partition_data.iter().map(|partition| {
            PartitionProduceResponse::default()
                .with_index(partition.index)
                .with_error_code(code)
                .with_base_offset(-1)
        });
        TopicProduceResponse::default()
            .with_name(topic.name.clone())
            .with_topic_id(topic.topic_id)
            .with_partition_responses(refused.collect())
    });
    ProduceResponse::default().with_responses(topics.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame<M: Message>(version: i16, asked: &M) -> (Request, Vec<u8>) {
        let header = RequestHeader::default()
            .with_request_api_key(M::KEY)
            .with_request_api_version(version)
            .with_correlation_id(9);
        let mut bytes = bytes::BytesMut::new();
        header.encode(&mut bytes, M::header_version(version)).expect("a header");
        asked.encode(&mut bytes, version).expect("a request");
        (Request::read(&bytes).expect("it is whole"), bytes.to_vec())
    }

    #[test]
    fn a_refused_end_of_a_transaction_reads_back_in_all_versions_of_the_client() {
        for version in 0..=3 {
            let (request, bytes) = frame(version, &EndTxnRequest::default());
            let refused = refusal(&request, &bytes, 51).expect("it can be refused");
            assert_eq!(crate::request::correlation_id(&refused), Some(9));
            assert_eq!(end_txn_error(version, &refused).expect("it can be read"), 51);
        }
    }

    #[test]
    fn every_partition_of_a_refused_commit_of_offsets_has_the_code() {
        use kafka_protocol::messages::txn_offset_commit_request as asked;
        let partition = |index| asked::TxnOffsetCommitRequestPartition::default().with_partition_index(index);
        let topic = asked::TxnOffsetCommitRequestTopic::default();
        let topics = vec![topic.with_partitions(vec![partition(0), partition(3)])];
        let (request, bytes) = frame(3, &TxnOffsetCommitRequest::default().with_topics(topics));
        let mut refused = bytes::Bytes::from(refusal(&request, &bytes, 22).expect("it can be refused"));
        ResponseHeader::decode(&mut refused, TxnOffsetCommitResponse::header_version(3)).expect("a header");
        let refused = TxnOffsetCommitResponse::decode(&mut refused, 3).expect("a response");
        let codes: Vec<_> =
            refused.topics[0].partitions.iter().map(|at| (at.partition_index, at.error_code)).collect();
        assert_eq!(codes, [(0, 22), (3, 22)]);
    }

    #[test]
    fn what_cannot_be_refused_is_an_error() {
        let (request, bytes) = frame(4, &kafka_protocol::messages::FetchRequest::default());
        assert!(refusal(&request, &bytes, 1).is_err());
    }
}
