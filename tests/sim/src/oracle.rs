//! The oracle: folds the input in plain loops and compares with what a `read_committed` reader sees.

use crate::operators::{Fold, fails, merge, parse};
use host_core::emit::Emit;
use host_core::frame::{Frame, Kind};
use host_core::record::{Offset, TopicPartition};
use host_core::topology::Topology;
use host_model::Kafka;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Where an input record is, its key and text (none: not `key:text`), its value.
type Input<'a> = ((TopicPartition, Offset), Option<(&'a [u8], &'a [u8])>, &'a [u8]);
type Folds = BTreeMap<Vec<u8>, Vec<[u8; 8]>>;

/// Checks everything that is committed. Only when no marker is under way.
///
/// # Errors
/// The first difference.
pub fn check(kafka: &Kafka, topology: &Topology, fold: Fold, emit: Emit) -> Result<(), String> {
    check_repartition(kafka, topology, fold)?;
    let folds = folds(kafka, topology, fold);
    check_outputs(kafka, topology, &folds, emit)?;
    check_changelog(kafka, topology, &folds)?;
    check_dead_letters(kafka, topology)
}

/// Where something is left to do: each partition with its committed, last stable and end offset.
pub fn left(kafka: &Kafka, topology: &Topology) -> String {
    let sources = topology.sources().flat_map(|topic| kafka.of_topic(topic));
    let offsets = |at| (kafka.last_committed(at), kafka.last_stable(at), kafka.end(at));
    let unequal = sources.map(|at| (at, offsets(at))).filter(|(_, (a, b, c))| a != b || b != c);
    unequal.map(|(at, offsets)| format!("{at}: {offsets:?}")).collect::<Vec<_>>().join(", ")
}

/// True when everything that was written is committed.
pub fn is_done(kafka: &Kafka, topology: &Topology) -> bool {
    let sources: Vec<_> = topology.sources().flat_map(|topic| kafka.of_topic(topic)).collect();
    !kafka.has_markers_under_way()
        && sources
            .iter()
            .all(|at| kafka.last_committed(at) == kafka.end(at) && kafka.last_stable(at) == kafka.end(at))
}

/// The committed input, in log order.
fn input<'a>(kafka: &'a Kafka, topology: &Topology) -> Vec<Input<'a>> {
    let mut out = Vec::new();
    for topic in &topology.inputs {
        for at in kafka.of_topic(topic) {
            let (records, _) = kafka.fetch(at, 0, usize::MAX);
            let end = kafka.last_committed(at);
            for (offset, record) in records.into_iter().filter(|(offset, _)| *offset < end) {
                let value = record.value.as_deref().unwrap_or_default();
                out.push(((at.clone(), offset), parse(value), value));
            }
        }
    }
    out
}

/// Each good row of the committed input is in the repartition topic once, in the order of its source: itself, or in
/// a partial accumulator.
fn check_repartition(kafka: &Kafka, topology: &Topology, fold: Fold) -> Result<(), String> {
    let Some(topic) = &topology.repartition else { return Ok(()) };
    let Shuffled { mut rows, sums, has_partials } = shuffled(kafka, topology, topic)?;
    for (place, parsed, value) in input(kafka, topology) {
        let good = parsed.is_some()
            && !value.windows(3).any(|w| w == b"bad")
            && !value.windows(4).any(|w| w == b"boom");
        let times = rows.remove(&place).unwrap_or(0);
        // Folded before the shuffle it is in a partial, or has failed there.
        let may_be_folded = fold == Fold::Sum && (has_partials || fails(value));
        if times > usize::from(good) || (times == 0 && good && !may_be_folded) {
            return Err(format!("{place:?} is not in the repartition topic just once"));
        }
    }
    if let Some(place) = rows.keys().next() {
        return Err(format!("{place:?} is repartitioned but not committed"));
    }
    if has_partials { check_sums(&sums, &input_sums(kafka, topology)) } else { Ok(()) }
}

