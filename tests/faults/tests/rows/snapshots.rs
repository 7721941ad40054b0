//! State in files that are damaged, exchanged, old, or cannot be written.

use crate::row::{Case, Runs, row};
use crate::run::{HEALED, Run};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use testkit::{HostProcess, Rng};
use xtask::process;

const REFUSED: &str = "a snapshot is not used";
const FAILED: &str = "cannot write a snapshot";

fn folder(run: &Run<'_>) -> Result<PathBuf> {
    Ok(run.place.file("state")?.join("wasmhost").join(&run.place.id).join("snapshots"))
}

/// The newest snapshot of each task.
fn newest(run: &Run<'_>) -> Result<Vec<PathBuf>> {
    let mut found: BTreeMap<String, (u64, PathBuf)> = BTreeMap::new();
    for entry in fs::read_dir(folder(run)?)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((task, number)) = name.rsplit_once('-') else { continue };
        let Ok(number) = number.parse() else { continue };
        if found.get(task).is_none_or(|(newest, _)| *newest < number) {
            found.insert(task.to_owned(), (number, entry.path()));
        }
    }
    Ok(found.into_values().map(|(_, path)| path).collect())
}

fn change(path: &Path, random: &mut Rng, with: impl FnOnce(&mut Vec<u8>, usize)) -> Result<()> {
    let mut bytes = fs::read(path)?;
    let at = random.below(bytes.len() as u64) as usize;
    with(&mut bytes, at);
    fs::write(path, bytes).with_context(|| format!("cannot damage {}", path.display()))
}

/// Damages all newest snapshots in one of five ways.
fn damage(way: u64, run: &Run<'_>, random: &mut Rng) -> Result<()> {
    let paths = newest(run)?;
    let [first, second, ..] = paths.as_slice() else { anyhow::bail!("{} snapshots", paths.len()) };
    if way == 0 {
        let (one, other) = (fs::read(first)?, fs::read(second)?);
        fs::write(first, other)?;
        fs::write(second, one)?;
    }
    for path in &paths {
        match way {
            1 => change(path, random, |bytes, at| bytes[at] ^= 1)?,
            2 => change(path, random, Vec::truncate)?,
            3 => change(path, random, |bytes, at| bytes[at / 2..].fill(0))?,
            4 => change(path, random, |bytes, _| bytes.clear())?,
            _ => {}
        }
    }
    Ok(())
}

/// Starts a host and waits until each task with state has a snapshot.
fn snapshots(run: &mut Run<'_>) -> Result<HostProcess> {
    let mut host = run.command.start()?;
    run.progress(&mut [&mut host])?;
    run.feed_until("snapshots", &mut [&mut host], |run| Ok(newest(run).is_ok_and(|paths| paths.len() > 1)))?;
    Ok(host)
}

#[test]
fn f17_damaged_snapshots_are_noticed_and_the_changelog_read() {
    let runs = Runs { pr: 1, nightly: 100, release: 1000 };
    row("F17", "snapshots exchanged between tasks, bits flipped, cut off, zeroed, emptied", runs, |case| {
        let mut run = Run::new(case)?;
        for way in 0..5 {
            snapshots(&mut run)?.kill()?;
            damage(way, &run, &mut case.random)?;
            let mut host = run.command.start()?;
            run.progress(&mut [&mut host])?;
            ensure!(host.log().contains(REFUSED), "damage {way} was not noticed");
            host.kill()?;
        }
        run.finish()?;
        Ok(5)
    });
}

#[test]
fn f16_a_disk_that_takes_no_snapshot_stops_nothing() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row("F16", "the folder of snapshots goes away under a running host", runs, |case: &mut Case<'_>| {
        let mut run = Run::new(case)?;
        let mut host = snapshots(&mut run)?;
        fs::remove_dir_all(folder(&run)?)?;
        run.progress(&mut [&mut host])?;
        let log = |host: &HostProcess| host.log().contains(FAILED);
        testkit::wait_until("the warning", HEALED, || {
            run.feed()?;
            Ok(log(&host))
        })?;
        run.progress(&mut [&mut host])?;
        host.kill()?;
        run.finish()?;
        Ok(1)
    });
}

/// So many that a snapshot is larger than a log.
const MANY_KEYS: u64 = 20_000;

#[test]
fn f16_a_disk_that_is_full_within_a_snapshot_stops_nothing() {
    let runs = Runs { pr: 1, nightly: 20, release: 100 };
    row("F16-full", "the disk is full half-way through a snapshot, and has space again", runs, |case| {
        let mut run = Run::with_keys(case, MANY_KEYS)?;
        run.feed_lines(2 * MANY_KEYS)?;
        let mut host = snapshots(&mut run)?;
        let before = newest(&run)?;
        let sizes = before.iter().map(|path| Ok(fs::metadata(path)?.len())).collect::<Result<Vec<u64>>>()?;
        let half = sizes.iter().min().context("no snapshot")? / 2;
        ensure!(host.log().len() as u64 * 2 < half, "snapshots of {half} bytes, and a log as large");
        process::limit_files(host.pid(), Some(half))?;
        testkit::wait_until("the warning", HEALED, || {
            host.ensure_running()?;
            run.feed()?;
            Ok(host.log().contains(FAILED))
        })?;
        run.progress(&mut [&mut host])?;
        let before = newest(&run)?;
        process::limit_files(host.pid(), None)?;
        run.feed_until("new snapshots", &mut [&mut host], |run| {
            Ok(newest(run).is_ok_and(|paths| paths.iter().zip(&before).all(|(new, old)| new != old)))
        })?;
        host.kill()?;
        run.finish()?;
        Ok(1)
    });
}
