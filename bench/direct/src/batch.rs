//! Record batches of format 2: the header, and the records into columns.

use crate::Corrupt;
use crate::codec::Decompressor;
use crate::cursor::Cursor;
use host_core::record::{Offset, Row, Rows, TimestampMs};

/// Before the first record.
const HEADER_BYTES: usize = 61;
/// What a batch's length does not count: its offset and the length itself.
const PREFIX_BYTES: usize = 12;
/// Where the bytes begin that the checksum is of.
const CHECKED_FROM: usize = 21;

const CODEC_BITS: i16 = 0x07;
const LOG_APPEND_TIME: i16 = 0x08;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;

/// How the records of a batch are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Snappy, bare or in the blocks of Java clients.
    Snappy,
    /// The frames of LZ4.
    Lz4,
    /// Zstandard.
    Zstd,
}

/// What ended a producer's transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Its records count.
    Commit,
    /// Its records never were.
    Abort,
    /// Something else that is no record either.
    Other,
}

/// One batch, borrowed from a response.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Of its first record, if that is still there.
    pub base_offset: Offset,
    /// Of its last record, if that is still there; the next batch begins behind it.
    pub last_offset: Offset,
    /// The term of the leader that took it.
    pub leader_epoch: i32,
    /// Who wrote it; -1: not idempotent.
    pub producer_id: i64,
    base_timestamp: TimestampMs,
    max_timestamp: TimestampMs,
    attributes: i16,
    count: i32,
    expected_crc: u32,
    checked: &'a [u8],
    records: &'a [u8],
}

impl<'a> Batch<'a> {
    /// Takes the first batch off `bytes`; none when no whole one is left: a broker cuts the last one off where
    /// the response is full.
    ///
    /// # Errors
    /// It is not in format 2, or its length makes no sense.
    pub fn take(bytes: &mut &'a [u8]) -> Result<Option<Self>, Corrupt> {
        let mut header = Cursor(bytes);
        let Ok(base_offset) = header.array("offset") else { return Ok(None) };
        let Ok(length) = header.array("length") else { return Ok(None) };
        let length =
            usize::try_from(i32::from_be_bytes(length)).map_err(|_| Corrupt::Beyond("batch length"))?;
        let Some((whole, rest)) = bytes.split_at_checked(PREFIX_BYTES + length) else { return Ok(None) };
        let mut header = Cursor(&whole[PREFIX_BYTES..]);
        let what = "batch header";
        let leader_epoch = i32::from_be_bytes(header.array(what)?);
        let format = i8::from_be_bytes(header.array(what)?);
        if format != 2 {
            return Err(Corrupt::Format(format));
        }
        let expected_crc = u32::from_be_bytes(header.array(what)?);
        let attributes = i16::from_be_bytes(header.array(what)?);
        let last_offset_delta = i32::from_be_bytes(header.array(what)?);
        let base_timestamp = i64::from_be_bytes(header.array(what)?);
        let max_timestamp = i64::from_be_bytes(header.array(what)?);
        let producer_id = i64::from_be_bytes(header.array(what)?);
        // The producer's epoch and the sequence of its first record, which brokers check.
        header.take(2 + 4, what)?;
        let count = i32::from_be_bytes(header.array(what)?);
        let base_offset = Offset::from_be_bytes(base_offset);
        let last_offset =
            base_offset.checked_add(last_offset_delta.into()).ok_or(Corrupt::Beyond("offset"))?;
        *bytes = rest;
        Ok(Some(Self {
            base_offset,
            last_offset,
            leader_epoch,
            producer_id,
            base_timestamp,
            max_timestamp,
            attributes,
            count,
            expected_crc,
            checked: &whole[CHECKED_FROM..],
            records: &whole[HEADER_BYTES..],
        }))
    }

    /// Compares the bytes with their checksum.
    ///
    /// # Errors
    /// They differ.
    pub fn check(&self) -> Result<(), Corrupt> {
        let (found, expected) = (crc32c::crc32c(self.checked), self.expected_crc);
        if found == expected { Ok(()) } else { Err(Corrupt::Checksum { found, expected }) }
    }