/// A row adds at least 1, so that a sum tells which of both has more of them.
fn check_sums(found: &Sums, expected: &Sums) -> Result<(), String> {
    let sum = |sums: &Sums, key| u64::from_le_bytes(sums.get(key).copied().unwrap_or_default());
    for key in found.keys().chain(expected.keys()) {
        let (key, found, expected) = (String::from_utf8_lossy(key), sum(found, key), sum(expected, key));
        match found.cmp(&expected) {
            Ordering::Equal => {}
            Ordering::Less => return Err(format!("rows of {key} are missing in the repartition topic")),
            Ordering::Greater => {
                return Err(format!("rows of {key} are more than once in the repartition topic"));
            }
        }
    }
    Ok(())
}

/// What is in the repartition topic.
#[derive(Default)]
struct Shuffled {
    /// How often each row is there.
    rows: BTreeMap<(TopicPartition, Offset), usize>,
    /// Of rows and partials together.
    sums: Sums,
    has_partials: bool,
}

fn shuffled(kafka: &Kafka, topology: &Topology, topic: &str) -> Result<Shuffled, String> {
    let mut found = Shuffled::default();
    let mut last: BTreeMap<(TopicPartition, u32), (Offset, Kind)> = BTreeMap::new();
    for (at, _, record) in kafka.read_all(topic) {
        let value = record.value.as_deref().unwrap_or_default();
        let (frame, len) = Frame::read(value).map_err(|e| e.to_string())?;
        let name = topology.input_of(frame.topic).ok_or("a frame names no input")?;
        let source = TopicPartition::new(name, frame.partition);
        let now = (frame.offset, frame.kind);
        let before = last.insert((at.clone(), frame.partition), now);
        // The partials of one transaction have the same offset.
        let siblings = before == Some(now) && frame.kind == Kind::Partial;
        if before.is_some_and(|(before, _)| before >= frame.offset) && !siblings {
            let offset = frame.offset;
            return Err(format!("rows of {source} are out of order in {at}: {offset} after {before:?}"));
        }
        let key = record.key.unwrap_or_default();
        if frame.kind == Kind::Partial {
            found.has_partials = true;
            add(&mut found.sums, &key, &value[len..]);
        } else {
            *found.rows.entry((source, frame.offset)).or_default() += 1;
            if !fails(&value[len..]) {
                add(&mut found.sums, &key, &Fold::Sum.fold(None, &value[len..]));
            }
        }
    }
    Ok(found)
}

/// By key.
type Sums = BTreeMap<Vec<u8>, [u8; 8]>;

fn add(sums: &mut Sums, key: &[u8], more: &[u8]) {
    let sum = sums.entry(key.to_vec()).or_default();
    *sum = merge(sum, more);
}

fn input_sums(kafka: &Kafka, topology: &Topology) -> Sums {
    let mut sums = Sums::new();
    for (key, text) in input(kafka, topology).into_iter().filter_map(|(_, parsed, _)| parsed) {
        if !fails(text) {
            add(&mut sums, key, &Fold::Sum.fold(None, text));
        }
    }
    sums
}

/// For each key the accumulators after each of its values, in the order in which the reduce reads them.
fn folds(kafka: &Kafka, topology: &Topology, fold: Fold) -> Folds {
    let mut folds = Folds::new();
    let mut add = |key: &[u8], text: &[u8], kind: Kind| {
        if kind == Kind::Row && fails(text) {
            return;
        }
        let all = folds.entry(key.to_vec()).or_default();
        let last = all.last().map(<[u8; 8]>::as_slice);
        let next = match kind {
            Kind::Row => fold.fold(last, text),
            Kind::Partial => merge(last.unwrap_or(&[0; 8]), text),
        };
        all.push(next);
    };
    if let Some(topic) = &topology.repartition {
        for (at, offset, record) in kafka.read_all(topic) {
            let value = record.value.as_deref().unwrap_or_default();
            if offset < kafka.last_committed(&at)
                && let Ok((frame, len)) = Frame::read(value)
            {
                add(record.key.as_deref().unwrap_or_default(), &value[len..], frame.kind);
            }
        }
    } else {
        for (_, parsed, _) in input(kafka, topology) {
            if let Some((key, text)) = parsed {
                add(key, text, Kind::Row);
            }
        }
    }
    folds
}

