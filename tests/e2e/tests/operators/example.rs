//! A folder of `examples/`: its input through Kafka comes to what its files say.

use anyhow::{Context, Result, ensure};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;
use testkit::scenario::SOON;
use testkit::{NewRecord, Record, Scenario, embedded, files, murmur2};
use xtask::paths;

const PARTITIONS: u32 = 3;

/// Which rows of the output are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// The last of each key.
    LastResults,
    /// All, in any order: that between partitions is none.
    AllRows,
}

/// Runs `examples/NAME` with its settings and compares rows with `expected.*`, and the reasons of dead letters with
/// `expected-failed.txt`.
pub(super) fn comes_to_what_is_expected(name: &str, counted: Counted) {
    embedded(&format!("operators-{name}"), |s| {
        let folder = paths::root().join("examples").join(name);
        load(s, &folder)?;
        let settings = folder.join("host.toml");
        s.host(files::guest(name)).arg("--config").arg(settings).arg("--until-end").complete(SOON)?;
        let mut found = rows(s.read("output")?, counted);
        found.sort();
        ensure!(found == expected_rows(&folder)?, "{name} came to {found:#?}");
        let mut reasons = reasons(s)?;
        reasons.sort();
        ensure!(reasons == expected_reasons(&folder)?, "{name} rejected {reasons:#?}");
        Ok(())
    });
}

/// Records with a key go where a Java client puts them; those without go to partition 0, in their order.
fn load(s: &Scenario, folder: &Path) -> Result<()> {
    s.kafka.create_topic(&s.input(), PARTITIONS)?;
    let mut producer = s.kafka.producer()?;
    let json = folder.join("input.jsonl");
    if json.exists() {
        for line in lines(&json)? {
            let cells = cells(&line)?;
            let (key, value) = (cell(&cells, "key")?, cell(&cells, "value")?);
            let timestamp: Option<i64> = cells.get("timestamp").map(|raw| raw.get().parse()).transpose()?;
            let partition = key.as_deref().map_or(0, |key| murmur2::partition_of(key.as_bytes(), PARTITIONS));
            let (key, value) = (key.as_ref().map(String::as_bytes), value.as_ref().map(String::as_bytes));
            let record = NewRecord { partition, key, value, headers: &[] };
            match timestamp {
                Some(timestamp) => producer.send_at(&s.input(), &record, timestamp)?,
                None => producer.send(&s.input(), &record)?,
            }
        }
    } else {
        let path = folder.join("input.txt");
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for line in text.lines() {
            producer.send(&s.input(), &NewRecord { value: Some(line.as_bytes()), ..NewRecord::default() })?;
        }
    }
    producer.flush()
}

type Cells = HashMap<String, Box<RawValue>>;

fn cells(line: &str) -> Result<Cells> {
    serde_json::from_str(line).with_context(|| format!("no JSON: {line}"))
}

/// A text is itself, other JSON its own text.
fn cell(cells: &Cells, name: &str) -> Result<Option<String>> {
    match cells.get(name).map(|raw| raw.get()) {
        None | Some("null") => Ok(None),
        Some(text) if text.starts_with('"') => Ok(Some(serde_json::from_str(text)?)),
        Some(json) => Ok(Some(json.to_owned())),
    }
}

/// `key<TAB>value`.
fn rows(records: Vec<Record>, counted: Counted) -> Vec<String> {
    let text = |cell: Option<Vec<u8>>| String::from_utf8_lossy(&cell.unwrap_or_default()).into_owned();
    let rows = records.into_iter().map(|record| (text(record.key), text(record.value)));
    let line = |(key, value): (String, String)| format!("{key}\t{value}");
    match counted {
        Counted::AllRows => rows.map(line).collect(),
        Counted::LastResults => rows.collect::<BTreeMap<_, _>>().into_iter().map(line).collect(),
    }
}

fn expected_rows(folder: &Path) -> Result<Vec<String>> {
    let json = folder.join("expected.jsonl");
    let mut rows = if json.exists() {
        let row = |line: &String| {
            let cells = cells(line)?;
            let [key, value] = [cell(&cells, "key")?, cell(&cells, "value")?].map(Option::unwrap_or_default);
            Ok(format!("{key}\t{value}"))
        };
        lines(&json)?.iter().map(row).collect::<Result<_>>()?
    } else {
        lines(&folder.join("expected.txt"))?
    };
    rows.sort();
    Ok(rows)
}

fn reasons(s: &Scenario) -> Result<Vec<String>> {
    if s.kafka.partitions(&s.topic("dead-letter"))?.is_none() {
        return Ok(Vec::new());
    }
    let reason =
        |letter: &Record| letter.header("__streams.errors.message").context("a dead letter without a reason");
    s.read("dead-letter")?.iter().map(reason).collect()
}

/// The third column: the places depend on the partitions.
fn expected_reasons(folder: &Path) -> Result<Vec<String>> {
    let path = folder.join("expected-failed.txt");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let reason =
        |line: &String| line.split('\t').nth(2).map(str::to_owned).context("a line is place, cause, reason");
    let mut reasons: Vec<String> = lines(&path)?.iter().map(reason).collect::<Result<_>>()?;
    reasons.sort();
    Ok(reasons)
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(text.lines().map(str::to_owned).collect())
}
