//! What a run should come to, from a file: rows as text (`key<TAB>value`) or as JSON, failed records as text.

use super::compare::{Judged, last_results, quoted, records_of};
use super::history::{FailedRecord, History};
use super::input::{self, Format, Places};
use super::json;
use crate::exit::{ExitKind, Failure};
use anyhow::Context as _;
use host_core::policy::first_line;
use host_model::Record;
use std::path::Path;

/// The rows that count: of a reduce the last result of each key, sorted by key, without those that say that the key is
/// gone; else all rows, a processor's and those of several partitions sorted.
pub(super) fn rows(history: &History, judged: Judged) -> Vec<&Record> {
    if judged == Judged::LastResults {
        return last_results(history).into_values().filter(|record| record.value.is_some()).collect();
    }
    let mut rows: Vec<&Record> = history.rows.iter().map(|(.., record)| record).collect();
    if judged == Judged::Made || history.rows.iter().any(|(at, ..)| at.partition > 0) {
        rows.sort_by_key(|record| (record.key.clone(), record.value.clone()));
    }
    rows
}

/// `key<TAB>value` with a line end; a null is written as nothing.
pub(super) fn text_row(record: &Record) -> Vec<u8> {
    let mut line = record.key.clone().unwrap_or_default();
    line.push(b'\t');
    line.extend(record.value.as_deref().unwrap_or_default());
    line.push(b'\n');
    line
}

fn json_row(record: &Record) -> Vec<u8> {
    let mut line = serde_json::to_vec(&json::printed(None, record)).expect("texts and numbers are JSON");
    line.push(b'\n');
    line
}

/// The text of rows as a file of this name holds them.
pub(super) fn file_text(path: &Path, rows: &[&Record]) -> Vec<u8> {
    match Format::Auto.of(path) {
        Format::Json => rows.iter().flat_map(|record| json_row(record)).collect(),
        Format::Text | Format::Auto => rows.iter().flat_map(|record| text_row(record)).collect(),
    }
}

/// One failed record: `place<TAB>cause<TAB>reason`, its first line.
pub(super) fn failed_row(failed: &FailedRecord) -> String {
    let (at, offset) = &failed.at;
    format!("{at}-{offset}\t{}\t{}\n", failed.cause.as_str(), first_line(&failed.reason))
}

/// Compares the rows with a file. None: as expected.
///
/// # Errors
/// The file cannot be read.
pub(super) fn compare(
    path: &Path,
    history: &History,
    judged: Judged,
    places: &Places,
) -> Result<Option<String>, Failure> {
    let rows = rows(history, judged);
    let is_ordered = judged == Judged::Rows && history.rows.iter().all(|(at, ..)| at.partition == 0);
    match Format::Auto.of(path) {
        Format::Json => compare_json(path, &rows, is_ordered),
        Format::Text | Format::Auto => {
            let found: Vec<_> = rows.iter().map(|record| text_row(record)).collect();
            let Some(difference) = lines(path, found, is_ordered)? else { return Ok(None) };
            let of_key = |row: &&&Record| difference.is_about(&text_key(row));
            let records = rows
                .iter()
                .find(of_key)
                .map(|row| records_of(row.key.as_deref().unwrap_or_default(), history, places));
            Ok(Some(difference.text(path, &records.unwrap_or_default())))
        }
    }
}

/// Compares the failed records with a file. None: as expected.
///
/// # Errors
/// The file cannot be read.
pub(super) fn compare_failed(path: &Path, failed: &[FailedRecord]) -> Result<Option<String>, Failure> {
    let found = failed.iter().map(|failed| failed_row(failed).into_bytes()).collect();
    Ok(lines(path, found, false)?.map(|difference| difference.text(path, "")))
}

fn text_key(record: &Record) -> Vec<u8> {
    let mut key = record.key.clone().unwrap_or_default();
    key.push(b'\t');
    key
}

/// The first line that differs.
struct Lines {
    /// From 1; 0: the file has no such line.
    number: usize,
    expected: Option<Vec<u8>>,
    found: Option<Vec<u8>>,
}

impl Lines {
    fn is_about(&self, start: &[u8]) -> bool {
        [&self.found, &self.expected].into_iter().flatten().any(|line| line.starts_with(start))
    }

    fn text(&self, path: &Path, records: &str) -> String {
        let show = |line: &Option<Vec<u8>>| {
            let line = line.as_deref().map(|line| line.strip_suffix(b"\n").unwrap_or(line));
            line.map_or("nothing".to_owned(), |line| quoted(Some(line)))
        };
        let (path, number) = (path.display(), self.number);
        let at = if number == 0 { format!("{path}") } else { format!("{path}:{number}") };
        let records = if records.is_empty() { String::new() } else { format!("; {records}") };
        format!("{at}: {} is expected, and {} was found{records}", show(&self.expected), show(&self.found))
    }
}

