//! What a person would write by hand instead of running the host: one loop a thread over librdkafka, sums in a
//! hash map, results, changelog and offsets in one transaction every commit interval. It has the host's
//! guarantee and none of the rest: no sandbox, no groups that rebalance, no restore, no dead letters.
//!
//! It is linked twice, once with each allocator, and is a program of its own so that the host's dependencies
//! are not in it.

mod client;
mod read;
mod reader;
mod sum;
mod sums;
mod writer;

use anyhow::{Result, bail};
use bench_kit::Arguments;

/// `sum` or `read`, then pairs of `--name value`.
///
/// # Errors
/// A wrong argument, or whatever Kafka says.
pub fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let verb = words.next().unwrap_or_default();
    let arguments = Arguments::parse(words)?;
    match verb.as_str() {
        "sum" => sum::run(&arguments),
        "read" => read::run(&arguments),
        _ => bail!("cannot do \"{verb}\"; it is sum or read"),
    }
}
