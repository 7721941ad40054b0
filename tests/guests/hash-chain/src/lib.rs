//! An order-sensitive fold: the accumulator of a key is the FNV-1a hash (64 bits, little endian) of the
//! accumulator before and the value. The transform passes records on as they are.
//!
//! With the setting `panic_on` the transform panics at a record with this value, so that tests can look for
//! the panic's message in the host's log.
//!
//! The tests of the laws use it: two values swapped, lost or folded twice change the result.
#![deny(unsafe_code)]

use guest_sdk::{Error, Operator, Output, Record, Reduce, Settings, Transform, Value};

/// The operator.
#[derive(Debug)]
pub struct HashChain {
    panic_on: Option<String>,
}

impl Operator for HashChain {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "fnv1a-64-chain";
    const ROW_SCHEMA: &'static str = "bytes";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["panic_on"])?;
        Ok(Self { panic_on: settings.get("panic_on").map(String::from) })
    }

    fn preserves_key(&self) -> bool {
        true
    }
}

impl Transform for HashChain {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        if let Some(text) = &self.panic_on {
            assert!(
                record.value != Some(text.as_bytes()),
                "hash-chain: told to panic at offset {}",
                record.offset
            );
        }
        out.forward(&record);
        Ok(())
    }
}

impl Reduce for HashChain {
    type Accumulator = u64;

    fn fold(&mut self, hash: &mut Option<u64>, value: Value<'_>) -> Result<(), Error> {
        *hash = Some(link(*hash, value.bytes));
        Ok(())
    }
}

/// The chain after one more value: FNV-1a over the bytes of the hash before (none at the start) and of the
/// value.
pub fn link(before: Option<u64>, value: &[u8]) -> u64 {
    let before = before.map(u64::to_le_bytes);
    let bytes = before.iter().flatten().chain(value);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

guest_sdk::export!(HashChain: transform, reduce);

#[cfg(test)]
mod tests {
    use super::*;
    use guest_sdk::testing::{Input, Runner};

    #[test]
    fn a_chain_of_one_is_the_plain_hash() {
        assert_eq!(link(None, b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(link(None, b"a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn the_order_of_values_matters_and_the_cut_does_not() -> Result<(), guest_sdk::testing::RunError> {
        let state = |values: [&str; 3], batch_records| {
            let mut runner = Runner::<HashChain>::new(&[])?.batch_records(batch_records);
            runner.run(&values.map(|value| Input::new("k", value)))?;
            Ok::<_, guest_sdk::testing::RunError>(runner.accumulator("k"))
        };
        assert_eq!(state(["a", "b", "c"], 1)?, state(["a", "b", "c"], 3)?);
        assert_ne!(state(["a", "b", "c"], 1)?, state(["a", "c", "b"], 1)?);
        assert_eq!(state(["a", "b", "c"], 2)?, Some(link(Some(link(Some(link(None, b"a")), b"b")), b"c")));
        Ok(())
    }
}