/// Compares lines, in their order or without it.
fn lines(path: &Path, mut found: Vec<Vec<u8>>, is_ordered: bool) -> Result<Option<Lines>, Failure> {
    let bytes = std::fs::read(path)
        .with_context(|| format!("cannot read what is expected, \"{}\"", path.display()))
        .map_err(|error| Failure::new(ExitKind::Failure, error))?;
    let mut expected: Vec<(usize, Vec<u8>)> = (1..)
        .zip(bytes.split_inclusive(|byte| *byte == b'\n').map(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            [line, b"\n"].concat()
        }))
        .collect();
    if !is_ordered {
        expected.sort_by(|(_, a), (_, b)| a.cmp(b));
        found.sort();
    }
    let i = (0..expected.len().max(found.len()))
        .find(|i| expected.get(*i).map(|(_, line)| line) != found.get(*i));
    Ok(i.map(|i| {
        let (number, expected) = expected.get(i).cloned().unzip();
        Lines { number: number.unwrap_or(0), expected, found: found.get(i).cloned() }
    }))
}

/// Compares with JSON lines: key and value, and of the rest what a line says.
fn compare_json(path: &Path, rows: &[&Record], is_ordered: bool) -> Result<Option<String>, Failure> {
    let mut expected = input::read(path, Format::Json, None)?;
    let mut rows = rows.to_vec();
    if !is_ordered {
        expected.sort_by(|(_, a), (_, b)| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
        rows.sort_by(|a, b| (&a.key, &a.value).cmp(&(&b.key, &b.value)));
    }
    for i in 0..expected.len().max(rows.len()) {
        let (number, cells) = match expected.get(i) {
            Some((number, cells)) => (*number, Some(cells)),
            None => (0, None),
        };
        let row = rows.get(i).copied();
        let is_same = matches!((cells, row), (Some(cells), Some(row)) if cells.fit(row));
        if !is_same {
            let show = |row: Option<&Record>| {
                let text = row.map(|row| String::from_utf8_lossy(&json_row(row)).trim_end().to_owned());
                text.unwrap_or_else(|| "nothing".to_owned())
            };
            let wanted = cells.map(input::Cells::record);
            let (path, wanted, found) = (path.display(), show(wanted.as_ref()), show(row));
            return Ok(Some(format!("{path}:{number}: {wanted} is expected, and {found} was found")));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use host_core::record::TopicPartition;

    fn history(rows: &[(&str, Option<&str>)]) -> History {
        let mut history = History::default();
        for (i, (key, value)) in (0..).zip(rows) {
            let record = Record {
                key: Some((*key).into()),
                value: value.map(Into::into),
                timestamp: i,
                headers: Vec::new(),
            };
            history.rows.push((TopicPartition::new("out", 0), i, record));
        }
        history
    }

    #[test]
    fn with_state_the_last_results_count_and_keys_that_are_gone_do_not() {
        let history = history(&[("b", Some("1")), ("a", Some("2")), ("b", Some("3")), ("a", None)]);
        let text = file_text(Path::new("x.txt"), &rows(&history, Judged::LastResults));
        assert_eq!(String::from_utf8_lossy(&text), "b\t3\n");
        let text = file_text(Path::new("x.txt"), &rows(&history, Judged::Rows));
        assert_eq!(String::from_utf8_lossy(&text), "b\t1\na\t2\nb\t3\na\t\n");
    }

    #[test]
    fn the_first_line_that_differs_is_told() {
        let folder = std::env::temp_dir().join(format!("wasmhost-expected-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("the temp folder is writable");
        let path = folder.join("expected.txt");
        std::fs::write(&path, "a\t1\nb\t2\n").expect("the temp folder is writable");
        let told = |rows: &[(&str, Option<&str>)]| {
            let compared = compare(&path, &history(rows), Judged::LastResults, &Places::default());
            compared.expect("the file is there").map(|text| text.replace(&path.display().to_string(), "F"))
        };
        assert_eq!(told(&[("b", Some("2")), ("a", Some("1"))]), None);
        assert_eq!(
            told(&[("a", Some("1")), ("b", Some("3"))]).as_deref(),
            Some("F:2: \"b\\t2\" is expected, and \"b\\t3\" was found")
        );
        assert_eq!(
            told(&[("a", Some("1"))]).as_deref(),
            Some("F:2: \"b\\t2\" is expected, and nothing was found")
        );
        std::fs::remove_dir_all(&folder).expect("it was made above");
    }
}
