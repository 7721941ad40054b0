//! Reads numbers and strings from bytes that nobody has checked.

use crate::Corrupt;

/// What is left to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    /// The next `length` bytes.
    pub(crate) fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], Corrupt> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Corrupt::Beyond(what))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], Corrupt> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(Corrupt::Beyond(what))?;
        self.0 = rest;
        Ok(*taken)
    }

    /// A number in zigzag and base 128, of at most ten bytes.
    #[inline]
    pub(crate) fn varint(&mut self, what: &'static str) -> Result<i64, Corrupt> {
        let mut bits = 0_u64;
        for place in 0..10 {
            let (byte, rest) = self.0.split_first().ok_or(Corrupt::Beyond(what))?;
            self.0 = rest;
            bits |= u64::from(byte & 0x7f) << (7 * place);
            if *byte < 0x80 {
                return Ok((bits >> 1).cast_signed() ^ -(bits & 1).cast_signed());
            }
        }
        Err(Corrupt::Beyond(what))
    }

    /// A length and so many bytes; a length of -1 is a null.
    #[inline]
    pub(crate) fn bytes(&mut self, what: &'static str) -> Result<Option<&'a [u8]>, Corrupt> {
        match self.varint(what)? {
            -1 => Ok(None),
            length => self.take(usize::try_from(length).map_err(|_| Corrupt::Beyond(what))?, what).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_zigzag_and_bounded() {
        let read = |bytes: &[u8]| Cursor(bytes).varint("number");
        assert_eq!(read(&[0]), Ok(0));
        assert_eq!(read(&[1]), Ok(-1));
        assert_eq!(read(&[0xac, 0x02]), Ok(150));
        let least = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(read(&least), Ok(i64::MIN));
        assert_eq!(read(&[0x80]), Err(Corrupt::Beyond("number")));
        assert_eq!(read(&[0x80; 11]), Err(Corrupt::Beyond("number")));
    }

    #[test]
    fn strings_may_be_null_or_empty_but_not_longer_than_what_is_left() {
        let read = |bytes: &'static [u8]| Cursor(bytes).bytes("key");
        assert_eq!(read(&[1]), Ok(None));
        assert_eq!(read(&[0]), Ok(Some(b"".as_slice())));
        assert_eq!(read(&[4, b'a', b'b']), Ok(Some(b"ab".as_slice())));
        assert_eq!(read(&[6, b'a', b'b']), Err(Corrupt::Beyond("key")));
        assert_eq!(read(&[3]), Err(Corrupt::Beyond("key")));
    }
}
