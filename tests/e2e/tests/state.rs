//! State that can be looked at, and an application that begins anew.

use anyhow::{Context, Result, ensure};
use std::process::Output;
use testkit::files::guest;
use testkit::scenario::SOON;
use testkit::{Scenario, WorkloadSpec, scenario, wait_until};

/// `host` with these words for the application of the test.
fn verb(s: &Scenario, words: &[&str], flags: &[&str]) -> Result<Output> {
    Ok(testkit::host::host()
        .args(words)
        .args(["--bootstrap-servers", s.kafka.servers(), "--application-id", &s.id])
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
    scenario("state-read", |s| {
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
    scenario("state-reset", |s| {
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
