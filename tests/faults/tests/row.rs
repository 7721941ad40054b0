//! One row of the matrix: so many runs, each with a seed of its own, and a line of the results.

use anyhow::{Context, Result, ensure};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;
use std::{iter, thread};
use testkit::{Bed, Rng, Scenario, scenario_at};
use xtask::faults::{Outcome, means, note};

/// How much is run, `FAULTS_TIER`: pr, nightly or release.
const TIER: &str = "FAULTS_TIER";
/// Where chances come from, `FAULTS_SEED`: a number.
const SEED: &str = "FAULTS_SEED";
/// Rows that are run, `FAULTS_ONLY`: F1,F12; empty: all.
const ONLY: &str = "FAULTS_ONLY";
/// Runs of a row beside each other, `FAULTS_AT_ONCE`: a number.
const AT_ONCE: &str = "FAULTS_AT_ONCE";
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
    run: u32,
}

impl Case<'_> {
    /// Each run takes the next one of these; they go round.
    pub(crate) fn in_turn<T: Copy>(&self, choices: &[T]) -> T {
        choices[self.run as usize % choices.len()]
    }
}

/// Runs a row on the shared bed, `FAULTS_AT_ONCE` of its runs beside each other. `body` gives how often its fault fired.
///
/// # Panics
/// A run fails: the promise is broken, or its fault did not fire.
pub(crate) fn row(name: &str, fault: &str, runs: Runs, body: impl Fn(&mut Case<'_>) -> Result<u64> + Sync) {
    let Some(row) = Row::asked_for(name, fault, runs) else { return };
    let (bed, next) = (Bed::shared(), AtomicU32::new(0));
    let some_runs = || {
        let numbers = iter::repeat_with(|| next.fetch_add(1, Ordering::Relaxed));
        let numbers = numbers.take_while(|run| *run < row.runs);
        numbers.map(|run| row.run(bed, run, &body)).collect::<Vec<_>>()
    };
    let results = thread::scope(|scope| {
        let threads: Vec<_> = (0..at_once()).map(|_| scope.spawn(some_runs)).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("it gives its errors")).collect()
    });
    held([row.tell(results)]);
}

/// One run after the other, on another bed, which is started when the row is run. For [`held`]: what broke the promise.
pub(crate) fn row_on<'a>(
    bed: impl FnOnce() -> &'a Bed,
    name: &str,
    fault: &str,
    runs: Runs,
    mut body: impl FnMut(&mut Case<'_>) -> Result<u64>,
) -> Result<(), String> {
    let Some(row) = Row::asked_for(name, fault, runs) else { return Ok(()) };
    let bed = bed();
    row.tell((0..row.runs).map(|run| row.run(bed, run, &mut body)).collect())
}

/// Rows that one test runs one after the other: a broken one hides none of the others.
///
/// # Panics
/// The promise is broken in one of them.
pub(crate) fn held(rows: impl IntoIterator<Item = Result<(), String>>) {
    let broken: Vec<String> = rows.into_iter().filter_map(Result::err).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

struct Row<'a> {
    name: &'a str,
    fault: &'a str,
    runs: u32,
    seed: u64,
    began: Instant,
}

impl<'a> Row<'a> {
    /// None when it is not run: a line of results would say that it held.
    fn asked_for(name: &'a str, fault: &'a str, runs: Runs) -> Option<Self> {
        let (seed, runs) = (number(SEED, 1), runs.of_tier());
        (runs > 0 && is_asked_for(name)).then(|| Self { name, fault, runs, seed, began: Instant::now() })
    }

    fn run(&self, bed: &Bed, run: u32, body: impl FnOnce(&mut Case<'_>) -> Result<u64>) -> Result<u64> {
        // All of one length, as rules find clients by how their ids begin.
        let application = format!("{}-{run:04}", self.name.to_lowercase());
        let random = Rng::new(seed_of(self.seed, self.name, run));
        let mut fired = 0;
        let result = scenario_at(&bed.kafka(), &bed.entry(), &application, |place| {
            fired = body(&mut Case { place, bed, random, run })?;
            ensure!(fired > 0, "void: the fault did not fire");
            place.kafka.let_go_of_topics(&format!("{application}-"))
        });
        result.map(|()| fired).with_context(|| format!("{application} of seed {}", self.seed))
    }

    /// Writes the line of results.
    ///
    /// # Errors
    /// A run has failed.
    fn tell(&self, results: Vec<Result<u64>>) -> Result<(), String> {
        let Self { name, fault, runs, began, .. } = self;
        let (mut fired, mut failures) = (0, Vec::new());
        for result in results {
            match result {
                Ok(times) => fired += times,
                Err(error) => failures.push(error),
            }
        }
        let wrong = failures.len();
        let outcome = Outcome { runs: u64::from(*runs), fired, violations: wrong as u64 };
        note(name, fault, &outcome, began.elapsed()).unwrap_or_else(|error| panic!("{error:#}"));
        failures.first().map_or(Ok(()), |first| {
            Err(format!("{name}: {wrong} of {runs} runs failed; the first: {first:?}"))
        })
    }
}

/// Runs of a row beside each other.
fn at_once() -> u64 {
    number(AT_ONCE, 1).max(1)
}

fn is_asked_for(name: &str) -> bool {
    let only = std::env::var(ONLY).unwrap_or_default();
    only.is_empty() || only.split(',').any(|word| means(word, name))
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}

/// Each run of each row has chances of its own.
fn seed_of(seed: u64, name: &str, run: u32) -> u64 {
    name.bytes().fold(Rng::new(seed ^ u64::from(run) << 32).bits(), |sum, byte| {
        Rng::new(sum ^ u64::from(byte)).bits()
    })
}
