//! What the SDK promises to operators, through the native runner.
#![allow(clippy::unwrap_used, reason = "tests")]

use guest_sdk::testing::{Input, Runner, Stage};
use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, NULL, Operator, Output, Record, Reduce, Settings, Transform,
    Value, fatal, reject, retry,
};
use proptest::prelude::*;

/// Does to each record what its value says, and folds an order-sensitive hash. The fold spoils the
/// accumulator before it refuses a value.
struct Script;

impl Operator for Script {
    const NAME: &'static str = "script";
    const VERSION: &'static str = "1";
    const STATE_SCHEMA: &'static str = "hash";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["depth"])?;
        settings.parse("depth", 1_u8).map(|_| Self)
    }
}

impl Transform for Script {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        match record.value_str()? {
            "drop" => {}
            "twice" => {
                out.emit(record.key, "1").header("n", "1");
                out.emit(NULL, b"2").timestamp(77).header("n", NULL).header("m", String::new());
            }
            "half" => {
                out.emit(record.key, "gone").timestamp(99).header("gone", NULL);
                out.emit(NULL, NULL);
                return Err(reject("half"));
            }
            "retry" => return Err(retry("again")),
            "fatal" => return Err(fatal("enough")),
            "where" => {
                out.emit(record.topic, format!("{}@{}", record.partition, record.offset));
            }
            _ => {
                out.forward(&record);
            }
        }
        Ok(())
    }
}

impl Reduce for Script {
    type Accumulator = u64;

    fn fold(&mut self, hash: &mut Option<u64>, value: Value<'_>) -> Result<(), Error> {
        let old = hash.unwrap_or(7);
        *hash = Some(0xbad);
        match value.bytes {
            b"refuse" => return Err(reject("refused")),
            b"delete" => *hash = None,
            bytes => *hash = Some(bytes.iter().fold(old, |h, b| h.wrapping_mul(31) ^ u64::from(*b))),
        }
        Ok(())
    }
}

impl Finish for Script {
    fn finish(&mut self, key: &[u8], hash: &u64, out: &mut Bytes) -> Result<Finished, Failure> {
        out.push(&hash.to_le_bytes());
        Ok(if key == b"hidden" { Finished::Tombstone } else { Finished::Value })
    }
}

guest_sdk::export!(Script: transform, reduce, finish);

fn runner() -> Runner<Script> {
    Runner::new(&[]).unwrap()
}

#[test]
fn rows_carry_source_timestamps_headers_and_nulls() {
    let mut runner = runner().read_at("clicks", 3, 40);
    let inputs = [
        Input::new("a", "drop"),
        Input::new("b", "twice").at(5),
        Input::new("c", "x").at(6).header("h", Some(b"v")).header("h", None),
        Input::value("where"),
    ];
    let rows = runner.transform(&inputs).unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.source_offset, row.timestamp, row.headers.len())).collect();
    assert_eq!(seen, [(41, 5, 1), (41, 77, 2), (42, 6, 2), (43, 43, 0)]);
    assert_eq!(rows[1].key, None);
    assert_eq!(rows[1].headers, [("n".into(), None), ("m".into(), Some(vec![]))]);
    assert_eq!(rows[2].headers, inputs[2].headers);
    assert_eq!(
        (rows[3].key.as_deref(), rows[3].value.as_deref()),
        (Some(&b"clicks"[..]), Some(&b"3@43"[..]))
    );
}

#[test]
fn a_rejected_record_takes_its_rows_back() {
    let mut runner = runner();
    let rows = runner.transform(&["twice", "half", "twice"].map(|v| Input::new("k", v))).unwrap();
    let alone =
        self::runner().transform(&[Input::new("k", "twice").at(0), Input::new("k", "twice").at(2)]).unwrap();
    assert_eq!(
        rows.iter().map(|r| (&r.key, &r.value, &r.headers, r.timestamp)).collect::<Vec<_>>(),
        alone.iter().map(|r| (&r.key, &r.value, &r.headers, r.timestamp)).collect::<Vec<_>>()
    );
    assert_eq!(runner.rejected().len(), 1);
    assert_eq!((runner.rejected()[0].offset, &*runner.rejected()[0].reason), (1, "half"));
}

#[test]
fn a_null_value_is_rejected_by_value_str() {
    let mut runner = runner();
    let rows = runner.transform(&[Input { key: Some(b"k".to_vec()), ..Input::default() }]).unwrap();
    assert!(rows.is_empty());
    assert_eq!(runner.rejected()[0].stage, Stage::Transform);
}

