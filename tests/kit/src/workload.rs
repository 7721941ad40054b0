//! Input with a known answer: "key,value" lines from a seed, some of them bad, and the sums they must give.

use crate::murmur2;
use crate::produce::{NewRecord, Producer};
use crate::rng::Rng;
use anyhow::Result;
use std::collections::BTreeMap;

/// What to generate.
#[derive(Clone, Debug)]
pub struct WorkloadSpec {
    /// The same seed gives the same lines.
    pub seed: u64,
    /// Lines, bad ones included.
    pub records: u64,
    /// Different keys, named k0, k1, …
    pub keys: u64,
    /// Partitions of the input.
    pub partitions: u32,
    /// True: the record's key is the line's key, placed as a Java client does. False: no record key, and
    /// lines go to any partition, whatever their key.
    pub keyed: bool,
    /// One line in so many is bad; 0: none.
    pub bad_one_in: u64,
    /// Values lie between these, both included.
    pub values: (i64, i64),
}

impl Default for WorkloadSpec {
    fn default() -> Self {
        Self {
            seed: 1,
            records: 20_000,
            keys: 500,
            partitions: 4,
            keyed: false,
            bad_one_in: 0,
            values: (-1000, 1000),
        }
    }
}

/// One input record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Where it goes.
    pub partition: u32,
    /// The record's key.
    pub key: Option<Vec<u8>>,
    /// The record's value.
    pub value: Vec<u8>,
}

/// A line that the sum must refuse.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BadLine {
    /// Where it went.
    pub partition: u32,
    /// Its offset, if the workload was written to an empty topic and alone.
    pub offset: i64,
    /// Its bytes.
    pub value: Vec<u8>,
}

/// An iterator over the lines which remembers what the answer must be for those that it has given out.
#[derive(Clone, Debug)]
pub struct Workload {
    spec: WorkloadSpec,
    rng: Rng,
    given: u64,
    sums: BTreeMap<Vec<u8>, i128>,
    counts: BTreeMap<Vec<u8>, u64>,
    offsets: Vec<i64>,
    bad: Vec<BadLine>,
}

impl Workload {
    /// The workload of this specification, at its start.
    pub fn new(spec: WorkloadSpec) -> Self {
        let offsets = vec![0; spec.partitions as usize];
        let rng = Rng::new(spec.seed);
        let (sums, counts) = (BTreeMap::new(), BTreeMap::new());
        Self { spec, rng, given: 0, sums, counts, offsets, bad: Vec::new() }
    }

    /// Writes the next lines, at most `records`, and waits until they are there.
    ///
    /// # Errors
    /// Kafka refuses one.
    pub fn produce(&mut self, producer: &mut Producer, topic: &str, records: u64) -> Result<()> {
        for line in self.by_ref().take(usize::try_from(records)?) {
            let (key, value) = (line.key.as_deref(), Some(line.value.as_slice()));
            producer.send(topic, &NewRecord { partition: line.partition, key, value, headers: &[] })?;
        }
        producer.flush()
    }

    /// A line that was written by other means.
    pub fn add(&mut self, key: &[u8], value: i64) {
        *self.sums.entry(key.to_vec()).or_default() += i128::from(value);
        *self.counts.entry(key.to_vec()).or_default() += 1;
    }

    /// The sum of each key over all lines given out so far.
    pub fn sums(&self) -> &BTreeMap<Vec<u8>, i128> {
        &self.sums
    }

    /// How many good lines each key had so far.
    pub fn counts(&self) -> &BTreeMap<Vec<u8>, u64> {
        &self.counts
    }

    /// The bad lines given out so far.
    pub fn bad(&self) -> &[BadLine] {
        &self.bad
    }

    /// How many lines were given out.
    pub fn given(&self) -> u64 {
        self.given
    }

    fn bad_value(&mut self, key: &str) -> Vec<u8> {
        match self.rng.below(6) {
            0 => format!("{key};17").into_bytes(),
            1 => format!("{key},").into_bytes(),
            2 => format!("{key},12x").into_bytes(),
            3 => format!("{key},9223372036854775808").into_bytes(),
            4 => Vec::new(),
            _ => [key.as_bytes(), b",\xff\xfe"].concat(),
        }
    }
}

impl Iterator for Workload {
    type Item = Line;

    fn next(&mut self) -> Option<Line> {
        if self.given == self.spec.records {
            return None;
        }
        self.given += 1;
        let key = format!("k{}", self.rng.below(self.spec.keys));
        let anywhere = self.rng.below(u64::from(self.spec.partitions)) as u32;
        let (low, high) = self.spec.values;
        let value = low + self.rng.below(high.abs_diff(low) + 1).cast_signed();
        let is_bad = self.spec.bad_one_in > 0 && self.rng.below(self.spec.bad_one_in) == 0;
        let placed = murmur2::partition_of(key.as_bytes(), self.spec.partitions);
        let partition = if self.spec.keyed { placed } else { anywhere };
        let offset = self.offsets[partition as usize];
        self.offsets[partition as usize] += 1;
        let text = if is_bad {
            let value = self.bad_value(&key);
            self.bad.push(BadLine { partition, offset, value: value.clone() });
            value
        } else {
            *self.sums.entry(key.clone().into_bytes()).or_default() += i128::from(value);
            *self.counts.entry(key.clone().into_bytes()).or_default() += 1;
            format!("{key},{value}").into_bytes()
        };
        Some(Line { partition, key: self.spec.keyed.then(|| key.into_bytes()), value: text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> WorkloadSpec {
        WorkloadSpec { records: 5000, keys: 50, bad_one_in: 20, ..WorkloadSpec::default() }
    }

    #[test]
    fn a_seed_gives_the_same_lines_and_answer() {
        let (mut a, mut b) = (Workload::new(spec()), Workload::new(spec()));
        assert!(a.by_ref().eq(b.by_ref()));
        assert_eq!(a.sums(), b.sums());
        assert_eq!(a.bad(), b.bad());
        assert!(a.clone().next().is_none());
        let other = Workload::new(WorkloadSpec { seed: 2, ..spec() });
        assert!(!Workload::new(spec()).eq(other));
    }

    #[test]
    fn the_answer_is_that_of_a_plain_parser() {
        let mut workload = Workload::new(spec());
        let lines: Vec<Line> = workload.by_ref().collect();
        let mut sums: BTreeMap<Vec<u8>, i128> = BTreeMap::new();
        let mut bad = 0;
        for line in &lines {
            let text = std::str::from_utf8(&line.value).ok();
            let parsed = text.and_then(|text| text.split_once(','));
            match parsed.and_then(|(key, value)| Some((key, value.parse::<i64>().ok()?))) {
                Some((key, value)) => *sums.entry(key.into()).or_default() += i128::from(value),
                None => bad += 1,
            }
        }
        assert_eq!(&sums, workload.sums());
        assert_eq!(bad, workload.bad().len());
        assert!(bad > 100, "{bad} of 5000 are bad");
    }

    #[test]
    fn keys_are_spread_over_partitions_unless_they_are_record_keys() {
        let partitions_of_k7 = |keyed| {
            let lines = Workload::new(WorkloadSpec { keyed, ..spec() });
            let mut found: Vec<u32> =
                lines.filter(|line| line.value.starts_with(b"k7,")).map(|line| line.partition).collect();
            found.sort_unstable();
            found.dedup();
            found.len()
        };
        assert_eq!(partitions_of_k7(false), 4);
        assert_eq!(partitions_of_k7(true), 1);
    }
}
