//! Logs that are not as they should be: each stops the application with a reason before anything is lost, or is read
//! as it is.

use anyhow::{Result, ensure};
use testkit::scenario::SOON;
use testkit::{Scenario, Workload, WorkloadSpec, scenario};

/// Values of a topic's `compression.type`.
const CODECS: [&str; 5] = ["uncompressed", "gzip", "snappy", "lz4", "zstd"];
/// Exit code: the state is not as it should be.
const STATE: i32 = 74;

fn sum_to_the_end(s: &Scenario) -> testkit::HostCommand {
    s.sum().args(["--membership", "dynamic", "--until-end"])
}

/// It stops with this code, and says `words`.
fn stops(s: &Scenario, flags: &[&str], code: i32, words: &str) -> Result<()> {
    let ended = sum_to_the_end(s).args(flags.iter().copied()).start()?.wait(SOON)?.with_code(code)?;
    ensure!(ended.stderr.contains(words), "it does not say \"{words}\":\n{}", ended.stderr);
    Ok(())
}

#[test]
fn every_codec_is_read() {
    scenario("logs-codecs", |s| {
        let mut workload = Workload::new(WorkloadSpec { partitions: 1, ..WorkloadSpec::default() });
        let mut command = sum_to_the_end(s);
        for codec in CODECS {
            let topic = s.topic(codec);
            s.kafka.create_topic_with(&topic, 1, &[("compression.type", codec)])?;
            workload.produce(&mut s.kafka.producer()?, &topic, 1_000)?;
            command = command.args(["--input", &topic]);
        }
        s.kafka.create_topic(&s.input(), 1)?;
        command.complete(SOON)?;
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn a_changelog_that_deletes_old_records_is_refused() {
    scenario("logs-policy", |s| {
        s.load(WorkloadSpec { records: 100, ..WorkloadSpec::default() })?;
        let changelog = s.topic("sum-changelog");
        s.kafka.create_topic_with(&changelog, 4, &[("cleanup.policy", "compact,delete")])?;
        stops(s, &[], STATE, "cleanup.policy=compact,delete")
    });
}

#[test]
fn a_changelog_that_lost_records_is_not_restored_from() {
    scenario("logs-changelog", |s| {
        let spec = WorkloadSpec::default();
        s.kafka.create_topic(&s.input(), spec.partitions)?;
        let mut workload = Workload::new(spec);
        workload.produce(&mut s.kafka.producer()?, &s.input(), 1_000)?;
        sum_to_the_end(s).complete(SOON)?;
        let changelog = s.topic("sum-changelog");
        // Kafka deletes nothing from a topic that is only compacted.
        s.kafka.set_topic(&changelog, "cleanup.policy", "compact,delete")?;
        s.kafka.delete_all_records(&changelog)?;
        s.kafka.set_topic(&changelog, "cleanup.policy", "compact")?;
        workload.produce(&mut s.kafka.producer()?, &s.input(), 1_000)?;
        stops(s, &[], STATE, "records of the state were deleted")
    });
}

#[test]
fn input_that_was_deleted_before_it_was_read_stops() {
    scenario("logs-deleted", |s| {
        let spec = WorkloadSpec::default();
        s.kafka.create_topic(&s.input(), spec.partitions)?;
        let mut workload = Workload::new(spec);
        workload.produce(&mut s.kafka.producer()?, &s.input(), 1_000)?;
        sum_to_the_end(s).complete(SOON)?;
        workload.produce(&mut s.kafka.producer()?, &s.input(), 1_000)?;
        s.kafka.delete_all_records(&s.input())?;
        stops(s, &[], STATE, "records were deleted before they were read")
    });
}

#[test]
fn an_input_that_was_made_anew_is_read_from_its_start() {
    scenario("logs-anew", |s| {
        let spec = WorkloadSpec { records: 2_000, ..WorkloadSpec::default() };
        let (partitions, half, mut workload) = (spec.partitions, spec.records / 2, Workload::new(spec));
        for _ in 0..2 {
            // Kafka forgets the offsets that were committed for the topic before.
            s.kafka.delete_topics(&[&s.input()])?;
            s.kafka.create_topic(&s.input(), partitions)?;
            workload.produce(&mut s.kafka.producer()?, &s.input(), half)?;
            sum_to_the_end(s).complete(SOON)?;
        }
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn partitions_that_are_added_to_the_input_are_read_from_their_start() {
    scenario("logs-partitions", |s| {
        let mut workload =
            s.load(WorkloadSpec { partitions: 2, records: 2_000, ..WorkloadSpec::default() })?;
        sum_to_the_end(s).complete(SOON)?;
        s.kafka.add_partitions(&s.input(), 3)?;
        let line = testkit::NewRecord { partition: 2, value: Some(b"k1,1000000"), ..Default::default() };
        let mut producer = s.kafka.producer()?;
        producer.send(&s.input(), &line)?;
        producer.flush()?;
        workload.add(b"k1", 1_000_000);
        sum_to_the_end(s).args(["--offset-reset", "latest"]).complete(SOON)?;
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn partitions_that_would_move_keys_are_refused() {
    scenario("logs-moved", |s| {
        s.load(WorkloadSpec { partitions: 2, records: 2_000, keyed: true, ..WorkloadSpec::default() })?;
        let flags = ["--repartition", "never"];
        sum_to_the_end(s).args(flags).complete(SOON)?;
        s.kafka.add_partitions(&s.input(), 3)?;
        stops(s, &flags, STATE, "keys would move between tasks")
    });
}
