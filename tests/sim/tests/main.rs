//! Histories from seeds, and all small histories. None may break a promise; that they would notice, `bugs.rs` shows.
//!
//! One history again: `SIM_SEED=N cargo test --release -p sim seeds`. A million of them, of other seeds:
//! `cargo xtask faults --tier nightly --seed N --only simulation`.

use host_core::emit::Emit;
use sim::choices::{Choices, next_script};
use sim::operators::Fold;
use sim::world::{FAULTS_PER_MILLE, Scenario, run};
use std::panic;
use std::time::Instant;
use xtask::faults::{Outcome, SIMULATION, note};

const SEEDS: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// How many faults it had. A panic is an error, too: it must not hide which seed it was.
fn history(seed: u64) -> Result<u64, String> {
    let history = || run(&Scenario::from_seed(seed), Choices::seed(seed, FAULTS_PER_MILLE));
    let (result, choices) = panic::catch_unwind(history).map_err(|_| "a panic, above".to_owned())?;
    result.map(|()| choices.fired())
}

/// Those of `SIM_SEED`, or `SIM_SEEDS` many from `SIM_FIRST_SEED` on.
#[test]
fn seeds() {
    let first = number("SIM_FIRST_SEED").unwrap_or_default();
    let seeds = match number("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => first..first + number("SIM_SEEDS").unwrap_or(SEEDS),
    };
    let (began, mut fired) = (Instant::now(), 0);
    for seed in seeds.clone() {
        match history(seed) {
            Ok(faults) => fired += faults,
            Err(error) => {
                tell(&Outcome { runs: seed + 1 - seeds.start, fired, violations: 1 }, began);
                panic!("seed {seed}: {error}\nagain: SIM_SEED={seed} cargo test --release -p sim seeds")
            }
        }
    }
    assert!(fired > 0 || seeds.end - seeds.start < SEEDS, "void: no fault fired");
    tell(&Outcome { runs: seeds.end - seeds.start, fired, violations: 0 }, began);
}

fn tell(outcome: &Outcome, began: Instant) {
    let fault = "histories of the core on a model of Kafka, with faults at any step";
    note(SIMULATION, fault, outcome, began.elapsed()).expect("a line of results is written");
}

/// Every effect of a small history, with every fault of its own, and every pair of them.
fn all_scripts(scenario: &Scenario, faults: usize) -> usize {
    let mut script = Vec::new();
    let mut runs = 0;
    loop {
        let choices = Choices::Script { script: script.clone(), seen: Vec::new() };
        let (result, choices) = run(scenario, choices);
        if let Err(error) = result {
            panic!("script {script:?} of {scenario:?}: {error}");
        }
        let Choices::Script { seen, .. } = choices else { unreachable!("a script stays a script") };
        runs += 1;
        match next_script(&script, &seen, faults) {
            Some(next) => script = next,
            None => return runs,
        }
    }
}

fn small(repartition: bool) -> Scenario {
    Scenario {
        workers: 1,
        partitions: 1,
        records: 3,
        keys: 2,
        repartition,
        fold: Fold::Chain,
        emit: Emit::Commit,
        failing_one_in: 0,
        bug: None,
        faulty_steps: 0,
    }
}

#[test]
fn all_small_histories_with_one_worker() {
    assert!(all_scripts(&small(false), 2) > 1_000);
}

#[test]
fn all_small_histories_with_a_repartition_topic() {
    assert!(all_scripts(&small(true), 2) > 1_000);
}

#[test]
fn all_small_histories_with_rows_folded_before_the_shuffle() {
    let scenario = Scenario { records: 4, keys: 1, fold: Fold::Sum, ..small(true) };
    assert!(all_scripts(&scenario, 1) > 50);
}

#[test]
fn all_small_histories_with_a_result_after_each_record() {
    let scenario = Scenario { emit: Emit::Record, ..small(true) };
    assert!(all_scripts(&scenario, 1) > 50);
}

#[test]
fn all_small_histories_with_two_workers() {
    let scenario = Scenario { workers: 2, partitions: 2, ..small(true) };
    assert!(all_scripts(&scenario, 1) > 50);
}
