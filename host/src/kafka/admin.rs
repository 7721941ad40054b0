//! Questions and requests about topics, groups and brokers. Synchronous, each within a named time; it retries
//! nothing but reading.

use super::client::Settings;
use super::consumer::{ask, committed, entries_ok, in_order};
use super::error::{Code, Doing, Fault, sort};
use super::known;
use super::sys::{self, EARLIEST, Handle, Isolation, Kind, LATEST, PartitionList, list_offsets};
use host_core::error::{Stop, StopKind};
use host_core::event::Failure;
use host_core::metadata::Metadata;
use host_core::record::{Offset, TopicPartition};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::groups::GroupInfo;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{Offset as Position, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Bounds one request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Bounds one try of reading metadata or offsets.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a new topic may take to be seen.
const CREATED_TIMEOUT: Duration = Duration::from_secs(30);
/// Bounds one look for a broker. Nothing wakes the look when a broker's answer has come, so a long one comes too late.
const LOOK_TIMEOUT: Duration = Duration::from_millis(20);
/// Between two looks.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// A topic to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// A valid topic name.
    pub name: String,
    /// At least one.
    pub partitions: u32,
    /// None: the broker's default.
    pub replication_factor: Option<u16>,
    /// As the broker names them.
    pub configs: Vec<(&'static str, &'static str)>,
}

/// What a topic is for, as its configuration says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// An input, an output, dead letters: the broker's defaults.
    Plain,
    /// Accumulators: the newest of each key is kept.
    Changelog,
    /// The modules of the application: the newest of each key is kept.
    Modules,
    /// Re-keyed rows: everything is kept until it is purged after use.
    Repartition,
}

impl Purpose {
    /// The topic's configuration.
    pub fn configs(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Plain => vec![],
            Self::Changelog | Self::Modules => vec![("cleanup.policy", "compact")],
            Self::Repartition => {
                vec![("cleanup.policy", "delete"), ("retention.ms", "-1"), ("retention.bytes", "-1")]
            }
        }
    }
}

/// The admin client.
pub struct Admin {
    client: AdminClient<DefaultClientContext>,
    /// Asks for offsets. The admin call for a group's offsets is no use: in librdkafka 2.12.1 a client without a
    /// group of its own crashes on the answer that the coordinator is elsewhere.
    handle: Handle,
    runtime: tokio::runtime::Runtime,
    bootstrap_servers: String,
    application_id: String,
}

