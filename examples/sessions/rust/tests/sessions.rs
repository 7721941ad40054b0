//! The operator on events of its own, natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, RunError, Runner};
use sessions::Sessions;

fn runner(batch_records: usize) -> Runner<Sessions> {
    Runner::new(&[("gap_ms", "10")]).unwrap().batch_records(batch_records).fresh_instances()
}

/// What comes out for events of one key: when and what.
fn rows(runner: &mut Runner<Sessions>, events: &[(i64, &str)]) -> Vec<(i64, String)> {
    let inputs: Vec<_> = events.iter().map(|(time_ms, what)| Input::new("k", what).at(*time_ms)).collect();
    let rows = runner.process_inputs(&inputs).unwrap();
    let text = |row: &guest_sdk::testing::OutputRow| String::from_utf8(row.value.clone().unwrap()).unwrap();
    rows.iter().map(|row| (row.timestamp, text(row))).collect()
}

#[test]
fn a_gap_ends_a_session_and_so_does_end() {
    let events = [(100, ""), (110, ""), (105, ""), (121, ""), (112, ""), (125, "end"), (126, "")];
    for batch_records in [1, 2, 100] {
        let mut runner = runner(batch_records);
        let first = (110, r#"{"events":3,"first_ms":100,"last_ms":110}"#.to_owned());
        let second = (125, r#"{"events":3,"first_ms":112,"last_ms":125}"#.to_owned());
        assert_eq!(rows(&mut runner, &events), [first, second]);
        assert_eq!(runner.state()[&b"k"[..]].len(), 24);
        assert!(rows(&mut runner, &[(126, "end")])[0].1.contains(r#""events":2"#));
        assert!(runner.state().is_empty());
    }
}

#[test]
fn an_event_before_its_session_is_rejected() {
    let mut runner = runner(100);
    assert_eq!(rows(&mut runner, &[(100, ""), (89, "end"), (90, ""), (80, "")]), []);
    assert_eq!(runner.rejected().len(), 1);
    assert_eq!(runner.rejected()[0].reason, "the event is 11 ms before its session");
}

#[test]
fn wrong_settings_stop_the_start() {
    for (name, value) in [("gap_ms", "0"), ("gap_ms", "1s"), ("gap", "1")] {
        let refused = Runner::<Sessions>::new(&[(name, value)]);
        assert!(matches!(refused, Err(RunError::Configure(_))), "{name} = {value}");
    }
}

#[test]
fn an_accumulator_of_another_kind_stops_the_application() {
    let mut runner = runner(1).with_state("k", b"short");
    assert!(matches!(runner.process_inputs(&[Input::new("k", "")]), Err(RunError::Failed(_))));
}
