//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use fill_missing::FillMissing;
use guest_sdk::testing::{Input, RunError, Runner};

const FIELDS: (&str, &str) = ("fields", "t: mean, unit: last");

fn values(settings: &[(&str, &str)], inputs: &[(&str, &str)]) -> Vec<String> {
    let mut runner = Runner::<FillMissing>::new(settings).unwrap().batch_records(2).fresh_instances();
    let inputs: Vec<_> = inputs.iter().map(|(key, value)| Input::new(key, value)).collect();
    let rows = runner.process_inputs(&inputs).unwrap();
    rows.into_iter().map(|row| String::from_utf8(row.value.unwrap()).unwrap()).collect()
}

#[test]
fn a_missing_field_has_the_last_value_or_the_mean_of_its_key() {
    let inputs = [
        ("a", "{\"unit\":\"C\",\"t\":20}"),
        ("a", "{\"t\":21, \"n\":1.50}"),
        ("a", "{\"n\":1.50,\"t\":null,\"unit\":\"F\"}"),
        ("a", "{}"),
        ("b", "{\"x\":1}"),
    ];
    let expected = [
        "{\"unit\":\"C\",\"t\":20}",
        "{\"n\":1.50,\"t\":21,\"unit\":\"C\"}",
        "{\"n\":1.50,\"t\":20.500000,\"unit\":\"F\"}",
        "{\"t\":20.500000,\"unit\":\"F\"}",
        "{\"x\":1}",
    ];
    assert_eq!(values(&[FIELDS], &inputs), expected);
}

#[test]
fn what_was_filled_is_marked_on_demand() {
    let inputs = [("a", "{\"t\":1,\"unit\":\"C\"}"), ("a", "{}"), ("a", "{\"t\":3}")];
    let rows = values(&[FIELDS, ("mark", "filled")], &inputs);
    assert_eq!(rows[1], "{\"filled\":[\"t\",\"unit\"],\"t\":1.000000,\"unit\":\"C\"}");
    assert_eq!(rows[2], "{\"filled\":[\"unit\"],\"t\":3,\"unit\":\"C\"}");
}

#[test]
fn a_rejected_record_is_as_if_never_there() {
    let mut runner = Runner::<FillMissing>::new(&[("fields", "unit: last, t: mean")]).unwrap();
    let inputs =
        ["{\"unit\":\"C\",\"t\":1}", "{\"unit\":\"F\",\"t\":\"x\"}", "[1]", "{}"].map(|v| Input::new("a", v));
    let rows = runner.process_inputs(&inputs).unwrap();
    assert_eq!(rows[1].value.as_deref(), Some(&b"{\"t\":1.000000,\"unit\":\"C\"}"[..]));
    assert_eq!(runner.rejected()[0].reason, "t: \"x\" is not a number");
    assert!(runner.rejected()[1].reason.starts_with("the value is not a JSON object"));
}

#[test]
fn wrong_settings_stop_the_start() {
    let refused = |settings: &[(&str, &str)]| {
        matches!(Runner::<FillMissing>::new(settings), Err(RunError::Configure(_)))
    };
    assert!(refused(&[]));
    assert!(refused(&[("fields", " ")]));
    assert!(refused(&[("fields", "t")]));
    assert!(refused(&[("fields", "t: median")]));
}