/// Results of a key are accumulators after ever more of its values; the last is the newest.
fn check_outputs(kafka: &Kafka, topology: &Topology, folds: &Folds, emit: Emit) -> Result<(), String> {
    let mut at: BTreeMap<Vec<u8>, usize> = BTreeMap::new();
    for (partition, offset, record) in kafka.read_all(&topology.output) {
        let key = record.key.clone().unwrap_or_default();
        let all = folds.get(&key).map_or(&[][..], Vec::as_slice);
        let from = at.get(&key).copied().unwrap_or(0);
        let value = record.value.as_deref().unwrap_or_default();
        let found = all[from..].iter().position(|accumulator| accumulator == value);
        let Some(found) = found.filter(|skipped| *skipped == 0 || emit != Emit::Record) else {
            return Err(format!("{partition}-{offset}: {key:?} has a result that is not its next prefix"));
        };
        at.insert(key, from + found + 1);
    }
    for (key, all) in folds {
        if at.get(key) != Some(&all.len()) {
            return Err(format!("{key:?}: results cover {:?} of {} values", at.get(key), all.len()));
        }
    }
    Ok(())
}

/// The changelog folds to the newest accumulators.
fn check_changelog(kafka: &Kafka, topology: &Topology, folds: &Folds) -> Result<(), String> {
    let topic = topology.changelog.as_ref().ok_or("no changelog")?;
    let mut state: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    for (_, _, record) in kafka.read_all(topic) {
        let value = record.value.ok_or("a tombstone in the changelog")?;
        let accumulator = host_core::changelog::read(&value).map_err(|e| e.to_string())?;
        state.insert(record.key.unwrap_or_default(), accumulator.to_vec());
    }
    for (key, all) in folds {
        if state.remove(key).as_deref() != all.last().map(<[u8; 8]>::as_slice) {
            return Err(format!("{key:?}: the changelog has another accumulator"));
        }
    }
    match state.keys().next() {
        Some(key) => Err(format!("{key:?} is in the changelog and nowhere else")),
        None => Ok(()),
    }
}

/// Each failed record is in the dead-letter topic once.
fn check_dead_letters(kafka: &Kafka, topology: &Topology) -> Result<(), String> {
    let mut letters: BTreeMap<(String, String), usize> = BTreeMap::new();
    for (_, _, record) in kafka.read_all(&topology.dead_letter) {
        let header = |name: &str| {
            let found = record.headers.iter().find(|(n, _)| n == name.as_bytes());
            String::from_utf8(found.and_then(|(_, v)| v.clone()).unwrap_or_default()).unwrap_or_default()
        };
        *letters
            .entry((header("__streams.errors.partition"), header("__streams.errors.offset")))
            .or_default() += 1;
    }
    if letters.values().any(|n| *n != 1) {
        return Err(format!("a record is a dead letter more than once: {letters:?}"));
    }
    let failed =
        input(kafka, topology).into_iter().filter(|(_, parsed, value)| parsed.is_none() || fails(value));
    let failed: Vec<_> =
        failed.map(|((at, offset), _, _)| (at.partition.to_string(), offset.to_string())).collect();
    let missing = failed.iter().filter(|place| !letters.contains_key(place)).count();
    // Behind a repartition topic the reduce's dead letters follow a commit later.
    let all_read = topology
        .repartition
        .as_ref()
        .is_none_or(|topic| kafka.of_topic(topic).all(|at| kafka.last_committed(at) == kafka.end(at)));
    if letters.len() > failed.len() || (all_read && missing > 0) {
        return Err(format!("{} records failed, {missing} of them are no dead letter", failed.len()));
    }
    Ok(())
}
