//! One row of the matrix: so many runs, each with a seed of its own, and a line of the results.

use anyhow::{Context, Result, ensure};
use std::fs::OpenOptions;
use std::io::Write;
use std::time::Instant;
use testkit::{Bed, Rng, Scenario, scenario_at};
use xtask::faults::means;

/// How much is run, `FAULTS_TIER`: pr, nightly or release.
const TIER: &str = "FAULTS_TIER";
/// Where chances come from, `FAULTS_SEED`: a number.
const SEED: &str = "FAULTS_SEED";
/// Rows that are run, `FAULTS_ONLY`: F1,F12; empty: all.
const ONLY: &str = "FAULTS_ONLY";
/// The file that a line for each row is added to, `FAULTS_RESULTS`.
const RESULTS: &str = "FAULTS_RESULTS";

/// How often a row is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Runs {
    pub(crate) pr: u32,
    pub(crate) nightly: u32,
    pub(crate) release: u32,
}

impl Runs {
    fn of_tier(self) -> u32 {
        match std::env::var(TIER).as_deref() {
            Err(_) | Ok("pr") => self.pr,
            Ok("nightly") => self.nightly,
            Ok("release") => self.release,
            Ok(other) => panic!("{TIER} is \"{other}\"; it is one of pr, nightly, release"),
        }
    }
}

/// The place of one run, and its chances.
pub(crate) struct Case<'a> {
    pub(crate) place: &'a Scenario,
    pub(crate) bed: &'a Bed,
    pub(crate) random: Rng,
}

/// Runs a row on the shared bed. `body` gives how often its fault fired.
///
/// # Panics
/// A run fails: the promise is broken, or its fault did not fire.
pub(crate) fn row(name: &str, fault: &str, runs: Runs, body: impl FnMut(&mut Case<'_>) -> Result<u64>) {
    row_on(Bed::shared, name, fault, runs, body);
}

/// The same on another bed, which is started when the row is run.
pub(crate) fn row_on<'a>(
    bed: impl FnOnce() -> &'a Bed,
    name: &str,
    fault: &str,
    runs: Runs,
    mut body: impl FnMut(&mut Case<'_>) -> Result<u64>,
) {
    let (seed, runs) = (seed(), runs.of_tier());
    if runs == 0 || !is_asked_for(name) {
        // A line of results would say that it held.
        return;
    }
    let (bed, began) = (bed(), Instant::now());
    let (mut fired, mut failures) = (0, Vec::new());
    for run in 0..runs {
        let application = format!("{}-{run}", name.to_lowercase());
        let random = Rng::new(seed_of(seed, name, run));
        let result = scenario_at(&bed.kafka(), &bed.entry(), &application, |place| {
            let times = body(&mut Case { place, bed, random })?;
            ensure!(times > 0, "void: the fault did not fire");
            fired += times;
            Ok(())
        });
        failures.extend(result.with_context(|| format!("{application} of seed {seed}")).err());
    }
    let line = format!(
        "{name}\t{fault}\t{runs}\t{fired}\t{}\t{:.0}\n",
        failures.len(),
        began.elapsed().as_secs_f64()
    );
    note(&line).unwrap_or_else(|error| panic!("cannot write a line of results: {error:#}"));
    assert!(
        failures.is_empty(),
        "{name}: {} of {runs} runs failed; the first: {:?}",
        failures.len(),
        failures[0]
    );
}

fn is_asked_for(name: &str) -> bool {
    let only = std::env::var(ONLY).unwrap_or_default();
    only.is_empty() || only.split(',').any(|word| means(word, name))
}

fn seed() -> u64 {
    std::env::var(SEED)
        .map_or(1, |seed| seed.parse().unwrap_or_else(|_| panic!("{SEED} is no number: {seed}")))
}

/// Each run of each row has chances of its own.
fn seed_of(seed: u64, name: &str, run: u32) -> u64 {
    name.bytes().fold(Rng::new(seed ^ u64::from(run) << 32).bits(), |sum, byte| {
        Rng::new(sum ^ u64::from(byte)).bits()
    })
}

fn note(line: &str) -> Result<()> {
    let Some(path) = std::env::var_os(RESULTS) else { return Ok(()) };
    // One write, so that lines of rows that run beside each other do not mix.
    OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())?;
    Ok(())
}
