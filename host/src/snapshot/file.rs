//! The format of a snapshot file. Integers are little endian.
//!
//! ```text
//! magic (16 bytes, the last is the format) | block: header as JSON | block: rows … | block of no bytes | u64: rows
//! block = u32: bytes | u32: CRC-32C of them | the bytes
//! row   = u32: key bytes | u32: value bytes | i64: timestamp | key | value as in the changelog
//! ```

use super::{Header, Unusable};
use host_core::record::{Row, Rows};
use std::io::{Read, Write};

const MAGIC: [u8; 16] = *b"wasmhost snap\0\0\x01";
/// Bytes of a block, so that a damaged length does not take all memory.
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// Writes the beginning of a file.
pub(super) fn begin(out: &mut impl Write, header: &Header) -> std::io::Result<()> {
    out.write_all(&MAGIC)?;
    block(out, &serde_json::to_vec(header)?)
}

/// Writes rows; as few as fit into a block.
pub(super) fn rows(out: &mut impl Write, rows: &Rows) -> std::io::Result<()> {
    let mut bytes = Vec::with_capacity(rows.data.len() + 16 * rows.len());
    for i in 0..rows.len() {
        let Row { key, value, timestamp } = rows.row(i);
        let (key, value) = (key.unwrap_or_default(), value.unwrap_or_default());
        bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&(value.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&timestamp.to_le_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value);
    }
    block(out, &bytes)
}

/// Writes the end: without it a file is none.
pub(super) fn end(out: &mut impl Write, count: u64) -> std::io::Result<()> {
    block(out, &[])?;
    out.write_all(&count.to_le_bytes())
}

fn block(out: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    out.write_all(&(bytes.len() as u32).to_le_bytes())?;
    out.write_all(&crc32c::crc32c(bytes).to_le_bytes())?;
    out.write_all(bytes)
}

/// Reads a file piece by piece; every piece has passed its checksum.
#[derive(Debug)]
pub(super) struct Reader<R> {
    input: R,
    header: Header,
    count: u64,
    is_done: bool,
}

impl<R: Read> Reader<R> {
    /// Reads the beginning.
    pub(super) fn new(mut input: R) -> Result<Self, Unusable> {
        let mut magic = [0; MAGIC.len()];
        input.read_exact(&mut magic)?;
        if magic != MAGIC {
            return Err(Unusable::Damaged("its first bytes are not those of a snapshot of this format"));
        }
        let header = read_block(&mut input)?;
        let header = serde_json::from_slice(&header).map_err(|_| Unusable::Damaged("its header"))?;
        Ok(Self { input, header, count: 0, is_done: false })
    }

    pub(super) fn header(&self) -> &Header {
        &self.header
    }

    /// The next rows; none at the end, if that is the right one.
    pub(super) fn read(&mut self) -> Result<Option<Rows>, Unusable> {
        if self.is_done {
            return Ok(None);
        }
        let bytes = read_block(&mut self.input)?;
        if bytes.is_empty() {
            let mut count = [0; 8];
            self.input.read_exact(&mut count)?;
            self.is_done = true;
            if u64::from_le_bytes(count) != self.count {
                return Err(Unusable::Damaged("it has not as many rows as it should"));
            }
            return Ok(None);
        }
        let rows = parse(&bytes).ok_or(Unusable::Damaged("a row"))?;
        self.count += rows.len() as u64;
        Ok(Some(rows))
    }
}

fn read_block(input: &mut impl Read) -> Result<Vec<u8>, Unusable> {
    let mut head = [[0; 4]; 2];
    input.read_exact(head.as_flattened_mut())?;
    let [length, crc] = head.map(u32::from_le_bytes);
    if length as usize > BLOCK_BYTES_MAX {
        return Err(Unusable::Damaged("the length of a block"));
    }
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes)?;
    if crc32c::crc32c(&bytes) != crc {
        return Err(Unusable::Damaged("a checksum"));
    }
    Ok(bytes)
}

fn parse(mut bytes: &[u8]) -> Option<Rows> {
    let mut rows = Rows::new();
    while !bytes.is_empty() {
        let (key_len, rest) = bytes.split_first_chunk::<4>()?;
        let (value_len, rest) = rest.split_first_chunk::<4>()?;
        let (timestamp, rest) = rest.split_first_chunk::<8>()?;
        let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key_len) as usize)?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_len) as usize)?;
        rows.push(Row { key: Some(key), value: Some(value), timestamp: i64::from_le_bytes(*timestamp) });
        bytes = rest;
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            application_id: "app".into(),
            task: "0_0".into(),
            changelog: "log".into(),
            topic_id: "id".into(),
            partition: 0,
            offset: 7,
            leader_epoch: 0,
            module: "m".into(),
            state_schema: "s".into(),
            begun_at_ms: 1,
        }
    }

    fn sample(count: i64) -> Rows {
        let mut rows = Rows::new();
        for i in 0..count {
            let (key, value) = (format!("key-{i}"), vec![i as u8; i as usize % 20]);
            rows.push(Row { key: Some(key.as_bytes()), value: Some(&value), timestamp: i });
        }
        rows
    }

    fn written() -> Vec<u8> {
        let mut bytes = Vec::new();
        begin(&mut bytes, &header()).expect("into memory");
        for count in [100, 1, 50] {
            rows(&mut bytes, &sample(count)).expect("into memory");
        }
        end(&mut bytes, 151).expect("into memory");
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Vec<Rows>, Unusable> {
        let mut reader = Reader::new(bytes)?;
        let mut all = Vec::new();
        while let Some(rows) = reader.read()? {
            all.push(rows);
        }
        Ok(all)
    }

    #[test]
    fn what_was_written_is_read() {
        let bytes = written();
        assert_eq!(Reader::new(bytes.as_slice()).expect("a snapshot").header(), &header());
        assert_eq!(read(&bytes).expect("whole"), [sample(100), sample(1), sample(50)]);
    }

    #[test]
    fn whatever_is_missing_or_changed_is_noticed() {
        let bytes = written();
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length]).is_err(), "cut off at {length}");
        }
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 0x20;
            assert!(read(&changed).is_err(), "byte {at}");
        }
    }
}
