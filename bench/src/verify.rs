//! Checks a stream of results without keeping it: exact sums, nothing twice, nothing out of order.

use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeMap, HashMap};
use testkit::check::Sums;
use testkit::{Isolation, Kafka, Passing, Workload, murmur2};

/// How many results there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Results {
    /// At least one a key, at most one a record.
    Some,
    /// One a record.
    All,
}

/// Reads `output` read-committed and checks it against what the lines of `workload` must give; returns the
/// number of results.
pub(crate) fn results(kafka: &Kafka, output: &str, workload: &Workload, how_many: Results) -> Result<u64> {
    let partitions = kafka.partitions_of(output)?;
    let mut verifier = Verifier::new(partitions, workload.sums(), workload.counts());
    kafka
        .watch(output, Isolation::Committed, |record| verifier.take(record))
        .and_then(|()| verifier.finish(how_many))
        .with_context(|| format!("the results in {output} are wrong"))
}

/// Sums must be running sums of positive numbers.
struct Verifier<'a> {
    partitions: u32,
    sums: &'a Sums,
    counts: &'a BTreeMap<Vec<u8>, u64>,
    seen: HashMap<Vec<u8>, Seen>,
    results: u64,
}

/// Of one key.
struct Seen {
    last: i128,
    results: u64,
}

impl<'a> Verifier<'a> {
    fn new(partitions: u32, sums: &'a Sums, counts: &'a BTreeMap<Vec<u8>, u64>) -> Self {
        Self { partitions, sums, counts, seen: HashMap::new(), results: 0 }
    }

    /// The next result of its partition.
    fn take(&mut self, record: Passing<'_>) -> Result<()> {
        let key = record.key.context("a result without a key")?;
        let name = || String::from_utf8_lossy(key).into_owned();
        let text = std::str::from_utf8(record.value.unwrap_or_default()).ok();
        let sum: i128 =
            text.and_then(|text| text.parse().ok()).with_context(|| format!("{}: no number", name()))?;
        let expected = murmur2::partition_of(key, self.partitions);
        ensure!(
            record.partition == expected,
            "{}: in partition {}, not {expected}",
            name(),
            record.partition
        );
        self.results += 1;
        match self.seen.get_mut(key) {
            None => {
                ensure!(self.sums.contains_key(key), "{}: no such key was read", name());
                self.seen.insert(key.to_vec(), Seen { last: sum, results: 1 });
            }
            Some(seen) => {
                ensure!(sum > seen.last, "{}: {sum} comes after {}", name(), seen.last);
                *seen = Seen { last: sum, results: seen.results + 1 };
            }
        }
        Ok(())
    }

    /// The number of results, when all that must be there was.
    fn finish(self, how_many: Results) -> Result<u64> {
        for (key, sum) in self.sums {
            let name = String::from_utf8_lossy(key);
            let seen = self.seen.get(key).with_context(|| format!("{name}: no result"))?;
            if seen.last != *sum {
                bail!("{name}: the last result is {}, the sum is {sum}", seen.last);
            }
            let records = self.counts.get(key).copied().unwrap_or_default();
            let right = match how_many {
                Results::Some => seen.results <= records,
                Results::All => seen.results == records,
            };
            ensure!(right, "{name}: {} results of {records} records", seen.results);
        }
        Ok(self.results)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums up to 3 for "a" in two records and 5 for "b" in one, all in one partition.
    fn verify(results: &[(&str, &str)], how_many: Results) -> Result<u64> {
        let sums = Sums::from([(b"a".to_vec(), 3), (b"b".to_vec(), 5)]);
        let counts = BTreeMap::from([(b"a".to_vec(), 2), (b"b".to_vec(), 1)]);
        let mut verifier = Verifier::new(1, &sums, &counts);
        for (key, value) in results {
            let (key, value) = (Some(key.as_bytes()), Some(value.as_bytes()));
            verifier.take(Passing { partition: 0, key, value })?;
        }
        verifier.finish(how_many)
    }

    #[test]
    fn right_results_pass_and_are_counted() {
        let all = [("a", "1"), ("b", "5"), ("a", "3")];
        assert_eq!(verify(&all, Results::All).expect("all there"), 3);
        assert_eq!(verify(&all[1..], Results::Some).expect("the last of each"), 2);
    }

    /// Keys with values, how many are to be there, and what is said of them.
    type Wrong<'a> = (&'a [(&'a str, &'a str)], Results, &'a str);

    #[test]
    fn wrong_results_are_noticed_and_named() {
        let wrong: [Wrong<'_>; 8] = [
            (&[("a", "3"), ("b", "6")], Results::Some, "b: the last result is 6, the sum is 5"),
            (&[("a", "1"), ("b", "5")], Results::Some, "a: the last result is 1"),
            (&[("a", "3")], Results::Some, "b: no result"),
            (&[("a", "3"), ("c", "5")], Results::Some, "c: no such key"),
            (&[("a", "3"), ("a", "1")], Results::Some, "a: 1 comes after 3"),
            (&[("a", "3"), ("a", "3")], Results::Some, "a: 3 comes after 3"),
            (&[("a", "3"), ("b", "x")], Results::Some, "b: no number"),
            (&[("a", "3"), ("b", "5")], Results::All, "a: 1 results of 2 records"),
        ];
        for (results, how_many, text) in wrong {
            let error = verify(results, how_many).expect_err(text).to_string();
            assert!(error.contains(text), "{error}");
        }
    }

    #[test]
    fn a_result_in_another_partition_than_its_key_s_is_noticed() {
        let (sums, counts) = (Sums::from([(b"a".to_vec(), 3)]), BTreeMap::from([(b"a".to_vec(), 1)]));
        let right = murmur2::partition_of(b"a", 2);
        for (partition, passes) in [(right, true), (1 - right, false)] {
            let mut verifier = Verifier::new(2, &sums, &counts);
            let record = Passing { partition, key: Some(b"a"), value: Some(b"3") };
            assert_eq!(verifier.take(record).is_ok(), passes);
        }
    }
}
