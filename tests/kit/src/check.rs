//! The checks of what the host wrote. An error names what is wrong first.

use crate::consume::Record;
use crate::kafka::Kafka;
use crate::wait::wait_until;
use crate::workload::BadLine;
use crate::{Isolation, murmur2};
use anyhow::{Context, Result, bail, ensure};
use host_core::frame::{Frame, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Sums by key.
pub type Sums = BTreeMap<Vec<u8>, i128>;

/// A record of a repartition topic: a row, or the sum of several that were folded before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepartitionRow {
    /// Its key.
    pub key: Vec<u8>,
    /// Its value, for the sum.
    pub value: i128,
    /// It stands for several rows.
    pub is_partial: bool,
    /// The input partition that it comes from.
    pub partition: u32,
    /// The offset there; of a partial that of the last row that was read before it was written.
    pub offset: i64,
}

/// Takes the frames off the rows of a repartition topic, in their order within each partition.
///
/// # Errors
/// A row has no key, no frame, or not the bytes of a number behind it: 8, of a partial 16.
pub fn repartition_rows(records: &[Record]) -> Result<Vec<RepartitionRow>> {
    let row = |record: &Record| {
        let at = format!("the repartition row at {}-{}", record.partition, record.offset);
        let key = record.key.clone().with_context(|| format!("{at} has no key"))?;
        let value = record.value.as_deref().with_context(|| format!("{at} has no value"))?;
        let (frame, length) = Frame::read(value).with_context(|| format!("{at} has no frame"))?;
        let number = &value[length..];
        let is_partial = frame.kind == Kind::Partial;
        let number = if is_partial {
            number.try_into().ok().map(i128::from_le_bytes)
        } else {
            number.try_into().ok().map(|bytes| i128::from(i64::from_le_bytes(bytes)))
        };
        let value = number.with_context(|| format!("{at} has no number of the right size"))?;
        let (partition, offset) = (frame.partition, frame.offset);
        Ok(RepartitionRow { key, value, is_partial, partition, offset })
    };
    records.iter().map(row).collect()
}

/// Decimal results in the order in which they were written.
///
/// # Errors
/// A record has no key, or a value that is no decimal number.
pub fn results(records: &[Record]) -> Result<Vec<(Vec<u8>, i128)>> {
    let result = |record: &Record| {
        let at = format!("the result at {}-{}", record.partition, record.offset);
        let key = record.key.clone().with_context(|| format!("{at} has no key"))?;
        let text = String::from_utf8(record.value.clone().unwrap_or_default());
        let value = text.ok().and_then(|text| text.parse().ok());
        Ok((key, value.with_context(|| format!("{at} is no number: {:?}", record.value))?))
    };
    records.iter().map(result).collect()
}

/// The last result of each key is its sum, there is no other key, and each lies where murmur2 puts its key.
///
/// # Errors
/// Not so.
pub fn final_sums(records: &[Record], partitions: u32, expected: &Sums) -> Result<()> {
    placed_by_murmur2(records, partitions)?;
    let last: Sums = results(records)?.into_iter().collect();
    same_sums(&last, expected)
}

/// Reads `topic` read-committed and checks its last results.
///
/// # Errors
/// Not so.
pub fn final_sums_of(kafka: &Kafka, topic: &str, expected: &Sums) -> Result<Vec<Record>> {
    let records = kafka.read(topic, Isolation::Committed)?;
    final_sums(&records, kafka.partitions_of(topic)?, expected).with_context(|| format!("in {topic}"))?;
    Ok(records)
}

/// The accumulators that a restore of a sum would find in its changelog: a version byte, then the sum.
///
/// # Errors
/// A record has no key, or not these 17 bytes.
pub fn changelog_sums(records: &[Record]) -> Result<Sums> {
    let sum = |record: &Record| {
        let at = format!("the changelog record at {}-{}", record.partition, record.offset);
        let key = record.key.clone().with_context(|| format!("{at} has no key"))?;
        let bytes = record.value.as_deref().and_then(|value| value.get(1..)?.try_into().ok());
        Ok((key, bytes.map(i128::from_le_bytes).with_context(|| format!("{at} is no version and sum"))?))
    };
    records.iter().map(sum).collect()
}

