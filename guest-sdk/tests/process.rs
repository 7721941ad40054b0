//! What the SDK promises to operators that process, through the native runner.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, Runner, Stage};
use guest_sdk::{Error, Operator, Output, Process, Settings, Value, reject};
use proptest::prelude::*;

/// Numbers the values of a key and writes each with its number; refuses some, after it has written and counted.
struct Numbered;

impl Operator for Numbered {
    const NAME: &'static str = "numbered";
    const VERSION: &'static str = "1";
    const STATE_SCHEMA: &'static str = "count";

    fn configure(_: &Settings<'_>) -> Result<Self, String> {
        Ok(Self)
    }
}

impl Process for Numbered {
    type Accumulator = u32;

    fn process(&mut self, count: &mut Option<u32>, value: Value<'_>, out: &mut Output) -> Result<(), Error> {
        let number = count.unwrap_or(0) + 1;
        *count = Some(number);
        match value.as_str()? {
            "quiet" => {}
            "delete" => *count = None,
            "late" => {
                out.emit(value.key, number.to_string()).timestamp(value.timestamp + 1000).header("late", "1");
            }
            "refuse" => {
                out.emit(value.key, "gone").header("gone", "1");
                return Err(reject("refused"));
            }
            text => {
                out.emit(value.key, format!("{number} {text}"));
                out.emit("all", text);
            }
        }
        Ok(())
    }
}

guest_sdk::export!(Numbered: process);

fn runner() -> Runner<Numbered> {
    Runner::new(&[]).unwrap()
}

#[test]
fn rows_carry_keys_timestamps_and_headers_of_their_own() {
    let mut runner = runner().read_at("clicks", 3, 40);
    let inputs = [
        Input::new("a", "x").at(5),
        Input::new("b", "late").at(6),
        Input::new("a", "quiet"),
        Input::value("x"),
    ];
    let rows = runner.process_inputs(&inputs).unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |cell: &Option<Vec<u8>>| String::from_utf8(cell.clone().unwrap()).unwrap();
            (text(&row.key), text(&row.value), row.timestamp, row.source_offset, row.headers.len())
        })
        .collect();
    let row = |key: &str, value: &str, timestamp, offset, headers| {
        (key.to_owned(), value.to_owned(), timestamp, offset, headers)
    };
    assert_eq!(seen, [row("a", "1 x", 5, 40, 0), row("all", "x", 5, 40, 0), row("b", "1", 1006, 41, 1)]);
    assert_eq!(runner.skipped_nulls(), 1);
    assert_eq!(runner.state()[&b"a"[..]], 2_u32.to_le_bytes());
}

#[test]
fn a_refused_value_takes_its_rows_and_its_state_back() {
    let mut runner = runner();
    let rows = runner.process_inputs(&["x", "refuse", "y"].map(|value| Input::new("k", value))).unwrap();
    let values: Vec<_> = rows.iter().map(|row| row.value.clone().unwrap()).collect();
    assert_eq!(values, [&b"1 x"[..], b"x", b"2 y", b"y"]);
    assert!(rows.iter().all(|row| row.headers.is_empty()));
    assert_eq!(runner.rejected().len(), 1);
    assert_eq!((runner.rejected()[0].stage, runner.rejected()[0].offset), (Stage::Process, 1));
}

proptest! {
    #[test]
    fn state_and_rows_of_a_key_do_not_depend_on_the_cut(
        script in prop::collection::vec(
            ("[xy]", prop::sample::select(vec!["a", "quiet", "delete", "late", "refuse"])), 0..60),
        batch_records in 1..20_usize,
    ) {
        let inputs: Vec<_> = script.iter().map(|(key, value)| Input::new(key, value)).collect();
        let mut whole = runner();
        let mut cut = runner().batch_records(batch_records).fresh_instances();
        let (mut one, mut other) = (whole.process_inputs(&inputs).unwrap(), cut.process_inputs(&inputs).unwrap());
        // Between keys the order is that of the batches.
        one.sort_by_key(|row| row.source_offset);
        other.sort_by_key(|row| row.source_offset);
        prop_assert_eq!(one, other);
        prop_assert_eq!(whole.state(), cut.state());
        prop_assert_eq!(whole.rejected().len(), cut.rejected().len());
    }
}
