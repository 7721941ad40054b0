//! Byte areas that are cheap to append to, and the null bits beside them.
//!
//! Compiled Wasm calls out of itself for `memory.copy`, which costs more than a short copy does. So bytes
//! are kept initialised past the end of what is written, and up to [`SHORT`] bytes are copied with a few
//! fixed-size moves. There is no unsafe code here.

use std::fmt;

/// Copies up to this many bytes are made inline.
const SHORT: usize = 32;

/// A growing byte string.
#[derive(Clone, Debug, Default)]
pub struct Bytes {
    /// Initialised to its whole length; only the first `len` bytes are written ones.
    area: Vec<u8>,
    len: usize,
}

impl Bytes {
    /// No bytes, with room for `capacity`.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { area: vec![0; capacity + SHORT], len: 0 }
    }

    /// The number of bytes written.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when nothing is written.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends `bytes`.
    #[inline]
    pub fn push(&mut self, bytes: &[u8]) {
        if bytes.len() <= SHORT
            && let Some(room) = self.area.get_mut(self.len..).and_then(<[u8]>::first_chunk_mut)
        {
            copy_short(room, bytes);
            self.len += bytes.len();
        } else {
            self.push_slowly(bytes);
        }
    }

    #[inline(never)]
    fn push_slowly(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if self.area.len() < end + SHORT {
            self.area.resize((end + SHORT).max(2 * self.area.len()), 0);
        }
        self.area[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    /// What is written.
    pub fn as_slice(&self) -> &[u8] {
        &self.area[..self.len]
    }

    /// Takes back everything after the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// The written bytes as a vector.
    pub fn into_vec(mut self) -> Vec<u8> {
        self.area.truncate(self.len);
        self.area
    }
}

impl fmt::Write for Bytes {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

/// Copies `from` (at most [`SHORT`] bytes) to the start of `to` by moves that may overlap.
#[inline]
fn copy_short(to: &mut [u8; SHORT], from: &[u8]) {
    let n = from.len();
    if n > SHORT {
        return;
    }
    if let (Some(first), Some(last)) = (from.first_chunk::<16>(), from.last_chunk::<16>()) {
        to[..16].copy_from_slice(first);
        to[n - 16..n].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (from.first_chunk::<8>(), from.last_chunk::<8>()) {
        to[..8].copy_from_slice(first);
        to[n - 8..n].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (from.first_chunk::<4>(), from.last_chunk::<4>()) {
        to[..4].copy_from_slice(first);
        to[n - 4..n].copy_from_slice(last);
    } else if let (Some(first), Some(last)) = (from.first(), from.last()) {
        to[0] = *first;
        to[n / 2] = from[n / 2];
        to[n - 1] = *last;
    }
}

/// A column of byte strings being written: `bytes-column` of the contract.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) bytes: Bytes,
    offsets: Vec<u32>,
    nulls: Vec<u8>,
}

impl Column {
    pub(crate) fn with_capacity(strings: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(strings + 1);
        offsets.push(0);
        Self { bytes: Bytes::with_capacity(bytes), offsets, nulls: Vec::new() }
    }

    /// Ends a string that was written to `bytes`.
    #[inline]
    pub(crate) fn end_string(&mut self) {
        self.offsets.push(self.bytes.len() as u32);
    }

    /// Appends a null; what was written to `bytes` since the last string is taken back.
    pub(crate) fn push_null(&mut self) {
        let at = self.offsets.len() - 1;
        self.bytes.truncate(self.offsets[at] as usize);
        set_bit(&mut self.nulls, at);
        self.end_string();
    }

    pub(crate) fn finish(mut self) -> crate::bindings::types::BytesColumn {
        pad_bits(&mut self.nulls, self.offsets.len() - 1);
        crate::bindings::types::BytesColumn {
            data: self.bytes.into_vec(),
            offsets: self.offsets,
            nulls: self.nulls,
        }
    }
}

/// True if bit `i` is set; missing bits are clear.
#[inline]
pub(crate) fn bit(bits: &[u8], i: usize) -> bool {
    bits.get(i / 8).is_some_and(|byte| byte >> (i % 8) & 1 == 1)
}

/// Sets bit `i` and makes room for it.
#[cold]
pub(crate) fn set_bit(bits: &mut Vec<u8>, i: usize) {
    if bits.len() <= i / 8 {
        bits.resize(i / 8 + 1, 0);
    }
    bits[i / 8] |= 1 << (i % 8);
}

/// Forgets all bits from `n` on.
pub(crate) fn cut_bits(bits: &mut Vec<u8>, n: usize) {
    bits.truncate(n.div_ceil(8));
    if bits.len() * 8 > n
        && let Some(last) = bits.last_mut()
    {
        *last &= (1 << (n % 8)) - 1;
    }
}

/// Gives the bits of `n` cells the length that the contract asks for: none when no bit is set.
pub(crate) fn pad_bits(bits: &mut Vec<u8>, n: usize) {
    if bits.iter().any(|byte| *byte != 0) {
        bits.resize(n.div_ceil(8), 0);
    } else {
        bits.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pushes_append_exactly_their_bytes(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..40),
            capacity in 0..64_usize,
        ) {
            let mut bytes = Bytes::with_capacity(capacity);
            for part in &parts {
                bytes.push(part);
            }
            prop_assert_eq!(bytes.as_slice(), &parts.concat()[..]);
            prop_assert_eq!(bytes.into_vec(), parts.concat());
        }

        #[test]
        fn cut_bits_keeps_only_the_bits_before_the_cut(
            set in prop::collection::vec(0..100_usize, 0..20),
            n in 0..100_usize,
        ) {
            let mut bits = Vec::new();
            for i in &set {
                set_bit(&mut bits, *i);
            }
            cut_bits(&mut bits, n);
            for i in 0..120 {
                prop_assert_eq!(bit(&bits, i), i < n && set.contains(&i));
            }
        }
    }

    #[test]
    fn default_bytes_grow_from_nothing() {
        let mut bytes = Bytes::default();
        bytes.push(b"");
        bytes.push(b"a");
        assert_eq!(bytes.as_slice(), b"a");
    }
}
