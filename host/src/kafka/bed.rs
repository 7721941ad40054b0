//! For tests: a log on librdkafka's own broker, whose leader changes when a test says so.

use super::client::{Properties, Settings};
use super::known::KnownTopics;
use host_core::record::TopicPartition;
use rdkafka::ClientConfig;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use std::time::Duration;

const TOPIC: &str = "topic";
const DELIVERED: Duration = Duration::from_mins(1);

/// See the head of this file.
pub(super) struct Bed(pub(super) MockCluster<'static, DefaultProducerContext>);

impl Bed {
    pub(super) fn new() -> Self {
        let cluster = MockCluster::new(1).expect("a broker");
        cluster.create_topic(TOPIC, 1, 1).expect("a topic");
        Self(cluster)
    }

    pub(super) fn settings(&self) -> Settings {
        Settings {
            bootstrap_servers: self.0.bootstrap_servers(),
            application_id: "app".to_owned(),
            commit_interval: Duration::from_millis(100),
            properties: Properties::default(),
            known_topics: KnownTopics::default(),
        }
    }

    pub(super) fn write(&self, records: u32) {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.0.bootstrap_servers());
        let producer: BaseProducer = config.create().expect("a producer");
        for _ in 0..records {
            let record = BaseRecord::<(), str>::to(TOPIC).payload("1").partition(0);
            producer.send(record).map_err(|(error, _)| error).expect("a place in the queue");
        }
        producer.flush(DELIVERED).expect("delivered");
    }

    /// The next leader epoch. Clients hear of it when they ask.
    pub(super) fn change_leader(&self) {
        self.0.partition_leader(TOPIC, 0, Some(1)).expect("a leader");
    }
}

/// Its only partition.
pub(super) fn source() -> TopicPartition {
    TopicPartition::new(TOPIC, 0)
}
