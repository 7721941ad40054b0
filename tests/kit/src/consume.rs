//! Reading a topic from its start to its end.

use crate::kafka::Kafka;
use anyhow::{Context, Result, bail};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers, Message};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::time::{Duration, Instant};

/// From the start of a topic to its end.
const READ_DEADLINE: Duration = Duration::from_mins(2);
const POLL_TIMEOUT: Duration = Duration::from_millis(200);

/// What a reader sees of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Committed records only, up to the first open transaction.
    Committed,
    /// Everything, aborted records too.
    Uncommitted,
}

impl Isolation {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Committed => "read_committed",
            Self::Uncommitted => "read_uncommitted",
        }
    }
}

/// A record as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its partition.
    pub partition: u32,
    /// Its offset there.
    pub offset: i64,
    /// Milliseconds since the epoch.
    pub timestamp_ms: Option<i64>,
    /// None: null.
    pub key: Option<Vec<u8>>,
    /// None: null.
    pub value: Option<Vec<u8>>,
    /// Names and values, in order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Record {
    /// The value of the first header of this name, as text.
    pub fn header(&self, name: &str) -> Option<String> {
        let (_, value) = self.headers.iter().find(|(header, _)| header == name)?;
        value.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    fn of(message: &BorrowedMessage<'_>) -> Result<Self> {
        let headers = message.headers().map_or(Vec::new(), |headers| {
            headers.iter().map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
        });
        Ok(Self {
            partition: u32::try_from(message.partition())?,
            offset: message.offset(),
            timestamp_ms: message.timestamp().to_millis(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers,
        })
    }
}

/// A record as it passes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passing<'a> {
    /// Its partition.
    pub partition: u32,
    /// Its key; none: null.
    pub key: Option<&'a [u8]>,
    /// Its value; none: null.
    pub value: Option<&'a [u8]>,
}

pub(crate) fn read(kafka: &Kafka, topic: &str, isolation: Isolation) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    each(kafka, topic, isolation, |message| {
        records.push(Record::of(message)?);
        Ok(())
    })?;
    // Within a partition records came in offset order; the sort is stable.
    records.sort_by_key(|record| record.partition);
    Ok(records)
}

pub(crate) fn watch(
    kafka: &Kafka,
    topic: &str,
    isolation: Isolation,
    mut show: impl FnMut(Passing<'_>) -> Result<()>,
) -> Result<()> {
    each(kafka, topic, isolation, |message| {
        let partition = u32::try_from(message.partition())?;
        show(Passing { partition, key: message.key(), value: message.payload() })
    })
}

/// Goes on reading a topic from its start, past its end.
pub struct Tail {
    consumer: BaseConsumer,
}

impl Tail {
    pub(crate) fn new(kafka: &Kafka, topic: &str, isolation: Isolation) -> Result<Self> {
        Ok(Self { consumer: from_start(kafka, topic, isolation)?.0 })
    }

    /// The timestamp of the next record, in milliseconds since the epoch; none when there is none yet.
    ///
    /// # Errors
    /// The topic can't be read.
    pub fn next_timestamp_ms(&self) -> Result<Option<i64>> {
        match self.consumer.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => Ok(message.timestamp().to_millis()),
            Some(Err(KafkaError::PartitionEOF(_))) | None => Ok(None),
            Some(Err(error)) => Err(error).context("cannot read on"),
        }
    }
}

fn each(
    kafka: &Kafka,
    topic: &str,
    isolation: Isolation,
    mut show: impl FnMut(&BorrowedMessage<'_>) -> Result<()>,
) -> Result<()> {
    let (consumer, partitions) = from_start(kafka, topic, isolation)?;
    let deadline = Instant::now() + READ_DEADLINE;
    let mut ended = vec![false; partitions as usize];
    while ended.contains(&false) {
        match consumer.poll(POLL_TIMEOUT) {
            Some(Ok(message)) => show(&message)?,
            Some(Err(KafkaError::PartitionEOF(partition))) => ended[usize::try_from(partition)?] = true,
            Some(Err(error)) => return Err(error).with_context(|| format!("cannot read {topic}")),
            None => {}
        }
        if Instant::now() > deadline {
            bail!("the end of {topic} was not reached within {READ_DEADLINE:?}");
        }
    }
    Ok(())
}

/// A consumer of all partitions of a topic, and their number.
fn from_start(kafka: &Kafka, topic: &str, isolation: Isolation) -> Result<(BaseConsumer, u32)> {
    let partitions = kafka.partitions_of(topic)?;
    let consumer = kafka.consumer("testkit-reader", isolation)?;
    let mut assignment = TopicPartitionList::new();
    for partition in 0..partitions {
        assignment.add_partition_offset(topic, i32::try_from(partition)?, Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;
    Ok((consumer, partitions))
}
