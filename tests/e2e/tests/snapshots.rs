//! State in files: a restart after a kill reads the snapshot and the tail of the changelog, and whatever is odd about a
//! file costs time and no sum.

use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::PathBuf;
use testkit::scenario::SOON;
use testkit::{HostCommand, Scenario, Workload, WorkloadSpec, scenario, wait_until};

const RECORDS: u64 = 40_000;
const USED: &str = "restoring from a snapshot";
const REFUSED: &str = "a snapshot is not used";

/// The snapshots of the tasks that reduce.
fn snapshots(s: &Scenario) -> Result<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(s.file("state")?.join("wasmhost").join(&s.id).join("snapshots")) else {
        return Ok(Vec::new());
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"1_")));
    Ok(paths)
}

/// Half of the input is summed, snapshots are written, more input comes, and the host is killed.
fn killed_with_snapshots(s: &Scenario) -> Result<(HostCommand, Workload)> {
    let spec = WorkloadSpec { records: RECORDS, ..WorkloadSpec::default() };
    s.kafka.create_topic(&s.input(), spec.partitions)?;
    let partitions = spec.partitions as usize;
    let (mut workload, mut producer) = (Workload::new(spec), s.kafka.producer()?);
    workload.produce(&mut producer, &s.input(), RECORDS / 2)?;
    let command = s.sum().setting("snapshot_interval_ms", "100");
    let mut host = command.start()?;
    wait_until("a snapshot of each task", SOON, || {
        host.ensure_running()?;
        let tasks: std::collections::BTreeSet<_> = snapshots(s)?
            .iter()
            .filter_map(|path| Some(path.file_name()?.to_str()?.split('-').next()?.to_owned()))
            .collect();
        Ok(tasks.len() == partitions)
    })?;
    workload.produce(&mut producer, &s.input(), RECORDS / 4)?;
    host.kill()?;
    workload.produce(&mut producer, &s.input(), RECORDS / 4)?;
    Ok((command, workload))
}

#[test]
fn after_a_kill_the_state_comes_from_snapshots_and_the_tail_of_the_changelog() {
    scenario("snapshots-kill", |s| {
        let (command, workload) = killed_with_snapshots(s)?;
        let ended = command.arg("--until-end").complete(SOON)?;
        ensure!(ended.stderr.contains(USED), "no snapshot was used");
        ensure!(!ended.stderr.contains(REFUSED), "a snapshot was refused");
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn a_damaged_snapshot_is_refused_and_the_changelog_read() {
    scenario("snapshots-damaged", |s| {
        let (command, workload) = killed_with_snapshots(s)?;
        for path in snapshots(s)? {
            let mut bytes = fs::read(&path)?;
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).with_context(|| format!("cannot damage {}", path.display()))?;
        }
        let ended = command.arg("--until-end").complete(SOON)?;
        ensure!(ended.stderr.contains(REFUSED), "a damaged snapshot was not noticed");
        ensure!(!ended.stderr.contains(USED), "a damaged snapshot was used");
        s.check_sums(&workload).map(drop)
    });
}

#[test]
fn without_an_interval_there_are_no_snapshots() {
    scenario("snapshots-off", |s| {
        let workload = s.load(WorkloadSpec::default())?;
        s.sum().setting("snapshot_interval_ms", "0").arg("--until-end").complete(SOON)?;
        ensure!(snapshots(s)?.is_empty(), "there is a snapshot");
        s.check_sums(&workload).map(drop)
    });
}
