//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use anomaly::Anomaly;
use guest_sdk::testing::{Input, OutputRow, RunError, Runner};

fn run(
    settings: &[(&str, &str)],
    batch_records: usize,
    numbers: &[&str],
) -> (Vec<OutputRow>, Runner<Anomaly>) {
    let mut runner = Runner::new(settings).unwrap().batch_records(batch_records).fresh_instances();
    let inputs: Vec<_> = numbers.iter().map(|number| Input::new("a", number)).collect();
    (runner.process_inputs(&inputs).unwrap(), runner)
}

fn text(row: &OutputRow) -> &str {
    std::str::from_utf8(row.value.as_deref().unwrap()).unwrap()
}

#[test]
fn an_alarm_says_how_far_from_what() {
    let numbers = ["2", "4", "4", "4", "5", "5", "7", "9", "5", "20", "-20"];
    let (rows, _) = run(&[("warm_up", "8"), ("threshold", "2.5")], 3, &numbers);
    let first = "{\"value\":20.000000,\"mean\":5.000000,\"deviation\":2.000000,\"z\":7.500000,\"count\":9}";
    assert_eq!(text(&rows[0]), first);
    assert_eq!(rows.iter().map(|row| row.source_offset).collect::<Vec<_>>(), [9, 10]);
    assert_eq!(rows[0].key.as_deref(), Some(&b"a"[..]));
}

#[test]
fn there_is_no_alarm_before_the_warm_up() {
    assert!(run(&[("warm_up", "4")], 10, &["1", "1", "1000"]).0.is_empty());
    let (rows, _) = run(&[("warm_up", "2")], 10, &["1", "1", "1000"]);
    assert!(text(&rows[0]).contains("\"z\":null"), "{}", text(&rows[0]));
}

#[test]
fn what_raised_an_alarm_is_learnt_or_not() {
    let numbers = ["1", "2", "1", "2", "9", "9", "9", "9", "9", "9"];
    let settings = |learn| [("warm_up", "3"), ("threshold", "3"), ("learn", learn)];
    assert_eq!(run(&settings("all"), 10, &numbers).0.len(), 1);
    assert_eq!(run(&settings("normal"), 10, &numbers).0.len(), 6);
}

#[test]
fn state_and_rows_do_not_depend_on_the_cut() {
    let numbers: Vec<String> =
        (0..500_u32).map(|i| (i * i % 101 + 900 * u32::from(i % 97 == 96)).to_string()).collect();
    let mut numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    numbers[100] = "no number";
    let (rows, whole) = run(&[], 1000, &numbers);
    assert_eq!(rows.len(), 5);
    assert_eq!(whole.rejected().len(), 1);
    for batch_records in [1, 9] {
        let (cut_rows, cut) = run(&[], batch_records, &numbers);
        assert_eq!((cut_rows, cut.state()), (rows.clone(), whole.state()));
    }
}

#[test]
fn wrong_settings_stop_the_start() {
    let refused =
        |name, value| matches!(Runner::<Anomaly>::new(&[(name, value)]), Err(RunError::Configure(_)));
    assert!(refused("threshold", "0") && refused("threshold", "nan") && refused("threshold", "inf"));
    assert!(refused("warm_up", "1") && refused("learn", "none"));
}
