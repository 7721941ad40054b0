//! Lines whose sums are known without a map: key k7 has sum number 7. For many keys, and records of any size.

use super::curve::Shape;
use anyhow::{Context, Result, ensure};
use std::fmt::Write;
use testkit::{Isolation, Kafka, NewRecord, Rng, murmur2};

const SEED: u64 = 1;
const VALUE_MAX: u64 = 1000;

/// The sum of each key.
pub(super) struct Sums(Vec<u64>);

/// Writes the lines of `shape`: first each key once, then any. What a record has beyond its line is in the
/// record's key, which is read, checked and copied like all bytes but which the operator does not look at.
pub(super) fn produce(kafka: &Kafka, topic: &str, shape: Shape) -> Result<Sums> {
    let mut sums = vec![0; usize::try_from(shape.keys)?];
    let (mut rng, mut producer) = (Rng::new(SEED), kafka.producer()?);
    let (mut line, padding) = (String::new(), vec![b'x'; shape.record_bytes]);
    for number in 0..shape.records {
        let key = if number < shape.keys { number } else { rng.below(shape.keys) };
        let value = 1 + rng.below(VALUE_MAX);
        *sums.get_mut(usize::try_from(key)?).context("a key below the number of keys")? += value;
        line.clear();
        write!(line, "k{key}")?;
        let partition = murmur2::partition_of(line.as_bytes(), shape.partitions);
        write!(line, ",{value}")?;
        let beyond = padding.len().saturating_sub(line.len());
        let (key, value) = ((beyond > 0).then(|| &padding[..beyond]), Some(line.as_bytes()));
        producer.send(topic, &NewRecord { partition, key, value, headers: &[] })?;
    }
    producer.flush()?;
    Ok(Sums(sums))
}

impl Sums {
    /// Checks the last result of each key in `output`.
    pub(super) fn check(&self, kafka: &Kafka, output: &str) -> Result<()> {
        let mut found = vec![0; self.0.len()];
        kafka.watch(output, Isolation::Committed, |record| {
            take(&mut found, record.key.unwrap_or_default(), record.value.unwrap_or_default())
        })?;
        self.compare(&found).with_context(|| format!("the results in {output} are wrong"))
    }

    fn compare(&self, found: &[u64]) -> Result<()> {
        for (key, (found, sum)) in found.iter().zip(&self.0).enumerate() {
            ensure!(found == sum, "k{key}: the last result is {found}, the sum is {sum}");
        }
        Ok(())
    }
}

/// Takes a result; sums only grow.
fn take(found: &mut [u64], key: &[u8], value: &[u8]) -> Result<()> {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let number = |bytes| std::str::from_utf8(bytes).ok()?.parse::<u64>().ok();
    let key_number = key.strip_prefix(b"k").and_then(number).and_then(|number| usize::try_from(number).ok());
    let slot = key_number.and_then(|number| found.get_mut(number));
    let slot = slot.with_context(|| format!("{}: no such key was read", text(key)))?;
    let sum = number(value).with_context(|| format!("{}: no number: {}", text(key), text(value)))?;
    ensure!(sum > *slot, "{}: {sum} comes after {slot}", text(key));
    *slot = sum;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_results_are_noticed() -> Result<()> {
        let sums = Sums(vec![3, 5]);
        let mut found = vec![0, 0];
        for (key, value) in [("k0", "1"), ("k1", "5"), ("k0", "3")] {
            take(&mut found, key.as_bytes(), value.as_bytes())?;
        }
        sums.compare(&found)?;
        for (key, value) in [("k0", "3"), ("k2", "1"), ("x", "1"), ("k1", "y")] {
            assert!(take(&mut found, key.as_bytes(), value.as_bytes()).is_err(), "{key} {value}");
        }
        assert!(sums.compare(&[3, 4]).is_err() && sums.compare(&[0, 5]).is_err());
        Ok(())
    }
}
