//! The sum in every language is the sum: the same answers to the same calls, byte for byte.

use host_core::operator::Operator;
use host_core::record::{BytesColumn, Row, Rows};

use crate::guests::{Random, group, load, transform};
use crate::laws::{check_cuts, check_merges, sums};

/// Ends of lines that a reader of numbers may get wrong.
const ENDS: [&[u8]; 22] = [
    b"0",
    b"-0",
    b"+7",
    b"-9223372036854775808",
    b"9223372036854775807",
    b"9223372036854775808",
    b"-9223372036854775809",
    b"18446744073709551619",
    b"99999999999999999999x",
    b"9223372036854775807x",
    b"000000000000000000000000000042",
    b"1000000000000000000",
    b"",
    b"+",
    b"-",
    b"--1",
    b"+-1",
    b" 1",
    b"1 ",
    b"1,2",
    b"\xff",
    b"\xd9\xa1",
];

/// Lines good and bad, with null and empty keys, values without a comma, and nulls.
fn lines(random: &mut Random) -> Rows {
    let mut rows = Rows::new();
    for i in 0..300 {
        let end = if random.below(2) == 0 {
            (random.below(1 << 40) as i64 - (1 << 39)).to_string().into_bytes()
        } else {
            random.pick(&ENDS).to_vec()
        };
        let key: &[u8] = random.pick::<&[u8]>(&[b"a".as_slice(), b"", b"\xff\0", "süm".as_bytes()]);
        let comma: &[u8] = random.pick::<&[u8]>(&[b",".as_slice(), b",", b",", b""]);
        let line = [key, comma, &end].concat();
        let value = Some(line.as_slice()).filter(|_| random.below(20) > 0);
        let key = Some(key).filter(|_| random.below(2) == 0);
        rows.push(Row { key, value, timestamp: i });
    }
    rows
}

fn column(strings: &[Option<Vec<u8>>]) -> BytesColumn {
    let mut column = BytesColumn::new();
    for string in strings {
        column.push(string.as_deref());
    }
    column
}

/// Accumulators at the ends of their range.
fn accumulators() -> BytesColumn {
    let sums = [0, -1, i128::MAX, i128::MIN, 1 << 64];
    column(&sums.map(|sum| Some(sum.to_le_bytes().to_vec())))
}

fn check_same(operator: &mut dyn Operator, oracle: &mut dyn Operator) {
    for seed in 0..10 {
        let rows = lines(&mut Random(seed));
        let answers = (transform(operator, &rows), transform(oracle, &rows));
        assert_eq!(
            answers.0.expect("lines are no fault"),
            answers.1.expect("lines are no fault"),
            "seed {seed}"
        );
    }
    let groups = group(&["12345678", "no number", "", "\0\0\0\0\0\0\0\0"]);
    for every in [false, true] {
        let answers = (operator.reduce(&groups, every), oracle.reduce(&groups, every));
        assert_eq!(answers.0.expect("values are no fault"), answers.1.expect("values are no fault"));
    }
    let sums = accumulators();
    let keys = column(&[(); 5].map(|()| Some(b"k".to_vec())));
    let answers = (operator.finish(&keys, &sums), oracle.finish(&keys, &sums));
    assert_eq!(answers.0.expect("sums have a text"), answers.1.expect("sums have a text"));
    let answers = (operator.merge(&sums, &sums), oracle.merge(&sums, &sums));
    assert_eq!(answers.0.expect("sums wrap"), answers.1.expect("sums wrap"));
    let mut unreadable = group(&["12345678"]);
    unreadable.accumulators = column(&[Some(b"short".to_vec())]);
    let faults = (operator.reduce(&unreadable, false), oracle.reduce(&unreadable, false));
    let (fault, expected) = (faults.0.expect_err("it is no sum"), faults.1.expect_err("it is no sum"));
    assert_eq!((fault.kind, fault.reason), (expected.kind, expected.reason));
}

/// Everything that can be seen of the module `name` is as in the sum in Rust.
#[track_caller]
fn is_the_sum(name: &str) {
    let (module, oracle) = (load(name, &[]), load("sum", &[]));
    assert_eq!(module.description(), oracle.description());
    let mut operator = module.operator();
    check_same(&mut operator, &mut oracle.operator());
    check_cuts(&mut operator, sums);
    check_merges(&mut operator, sums);
}

#[test]
fn the_sum_in_c_is_the_sum() {
    is_the_sum("sum-c");
    assert!(load("sum-c", &[("preserves_key", "true")]).description().preserves_key);
}

#[test]
fn the_sum_in_go_is_the_sum() {
    is_the_sum("sum-go");
}

#[test]
fn the_sum_in_javascript_is_the_sum() {
    is_the_sum("sum-javascript");
}

#[test]
fn the_sum_in_python_is_the_sum() {
    is_the_sum("sum-python");
}
