//! A candidate beside the current operator: it gets the same rows and the same accumulators, what it answers is
//! compared and thrown away. Nothing that it does reaches a topic.

mod compare;

use crate::wasm::{clock::thread_cpu, sha256_hex};
use host_core::operator::{Description, Fault, Groups, Operator, Processed, Reduced, Transformed};
use host_core::policy::first_line;
use host_core::record::{BytesColumn, Origin, Rows};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Differences that are kept.
const DIFFERENCES_MAX: usize = 10;
/// Bytes of a key or value that are shown.
const SHOWN_BYTES_MAX: usize = 128;
/// Hexadecimal digits of a hash that are shown.
const HASH_DIGITS: usize = 16;

/// What one shadow run found, over all workers.
#[derive(Debug)]
pub(super) struct Shadow {
    records_max: u64,
    time_max: Duration,
    show_keys: bool,
    is_over: AtomicBool,
    tally: Mutex<Tally>,
}

/// The counts. An answer is what comes of one row of a transform, or of one key of a reduce or finish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::run) struct Tally {
    /// Rows that both were given.
    pub records: u64,
    /// Answers that are the same.
    pub equal: u64,
    /// Answers that differ.
    pub different: u64,
    /// Answers that the candidate owes, because it faulted on their call.
    pub failed: u64,
    /// The first that are not equal.
    pub differences: Vec<Difference>,
    /// CPU time of the current operator.
    pub current: Duration,
    /// CPU time of the candidate.
    pub candidate: Duration,
    /// Why the candidate was dropped before the end.
    pub dropped: Option<String>,
}

/// One answer that is not the same. Keys and values are hashed unless the user asks for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::run) struct Difference {
    /// `transform`, `reduce`, `process`, `merge` or `finish`.
    pub interface: &'static str,
    /// Where the row was read, or its key.
    pub at: String,
    /// What the current operator answers.
    pub current: String,
    /// What the candidate answers.
    pub candidate: String,
}

impl Shadow {
    /// Ends after `records_max` records, or when the candidate has taken `time_max` in a worker.
    pub(super) fn new(records_max: u64, time_max: Duration, show_keys: bool) -> Self {
        Self { records_max, time_max, show_keys, is_over: AtomicBool::new(false), tally: Mutex::default() }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// From here on only the current operator is called.
    pub(super) fn end(&self) -> Tally {
        self.is_over.store(true, Ordering::Relaxed);
        self.tally().clone()
    }

    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn shown(&self, bytes: Option<&[u8]>) -> String {
        match bytes {
            None => "null".into(),
            Some(bytes) if self.show_keys => {
                format!("\"{}\"", bytes[..bytes.len().min(SHOWN_BYTES_MAX)].escape_ascii())
            }
            Some(bytes) => format!("{} bytes, sha256 {}", bytes.len(), &sha256_hex(bytes)[..HASH_DIGITS]),
        }
    }
}

/// The two operators of one worker.
pub(super) struct Beside {
    current: Box<dyn Operator + Send>,
    candidate: Box<dyn Operator + Send>,
    shadow: Arc<Shadow>,
    /// CPU time of the candidate in this worker.
    spent: Duration,
}

impl Beside {
    pub(super) fn new(
        current: Box<dyn Operator + Send>,
        candidate: Box<dyn Operator + Send>,
        shadow: Arc<Shadow>,
    ) -> Self {
        Self { current, candidate, shadow, spent: Duration::ZERO }
    }

    /// Calls the current operator and, unless the run is over, the candidate; `compare` looks at both answers.
    ///
    /// `records`: how many count as seen; `answers`: how many are owed.
    fn call<T>(
        &mut self,
        interface: &'static str,
        (records, answers): (usize, usize),
        call: impl Fn(&mut dyn Operator) -> Result<T, Fault>,
        compare: impl Fn(&Shadow, &T, &T, &mut Tally),
    ) -> Result<T, Fault> {
        if self.shadow.is_over() {
            return call(self.current.as_mut());
        }
        let began = thread_cpu();
        let current = call(self.current.as_mut())?;
        let between = thread_cpu();
        let candidate = call(self.candidate.as_mut());
        let took = thread_cpu().saturating_sub(between);
        self.spent += took;
        let shadow = &*self.shadow;
        let mut tally = shadow.tally();
        tally.records += records as u64;
        tally.current += between.saturating_sub(began);
        tally.candidate += took;
        match candidate {
            Ok(candidate) => compare(shadow, &current, &candidate, &mut tally),
            Err(fault) => {
                tally.failed += answers as u64;
                let candidate = format!("{}: {}", fault.kind.as_str(), first_line(&fault.reason));
                let at = format!("a call with {answers} rows or keys");
                tally.note(Difference { interface, at, current: "an answer".into(), candidate });
            }
        }
        if self.spent > shadow.time_max {
            tally.dropped.get_or_insert_with(|| {
                format!("it took more than shadow_time_ms = {} ms in a worker", shadow.time_max.as_millis())
            });
        }
        if tally.records >= shadow.records_max || tally.dropped.is_some() {
            shadow.is_over.store(true, Ordering::Relaxed);
        }
        Ok(current)
    }
}

impl Operator for Beside {
    fn description(&self) -> &Description {
        self.current.description()
    }

    fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
        let counts = (rows.len(), rows.len());
        let call = |operator: &mut dyn Operator| operator.transform(origin, rows);
        self.call("transform", counts, call, |shadow, current, candidate, tally| {
            compare::transformed(shadow, origin, rows, (current, candidate), tally);
        })
    }

    fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
        // Rows that went through the transform have been counted there.
        let records = if self.description().transforms { 0 } else { groups.values.len() };
        let call = |operator: &mut dyn Operator| operator.reduce(groups, every);
        self.call("reduce", (records, groups.keys.len()), call, |shadow, current, candidate, tally| {
            let mut start = 0;
            for (i, end) in groups.ends.iter().enumerate() {
                let values = std::mem::replace(&mut start, *end)..*end;
                let refused = |reduced: &Reduced| {
                    let bad = reduced.bad.iter().map(|bad| bad.row);
                    bad.filter(|row| values.contains(row)).collect::<Vec<_>>()
                };
                let last = if every { values.end as usize - 1 } else { i };
                let say = |reduced: &Reduced| {
                    let text = shadow.shown(reduced.accumulators.get(last));
                    format!("{text}, {} values rejected", refused(reduced).len())
                };
                let answers = if every { values.start as usize..values.end as usize } else { i..i + 1 };
                let same = refused(current) == refused(candidate)
                    && answers.clone().all(|i| current.accumulators.get(i) == candidate.accumulators.get(i));
                tally.count(same, || Difference {
                    interface: "reduce",
                    at: format!("key {}", shadow.shown(groups.keys.get(i))),
                    current: say(current),
                    candidate: say(candidate),
                });
            }
        })
    }

    fn process(&mut self, groups: &Groups) -> Result<Processed, Fault> {
        let records = if self.description().transforms { 0 } else { groups.values.len() };
        let call = |operator: &mut dyn Operator| operator.process(groups);
        self.call("process", (records, groups.keys.len()), call, |shadow, current, candidate, tally| {
            compare::processed(shadow, groups, (current, candidate), tally);
        })
    }

    fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
        let call = |operator: &mut dyn Operator| operator.merge(left, right);
        self.call("merge", (0, left.len()), call, |shadow, current, candidate, tally| {
            for i in 0..left.len() {
                tally.count(current.get(i) == candidate.get(i), || Difference {
                    interface: "merge",
                    at: format!("pair {i} of {}", left.len()),
                    current: shadow.shown(current.get(i)),
                    candidate: shadow.shown(candidate.get(i)),
                });
            }
        })
    }

    fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
        let call = |operator: &mut dyn Operator| operator.finish(keys, accumulators);
        self.call("finish", (0, keys.len()), call, |shadow, current, candidate, tally| {
            for i in 0..keys.len() {
                tally.count(current.get(i) == candidate.get(i), || Difference {
                    interface: "finish",
                    at: format!("key {}", shadow.shown(keys.get(i))),
                    current: shadow.shown(current.get(i)),
                    candidate: shadow.shown(candidate.get(i)),
                });
            }
        })
    }
}

impl Tally {
    fn count(&mut self, same: bool, difference: impl FnOnce() -> Difference) {
        if same {
            self.equal += 1;
        } else {
            self.different += 1;
            self.note(difference());
        }
    }

