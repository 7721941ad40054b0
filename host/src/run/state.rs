//! `host state`: the accumulators of an application as its changelog has them now, whether it runs or not; and
//! `host reset`: what an application has written for itself, deleted.

use super::module::Module;
use super::{connect, kafka_settings, unreachable_kafka};
use crate::config::Config;
use crate::exit::{ExitKind, Failure};
use crate::kafka::{Admin, Extent, Limits, RestoreEvent, Restorer};
use crate::snapshot;
use anyhow::anyhow;
use host_core::changelog;
use host_core::event::Epoch;
use host_core::hash::partition_of;
use host_core::operator::{Description, Operator};
use host_core::record::{BytesColumn, Rows, TimestampMs, TopicPartition};
use host_core::topology::Topology;
use std::collections::BTreeMap;
use std::time::Duration;

const POLL_TIMEOUT: Duration = Duration::from_millis(100);
/// Keys of one call of the module's finish.
const CALL_KEYS: usize = 10_000;

/// What a key has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyState {
    /// The key.
    pub key: Vec<u8>,
    /// The partition of the changelog.
    pub partition: u32,
    /// As the module keeps it.
    pub accumulator: Vec<u8>,
    /// What the module makes of it for the output; none: a tombstone.
    pub value: Option<Vec<u8>>,
    /// The largest timestamp that was folded into it.
    pub timestamp: TimestampMs,
}

/// The state of one key, or of all, sorted by partition and key.
///
/// # Errors
/// There is no state, it cannot be read, or the module's finish faults.
pub fn state(config: &Config, key: Option<&[u8]>) -> Result<Vec<KeyState>, Failure> {
    let module = Module::load(config)?;
    let topology = crate::topology::of(config, module.description());
    let Some(topic) = &topology.changelog else {
        return Err(Failure::new(ExitKind::BadConfig, anyhow!("the module keeps no state")));
    };
    let admin = connect(config, &kafka_settings(config))?;
    let found = accumulators(config, &admin, topic, key)?;
    finish(module.operator().as_mut(), found)
}

/// What the changelog `topic` has, of all keys or of one.
pub(super) fn accumulators(
    config: &Config,
    admin: &Admin,
    topic: &str,
    key: Option<&[u8]>,
) -> Result<Found, Failure> {
    let partitions = admin.partitions(&[topic]).map_err(unreachable_kafka)?;
    let Some(partitions) = partitions.first().copied().flatten() else {
        let text = anyhow!("there is no topic \"{topic}\": the application has not run yet");
        return Err(Failure::new(ExitKind::StateIo, text).hint("check --application-id and --name"));
    };
    let wanted: Vec<u32> = match key {
        Some(key) => vec![partition_of(key, partitions)],
        None => (0..partitions).collect(),
    };
    let limits = Limits { records_max: config.batch_records_max, bytes_max: config.batch_bytes_max };
    let client = format!("state-{}", std::process::id());
    let settings = kafka_settings(config);
    let mut restorer = Restorer::new(&settings, &client, limits).map_err(unreachable_kafka)?;
    read(&mut restorer, topic, &wanted, key).map_err(unreachable_kafka)
}

/// By partition and key: the accumulator, and the largest timestamp that was folded into it.
pub(super) type Found = BTreeMap<(u32, Vec<u8>), (Vec<u8>, TimestampMs)>;

fn read(
    restorer: &mut Restorer,
    topic: &str,
    partitions: &[u32],
    key: Option<&[u8]>,
) -> Result<Found, host_core::event::Failure> {
    for &partition in partitions {
        let changelog = TopicPartition::new(topic, partition);
        let Extent { start, end, .. } = restorer.extent(&changelog)?;
        restorer.start(Epoch::default(), &changelog, &changelog, (start, end));
    }
    let mut found = Found::new();
    while !restorer.is_idle() {
        if let Some(RestoreEvent::Rows { source, rows, .. }) = restorer.poll(POLL_TIMEOUT)? {
            take(&mut found, source.partition, &rows, key);
        }
    }
    Ok(found)
}

