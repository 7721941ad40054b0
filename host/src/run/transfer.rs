//! State on its way from one application to another, as lines of JSON: a head that says what it is and up to where the
//! inputs are in it, a line a key, and a last line with their number.
//!
//! An import writes accumulators and offsets in one transaction, so that the application has all of it or nothing.

use super::module::Module;
use super::state::{Found, accumulators};
use super::{connect, kafka_settings, random, topics, unreachable_kafka};
use crate::config::Config;
use crate::exit::{ExitKind, Failure};
use crate::hex;
use crate::kafka::{Admin, GroupMetadata, Producer};
use anyhow::{Context as _, anyhow};
use host_core::changelog;
use host_core::effect::CommitOffset;
use host_core::hash::partition_of;
use host_core::metadata::Metadata;
use host_core::operator::Description;
use host_core::record::{Row, Rows, TopicPartition};
use host_core::topology::Topology;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::time::Duration;

const FORMAT: u32 = 1;
/// Keys that are handed to the producer at a time.
const CHUNK_KEYS: usize = 10_000;
/// A third of the longest transaction that brokers allow by default: the time that an import may take, in commit
/// intervals.
const COMMIT_INTERVAL: Duration = Duration::from_mins(5);

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    wasmhost_state: u32,
    application_id: String,
    operator: String,
    module: String,
    state_schema: String,
    inputs: Vec<Input>,
}

/// Up to where an input is in the state.
#[derive(Serialize, Deserialize)]
struct Input {
    topic: String,
    topic_id: String,
    /// By partition; none: nothing of it is.
    offsets: Vec<Option<i64>>,
}

