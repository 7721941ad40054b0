//! Writes sample records. Nothing rests on them: one that is not delivered is nobody's loss.

use super::client::Settings;
use host_core::error::{Stop, StopKind};
use host_core::event::Failure;
use rdkafka::producer::{BaseRecord, DefaultProducerContext, ThreadedProducer};

/// A producer that delivers in the background.
pub struct SampleWriter(ThreadedProducer<DefaultProducerContext>);

impl SampleWriter {
    /// Connects in the background.
    ///
    /// # Errors
    /// A stop when the settings make no client.
    pub fn new(settings: &Settings) -> Result<Self, Failure> {
        let mut config = settings.producer("sample", None);
        // Nobody looks at them.
        config.set("statistics.interval.ms", "0");
        config.create().map(Self).map_err(|error| {
            Failure::Stop(Stop::new(
                StopKind::Kafka,
                format!("cannot make the producer of sample records: {error}"),
            ))
        })
    }

    /// Hands a value over. False: the queue is full, or the topic is gone.
    pub fn send(&self, topic: &str, partition: u32, value: &str) -> bool {
        let record = BaseRecord::<(), str>::to(topic).partition(partition.cast_signed()).payload(value);
        self.0.send(record).is_ok()
    }
}