/// A record that is no accumulator is passed over: looking at state must not fail where restoring it does.
fn take(found: &mut Found, partition: u32, rows: &Rows, only: Option<&[u8]>) {
    for i in 0..rows.len() {
        let row = rows.row(i);
        let key = row.key.unwrap_or_default();
        if only.is_some_and(|only| only != key) {
            continue;
        }
        let place = (partition, key.to_vec());
        match row.value.map(changelog::read) {
            None => drop(found.remove(&place)),
            Some(Ok(accumulator)) => drop(found.insert(place, (accumulator.to_vec(), row.timestamp))),
            Some(Err(error)) => {
                tracing::warn!(key = %key.escape_ascii(), partition, %error, "not an accumulator");
            }
        }
    }
}

fn finish(operator: &mut dyn Operator, found: Found) -> Result<Vec<KeyState>, Failure> {
    let finishes = operator.description().finishes;
    let mut states: Vec<KeyState> = found
        .into_iter()
        .map(|((partition, key), (accumulator, timestamp))| {
            let value = (!finishes).then(|| accumulator.clone());
            KeyState { key, partition, accumulator, value, timestamp }
        })
        .collect();
    if !finishes {
        return Ok(states);
    }
    for chunk in states.chunks_mut(CALL_KEYS) {
        let (mut keys, mut accumulators) = (BytesColumn::new(), BytesColumn::new());
        for state in &*chunk {
            keys.push(Some(&state.key));
            accumulators.push(Some(&state.accumulator));
        }
        let values = operator.finish(&keys, &accumulators).map_err(|fault| {
            Failure::new(ExitKind::BadData, anyhow!("the module's finish failed: {}", fault.reason))
        })?;
        for (i, state) in chunk.iter_mut().enumerate() {
            state.value = values.get(i).map(<[u8]>::to_vec);
        }
    }
    Ok(states)
}

/// What `host reset` deletes, or would delete.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reset {
    /// Internal topics that are there.
    pub topics: Vec<String>,
    /// The consumer group, with the offsets up to which inputs were processed.
    pub group: String,
    /// Files of snapshots in this machine's state folder.
    pub snapshots: usize,
}

/// Looks at what an application has written for itself, and, with `execute`, deletes it, so that it begins anew. Its
/// output and its dead letters stay.
///
/// # Errors
/// It runs, or Kafka refuses.
pub fn reset(config: &Config, execute: bool) -> Result<Reset, Failure> {
    let admin = connect(config, &kafka_settings(config))?;
    if execute {
        refuse_members(&admin, config)?;
    }
    let topics = existing(&admin, config)?;
    let folder = snapshot::Folder::open(&config.state_dir, &config.application_id).ok();
    let snapshots = folder.as_ref().map_or(0, snapshot::Folder::count);
    if execute {
        admin.delete_topics(&topics).map_err(unreachable_kafka)?;
        admin.delete_group().map_err(unreachable_kafka)?;
        if let Some(folder) = &folder {
            folder.clear();
        }
    }
    Ok(Reset { topics, group: config.application_id.clone(), snapshots })
}

/// For what must not be done to an application that runs.
///
/// # Errors
/// It has members.
pub(super) fn refuse_members(admin: &Admin, config: &Config) -> Result<(), Failure> {
    match admin.strangers(&[]).map_err(unreachable_kafka)? {
        0 => Ok(()),
        members => {
            let text =
                anyhow!("{members} workers of application \"{}\" are in its group", config.application_id);
            Err(Failure::new(ExitKind::Failure, text)
                .hint("stop all processes first; a killed one leaves the group when its session ends"))
        }
    }
}

fn existing(admin: &Admin, config: &Config) -> Result<Vec<String>, Failure> {
    // Whatever the module is now: it may have been another one.
    let all = Description { transforms: true, reduces: true, ..Description::default() };
    let io = (config.inputs.clone(), config.output.clone());
    let always = host_core::topology::Repartition::Always;
    let topology = Topology::new(&config.application_id, &config.name, io, &all, always);
    let mut topics: Vec<String> = topology.repartition.into_iter().chain(topology.changelog).collect();
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let found = admin.partitions(&names).map_err(unreachable_kafka)?;
    let mut found = found.into_iter();
    topics.retain(|_| found.next().flatten().is_some());
    Ok(topics)
}
