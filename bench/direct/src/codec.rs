//! The records of a compressed batch, into a buffer that is used again.

use crate::Corrupt;
use crate::batch::Codec;
use std::io::Read;

/// Bytes that a batch may hold. Brokers bound what is compressed (1 MiB by default); this stops a small batch
/// from becoming all of the memory.
const BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Before the blocks in which Java clients write Snappy; two versions of four bytes follow.
const SNAPPY_BLOCKS: &[u8] = b"\x82SNAPPY\0";
const SNAPPY_BLOCKS_HEADER_BYTES: usize = 16;

/// Decompresses one batch after the other.
#[derive(Default)]
pub struct Decompressor {
    buffer: Vec<u8>,
}

impl Decompressor {
    /// The bytes that were compressed; they are there until the next call.
    pub(crate) fn run(&mut self, codec: Codec, bytes: &[u8]) -> Result<&[u8], Corrupt> {
        self.buffer.clear();
        match codec {
            Codec::None => self.buffer.extend_from_slice(bytes),
            Codec::Gzip => self.read_all(flate2::read::MultiGzDecoder::new(bytes))?,
            Codec::Snappy => self.snappy(bytes)?,
            Codec::Lz4 => self.read_all(lz4_flex::frame::FrameDecoder::new(bytes))?,
            Codec::Zstd => {
                let decoder = zstd::stream::read::Decoder::with_buffer(bytes);
                self.read_all(decoder.map_err(|_| Corrupt::Compressed)?)?;
            }
        }
        Ok(&self.buffer)
    }

    fn read_all(&mut self, decoder: impl Read) -> Result<(), Corrupt> {
        let limit = BATCH_BYTES_MAX as u64 + 1;
        let read = decoder.take(limit).read_to_end(&mut self.buffer).map_err(|_| Corrupt::Compressed)?;
        if read > BATCH_BYTES_MAX { Err(Corrupt::Compressed) } else { Ok(()) }
    }

    fn snappy(&mut self, bytes: &[u8]) -> Result<(), Corrupt> {
        if !bytes.starts_with(SNAPPY_BLOCKS) {
            return self.snappy_block(bytes);
        }
        let mut rest = bytes.get(SNAPPY_BLOCKS_HEADER_BYTES..).ok_or(Corrupt::Compressed)?;
        while let Some((length, behind)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let (block, after) = behind.split_at_checked(length).ok_or(Corrupt::Compressed)?;
            self.snappy_block(block)?;
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(Corrupt::Compressed) }
    }

    fn snappy_block(&mut self, block: &[u8]) -> Result<(), Corrupt> {
        let length = snap::raw::decompress_len(block).map_err(|_| Corrupt::Compressed)?;
        let start = self.buffer.len();
        if start + length > BATCH_BYTES_MAX {
            return Err(Corrupt::Compressed);
        }
        self.buffer.resize(start + length, 0);
        let written = snap::raw::Decoder::new().decompress(block, &mut self.buffer[start..]);
        if written == Ok(length) { Ok(()) } else { Err(Corrupt::Compressed) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const TEXT: &[u8] = b"one two one two one two";

    fn snappy() -> Vec<u8> {
        snap::raw::Encoder::new().compress_vec(TEXT).expect("it is short")
    }

    #[test]
    fn what_was_compressed_comes_out() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TEXT).expect("into memory");
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(TEXT).expect("into memory");
        let mut blocks = [SNAPPY_BLOCKS, &[0, 0, 0, 1, 0, 0, 0, 1]].concat();
        for _ in 0..2 {
            blocks.extend(u32::try_from(snappy().len()).expect("short").to_be_bytes());
            blocks.extend(snappy());
        }
        let mut decompressor = Decompressor::default();
        for (codec, bytes, times) in [
            (Codec::None, TEXT.to_vec(), 1),
            (Codec::Gzip, gzip.finish().expect("into memory"), 1),
            (Codec::Lz4, lz4.finish().expect("into memory"), 1),
            (Codec::Zstd, zstd::stream::encode_all(TEXT, 1).expect("into memory"), 1),
            (Codec::Snappy, snappy(), 1),
            (Codec::Snappy, blocks, 2),
        ] {
            assert_eq!(decompressor.run(codec, &bytes), Ok(TEXT.repeat(times).as_slice()), "{codec:?}");
            if codec != Codec::None {
                // Inside a block: a frame of LZ4 may lack its end mark, which the batch's checksum would tell.
                let cut = &bytes[..bytes.len() - 6];
                assert_eq!(decompressor.run(codec, cut), Err(Corrupt::Compressed), "{codec:?}, cut off");
            }
        }
    }

    #[test]
    fn a_batch_that_would_fill_the_memory_is_refused() {
        let zeros = vec![0; BATCH_BYTES_MAX + 1];
        let small = zstd::stream::encode_all(zeros.as_slice(), 1).expect("into memory");
        assert!(small.len() < 100_000);
        assert_eq!(Decompressor::default().run(Codec::Zstd, &small), Err(Corrupt::Compressed));
        let claims = [0xff, 0xff, 0xff, 0xff, 0x0f, 0];
        assert_eq!(Decompressor::default().run(Codec::Snappy, &claims), Err(Corrupt::Compressed));
    }
}
