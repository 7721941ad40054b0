//! What is kept of the numbers of a key.

use crate::sketch::Sketch;
use guest_sdk::{Accumulator, Bytes};

/// Count, mean, sum of squared distances from the mean (Welford), extremes, and a quantile sketch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Summary {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    m2: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    sketch: Sketch,
}

impl Summary {
    pub(crate) fn add(&mut self, number: f64) {
        self.count += 1;
        let from_mean = number - self.mean;
        self.mean += from_mean / self.count as f64;
        self.m2 += from_mean * (number - self.mean);
        let is_first = self.count == 1;
        self.min = if is_first { number } else { self.min.min(number) };
        self.max = if is_first { number } else { self.max.max(number) };
        self.sketch.add(number);
    }

    /// That of a sample (divided by count - 1); none for one number.
    pub(crate) fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| self.m2 / (self.count - 1) as f64)
    }

    /// The number at rank `quantile * (count - 1)`, rounded down, as near as the sketch knows; the ends exactly.
    pub(crate) fn quantile(&self, quantile: f64) -> f64 {
        let last = self.count.saturating_sub(1);
        match (quantile * last as f64) as u64 {
            0 => self.min,
            rank if rank >= last => self.max,
            rank => self.sketch.at_rank(rank).clamp(self.min, self.max),
        }
    }
}

impl Accumulator for Summary {
    fn encode(&self, out: &mut Bytes) {
        out.push(&self.count.to_le_bytes());
        for number in [self.mean, self.m2, self.min, self.max] {
            out.push(&number.to_le_bytes());
        }
        self.sketch.encode(out);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (count, mut bytes) = bytes.split_first_chunk()?;
        let mut take = || {
            let (number, rest) = bytes.split_first_chunk()?;
            bytes = rest;
            Some(f64::from_le_bytes(*number))
        };
        let [mean, m2, min, max] = [take()?, take()?, take()?, take()?];
        Some(Self { count: u64::from_le_bytes(*count), mean, m2, min, max, sketch: Sketch::decode(bytes)? })
    }
}