#[test]
fn retry_and_fatal_end_the_call() {
    for (value, text) in [("retry", "retry: again"), ("fatal", "fatal: enough")] {
        let error = runner().transform(&[Input::new("k", value)]).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn unknown_and_unreadable_settings_are_refused_with_their_names() {
    let error = |settings| Runner::<Script>::new(settings).map(|_| ()).unwrap_err().to_string();
    assert_eq!(error(&[("dept", "1")]), "configure: unknown setting `dept`: there are depth");
    assert!(error(&[("depth", "x")]).contains("setting `depth` has the value `x`"));
}

#[test]
fn deleted_keys_finish_as_tombstones() {
    let mut runner = runner();
    runner.reduce_inputs(&[Input::new("a", "1"), Input::new("b", "1"), Input::new("hidden", "1")]).unwrap();
    runner.reduce_inputs(&[Input::new("a", "delete")]).unwrap();
    let results = runner.finish().unwrap();
    assert_eq!(results[&b"a"[..]], None);
    assert_eq!(results[&b"hidden"[..]], None);
    assert_eq!(results[&b"b"[..]].as_deref(), runner.state().get(&b"b"[..]).map(Vec::as_slice));
    assert!(!runner.state().contains_key(&b"a"[..]));
    assert!(runner.finish().unwrap().is_empty());
}

#[test]
fn an_unreadable_accumulator_is_fatal() {
    struct Wide;
    impl Operator for Wide {
        const NAME: &'static str = "wide";
        const VERSION: &'static str = "1";
        fn configure(_: &Settings<'_>) -> Result<Self, String> {
            Ok(Self)
        }
    }
    impl Reduce for Wide {
        type Accumulator = Fickle;
        fn fold(&mut self, state: &mut Option<Fickle>, _: Value<'_>) -> Result<(), Error> {
            *state = Some(Fickle);
            Ok(())
        }
    }
    struct Fickle;
    impl guest_sdk::Accumulator for Fickle {
        fn encode(&self, out: &mut Bytes) {
            out.push(b"?");
        }
        fn decode(_: &[u8]) -> Option<Self> {
            None
        }
    }
    let mut runner = Runner::<Wide>::new(&[]).unwrap();
    runner.reduce_inputs(&[Input::new("k", "1")]).unwrap();
    let error = runner.reduce_inputs(&[Input::new("k", "1")]).unwrap_err();
    assert!(error.to_string().starts_with("fatal: the accumulator of key \"k\" (1 bytes)"), "{error}");
}

fn values() -> impl Strategy<Value = Vec<Input>> {
    let value = prop_oneof![4 => "[a-c]{0,40}", 2 => Just("refuse".into()), 1 => Just("delete".into())];
    prop::collection::vec(("[xyz]?", value), 0..60)
        .prop_map(|rows| rows.into_iter().map(|(key, value)| Input::new(key, value)).collect())
}

proptest! {
    #[test]
    fn state_does_not_depend_on_the_cut(inputs in values(), batch_records in 1..20_usize) {
        let mut whole = runner();
        whole.reduce_inputs(&inputs).unwrap();
        let mut cut = runner().batch_records(batch_records).fresh_instances();
        cut.reduce_inputs(&inputs).unwrap();
        prop_assert_eq!(whole.state(), cut.state());
        prop_assert_eq!(whole.rejected().len(), cut.rejected().len());
    }

    #[test]
    fn refused_values_are_as_if_never_there(inputs in values()) {
        let mut with = runner();
        with.reduce_inputs(&inputs).unwrap();
        let kept: Vec<_> = inputs.iter().filter(|i| i.value.as_deref() != Some(b"refuse")).cloned().collect();
        let mut without = runner();
        without.reduce_inputs(&kept).unwrap();
        prop_assert_eq!(with.state(), without.state());
        prop_assert_eq!(with.rejected().len(), inputs.len() - kept.len());
    }

    #[test]
    fn rows_do_not_depend_on_the_cut(
        script in prop::collection::vec(prop::sample::select(vec!["drop", "twice", "half", "where", "x"]), 0..40),
        batch_records in 1..9_usize,
    ) {
        let inputs: Vec<_> = script.iter().map(|value| Input::new("k", value).header("h", None)).collect();
        let mut whole = runner();
        let mut cut = runner().batch_records(batch_records).fresh_instances();
        prop_assert_eq!(whole.transform(&inputs).unwrap(), cut.transform(&inputs).unwrap());
        prop_assert_eq!(whole.rejected(), cut.rejected());
    }
}
