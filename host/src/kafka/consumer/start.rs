//! Where a partition is read from.

use super::{Consumer, Reset, TRY_TIMEOUT, ask, committed, entries_ok, in_order};
use crate::kafka::changelog::Extent;
use crate::kafka::cut::{Noted, cut_off};
use crate::kafka::known;
use crate::kafka::sys::{EARLIEST, Entry, Isolation, LATEST, PartitionList, list_offsets};
use host_core::error::{Stop, StopKind};
use host_core::event::{Failure, Start};
use host_core::record::{Offset, TopicPartition};
use std::collections::BTreeMap;

impl Consumer {
    /// Where each partition is read from: what is committed, else what `reset` says for its topic.
    ///
    /// # Errors
    /// A stop when a committed offset is not in its log any more, or the log was cut off before it, or nothing is committed
    /// and the policy is [`Reset::None`]: never a silent jump.
    pub fn locate(
        &self,
        partitions: &[TopicPartition],
        reset: impl Fn(&str) -> Reset,
    ) -> Result<Vec<(TopicPartition, Start)>, Failure> {
        let committed = self.committed(partitions)?;
        let logs = self.logs(partitions)?;
        let new = partitions
            .iter()
            .zip(&committed)
            .filter(|(source, committed)| committed.is_none() && reset(&source.topic) != Reset::Earliest);
        let counts = self.partitions_then(new.map(|(source, _)| source))?;
        let known = partitions.iter().zip(&committed).zip(&logs);
        let starts = known
            .map(|((source, committed), log)| {
                let unmarked = |entry: &Entry| Ok((entry.offset, self.unmark(source, &entry.metadata)?));
                let committed = committed.as_ref().map(unmarked).transpose()?;
                let was_added =
                    counts.get(source.topic.as_str()).is_some_and(|then| source.partition >= *then);
                let reset = if was_added { Reset::Earliest } else { reset(&source.topic) };
                start_of(source, committed, (log.start, log.end), reset, |time| self.at_time(source, time))
            })
            .collect::<Result<_, _>>()?;
        self.refuse_cut_off(committed.into_iter().flatten().zip(&logs))?;
        Ok(starts)
    }

    /// Offsets that were committed under another leader than the log has now are asked for.
    fn refuse_cut_off<'a>(
        &self,
        committed: impl Iterator<Item = (Entry, &'a Extent)>,
    ) -> Result<(), Failure> {
        let noted = committed.filter_map(|(entry, log)| {
            let Entry { partition, offset, leader_epoch, .. } = entry;
            let known = (leader_epoch >= 0).then_some((offset, leader_epoch));
            let (offset, leader_epoch) = known.or_else(|| self.trail.doubted(&partition, offset))?;
            (leader_epoch != log.leader_epoch).then_some(Noted { partition, offset, leader_epoch })
        });
        let cut = cut_off(self.reader.clone(), noted.collect())?;
        let Some(Noted { partition, offset, leader_epoch }) = cut.first() else { return Ok(()) };
        let text = format!(
            "{partition}: the log was cut off before offset {offset}, and has grown since: its leader of \
             epoch {leader_epoch} had not got there. Records that were processed are gone, and others stand where they \
             were, as after an unclean election\n\
             choose offsets with kafka-consumer-groups --reset-offsets"
        );
        Err(Failure::Stop(Stop::new(StopKind::State, text)))
    }

    /// The group's stable committed offsets, in the order of the question. Waits while a transaction with offsets of these
    /// partitions is open, so it must not be one's own.
    fn committed(&self, partitions: &[TopicPartition]) -> Result<Vec<Option<Entry>>, Failure> {
        committed(&self.handle, &self.group, partitions)
    }

    /// What each log has for a reader of committed records, in the order of the question.
    fn logs(&self, partitions: &[TopicPartition]) -> Result<Vec<Extent>, Failure> {
        let starts = self.log_offsets(partitions, EARLIEST)?;
        let ends = self.log_offsets(partitions, LATEST)?;
        let extent = |(start, end): (Entry, Entry)| Extent {
            start: start.offset,
            end: end.offset,
            leader_epoch: end.leader_epoch,
        };
        Ok(starts.into_iter().zip(ends).map(extent).collect())
    }

    fn log_offsets(&self, partitions: &[TopicPartition], which: Offset) -> Result<Vec<Entry>, Failure> {
        if partitions.is_empty() {
            return Ok(Vec::new());
        }
        let entries = ask("reading the ends of logs", || {
            let list = PartitionList::of(partitions.iter().map(|partition| (partition, which)));
            let answer = list_offsets(&self.handle, &list, Isolation::Committed, TRY_TIMEOUT);
            let entries = answer.map_err(|fault| self.worst(fault))?;
            entries_ok(&entries)?;
            Ok(entries)
        })?;
        in_order(partitions, &entries)
    }

