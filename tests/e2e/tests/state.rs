//! State that can be looked at, and an application that begins anew.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;
use std::process::Output;
use testkit::files::guest;
use testkit::scenario::SOON;
use testkit::{Scenario, Workload, WorkloadSpec, embedded, wait_until};

/// `host` with these words for the application of the test.
fn verb(s: &Scenario, words: &[&str], flags: &[&str]) -> Result<Output> {
    verb_of(s, &s.id, words, flags)
}

/// The same for another application, with the topics of the test.
fn verb_of(s: &Scenario, id: &str, words: &[&str], flags: &[&str]) -> Result<Output> {
    Ok(testkit::host::host()
        .args(words)
        .args(["--bootstrap-servers", s.kafka.servers(), "--application-id", id])
        .args(["--input", &s.input(), "--output", &s.output(), "--module"])
        .arg(guest("sum"))
        .args(flags)
        .env("XDG_STATE_HOME", s.file("state")?)
        .current_dir(s.file(".")?)
        .output()?)
}

fn text(output: &Output) -> Result<String> {
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {errors}", output.status);
    Ok(String::from_utf8(output.stdout.clone())?)
}

#[test]
fn state_is_read_by_key_and_as_a_whole() {
    embedded("state-read", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        s.sum().arg("--until-end").complete(SOON)?;
        let (key, sum) = workload.sums().first_key_value().context("there are sums")?;
        let key = std::str::from_utf8(key)?;
        let line = text(&verb(s, &["state", "get", key], &[])?)?;
        ensure!(line.contains(&format!("\"value\":\"{sum}\"")), "{line}");
        let dump = text(&verb(s, &["state", "dump"], &[])?)?;
        ensure!(dump.lines().count() == workload.sums().len(), "{} lines", dump.lines().count());
        ensure!(dump.contains(&line), "the whole has another line for {key}");
        let none = verb(s, &["state", "get", "no such key"], &[])?;
        ensure!(none.status.code() == Some(1), "{}", none.status);
        Ok(())
    });
}

#[test]
fn after_a_reset_everything_is_summed_again() {
    embedded("state-reset", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        // Dynamic members leave at once; static ones keep their places until their session ends.
        let host = s.sum().args(["--membership", "dynamic"]);
        let command = host.clone().arg("--until-end");
        command.complete(SOON)?;
        let changelog = s.topic("sum-changelog");
        let looked = text(&verb(s, &["reset"], &[])?)?;
        ensure!(looked.contains(&format!("would delete topic {changelog}")), "{looked}");
        ensure!(s.kafka.partitions(&changelog)?.is_some(), "a look has deleted something");

        let host = host.start()?;
        // Before it is a member nothing refuses the reset, which would take the topics from under it.
        wait_until("a member", SOON, || Ok(host.log().contains("\"message\":\"assigned\"")))?;
        let refused = verb(s, &["reset", "--execute"], &[])?;
        let errors = String::from_utf8_lossy(&refused.stderr);
        ensure!(!refused.status.success(), "a reset under a running member");
        ensure!(errors.contains("stop all processes first"), "{errors}");
        host.drain(SOON)?;

        let done = text(&verb(s, &["reset", "--execute"], &[])?)?;
        ensure!(done.contains(&format!("deleted topic {changelog}")), "{done}");
        wait_until("the topic is gone", SOON, || Ok(s.kafka.partitions(&changelog)?.is_none()))?;
        let results = s.read("output")?.len();
        command.complete(SOON)?;
        ensure!(s.read("output")?.len() > results, "nothing was summed again");
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn state_moves_to_another_application_which_goes_on_with_it() {
    embedded("state-moves", |s| {
        let spec = WorkloadSpec::default();
        s.kafka.create_topic(&s.input(), spec.partitions)?;
        let (half, mut workload) = (spec.records / 2, Workload::new(spec));
        let mut producer = s.kafka.producer()?;
        workload.produce(&mut producer, &s.input(), half)?;
        s.sum().args(["--membership", "dynamic", "--until-end"]).complete(SOON)?;
        let keys = workload.sums().len();
        let exported = text(&verb(s, &["state", "export"], &[])?)?;
        ensure!(exported.lines().count() == keys + 2, "{} lines for {keys} keys", exported.lines().count());

        let (file, cut) = (s.file("state.jsonl")?, s.file("cut.jsonl")?);
        fs::write(&file, &exported)?;
        fs::write(&cut, exported.lines().take(keys).collect::<Vec<_>>().join("\n") + "\n")?;
        let import = |path: &Path| {
            let path = path.to_str().context("a path that is text")?;
            verb_of(s, "state-moved", &["state", "import", path], &[])
        };
        let refused = import(&cut)?;
        let errors = String::from_utf8_lossy(&refused.stderr);
        ensure!(!refused.status.success() && errors.contains("ends before its last line"), "{errors}");
        text(&import(&file)?)?;
        let again = import(&file)?;
        let errors = String::from_utf8_lossy(&again.stderr);
        ensure!(!again.status.success() && errors.contains("has state already"), "{errors}");

        workload.produce(&mut producer, &s.input(), half)?;
        let moved = s.application("state-moved", guest("sum"));
        let moved = moved.args(["--input", &s.input(), "--output", &s.output(), "--until-end"]);
        moved.complete(SOON)?;
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn an_application_begins_where_it_is_told_to_and_only_if_it_is_new() {
    embedded("state-reprocess", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        let from = |id: &str, policy: &str| {
            let host = s.application(id, guest("sum")).args(["--input", &s.input(), "--output", &s.output()]);
            host.args(["--until-end", "--reprocess", policy])
        };
        from("state-after", "2100-01-01T00:00:00Z").complete(SOON)?;
        ensure!(s.read("output")?.is_empty(), "records of the past were read");
        from("state-since", "2020-01-01T00:00:00Z").complete(SOON)?;
        s.check_sums(&workload)?;
        let again = from("state-since", "offset:0").start()?.wait(SOON)?.with_code(78)?;
        ensure!(again.stderr.contains("has committed offset"), "{}", again.stderr);
        Ok(())
    });
}
