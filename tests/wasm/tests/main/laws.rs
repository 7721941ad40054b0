//! The law of cuts: the state after a log does not depend on how the log was cut into batches. With sums,
//! and with a chain of hashes, which notices every value that is lost, repeated or swapped.

use std::collections::BTreeMap;

use host::native::Native;
use host_core::operator::{Description, Fault, Groups, Operator, Reduced, Transformed};
use host_core::record::{BytesColumn, Origin, Row, Rows};

use crate::guests::{Random, load, transform};

pub(crate) type State = BTreeMap<Vec<u8>, Vec<u8>>;

/// The state after `log`, cut after a random number of rows each time.
fn run(operator: &mut dyn Operator, log: &Rows, random: &mut Random, batch_records_max: usize) -> State {
    let mut state = State::new();
    let mut start = 0;
    while start < log.len() {
        let end = log.len().min(start + 1 + random.below(batch_records_max));
        let rows = transform(operator, &log.slice(start..end)).expect("the log is well-formed").rows;
        let groups = group(&rows, &state);
        let reduced = operator.reduce(&groups, false).expect("the accumulators are its own");
        for i in 0..groups.keys.len() {
            let key = groups.keys.get(i).expect("keys are not null").to_vec();
            match reduced.accumulators.get(i) {
                Some(accumulator) => drop(state.insert(key, accumulator.to_vec())),
                None => drop(state.remove(&key)),
            }
        }
        start = end;
    }
    state
}

fn group(rows: &Rows, state: &State) -> Groups {
    let mut keys: Vec<&[u8]> = Vec::new();
    let key_of = |i| rows.key(i).expect("keys are not null");
    (0..rows.len()).map(key_of).for_each(|key| {
        if !keys.contains(&key) {
            keys.push(key);
        }
    });
    let mut groups = Groups::default();
    for key in keys {
        groups.keys.push(Some(key));
        groups.accumulators.push(state.get(key).map(Vec::as_slice));
        for i in (0..rows.len()).filter(|i| key_of(*i) == key) {
            groups.values.push(rows.value(i));
            groups.timestamps.push(0);
        }
        groups.ends.push(groups.values.len() as u32);
    }
    groups
}

/// Rows "key", "key,number" for five keys; some numbers so large that their sums need more than 64 bits.
fn log(random: &mut Random) -> Rows {
    let mut rows = Rows::new();
    for _ in 0..200 {
        let key = *random.pick(&["a", "b", "c", "", "a long key"]);
        let number = *random.pick(&[1, -1, 17, i64::MAX, i64::MIN]);
        rows.push(Row {
            key: Some(key.as_bytes()),
            value: Some(format!("{key},{number}").as_bytes()),
            timestamp: 0,
        });
    }
    rows
}

/// Every cut of the same log gives what `oracle` gives.
#[track_caller]
pub(crate) fn check_cuts(operator: &mut dyn Operator, oracle: impl Fn(&Rows) -> State) {
    let difference = first_difference(operator, oracle);
    assert_eq!(difference, None);
}

/// The first cut of a log that gives something else than `oracle`.
fn first_difference(operator: &mut dyn Operator, oracle: impl Fn(&Rows) -> State) -> Option<String> {
    for seed in 0..20 {
        let random = &mut Random(seed);
        let log = log(random);
        let expected = oracle(&log);
        for batch_records_max in [1, 2, 7, 50, 200] {
            let state = run(operator, &log, random, batch_records_max);
            if state != expected {
                return Some(format!(
                    "seed {seed}, at most {batch_records_max} records a batch: {state:?} and not {expected:?}"
                ));
            }
        }
    }
    None
}

