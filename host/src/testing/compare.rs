//! Two runs over the same records must come to the same: however the log was cut, whoever was killed.

use super::history::{FailedRecord, History};
use super::input::Places;
use host_core::operator::Description;
use host_core::record::{Offset, TopicPartition};
use host_model::Record;
use std::collections::BTreeMap;
use std::fmt;

/// Records of a key that are shown.
const SOURCES_SHOWN: usize = 5;
/// Bytes of a key or a value that are shown.
const SHOWN_BYTES_MAX: usize = 200;

/// The first thing that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    /// What differs, with its key or place.
    pub what: String,
    /// What it is in the run that is checked.
    pub found: String,
    /// What it is in the plain run.
    pub plain: String,
    /// The records of the key, for a person; empty when nobody can tell.
    pub records: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {}, and {} in the plain run", self.what, self.found, self.plain)?;
        if self.records.is_empty() { Ok(()) } else { write!(f, "; {}", self.records) }
    }
}

/// Which of the rows of a run count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// All, in their order when there is one partition: a transform's.
    Rows,
    /// The last of each key, as how often one is written depends on cuts; and the state: a reduce's.
    LastResults,
    /// All, in any order, as that between keys depends on cuts; and the state: a processor's.
    Made,
}

impl Judged {
    pub(super) fn of(module: &Description) -> Self {
        match (module.reduces, module.processes) {
            (_, true) => Self::Made,
            (true, false) => Self::LastResults,
            (false, false) => Self::Rows,
        }
    }

    /// There is state.
    pub(super) fn has_state(self) -> bool {
        self != Self::Rows
    }
}

/// The last result of each key.
pub(super) fn last_results(history: &History) -> BTreeMap<&[u8], &Record> {
    let rows = history.rows.iter().map(|(.., record)| (record.key.as_deref().unwrap_or_default(), record));
    rows.collect()
}

/// The first difference, if any.
pub(super) fn difference(
    plain: &History,
    other: &History,
    judged: Judged,
    places: &Places,
) -> Option<Difference> {
    let failed = failed(plain, other, places);
    match judged {
        Judged::Rows => failed.or_else(|| rows(plain, other, false)),
        Judged::Made => failed.or_else(|| state(plain, other, places)).or_else(|| rows(plain, other, true)),
        Judged::LastResults => {
            failed.or_else(|| state(plain, other, places)).or_else(|| results(plain, other, places))
        }
    }
}

fn failed(plain: &History, other: &History, places: &Places) -> Option<Difference> {
    // Reasons may tell of the batch; place and cause must agree.
    let by_place = |history: &History| -> BTreeMap<(TopicPartition, Offset), FailedRecord> {
        history.failed.iter().map(|failed| (failed.at.clone(), failed.clone())).collect()
    };
    let (plain, other) = (by_place(plain), by_place(other));
    let cause = |failed: Option<&FailedRecord>| failed.map(|failed| failed.cause);
    let at = plain.keys().chain(other.keys()).find(|at| cause(plain.get(*at)) != cause(other.get(*at)))?;
    let word = |failed: Option<&FailedRecord>| {
        failed.map_or("processed".to_owned(), |failed| {
            let reason = host_core::policy::first_line(&failed.reason);
            format!("refused ({}: {reason})", failed.cause.as_str())
        })
    };
    Some(Difference {
        what: format!("the record at {}", places.show(at)),
        found: word(other.get(at)),
        plain: word(plain.get(at)),
        records: String::new(),
    })
}

fn state(plain: &History, other: &History, places: &Places) -> Option<Difference> {
    let (a, b) = (&plain.state, &other.state);
    let key = a.keys().chain(b.keys()).find(|key| a.get(*key) != b.get(*key))?;
    let word = |state: Option<&(Vec<u8>, i64)>| match state {
        Some((bytes, timestamp)) => format!("{} (timestamp {timestamp})", quoted(Some(bytes))),
        None => "not there".to_owned(),
    };
    Some(Difference {
        what: format!("the accumulator of key {}", quoted(Some(key))),
        found: word(b.get(key)),
        plain: word(a.get(key)),
        records: records_of(key, plain, places),
    })
}

fn results(plain: &History, other: &History, places: &Places) -> Option<Difference> {
    let (a, b) = (last_results(plain), last_results(other));
    let key = a.keys().chain(b.keys()).find(|key| a.get(*key) != b.get(*key))?;
    let word = |record: Option<&&Record>| record.map_or("not there".to_owned(), |record| shown(record));
    Some(Difference {
        what: format!("the last result of key {}", quoted(Some(key))),
        found: word(b.get(key)),
        plain: word(a.get(key)),
        records: records_of(key, plain, places),
    })
}

