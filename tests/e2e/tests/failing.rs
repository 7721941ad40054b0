//! Records that fail: dead letters, and the policies `skip` and `fail`.

use anyhow::{Context, Result, ensure};
use testkit::scenario::SOON;
use testkit::{NewRecord, WorkloadSpec, check, embedded};

#[test]
fn dead_letters_are_exactly_the_bad_lines() {
    embedded("failing-letters", |s| {
        let workload = s.load(WorkloadSpec { bad_one_in: 20, ..WorkloadSpec::default() })?;
        s.sum().arg("--until-end").complete(SOON)?;
        s.check_sums(&workload)?;
        check::dead_letters(&s.read("dead-letter")?, &s.input(), workload.bad())
    });
}

#[test]
fn a_dead_letter_keeps_key_value_and_headers() {
    embedded("failing-bytes", |s| {
        s.kafka.create_topic(&s.input(), 2)?;
        let mut producer = s.kafka.producer()?;
        let headers: &[(&str, Option<&[u8]>)] =
            &[("trace", Some(b"\xff\x00")), ("none", None), ("trace", Some(b""))];
        let bad = [
            NewRecord { partition: 1, key: Some(b"\x00\xfe"), value: Some(b"no comma \xff"), headers },
            NewRecord { partition: 1, key: None, value: Some(b"a,b"), headers: &[] },
            NewRecord { partition: 1, key: Some(b"tombstone"), value: None, headers: &[] },
        ];
        for record in &bad {
            producer.send(&s.input(), record)?;
            let good = NewRecord { partition: 1, value: Some(b"good,1"), ..NewRecord::default() };
            producer.send(&s.input(), &good)?;
        }
        producer.flush()?;
        s.sum().arg("--until-end").complete(SOON)?;
        let mut letters = s.read("dead-letter")?;
        letters.sort_by_key(|letter| letter.header("__streams.errors.offset"));
        ensure!(letters.len() == bad.len(), "{} dead letters for {} bad records", letters.len(), bad.len());
        for ((letter, record), offset) in letters.iter().zip(&bad).zip(["0", "2", "4"]) {
            ensure!(letter.key.as_deref() == record.key, "key of {letter:?}");
            ensure!(letter.value.as_deref() == record.value, "value of {letter:?}");
            let kept = letter.headers.iter().map(|(name, value)| (name.as_str(), value.as_deref()));
            ensure!(
                kept.take(record.headers.len()).eq(record.headers.iter().copied()),
                "headers of {letter:?}"
            );
            ensure!(
                letter.header("__streams.errors.partition").as_deref() == Some("1"),
                "partition of {letter:?}"
            );
            ensure!(
                letter.header("__streams.errors.offset").as_deref() == Some(offset),
                "offset of {letter:?}"
            );
            ensure!(
                letter.header("__streams.errors.exception").as_deref() == Some("rejected"),
                "cause of {letter:?}"
            );
        }
        check::final_sums(&s.read("output")?, 2, &check::Sums::from([(b"good".to_vec(), 3)]))
    });
}

#[test]
fn skip_counts_bad_lines_and_writes_them_nowhere() {
    embedded("failing-skip", |s| {
        let workload = s.load(WorkloadSpec { bad_one_in: 20, ..WorkloadSpec::default() })?;
        s.sum().arg("--until-end").setting("on_rejected", "skip").complete(SOON)?;
        s.check_sums(&workload)?;
        if s.kafka.partitions(&s.topic("dead-letter"))?.is_some() {
            ensure!(s.read("dead-letter")?.is_empty(), "a skipped record is no dead letter");
        }
        Ok(())
    });
}

#[test]
fn fail_stops_with_65_and_says_where() {
    embedded("failing-fail", |s| {
        let workload = s.load(WorkloadSpec { bad_one_in: 500, ..WorkloadSpec::default() })?;
        let host = s.sum().arg("--until-end").setting("on_rejected", "fail").start()?;
        let ended = host.wait(SOON)?.with_code(65)?;
        let named = workload
            .bad()
            .iter()
            .any(|bad| ended.stderr.contains(&format!("{}-{}-{}", s.input(), bad.partition, bad.offset)));
        ensure!(named, "no topic-partition-offset of a bad line in:\n{}", ended.stderr);
        nothing_past_the_bad_lines(s, &workload)
    });
}

/// Nothing from a bad line on is committed as read.
fn nothing_past_the_bad_lines(s: &testkit::Scenario, workload: &testkit::Workload) -> Result<()> {
    let committed = s.kafka.committed(&s.id, &s.input(), testkit::Isolation::Committed)?;
    for (partition, offset) in committed.into_iter().enumerate() {
        let first = workload.bad().iter().filter(|bad| bad.partition as usize == partition);
        let first = first.map(|bad| bad.offset).min().context("each partition has a bad line")?;
        let offset = offset.unwrap_or_default();
        ensure!(
            offset <= first,
            "partition {partition} is committed up to {offset}, past its bad line at {first}"
        );
    }
    Ok(())
}