/// A line between, in hexadecimal digits.
#[derive(Serialize, Deserialize)]
struct KeyLine {
    key: String,
    accumulator: String,
    timestamp: i64,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct Foot {
    keys: u64,
}

/// Writes the state of an application that does not run. Answers the number of keys.
///
/// # Errors
/// It runs, rows are on their way to its state, or Kafka or `out` refuse.
pub fn export(config: &Config, out: &mut dyn Write) -> Result<u64, Failure> {
    let (module, topology, admin) = stopped(config)?;
    let changelog = changelog_of(&topology)?;
    refuse_rows_under_way(&admin, &topology)?;
    let inputs = topology.inputs.iter().map(|topic| input(&admin, topic)).collect::<Result<_, _>>()?;
    let found = accumulators(config, &admin, changelog, None)?;
    let head = Head {
        wasmhost_state: FORMAT,
        application_id: config.application_id.clone(),
        operator: config.name.clone(),
        module: module.digest().to_owned(),
        state_schema: module.description().state_schema.clone(),
        inputs,
    };
    write(out, &head, &found)
        .context("cannot write the state")
        .map_err(|e| Failure::new(ExitKind::Failure, e))
}

fn write(out: &mut dyn Write, head: &Head, found: &Found) -> anyhow::Result<u64> {
    let mut line = |json: String| writeln!(out, "{json}");
    line(serde_json::to_string(head)?)?;
    for ((_, key), (accumulator, timestamp)) in found {
        let key =
            KeyLine { key: hex::write(key), accumulator: hex::write(accumulator), timestamp: *timestamp };
        line(serde_json::to_string(&key)?)?;
    }
    let keys = found.len() as u64;
    line(serde_json::to_string(&Foot { keys })?)?;
    out.flush()?;
    Ok(keys)
}

/// Gives an application that has no state the state of `lines`, and, unless `state_only`, the offsets with it.
/// Answers the number of keys.
///
/// # Errors
/// It runs, it has state, the lines are not what [`export`] writes or of another schema, or Kafka refuses. Nothing is
/// written then.
pub fn import(config: &Config, lines: &mut dyn BufRead, state_only: bool) -> Result<u64, Failure> {
    let (module, topology, admin) = stopped(config)?;
    let topology = topics::prepare(&admin, config, topology)?;
    let changelog = changelog_of(&topology)?;
    let bad = |error: anyhow::Error| Failure::new(ExitKind::BadData, error);
    let mut lines = Lines { lines, number: 0 };
    let head = head(&mut lines, module.description()).map_err(bad)?;
    if !accumulators(config, &admin, changelog, None)?.is_empty() {
        let text = anyhow!("application \"{}\" has state already", config.application_id);
        return Err(
            Failure::new(ExitKind::StateIo, text).hint("choose a new --application-id, or `host reset`")
        );
    }
    let offsets = if state_only { Vec::new() } else { offsets(&admin, &module, &topology, &head)? };
    let partitions = admin.partitions(&[changelog]).map_err(unreachable_kafka)?;
    let partitions = partitions.first().copied().flatten().unwrap_or(1);

    let settings = crate::kafka::Settings {
        commit_interval: COMMIT_INTERVAL,
        known_topics: topics::known(&admin, &topology),
        ..kafka_settings(config)
    };
    let id = format!("{}-import", config.application_id);
    let mut producer = Producer::new(&settings, &id, Some(&id)).map_err(unreachable_kafka)?;
    producer.init().map_err(unreachable_kafka)?;
    producer.begin().map_err(unreachable_kafka)?;
    match send(&producer, changelog, partitions, &mut lines) {
        Ok(keys) => {
            if !offsets.is_empty() {
                let group = GroupMetadata::without_member(&config.application_id);
                producer.send_offsets_without_member(&offsets, &group).map_err(unreachable_kafka)?;
            }
            producer.commit().map_err(unreachable_kafka)?;
            Ok(keys)
        }
        Err(failure) => {
            producer.abort().map_err(unreachable_kafka)?;
            Err(failure)
        }
    }
}

/// The parts of an application that must not run.
fn stopped(config: &Config) -> Result<(Module, Topology, Admin), Failure> {
    let module = Module::load(config)?;
    let topology = crate::topology::of(config, module.description());
    let admin = connect(config, &kafka_settings(config))?;
    super::state::refuse_members(&admin, config)?;
    Ok((module, topology, admin))
}

fn changelog_of(topology: &Topology) -> Result<&str, Failure> {
    let changelog = topology.changelog.as_deref();
    changelog.ok_or_else(|| Failure::new(ExitKind::BadConfig, anyhow!("the module keeps no state")))
}

/// What lies in the repartition topic is in the offsets of the inputs, and not yet in the state.
fn refuse_rows_under_way(admin: &Admin, topology: &Topology) -> Result<(), Failure> {
    let Some(repartition) = &topology.repartition else { return Ok(()) };
    let all = admin.all_partitions(&[repartition]).map_err(unreachable_kafka)?;
    let committed = admin.committed(&all).map_err(unreachable_kafka)?;
    // The marker of a transaction whose offsets are committed may still be on its way.
    let ends = admin.high_watermarks(&all).map_err(unreachable_kafka)?;
    let behind = |&(_, (committed, end)): &(_, (Option<i64>, i64))| committed.unwrap_or_default() < end;
    match all.iter().zip(committed.into_iter().zip(ends)).find(behind) {
        None => Ok(()),
        Some((source, (committed, end))) => {
            let committed = committed.unwrap_or_default();
            let text =
                anyhow!("{source} has rows that are not in the state: {committed} of {end} are committed");
            Err(Failure::new(ExitKind::StateIo, text).hint("run the application with --until-end first"))
        }
    }
}

fn input(admin: &Admin, topic: &str) -> Result<Input, Failure> {
    let all = admin.all_partitions(&[topic]).map_err(unreachable_kafka)?;
    let offsets = admin.committed(&all).map_err(unreachable_kafka)?;
    let topic_id = admin.topic_id(topic).map_err(unreachable_kafka)?;
    Ok(Input { topic: topic.to_owned(), topic_id, offsets })
}

/// The offsets of the head, if they are of this application's inputs as they are.
fn offsets(
    admin: &Admin,
    module: &Module,
    topology: &Topology,
    head: &Head,
) -> Result<Vec<CommitOffset>, Failure> {
    let metadata = Metadata::new(random(), module.digest(), module.description()).text(0);
    let mut offsets = Vec::new();
    for input in &head.inputs {
        let known = topology.inputs.contains(&input.topic);
        if !known || admin.topic_id(&input.topic).map_err(unreachable_kafka)? != input.topic_id {
            let text = anyhow!("the state has offsets of topic \"{}\", which is no input here", input.topic);
            return Err(Failure::new(ExitKind::BadConfig, text)
                .hint("give the same --input, or --state-only and a first position with --offset-reset"));
        }
        for (partition, offset) in (0..).zip(&input.offsets) {
            let source = TopicPartition::new(&input.topic, partition);
            let offset = offset.map(|offset| CommitOffset { source, offset, metadata: metadata.clone() });
            offsets.extend(offset);
        }
    }
    Ok(offsets)
}

/// Lines with their numbers.
struct Lines<'a> {
    lines: &'a mut dyn BufRead,
    number: u64,
}

