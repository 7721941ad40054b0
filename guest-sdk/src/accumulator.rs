//! How accumulators become bytes, which the host keeps.

use crate::bytes::Bytes;

/// The state of one key between calls.
///
/// `decode(encode(a))` must be `a`, and equal accumulators must have equal bytes. Whoever changes the bytes
/// changes [`Operator::STATE_SCHEMA`](crate::Operator::STATE_SCHEMA) too.
///
/// The numbers are little endian; `Vec<u8>`, `String` and `[u8; N]` are their own bytes.
pub trait Accumulator: Sized {
    /// Appends the bytes to `out`.
    fn encode(&self, out: &mut Bytes);

    /// The accumulator with these bytes, or none when they are not of this kind; that stops the
    /// application, since it means that two layouts share one state schema.
    fn decode(bytes: &[u8]) -> Option<Self>;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Accumulator for $number {
            #[inline]
            fn encode(&self, out: &mut Bytes) {
                out.push(&self.to_le_bytes());
            }

            #[inline]
            fn decode(bytes: &[u8]) -> Option<Self> {
                bytes.try_into().ok().map(Self::from_le_bytes)
            }
        }
    )*};
}

numbers!(u8, u16, u32, u64, u128, i8, i16, i32, i64, i128, f32, f64);

impl<const N: usize> Accumulator for [u8; N] {
    #[inline]
    fn encode(&self, out: &mut Bytes) {
        out.push(self);
    }

    #[inline]
    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok()
    }
}

impl Accumulator for Vec<u8> {
    fn encode(&self, out: &mut Bytes) {
        out.push(self);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        Some(bytes.to_vec())
    }
}

impl Accumulator for String {
    fn encode(&self, out: &mut Bytes) {
        out.push(self.as_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(Self::from)
    }
}
