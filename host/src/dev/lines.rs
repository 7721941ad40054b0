//! Sample records: lines `key,value`, as the sum of the examples reads them, some of them bad.

use host_model::Random;
use std::fmt::Write as _;

/// Different keys.
const KEYS: usize = 1_000;
/// Values lie below this, on both sides of zero.
const VALUES_BELOW: usize = 1_000;
/// One line in so many is no number.
const BAD_ONE_IN: usize = 5_000;

/// Lines without end; the same seed gives the same ones.
pub(super) struct Lines {
    random: Random,
    text: String,
}

impl Lines {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Random::new(seed), text: String::new() }
    }

    /// The next line, and to which of so many partitions it goes: any, whatever its key.
    pub(super) fn next(&mut self, partitions: u32) -> (u32, &str) {
        let key = self.random.below(KEYS);
        let value = self.random.below(2 * VALUES_BELOW - 1) as i64 - (VALUES_BELOW as i64 - 1);
        let is_bad = self.random.below(BAD_ONE_IN) == 0;
        self.text.clear();
        // A String takes all text.
        let _ = write!(self.text, "k{key},{value}{}", if is_bad { "?" } else { "" });
        (self.random.below(partitions as usize) as u32, &self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_lines_are_a_key_and_a_number() {
        let mut lines = Lines::new(1);
        let mut bad = 0;
        for _ in 0..50_000 {
            let (partition, line) = lines.next(4);
            assert!(partition < 4);
            let (key, value) = line.split_once(',').expect("a comma");
            assert!(key.starts_with('k'));
            match value.parse::<i64>() {
                Ok(value) => assert!(value.unsigned_abs() < 1_000),
                Err(_) => bad += 1,
            }
        }
        assert!((1..100).contains(&bad), "{bad} of 50,000 are bad");
    }
}
