//! What the programs say of their restores and snapshots.

use anyhow::{Context, Result};
use serde_json::Value;

const DAY_S: f64 = 86_400.0;

/// A restore from a changelog, all partitions together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Restore {
    records: f64,
    seconds: f64,
}

impl Restore {
    /// Records a second.
    pub(super) fn rate(self) -> f64 {
        self.records / self.seconds
    }
}

/// What a snapshot has cost its worker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pause {
    /// The longest step.
    pub(super) longest_ms: f64,
    /// All steps.
    pub(super) spent_ms: f64,
}

fn lines<'a>(log: &'a str, message: &'a str) -> impl Iterator<Item = Value> + 'a {
    let parsed = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    parsed.filter(move |line| line["message"] == message)
}

/// How many snapshots with so many keys the host has written.
pub(super) fn snapshots(log: &str, keys_min: u64) -> usize {
    lines(log, "wrote a snapshot").filter(|line| line["rows"].as_u64() >= Some(keys_min)).count()
}

/// What the host's snapshots with so many keys have cost.
pub(super) fn pauses(log: &str, keys_min: u64) -> Vec<Pause> {
    let ms = |line: &Value, field: &str| line[field].as_f64().map(|us| us / 1000.0);
    let pause =
        |line: Value| Some(Pause { longest_ms: ms(&line, "longest_us")?, spent_ms: ms(&line, "spent_us")? });
    let taken = lines(log, "a snapshot is taken");
    taken.filter(|line| line["rows"].as_u64() >= Some(keys_min)).filter_map(pause).collect()
}

/// From the first changelog's beginning to the last task's start.
pub(super) fn of_host(log: &str) -> Result<Option<Restore>> {
    let begun: Vec<Value> = lines(log, "restoring").collect();
    let (Some(first), Some(last)) = (begun.first(), lines(log, "task started").last()) else {
        return Ok(None);
    };
    let records = |line: &Value| Some(line["end"].as_f64()? - line["position"].as_f64()?);
    let seconds = (second(&last)? - second(first)?).rem_euclid(DAY_S);
    Ok(Some(Restore { records: begun.iter().filter_map(records).sum(), seconds }))
}

/// The second of the day of a line of the host's log.
fn second(line: &Value) -> Result<f64> {
    let time = line["timestamp"].as_str().and_then(|text| text.split_once('T')?.1.strip_suffix('Z'));
    let parts = time.map(|time| time.split(':').map(str::parse::<f64>).collect::<Result<Vec<_>, _>>());
    match parts.context("a line without a time")??.as_slice() {
        [hours, minutes, seconds] => Ok(hours * 3600.0 + minutes * 60.0 + seconds),
        _ => anyhow::bail!("no time: {line}"),
    }
}

/// Lines `restore-start MILLISECONDS` and `restore-end MILLISECONDS RECORDS`.
pub(super) fn of_streams(output: &str) -> Result<Option<Restore>> {
    let (mut start, mut end, mut records) = (f64::INFINITY, f64::NEG_INFINITY, 0.0);
    for line in output.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["restore-start", at] => start = start.min(at.parse()?),
            ["restore-end", at, count] => {
                end = end.max(at.parse()?);
                records += count.parse::<f64>()?;
            }
            _ => {}
        }
    }
    Ok((end > start).then(|| Restore { records, seconds: (end - start) / 1000.0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_s_log_says_how_fast_it_restored_and_what_snapshots_cost() {
        let log = r#"{"timestamp":"2026-11-25T23:59:59.5Z","message":"restoring","position":0,"end":1000}
{"timestamp":"2026-11-25T23:59:59.6Z","message":"restoring","position":10,"end":1010}
{"timestamp":"2026-11-26T00:00:00.5Z","message":"task started"}
{"message":"wrote a snapshot","rows":500}
{"message":"a snapshot is taken","rows":10,"longest_us":1,"spent_us":2}
{"message":"a snapshot is taken","rows":500,"longest_us":1500,"spent_us":30000}"#;
        let restore = of_host(log).expect("times").expect("a restore");
        assert!((restore.rate() - 2000.0).abs() < 1e-6, "{restore:?}");
        assert_eq!((snapshots(log, 500), snapshots(log, 501)), (1, 0));
        assert_eq!(pauses(log, 500), [Pause { longest_ms: 1.5, spent_ms: 30.0 }]);
        assert_eq!(of_host("").expect("no times"), None);
    }

    #[test]
    fn kafka_streams_says_when_each_partition_was_restored() {
        let output = "restore-start 1000\nrestore-start 1100\nrestore-end 1500 300\nrestore-end 2000 700\n";
        let restore = of_streams(output).expect("numbers").expect("a restore");
        assert!((restore.rate() - 1000.0).abs() < 1e-6, "{restore:?}");
        assert_eq!(of_streams("").expect("nothing"), None);
    }
}
