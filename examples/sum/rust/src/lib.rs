//! Sums numbers per key: reads lines `key,value` and keeps, for each key, the sum of its values.
//!
//! See `README.md` for the format. Bad lines are rejected records, never panics.
#![deny(unsafe_code)]

mod line;

use std::fmt::Write as _;

use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, Merge, Operator, Output, Record, Reduce, Settings, Transform,
    Value, reject,
};

/// The operator.
#[derive(Debug)]
pub struct Sum {
    preserves_key: bool,
}

impl Operator for Sum {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "sum:i128-le";
    const ROW_SCHEMA: &'static str = "i64-le";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["preserves_key"])?;
        Ok(Self { preserves_key: settings.parse("preserves_key", false)? })
    }

    fn preserves_key(&self) -> bool {
        self.preserves_key
    }
}

impl Transform for Sum {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let (key, number) = line::parse(record.value_bytes()?)?;
        if self.preserves_key && record.key != Some(key) {
            return Err(reject("the key in the line is not the record's key, and `preserves_key` is set"));
        }
        out.emit(key, number.to_le_bytes());
        Ok(())
    }
}

impl Reduce for Sum {
    type Accumulator = i128;

    fn fold(&mut self, sum: &mut Option<i128>, value: Value<'_>) -> Result<(), Error> {
        let number = i64::from_le_bytes(value.as_array()?);
        // 2^63 numbers of 64 bits fit 128 bits, and no topic holds so many.
        *sum = Some(sum.unwrap_or(0).wrapping_add(i128::from(number)));
        Ok(())
    }
}

impl Merge for Sum {
    fn merge(&mut self, sum: i128, other: i128) -> Result<Option<i128>, Failure> {
        Ok(Some(sum.wrapping_add(other)))
    }
}

impl Finish for Sum {
    fn finish(&mut self, _key: &[u8], sum: &i128, out: &mut Bytes) -> Result<Finished, Failure> {
        write!(out, "{sum}")?;
        Ok(Finished::Value)
    }
}

guest_sdk::export!(Sum: transform, reduce, finish, merge);
