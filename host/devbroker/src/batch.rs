//! A record batch of format 2 as a client sent it. Its records are not looked at; the header is, and its base offset
//! and leader epoch, which the checksum leaves out, are the broker's to write.

use bytes::{BufMut, Bytes, BytesMut};
use host_core::record::Offset;
use host_model::log::{Content, Marker};
use host_model::sequence::Sequence;
use kafka_protocol::error::ResponseError;

/// Before the first record.
pub(crate) const HEADER_BYTES: usize = 61;
/// What a batch's length does not count: its offset and the length itself.
const PREFIX_BYTES: usize = 12;
/// Where the bytes begin that the checksum is of.
const CHECKED_FROM: usize = 21;
const MAGIC: u8 = 2;

const CODEC_BITS: i16 = 0x07;
const TRANSACTIONAL: i16 = 0x10;
const CONTROL: i16 = 0x20;

/// One batch, whole.
#[derive(Clone, Debug)]
pub(crate) struct Batch(Bytes);

impl Content for Batch {
    fn offsets(&self) -> Offset {
        Offset::from(self.i32_at(23)) + 1
    }

    fn bytes(&self) -> usize {
        self.0.len()
    }
}

impl Batch {
    /// The one batch of a produce request.
    ///
    /// # Errors
    /// It is none, it is damaged, or there are more.
    pub(crate) fn check(bytes: Bytes, bytes_max: usize) -> Result<Self, ResponseError> {
        if bytes.len() > bytes_max {
            return Err(ResponseError::MessageTooLarge);
        }
        if bytes.len() < HEADER_BYTES {
            return Err(ResponseError::InvalidRecord);
        }
        let batch = Self(bytes);
        if batch.0[16] != MAGIC {
            return Err(ResponseError::UnsupportedForMessageFormat);
        }
        if usize::try_from(batch.i32_at(8)).ok() != Some(batch.0.len() - PREFIX_BYTES) {
            return Err(ResponseError::InvalidRecord);
        }
        if crc32c::crc32c(&batch.0[CHECKED_FROM..]) != batch.i32_at(17).cast_unsigned() {
            return Err(ResponseError::CorruptMessage);
        }
        let count = batch.count();
        if count < 1 || batch.i32_at(23) != count - 1 || batch.attributes() & CONTROL != 0 {
            return Err(ResponseError::InvalidRecord);
        }
        Ok(batch)
    }

    /// The end of a transaction at `offset`.
    pub(crate) fn of_marker(offset: Offset, marker: &Marker) -> Bytes {
        let mut record = BytesMut::new();
        // Attributes, time and offset deltas, then a key of 4 bytes: its version, and 0 for an abort, 1 for a commit.
        record.extend_from_slice(&[0, 0, 0, 8]);
        record.put_i16(0);
        record.put_i16(i16::from(marker.commits));
        // A value of 6 bytes: its version and the coordinator's epoch; no headers.
        record.put_u8(12);
        record.put_i16(0);
        record.put_i32(0);
        record.put_u8(0);
        let mut records = BytesMut::new();
        // Zigzag: twice the length.
        records.put_u8((record.len() << 1) as u8);
        records.extend_from_slice(&record);
        let producer = (marker.producer.cast_signed(), marker.epoch as i16, -1);
        encode(
            offset,
            TRANSACTIONAL | CONTROL,
            (marker.timestamp, marker.timestamp),
            producer,
            (0, 1),
            &records,
        )
    }

    /// The same records from `offset` on.
    pub(crate) fn placed_at(self, offset: Offset) -> Self {
        let mut bytes = self.0.try_into_mut().unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        bytes[..8].copy_from_slice(&offset.to_be_bytes());
        bytes[12..16].copy_from_slice(&0_i32.to_be_bytes());
        Self(bytes.freeze())
    }

    /// The same batch with fewer records, already encoded; offsets stay.
    pub(crate) fn with_records(&self, count: i32, records: &[u8]) -> Self {
        let producer = (self.i64_at(43), self.i16_at(51), self.i32_at(53));
        let times = (self.base_timestamp(), self.max_timestamp());
        let counts = (self.i32_at(23), count);
        Self(encode(self.base_offset(), self.attributes(), times, producer, counts, records))
    }

    /// All of it, as it goes over a socket.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.0
    }

    /// The records, encoded, and compressed if [`Self::is_compressed`].
    pub(crate) fn records(&self) -> &[u8] {
        &self.0[HEADER_BYTES..]
    }

    pub(crate) fn base_offset(&self) -> Offset {
        self.i64_at(0)
    }

    pub(crate) fn base_timestamp(&self) -> i64 {
        self.i64_at(27)
    }

    pub(crate) fn max_timestamp(&self) -> i64 {
        self.i64_at(35)
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.attributes() & CODEC_BITS != 0
    }

    pub(crate) fn is_transactional(&self) -> bool {
        self.attributes() & TRANSACTIONAL != 0
    }

    pub(crate) fn count(&self) -> i32 {
        self.i32_at(57)
    }

    /// Who wrote it, if that is an idempotent producer.
    pub(crate) fn sequence(&self) -> Option<Sequence> {
        let producer = u64::try_from(self.i64_at(43)).ok()?;
        let first = self.i32_at(53);
        let last = first.checked_add(self.i32_at(23)).unwrap_or_else(|| {
            // They go on from 0 behind the largest number.
            (i64::from(first) + i64::from(self.i32_at(23)) - i64::from(i32::MAX) - 1) as i32
        });
        Some(Sequence { producer, epoch: u32::try_from(self.i16_at(51)).ok()?, first, last })
    }

    fn attributes(&self) -> i16 {
        self.i16_at(21)
    }

    fn i16_at(&self, at: usize) -> i16 {
        i16::from_be_bytes(self.array(at))
    }

    fn i32_at(&self, at: usize) -> i32 {
        i32::from_be_bytes(self.array(at))
    }

    fn i64_at(&self, at: usize) -> i64 {
        i64::from_be_bytes(self.array(at))
    }

    fn array<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0[at..at + N].try_into().expect("a batch has a whole header")
    }
}

/// `times`: of the first record, and the largest. `counts`: the last record's number, and how many there are.
fn encode(
    offset: Offset,
    attributes: i16,
    times: (i64, i64),
    producer: (i64, i16, i32),
    counts: (i32, i32),
    records: &[u8],
) -> Bytes {
    let mut checked = BytesMut::with_capacity(HEADER_BYTES + records.len());
    checked.put_i16(attributes);
    checked.put_i32(counts.0);
    checked.put_i64(times.0);
    checked.put_i64(times.1);
    checked.put_i64(producer.0);
    checked.put_i16(producer.1);
    checked.put_i32(producer.2);
    checked.put_i32(counts.1);
    checked.extend_from_slice(records);
    let mut bytes = BytesMut::with_capacity(CHECKED_FROM + checked.len());
    bytes.put_i64(offset);
    bytes.put_i32((CHECKED_FROM - PREFIX_BYTES + checked.len()) as i32);
    bytes.put_i32(0);
    bytes.put_u8(MAGIC);
    bytes.put_u32(crc32c::crc32c(&checked));
    bytes.extend_from_slice(&checked);
    bytes.freeze()
}
