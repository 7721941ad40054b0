//! The sessions in every language are those in Rust: the same rows, state and refusals for the same calls, byte for byte,
//! and one language goes on with the state of another.

use std::collections::BTreeMap;

use host_core::operator::{Groups, Operator, Processed};
use host_core::record::BytesColumn;

use crate::guests::{Random, load};

const SETTINGS: [(&str, &str); 1] = [("gap_ms", "50")];
const KEYS: [&[u8]; 4] = [b"anna", b"", b"\xff\0", "süm".as_bytes()];
const VALUES: [&[u8]; 5] = [b"/cart", b"", b"end", b"End", b"\xff\xfe"];

/// An event: key, value, time.
type Event = (&'static [u8], &'static [u8], i64);
type State = BTreeMap<Vec<u8>, Vec<u8>>;
/// A row: value, time, headers.
type Made = (Option<Vec<u8>>, i64, Vec<(Vec<u8>, Option<Vec<u8>>)>);

/// Events whose times jump forth and, less often, back: also over the gap.
fn events(random: &mut Random, count: usize) -> Vec<Event> {
    let mut time_ms = 1_700_000_000_000;
    let mut event = || {
        let jump = random.below(90) as i64;
        time_ms += if random.below(4) == 0 { -jump } else { jump };
        (*random.pick(&KEYS), *random.pick(&VALUES), time_ms)
    };
    (0..count).map(|_| event()).collect()
}

/// The events by key, first seen first.
fn groups(events: &[Event], state: &State) -> Groups {
    let mut keys: Vec<&[u8]> = Vec::new();
    for (key, ..) in events {
        if !keys.contains(key) {
            keys.push(key);
        }
    }
    let mut groups = Groups::default();
    for key in keys {
        groups.keys.push(Some(key));
        groups.accumulators.push(state.get(key).map(Vec::as_slice));
        for (_, value, time_ms) in events.iter().filter(|(of, ..)| *of == key) {
            groups.values.push(Some(value));
            groups.timestamps.push(*time_ms);
        }
        groups.ends.push(groups.values.len() as u32);
    }
    groups
}

fn process(operator: &mut dyn Operator, groups: &Groups) -> Processed {
    operator.process(groups).expect("events are no fault")
}

/// What comes of a log: the state, the rows of each key, and how many events were refused.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    state: State,
    rows: BTreeMap<Vec<u8>, Vec<Made>>,
    refused: usize,
}

impl Outcome {
    fn take(&mut self, groups: &Groups, answer: &Processed) {
        for i in 0..groups.keys.len() {
            let key = groups.keys.get(i).expect("keys are not null").to_vec();
            match answer.reduced.accumulators.get(i) {
                Some(accumulator) => drop(self.state.insert(key, accumulator.to_vec())),
                None => drop(self.state.remove(&key)),
            }
        }
        for i in 0..answer.rows.len() {
            let headers = answer.rows.headers(i);
            let headers = headers.map(|(name, value)| (name.to_vec(), value.map(<[u8]>::to_vec))).collect();
            let row = (answer.rows.value(i).map(<[u8]>::to_vec), answer.rows.timestamps[i], headers);
            let key = answer.rows.key(i).expect("a session has a key").to_vec();
            self.rows.entry(key).or_default().push(row);
        }
        self.refused += answer.reduced.bad.len();
    }
}

/// The log, cut anywhere, each piece by the next of the operators.
fn run(operators: &mut [&mut dyn Operator], log: &[Event], random: &mut Random) -> Outcome {
    let mut outcome = Outcome::default();
    let (mut start, mut calls) = (0, 0);
    while start < log.len() {
        let end = log.len().min(start + 1 + random.below(40));
        let groups = groups(&log[start..end], &outcome.state);
        let which = calls % operators.len();
        let answer = process(operators[which], &groups);
        outcome.take(&groups, &answer);
        (start, calls) = (end, calls + 1);
    }
    outcome
}

/// Everything that can be seen of the module `name` is as in the sessions in Rust.
#[track_caller]
fn are_the_sessions(name: &str) {
    let (module, oracle) = (load(name, &SETTINGS), load("sessions", &SETTINGS));
    assert_eq!(module.description(), oracle.description());
    let (mut operator, mut oracle) = (module.operator(), oracle.operator());
    for seed in 0..10 {
        let random = &mut Random(seed);
        let log = events(random, 300);
        let groups = groups(&log, &State::new());
        let expected = process(&mut oracle, &groups);
        assert_eq!(process(&mut operator, &groups), expected, "seed {seed}");
        let mut whole = Outcome::default();
        whole.take(&groups, &expected);
        assert!(whole.refused > 0 && whole.rows.len() == KEYS.len(), "seed {seed} shows too little");
        let mixed = run(&mut [&mut operator, &mut oracle], &log, random);
        assert_eq!(mixed, whole, "seed {seed}");
    }
    let mut unreadable = groups(&[(b"k", b"", 0)], &State::new());
    unreadable.accumulators = BytesColumn::new();
    unreadable.accumulators.push(Some(b"short"));
    let faults = (operator.process(&unreadable), oracle.process(&unreadable));
    let (fault, expected) =
        (faults.0.expect_err("it is no session"), faults.1.expect_err("it is no session"));
    assert_eq!((fault.kind, fault.reason), (expected.kind, expected.reason));
}

#[test]
fn the_sessions_in_c_are_the_sessions() {
    are_the_sessions("sessions-c");
}

#[test]
fn the_sessions_in_go_are_the_sessions() {
    are_the_sessions("sessions-go");
}

#[test]
fn the_sessions_in_javascript_are_the_sessions() {
    are_the_sessions("sessions-javascript");
}

#[test]
fn the_sessions_in_python_are_the_sessions() {
    are_the_sessions("sessions-python");
}
