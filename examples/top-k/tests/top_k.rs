//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, RunError, Runner};
use top_k::TopK;

fn result(runner: &mut Runner<TopK>, key: &str) -> String {
    String::from_utf8(runner.finish().unwrap()[key.as_bytes()].clone().unwrap()).unwrap()
}

#[test]
fn the_most_frequent_items_of_a_key_come_first() {
    let mut runner = Runner::<TopK>::new(&[("k", "2")]).unwrap().batch_records(3).fresh_instances();
    let inputs = [("a", "x"), ("b", "z"), ("a", "\"y\""), ("a", "w"), ("a", "x"), ("a", "w"), ("a", "x")];
    runner.run(&inputs.map(|(key, item)| Input::new(key, item))).unwrap();
    let items = "[{\"item\":\"x\",\"count\":3,\"error\":0},{\"item\":\"w\",\"count\":2,\"error\":0}]";
    assert_eq!(result(&mut runner, "a"), items);
}

#[test]
fn items_are_fields_and_records_without_a_key_are_one_group() {
    let mut runner = Runner::<TopK>::new(&[("field", "n")]).unwrap();
    let values = ["{\"n\":7}", "{\"n\":\"7\"}", "{\"n\":null}", "{}", "7", "{\"n\":[7]}", "{\"n\":true}"];
    runner.run(&values.map(Input::value)).unwrap();
    let items = "[{\"item\":\"7\",\"count\":2,\"error\":0},{\"item\":\"true\",\"count\":1,\"error\":0}]";
    assert_eq!(result(&mut runner, ""), items);
    assert_eq!(runner.rejected().len(), 4);
}

#[test]
fn state_does_not_depend_on_the_cut() {
    let inputs: Vec<_> = (0..3000_u32).map(|i| Input::value((i * i % 1009 % 97).to_string())).collect();
    let state = |batch_records| {
        let runner = Runner::<TopK>::new(&[("counters", "20")]).unwrap();
        let mut runner = runner.batch_records(batch_records).fresh_instances();
        runner.run(&inputs).unwrap();
        runner.state().clone()
    };
    assert_eq!(state(1), state(5000));
    assert_eq!(state(17), state(5000));
}

#[test]
fn wrong_settings_stop_the_start() {
    let refused =
        |settings: &[(&str, &str)]| matches!(Runner::<TopK>::new(settings), Err(RunError::Configure(_)));
    assert!(refused(&[("counters", "0")]) && refused(&[("counters", "3001")]));
    assert!(refused(&[("k", "0")]) && refused(&[("k", "3"), ("counters", "2")]));
}
