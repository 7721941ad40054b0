//! Statistics of numbers per key: count, mean, variance, smallest, largest, and quantiles within 1.6 %.
//!
//! No merge: the last bits of a mean depend on the order in which numbers are added.
#![deny(unsafe_code)]

mod number;
mod sketch;
mod summary;

use std::fmt::Write as _;

use guest_sdk::{Bytes, Error, Failure, Finish, Finished, Operator, Reduce, Settings, Value};
use number::Fixed;
pub use sketch::Sketch;
pub use summary::Summary;

/// Quantiles of a result, by default.
const QUANTILES_DEFAULT: &str = "0.5,0.9,0.99";
/// Quantiles of a result, at most.
const QUANTILES_MAX: usize = 100;

/// The operator.
#[derive(Debug)]
pub struct Stats {
    field: Option<String>,
    /// As they were written, and as numbers.
    quantiles: Vec<(String, f64)>,
}

impl Operator for Stats {
    const NAME: &'static str = env!("CARGO_PKG_NAME");
    const VERSION: &'static str = env!("CARGO_PKG_VERSION");
    const STATE_SCHEMA: &'static str = "stats:count,mean,m2,min,max,sketch32x512";

    fn configure(settings: &Settings<'_>) -> Result<Self, String> {
        settings.expect_only(&["field", "quantiles"])?;
        let quantiles = settings.get("quantiles").unwrap_or(QUANTILES_DEFAULT);
        let quantiles: Vec<_> = quantiles
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(quantile)
            .collect::<Result<_, _>>()?;
        if quantiles.len() > QUANTILES_MAX {
            return Err(format!("setting `quantiles` has {}, at most {QUANTILES_MAX}", quantiles.len()));
        }
        Ok(Self { field: settings.get("field").map(str::to_owned), quantiles })
    }
}

impl Reduce for Stats {
    type Accumulator = Summary;

    fn fold(&mut self, summary: &mut Option<Summary>, value: Value<'_>) -> Result<(), Error> {
        let number = number::read(value.bytes, self.field.as_deref())?;
        summary.get_or_insert_default().add(number);
        Ok(())
    }
}

impl Finish for Stats {
    fn finish(&mut self, _key: &[u8], summary: &Summary, out: &mut Bytes) -> Result<Finished, Failure> {
        let Summary { count, mean, min, max, .. } = summary;
        let (mean, variance) = (Fixed(Some(*mean)), Fixed(summary.variance()));
        write!(out, "{{\"count\":{count},\"mean\":{mean},\"variance\":{variance}")?;
        write!(out, ",\"min\":{},\"max\":{},\"quantiles\":{{", Fixed(Some(*min)), Fixed(Some(*max)))?;
        for (i, (text, quantile)) in self.quantiles.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(out, "{comma}\"{text}\":{}", Fixed(Some(summary.quantile(*quantile))))?;
        }
        write!(out, "}}}}")?;
        Ok(Finished::Value)
    }
}

fn quantile(text: &str) -> Result<(String, f64), String> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match text.parse() {
        Ok(quantile) if is_plain && (0.0..=1.0).contains(&quantile) => Ok((text.to_owned(), quantile)),
        _ => Err(format!("setting `quantiles` has `{text}`; give numbers from 0 to 1: {QUANTILES_DEFAULT}")),
    }
}

guest_sdk::export!(Stats: reduce, finish);
