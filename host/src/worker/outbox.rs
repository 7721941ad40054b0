//! A worker's writing side: with transactions, or, for at-least-once, the same steps without them.

use crate::kafka::{Consumer, Producer, Settings, Topic};
use host_core::effect::{CommitOffset, Outgoing, Target};
use host_core::error::Stop;
use host_core::event::{Epoch, Failure};
use host_core::topology::Topology;

/// What an outbox, and each producer of it, is made of.
#[derive(Clone, Debug)]
pub struct OutboxSettings {
    /// For all clients.
    pub kafka: Settings,
    /// Names the client in the brokers' logs.
    pub client_id: String,
    /// None: at least once.
    pub transactional_id: Option<String>,
    /// Names the topics.
    pub topology: Topology,
}

/// The topics, as one producer knows them.
struct Topics {
    output: Topic,
    repartition: Option<Topic>,
    changelog: Option<Topic>,
    dead_letter: Topic,
}

/// See the module's documentation.
pub struct Outbox {
    settings: OutboxSettings,
    producer: Producer,
    topics: Topics,
    /// A transaction has begun and has not ended.
    is_open: bool,
    /// At least once: what [`Outbox::commit`] commits after everything is delivered.
    offsets: Option<(Epoch, Vec<CommitOffset>)>,
}

impl Outbox {
    /// An outbox whose predecessor's transaction is settled.
    ///
    /// # Errors
    /// The producer can't be made ready.
    pub fn new(settings: OutboxSettings) -> Result<Self, Failure> {
        let (producer, topics) = make(&settings)?;
        Ok(Self { settings, producer, topics, is_open: false, offsets: None })
    }

    /// Replaces the producer; whatever the one before left open is settled.
    ///
    /// # Errors
    /// The producer can't be made ready.
    pub fn renew(&mut self) -> Result<(), Failure> {
        self.is_open = false;
        self.offsets = None;
        (self.producer, self.topics) = make(&self.settings)?;
        Ok(())
    }

    fn is_transactional(&self) -> bool {
        self.settings.transactional_id.is_some()
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// As sorted.
    pub fn begin(&mut self) -> Result<(), Failure> {
        if self.is_transactional() {
            self.producer.begin()?;
        }
        self.is_open = true;
        Ok(())
    }

    /// Hands rows to the producer.
    ///
    /// # Errors
    /// As sorted.
    pub fn send(&mut self, outgoing: &Outgoing) -> Result<(), Failure> {
        let (topic, partition) = match outgoing.target {
            Target::Output => (Some(&self.topics.output), None),
            Target::Repartition => (self.topics.repartition.as_ref(), None),
            Target::Changelog(partition) => (self.topics.changelog.as_ref(), Some(partition)),
            Target::DeadLetter => (Some(&self.topics.dead_letter), None),
        };
        let topic = topic.expect("the core writes only to topics of its topology");
        self.producer.send(topic, partition, &outgoing.rows)
    }

    /// Adds offsets to the transaction, with the group metadata of `epoch`.
    ///
    /// # Errors
    /// As sorted.
    pub fn send_offsets(
        &mut self,
        consumer: &Consumer,
        epoch: Epoch,
        offsets: Vec<CommitOffset>,
    ) -> Result<(), Failure> {
        if self.is_transactional() {
            let leader_epoch = |source: &_, offset| consumer.leader_epoch(source, offset);
            return self.producer.send_offsets(&offsets, consumer.group_metadata(epoch)?, leader_epoch);
        }
        self.offsets = Some((epoch, offsets));
        Ok(())
    }

    /// Commits. True: nothing of the transaction can still be under way.
    ///
    /// # Errors
    /// As sorted.
    pub fn commit(&mut self, consumer: &Consumer) -> Result<bool, Failure> {
        let clean = if self.is_transactional() {
            self.producer.commit()?
        } else {
            self.producer.flush()?;
            if let Some((epoch, offsets)) = self.offsets.take() {
                consumer.commit(epoch, &offsets)?;
            }
            true
        };
        self.is_open = false;
        Ok(clean)
    }

    /// Aborts, if a transaction is open. When a request of it may still be under way the producer is replaced: its new
    /// epoch fences the stray, which would otherwise end the next transaction.
    ///
    /// # Errors
    /// As sorted.
    pub fn abort(&mut self) -> Result<(), Failure> {
        self.offsets = None;
        if !std::mem::replace(&mut self.is_open, false) {
            return Ok(());
        }
        if self.is_transactional() {
            if !self.producer.abort()? {
                tracing::warn!(
                    "replacing the producer: the abort was slow, or a request of it was not answered"
                );
                self.renew()?;
            }
            return Ok(());
        }
        self.producer.purge();
        Ok(())
    }

    /// Aborts at the end of the process; the next one would do it otherwise.
    pub fn abort_at_exit(&mut self) {
        if let Err(failure) = self.abort() {
            tracing::warn!(?failure, "the open transaction was not aborted; the next start does it");
        }
    }
}

fn make(settings: &OutboxSettings) -> Result<(Producer, Topics), Failure> {
    let id = settings.transactional_id.as_deref();
    let producer = Producer::new(&settings.kafka, &settings.client_id, id)?;
    if id.is_some() {
        producer.init()?;
    }
    let topic = |name: &str| producer.topic(name);
    let optional = |name: &Option<String>| name.as_deref().map(topic).transpose();
    let topology = &settings.topology;
    let topics = Topics {
        output: topic(&topology.output)?,
        repartition: optional(&topology.repartition)?,
        changelog: optional(&topology.changelog)?,
        dead_letter: topic(&topology.dead_letter)?,
    };
    Ok((producer, topics))
}

/// A failure before there is a machine to handle it.
pub(crate) fn at_start(failure: Failure) -> Stop {
    failure.into_stop()
}