impl Admin {
    /// Connects in the background.
    ///
    /// # Errors
    /// A stop when the settings make no client.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        let failed = |text: String| {
            Failure::Stop(Stop::new(StopKind::Kafka, format!("cannot make the admin client: {text}")))
        };
        let config = settings.admin();
        let handle = Handle::new(Kind::Observer, &settings.observer()).map_err(failed)?;
        let client = config.create().map_err(|error: KafkaError| failed(error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| failed(error.to_string()))?;
        Ok(Self {
            client,
            handle,
            runtime,
            bootstrap_servers: settings.bootstrap_servers.clone(),
            application_id: settings.application_id.clone(),
        })
    }

    /// Waits until a broker answers.
    ///
    /// # Errors
    /// A stop that names the bootstrap servers: after `timeout`, or at once when our credentials are refused.
    pub fn reach(&self, timeout: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // Else it connects with the next look at its group, up to a second later.
            self.handle.nudge();
            if self.handle.controller(left.min(LOOK_TIMEOUT)).is_some() {
                return Ok(());
            }
            self.handle.poll(Duration::ZERO);
            if let Some(text) = self.handle.signals().take_refused() {
                let what = format!("reaching Kafka at \"{}\"", self.bootstrap_servers);
                let fault = Fault { text, ..Fault::of(Code::RD_KAFKA_RESP_ERR__AUTHENTICATION) };
                return Err(sort(Doing::Read, &what, &fault));
            }
            if left.is_zero() {
                return Err(self.not_reached(timeout));
            }
        }
    }

    fn not_reached(&self, timeout: Duration) -> Failure {
        let reason = self.handle.signals().last_error().unwrap_or_else(|| "no answer".to_owned());
        Failure::Stop(Stop::new(
            StopKind::Kafka,
            format!(
                "no Kafka broker at \"{}\" answered within {timeout:?}: {reason}\n\
                 hint: is it running, and is --bootstrap-servers right?",
                self.bootstrap_servers
            ),
        ))
    }

    /// The number of partitions of each topic; none for one that does not exist.
    ///
    /// # Errors
    /// When a broker does not answer, or does not let us look.
    pub fn partitions(&self, topics: &[&str]) -> Result<Vec<Option<u32>>, Failure> {
        topics.iter().map(|topic| self.partitions_of(topic)).collect()
    }

    /// All partitions of these topics; none of one that does not exist.
    ///
    /// # Errors
    /// When a broker does not answer, or does not let us look.
    pub fn all_partitions<T: AsRef<str>>(&self, topics: &[T]) -> Result<Vec<TopicPartition>, Failure> {
        let mut all = Vec::new();
        for topic in topics.iter().map(AsRef::as_ref) {
            let count = self.partitions_of(topic)?.unwrap_or_default();
            all.extend((0..count).map(|partition| TopicPartition::new(topic, partition)));
        }
        Ok(all)
    }

    fn partitions_of(&self, topic: &str) -> Result<Option<u32>, Failure> {
        let what = format!("looking at topic \"{topic}\"");
        ask(&what, || {
            let metadata = self
                .client
                .inner()
                .fetch_metadata(Some(topic), TRY_TIMEOUT)
                .map_err(|error| fault(&error))?;
            let Some(found) = metadata.topics().iter().find(|found| found.name() == topic) else {
                return Ok(None);
            };
            match found.error().map(RDKafkaErrorCode::from) {
                None => Ok(Some(u32::try_from(found.partitions().len()).unwrap_or(u32::MAX))),
                Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Ok(None),
                Some(code) => Err(fault(&KafkaError::MetadataFetch(code))),
            }
        })
    }

    /// Makes topics and waits until they are seen. One that another process has just made is fine.
    ///
    /// # Errors
    /// A stop that names the topic.
    pub fn create_topics(&self, specs: &[TopicSpec]) -> Result<(), Failure> {
        let topics: Vec<_> = specs.iter().map(new_topic).collect();
        let options = options();
        let results = self.runtime.block_on(self.client.create_topics(&topics, &options));
        for result in results.map_err(|error| sort(Doing::Read, "creating topics", &fault(&error)))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((topic, code)) => {
                    let what = format!("creating topic \"{topic}\"");
                    return Err(give_up(sort(Doing::Read, &what, &fault(&KafkaError::AdminOp(code)))));
                }
            }
        }
        let deadline = Instant::now() + CREATED_TIMEOUT;
        for spec in specs {
            while self.partitions_of(&spec.name)?.is_none() {
                if Instant::now() >= deadline {
                    let text = format!(
                        "topic \"{}\" was created but is not seen after {CREATED_TIMEOUT:?}",
                        spec.name
                    );
                    return Err(Failure::Stop(Stop::new(StopKind::Kafka, text)));
                }
                std::thread::sleep(LOOK_PAUSE);
            }
        }
        Ok(())
    }

    /// A topic's effective configuration.
    ///
    /// # Errors
    /// When a broker does not answer, or does not let us look.
    pub fn topic_configs(&self, topic: &str) -> Result<BTreeMap<String, String>, Failure> {
        let what = format!("reading the configuration of topic \"{topic}\"");
        self.configs(ResourceSpecifier::Topic(topic))
            .map_err(|error| sort(Doing::Read, &what, &fault(&error)))
    }

    fn configs(&self, resource: ResourceSpecifier<'_>) -> Result<BTreeMap<String, String>, KafkaError> {
        let results = self.runtime.block_on(self.client.describe_configs([&resource], &options()))?;
        let mut configs = BTreeMap::new();
        for result in results {
            let result = result.map_err(KafkaError::AdminOp)?;
            configs.extend(result.entries.into_iter().filter_map(|entry| Some((entry.name, entry.value?))));
        }
        Ok(configs)
    }

    /// The id of a topic; one that is made again under the same name has another.
    ///
    /// # Errors
    /// When it cannot be had.
    pub fn topic_id(&self, topic: &str) -> Result<String, Failure> {
        let what = format!("reading the id of topic \"{topic}\"");
        super::sys::topic_id(&self.handle, topic, TRY_TIMEOUT)
            .map_err(|fault| sort(Doing::Read, &what, &fault))
    }

    /// Checks that a changelog keeps the newest accumulator of each key for ever.
    ///
    /// # Errors
    /// A stop when it does not. A configuration that we may not read is not checked.
    pub fn check_changelog(&self, topic: &str) -> Result<(), Failure> {
        let configs = match self.topic_configs(topic) {
            Err(Failure::Stop(stop)) if stop.kind == StopKind::NotAuthorised => {
                tracing::warn!(topic, "not allowed to read the changelog's configuration; it is not checked");
                return Ok(());
            }
            configs => configs?,
        };
        match configs.get("cleanup.policy").map(String::as_str) {
            Some("compact") | None => Ok(()),
            Some(policy) => Err(Failure::Stop(Stop::new(
                StopKind::State,
                format!(
                    "changelog topic \"{topic}\" has cleanup.policy={policy}: old state would be deleted\n\
                     set it with kafka-configs --alter --topic {topic} --add-config cleanup.policy=compact"
                ),
            ))),
        }
    }

    /// The longest transaction that the brokers allow; none when we may not know.
    pub fn transaction_timeout_max(&self) -> Option<Duration> {
        let broker = self.handle.controller(TRY_TIMEOUT)?;
        let configs = self.configs(ResourceSpecifier::Broker(broker)).ok()?;
        configs.get("transaction.max.timeout.ms")?.parse().ok().map(Duration::from_millis)
    }

    /// Deletes records before these offsets.
    ///
    /// # Errors
    /// When a broker refuses; nothing depends on it.
    pub fn delete_records(&self, before: &[(TopicPartition, Offset)]) -> Result<(), Failure> {
        let failed = |error| sort(Doing::Read, "deleting records", &fault(&error));
        let mut list = TopicPartitionList::with_capacity(before.len());
        for (partition, offset) in before {
            let number = partition.partition.cast_signed();
            list.add_partition_offset(&partition.topic, number, Position::Offset(*offset)).map_err(failed)?;
        }
        let deleted = self.runtime.block_on(self.client.delete_records(&list, &options())).map_err(failed)?;
        deleted.elements().iter().try_for_each(TopicPartitionListElem::error).map_err(failed)
    }

    /// Deletes topics.
    ///
    /// # Errors
    /// A stop that names the topic.
    pub fn delete_topics(&self, topics: &[String]) -> Result<(), Failure> {
        if topics.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        let results = self.runtime.block_on(self.client.delete_topics(&names, &options()));
        for result in results.map_err(|error| sort(Doing::Read, "deleting topics", &fault(&error)))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::UnknownTopicOrPartition)) => {}
                Err((topic, code)) => {
                    let what = format!("deleting topic \"{topic}\"");
                    return Err(give_up(sort(Doing::Read, &what, &fault(&KafkaError::AdminOp(code)))));
                }
            }
        }
        Ok(())
    }

    /// Deletes the application's group with its committed offsets; fine when there is none.
    ///
    /// # Errors
    /// It has members, or a broker refuses.
    pub fn delete_group(&self) -> Result<(), Failure> {
        let groups = [self.application_id.as_str()];
        let results = self.runtime.block_on(self.client.delete_groups(&groups, &options()));
        for result in results.map_err(|error| sort(Doing::Read, "deleting the group", &fault(&error)))? {
            match result {
                Ok(_) | Err((_, RDKafkaErrorCode::GroupIdNotFound)) => {}
                Err((group, code)) => {
                    let what = format!("deleting group \"{group}\"");
                    return Err(give_up(sort(Doing::Read, &what, &fault(&KafkaError::AdminOp(code)))));
                }
            }
        }
        Ok(())
    }

    /// True when a host of this application has committed an offset in one of them.
    ///
    /// # Errors
    /// When there is no answer.
    pub fn has_committed(&self, partitions: &[TopicPartition]) -> Result<bool, Failure> {
        let found = committed(&self.handle, &self.application_id, partitions)?;
        Ok(found.iter().flatten().any(|entry| Metadata::parse(known::metadata(&entry.metadata)).is_some()))
    }

    /// The application's stable committed offsets, in the order of the question.
    ///
    /// # Errors
    /// When a broker does not answer, or does not let us look.
    pub fn committed(&self, partitions: &[TopicPartition]) -> Result<Vec<Option<Offset>>, Failure> {
        let committed = committed(&self.handle, &self.application_id, partitions)?;
        Ok(committed.into_iter().map(|found| found.map(|entry| entry.offset)).collect())
    }

    /// Members of the application's group that are not these instances.
    ///
    /// # Errors
    /// When a broker does not answer, or does not let us look.
    pub fn strangers(&self, instances: &[String]) -> Result<usize, Failure> {
        let ours: Vec<String> =
            instances.iter().map(|id| super::client::client_id(&self.application_id, id)).collect();
        ask("looking at the group's members", || {
            let client = self.client.inner();
            let groups = client
                .fetch_group_list(Some(&self.application_id), TRY_TIMEOUT)
                .map_err(|error| fault(&error))?;
            let members = groups.groups().iter().flat_map(GroupInfo::members);
            Ok(members.filter(|member| !ours.iter().any(|id| id == member.client_id())).count())
        })
    }

    /// The first offset of each log, in the order of the question.
    ///
    /// # Errors
    /// When a broker does not answer, or does not let us look.
    pub fn starts(&self, partitions: &[TopicPartition]) -> Result<Vec<Offset>, Failure> {
        self.log_offsets(partitions, EARLIEST, Isolation::Committed)
    }

    /// The last stable offset of each log: where a reader of committed records ends.
    ///
    /// # Errors
    /// When a broker does not answer, or does not let us look.
    pub fn stable_ends(&self, partitions: &[TopicPartition]) -> Result<Vec<Offset>, Failure> {
        self.log_offsets(partitions, LATEST, Isolation::Committed)
    }

    /// The high watermark of each log: open transactions count.
    ///
    /// # Errors
    /// When a broker does not answer, or does not let us look.
    pub fn high_watermarks(&self, partitions: &[TopicPartition]) -> Result<Vec<Offset>, Failure> {
        self.log_offsets(partitions, LATEST, Isolation::Uncommitted)
    }

    fn log_offsets(
        &self,
        of: &[TopicPartition],
        which: Offset,
        isolation: Isolation,
    ) -> Result<Vec<Offset>, Failure> {
        if of.is_empty() {
            return Ok(Vec::new());
        }
        let entries = ask("reading the ends of logs", || {
            let list = PartitionList::of(of.iter().map(|partition| (partition, which)));
            let entries = list_offsets(&self.handle, &list, isolation, TRY_TIMEOUT)?;
            entries_ok(&entries)?;
            Ok(entries)
        })?;
        Ok(in_order(of, &entries)?.into_iter().map(|entry| entry.offset).collect())
    }
}

