//! Removes records whose id was seen before: the first of an id passes as it is, the others are dropped.
//!
//! State has no expiry, so ids are kept in a fixed number of buckets, each a list with a bound. The transform keys
//! records by the bucket of their id and carries them whole; the processor unpacks those that are new.
#![deny(unsafe_code)]

mod carried;
mod seen;

use carried::Carried;
use guest_sdk::{Error, Operator, Output, Process, Record, Settings, Transform, Value, reject};
pub use seen::Seen;
use seen::{Bounds, Id};

/// How many lists of ids there are. Another number would look for an id where it is not: it would need another
/// state schema.
const BUCKETS: u64 = 4096;
/// Bytes of an id, at most: bounds an accumulator.
const ID_BYTES_MAX: usize = 256;
/// Ids kept, by default.
const IDS_MAX_DEFAULT: u64 = 100_000;
/// `ids_max` itself, at most: 1,000 ids a bucket, so that an accumulator stays far below Kafka's 1 MiB a record.
const IDS_MAX_LIMIT: u64 = 1000 * BUCKETS;

/// The operator.
#[derive(Debug)]
pub struct Dedupe {
    id_field: Option<String>,
    bounds: Bounds,
    /// The row that is being packed; kept for its room.
    packed: Vec<u8>,
}

impl Operator for Dedupe {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "dedupe:4096 buckets of (time,id)";
    const ROW_SCHEMA: &'static str = "dedupe:id,key,value,headers";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["id_field", "ids_max", "window_ms"])?;
        let ids_max = settings.parse("ids_max", IDS_MAX_DEFAULT)?;
        if !(1..=IDS_MAX_LIMIT).contains(&ids_max) {
            return Err(format!("setting `ids_max` is {ids_max}; it may be 1 to {IDS_MAX_LIMIT}"));
        }
        let window_ms: u32 = settings.parse("window_ms", 0)?;
        Ok(Self {
            id_field: settings.get("id_field").map(str::to_owned),
            bounds: Bounds {
                ids_max: ids_max.div_ceil(BUCKETS) as usize,
                window_ms: (window_ms > 0).then_some(i64::from(window_ms)),
            },
            packed: Vec::new(),
        })
    }
}

impl Transform for Dedupe {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let field = self.id_field.as_deref().map(|field| id_in(&record, field)).transpose()?;
        let id = match &field {
            Some(id) => id.as_bytes(),
            None => record.key.ok_or_else(|| reject("the key is null, and the key is the id"))?,
        };
        if id.len() > ID_BYTES_MAX {
            return Err(reject(format!("the id has {} bytes, at most {ID_BYTES_MAX} are allowed", id.len())));
        }
        let bucket = (hash(id) % BUCKETS) as u16;
        self.packed.clear();
        carried::pack(&mut self.packed, field.as_ref().map(String::as_bytes), &record);
        out.emit(bucket.to_be_bytes(), &self.packed);
        Ok(())
    }
}

impl Process for Dedupe {
    type Accumulator = Seen;

    fn process(&mut self, seen: &mut Option<Seen>, value: Value<'_>, out: &mut Output) -> Result<(), Error> {
        let Carried { id, key, value: bytes, headers } = Carried::unpack(value.bytes)
            .ok_or_else(|| reject("the row is none of this operator's transform"))?;
        let id = Id { bytes: id.or(key).unwrap_or_default(), time_ms: value.timestamp };
        if seen.get_or_insert_default().admits(&id, &self.bounds) {
            let mut row = out.emit(key, bytes);
            for (name, value) in headers {
                row = row.header(name, value);
            }
        }
        Ok(())
    }
}

/// The field's JSON text: the number 7 and the text "7" are different ids.
fn id_in(record: &Record<'_>, field: &str) -> Result<String, Error> {
    let value: json::Value = json::from_slice(record.value_bytes()?)
        .map_err(|error| reject(format!("the value is not JSON: {error}")))?;
    match value.get(field) {
        None | Some(json::Value::Null) => {
            Err(reject(format!("there is no id: `{field}` is missing or null")))
        }
        Some(id) => Ok(id.to_string()),
    }
}

/// FNV-1a, 64 bits: which list an id is in. Must never change.
fn hash(id: &[u8]) -> u64 {
    id.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

guest_sdk::export!(Dedupe: transform, process);
