//! A prototype of a consumer's data path without librdkafka: Fetch requests over one blocking connection, record
//! batches checked and decoded in place, straight into the host's columns. Nothing is allocated a record.
//!
//! It is right about what a log holds: checksums, codecs, control batches, aborted transactions, the last stable
//! offset, timestamps, headers, gaps. It is no client: it reads partitions that the broker at its address leads,
//! from their start to the end that it finds, and gives up when something changes. What is missing, and whether
//! that is worth it, is the subject of decision 0008.

mod aborted;
mod batch;
mod codec;
mod connection;
mod cursor;
mod fetcher;

pub use aborted::Aborted;
pub use batch::{Batch, Codec, Control};
pub use codec::Decompressor;
pub use fetcher::Fetcher;

/// A record batch that is not what the protocol says. Its partition can't be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// A length or a number points outside of its batch.
    #[error("a {0} goes beyond its batch")]
    Beyond(&'static str),
    /// Another batch format than 2, which brokers since 0.11 write.
    #[error("a record batch has format {0} and not 2")]
    Format(i8),
    /// The bytes are not those that were written.
    #[error("the checksum (CRC-32C) of a record batch is {found:#010x} and should be {expected:#010x}")]
    Checksum {
        /// Of the bytes.
        found: u32,
        /// In the batch.
        expected: u32,
    },
    /// A codec that is not known.
    #[error("a record batch has the unknown codec {0}")]
    Codec(i16),
    /// The codec's own complaint, or more bytes than any batch may have.
    #[error("a record batch can't be decompressed")]
    Compressed,
}
