//! Sums are exact, whatever the path of the records.

use testkit::scenario::SOON;
use testkit::{Isolation, Scenario, WorkloadSpec, check, scenario};

#[test]
fn rows_are_folded_before_the_shuffle() {
    scenario("sums-combined", |s| {
        let workload = s.load(WorkloadSpec { values: (1, 1000), ..WorkloadSpec::default() })?;
        let ended =
            s.sum().arg("--until-end").setting("repartition_purge_interval_ms", "0").complete(SOON)?;
        let results = check::results(&s.check_sums(&workload)?)?;
        let shuffled = s.read("sum-repartition")?;
        check::placed_by_murmur2(&shuffled, 4)?;
        let rows = check::repartition_rows(&shuffled)?;
        check::shuffled_once(&rows, workload.sums())?;
        check::running_sums(&results, &rows)?;
        let lines = workload.counts().values().sum::<u64>();
        assert!(rows.iter().any(|row| row.is_partial), "nothing was folded");
        assert!((rows.len() as u64) < lines, "{} records for {lines} rows", rows.len());
        assert!(ended.stderr.contains("\"rows_combined\":"), "{}", ended.stderr);
        Ok(())
    });
}

#[test]
fn every_record_has_a_result_when_it_is_asked_for() {
    scenario("sums-each", |s| {
        let workload = s.load(WorkloadSpec { values: (1, 1000), ..WorkloadSpec::default() })?;
        s.sum()
            .args(["--until-end", "--emit", "record"])
            .setting("repartition_purge_interval_ms", "0")
            .complete(SOON)?;
        let results = check::results(&s.check_sums(&workload)?)?;
        let rows = check::repartition_rows(&s.read("sum-repartition")?)?;
        check::every_row_once(&rows, workload.counts())?;
        check::running_sums(&results, &rows)?;
        assert_eq!(results.len(), rows.len(), "one result a record");
        Ok(())
    });
}

#[test]
fn every_batch_has_results_when_it_is_asked_for() {
    scenario("sums-batches", |s| {
        let workload = s.load(WorkloadSpec { values: (1, 1000), ..WorkloadSpec::default() })?;
        s.sum()
            .args(["--until-end", "--emit", "batch", "--batch-records", "100", "--commit-interval", "5s"])
            .setting("repartition_purge_interval_ms", "0")
            .complete(SOON)?;
        let results = check::results(&s.check_sums(&workload)?)?;
        let rows = check::repartition_rows(&s.read("sum-repartition")?)?;
        check::shuffled_once(&rows, workload.sums())?;
        check::running_sums(&results, &rows)
    });
}

#[test]
fn keys_spread_over_partitions_are_summed_exactly() {
    scenario("sums-rekeyed", |s| {
        let workload = s.load(WorkloadSpec { values: (1, 1000), ..WorkloadSpec::default() })?;
        s.sum()
            .args(["--until-end", "--combine", "never"])
            .setting("repartition_purge_interval_ms", "0")
            .complete(SOON)?;
        let results = check::results(&s.check_sums(&workload)?)?;
        let repartitioned = s.read("sum-repartition")?;
        check::placed_by_murmur2(&repartitioned, 4)?;
        let rows = check::repartition_rows(&repartitioned)?;
        check::every_row_once(&rows, workload.counts())?;
        check::running_sums(&results, &rows)
    });
}

#[test]
fn keyed_input_is_summed_without_a_repartition_topic() {
    scenario("sums-keyed", |s| {
        let workload = s.load(WorkloadSpec { keyed: true, ..WorkloadSpec::default() })?;
        s.sum().args(["--until-end", "--repartition", "never"]).complete(SOON)?;
        s.check_sums(&workload)?;
        assert_eq!(s.kafka.partitions(&s.topic("sum-repartition"))?, None);
        Ok(())
    });
}

#[test]
fn at_least_once_without_a_crash_is_exact() {
    scenario("sums-at-least-once", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        s.sum().args(["--until-end", "--processing-guarantee", "at_least_once"]).complete(SOON)?;
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn several_workers_share_the_partitions() {
    scenario("sums-workers", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        s.sum().args(["--until-end", "--workers", "3"]).complete(SOON)?;
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn the_native_sum_gives_the_same_sums_and_dead_letters() {
    let dead_letters = |s: &Scenario| -> anyhow::Result<usize> {
        let workload = s.load(WorkloadSpec { bad_one_in: 50, ..WorkloadSpec::default() })?;
        let native = s.id.contains("native");
        let host = if native { s.host("native:sum") } else { s.sum() };
        host.arg("--until-end").complete(SOON)?;
        s.check_sums(&workload)?;
        let letters = s.kafka.read(&s.topic("dead-letter"), Isolation::Committed)?;
        check::dead_letters(&letters, &s.input(), workload.bad())?;
        Ok(letters.len())
    };
    let (mut native, mut wasm) = (0, 0);
    scenario("sums-by-native", |s| {
        native = dead_letters(s)?;
        Ok(())
    });
    scenario("sums-by-wasm", |s| {
        wasm = dead_letters(s)?;
        Ok(())
    });
    assert_eq!(native, wasm);
    assert!(native > 0, "the workload has bad lines");
}

#[test]
fn stamped_results_say_where_they_come_from() {
    scenario("sums-stamped", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        s.sum().args(["--until-end", "--stamp"]).complete(SOON)?;
        let repartition = s.topic("sum-repartition");
        for result in s.check_sums(&workload)? {
            let header = |name| result.header(name).unwrap_or_default();
            let digest = header("wasmhost.module");
            assert!(digest.len() == 64 && digest.chars().all(|digit| digit.is_ascii_hexdigit()), "{digest}");
            assert_eq!(header("wasmhost.source"), format!("{repartition}-{}", result.partition));
            let offsets = header("wasmhost.offsets");
            let (first, last) = offsets.split_once('-').expect("first-last");
            let (first, last): (u64, u64) = (first.parse()?, last.parse()?);
            assert!(first <= last, "{offsets}");
        }
        Ok(())
    });
}
