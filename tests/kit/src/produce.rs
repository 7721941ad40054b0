//! Writing input: fast, in order, to explicit partitions, and every refusal is an error.

use crate::kafka::Kafka;
use anyhow::{Context, Result, bail};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use rdkafka::{ClientConfig, ClientContext};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const FLUSH_TIMEOUT: Duration = Duration::from_mins(1);
/// Records between two polls.
const POLL_EVERY: u64 = 1000;

/// A record to write. `None` is null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewRecord<'a> {
    /// The partition, whatever the key says.
    pub partition: u32,
    /// The key.
    pub key: Option<&'a [u8]>,
    /// The value.
    pub value: Option<&'a [u8]>,
    /// Names and values, in order.
    pub headers: &'a [(&'a str, Option<&'a [u8]>)],
}

/// Writes records; they are in Kafka after [`Producer::flush`].
pub struct Producer {
    client: BaseProducer<Deliveries>,
    failed: Arc<AtomicU64>,
    sent: u64,
}

impl Producer {
    pub(crate) fn new(kafka: &Kafka) -> Result<Self> {
        Self::with(kafka.config())
    }

    pub(crate) fn transactional(kafka: &Kafka, id: &str) -> Result<Self> {
        let mut config = kafka.config();
        config.set("transactional.id", id);
        let producer = Self::with(config)?;
        producer.client.init_transactions(FLUSH_TIMEOUT).context("cannot begin with transactions")?;
        Ok(producer)
    }

    pub(crate) fn large(kafka: &Kafka) -> Result<Self> {
        let mut config = kafka.config();
        config.set("message.max.bytes", "2000000");
        Self::with(config)
    }

    fn with(mut config: ClientConfig) -> Result<Self> {
        let failed = Arc::new(AtomicU64::new(0));
        config
            .set("enable.idempotence", "true")
            .set("linger.ms", "5")
            .set("batch.num.messages", "10000")
            .set("queue.buffering.max.messages", "500000");
        let client = config.create_with_context(Deliveries { failed: Arc::clone(&failed) });
        Ok(Self { client: client.context("cannot make a producer")?, failed, sent: 0 })
    }

    /// Hands one record over; waits while the queue is full.
    ///
    /// # Errors
    /// Kafka refuses it.
    pub fn send(&mut self, topic: &str, record: &NewRecord<'_>) -> Result<()> {
        self.send_with(topic, record, None)
    }

    /// The same with a timestamp of its own, in milliseconds since the epoch.
    ///
    /// # Errors
    /// As [`Producer::send`].
    pub fn send_at(&mut self, topic: &str, record: &NewRecord<'_>, timestamp_ms: i64) -> Result<()> {
        self.send_with(topic, record, Some(timestamp_ms))
    }

    fn send_with(&mut self, topic: &str, record: &NewRecord<'_>, timestamp_ms: Option<i64>) -> Result<()> {
        let mut out = BaseRecord::<[u8], [u8], ()>::to(topic).partition(i32::try_from(record.partition)?);
        if let Some(key) = record.key {
            out = out.key(key);
        }
        if let Some(value) = record.value {
            out = out.payload(value);
        }
        if let Some(timestamp_ms) = timestamp_ms {
            out = out.timestamp(timestamp_ms);
        }
        if !record.headers.is_empty() {
            let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
            for (key, value) in record.headers {
                headers = headers.insert(Header { key, value: *value });
            }
            out = out.headers(headers);
        }
        while let Err((error, again)) = self.client.send(out) {
            if !matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)) {
                return Err(error).with_context(|| format!("cannot write to {topic}-{}", record.partition));
            }
            self.client.poll(Duration::from_millis(5));
            out = again;
        }
        self.sent += 1;
        if self.sent.is_multiple_of(POLL_EVERY) {
            self.client.poll(Duration::ZERO);
        }
        Ok(())
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// One is open, or the producer has no transactions.
    pub fn begin(&self) -> Result<()> {
        self.client.begin_transaction().context("cannot begin a transaction")
    }

    /// Ends the open transaction: its records become visible, or are as if they had never been sent.
    ///
    /// # Errors
    /// Kafka refuses.
    pub fn end(&self, commits: bool) -> Result<()> {
        let ended = if commits {
            self.client.commit_transaction(FLUSH_TIMEOUT)
        } else {
            self.client.flush(FLUSH_TIMEOUT)?;
            self.client.abort_transaction(FLUSH_TIMEOUT)
        };
        ended.context("cannot end the transaction")
    }

    /// Waits until all records are acknowledged.
    ///
    /// # Errors
    /// One was not.
    pub fn flush(&mut self) -> Result<()> {
        self.client.flush(FLUSH_TIMEOUT).context("records were not acknowledged in time")?;
        match self.failed.load(Ordering::Relaxed) {
            0 => Ok(()),
            failed => bail!("{failed} records were refused"),
        }
    }
}

struct Deliveries {
    failed: Arc<AtomicU64>,
}

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if result.is_err() {
            self.failed.fetch_add(1, Ordering::Relaxed);
        }
    }
}