fn rows(plain: &History, other: &History, any_order: bool) -> Option<Difference> {
    let sorted = |history: &History| {
        let mut rows: Vec<_> =
            history.rows.iter().map(|(at, _, record)| (at.clone(), record.clone())).collect();
        if any_order || rows.iter().any(|(at, _)| at.partition > 0) {
            rows.sort_by(|(a, x), (b, y)| (a, &x.key, &x.value).cmp(&(b, &y.key, &y.value)));
        }
        rows
    };
    let (a, b) = (sorted(plain), sorted(other));
    let i = (0..a.len().max(b.len())).find(|i| a.get(*i) != b.get(*i))?;
    let word = |row: Option<&(TopicPartition, Record)>| {
        row.map_or("not there".to_owned(), |(at, record)| format!("{} in {at}", shown(record)))
    };
    Some(Difference {
        what: format!("row {}", i + 1),
        found: word(b.get(i)),
        plain: word(a.get(i)),
        records: String::new(),
    })
}

fn shown(record: &Record) -> String {
    let (key, value) = (quoted(record.key.as_deref()), quoted(record.value.as_deref()));
    format!("{key} = {value} (timestamp {}, {} headers)", record.timestamp, record.headers.len())
}

/// Bytes as text, cut.
pub(super) fn quoted(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "null".to_owned(),
        Some(bytes) if bytes.len() > SHOWN_BYTES_MAX => {
            format!("\"{}\"… ({} bytes)", bytes[..SHOWN_BYTES_MAX].escape_ascii(), bytes.len())
        }
        Some(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => format!("{text:?}"),
            Err(_) => format!("\"{}\"", bytes.escape_ascii()),
        },
    }
}

/// `its records: in-0-0 (input.txt:1), … (7 in all)`.
pub(super) fn records_of(key: &[u8], history: &History, places: &Places) -> String {
    let Some(sources) = history.sources.get(key) else { return String::new() };
    let shown: Vec<String> = sources.iter().take(SOURCES_SHOWN).map(|at| places.show(at)).collect();
    let rest = if sources.len() > SOURCES_SHOWN {
        format!(", … ({} in all, the last {})", sources.len(), places.show(&sources[sources.len() - 1]))
    } else {
        String::new()
    };
    format!("its records: {}{rest}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(key: &str, value: &str, accumulator: &str) -> History {
        let record =
            Record { key: Some(key.into()), value: Some(value.into()), timestamp: 1, headers: Vec::new() };
        let mut history = History::default();
        history.rows.push((TopicPartition::new("out", 0), 0, record));
        history.state.insert(key.into(), (accumulator.into(), 1));
        history.sources.insert(key.into(), vec![(TopicPartition::new("in", 0), 4)]);
        history
    }

    #[test]
    fn the_same_has_no_difference() {
        let (a, b) = (history("k", "1", "x"), history("k", "1", "x"));
        assert_eq!(difference(&a, &b, Judged::LastResults, &Places::default()), None);
        assert_eq!(difference(&a, &b, Judged::Rows, &Places::default()), None);
    }

    #[test]
    fn a_difference_names_key_and_records() {
        let (a, b) = (history("k", "1", "x"), history("k", "1", "y"));
        let found = difference(&a, &b, Judged::LastResults, &Places::default()).expect("the state differs");
        assert_eq!(
            found.to_string(),
            "the accumulator of key \"k\" is \"y\" (timestamp 1), and \"x\" (timestamp 1) in the plain run; its \
             records: in-0-4"
        );
    }

    #[test]
    fn how_often_a_result_is_written_does_not_count_but_the_last_one_does() {
        let mut a = history("k", "2", "x");
        let early = (TopicPartition::new("out", 0), 0, history("k", "1", "x").rows[0].2.clone());
        a.rows.insert(0, early);
        let b = history("k", "2", "x");
        assert_eq!(difference(&a, &b, Judged::LastResults, &Places::default()), None);
        assert!(difference(&a, &b, Judged::Rows, &Places::default()).is_some());
        assert!(difference(&a, &b, Judged::Made, &Places::default()).is_some());
        assert!(difference(&a, &history("k", "3", "x"), Judged::LastResults, &Places::default()).is_some());
    }
}
