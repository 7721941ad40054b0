//! Topics: named, missing, created, several; and results on standard output.

use anyhow::ensure;
use std::collections::BTreeMap;
use testkit::scenario::SOON;
use testkit::{Workload, WorkloadSpec, check, embedded};

#[test]
fn a_missing_input_topic_is_a_clear_error() {
    embedded("topics-missing", |s| {
        let ended = s.sum().arg("--until-end").start()?.wait(SOON)?;
        ensure!(ended.code.is_some_and(|code| code != 0), "it ended with {:?}", ended.code);
        ensure!(ended.stderr.contains(&s.input()), "the missing topic is not named:\n{}", ended.stderr);
        ensure!(ended.stderr.contains("create-topics") || ended.stderr.contains("create_topics"), "no hint");
        ensure!(s.kafka.partitions(&s.input())?.is_none(), "it was created");
        Ok(())
    });
}

#[test]
fn create_topics_all_creates_the_input_too() {
    embedded("topics-all", |s| {
        s.sum().args(["--until-end", "--create-topics", "all"]).complete(SOON)?;
        for what in ["input", "output", "sum-repartition", "sum-changelog"] {
            ensure!(s.kafka.partitions(&s.topic(what))?.is_some(), "{what} was not created");
        }
        Ok(())
    });
}

#[test]
fn create_topics_none_creates_nothing() {
    embedded("topics-none", |s| {
        s.kafka.create_topic(&s.input(), 1)?;
        let ended = s.sum().args(["--until-end", "--create-topics", "none"]).start()?.wait(SOON)?;
        ensure!(ended.code.is_some_and(|code| code != 0), "it ended with {:?}", ended.code);
        ensure!(ended.stderr.contains(&s.output()), "the missing topic is not named:\n{}", ended.stderr);
        ensure!(s.kafka.partitions(&s.output())?.is_none(), "it was created");
        Ok(())
    });
}

#[test]
fn own_topics_get_the_partitions_of_the_input() {
    embedded("topics-partitions", |s| {
        s.load(WorkloadSpec { partitions: 3, records: 100, ..WorkloadSpec::default() })?;
        s.sum().arg("--until-end").complete(SOON)?;
        for what in ["output", "sum-repartition", "sum-changelog"] {
            ensure!(
                s.kafka.partitions(&s.topic(what))? == Some(3),
                "{what}: {:?}",
                s.kafka.partitions(&s.topic(what))?
            );
        }
        Ok(())
    });
}

#[test]
fn several_inputs_are_summed_together() {
    embedded("topics-several", |s| {
        let mut sums = check::Sums::new();
        let inputs = [("first", 2), ("second", 3)];
        for (seed, (name, partitions)) in (10..).zip(inputs) {
            let topic = s.topic(name);
            s.kafka.create_topic(&topic, partitions)?;
            let mut workload = Workload::new(WorkloadSpec { seed, partitions, ..WorkloadSpec::default() });
            workload.produce(&mut s.kafka.producer()?, &topic, u64::from(u32::MAX))?;
            for (key, sum) in workload.sums() {
                *sums.entry(key.clone()).or_default() += sum;
            }
        }
        let (first, second, output) = (s.topic("first"), s.topic("second"), s.output());
        s.bare(testkit::files::guest("sum"))
            .args(["--input", &first, "--input", &second, "--output", &output, "--until-end"])
            .complete(SOON)?;
        ensure!(s.kafka.partitions_of(&output)? == 3, "the output has the largest count among the inputs");
        check::final_sums(&s.read("output")?, 3, &sums)
    });
}

#[test]
fn print_shows_results_as_key_tab_value() {
    embedded("topics-print", |s| {
        let workload = s.load(WorkloadSpec { records: 5000, keys: 50, ..WorkloadSpec::default() })?;
        let ended = s.sum().args(["--until-end", "--print"]).complete(SOON)?;
        let last: BTreeMap<&str, &str> =
            ended.stdout.lines().filter_map(|line| line.split_once('\t')).collect();
        ensure!(last.len() == workload.sums().len(), "{} keys on standard output", last.len());
        for (key, sum) in workload.sums() {
            let key = std::str::from_utf8(key)?;
            ensure!(
                last.get(key) == Some(&sum.to_string().as_str()),
                "{key}: {:?}, not {sum}",
                last.get(key)
            );
        }
        Ok(())
    });
}
