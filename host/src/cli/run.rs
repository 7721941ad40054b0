//! `host run`.

use super::Logs;
use super::settings::Settings;
use crate::exit::Failure;
use crate::{config, embedded, logging};
use clap::Args;

const SETTINGS: &str = "\
A flag wins over its HOST_ environment variable, that over the settings file, that over the default.
`host config show` prints all settings, also those without a flag, with where each comes from.";

/// Run an application.
#[derive(Args, Debug)]
#[command(after_help = SETTINGS)]
#[allow(clippy::struct_excessive_bools, reason = "four independent flags, each with its name")]
pub(super) struct Run {
    #[command(flatten)]
    settings: Settings,
    /// Stop when the ends of the inputs seen at the start are committed
    #[arg(long, help_heading = "Processing")]
    until_end: bool,
    /// Print results to standard output: key, tab, value
    #[arg(long, help_heading = "Processing")]
    print: bool,
    /// Swap to the module's file whenever it changes; without it only on SIGHUP
    #[arg(long, help_heading = "Module")]
    watch: bool,
    /// Start a broker in this process, in memory, where --bootstrap-servers says: for trying and testing
    #[arg(long, help_heading = "Kafka")]
    embedded: bool,
    #[command(flatten)]
    logs: Logs,
}

impl Run {
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut sources = self.settings.sources()?;
        sources.until_end = self.until_end;
        sources.print = self.print;
        sources.watch = self.watch;
        let broker =
            if self.embedded { Some(embedded::start(&mut sources, "--embedded", false)?) } else { None };
        let loaded = config::load_all(&sources)?;
        logging::init(loaded[0].value.log_format, self.logs.into())?;
        // They are of the environment, and so the same for all.
        for warning in &loaded[0].warnings {
            tracing::warn!("{warning}");
        }
        if let Some(broker) = &broker {
            let address = broker.address();
            tracing::info!(%address, "an embedded broker of one node, in memory: for trying and testing");
        }
        // The broker ends behind the application.
        crate::run::run(loaded.into_iter().map(|loaded| loaded.value).collect())
    }
}