    /// Part of a transaction?
    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL != 0
    }

    /// What the batch says of a transaction, when it says that and holds no records.
    ///
    /// # Errors
    /// It has no record, or that has no such key.
    pub fn control(&self) -> Result<Option<Control>, Corrupt> {
        if self.attributes & CONTROL == 0 {
            return Ok(None);
        }
        let mut cursor = Cursor(self.records);
        let record = Record::take(&mut cursor)?;
        let mut key = Cursor(record.key.ok_or(Corrupt::Beyond("control key"))?);
        key.take(2, "control key")?;
        Ok(Some(match i16::from_be_bytes(key.array("control key")?) {
            0 => Control::Abort,
            1 => Control::Commit,
            _ => Control::Other,
        }))
    }

    /// How the records are compressed.
    ///
    /// # Errors
    /// In an unknown way.
    pub fn codec(&self) -> Result<Codec, Corrupt> {
        match self.attributes & CODEC_BITS {
            0 => Ok(Codec::None),
            1 => Ok(Codec::Gzip),
            2 => Ok(Codec::Snappy),
            3 => Ok(Codec::Lz4),
            4 => Ok(Codec::Zstd),
            other => Err(Corrupt::Codec(other)),
        }
    }

    /// Appends the records from offset `from` on to the columns.
    ///
    /// # Errors
    /// A record is not whole, or can't be decompressed; what came before it is in the columns.
    pub fn append(
        &self,
        from: Offset,
        decompressor: &mut Decompressor,
        offsets: &mut Vec<Offset>,
        rows: &mut Rows,
    ) -> Result<(), Corrupt> {
        let records = match self.codec()? {
            Codec::None => self.records,
            codec => decompressor.run(codec, self.records)?,
        };
        let mut cursor = Cursor(records);
        for _ in 0..self.count {
            let record = Record::take(&mut cursor)?;
            let offset = self.base_offset.wrapping_add(record.offset_delta);
            if offset < from {
                continue;
            }
            let timestamp = if self.attributes & LOG_APPEND_TIME == 0 {
                self.base_timestamp.wrapping_add(record.timestamp_delta)
            } else {
                self.max_timestamp
            };
            let row = Row { key: record.key, value: record.value, timestamp };
            if record.header_count == 0 {
                rows.push(row);
            } else {
                rows.push_with_headers(row, record.headers()?);
            }
            offsets.push(offset);
        }
        Ok(())
    }
}

struct Record<'a> {
    timestamp_delta: i64,
    offset_delta: i64,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
    header_count: i64,
    headers: Cursor<'a>,
}

impl<'a> Record<'a> {
    #[inline]
    fn take(cursor: &mut Cursor<'a>) -> Result<Self, Corrupt> {
        let length = cursor.varint("record length")?;
        let length = usize::try_from(length).map_err(|_| Corrupt::Beyond("record length"))?;
        let mut record = Cursor(cursor.take(length, "record")?);
        record.take(1, "record")?;
        let timestamp_delta = record.varint("timestamp")?;
        let offset_delta = record.varint("offset")?;
        let key = record.bytes("key")?;
        let value = record.bytes("value")?;
        let header_count = record.varint("header count")?;
        Ok(Self { timestamp_delta, offset_delta, key, value, header_count, headers: record })
    }

    /// Names and values; all were looked at before the first is given out.
    fn headers(&self) -> Result<impl Iterator<Item = (&'a [u8], Option<&'a [u8]>)>, Corrupt> {
        let next = |cursor: &mut Cursor<'a>| {
            let name = cursor.bytes("header name")?.ok_or(Corrupt::Beyond("header name"))?;
            Ok((name, cursor.bytes("header value")?))
        };
        let mut checked = self.headers;
        for _ in 0..self.header_count {
            next(&mut checked)?;
        }
        let mut cursor = self.headers;
        Ok((0..self.header_count).map_while(move |_| next(&mut cursor).ok()))
    }
}
