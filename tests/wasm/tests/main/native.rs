//! The native sum is the module's twin: the same rows, refusals, accumulators and results on random lines.

use host::native::Native;
use host_core::operator::{BadRow, Groups, Operator, Transformed};
use host_core::record::{BytesColumn, Row, Rows};

use crate::guests::{Random, load, transform};

/// What a line is put together from.
const PARTS: [&str; 16] = [
    "a",
    "b",
    "key",
    ",",
    ",",
    ",",
    "-",
    "+",
    "0",
    "7",
    "12",
    "9223372036854775807",
    "9223372036854775808",
    " ",
    "\u{e9}",
    "",
];

fn random_rows(random: &mut Random) -> Rows {
    let mut rows = Rows::new();
    for _ in 0..=random.below(40) {
        let line = match random.below(3) {
            0 => (0..random.below(5)).map(|_| *random.pick(&PARTS)).collect(),
            _ => {
                format!("{},{}", random.pick(&["a", "b", "c"]), *random.pick(&[-3, 0, 5, i64::MAX, i64::MIN]))
            }
        };
        let key = *random.pick(&[None, Some("a"), Some("b")]);
        let value = (random.below(20) > 0).then_some(line.as_bytes());
        rows.push(Row { key: key.map(str::as_bytes), value, timestamp: random.below(1_000) as i64 });
    }
    rows
}

type Cells<'a> = Vec<(Option<&'a [u8]>, Option<&'a [u8]>)>;

/// What counts of an answer, whichever way it writes "no nulls" and "the source's timestamp".
fn facts<'a>(answer: &'a Transformed, input: &Rows) -> (Cells<'a>, Vec<i64>, &'a [u32], &'a [BadRow]) {
    let cells = (0..answer.rows.len()).map(|i| (answer.rows.key(i), answer.rows.value(i))).collect();
    let timestamps = match &answer.rows.timestamps[..] {
        [] => answer.source.iter().map(|row| input.timestamps[*row as usize]).collect(),
        own => own.to_vec(),
    };
    (cells, timestamps, &answer.source, &answer.bad)
}

fn random_groups(random: &mut Random) -> Groups {
    let mut groups = Groups::default();
    for key in 0..=random.below(5) {
        groups.keys.push(Some(key.to_string().as_bytes()));
        let sum = *random.pick(&[None, Some(0), Some(-1), Some(i128::MAX), Some(i128::MIN)]);
        groups.accumulators.push(sum.map(i128::to_le_bytes).as_ref().map(|bytes| &bytes[..]));
        for _ in 0..=random.below(6) {
            let number = random.pick(&[0, 1, -1, i64::MAX, i64::MIN]).to_le_bytes();
            let len = if random.below(10) == 0 { random.below(8) } else { 8 };
            groups.values.push(Some(&number[..len]));
            groups.timestamps.push(0);
        }
        groups.ends.push(groups.values.len() as u32);
    }
    groups
}

#[test]
fn native_and_wasm_sums_are_the_same() {
    for preserves_key in ["false", "true"] {
        let mut wasm = load("sum", &[("preserves_key", preserves_key)]).operator();
        let settings = [("preserves_key".to_owned(), preserves_key.to_owned())];
        let mut native = Native::load("sum", &settings).expect("there is a native sum");
        assert_eq!(native.description().preserves_key, wasm.description().preserves_key);
        assert_eq!(native.description().state_schema, wasm.description().state_schema);
        assert_eq!(native.description().row_schema, wasm.description().row_schema);
        for seed in 0..2_000 {
            let random = &mut Random(seed);
            let rows = random_rows(random);
            let ours = transform(&mut native, &rows).expect("native transforms do not fault");
            let theirs = transform(&mut wasm, &rows).expect("bad lines are refused, not traps");
            assert_eq!(facts(&ours, &rows), facts(&theirs, &rows), "seed {seed}");

            let groups = random_groups(random);
            let ours = native.reduce(&groups, false).expect("the accumulators are sums");
            let theirs = wasm.reduce(&groups, false).expect("the accumulators are sums");
            assert_eq!(ours, theirs, "seed {seed}");

            let every = native.reduce(&groups, true).expect("the accumulators are sums");
            let their_every = wasm.reduce(&groups, true).expect("the accumulators are sums");
            assert_eq!(every, their_every, "seed {seed}");

            let sums = without_nulls(&ours.accumulators);
            if !sums.is_empty() {
                let merged = native.merge(&sums, &sums).expect("the accumulators are sums");
                let their_merged = wasm.merge(&sums, &sums).expect("the accumulators are sums");
                assert_eq!(merged, their_merged, "seed {seed}");
            }

            let ours = native.finish(&groups.keys, &ours.accumulators).expect("the accumulators are sums");
            let theirs = wasm.finish(&groups.keys, &theirs.accumulators).expect("the accumulators are sums");
            assert_eq!(ours, theirs, "seed {seed}");
        }
    }
}

fn without_nulls(column: &BytesColumn) -> BytesColumn {
    let mut out = BytesColumn::new();
    (0..column.len()).filter_map(|i| column.get(i)).for_each(|bytes| out.push(Some(bytes)));
    out
}

#[test]
fn foreign_accumulators_stop_both() {
    let mut groups = crate::guests::group(&["12345678"]);
    groups.accumulators.clear();
    groups.accumulators.push(Some(b"odd"));
    let ours = Native::load("sum", &[]).expect("there is a native sum").reduce(&groups, false);
    let theirs = load("sum", &[]).operator().reduce(&groups, false);
    let (ours, theirs) = (ours.expect_err("3 bytes are no sum"), theirs.expect_err("3 bytes are no sum"));
    assert_eq!((ours.kind, ours.reason), (theirs.kind, theirs.reason));
}
