//! The three hashes: keys in memory (seeded, never persisted), keys to partitions (murmur2, as Java
//! clients place them) and names to four bytes (fingerprints, persisted).

use core::hash::BuildHasher;

/// Hashes keys for look-ups in memory. The seed comes from the shell: random in production, so that
/// nobody can aim at collisions, fixed in simulations. Never persist these hashes.
#[derive(Clone, Debug)]
pub struct Hasher(foldhash::fast::FixedState);

impl Hasher {
    /// A hasher with this seed.
    pub fn new(seed: u64) -> Self {
        Self(foldhash::fast::FixedState::with_seed(seed))
    }

    /// The hash of a key.
    pub fn hash(&self, key: &[u8]) -> u64 {
        self.0.hash_one(key)
    }
}

/// The partition of a key among `partitions`, as Apache Kafka's Java clients place it
/// (`org.apache.kafka.clients.producer.internals.BuiltInPartitioner`: murmur2, sign bit cleared, modulo).
///
/// # Panics
/// Without partitions: a topic has at least one.
pub fn partition_of(key: &[u8], partitions: u32) -> u32 {
    (murmur2(key) & 0x7fff_ffff) % partitions
}

/// The 32-bit murmur2 of Apache Kafka (seed 0x9747b28c).
pub fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    const R: u32 = 24;
    let mut h = SEED ^ crate::record::position(data.len());
    let mut chunks = data.chunks_exact(4);
    for chunk in &mut chunks {
        let mut k = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]).wrapping_mul(M);
        k ^= k >> R;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = chunks.remainder();
    for (i, byte) in rest.iter().enumerate() {
        h ^= u32::from(*byte) << (8 * i);
    }
    if !rest.is_empty() {
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    h ^ (h >> 15)
}

/// Four bytes that stand for a name (a schema, a topic) in frames and offset metadata: FNV-1a, 32 bits.
pub fn fingerprint(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn murmur2_agrees_with_the_java_client() {
        // The vectors of Apache Kafka's own UtilsTest.testMurmur2.
        let cases: [(&[u8], i32); 6] = [
            (b"21", -973_932_308),
            (b"foobar", -790_332_482),
            (b"a-little-bit-long-string", -985_981_536),
            (b"a-little-bit-longer-string", -1_486_304_829),
            (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            (b"abc", 479_470_107),
        ];
        for (key, hash) in cases {
            assert_eq!(murmur2(key) as i32, hash, "{key:?}");
        }
    }

    #[test]
    fn a_key_stays_below_the_number_of_partitions() {
        for n in 1..100u32 {
            assert!(partition_of(&n.to_le_bytes(), n) < n);
        }
    }
}
