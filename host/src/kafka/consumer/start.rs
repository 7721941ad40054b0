//! Where a partition is read from.

use super::Reset;
use host_core::error::{Stop, StopKind};
use host_core::event::{Failure, Start};
use host_core::record::{Offset, TopicPartition};

/// What is committed, else what the policy says; `low` and `high` are the log's. Never a silent jump.
pub(super) fn start_of(
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
