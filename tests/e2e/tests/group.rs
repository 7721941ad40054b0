//! Several processes share an application, come and go.

use anyhow::Result;
use testkit::scenario::SOON;
use testkit::{HostProcess, Isolation, Scenario, Workload, WorkloadSpec, check, scenario, wait_until};

const PARTITIONS: u32 = 4;
const LINES: u32 = 500;

/// Feeds and waits until the group has committed more in the input than `before`.
fn progress(s: &Scenario, workload: &mut Workload, hosts: &mut [&mut HostProcess]) -> Result<()> {
    let group = s.kafka.group(&s.id, Isolation::Uncommitted)?;
    let committed =
        || -> Result<i64> { Ok(group.committed(&s.input(), PARTITIONS)?.into_iter().flatten().sum()) };
    let before = committed()?;
    let mut producer = s.kafka.producer()?;
    wait_until("progress of the group", SOON, || {
        for host in hosts.iter_mut() {
            host.ensure_running()?;
        }
        workload.produce(&mut producer, &s.input(), u64::from(LINES))?;
        Ok(committed()? > before + i64::from(LINES))
    })
}

/// Everything that was written is committed.
fn caught_up(s: &Scenario) -> Result<bool> {
    let ends = s.kafka.ends(&s.input(), Isolation::Uncommitted)?;
    let committed = s.kafka.committed(&s.id, &s.input(), Isolation::Uncommitted)?;
    Ok(committed.into_iter().eq(ends.into_iter().map(Some)))
}

#[test]
fn a_process_leaves_and_another_joins_and_the_sums_stay_exact() {
    scenario("group-moves", |s| {
        s.kafka.create_topic(&s.input(), PARTITIONS)?;
        let mut workload = Workload::new(WorkloadSpec {
            records: u64::MAX,
            partitions: PARTITIONS,
            values: (1, 1000),
            ..WorkloadSpec::default()
        });
        let command = s
            .sum()
            .args(["--membership", "dynamic", "--workers", "1"])
            .setting("repartition_purge_interval_ms", "0");
        let mut first = command.start()?;
        progress(s, &mut workload, &mut [&mut first])?;
        let mut second = command.start()?;
        progress(s, &mut workload, &mut [&mut first, &mut second])?;
        wait_until("a task that kept its state over the rebalance", SOON, || {
            Ok(first.log().contains("\"kept\":true"))
        })?;
        first.drain(SOON)?;
        progress(s, &mut workload, &mut [&mut second])?;
        let mut third = command.start()?;
        progress(s, &mut workload, &mut [&mut second, &mut third])?;
        wait_until("no lag", SOON, || caught_up(s))?;
        second.drain(SOON)?;
        third.drain(SOON)?;
        command.arg("--until-end").complete(SOON)?;

        let results = check::results(&s.check_sums(&workload)?)?;
        let rows = check::repartition_rows(&s.read("sum-repartition")?)?;
        check::shuffled_once(&rows, workload.sums())?;
        check::running_sums(&results, &rows)
    });
}

#[test]
fn two_processes_end_together_at_the_end_of_the_input() {
    scenario("group-until-end", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        let command = s.sum().args(["--membership", "dynamic", "--workers", "1", "--until-end"]);
        let (first, second) = (command.start()?, command.start()?);
        first.wait(SOON)?.succeeded()?;
        second.wait(SOON)?.succeeded()?;
        s.check_sums(&workload).map(drop)
    });
}
