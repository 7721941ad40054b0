//! Where the client is told to read, and what comes of it when the log has no such place.

use super::{Consumer, RETRY_PAUSE, first_error};
use crate::kafka::error::{Code, Doing, Fault, sort};
use crate::kafka::fetch::misplaced;
use crate::kafka::sys::{Handle, PartitionList};
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
        let what = format!("seeking {source} to offset {offset}");
        let list = PartitionList::of(std::iter::once((source, offset)));
        place(&self.handle, &list).map_err(|fault| {
            // The client has let go of it by itself: a rebalance is still to be heard of.
            if is_starting(fault.code) && self.handle.fatal().is_none() {
                return Failure::Abortable(format!("{what}: {}", fault.text));
            }
            sort(Doing::Read, &what, &self.worst(fault))
        })?;
        let resumed = self.handle.resume(&list).and_then(|()| first_error(&list));
        resumed.map_err(|fault| sort(Doing::Read, &what, &self.worst(fault)))
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

    /// The client does not find its place in the log any more: records were deleted, the log was cut off, or it is wrong.
    ///
    /// librdkafka 2.2 to 2.12 takes the end of a partition for a record when a batch holds it (its issue 4844). When it
    /// pauses a partition then, by itself while partitions are lost, it stands one too far, with a leader epoch that is
    /// none, and after the next change of leader takes the log for cut off. So a first time the partitions are located
    /// anew, which looks at the log.
    pub(super) fn misplaced(&mut self, source: &TopicPartition, fault: &Fault) -> Failure {
        match misplaced(source, fault) {
            Failure::Stop(stop) if self.trail.doubt(source) => Failure::Unplaced(stop.message),
            failure => failure,
        }
    }
}

/// Has the client read from the one place in `list`, paused or not. With a leader epoch it asks the log first, and reads
/// nothing until then.
pub(in crate::kafka) fn place(handle: &Handle, list: &PartitionList) -> Result<(), Fault> {
    let deadline = Instant::now() + SEEK_TIMEOUT;
    loop {
        let done = handle.seek(list, SEEK_TIMEOUT).and_then(|()| first_error(list));
        match done {
            // It is still starting or stopping.
            Err(fault) if is_starting(fault.code) && Instant::now() < deadline => {
                std::thread::sleep(RETRY_PAUSE);
            }
            done => return done,
        }
    }
}

fn is_starting(code: Code) -> bool {
    matches!(code, Code::RD_KAFKA_RESP_ERR__STATE | Code::RD_KAFKA_RESP_ERR__PREV_IN_PROGRESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::bed::{Bed, source};
    use crate::kafka::consumer::Polled;
    use crate::kafka::fetch::Limits;
    use host_core::effect::Assignment;

    /// For whatever must happen by itself.
    const DEADLINE: Duration = Duration::from_mins(1);

    fn member(bed: &Bed) -> Consumer {
        let topics = vec![source().topic];
        let mut consumer = Consumer::new(&bed.settings(), "0", None, topics).expect("a consumer");
        let end = Instant::now() + DEADLINE;
        while !matches!(poll(&mut consumer), Ok(Polled::Assigned { .. })) {
            assert!(Instant::now() < end, "no partition within {DEADLINE:?}");
        }
        consumer
    }

    fn poll(consumer: &mut Consumer) -> Result<Polled, Failure> {
        consumer.poll(Duration::from_millis(100), Limits { records_max: 100, bytes_max: 1 << 20 })
    }

    fn assign(consumer: &mut Consumer, offset: Offset) {
        consumer.assign(&[Assignment { source: source(), offset, paused: false }]).expect("taken");
    }

    /// Reads to the end; this is where.
    fn read(consumer: &mut Consumer) -> Offset {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            if let Polled::PartitionEnd { position, .. } = poll(consumer).expect("read") {
                return position;
            }
        }
        panic!("no end within {DEADLINE:?}");
    }

    #[test]
    fn a_client_that_takes_the_end_for_a_record_is_placed_anew_and_reads_on() {
        let bed = Bed::new();
        bed.write(5);
        let mut consumer = member(&bed);
        let failure = std::iter::repeat_with(|| {
            assign(&mut consumer, 0);
            // So that one batch has the records and the end.
            std::thread::sleep(Duration::from_secs(1));
            assert_eq!(read(&mut consumer), 5);
            consumer.pause(&source()).expect("paused");
            bed.change_leader();
            assert!(consumer.handle.reaches_a_broker(DEADLINE));
            (0..20).find_map(|_| poll(&mut consumer).err())
        });
        let failure = failure.take(10).flatten().next().expect("the client to lose its place");
        let Failure::Unplaced(text) = failure else { panic!("{failure:?}") };
        assert!(text.contains("topic-0") && text.contains("truncation"), "{text}");
        bed.write(2);
        assign(&mut consumer, 5);
        assert_eq!(read(&mut consumer), 7);
    }
}