/// Nothing is open here that could be aborted.
fn give_up(failure: Failure) -> Failure {
    Failure::Stop(failure.into_stop())
}

fn new_topic(spec: &TopicSpec) -> NewTopic<'_> {
    let replication = spec.replication_factor.map_or(-1, i32::from);
    let partitions = i32::try_from(spec.partitions).unwrap_or(i32::MAX);
    let topic = NewTopic::new(&spec.name, partitions, TopicReplication::Fixed(replication));
    spec.configs.iter().fold(topic, |topic, (key, value)| topic.set(key, value))
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(REQUEST_TIMEOUT)).operation_timeout(Some(REQUEST_TIMEOUT))
}

/// An error of the safe wrapper.
fn fault(error: &KafkaError) -> Fault {
    let text = error.to_string();
    match error.rdkafka_error_code().and_then(|code| sys::code_of(code as i32)) {
        Some(code) => Fault::of(code),
        None => Fault { text, ..Fault::of(super::error::Code::RD_KAFKA_RESP_ERR__FAIL) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::bed::{Bed, source};
    use rdkafka::bindings::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NOT_COORDINATOR;
    use rdkafka::types::RDKafkaApiKey;

    /// A fresh broker answers so while it loads its groups.
    #[test]
    fn committed_offsets_are_asked_for_again_while_the_coordinator_moves() {
        let bed = Bed::new();
        let again = [RD_KAFKA_RESP_ERR_NOT_COORDINATOR; 3];
        bed.0.request_errors(RDKafkaApiKey::OffsetFetch, &again);
        let admin = Admin::new(&bed.settings()).expect("a client");
        let committed = admin.committed(&[source()]).expect("an answer");
        assert_eq!(committed, [None]);
    }
}
