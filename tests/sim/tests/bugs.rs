//! The net's own test: the ordinary histories catch each deliberate bug, and see what it does.

use sim::bugs::Bug;
use sim::choices::Choices;
use sim::world::{FAULTS_PER_MILLE, Scenario, run};

/// Histories after which a bug must have shown.
const SEEDS: u64 = 10_000;

/// Records are missing.
const LOSS: &[&str] = &[
    "results cover",
    "is not in the repartition topic just once",
    "are missing in the repartition topic",
    "no dead letter",
];
/// Records count twice.
const TWICE: &[&str] = &[
    "is not its next prefix",
    "just once",
    "out of order",
    "more than once",
    "but not committed",
    "records failed",
];
/// Folds begin from an old accumulator.
const WRONG_STATE: &[&str] = &["is not its next prefix", "has another accumulator"];
/// Failed records and dead letters differ.
const WRONG_LETTERS: &[&str] = &["more than once", "no dead letter"];
/// Two modules in one transaction.
const TWO_MODULES: &[&str] = &["worked for what"];

/// Some history catches the bug, by one of `symptoms`.
fn is_caught(bug: Bug, symptoms: &[&str]) {
    let history = |seed| {
        let scenario = Scenario { bug: Some(bug), ..Scenario::from_seed(seed) };
        run(&scenario, Choices::seed(seed, FAULTS_PER_MILLE)).0
    };
    let found = (0..SEEDS).find_map(|seed| history(seed).err());
    let Some(error) = found else { panic!("{bug:?} was not caught by {SEEDS} seeds") };
    assert!(symptoms.iter().any(|symptom| error.contains(symptom)), "{bug:?} showed as: {error}");
}

#[test]
fn offsets_outside_the_transaction_are_caught() {
    is_caught(Bug::OffsetsOutsideTransaction, LOSS);
}

#[test]
fn dead_letters_outside_the_transaction_are_caught() {
    is_caught(Bug::DeadLettersOutsideTransaction, WRONG_LETTERS);
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
fn an_abort_taken_for_a_commit_is_caught() {
    is_caught(Bug::AbortTakenForCommit, LOSS);
}

#[test]
fn a_producer_kept_after_a_commit_that_was_sent_twice_is_caught() {
    is_caught(Bug::ProducerKept, TWICE);
}

#[test]
fn the_offset_of_the_last_record_is_caught() {
    is_caught(Bug::OffsetOfLastRecord, TWICE);
}

#[test]
fn group_metadata_read_at_commit_is_caught() {
    is_caught(Bug::FreshGroupMetadata, TWICE);
}

#[test]
fn a_restore_that_stops_at_the_last_stable_offset_is_caught() {
    is_caught(Bug::RestoreToLastStable, WRONG_STATE);
}

#[test]
fn a_restore_that_stops_at_the_last_record_is_caught() {
    is_caught(Bug::RestoreToLastRecord, WRONG_STATE);
}

#[test]
fn a_restore_of_what_was_aborted_is_caught() {
    is_caught(Bug::RestoreUncommitted, WRONG_STATE);
}

#[test]
fn a_snapshot_begun_in_a_transaction_is_caught() {
    is_caught(Bug::SnapshotInTransaction, WRONG_STATE);
}

#[test]
fn a_snapshot_with_the_offset_of_its_end_is_caught() {
    is_caught(Bug::SnapshotOffsetAtEnd, WRONG_STATE);
}

#[test]
fn an_old_snapshot_taken_for_the_newest_is_caught() {
    is_caught(Bug::OldSnapshotGeneration, WRONG_STATE);
}

#[test]
fn a_swap_in_a_transaction_is_caught() {
    is_caught(Bug::SwapInTransaction, TWO_MODULES);
}

#[test]
fn an_instance_that_is_used_again_after_a_trap_is_caught() {
    is_caught(Bug::InstanceReused, WRONG_STATE);
}
