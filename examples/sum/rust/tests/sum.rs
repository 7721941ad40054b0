//! The operator over its own input, natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, RunError, Runner, Stage};
use sum::Sum;

/// Bad lines in `input.txt`.
const BAD_LINES: usize = 12;

fn lines() -> Vec<Input> {
    include_str!("../../input.txt").lines().map(Input::value).collect()
}

fn table(runner: &mut Runner<Sum>) -> String {
    let mut text = Vec::new();
    for (key, sum) in runner.finish().unwrap() {
        text.extend([&key[..], b"\t", &sum.unwrap(), b"\n"].concat());
    }
    String::from_utf8(text).unwrap()
}

#[test]
fn the_input_gives_the_expected_sums_however_it_is_cut() {
    for batch_records in [1, 2, 7, 1_000] {
        let mut runner = Runner::<Sum>::new(&[]).unwrap().batch_records(batch_records).fresh_instances();
        runner.run(&lines()).unwrap();
        assert_eq!(table(&mut runner), include_str!("../../expected.txt"));
        assert_eq!(runner.rejected().len(), BAD_LINES);
        assert!(runner.rejected().iter().all(|bad| bad.stage == Stage::Transform));
    }
}

#[test]
fn a_null_value_is_rejected() {
    let mut runner = Runner::<Sum>::new(&[]).unwrap();
    runner.run(&[Input::default(), Input::value("a,1")]).unwrap();
    assert_eq!(runner.rejected()[0].reason, "the value is null");
    assert_eq!(runner.accumulator("a"), Some(1));
}

#[test]
fn sums_may_be_folded_apart_and_merged() {
    let mut runner = Runner::<Sum>::new(&[]).unwrap().fresh_instances();
    let numbers = [0, 5, -7, i64::MAX, i64::MAX, i64::MIN, 1].map(i64::to_le_bytes);
    let values: Vec<&[u8]> = numbers.iter().map(|number| &number[..]).collect();
    assert_eq!(runner.check_merge_law(b"a", &values), Ok(()));
}

#[test]
fn a_value_that_is_not_8_bytes_is_rejected_by_the_reduce() {
    let mut runner = Runner::<Sum>::new(&[]).unwrap();
    runner.reduce_inputs(&[Input::new("a", "1234567"), Input::new("a", 5_i64.to_le_bytes())]).unwrap();
    assert_eq!(runner.accumulator("a"), Some(5));
    assert_eq!(runner.rejected().len(), 1);
}

#[test]
fn it_describes_its_bytes() {
    let plain = Runner::<Sum>::new(&[]).unwrap().describe();
    assert_eq!((&*plain.name, &*plain.state_schema, &*plain.row_schema), ("sum", "sum:i128-le", "i64-le"));
    assert!(!plain.preserves_key);
    assert!(Runner::<Sum>::new(&[("preserves_key", "true")]).unwrap().describe().preserves_key);
}

#[test]
fn preserving_keys_rejects_records_of_other_keys() {
    let mut runner = Runner::<Sum>::new(&[("preserves_key", "true")]).unwrap();
    runner.run(&[Input::new("a", "a,1"), Input::new("b", "a,2"), Input::value("a,4")]).unwrap();
    assert_eq!(runner.accumulator("a"), Some(1));
    assert_eq!(runner.rejected().len(), 2);
}

#[test]
fn wrong_settings_stop_the_start() {
    let refused = |name, value| matches!(Runner::<Sum>::new(&[(name, value)]), Err(RunError::Configure(_)));
    assert!(refused("preserves_key", "yes"));
    assert!(refused("preserve_key", "true"));
}
