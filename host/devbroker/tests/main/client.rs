//! A client that does what no real one does.

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use devbroker::Broker;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    ApiKey, CreateTopicsRequest, ListOffsetsRequest, ProduceRequest, RequestHeader, ResponseHeader, TopicName,
};
use kafka_protocol::protocol::{Decodable as _, Encodable as _, HeaderVersion as _, Request, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(30);

/// One connection.
pub(crate) struct Client(TcpStream);

impl Client {
    pub(crate) fn new(broker: &Broker) -> Result<Self> {
        let stream = TcpStream::connect(broker.address())?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        Ok(Self(stream))
    }

    pub(crate) fn call<R: Request>(&mut self, version: i16, request: &R) -> Result<R::Response> {
        let mut answer = self.call_raw(version, version, request)?;
        ResponseHeader::decode(&mut answer, R::Response::header_version(version))?;
        R::Response::decode(&mut answer, version)
    }

    /// Says one version and writes another.
    pub(crate) fn call_raw<R: Request>(&mut self, said: i16, version: i16, request: &R) -> Result<Bytes> {
        let key = ApiKey::try_from(R::KEY).ok().context("a request has a key")?;
        let header = RequestHeader::default().with_request_api_key(R::KEY).with_request_api_version(said);
        let mut frame = BytesMut::new();
        header.encode(&mut frame, key.request_header_version(said))?;
        request.encode(&mut frame, version)?;
        self.send(i32::try_from(frame.len())?, &frame)?;
        self.receive()
    }

    pub(crate) fn send(&mut self, length: i32, frame: &[u8]) -> Result<()> {
        self.0.write_all(&length.to_be_bytes())?;
        Ok(self.0.write_all(frame)?)
    }

    /// # Errors
    /// The broker has closed the connection.
    pub(crate) fn receive(&mut self) -> Result<Bytes> {
        let mut length = [0; 4];
        self.0.read_exact(&mut length)?;
        let mut answer = BytesMut::zeroed(usize::try_from(i32::from_be_bytes(length))?);
        self.0.read_exact(&mut answer)?;
        Ok(answer.freeze())
    }

    pub(crate) fn create(&mut self, topic: &str, configs: &[(&'static str, &'static str)]) -> Result<()> {
        let config = |(name, value): &(&'static str, &'static str)| {
            let config = CreatableTopicConfig::default().with_name(StrBytes::from_static_str(name));
            config.with_value(Some(StrBytes::from_static_str(value)))
        };
        let topic = CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(1)
            .with_replication_factor(1)
            .with_configs(configs.iter().map(config).collect());
        let answer = self.call(2, &CreateTopicsRequest::default().with_topics(vec![topic]))?;
        anyhow::ensure!(answer.topics[0].error_code == 0, "{answer:?}");
        Ok(())
    }

    /// The batch's offset, or why it was refused.
    pub(crate) fn produce(&mut self, topic: &str, batch: Bytes) -> Result<Result<i64, ResponseError>> {
        let data = PartitionProduceData::default().with_index(0).with_records(Some(batch));
        let topic = TopicProduceData::default().with_name(name(topic)).with_partition_data(vec![data]);
        let answer = self.call(3, &ProduceRequest::default().with_acks(-1).with_topic_data(vec![topic]))?;
        let partition = &answer.responses[0].partition_responses[0];
        Ok(match ResponseError::try_from_code(partition.error_code) {
            None => Ok(partition.base_offset),
            Some(error) => Err(error),
        })
    }

    /// Of the log's start and end.
    pub(crate) fn ends(&mut self, topic: &str) -> Result<(i64, i64)> {
        let mut offset = |timestamp| {
            let partition = ListOffsetsPartition::default().with_timestamp(timestamp);
            let topic = ListOffsetsTopic::default().with_name(name(topic)).with_partitions(vec![partition]);
            let answer = self.call(1, &ListOffsetsRequest::default().with_topics(vec![topic]))?;
            anyhow::Ok(answer.topics[0].partitions[0].offset)
        };
        Ok((offset(-2)?, offset(-1)?))
    }
}

fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// A batch of an idempotent producer: records `first..first + count`, each with so many bytes.
pub(crate) fn batch(producer: i64, first: i32, count: i32, bytes: usize) -> Bytes {
    let record = |number: i32| Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: producer,
        producer_epoch: 0,
        timestamp_type: TimestampType::Creation,
        offset: i64::from(number - first),
        sequence: number,
        // Far from being old.
        timestamp: i64::MAX / 2,
        key: Some(Bytes::from(number.to_string())),
        value: Some(Bytes::from(vec![b'x'; bytes])),
        headers: kafka_protocol::indexmap::IndexMap::new(),
    };
    let records: Vec<_> = (first..first + count).map(record).collect();
    let options = RecordEncodeOptions { version: 2, compression: Compression::None };
    let mut encoded = BytesMut::new();
    RecordBatchEncoder::encode(&mut encoded, &records, &options).expect("the records are right");
    encoded.freeze()
}
