//! Start, drain, start again.

use anyhow::{Result, ensure};
use testkit::scenario::SOON;
use testkit::{Isolation, Scenario, WorkloadSpec, embedded, scenario, wait_until};

const TOPICS: [&str; 2] = ["input", "sum-repartition"];

/// In all topics that are read, the committed offset is the log's end, control records included.
fn at_the_end(s: &Scenario, isolation: Isolation) -> Result<bool> {
    for topic in TOPICS.map(|what| s.topic(what)) {
        if s.kafka.partitions(&topic)?.is_none() {
            return Ok(false);
        }
        let ends = s.kafka.ends(&topic, isolation)?;
        let committed = s.kafka.committed(&s.id, &topic, isolation)?;
        // A partition in which there never was anything may have nothing committed.
        if !ends.iter().zip(&committed).all(|(end, offset)| offset.unwrap_or_default() == *end) {
            return Ok(false);
        }
    }
    Ok(true)
}

#[test]
fn an_empty_input_ends_at_once() {
    embedded("life-empty", |s| {
        s.kafka.create_topic(&s.input(), 2)?;
        s.sum().arg("--until-end").complete(SOON)?;
        assert_eq!(s.read("output")?, []);
        Ok(())
    });
}

#[test]
fn after_sigterm_everything_is_committed_and_nothing_is_processed_again() {
    scenario("life-drain", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        let command = s.sum().setting("repartition_purge_interval_ms", "0");
        let mut host = command.start()?;
        wait_until("no lag", SOON, || {
            host.ensure_running()?;
            at_the_end(s, Isolation::Uncommitted)
        })?;
        host.drain(SOON)?;
        ensure!(
            at_the_end(s, Isolation::Committed)?,
            "after the drain the committed offsets are not the ends"
        );
        let before = s.check_sums(&workload)?;
        command.arg("--until-end").complete(SOON)?;
        ensure!(s.read("output")? == before, "the second start wrote results again");
        ensure!(
            at_the_end(s, Isolation::Committed)?,
            "after the second run the committed offsets are not the ends"
        );
        Ok(())
    });
}

#[test]
fn sigterm_in_the_middle_loses_nothing() {
    scenario("life-middle", |s| {
        let workload = s.load(WorkloadSpec { records: 200_000, ..WorkloadSpec::default() })?;
        let command = s.sum().args(["--commit-interval", "50ms", "--batch-records", "500"]);
        let mut host = command.start()?;
        let group = s.kafka.group(&s.id, Isolation::Uncommitted)?;
        wait_until("a commit", SOON, || {
            host.ensure_running()?;
            Ok(group.committed(&s.input(), 4)?.into_iter().flatten().any(|offset| offset > 0))
        })?;
        host.drain(SOON)?;
        command.arg("--until-end").complete(SOON)?;
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn a_restart_goes_on_with_the_sums_of_the_changelog() {
    scenario("life-restore", |s| {
        let mut workload = s.load(WorkloadSpec { records: 20_000, ..WorkloadSpec::default() })?;
        s.sum().arg("--until-end").complete(SOON)?;
        s.check_sums(&workload)?;
        let more = WorkloadSpec { records: 30_000, ..WorkloadSpec::default() };
        // The same seed: the first lines are those that are in the topic already.
        let mut longer = testkit::Workload::new(more);
        ensure!(longer.by_ref().take(20_000).count() == 20_000, "the workload is longer");
        ensure!(longer.sums() == workload.sums(), "the same seed gives the same lines");
        workload = longer;
        workload.produce(&mut s.kafka.producer()?, &s.input(), 10_000)?;
        s.sum().arg("--until-end").complete(SOON)?;
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn an_application_with_another_id_starts_from_the_beginning() {
    scenario("life-other-id", |s| {
        let workload = s.load(WorkloadSpec { records: 2000, ..WorkloadSpec::default() })?;
        s.sum().arg("--until-end").complete(SOON)?;
        let other = s.topic("other-output");
        s.application("life-other-id-2", testkit::files::guest("sum"))
            .args(["--input", &s.input(), "--output", &other, "--until-end"])
            .complete(SOON)?;
        testkit::check::final_sums_of(&s.kafka, &other, workload.sums()).map(drop)
    });
}
