//! A Kafka to talk to: topics, ends, committed offsets.

use crate::consume::{self, Isolation, Passing, Record, Tail};
use crate::produce::Producer;
use crate::wait::wait_until;
use anyhow::{Context, Result, bail};
use rdkafka::admin::{
    AdminClient, AdminOptions, AlterConfig, NewPartitions, NewTopic, ResourceSpecifier, TopicReplication,
};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use xtask::kafka::{Broker, BrokerConfig};

/// For one request of the kit's own clients.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Between two questions for the group's coordinator.
const COORDINATOR_PAUSE: Duration = Duration::from_millis(50);

/// A Kafka at an address.
#[derive(Clone, Debug)]
pub struct Kafka {
    servers: String,
}

impl Kafka {
    /// The broker of this test process: started when the first test asks, killed when the process ends.
    ///
    /// # Panics
    /// It does not start.
    pub fn shared() -> Self {
        static BROKER: OnceLock<Broker> = OnceLock::new();
        let broker = BROKER.get_or_init(|| {
            let config = BrokerConfig::on_free_ports("test").expect("two ports are free");
            Broker::start(config).unwrap_or_else(|error| panic!("no Kafka to test with: {error:#}"))
        });
        Self::at(&broker.bootstrap_servers())
    }

    /// The embedded broker of this test process, in the process itself: started when the first test asks.
    ///
    /// # Panics
    /// It does not start.
    pub fn embedded() -> Self {
        static BROKER: OnceLock<devbroker::Broker> = OnceLock::new();
        let broker = BROKER.get_or_init(|| {
            let broker = devbroker::Broker::start(devbroker::Settings::default());
            broker.unwrap_or_else(|error| panic!("no broker to test with: {error:#}"))
        });
        Self::at(&broker.address().to_string())
    }

    /// The Kafka at `servers`.
    pub fn at(servers: &str) -> Self {
        Self { servers: servers.to_owned() }
    }

    /// For `--bootstrap-servers`.
    pub fn servers(&self) -> &str {
        &self.servers
    }

