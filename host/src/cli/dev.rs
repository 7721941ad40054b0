//! `host dev`.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use super::settings::Settings;
use super::{Logs, print};
use crate::dev::{self, Flow};
use crate::exit::Failure;
use crate::logging;
use clap::Args;

const WHAT: &str = "\
Starts a broker that speaks the Kafka protocol, lets sample records flow into the input, and runs the
application on them; the module is swapped whenever its file changes. Any Kafka client can connect, and
the page at the printed address shows all of it.
The broker is one node and keeps everything in memory: it is for trying and testing, not production.

Settings are those of `host run`, but for these: --module is native:sum unless you say otherwise, topics
are created with 4 partitions, and --bootstrap-servers says where the broker listens; where nobody says
so and localhost:9092 is taken, that is any free port; the same is true of --admin.";

/// Try an application: a broker, sample records and the application in one process.
#[derive(Args, Debug)]
#[command(after_help = WHAT)]
pub(super) struct Dev {
    /// Sample records a second; 0: none
    #[arg(long, value_name = "N", default_value = "2000", help_heading = "Sample records")]
    rate: u32,
    /// Sample records in all [default: without end]
    #[arg(long, value_name = "N", help_heading = "Sample records")]
    records: Option<u64>,
    #[command(flatten)]
    settings: Settings,
    /// Print results to standard output: key, tab, value
    #[arg(long, help_heading = "Processing")]
    print: bool,
    #[command(flatten)]
    logs: Logs,
}

impl Dev {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut sources = self.settings.sources()?;
        sources.print = self.print;
        let flow = Flow { records_per_s: self.rate, records: self.records };
        dev::run(sources, flow, |config| logging::init(config.log_format, self.logs.into()), print)
    }
}
