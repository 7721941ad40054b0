//! What is kept of a key: centers, and the points that wait for the next mini-batch.

use guest_sdk::{Accumulator, Bytes, Error, reject};

/// See the module's documentation.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
    /// Numbers of a point; not 0.
    pub(crate) dimensions: usize,
    /// Mean squared distance of the points of the last mini-batch from their centers, before it was learnt.
    pub(crate) spread: f64,
    /// Points that each center was learnt from. Empty before the first mini-batch.
    pub(crate) counts: Vec<u64>,
    /// `dimensions` numbers a center.
    pub(crate) centers: Vec<f64>,
    /// `dimensions` numbers a point.
    pub(crate) waiting: Vec<f64>,
}

impl Model {
    pub(crate) fn new(dimensions: usize) -> Self {
        Self { dimensions, spread: 0.0, counts: Vec::new(), centers: Vec::new(), waiting: Vec::new() }
    }

    /// Adds a point to those that wait.
    ///
    /// # Errors
    /// A rejection when it has other dimensions than the model, as after a change of settings.
    pub(crate) fn push(&mut self, row: &[u8]) -> Result<(), Error> {
        let (numbers, rest) = row.as_chunks();
        if numbers.len() != self.dimensions || !rest.is_empty() {
            let (found, expected) = (numbers.len(), self.dimensions);
            return Err(reject(format!("the point has {found} numbers, the model of its key {expected}")));
        }
        self.waiting.extend(numbers.iter().map(|number| f64::from_le_bytes(*number)));
        Ok(())
    }

    pub(crate) fn waiting_points(&self) -> usize {
        self.waiting.len() / self.dimensions
    }

    /// All points so far.
    pub(crate) fn points(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.waiting_points() as u64
    }

    /// The centers with the points that each was learnt from.
    pub(crate) fn centers(&self) -> impl Iterator<Item = (&[f64], u64)> {
        self.centers.chunks_exact(self.dimensions).zip(self.counts.iter().copied())
    }
}

impl Accumulator for Model {
    fn encode(&self, out: &mut Bytes) {
        out.push(&(self.dimensions as u32).to_le_bytes());
        out.push(&(self.counts.len() as u32).to_le_bytes());
        out.push(&self.spread.to_le_bytes());
        for count in &self.counts {
            out.push(&count.to_le_bytes());
        }
        for number in self.centers.iter().chain(&self.waiting) {
            out.push(&number.to_le_bytes());
        }
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (dimensions, bytes) = bytes.split_first_chunk()?;
        let (k, bytes) = bytes.split_first_chunk()?;
        let (dimensions, k) = (u32::from_le_bytes(*dimensions) as usize, u32::from_le_bytes(*k) as usize);
        let (words, []) = bytes.as_chunks() else { return None };
        let (spread, words) = words.split_first()?;
        let (counts, words) = words.split_at_checked(k)?;
        let (centers, waiting) = words.split_at_checked(k.checked_mul(dimensions)?)?;
        let numbers = |words: &[[u8; 8]]| words.iter().map(|word| f64::from_le_bytes(*word)).collect();
        (dimensions > 0 && waiting.len().is_multiple_of(dimensions)).then(|| Self {
            dimensions,
            spread: f64::from_le_bytes(*spread),
            counts: counts.iter().map(|word| u64::from_le_bytes(*word)).collect(),
            centers: numbers(centers),
            waiting: numbers(waiting),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded() {
        let learnt = Model {
            dimensions: 2,
            spread: 0.5,
            counts: vec![1, 2, 3],
            centers: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
            waiting: vec![7.0, 8.0],
        };
        for model in [Model::new(3), learnt] {
            let mut bytes = Bytes::default();
            model.encode(&mut bytes);
            let bytes = bytes.into_vec();
            assert!(Model::decode(&bytes[..bytes.len() - 1]).is_none());
            assert_eq!(Model::decode(&bytes), Some(model));
        }
    }
}
