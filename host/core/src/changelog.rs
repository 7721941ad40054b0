//! Records of a changelog topic: the raw key, and a version byte with the accumulator. A null value says
//! that the key is gone. The record's timestamp is the largest that was folded into the accumulator.

use alloc::vec::Vec;

const VERSION: u8 = 1;

/// Why a changelog value can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangelogError {
    /// No version byte.
    #[error("the value is empty")]
    Empty,
    /// Another format.
    #[error("version {0} is not known to this version of the host")]
    Version(u8),
}

/// Appends the value of an accumulator.
pub fn write(accumulator: &[u8], out: &mut Vec<u8>) {
    out.push(VERSION);
    out.extend_from_slice(accumulator);
}

/// The accumulator of a value.
///
/// # Errors
/// [`ChangelogError`]: not written by a host of this format.
pub fn read(value: &[u8]) -> Result<&[u8], ChangelogError> {
    match value.split_first() {
        Some((&VERSION, accumulator)) => Ok(accumulator),
        Some((version, _)) => Err(ChangelogError::Version(*version)),
        None => Err(ChangelogError::Empty),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_accumulator_reads_back_as_written() {
        let mut value = Vec::new();
        write(b"acc", &mut value);
        assert_eq!(read(&value), Ok(&b"acc"[..]));
    }

    #[test]
    fn other_formats_are_refused() {
        assert_eq!(read(b""), Err(ChangelogError::Empty));
        assert_eq!(read(b"\x02x"), Err(ChangelogError::Version(2)));
    }
}
