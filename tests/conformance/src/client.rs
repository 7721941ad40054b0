//! Calls of librdkafka, made short.

use crate::Place;
use anyhow::{Context as _, Result, bail};
use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// For one call.
pub const TIMEOUT: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(20);

/// What became of records: partition and offset, or a code.
type Delivered = Arc<Mutex<Vec<Result<(i32, i64), RDKafkaErrorCode>>>>;

/// Notes what becomes of records.
pub struct Noting(Delivered);

impl ClientContext for Noting {}

impl ProducerContext for Noting {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let noted = match result {
            Ok(message) => Ok((message.partition(), message.offset())),
            Err((error, _)) => Err(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(noted);
    }
}

/// A producer that remembers what became of its records.
pub struct Producer {
    /// librdkafka's.
    pub client: BaseProducer<Noting>,
    delivered: Delivered,
}

impl Producer {
    /// One with these properties.
    ///
    /// # Errors
    /// librdkafka makes none.
    pub fn new(place: &Place, properties: &[(&str, &str)]) -> Result<Self> {
        let delivered = Delivered::default();
        let mut config = config(place, properties);
        config.set("linger.ms", "5");
        let client = config.create_with_context(Noting(Arc::clone(&delivered)))?;
        Ok(Self { client, delivered })
    }

    /// One with transactions, ready to begin one.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn transactional(place: &Place, id: &str, properties: &[(&str, &str)]) -> Result<Self> {
        let id = place.name(id);
        let producer = Self::new(place, &[&[("transactional.id", id.as_str())], properties].concat())?;
        producer.client.init_transactions(TIMEOUT).context("init_transactions")?;
        Ok(producer)
    }

    /// Sends values `from..to` to a partition, each its own batch or not as it comes, and waits for their fate.
    ///
    /// # Errors
    /// They have none in time.
    pub fn send(&self, topic: &str, partition: i32, values: std::ops::Range<u32>) -> Result<()> {
        for value in values {
            let text = value.to_string();
            self.hand_over(BaseRecord::<str, str>::to(topic).partition(partition).payload(&text))?;
        }
        self.flush()
    }

    /// Hands one record over.
    ///
    /// # Errors
    /// The queue does not take it.
    pub fn hand_over(&self, record: BaseRecord<'_, str, str>) -> Result<()> {
        self.client.send(record).map_err(|(error, _)| error).context("send")
    }

    /// Waits for the fate of all records.
    ///
    /// # Errors
    /// It does not come in time.
    pub fn flush(&self) -> Result<()> {
        let deadline = Instant::now() + TIMEOUT;
        while self.client.in_flight_count() > 0 {
            self.client.poll(Duration::from_millis(1));
            if Instant::now() > deadline {
                bail!("records have no fate after {TIMEOUT:?}");
            }
        }
        Ok(())
    }

    /// What became of the records since the last question.
    pub fn fates(&self) -> Vec<String> {
        let noted = std::mem::take(&mut *self.delivered.lock().unwrap_or_else(PoisonError::into_inner));
        let fate = |fate: Result<(i32, i64), RDKafkaErrorCode>| match fate {
            Ok((partition, offset)) => format!("{partition}@{offset}"),
            Err(code) => format!("{code:?}"),
        };
        noted.into_iter().map(fate).collect()
    }

    /// Commits.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn commit(&self) -> Result<(), KafkaError> {
        self.client.commit_transaction(TIMEOUT)
    }

    /// Aborts what has been written: what is not yet would be dropped here and prove nothing.
    ///
    /// # Errors
    /// The broker refuses.
    pub fn abort(&self) -> Result<()> {
        self.flush()?;
        self.client.abort_transaction(TIMEOUT).context("abort_transaction")
    }
}

/// The properties with the address.
pub fn config(place: &Place, properties: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", place.kafka.servers());
    for (name, value) in properties {
        config.set(*name, *value);
    }
    config
}

/// A consumer with these properties; it commits when it is told to.
///
/// # Errors
/// librdkafka makes none.
pub fn consumer(place: &Place, group: &str, properties: &[(&str, &str)]) -> Result<BaseConsumer> {
    let group = place.name(group);
    let ours = [
        ("group.id", group.as_str()),
        ("enable.auto.commit", "false"),
        ("auto.offset.reset", "earliest"),
        ("enable.partition.eof", "true"),
        ("fetch.wait.max.ms", "50"),
    ];
    config(place, &[&ours, properties].concat()).create().context("no consumer")
}

/// For topics, groups and settings.
///
/// # Errors
/// librdkafka makes none.
pub fn admin(place: &Place) -> Result<AdminClient<DefaultClientContext>> {
    config(place, &[]).create().context("no admin client")
}

/// Of an admin call.
pub fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(TIMEOUT)).operation_timeout(Some(TIMEOUT))
}

/// Waits for an admin call.
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers needs nothing").block_on(future)
}

/// A partition from an offset to its end, as `offset:value` (`-` for null).
///
/// # Errors
/// The end does not come in time, or reading fails.
pub fn read(place: &Place, topic: &str, from: Offset, properties: &[(&str, &str)]) -> Result<Vec<String>> {
    let consumer = consumer(place, "reader", properties)?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, from)?;
    consumer.assign(&list)?;
    let deadline = Instant::now() + TIMEOUT;
    let mut found = Vec::new();
    loop {
        match consumer.poll(POLL) {
            Some(Ok(message)) => {
                let value = message.payload().map_or("-".into(), String::from_utf8_lossy);
                found.push(format!("{}:{value}", message.offset()));
            }
            Some(Err(KafkaError::PartitionEOF(_))) => return Ok(found),
            Some(Err(error)) => {
                found.push(format!("{:?}", code(&error)));
                return Ok(found);
            }
            None if Instant::now() > deadline => bail!("{topic} has no end after {TIMEOUT:?}"),
            None => {}
        }
    }
}

/// What committed readers see, from the beginning.
///
/// # Errors
/// As [`read`].
pub fn read_committed(place: &Place, topic: &str) -> Result<Vec<String>> {
    read(place, topic, Offset::Beginning, &[("isolation.level", "read_committed")])
}

/// What others see, from the beginning.
///
/// # Errors
/// As [`read`].
pub fn read_all(place: &Place, topic: &str) -> Result<Vec<String>> {
    read(place, topic, Offset::Beginning, &[("isolation.level", "read_uncommitted")])
}

/// The first and the last offset of partition 0.
///
/// # Errors
/// The broker does not answer.
pub fn ends(place: &Place, topic: &str, isolation: &str) -> Result<String> {
    let consumer = consumer(place, "reader", &[("isolation.level", isolation)])?;
    let (low, high) = consumer.fetch_watermarks(topic, 0, TIMEOUT)?;
    Ok(format!("{isolation}: {low}..{high}"))
}

/// The error's code.
pub fn code(error: &KafkaError) -> RDKafkaErrorCode {
    error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown)
}

/// `ok`, or the code.
pub fn told<T>(result: Result<T, KafkaError>) -> String {
    match result {
        Ok(_) => "ok".into(),
        Err(error) => format!("{:?}", code(&error)),
    }
}
