//! Histories from seeds, and all small histories. None may break a promise; that they would notice, `bugs.rs` shows.
//!
//! One history again: `SIM_SEED=N cargo test --release -p sim seeds`. More of them: `SIM_SEEDS=1000000`.

use host_core::emit::Emit;
use sim::choices::{Choices, next_script};
use sim::operators::Fold;
use sim::world::{FAULTS_PER_MILLE, Scenario, run};

const SEEDS: u64 = 10_000;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn history(seed: u64) -> Result<(), String> {
    run(&Scenario::from_seed(seed), Choices::seed(seed, FAULTS_PER_MILLE)).0
}

#[test]
fn seeds() {
    let seeds = match number("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(error) = history(seed) {
            panic!("seed {seed}: {error}\nagain: SIM_SEED={seed} cargo test --release -p sim seeds");
        }
    }
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
