//! Sums numbers per key: lines `key,number`.

use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, Operator, Output, Record, Reduce, Settings, Transform, Value,
    reject,
};
use std::fmt::Write as _;

struct Sum;

impl Operator for Sum {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "sum:i64-le";
    const ROW_SCHEMA: &'static str = "i64-le";

    fn configure(_: &Settings<'_>) -> Result<Self, String> {
        Ok(Self)
    }
}

impl Transform for Sum {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let line = record.value_str()?;
        let (key, number) = line.split_once(',').ok_or_else(|| reject("the line has no comma"))?;
        let number: i64 = number.parse()?;
        out.emit(key, number.to_le_bytes());
        Ok(())
    }
}

impl Reduce for Sum {
    type Accumulator = i64;

    fn fold(&mut self, sum: &mut Option<i64>, value: Value<'_>) -> Result<(), Error> {
        let number = i64::from_le_bytes(value.as_array()?);
        let new = sum.unwrap_or(0).checked_add(number);
        *sum = Some(new.ok_or_else(|| reject("the sum leaves the range of 64 bits"))?);
        Ok(())
    }
}

impl Finish for Sum {
    fn finish(&mut self, _key: &[u8], sum: &i64, out: &mut Bytes) -> Result<Finished, Failure> {
        write!(out, "{sum}")?;
        Ok(Finished::Value)
    }
}

guest_sdk::export!(Sum: transform, reduce, finish);