/// A log that is folded in two parts, which are then merged, gives what `oracle` gives.
#[track_caller]
pub(crate) fn check_merges(operator: &mut dyn Operator, oracle: impl Fn(&Rows) -> State) {
    for seed in 0..50 {
        let random = &mut Random(seed);
        let log = log(random);
        let cut = random.below(log.len());
        let mut state = run(operator, &log.slice(0..cut), random, 50);
        let other = run(operator, &log.slice(cut..log.len()), random, 50);
        for (key, accumulator) in other {
            let column = |bytes: &[u8]| {
                let mut column = BytesColumn::new();
                column.push(Some(bytes));
                column
            };
            let merged = match state.get(&key) {
                None => Some(accumulator),
                Some(before) => {
                    let merged = operator.merge(&column(before), &column(&accumulator));
                    merged.expect("both are its own").get(0).map(<[u8]>::to_vec)
                }
            };
            state.insert(key, merged.expect("a sum is never deleted"));
        }
        assert_eq!(state, oracle(&log), "seed {seed}, cut at {cut}");
    }
}

pub(crate) fn sums(log: &Rows) -> State {
    let mut sums = BTreeMap::<Vec<u8>, i128>::new();
    for i in 0..log.len() {
        let line = std::str::from_utf8(log.value(i).expect("values are not null")).expect("lines are text");
        let (key, number) = line.split_once(',').expect("lines have a comma");
        *sums.entry(key.into()).or_default() += number.parse::<i128>().expect("lines have a number");
    }
    sums.into_iter().map(|(key, sum)| (key, sum.to_le_bytes().to_vec())).collect()
}

/// FNV-1a over the hash before and the value, key by key.
fn chains(log: &Rows) -> State {
    let mut chains = State::new();
    for i in 0..log.len() {
        let key = log.key(i).expect("keys are not null").to_vec();
        let before = chains.remove(&key).unwrap_or_default();
        let hash = before
            .iter()
            .chain(log.value(i).expect("values are not null"))
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
        chains.insert(key, hash.to_le_bytes().to_vec());
    }
    chains
}

#[test]
fn the_sum_of_the_module_does_not_depend_on_cuts() {
    check_cuts(&mut load("sum", &[]).operator(), sums);
}

#[test]
fn sums_that_were_folded_apart_can_be_merged() {
    check_merges(&mut load("sum", &[]).operator(), sums);
    check_merges(&mut Native::load("sum", &[]).expect("there is a native sum"), sums);
}

#[test]
fn a_fold_that_depends_on_the_order_has_no_merger() {
    assert!(load("sum", &[]).description().merges);
    assert!(!load("hash-chain", &[]).description().merges);
    assert!(!Native::load("last", &[]).expect("there is a native last").description().merges);
}

#[test]
fn the_native_sum_does_not_depend_on_cuts() {
    check_cuts(&mut Native::load("sum", &[]).expect("there is a native sum"), sums);
}

#[test]
fn the_hash_chain_of_the_module_does_not_depend_on_cuts() {
    check_cuts(&mut load("hash-chain", &[]).operator(), chains);
}

/// A deliberate bug: the sum is one of 64 bits and begins anew where they end.
struct WrappingSum(Native);

impl Operator for WrappingSum {
    fn description(&self) -> &Description {
        self.0.description()
    }

    fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        self.0.transform(origin, rows)
    }

    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
        let Reduced { accumulators, bad } = self.0.reduce(groups, every)?;
        let mut wrapped = BytesColumn::new();
        for i in 0..accumulators.len() {
            let sum = accumulators.get(i).and_then(|bytes| bytes.try_into().ok()).map(i128::from_le_bytes);
            let sum = sum.map(|sum| i128::from(sum as i64).to_le_bytes());
            wrapped.push(sum.as_ref().map(|bytes| &bytes[..]));
        }
        Ok(Reduced { accumulators: wrapped, bad })
    }

    fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.0.finish(keys, accumulators)
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        self.0.merge(left, right)
    }
}

#[test]
fn a_sum_that_wraps_is_caught() {
    let sum = Native::load("sum", &[]).expect("there is a native sum");
    assert!(first_difference(&mut WrappingSum(sum), sums).is_some(), "the numbers are too small");
}
