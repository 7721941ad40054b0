//! Topics that change, shrink or vanish.

use crate::row::{Runs, row};
use crate::run::{HEALED, PARTITIONS, Run};
use anyhow::{Result, ensure};
use testkit::NewRecord;

#[test]
fn f25_rows_in_new_partitions_are_read_from_the_first() {
    let runs = Runs { pr: 1, nightly: 10, release: 30 };
    row("F25", "an input gets more partitions while a host runs", runs, |case| {
        let mut run = Run::new(case)?;
        run.command = run.command.clone().args(["-X", "topic.metadata.refresh.interval.ms=1000"]);
        let mut host = run.command.start()?;
        run.progress(&mut [&mut host])?;
        let more = PARTITIONS * 2;
        run.place.kafka.add_partitions(&run.place.input(), more)?;
        let mut producer = run.place.kafka.producer()?;
        for partition in PARTITIONS..more {
            let record = NewRecord { partition, value: Some(b"new,1"), ..NewRecord::default() };
            producer.send(&run.place.input(), &record)?;
        }
        producer.flush()?;
        let new = || -> Result<Option<Vec<u8>>> {
            let found = run.place.read("output")?.into_iter().rfind(|row| row.key.as_deref() == Some(b"new"));
            Ok(found.and_then(|row| row.value))
        };
        testkit::wait_until("the rows of the new partitions", HEALED, || {
            host.ensure_running()?;
            Ok(new()?.as_deref() == Some(b"2"))
        })?;
        host.drain(HEALED)?;
        Ok(u64::from(more - PARTITIONS))
    });
}

#[test]
fn f26_records_that_were_deleted_unread_stop_the_start() {
    let runs = Runs { pr: 1, nightly: 20, release: 60 };
    row("F26", "records behind the committed offset are deleted unread", runs, |case| {
        let mut run = Run::stopped(case)?;
        run.feed()?;
        run.place.kafka.delete_all_records(&run.place.input())?;
        run.refuses("records were deleted before they were read")?;
        Ok(1)
    });
}

#[test]
fn f27_state_whose_changelog_is_gone_stops_the_start() {
    let runs = Runs { pr: 1, nightly: 20, release: 60 };
    row("F27", "the changelog is deleted while no host runs", runs, |case| {
        let run = Run::stopped(case)?;
        let changelog = run.place.topic("sum-changelog");
        run.place.kafka.delete_topics(&[&changelog])?;
        run.refuses("the state of all that was read before is gone")?;
        ensure!(run.place.kafka.partitions(&changelog)?.is_none(), "an empty changelog was made");
        Ok(1)
    });
}
