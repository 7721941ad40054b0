//! Histories from seeds, all small histories, and the net's own test: deliberate bugs must be caught.
//!
//! One history again: `SIM_SEED=N cargo test --release -p sim seeds`. More of them: `SIM_SEEDS=1000000`.

use host_core::emit::Emit;
use sim::choices::{Choices, next_script};
use sim::operators::Fold;
use sim::worker::Bug;
use sim::world::{Scenario, run};

const SEEDS: u64 = 10_000;
/// Faults in 1,000 decisions.
const FAULTS_PER_MILLE: u32 = 25;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn history(seed: u64, bug: Option<Bug>) -> Result<(), String> {
    let scenario = Scenario { bug, ..Scenario::from_seed(seed) };
    run(&scenario, Choices::seed(seed, FAULTS_PER_MILLE)).0
}

#[test]
fn seeds() {
    let seeds = match number("SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIM_SEEDS").unwrap_or(SEEDS),
    };
    for seed in seeds {
        if let Err(error) = history(seed, None) {
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

/// Records are missing.
const LOSS: &[&str] = &["results cover", "is not in the repartition topic just once", "no dead letter"];
/// Records count twice.
const TWICE: &[&str] = &["is not its next prefix", "just once", "out of order", "more than once"];
/// Folds begin from an old accumulator.
const WRONG_STATE: &[&str] = &["is not its next prefix", "has another accumulator"];

/// The ordinary run catches a bug, and sees what it does: one of `symptoms`.
fn is_caught(bug: Bug, symptoms: &[&str]) {
    let found = (0..SEEDS).find_map(|seed| history(seed, Some(bug)).err());
    let Some(error) = found else { panic!("{bug:?} was not caught by {SEEDS} seeds") };
    assert!(symptoms.iter().any(|symptom| error.contains(symptom)), "{bug:?} showed as: {error}");
}

#[test]
fn offsets_outside_the_transaction_are_caught() {
    is_caught(Bug::OffsetsOutsideTransaction, LOSS);
}

#[test]
fn no_seek_after_an_abort_is_caught() {
    is_caught(Bug::NoSeekAfterAbort, LOSS);
}

#[test]
fn an_overlay_applied_before_the_commit_is_caught() {
    is_caught(Bug::AppliedBeforeCommit, LOSS);
}

#[test]
fn a_restore_that_stops_at_the_last_stable_offset_is_caught() {
    is_caught(Bug::RestoreToLastStable, WRONG_STATE);
}

#[test]
fn group_metadata_read_at_commit_is_caught() {
    is_caught(Bug::FreshGroupMetadata, TWICE);
}

#[test]
fn a_snapshot_begun_in_a_transaction_is_caught() {
    is_caught(Bug::SnapshotInTransaction, WRONG_STATE);
}

#[test]
fn a_snapshot_with_the_offset_of_its_end_is_caught() {
    is_caught(Bug::SnapshotOffsetAtEnd, WRONG_STATE);
}
