//! The most frequent items of each key, with a bounded number of counters.
//!
//! No merge: which counter is taken over depends on the order of the items.
#![deny(unsafe_code)]

mod counters;

use std::fmt::Write as _;

pub use counters::Counters;
use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, Operator, Output, Record, Reduce, Settings, Transform, Value,
    reject,
};

/// Items of a result, by default.
const K_DEFAULT: usize = 10;
/// Counters a key, by default.
const COUNTERS_DEFAULT: usize = 1000;
/// Counters a key, at most: with the longest items an accumulator stays below Kafka's 1 MiB a record.
const COUNTERS_LIMIT: usize = 3000;
/// Bytes of an item, at most.
const ITEM_BYTES_MAX: usize = 256;

/// The operator.
#[derive(Debug)]
pub struct TopK {
    field: Option<String>,
    k: usize,
    counters_max: usize,
}

impl Operator for TopK {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "space-saving:item,count,error";
    const ROW_SCHEMA: &'static str = "item";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["field", "k", "counters"])?;
        let counters_max = settings.parse("counters", COUNTERS_DEFAULT)?;
        if !(1..=COUNTERS_LIMIT).contains(&counters_max) {
            return Err(format!("setting `counters` is {counters_max}; it may be 1 to {COUNTERS_LIMIT}"));
        }
        let k = settings.parse("k", K_DEFAULT)?;
        if !(1..=counters_max).contains(&k) {
            return Err(format!("setting `k` is {k}; it may be 1 to `counters`, {counters_max}"));
        }
        Ok(Self { field: settings.get("field").map(str::to_owned), k, counters_max })
    }
}

impl Transform for TopK {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let item = match &self.field {
            Some(field) => &item_in(&record, field)?,
            None => record.value_str()?,
        };
        if item.len() > ITEM_BYTES_MAX {
            return Err(reject(format!("the item has {} bytes, at most {ITEM_BYTES_MAX}", item.len())));
        }
        out.emit(record.key.unwrap_or_default(), item);
        Ok(())
    }
}

impl Reduce for TopK {
    type Accumulator = Counters;

    fn fold(&mut self, counters: &mut Option<Counters>, value: Value<'_>) -> Result<(), Error> {
        counters.get_or_insert_default().count(value.as_str()?, self.counters_max);
        Ok(())
    }
}

impl Finish for TopK {
    fn finish(&mut self, _key: &[u8], counters: &Counters, out: &mut Bytes) -> Result<Finished, Failure> {
        out.push(b"[");
        for (i, (item, counter)) in counters.top(self.k).into_iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            let item = json::Value::from(item);
            write!(
                out,
                "{comma}{{\"item\":{item},\"count\":{},\"error\":{}}}",
                counter.count, counter.error
            )?;
        }
        out.push(b"]");
        Ok(Finished::Value)
    }
}

/// A text as it is, a number or a bool as its JSON.
fn item_in(record: &Record<'_>, field: &str) -> Result<String, Error> {
    let mut value: json::Value = json::from_slice(record.value_bytes()?)
        .map_err(|error| reject(format!("the value is not JSON: {error}")))?;
    match value.get_mut(field).map(json::Value::take) {
        Some(json::Value::String(text)) => Ok(text),
        Some(item @ (json::Value::Number(_) | json::Value::Bool(_))) => Ok(item.to_string()),
        _ => Err(reject(format!("the field `{field}` is missing, or no text, number or bool"))),
    }
}

guest_sdk::export!(TopK: transform, reduce, finish);
