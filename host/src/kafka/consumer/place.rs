//! Where the client is told to read, and what comes of it when the log has no such place.

use super::{Consumer, RETRY_PAUSE, first_error};
use crate::kafka::error::{Code, Doing, Fault, sort};
use crate::kafka::fetch::misplaced;
use crate::kafka::sys::PartitionList;
use host_core::event::Failure;
use host_core::record::{Offset, TopicPartition};
use std::time::{Duration, Instant};

/// Bounds a seek: the partition may still be starting.
const SEEK_TIMEOUT: Duration = Duration::from_secs(10);

impl Consumer {
    /// Reads `source` on from `offset`: forgets what was fetched ahead, resumes it when it is paused.
    ///
    /// # Errors
    /// When the partition is not assigned, or did not start within [`SEEK_TIMEOUT`].
    pub fn seek(&mut self, source: &TopicPartition, offset: Offset) -> Result<(), Failure> {
        self.fetch.forget(source);
        let list = self.place(source, offset)?;
        let resumed = self.handle.resume(&list).and_then(|()| first_error(&list));
        resumed.map_err(|fault| sort(Doing::Read, &format!("resuming {source}"), &self.worst(fault)))
    }

    /// Where the client is to read, paused or not. When it was in doubt it asks the log whether that has the record before
    /// `offset` as it was read, and reads nothing until then.
    pub(super) fn place(&self, source: &TopicPartition, offset: Offset) -> Result<PartitionList, Failure> {
        let sort =
            |fault| sort(Doing::Read, &format!("seeking {source} to offset {offset}"), &self.worst(fault));
        let deadline = Instant::now() + SEEK_TIMEOUT;
        loop {
            let list = PartitionList::at(source, offset, self.trail.doubted(source, offset));
            let done = self.handle.seek(&list, SEEK_TIMEOUT).and_then(|()| first_error(&list));
            match done {
                Ok(()) => return Ok(list),
                // It is still starting or stopping.
                Err(fault) if is_starting(fault.code) && Instant::now() < deadline => {
                    std::thread::sleep(RETRY_PAUSE);
                }
                // The client has let go of it by itself: a rebalance is still to be heard of.
                Err(fault) if is_starting(fault.code) && self.handle.fatal().is_none() => {
                    let text = format!("seeking {source} to offset {offset}: {}", fault.text);
                    return Err(Failure::Abortable(text));
                }
                Err(fault) => return Err(sort(fault)),
            }
        }
    }

    /// The client does not find its place in the log any more: records were deleted, the log was cut off, or it is wrong.
    ///
    /// librdkafka 2.2 to 2.12 takes the end of a partition for a record when a batch holds it (its issue 4844). When it
    /// pauses a partition then, by itself while partitions are lost, it stands one too far, with a leader epoch that is
    /// none, and after the next change of leader takes the log for cut off. So a first time the partitions are located
    /// anew, and [`place`](Self::place) has the log compared with what was read.
    pub(super) fn misplaced(&mut self, source: &TopicPartition, fault: &Fault) -> Failure {
        match misplaced(source, fault) {
            Failure::Stop(stop) if self.trail.doubt(source) => Failure::Unplaced(stop.message),
            failure => failure,
        }
    }

    /// Reads nothing of `source` until it is sought or assigned anew; forgets what was fetched ahead of it.
    ///
    /// # Errors
    /// When the partition is not assigned.
    pub fn pause(&mut self, source: &TopicPartition) -> Result<(), Failure> {
        self.fetch.forget(source);
        let list = PartitionList::of(std::iter::once((source, 0)));
        let paused = self.handle.pause(&list).and_then(|()| first_error(&list));
        paused.map_err(|fault| sort(Doing::Read, &format!("pausing {source}"), &self.worst(fault)))
    }
}