impl Lines<'_> {
    fn next(&mut self) -> anyhow::Result<String> {
        let mut line = String::new();
        self.number += 1;
        self.lines.read_line(&mut line).with_context(|| format!("cannot read line {}", self.number))?;
        anyhow::ensure!(
            !line.is_empty(),
            "the state ends before its last line, which says how many keys it has"
        );
        Ok(line)
    }
}

fn head(lines: &mut Lines, module: &Description) -> anyhow::Result<Head> {
    let head: Head = serde_json::from_str(&lines.next()?)
        .context("line 1 is not the head that `host state export` writes")?;
    anyhow::ensure!(
        head.wasmhost_state == FORMAT,
        "format {} is not known to this version of the host",
        head.wasmhost_state
    );
    anyhow::ensure!(
        head.state_schema == module.state_schema,
        "the state has state-schema \"{}\", and the module has \"{}\"",
        head.state_schema,
        module.state_schema
    );
    Ok(head)
}

/// A line behind the head.
enum Line {
    Key { key: Vec<u8>, accumulator: Vec<u8>, timestamp: i64 },
    Foot(Foot),
}

fn line(lines: &mut Lines) -> anyhow::Result<Line> {
    let line = lines.next()?;
    if let Ok(foot) = serde_json::from_str(&line) {
        return Ok(Line::Foot(foot));
    }
    let what = || format!("line {} is not a key's", lines.number);
    let key: KeyLine = serde_json::from_str(&line).with_context(what)?;
    let bytes = |text: &str| hex::read(text).context("not hexadecimal digits").with_context(what);
    let (bytes_of_key, accumulator) = (bytes(&key.key)?, bytes(&key.accumulator)?);
    Ok(Line::Key { key: bytes_of_key, accumulator, timestamp: key.timestamp })
}

/// Sends all keys. Answers their number.
fn send(producer: &Producer, changelog: &str, partitions: u32, lines: &mut Lines) -> Result<u64, Failure> {
    let topic = producer.topic(changelog).map_err(unreachable_kafka)?;
    let bad = |error: anyhow::Error| Failure::new(ExitKind::BadData, error);
    let (mut keys, mut value) = (0, Vec::new());
    let mut chunk: BTreeMap<u32, Rows> = BTreeMap::new();
    loop {
        let next = line(lines).map_err(bad)?;
        let is_last = matches!(next, Line::Foot(_));
        match next {
            Line::Key { key, accumulator, timestamp } => {
                keys += 1;
                value.clear();
                changelog::write(&accumulator, &mut value);
                let rows = chunk.entry(partition_of(&key, partitions)).or_default();
                rows.push(Row { key: Some(&key), value: Some(&value), timestamp });
            }
            Line::Foot(foot) if foot.keys != keys => {
                return Err(bad(anyhow!("the state has {keys} keys, and its last line says {}", foot.keys)));
            }
            Line::Foot(_) => {}
        }
        if is_last || keys.is_multiple_of(CHUNK_KEYS as u64) {
            for (partition, rows) in std::mem::take(&mut chunk) {
                producer.send(&topic, Some(partition), &rows).map_err(unreachable_kafka)?;
            }
        }
        if is_last {
            return Ok(keys);
        }
    }
}