    /// By topic, how many partitions it had when the application committed there last; a partition behind them was
    /// added since. What was committed in lower partitions tells.
    fn partitions_then<'a>(
        &self,
        new: impl Iterator<Item = &'a TopicPartition>,
    ) -> Result<BTreeMap<&'a str, u32>, Failure> {
        let mut highest: BTreeMap<&str, u32> = BTreeMap::new();
        for source in new {
            let partition = highest.entry(&source.topic).or_default();
            *partition = source.partition.max(*partition);
        }
        let mut counts = BTreeMap::new();
        for (topic, highest) in highest {
            let lower: Vec<_> = (0..highest).map(|partition| TopicPartition::new(topic, partition)).collect();
            let committed = self.committed(&lower)?;
            let texts = committed.iter().flatten().map(|entry| entry.metadata.as_str());
            counts.extend(known::partitions_then(texts).map(|then| (topic, then)));
        }
        Ok(counts)
    }

    fn unmark(&self, source: &TopicPartition, text: &str) -> Result<String, Failure> {
        let stop = |text| Failure::Stop(Stop::new(StopKind::State, text));
        self.known_topics.unmark(source, text).map_err(stop)
    }

    /// The offset of the first record of `time` or later; none when there is no such record.
    fn at_time(&self, source: &TopicPartition, time: i64) -> Result<Option<Offset>, Failure> {
        let found = self.log_offsets(std::slice::from_ref(source), time)?;
        Ok(found.first().map(|entry| entry.offset).filter(|offset| *offset >= 0))
    }
}

/// What is committed, else what the policy says; `low` and `high` are the log's. Never a silent jump.
fn start_of(
    source: &TopicPartition,
    committed: Option<(Offset, String)>,
    (low, high): (Offset, Offset),
    reset: Reset,
    at_time: impl FnOnce(i64) -> Result<Option<Offset>, Failure>,
) -> Result<(TopicPartition, Start), Failure> {
    let stop = |text| Err(Failure::Stop(Stop::new(StopKind::State, text)));
    match (committed, reset) {
        (Some((offset, metadata)), _) if (low..=high).contains(&offset) => {
            Ok((source.clone(), Start::Committed { offset, metadata }))
        }
        (Some((offset, _)), _) => stop(format!(
            "{source}: the committed offset {offset} is not in the log, which holds {low} to {high}: \
             records were deleted before they were read, or the topic was made anew\n\
             choose offsets with kafka-consumer-groups --reset-offsets"
        )),
        (None, Reset::Earliest) => Ok((source.clone(), Start::Reset { offset: low })),
        (None, Reset::Latest) => Ok((source.clone(), Start::Reset { offset: high })),
        (None, Reset::Offset(offset)) if (low..=high).contains(&offset) => {
            Ok((source.clone(), Start::Reset { offset }))
        }
        (None, Reset::Offset(offset)) => stop(format!(
            "{source}: offset {offset}, where reading is to start, is not in the log, which holds {low} to {high}"
        )),
        (None, Reset::Time(time)) => {
            let offset = at_time(time)?.unwrap_or(high);
            Ok((source.clone(), Start::Reset { offset }))
        }
        (None, Reset::None) => stop(format!(
            "{source}: nothing is committed and the offset reset policy is none\n\
             use --offset-reset earliest or latest, or commit offsets with kafka-consumer-groups --reset-offsets"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(committed: Option<Offset>, reset: Reset) -> Result<Start, String> {
        let committed = committed.map(|offset| (offset, "m".to_owned()));
        let at_time = |time| Ok((time < 5).then_some(15));
        match start_of(&TopicPartition::new("in", 2), committed, (10, 20), reset, at_time) {
            Ok((_, start)) => Ok(start),
            Err(Failure::Stop(stop)) => Err(stop.message),
            Err(failure) => Err(format!("{failure:?}")),
        }
    }

    #[test]
    fn committed_offsets_inside_the_log_win_over_the_policy() {
        for offset in [10, 15, 20] {
            let expected = Start::Committed { offset, metadata: "m".to_owned() };
            assert_eq!(start(Some(offset), Reset::None), Ok(expected));
        }
    }

    #[test]
    fn committed_offsets_outside_the_log_stop_whatever_the_policy() {
        for offset in [0, 9, 21] {
            let error = start(Some(offset), Reset::Earliest).expect_err("outside");
            assert!(error.starts_with("in-2: the committed offset"), "{error}");
        }
    }

    #[test]
    fn the_policy_decides_where_nothing_is_committed() {
        assert_eq!(start(None, Reset::Earliest), Ok(Start::Reset { offset: 10 }));
        assert_eq!(start(None, Reset::Latest), Ok(Start::Reset { offset: 20 }));
        assert!(start(None, Reset::None).expect_err("none").contains("in-2"));
        assert_eq!(start(None, Reset::Offset(15)), Ok(Start::Reset { offset: 15 }));
        assert_eq!(start(None, Reset::Time(4)), Ok(Start::Reset { offset: 15 }));
        assert_eq!(start(None, Reset::Time(5)), Ok(Start::Reset { offset: 20 }), "no record is as late");
        assert!(start(None, Reset::Offset(21)).expect_err("outside").contains("holds 10 to 20"));
    }
}
