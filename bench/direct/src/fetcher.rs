//! Reads the partitions of a topic, from their starts to the ends that they have when it begins.

use crate::aborted::Aborted;
use crate::batch::Batch;
use crate::codec::Decompressor;
use crate::connection::Connection;
use anyhow::{Context, Result, bail, ensure};
use bytes::Bytes;
use host_core::record::{Offset, Rows};
use kafka_protocol::error::ParseResponseErrorCode;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::{BrokerId, FetchRequest, ListOffsetsRequest, MetadataRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

/// The last version that names topics; it has leader epochs and diverging ends.
const FETCH_VERSION: i16 = 12;
const LIST_OFFSETS_VERSION: i16 = 7;
const METADATA_VERSION: i16 = 9;
/// Names of the protocol.
const READ_COMMITTED: i8 = 1;
/// A request with another replica is a follower's, to whom the isolation level means nothing.
const CONSUMER: BrokerId = BrokerId(-1);
const EARLIEST: i64 = -2;
const LATEST: i64 = -1;
/// Bytes of one partition in a response; librdkafka is told the same.
const PARTITION_BYTES_MAX: i32 = 4 * 1024 * 1024;
const RESPONSE_BYTES_MAX: i32 = 50 * 1024 * 1024;
/// How long a broker may wait for the first byte.
const WAIT_MAX_MS: i32 = 100;
/// Records in a batch of columns, unless one record batch has more.
const BATCH_RECORDS: usize = 10_000;

/// A reader of all partitions of a topic, read-committed.
pub struct Fetcher {
    connection: Connection,
    topic: TopicName,
    partitions: Vec<Partition>,
    check_crcs: bool,
    /// A request is under way.
    is_asking: bool,
    decoder: Decoder,
}

struct Partition {
    index: i32,
    leader_epoch: i32,
    position: Offset,
    end: Offset,
    aborted: Aborted,
}

impl Fetcher {
    /// Finds the partitions, their starts and their last stable offsets.
    ///
    /// # Errors
    /// The broker is not there, knows no such topic, or does not lead one of its partitions.
    pub fn new(server: &str, topic: &str, check_crcs: bool) -> Result<Self> {
        let mut connection = Connection::new(server)?;
        let topic = TopicName(StrBytes::from_string(topic.to_owned()));
        let partitions = partitions(&mut connection, &topic)?;
        Ok(Self { connection, topic, partitions, check_crcs, is_asking: false, decoder: Decoder::default() })
    }

    /// Shows the records of the next response in columns, one partition at a time, in offset order; false when
    /// all partitions are at their ends. The next request is under way while they are decoded.
    ///
    /// # Errors
    /// The broker refuses, a batch is corrupt, or `show` fails.
    pub fn next(&mut self, mut show: impl FnMut(u32, &[Offset], &Rows) -> Result<()>) -> Result<bool> {
        if !self.is_asking && !self.ask()? {
            return Ok(false);
        }
        let response = self.connection.receive::<FetchRequest>(FETCH_VERSION)?;
        self.is_asking = false;
        no_error(response.error_code, "the fetch")?;
        let mut found = Vec::with_capacity(self.partitions.len());
        for data in response.responses.into_iter().flat_map(|topic| topic.partitions) {
            found.push(self.advance(data)?);
        }
        self.ask()?;
        for Found { place, from, records } in found {
            let partition = &mut self.partitions[place];
            let index = partition.index;
            self.decoder
                .run(from, &records, &mut partition.aborted, self.check_crcs, |offsets, rows| {
                    show(u32::try_from(index)?, offsets, rows)
                })
                .with_context(|| format!("partition {index}, from offset {from}"))?;
        }
        Ok(true)
    }

    /// Sends the next request; false when there is nothing left to ask for.
    fn ask(&mut self) -> Result<bool> {
        let wanted = self.partitions.iter().filter(|partition| partition.position < partition.end);
        let partitions: Vec<FetchPartition> = wanted
            .map(|partition| {
                FetchPartition::default()
                    .with_partition(partition.index)
                    .with_current_leader_epoch(partition.leader_epoch)
                    .with_fetch_offset(partition.position)
                    .with_partition_max_bytes(PARTITION_BYTES_MAX)
            })
            .collect();
        if partitions.is_empty() {
            return Ok(false);
        }
        let topic = FetchTopic::default().with_topic(self.topic.clone()).with_partitions(partitions);
        let request = FetchRequest::default()
            .with_max_wait_ms(WAIT_MAX_MS)
            .with_min_bytes(1)
            .with_max_bytes(RESPONSE_BYTES_MAX)
            .with_isolation_level(READ_COMMITTED)
            .with_topics(vec![topic]);
        self.connection.send(FETCH_VERSION, &request)?;
        self.is_asking = true;
        Ok(true)
    }

    /// Moves a partition's position behind what it was sent, by the headers of the batches alone.
    fn advance(&mut self, data: PartitionData) -> Result<Found> {
        let index = data.partition_index;
        let what = || format!("partition {index}");
        no_error(data.error_code, &what())?;
        ensure!(data.diverging_epoch.epoch < 0, "{}: the log was cut back since it was read", what());
        let place = self.partitions.iter().position(|partition| partition.index == index);
        let place = place.with_context(|| format!("{} was not asked for", what()))?;
        let partition = &mut self.partitions[place];
        let from = partition.position;
        let records = data.records.unwrap_or_default();
        let mut rest = &*records;
        while let Some(batch) = Batch::take(&mut rest).with_context(what)? {
            partition.position = partition.position.max(batch.last_offset.saturating_add(1));
        }
        ensure!(
            records.is_empty() || partition.position > from,
            "{}: a batch does not fit into {PARTITION_BYTES_MAX} bytes",
            what()
        );
        let aborted = data.aborted_transactions.unwrap_or_default();
        partition.aborted.begin(aborted.iter().map(|one| (one.first_offset, one.producer_id.0)));
        Ok(Found { place, from, records })
    }
}

/// What a response had for one partition.
struct Found {
    place: usize,
    from: Offset,
    records: Bytes,
}

/// Turns record batches into columns, in buffers that are used again.
#[derive(Default)]
struct Decoder {
    decompressor: Decompressor,
    offsets: Vec<Offset>,
    rows: Rows,
}

impl Decoder {
    fn run(
        &mut self,
        from: Offset,
        mut bytes: &[u8],
        aborted: &mut Aborted,
        check_crcs: bool,
        mut show: impl FnMut(&[Offset], &Rows) -> Result<()>,
    ) -> Result<()> {
        while let Some(batch) = Batch::take(&mut bytes)? {
            if check_crcs {
                batch.check()?;
            }
            if !aborted.hides(&batch, batch.control()?) {
                batch.append(from, &mut self.decompressor, &mut self.offsets, &mut self.rows)?;
            }
            if self.offsets.len() >= BATCH_RECORDS {
                self.show(&mut show)?;
            }
        }
        self.show(&mut show)
    }

    fn show(&mut self, show: &mut impl FnMut(&[Offset], &Rows) -> Result<()>) -> Result<()> {
        if !self.offsets.is_empty() {
            show(&self.offsets, &self.rows)?;
            self.offsets.clear();
            self.rows.clear();
        }
        Ok(())
    }
}

fn partitions(connection: &mut Connection, topic: &TopicName) -> Result<Vec<Partition>> {
    let wanted = MetadataRequestTopic::default().with_name(Some(topic.clone()));
    let request =
        MetadataRequest::default().with_topics(Some(vec![wanted])).with_allow_auto_topic_creation(false);
    let metadata = connection.call(METADATA_VERSION, &request)?;
    ensure!(
        metadata.brokers.len() == 1,
        "this prototype reads from one broker, not {}",
        metadata.brokers.len()
    );
    let found = metadata.topics.first().context("the broker says nothing of the topic")?;
    no_error(found.error_code, topic)?;
    let mut partitions = Vec::new();
    for partition in &found.partitions {
        no_error(partition.error_code, topic)?;
        partitions.push((partition.partition_index, partition.leader_epoch));
    }
    partitions.sort_unstable();
    let starts = log_offsets(connection, topic, &partitions, EARLIEST)?;
    let ends = log_offsets(connection, topic, &partitions, LATEST)?;
    let known = partitions.into_iter().zip(starts).zip(ends);
    Ok(known
        .map(|(((index, leader_epoch), position), end)| Partition {
            index,
            leader_epoch,
            position,
            end,
            aborted: Aborted::default(),
        })
        .collect())
}

/// The first offsets or the last stable ones, in the order of the question.
fn log_offsets(
    connection: &mut Connection,
    topic: &TopicName,
    partitions: &[(i32, i32)],
    which: i64,
) -> Result<Vec<Offset>> {
    let wanted = |(index, leader_epoch): &(i32, i32)| {
        ListOffsetsPartition::default()
            .with_partition_index(*index)
            .with_current_leader_epoch(*leader_epoch)
            .with_timestamp(which)
    };
    let asked = ListOffsetsTopic::default()
        .with_name(topic.clone())
        .with_partitions(partitions.iter().map(wanted).collect());
    let request = ListOffsetsRequest::default()
        .with_replica_id(CONSUMER)
        .with_isolation_level(READ_COMMITTED)
        .with_topics(vec![asked]);
    let response = connection.call(LIST_OFFSETS_VERSION, &request)?;
    let found = response.topics.first().context("the broker says nothing of the topic's ends")?;
    let of = |(index, _): &(i32, i32)| {
        let partition = found.partitions.iter().find(|partition| partition.partition_index == *index);
        let partition = partition.with_context(|| format!("no end of partition {index}"))?;
        no_error(partition.error_code, "an end")?;
        Ok(partition.offset)
    };
    partitions.iter().map(of).collect()
}

fn no_error(code: i16, what: &str) -> Result<()> {
    match code.err() {
        None => Ok(()),
        Some(error) => bail!("{what}: {error:?}"),
    }
}
