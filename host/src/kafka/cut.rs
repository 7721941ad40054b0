//! Whether a log was cut off and has grown since: after an unclean election of a leader, other records may stand where
//! records were that have been processed. An offset that was noted with its leader epoch tells (KIP-320).

use super::consumer::place;
use super::error::{Doing, sort};
use super::fetch::{Fetch, Found, Limits};
use super::sys::{Handle, Kind, PartitionList};
use host_core::error::{Stop, StopKind};
use host_core::event::Failure;
use host_core::record::{Offset, TopicPartition};
use rdkafka::ClientConfig;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bounds the answer. The client asks again every half second.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(15);
/// One wait for an answer.
const STEP: Duration = Duration::from_millis(100);
/// What comes of the partitions is only a sign that they are read on.
const LIMITS: Limits = Limits { records_max: 1, bytes_max: 1 };

/// An offset with the leader epoch of the record before it, or of the leader that gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Noted {
    pub(super) partition: TopicPartition,
    pub(super) offset: Offset,
    pub(super) leader_epoch: i32,
}

/// Those whose leader had not got as far as the log says now. `reader` makes a client that is in no group.
///
/// # Errors
/// Abortable when there is no answer within [`ANSWER_TIMEOUT`]; as sorted otherwise.
pub(super) fn cut_off(mut reader: ClientConfig, mut noted: Vec<Noted>) -> Result<Vec<Noted>, Failure> {
    if noted.is_empty() {
        return Ok(Vec::new());
    }
    // Markers of transactions may still be on their way to an offset that was noted.
    reader.set("isolation.level", "read_uncommitted");
    let handle = Handle::new(Kind::Consumer, &reader)
        .map_err(|text| Failure::Stop(Stop::new(StopKind::Kafka, text)))?;
    let handle = Arc::new(handle);
    let mut fetch = Fetch::new(Arc::clone(&handle));
    let sort = |fault| sort(Doing::Read, "asking whether logs were cut off", &fault);
    let list = PartitionList::of(noted.iter().map(|noted| (&noted.partition, noted.offset)));
    handle.assign(Some(&list)).map_err(sort)?;
    for Noted { partition, offset, leader_epoch } in &noted {
        place(&handle, &PartitionList::at(partition, *offset, *leader_epoch)).map_err(sort)?;
    }
    let (mut found, deadline) = (Vec::new(), Instant::now() + ANSWER_TIMEOUT);
    while let Some(waiting) = noted.first() {
        if Instant::now() > deadline {
            let text = format!("no answer whether {} was cut off", waiting.partition);
            return Err(Failure::Abortable(text));
        }
        match fetch.poll(STEP, LIMITS)? {
            Found::Rows { source, .. } | Found::End { source, .. } => {
                noted.retain(|noted| noted.partition != source);
            }
            Found::Misplaced { source, .. } => {
                let is_cut = |noted: &mut Noted| noted.partition == source;
                found.extend(noted.extract_if(.., is_cut));
            }
            Found::Rebalance | Found::Nothing => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::super::bed::{Bed, source};
    use super::*;

    fn noted(offset: Offset, leader_epoch: i32) -> Noted {
        Noted { partition: source(), offset, leader_epoch }
    }

    #[test]
    fn a_log_that_was_cut_off_and_has_grown_since_is_noticed() {
        let bed = Bed::new();
        bed.write(5);
        bed.change_leader();
        bed.write(5);
        let cut = |noted: Noted| cut_off(bed.settings().restorer("0"), vec![noted]);
        assert_eq!(cut(noted(8, 0)), Ok(vec![noted(8, 0)]), "0 took only 5 records");
        for fits in [noted(8, 1), noted(10, 1), noted(5, 0), noted(3, 0)] {
            assert_eq!(cut(fits.clone()), Ok(Vec::new()), "{fits:?}");
        }
    }
}
