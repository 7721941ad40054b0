//! The sum of `examples/sum` with wider rows between transform and reduce: the same state-schema, another
//! row-schema. Its results are marked as those of `marked-sum`.
#![deny(unsafe_code)]

use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, Merge, Operator, Output, Record, Reduce, Settings, Transform,
    Value, reject,
};
use std::fmt::Write as _;

/// The operator.
#[derive(Debug)]
pub struct WideSum;

impl Operator for WideSum {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "sum:i128-le";
    const ROW_SCHEMA: &'static str = "i128-le";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&[])?;
        Ok(Self)
    }
}

impl Transform for WideSum {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let line = record.value_str()?;
        let (key, number) = line.split_once(',').ok_or_else(|| reject("no comma"))?;
        let number: i64 = number.parse().map_err(|error| reject(format!("{number:?}: {error}")))?;
        out.emit(key.as_bytes(), i128::from(number).to_le_bytes());
        Ok(())
    }
}

impl Reduce for WideSum {
    type Accumulator = i128;

    fn fold(&mut self, sum: &mut Option<i128>, value: Value<'_>) -> Result<(), Error> {
        let number = i128::from_le_bytes(value.as_array()?);
        *sum = Some(sum.unwrap_or(0) + number);
        Ok(())
    }
}

impl Merge for WideSum {
    fn merge(&mut self, sum: i128, other: i128) -> Result<Option<i128>, Failure> {
        Ok(Some(sum + other))
    }
}

impl Finish for WideSum {
    fn finish(&mut self, _key: &[u8], sum: &i128, out: &mut Bytes) -> Result<Finished, Failure> {
        write!(out, "{sum} marked")?;
        Ok(Finished::Value)
    }
}

guest_sdk::export!(WideSum: transform, reduce, finish, merge);
