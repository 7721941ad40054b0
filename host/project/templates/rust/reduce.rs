//! Counts the records of each key.

use guest_sdk::{Bytes, Error, Failure, Finish, Finished, Operator, Reduce, Settings, Value};
use std::fmt::Write as _;

struct Count;

impl Operator for Count {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "count:u64-le";

    fn configure(_: &Settings<'_>) -> Result<Self, String> {
        Ok(Self)
    }
}

impl Reduce for Count {
    type Accumulator = u64;

    fn fold(&mut self, count: &mut Option<u64>, _: Value<'_>) -> Result<(), Error> {
        *count = Some(count.unwrap_or(0) + 1);
        Ok(())
    }
}

impl Finish for Count {
    fn finish(&mut self, _key: &[u8], count: &u64, out: &mut Bytes) -> Result<Finished, Failure> {
        write!(out, "{count}")?;
        Ok(Finished::Value)
    }
}

guest_sdk::export!(Count: reduce, finish);
