//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use dedupe::Dedupe;
use guest_sdk::testing::{Input, OutputRow, RunError, Runner};

fn runner(settings: &[(&str, &str)]) -> Runner<Dedupe> {
    Runner::new(settings).unwrap().fresh_instances()
}

fn run(runner: &mut Runner<Dedupe>, inputs: &[Input]) -> Vec<OutputRow> {
    let rows = runner.transform(inputs).unwrap();
    runner.process(&rows).unwrap()
}

#[test]
fn the_first_record_of_a_key_passes_whole() {
    let inputs = [
        Input::new("a", "1").at(5).header("h", None).header("i", Some(b"x")),
        Input::new("b", "1"),
        Input::new("a", "2"),
        Input { key: Some(b"c".to_vec()), ..Input::default() },
    ];
    for batch_records in [1, 3, 100] {
        let mut runner = runner(&[]).batch_records(batch_records);
        let rows = run(&mut runner, &inputs);
        let seen: Vec<_> = rows.iter().map(|row| (row.key.as_deref(), row.value.as_deref())).collect();
        let all = [(Some(&b"a"[..]), Some(&b"1"[..])), (Some(b"b"), Some(b"1")), (Some(b"c"), None)];
        assert_eq!(seen, all);
        assert_eq!((rows[0].timestamp, &rows[0].headers), (5, &inputs[0].headers));
    }
}

#[test]
fn an_id_field_counts_and_not_the_key() {
    let mut runner = runner(&[("id_field", "id")]);
    let inputs = [
        Input::value("{\"id\":7,\"n\":1}"),
        Input::new("k", "{ \"id\": 7 }"),
        Input::value("{\"id\":\"7\"}"),
        Input::value("{\"id\":null}"),
        Input::value("{}"),
        Input::value("no JSON"),
    ];
    let values: Vec<_> = run(&mut runner, &inputs).into_iter().map(|row| row.value.unwrap()).collect();
    assert_eq!(values, [&b"{\"id\":7,\"n\":1}"[..], b"{\"id\":\"7\"}"]);
    assert_eq!(runner.rejected().len(), 3);
    assert_eq!(runner.rejected()[0].reason, "there is no id: `id` is missing or null");
}

#[test]
fn a_null_key_and_a_long_one_are_rejected() {
    let mut runner = runner(&[]);
    let rows =
        run(&mut runner, &[Input::value("x"), Input::new([b'a'; 257], "x"), Input::new([b'a'; 256], "x")]);
    assert_eq!(rows.len(), 1);
    assert_eq!(runner.rejected()[1].reason, "the id has 257 bytes, at most 256 are allowed");
}

#[test]
fn state_and_rows_do_not_depend_on_the_cut() {
    // Small bounds, so that ids are forgotten all the time.
    let settings = [("ids_max", "1"), ("window_ms", "40")];
    let inputs: Vec<_> = (0..2000_u32).map(|i| Input::new((i * i % 97).to_string(), i.to_string())).collect();
    let outcome = |batch_records| {
        let mut runner = runner(&settings).batch_records(batch_records);
        let mut rows = run(&mut runner, &inputs);
        rows.sort_by_key(|row| row.source_offset);
        (rows, runner.state().clone())
    };
    let whole = outcome(5000);
    assert!(whole.0.len() > 97 && whole.0.len() < 2000, "{}", whole.0.len());
    for batch_records in [1, 7, 100] {
        assert_eq!(outcome(batch_records), whole);
    }
}

#[test]
fn wrong_settings_stop_the_start() {
    let refused =
        |name, value| matches!(Runner::<Dedupe>::new(&[(name, value)]), Err(RunError::Configure(_)));
    assert!(refused("ids_max", "0"));
    assert!(refused("ids_max", "4096001"));
    assert!(refused("window_ms", "-1"));
    assert!(refused("idfield", "x"));
}