    /// A client's configuration with the address in it.
    pub(crate) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.servers);
        config
    }

    /// Creates a topic and waits until it can be used.
    ///
    /// # Errors
    /// It is there already, or Kafka refuses.
    pub fn create_topic(&self, name: &str, partitions: u32) -> Result<()> {
        self.create_topic_with(name, partitions, &[])
    }

    /// The same with settings of the topic, such as `compression.type`.
    ///
    /// # Errors
    /// As [`Kafka::create_topic`].
    pub fn create_topic_with(&self, name: &str, partitions: u32, settings: &[(&str, &str)]) -> Result<()> {
        let count = i32::try_from(partitions)?;
        let mut topic = NewTopic::new(name, count, TopicReplication::Fixed(1));
        for (setting, value) in settings {
            topic = topic.set(setting, value);
        }
        let answers = block_on(self.admin()?.create_topics([&topic], &options()))?;
        for answer in answers {
            answer.map_err(|(name, error)| anyhow::anyhow!("cannot create topic {name}: {error}"))?;
        }
        wait_until(&format!("topic {name}"), REQUEST_TIMEOUT, || {
            Ok(self.partitions(name)? == Some(partitions))
        })
    }

    /// Deletes topics and waits until they are gone; those that do not exist are passed over.
    ///
    /// # Errors
    /// Kafka refuses.
    pub fn delete_topics(&self, names: &[&str]) -> Result<()> {
        for answer in block_on(self.admin()?.delete_topics(names, &options()))? {
            match answer {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((name, error)) => bail!("cannot delete topic {name}: {error}"),
            }
        }
        for name in names {
            wait_until(&format!("the end of {name}"), REQUEST_TIMEOUT, || {
                Ok(self.partitions(name)?.is_none())
            })?;
        }
        Ok(())
    }

    /// Has all topics deleted whose names begin so, and does not wait: a broker with thousands of them is slow.
    ///
    /// # Errors
    /// Kafka refuses.
    pub fn let_go_of_topics(&self, prefix: &str) -> Result<()> {
        let admin = self.admin()?;
        let metadata = admin.inner().fetch_metadata(None, REQUEST_TIMEOUT).context("no metadata")?;
        let names: Vec<&str> = metadata.topics().iter().map(rdkafka::metadata::MetadataTopic::name).collect();
        let names: Vec<&str> = names.into_iter().filter(|name| name.starts_with(prefix)).collect();
        for answer in block_on(admin.delete_topics(&names, &options()))? {
            answer.map_err(|(name, error)| anyhow::anyhow!("cannot delete topic {name}: {error}"))?;
        }
        Ok(())
    }

    /// Gives a topic more partitions, and waits until they are there.
    ///
    /// # Errors
    /// Kafka refuses.
    pub fn add_partitions(&self, topic: &str, partitions: u32) -> Result<()> {
        let more = NewPartitions::new(topic, partitions as usize);
        for answer in block_on(self.admin()?.create_partitions([&more], &options()))? {
            answer.map_err(|(name, error)| anyhow::anyhow!("cannot add partitions to {name}: {error}"))?;
        }
        wait_until(&format!("partitions of {topic}"), REQUEST_TIMEOUT, || {
            Ok(self.partitions(topic)? == Some(partitions))
        })
    }

    /// Changes a setting of a topic; the others become those of the broker.
    ///
    /// # Errors
    /// Kafka refuses.
    pub fn set_topic(&self, topic: &str, setting: &str, value: &str) -> Result<()> {
        let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set(setting, value);
        for answer in block_on(self.admin()?.alter_configs([&change], &options()))? {
            answer.map_err(|(_, error)| anyhow::anyhow!("cannot set {setting} of {topic}: {error}"))?;
        }
        Ok(())
    }

    /// Deletes all records of a topic.
    ///
    /// # Errors
    /// Kafka refuses.
    pub fn delete_all_records(&self, topic: &str) -> Result<()> {
        let mut ends = TopicPartitionList::new();
        for partition in 0..self.partitions_of(topic)? {
            ends.add_partition_offset(topic, i32::try_from(partition)?, Offset::End)?;
        }
        let deleted = block_on(self.admin()?.delete_records(&ends, &options()))?;
        for partition in deleted.elements() {
            partition.error().with_context(|| format!("cannot delete records of {topic}"))?;
        }
        Ok(())
    }

    /// The number of partitions; none when there is no such topic.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub fn partitions(&self, topic: &str) -> Result<Option<u32>> {
        // Asked of all topics: a question for one that is not there is repeated for a while by the client.
        let metadata = self.admin()?.inner().fetch_metadata(None, REQUEST_TIMEOUT).context("no metadata")?;
        let found =
            metadata.topics().iter().find(|entry| entry.name() == topic && !entry.partitions().is_empty());
        found.map(|entry| u32::try_from(entry.partitions().len()).context("too many partitions")).transpose()
    }

    /// The number of partitions of a topic that must be there.
    ///
    /// # Errors
    /// It is not there.
    pub fn partitions_of(&self, topic: &str) -> Result<u32> {
        self.partitions(topic)?.with_context(|| format!("there is no topic {topic}"))
    }

    /// A producer for explicit partitions.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn producer(&self) -> Result<Producer> {
        Producer::new(self)
    }

    /// A producer that takes records of up to 2 MB.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn large_producer(&self) -> Result<Producer> {
        Producer::large(self)
    }

    /// A producer whose records go in transactions.
    ///
    /// # Errors
    /// The client can't be made, or Kafka gives it no producer id.
    pub fn transactional_producer(&self, id: &str) -> Result<Producer> {
        Producer::transactional(self, id)
    }

    /// All records of a topic that this isolation shows now, partition by partition in offset order.
    ///
    /// # Errors
    /// The topic is not there, or its end is not reached in time.
    pub fn read(&self, topic: &str, isolation: Isolation) -> Result<Vec<Record>> {
        consume::read(self, topic, isolation)
    }

    /// Shows the records of a topic one by one, each partition's in offset order; keeps none.
    ///
    /// # Errors
    /// As [`Kafka::read`], or `show` fails.
    pub fn watch(
        &self,
        topic: &str,
        isolation: Isolation,
        show: impl FnMut(Passing<'_>) -> Result<()>,
    ) -> Result<()> {
        consume::watch(self, topic, isolation, show)
    }

    /// Goes on reading a topic from its start, past its end.
    ///
    /// # Errors
    /// The topic is not there.
    pub fn tail(&self, topic: &str, isolation: Isolation) -> Result<Tail> {
        Tail::new(self, topic, isolation)
    }

    /// Per partition the end of the log (`Uncommitted`) or its last stable offset (`Committed`).
    ///
    /// # Errors
    /// The topic is not there, or Kafka does not answer.
    pub fn ends(&self, topic: &str, isolation: Isolation) -> Result<Vec<i64>> {
        self.log(topic, isolation)?.ends()
    }

    /// For asking for the ends of the same topic again and again.
    ///
    /// # Errors
    /// The topic is not there.
    pub fn log(&self, topic: &str, isolation: Isolation) -> Result<Log> {
        let consumer = self.consumer("testkit-ends", isolation)?;
        Ok(Log { consumer, topic: topic.to_owned(), partitions: self.partitions_of(topic)? })
    }

    /// Per partition the group's committed offset, if any. `Committed` waits until no transaction has one
    /// pending; `Uncommitted` says at once what was committed last.
    ///
    /// # Errors
    /// The topic is not there, or Kafka does not answer.
    pub fn committed(&self, group: &str, topic: &str, isolation: Isolation) -> Result<Vec<Option<i64>>> {
        let partitions = self.partitions_of(topic)?;
        self.group(group, isolation)?.committed(topic, partitions)
    }

    /// For asking the same group again and again.
    ///
    /// # Errors
    /// The client can't be made.
    pub fn group(&self, group: &str, isolation: Isolation) -> Result<Group> {
        Ok(Group { name: group.to_owned(), consumer: self.consumer(group, isolation)? })
    }

    /// A consumer that never joins a group.
    pub(crate) fn consumer(&self, group: &str, isolation: Isolation) -> Result<BaseConsumer> {
        let mut config = self.config();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.partition.eof", "true")
            .set("auto.offset.reset", "error")
            .set("fetch.queue.backoff.ms", "2")
            .set("isolation.level", isolation.name());
        config.create().context("cannot make a consumer")
    }

    fn admin(&self) -> Result<AdminClient<DefaultClientContext>> {
        self.config().create().context("cannot make an admin client")
    }
}

