//! Clusters points: one model of `k` centers a key, learnt from mini-batches while points come.
//!
//! Batches of the host may be cut anywhere, so points are gathered in the accumulator, and a full mini-batch is learnt
//! there. No merge: what is learnt depends on the order of the points.
#![deny(unsafe_code)]

mod learn;
mod model;
mod point;
mod random;

use std::fmt::Write as _;

use guest_sdk::{
    Bytes, Error, Failure, Finish, Finished, Operator, Output, Record, Reduce, Settings, Transform, Value,
};
use learn::Plan;
pub use model::Model;

/// Centers, by default.
const K_DEFAULT: usize = 8;
/// Numbers of a point, by default.
const DIMENSIONS_DEFAULT: usize = 2;
/// Points of a mini-batch, by default.
const BATCH_POINTS_DEFAULT: usize = 512;
/// Numbers that an accumulator may hold, 8 bytes each: it stays below Kafka's 1 MiB a record.
const NUMBERS_MAX: usize = 100_000;

/// The operator.
#[derive(Debug)]
pub struct KMeans {
    dimensions: usize,
    plan: Plan,
    /// The row that is being written; kept for its room.
    row: Vec<u8>,
}

impl Operator for KMeans {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "k-means:dimensions,centers,waiting";
    const ROW_SCHEMA: &'static str = "f64-le list";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["k", "dimensions", "batch_points", "seed"])?;
        let (k, dimensions) =
            (settings.parse("k", K_DEFAULT)?, settings.parse("dimensions", DIMENSIONS_DEFAULT)?);
        let batch_points = settings.parse("batch_points", BATCH_POINTS_DEFAULT)?;
        if k == 0 || dimensions == 0 {
            return Err("settings `k` and `dimensions` may not be 0".into());
        }
        if batch_points < k {
            return Err(format!(
                "setting `batch_points` is {batch_points}; the first {k} centers need as many"
            ));
        }
        let numbers = k.saturating_add(batch_points).saturating_mul(dimensions);
        if numbers > NUMBERS_MAX {
            return Err(format!(
                "(`k` + `batch_points`) x `dimensions` is {numbers}; it may be {NUMBERS_MAX}"
            ));
        }
        Ok(Self {
            dimensions,
            plan: Plan { k, batch_points, seed: settings.parse("seed", 1)? },
            row: Vec::new(),
        })
    }
}

impl Transform for KMeans {
    fn transform(&mut self, record: Record<'_>, out: &mut Output) -> Result<(), Error> {
        let numbers = point::parse(record.value_bytes()?, self.dimensions)?;
        self.row.clear();
        self.row.extend(numbers.into_iter().flat_map(f64::to_le_bytes));
        out.emit(record.key.unwrap_or_default(), &self.row);
        Ok(())
    }
}

impl Reduce for KMeans {
    type Accumulator = Model;

    fn fold(&mut self, model: &mut Option<Model>, value: Value<'_>) -> Result<(), Error> {
        let model = model.get_or_insert_with(|| Model::new(self.dimensions));
        model.push(value.bytes)?;
        if model.waiting_points() >= self.plan.batch_points {
            learn::batch(model, &self.plan);
        }
        Ok(())
    }
}

impl Finish for KMeans {
    fn finish(&mut self, _key: &[u8], model: &Model, out: &mut Bytes) -> Result<Finished, Failure> {
        write!(out, "{{\"points\":{},\"spread\":{:.6},\"centers\":[", model.points(), model.spread)?;
        for (i, (center, count)) in model.centers().enumerate() {
            out.push(if i == 0 { b"{\"at\":[" } else { b",{\"at\":[" });
            for (n, number) in center.iter().enumerate() {
                let comma = if n == 0 { "" } else { "," };
                write!(out, "{comma}{}", point::Fixed(*number))?;
            }
            write!(out, "],\"points\":{count}}}")?;
        }
        out.push(b"]}");
        Ok(Finished::Value)
    }
}

guest_sdk::export!(KMeans: transform, reduce, finish);