/// No transaction in the topic is open any more: waits for the last one's marker.
///
/// # Errors
/// One still is after this time.
pub fn settled(kafka: &Kafka, topic: &str, within: Duration) -> Result<()> {
    let [visible, all] = [kafka.log(topic, Isolation::Committed)?, kafka.log(topic, Isolation::Uncommitted)?];
    wait_until(&format!("the last transaction in {topic}"), within, || Ok(visible.ends()? == all.ends()?))
}

/// The two have the same keys and sums.
///
/// # Errors
/// Names up to five differences.
pub fn same_sums(found: &Sums, expected: &Sums) -> Result<()> {
    let keys: BTreeSet<&Vec<u8>> = found.keys().chain(expected.keys()).collect();
    let wrong: Vec<String> = keys
        .into_iter()
        .filter(|key| found.get(*key) != expected.get(*key))
        .map(|key| {
            let (found, expected) = (found.get(key), expected.get(key));
            format!("{}: found {found:?}, expected {expected:?}", String::from_utf8_lossy(key))
        })
        .collect();
    if !wrong.is_empty() {
        let some = wrong.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
        bail!("{} of {} sums are wrong: {some}", wrong.len(), expected.len());
    }
    Ok(())
}

/// Each record lies in the partition where a Java client would put its key.
///
/// # Errors
/// One does not.
pub fn placed_by_murmur2(records: &[Record], partitions: u32) -> Result<()> {
    for record in records {
        let key = record.key.as_deref().context("a record without a key")?;
        let expected = murmur2::partition_of(key, partitions);
        ensure!(
            record.partition == expected,
            "key {} lies in partition {} and not in {expected} of {partitions}",
            String::from_utf8_lossy(key),
            record.partition
        );
    }
    Ok(())
}

/// For each key, the results are running sums of `rows` in their order, at rising positions, and the last
/// one is complete. Values must be positive, so that each running sum is found at one position only.
///
/// # Errors
/// Not so: something was lost, counted twice, out of order, or visible though it was aborted.
pub fn running_sums(results: &[(Vec<u8>, i128)], rows: &[RepartitionRow]) -> Result<()> {
    let mut running: BTreeMap<&[u8], Vec<i128>> = BTreeMap::new();
    for row in rows {
        ensure!(row.value > 0, "this check needs positive values");
        let sums = running.entry(&row.key).or_default();
        let before = sums.last().copied().unwrap_or_default();
        sums.push(before + row.value);
    }
    let mut reached: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (key, value) in results {
        let name = String::from_utf8_lossy(key);
        let sums = running.get(key.as_slice()).with_context(|| format!("key {name} was never read"))?;
        let Ok(position) = sums.binary_search(value) else {
            bail!("{name}: {value} is no running sum; the whole sum is {:?}", sums.last());
        };
        if let Some(before) = reached.insert(key, position) {
            ensure!(position > before, "{name}: {value} (row {position}) comes after row {before}");
        }
    }
    for (key, sums) in &running {
        let name = String::from_utf8_lossy(key);
        let last = reached.get(key).with_context(|| format!("key {name} has no result"))?;
        ensure!(last + 1 == sums.len(), "{name}: the last result has {} of {} rows", last + 1, sums.len());
    }
    Ok(())
}

/// Every good input record is in the repartition topic once, itself or in a partial: the values of each key are its
/// sum, and no source position is there twice.
///
/// # Errors
/// Not so.
pub fn shuffled_once(rows: &[RepartitionRow], expected: &Sums) -> Result<()> {
    let mut positions = BTreeSet::new();
    let mut found = Sums::new();
    for row in rows {
        let (partition, offset) = (row.partition, row.offset);
        ensure!(
            row.is_partial || positions.insert((partition, offset)),
            "input record {partition}-{offset} was repartitioned twice"
        );
        *found.entry(row.key.clone()).or_default() += row.value;
    }
    same_sums(&found, expected).context("in the repartition topic")
}

/// Nothing was folded before, and every good input record is in the repartition topic once: as many rows as lines by
/// key, and no source position twice.
///
/// # Errors
/// Not so.
pub fn every_row_once(rows: &[RepartitionRow], counts: &BTreeMap<Vec<u8>, u64>) -> Result<()> {
    let mut positions = BTreeSet::new();
    let mut found: BTreeMap<Vec<u8>, u64> = BTreeMap::new();
    for row in rows {
        ensure!(!row.is_partial, "there is a partial, and rows were not to be folded");
        let (partition, offset) = (row.partition, row.offset);
        ensure!(
            positions.insert((partition, offset)),
            "input record {partition}-{offset} was repartitioned twice"
        );
        *found.entry(row.key.clone()).or_default() += 1;
    }
    ensure!(&found == counts, "the repartition topic has {} rows, the input other ones", rows.len());
    Ok(())
}