    fn note(&mut self, difference: Difference) {
        if self.differences.len() < DIFFERENCES_MAX {
            self.differences.push(difference);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::Native;
    use host_core::operator::FaultKind;
    use host_core::record::{Row, TopicPartition};

    /// `native:sum` that answers another way for one key, or faults.
    struct Off(Native, Option<FaultKind>);

    impl Operator for Off {
        fn description(&self) -> &Description {
            self.0.description()
        }
        fn transform(&mut self, origin: Origin<'_>, rows: &Rows) -> Result<Transformed, Fault> {
            let mut answer = self.0.transform(origin, rows)?;
            let (mut other, source) = (Rows::new(), answer.source.clone());
            for (i, row) in source.iter().enumerate() {
                let row = Row { timestamp: rows.timestamps[*row as usize], ..answer.rows_row(i) };
                let key = if row.key == Some(b"odd") { Some(&b"even"[..]) } else { row.key };
                other.push(Row { key, ..row });
            }
            answer.rows = other;
            Ok(answer)
        }
        fn reduce(&mut self, groups: &Groups, every: bool) -> Result<Reduced, Fault> {
            match self.1 {
                Some(kind) => Err(Fault { kind, reason: "told to\nfault".into(), spent_us: 1 }),
                None => self.0.reduce(groups, every),
            }
        }
        fn finish(&mut self, keys: &BytesColumn, accumulators: &BytesColumn) -> Result<BytesColumn, Fault> {
            self.0.finish(keys, accumulators)
        }
        fn merge(&mut self, left: &BytesColumn, right: &BytesColumn) -> Result<BytesColumn, Fault> {
            self.0.merge(left, right)
        }
    }

    trait RowOf {
        fn rows_row(&self, i: usize) -> Row<'_>;
    }

    impl RowOf for Transformed {
        fn rows_row(&self, i: usize) -> Row<'_> {
            Row { key: self.rows.key(i), value: self.rows.value(i), timestamp: 0 }
        }
    }

    fn sum() -> Native {
        Native::load("sum", &[]).expect("it exists")
    }

    fn run(candidate: Off, records_max: u64, show_keys: bool) -> Tally {
        let shadow = Arc::new(Shadow::new(records_max, Duration::from_mins(1), show_keys));
        let mut beside = Beside::new(Box::new(sum()), Box::new(candidate), Arc::clone(&shadow));
        let mut rows = Rows::new();
        for value in ["a,1", "odd,2", "b,x", "c,4"] {
            rows.push(Row { key: None, value: Some(value.as_bytes()), timestamp: 5 });
        }
        let source = TopicPartition::new("in", 3);
        let origin = Origin { source: &source, offsets: &[10, 11, 12, 13] };
        let answer = beside.transform(origin, &rows).expect("the current operator works");
        assert_eq!(answer, sum().transform(origin, &rows).expect("as without a candidate"));
        let mut groups = Groups::default();
        groups.keys.push(Some(b"a"));
        groups.accumulators.push(None);
        groups.values.push(answer.rows.value(0));
        groups.timestamps.push(5);
        groups.ends.push(1);
        beside.reduce(&groups, false).expect("the current operator works");
        shadow.end()
    }

    #[test]
    fn what_is_the_same_is_equal_and_what_differs_is_shown() {
        let tally = run(Off(sum(), None), 100, true);
        assert_eq!((tally.records, tally.equal, tally.different, tally.failed), (4, 4, 1, 0));
        let difference = &tally.differences[0];
        assert_eq!((difference.interface, difference.at.as_str()), ("transform", "in-3-11"));
        assert!(difference.current.starts_with("key \"odd\""), "{difference:?}");
        assert!(difference.candidate.starts_with("key \"even\""), "{difference:?}");
    }

    #[test]
    fn keys_are_hashed_unless_asked_for() {
        let tally = run(Off(sum(), None), 100, false);
        let text = format!("{:?}", tally.differences);
        assert!(text.contains("3 bytes, sha256 ") && !text.contains("odd"), "{text}");
    }

    #[test]
    fn a_fault_of_the_candidate_fails_its_answers_only() {
        let tally = run(Off(sum(), Some(FaultKind::Trap)), 100, false);
        assert_eq!((tally.equal, tally.different, tally.failed), (3, 1, 1));
        assert_eq!(tally.differences[1].candidate, "trap: told to");
    }

    #[test]
    fn a_run_ends_with_its_records() {
        let tally = run(Off(sum(), Some(FaultKind::Trap)), 4, false);
        assert_eq!((tally.records, tally.failed), (4, 0), "the reduce came after the end");
    }
}