fn is_starting(code: Code) -> bool {
    matches!(code, Code::RD_KAFKA_RESP_ERR__STATE | Code::RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::client::{Properties, Settings};
    use crate::kafka::consumer::Polled;
    use crate::kafka::fetch::Limits;
    use crate::kafka::known::KnownTopics;
    use host_core::effect::Assignment;
    use host_core::error::StopKind;
    use rdkafka::ClientConfig;
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer};

    const TOPIC: &str = "topic";
    /// For whatever must happen by itself.
    const DEADLINE: Duration = Duration::from_mins(1);

    /// A log on librdkafka's own broker, and its only reader.
    struct Bed {
        cluster: MockCluster<'static, DefaultProducerContext>,
        consumer: Consumer,
    }

    impl Bed {
        fn new() -> Self {
            let cluster = MockCluster::new(1).expect("a broker");
            cluster.create_topic(TOPIC, 1, 1).expect("a topic");
            let settings = Settings {
                bootstrap_servers: cluster.bootstrap_servers(),
                application_id: "app".to_owned(),
                commit_interval: Duration::from_millis(100),
                properties: Properties::default(),
                known_topics: KnownTopics::default(),
            };
            let mut consumer =
                Consumer::new(&settings, "0", None, vec![TOPIC.to_owned()]).expect("a consumer");
            while !matches!(poll(&mut consumer), Ok(Polled::Assigned { .. })) {}
            Self { cluster, consumer }
        }

        fn write(&self, records: u32) {
            let mut config = ClientConfig::new();
            config.set("bootstrap.servers", self.cluster.bootstrap_servers());
            let producer: BaseProducer = config.create().expect("a producer");
            for _ in 0..records {
                let record = BaseRecord::<(), str>::to(TOPIC).payload("1").partition(0);
                producer.send(record).map_err(|(error, _)| error).expect("a place in the queue");
            }
            producer.flush(DEADLINE).expect("delivered");
        }

        /// The next leader; the consumer hears of it.
        fn change_leader(&self) {
            self.cluster.partition_leader(TOPIC, 0, Some(1)).expect("a leader");
            assert!(self.consumer.handle.reaches_a_broker(DEADLINE));
        }

        fn assign(&mut self, offset: Offset) {
            self.consumer.assign(&[Assignment { source: source(), offset, paused: false }]).expect("taken");
        }

        /// Reads until there is a failure, or the end; this is where.
        fn read(&mut self) -> Result<Offset, Failure> {
            let end = Instant::now() + DEADLINE;
            while Instant::now() < end {
                if let Polled::PartitionEnd { position, .. } = poll(&mut self.consumer)? {
                    return Ok(position);
                }
            }
            panic!("no end within {DEADLINE:?}");
        }
    }

    fn source() -> TopicPartition {
        TopicPartition::new(TOPIC, 0)
    }

    fn poll(consumer: &mut Consumer) -> Result<Polled, Failure> {
        consumer.poll(Duration::from_millis(100), Limits { records_max: 100, bytes_max: 1 << 20 })
    }

    #[test]
    fn a_client_that_takes_the_end_for_a_record_is_placed_anew_and_reads_on() {
        let mut bed = Bed::new();
        bed.write(5);
        let failure = std::iter::repeat_with(|| {
            bed.assign(0);
            // So that one batch has the records and the end.
            std::thread::sleep(Duration::from_secs(1));
            assert_eq!(bed.read(), Ok(5));
            bed.consumer.pause(&source()).expect("paused");
            bed.change_leader();
            (0..20).find_map(|_| poll(&mut bed.consumer).err())
        });
        let failure = failure.take(10).flatten().next().expect("the client to lose its place");
        let Failure::Unplaced(text) = failure else { panic!("{failure:?}") };
        assert!(text.contains("topic-0") && text.contains("truncation"), "{text}");
        bed.write(2);
        bed.assign(5);
        assert_eq!(bed.read(), Ok(7), "the log has what was read");
    }

    #[test]
    fn a_log_that_was_cut_off_and_has_grown_since_is_noticed() {
        let mut bed = Bed::new();
        bed.write(5);
        bed.change_leader();
        bed.write(5);
        // So it was before the log was cut off at 5: the first leader took these.
        bed.consumer.trail.read(&source(), 0, 7, 0);
        assert!(bed.consumer.trail.doubt(&source()));
        bed.assign(8);
        let failure = bed.read().expect_err("8 of the first leader is not in the log");
        let Failure::Stop(stop) = failure else { panic!("{failure:?}") };
        assert_eq!(stop.kind, StopKind::State);
        assert!(stop.message.contains("truncation"), "{stop}");
    }
}