/// A topic whose ends are asked for.
pub struct Log {
    consumer: BaseConsumer,
    topic: String,
    partitions: u32,
}

impl Log {
    /// As [`Kafka::ends`].
    ///
    /// # Errors
    /// Kafka does not answer.
    pub fn ends(&self) -> Result<Vec<i64>> {
        let end = |partition| {
            let partition = i32::try_from(partition)?;
            let (_, end) = self.consumer.fetch_watermarks(&self.topic, partition, REQUEST_TIMEOUT)?;
            Ok(end)
        };
        (0..self.partitions).map(end).collect()
    }
}

/// A consumer group as seen from outside.
pub struct Group {
    name: String,
    consumer: BaseConsumer,
}

impl Group {
    /// How many members have their partitions; none while they are given out.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub fn members(&self) -> Result<Option<usize>> {
        let groups = self.consumer.fetch_group_list(Some(&self.name), REQUEST_TIMEOUT);
        let groups = groups.with_context(|| format!("cannot ask for group {}", self.name))?;
        let group = groups.groups().iter().find(|group| group.name() == self.name);
        Ok(group.filter(|group| group.state() == "Stable").map(|group| group.members().len()))
    }

    /// The committed offset of each partition of `topic`, if any.
    ///
    /// # Errors
    /// Kafka does not answer.
    pub fn committed(&self, topic: &str, partitions: u32) -> Result<Vec<Option<i64>>> {
        let mut list = TopicPartitionList::new();
        for partition in 0..partitions {
            list.add_partition(topic, i32::try_from(partition)?);
        }
        let list = self.ask(&list)?;
        let offset = |entry: rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match entry.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        Ok(list.elements_for_topic(topic).into_iter().map(offset).collect())
    }

    /// Asks again while a fresh or restarted broker is still finding the group's coordinator.
    fn ask(&self, list: &TopicPartitionList) -> Result<TopicPartitionList> {
        let deadline = Instant::now() + REQUEST_TIMEOUT;
        loop {
            match self.consumer.committed_offsets(list.clone(), REQUEST_TIMEOUT) {
                Err(error) if Instant::now() < deadline && is_finding_coordinator(&error) => {
                    std::thread::sleep(COORDINATOR_PAUSE);
                }
                answer => return answer.context("no committed offsets"),
            }
        }
    }
}

fn is_finding_coordinator(error: &rdkafka::error::KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::NotCoordinator
                | RDKafkaErrorCode::CoordinatorLoadInProgress
                | RDKafkaErrorCode::CoordinatorNotAvailable
        )
    )
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT)).operation_timeout(Some(REQUEST_TIMEOUT))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers needs nothing").block_on(future)
}
