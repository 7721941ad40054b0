//! Values of a repartition topic: a row with where it was read first, or what was folded of many.
//!
//! ```text
//! byte 0      version, 1
//! byte 1      kind: 0 = a row, 1 = a partial accumulator
//! bytes 2-5   fingerprint of the row-schema (of a partial: the state-schema), little endian
//! bytes 6-9   fingerprint of the source topic's name, little endian
//! varint      source partition (LEB128)
//! varint      source offset (LEB128); of a partial: that of the last row that its transaction had read
//! rest        the row's value, or the accumulator
//! ```

use crate::record::Offset;
use alloc::vec::Vec;

const VERSION: u8 = 1;
const FIXED_BYTES: usize = 10;

/// What stands behind a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The value of one row.
    Row = 0,
    /// An accumulator, folded from rows of one source partition.
    Partial = 1,
}

/// What stands in front of a row's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What follows.
    pub kind: Kind,
    /// [`crate::hash::fingerprint`] of the row-schema, or for a partial of the state-schema, of the module that
    /// wrote it.
    pub schema: u32,
    /// [`crate::hash::fingerprint`] of the topic where the row was read first.
    pub topic: u32,
    /// The partition there.
    pub partition: u32,
    /// The offset there.
    pub offset: Offset,
}

/// Why a value is not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than a frame has.
    #[error("the value ends inside its frame")]
    Short,
    /// Another format.
    #[error("frame version {0} and kind {1} are not known to this version of the host")]
    Unknown(u8, u8),
    /// A varint of more bits than its field.
    #[error("a number in the frame is out of range")]
    Range,
}

impl Frame {
    /// Appends the frame.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[VERSION, self.kind as u8]);
        out.extend_from_slice(&self.schema.to_le_bytes());
        out.extend_from_slice(&self.topic.to_le_bytes());
        write_varint(u64::from(self.partition), out);
        write_varint(self.offset.cast_unsigned(), out);
    }

    /// Reads the frame and its length in bytes: the row's value is what follows.
    ///
    /// # Errors
    /// [`FrameError`]: the value was not written by a host of this format.
    pub fn read(value: &[u8]) -> Result<(Self, usize), FrameError> {
        let (fixed, rest) = value.split_at_checked(FIXED_BYTES).ok_or(FrameError::Short)?;
        let kind = match (fixed[0], fixed[1]) {
            (VERSION, 0) => Kind::Row,
            (VERSION, 1) => Kind::Partial,
            (version, kind) => return Err(FrameError::Unknown(version, kind)),
        };
        let (partition, a) = read_varint(rest)?;
        let (offset, b) = read_varint(&rest[a..])?;
        let frame = Self {
            kind,
            schema: u32::from_le_bytes([fixed[2], fixed[3], fixed[4], fixed[5]]),
            topic: u32::from_le_bytes([fixed[6], fixed[7], fixed[8], fixed[9]]),
            partition: u32::try_from(partition).map_err(|_| FrameError::Range)?,
            offset: Offset::try_from(offset).map_err(|_| FrameError::Range)?,
        };
        Ok((frame, FIXED_BYTES + a + b))
    }
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn read_varint(bytes: &[u8]) -> Result<(u64, usize), FrameError> {
    let mut value = 0u64;
    for (i, byte) in bytes.iter().enumerate().take(10) {
        let low = u64::from(byte & 0x7f);
        if i == 9 && low > 1 {
            return Err(FrameError::Range);
        }
        value |= low << (7 * i);
        if byte & 0x80 == 0 {
            return Ok((value, i + 1));
        }
    }
    Err(if bytes.len() < 10 { FrameError::Short } else { FrameError::Range })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_as_written() {
        for (partition, offset) in [(0, 0), (127, 128), (u32::MAX, i64::MAX), (3, 1 << 40)] {
            for kind in [Kind::Row, Kind::Partial] {
                let frame = Frame { kind, schema: 7, topic: 0xdead_beef, partition, offset };
                let mut bytes = Vec::new();
                frame.write(&mut bytes);
                let len = bytes.len();
                bytes.extend_from_slice(b"value");
                assert_eq!(Frame::read(&bytes), Ok((frame, len)));
            }
        }
    }

    #[test]
    fn every_cut_of_a_frame_is_refused() {
        let mut bytes = Vec::new();
        Frame { kind: Kind::Row, schema: 7, topic: 9, partition: 300, offset: 70_000 }.write(&mut bytes);
        for len in 0..bytes.len() {
            assert_eq!(Frame::read(&bytes[..len]), Err(FrameError::Short), "{len}");
        }
    }

    #[test]
    fn an_unknown_version_is_refused() {
        let mut bytes = Vec::new();
        Frame { kind: Kind::Row, schema: 7, topic: 9, partition: 0, offset: 0 }.write(&mut bytes);
        bytes[0] = 2;
        assert_eq!(Frame::read(&bytes), Err(FrameError::Unknown(2, 0)));
        bytes[..2].copy_from_slice(&[1, 2]);
        assert_eq!(Frame::read(&bytes), Err(FrameError::Unknown(1, 2)));
    }
}
