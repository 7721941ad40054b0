//! `direct-fetch --bootstrap-servers HOST:PORT --topic TOPIC --check-crcs yes|no`: reads a topic from its start
//! to its end and prints what it has seen, to be measured beside librdkafka.

use anyhow::{Result, bail};
use bench_kit::{Arguments, Seen};
use direct_fetch::Fetcher;

fn main() -> Result<()> {
    let arguments = Arguments::parse(std::env::args().skip(1))?;
    let check_crcs = match arguments.get("check-crcs")? {
        "yes" => true,
        "no" => false,
        other => bail!("--check-crcs is yes or no, not {other}"),
    };
    let mut fetcher = Fetcher::new(arguments.get("bootstrap-servers")?, arguments.get("topic")?, check_crcs)?;
    let mut seen = Seen::default();
    while fetcher.next(|_, offsets, rows| {
        seen.add(rows, offsets);
        Ok(())
    })? {}
    seen.print()
}
