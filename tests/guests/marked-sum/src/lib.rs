//! The sum of `examples/sum` with marked results: a result is the sum and ` marked`. Both have the same schemas,
//! so that the one can take over from the other, and results tell which one was at work. It panics on a record
//! of the key `poison`, and never ends with one of the key `burn`.
#![deny(unsafe_code)]

use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, Merge, Operator, Output, Record, Reduce, Settings, Transform,
    Value, reject,
};
use std::fmt::Write as _;

/// The operator.
#[derive(Debug)]
pub struct MarkedSum;

impl Operator for MarkedSum {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "sum:i128-le";
    const ROW_SCHEMA: &'static str = "i64-le";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&[])?;
        Ok(Self)
    }
}

impl Transform for MarkedSum {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let line = record.value_str()?;
        let (key, number) = line.split_once(',').ok_or_else(|| reject("no comma"))?;
        assert_ne!(key, "poison", "told to panic");
        while std::hint::black_box(key) == "burn" {}
        let number: i64 = number.parse().map_err(|error| reject(format!("{number:?}: {error}")))?;
        out.emit(key.as_bytes(), number.to_le_bytes());
        Ok(())
    }
}

impl Reduce for MarkedSum {
    type Accumulator = i128;

    fn fold(&mut self, sum: &mut Option<i128>, value: Value<'_>) -> Result<(), Error> {
        let number = i64::from_le_bytes(value.as_array()?);
        *sum = Some(sum.unwrap_or(0) + i128::from(number));
        Ok(())
    }
}

impl Merge for MarkedSum {
    fn merge(&mut self, sum: i128, other: i128) -> Result<Option<i128>, Failure> {
        Ok(Some(sum + other))
    }
}

impl Finish for MarkedSum {
    fn finish(&mut self, _key: &[u8], sum: &i128, out: &mut Bytes) -> Result<Finished, Failure> {
        write!(out, "{sum} marked")?;
        Ok(Finished::Value)
    }
}

guest_sdk::export!(MarkedSum: transform, reduce, finish, merge);
