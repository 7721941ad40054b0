//! A quantile sketch: how many numbers there were in each of many bins, whose widths grow with the numbers.
//!
//! A bin is a sign, a power of two and a thirty-second of it: the upper bits of a float, so no logarithm is needed
//! and the answer is the same everywhere. Its middle is at most 1/64 (1.6 %) away from every number in it.

use guest_sdk::Bytes;

/// Bits of the mantissa that tell bins apart.
const MANTISSA_BITS: u32 = 5;
const SHIFT: u32 = f64::MANTISSA_DIGITS - 1 - MANTISSA_BITS;
/// Bins, at most. When there are more, the two with the smallest numbers become one: 512 bins span 16 powers of two
/// without a gap, so what is lost is the precision of the lowest quantiles.
const BINS_MAX: usize = 512;

/// See the module's documentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sketch {
    /// Number of the bin, in the order of the numbers, and its count.
    bins: Vec<(i64, u64)>,
}

impl Sketch {
    pub(crate) fn add(&mut self, number: f64) {
        let bin = bin(number);
        match self.bins.binary_search_by_key(&bin, |(bin, _)| *bin) {
            Ok(at) => self.bins[at].1 += 1,
            Err(at) => self.bins.insert(at, (bin, 1)),
        }
        if self.bins.len() > BINS_MAX {
            let (_, count) = self.bins.remove(0);
            self.bins[0].1 += count;
        }
    }

    /// The middle of the bin in which the number of this rank (from 0) is.
    pub(crate) fn at_rank(&self, rank: u64) -> f64 {
        let mut before = 0;
        for (bin, count) in &self.bins {
            before += count;
            if before > rank {
                return middle(*bin);
            }
        }
        self.bins.last().map_or(0.0, |(bin, _)| middle(*bin))
    }

    /// The distance of each bin from the one before, and its count, as numbers of 7 bits a byte.
    pub(crate) fn encode(&self, out: &mut Bytes) {
        let mut before = i64::MIN;
        for (bin, count) in &self.bins {
            push_number(out, bin.wrapping_sub(before).cast_unsigned());
            push_number(out, *count);
            before = *bin;
        }
    }

    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut bins = Vec::new();
        let mut before = i64::MIN;
        while !bytes.is_empty() {
            before = before.wrapping_add_unsigned(take_number(&mut bytes)?);
            bins.push((before, take_number(&mut bytes)?));
        }
        Some(Self { bins })
    }
}

/// Rises with the number; 0 is zero's, and that of what has no room in the bits.
fn bin(number: f64) -> i64 {
    let bin = (number.abs().to_bits() >> SHIFT).cast_signed();
    if number < 0.0 { -bin } else { bin }
}

fn middle(bin: i64) -> f64 {
    if bin == 0 {
        return 0.0;
    }
    let edge = |bin: u64| f64::from_bits(bin << SHIFT);
    let middle = f64::midpoint(edge(bin.unsigned_abs()), edge(bin.unsigned_abs() + 1));
    if bin < 0 { -middle } else { middle }
}

fn push_number(out: &mut Bytes, mut number: u64) {
    while number >= 0x80 {
        out.push(&[number as u8 | 0x80]);
        number >>= 7;
    }
    out.push(&[number as u8]);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_bin_is_near_its_numbers() {
        for number in [1e-300, 0.1, 1.0, 1.99, 3.0, 123_456.789, 1e100] {
            for number in [number, -number] {
                let error = (middle(bin(number)) - number).abs() / number.abs();
                assert!(error <= 1.0 / 64.0, "{number}: {error}");
            }
        }
        assert_eq!(middle(bin(0.0)).to_bits(), 0.0_f64.to_bits());
        assert!(bin(-2.0) < bin(-1.0) && bin(-1.0) < bin(0.0) && bin(0.0) < bin(0.5));
    }

    #[test]
    fn too_many_bins_are_folded_from_below() {
        let mut sketch = Sketch::default();
        let numbers: Vec<f64> = (0..2000).map(|i| 1.05_f64.powi(i - 1000)).collect();
        for number in numbers.iter().rev() {
            sketch.add(*number);
        }
        assert_eq!(sketch.bins.len(), BINS_MAX);
        assert_eq!(sketch.bins.iter().map(|(_, count)| count).sum::<u64>(), 2000);
        let top = sketch.at_rank(1990);
        assert!((top / numbers[1990] - 1.0).abs() < 1.0 / 64.0, "{top}");
        let mut bytes = Bytes::default();
        sketch.encode(&mut bytes);
        assert!(bytes.len() < 3 * BINS_MAX + 10, "{}", bytes.len());
        assert_eq!(Sketch::decode(bytes.as_slice()), Some(sketch));
    }
}
