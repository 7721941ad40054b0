//! The operator natively.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, RunError, Runner};
use validate::Validate;

const FIELDS: &str = "id: integer, required\nprice: number, 0..1000, required\nstatus: text, one of new|paid\n\
                      name: 2..5\ntags: array, ..2\naddress.zip: text, 5..5\nlevel: one of 1|2|true";

fn reason(settings: &[(&str, &str)], value: &str) -> String {
    let mut runner = Runner::<Validate>::new(settings).unwrap();
    let rows = runner.transform(&[Input::value(value)]).unwrap();
    let reason = runner.rejected().first().map(|rejected| rejected.reason.clone()).unwrap_or_default();
    assert_eq!(rows.is_empty(), !reason.is_empty(), "{value}");
    reason
}

#[test]
fn a_good_record_passes_as_it_is() {
    let mut runner = Runner::<Validate>::new(&[("fields", FIELDS)]).unwrap();
    let value = "{ \"id\": 1, \"price\": 1e2, \"status\":\"paid\", \"name\":\"Zoë\", \"tags\":[1,2], \
                 \"address\":{\"zip\":\"01234\"}, \"level\":2, \"more\":null }";
    let rows = runner.transform(&[Input::new("k", value).at(5).header("h", None)]).unwrap();
    assert_eq!((rows[0].key.as_deref(), rows[0].value.as_deref()), (Some(&b"k"[..]), Some(value.as_bytes())));
    assert_eq!((rows[0].timestamp, rows[0].headers.len()), (5, 1));
    assert!(runner.describe().preserves_key);
}

#[test]
fn everything_that_is_wrong_is_said() {
    let of = |value: &str| reason(&[("fields", FIELDS)], value);
    assert_eq!(of("{}"), "id: is missing; price: is missing");
    let good = "\"id\":1,\"price\":2";
    let with = |more: &str| of(&format!("{{{good},{more}}}"));
    assert_eq!(of("{\"id\":1.0,\"price\":-1}"), "id: 1.0 is not of type integer; price: -1 is below 0");
    assert_eq!(of("{\"id\":null,\"price\":1000.5}"), "id: is missing; price: 1000.5 is above 1000");
    assert_eq!(with("\"status\":\"lost\""), "status: \"lost\" is not one of new|paid");
    assert_eq!(with("\"status\":3"), "status: 3 is not of type text");
    assert_eq!(with("\"name\":\"Z\""), "name: the length of \"Z\" is below 2");
    assert_eq!(with("\"tags\":[1,2,3]"), "tags: the number of items is above 2");
    assert_eq!(with("\"address\":{\"zip\":\"1\"}"), "address.zip: the length of \"1\" is below 5");
    assert_eq!(with("\"address\":7"), "");
    assert_eq!(with("\"level\":true"), "");
    assert_eq!(with("\"level\":false"), "level: false is not one of 1|2|true");
    assert_eq!(with("\"name\":{}"), "name: {} has no range");
    assert!(with(&format!("\"status\":\"{}\"", "ä".repeat(100))).len() < 130);
}

#[test]
fn what_is_no_object_is_rejected() {
    for value in ["", "x", "[1]", "\"a\"", "{\"a\":1"] {
        assert!(!reason(&[("fields", "a: number")], value).is_empty(), "{value}");
    }
}

#[test]
fn other_fields_are_rejected_on_demand() {
    let closed = [("fields", "a.b: number"), ("other_fields", "reject")];
    assert_eq!(reason(&closed, "{\"a\":{\"b\":1,\"c\":2}}"), "");
    assert_eq!(reason(&closed, "{\"a\":{},\"d\":1,\"c\":2}"), "c: no such field; d: no such field");
}

#[test]
fn wrong_settings_stop_the_start() {
    let refused =
        |settings: &[(&str, &str)]| matches!(Runner::<Validate>::new(settings), Err(RunError::Configure(_)));
    assert!(refused(&[]));
    assert!(refused(&[("fields", "a: strin")]));
    assert!(refused(&[("fields", "a: text"), ("other_fields", "no")]));
}