/// The dead letters are exactly the bad lines: bytes, coordinates in the headers, nothing else.
///
/// # Errors
/// Not so.
pub fn dead_letters(records: &[Record], input: &str, bad: &[BadLine]) -> Result<()> {
    let letter = |record: &Record| {
        let header = |name: &str| {
            let name = format!("__streams.errors.{name}");
            record.header(&name).with_context(|| format!("a dead letter has no header {name}"))
        };
        ensure!(header("topic")? == input, "a dead letter of {} and not of {input}", header("topic")?);
        ensure!(
            !header("exception")?.is_empty() && !header("message")?.is_empty(),
            "a dead letter says no reason"
        );
        let value = record.value.clone().context("a dead letter without a value")?;
        Ok(BadLine { partition: header("partition")?.parse()?, offset: header("offset")?.parse()?, value })
    };
    let mut found: Vec<BadLine> = records.iter().map(letter).collect::<Result<_>>()?;
    let mut expected = bad.to_vec();
    found.sort();
    expected.sort();
    let wrong = found.iter().zip(&expected).find(|(found, expected)| found != expected);
    ensure!(
        found == expected,
        "{} dead letters for {} bad lines; first difference: {wrong:?}",
        found.len(),
        expected.len()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(values: &[i128]) -> Vec<RepartitionRow> {
        let row = |(offset, value): (usize, &i128)| RepartitionRow {
            key: b"a".to_vec(),
            value: *value,
            is_partial: false,
            partition: 0,
            offset: offset as i64,
        };
        values.iter().enumerate().map(row).collect()
    }

    fn outputs(values: &[i128]) -> Vec<(Vec<u8>, i128)> {
        values.iter().map(|value| (b"a".to_vec(), *value)).collect()
    }

    #[test]
    fn running_sums_may_skip_but_not_repeat_fall_or_stop_early() {
        let rows = rows(&[1, 2, 3, 4]);
        assert!(running_sums(&outputs(&[1, 3, 6, 10]), &rows).is_ok());
        assert!(running_sums(&outputs(&[6, 10]), &rows).is_ok());
        assert!(running_sums(&outputs(&[6, 6, 10]), &rows).is_err(), "twice");
        assert!(running_sums(&outputs(&[6, 3, 10]), &rows).is_err(), "falls");
        assert!(running_sums(&outputs(&[1, 3, 6]), &rows).is_err(), "incomplete");
        assert!(running_sums(&outputs(&[4, 10]), &rows).is_err(), "no running sum");
        assert!(running_sums(&[], &rows).is_err(), "nothing");
    }

    #[test]
    fn a_source_position_counts_once() {
        let counts = BTreeMap::from([(b"a".to_vec(), 2)]);
        assert!(every_row_once(&rows(&[1, 2]), &counts).is_ok());
        assert!(every_row_once(&rows(&[1]), &counts).is_err());
        let mut twice = rows(&[1, 2]);
        twice[1].offset = 0;
        assert!(every_row_once(&twice, &counts).is_err());
    }

    #[test]
    fn partials_count_by_their_sums() {
        let sums = Sums::from([(b"a".to_vec(), 6)]);
        let mut rows = rows(&[1, 5]);
        assert!(shuffled_once(&rows, &sums).is_ok());
        rows[1].is_partial = true;
        assert!(shuffled_once(&rows, &sums).is_ok());
        assert!(every_row_once(&rows, &BTreeMap::from([(b"a".to_vec(), 2)])).is_err());
        rows[1].value = 6;
        assert!(shuffled_once(&rows, &sums).is_err());
    }

    #[test]
    fn differing_sums_are_named() {
        let one = |value| Sums::from([(b"a".to_vec(), value)]);
        assert!(same_sums(&one(1), &one(1)).is_ok());
        let error = same_sums(&one(1), &one(2)).expect_err("they differ").to_string();
        assert!(error.contains("a: found Some(1), expected Some(2)"), "{error}");
        assert!(same_sums(&one(1), &Sums::new()).is_err());
    }
}
