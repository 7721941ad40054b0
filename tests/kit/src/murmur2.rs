//! Where a Java client puts a key. Written from the algorithm's description and not from the host's, which
//! it judges.

/// The partition of `key` among `partitions`.
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions
}

fn murmur2(key: &[u8]) -> u32 {
    let m = 0x5bd1_e995_u32;
    let length = u32::try_from(key.len()).expect("a key is far smaller than 4 GiB");
    let mut hash = 0x9747_b28c_u32 ^ length;
    let (words, tail) = key.as_chunks::<4>();
    for word in words {
        let mixed = u32::from_le_bytes(*word).wrapping_mul(m);
        let mixed = (mixed ^ (mixed >> 24)).wrapping_mul(m);
        hash = hash.wrapping_mul(m) ^ mixed;
    }
    if !tail.is_empty() {
        let mut last = [0; 4];
        last[..tail.len()].copy_from_slice(tail);
        hash = (hash ^ u32::from_le_bytes(last)).wrapping_mul(m);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(m);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_the_java_client() {
        // From UtilsTest of Apache Kafka.
        assert_eq!(murmur2(b"21").cast_signed(), -973_932_308);
        assert_eq!(murmur2(b"foobar").cast_signed(), -790_332_482);
        assert_eq!(murmur2(b"a-little-bit-long-string").cast_signed(), -985_981_536);
        assert_eq!(murmur2(b"abc").cast_signed(), 479_470_107);
    }
}
