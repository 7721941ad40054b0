//! `host inspect`.

use super::guest::Guest;
use super::{Logs, print};
use crate::exit::{ExitKind, Failure};
use crate::{config, inspect, logging};
use clap::Args;

/// Look into a module's file.
#[derive(Args, Debug)]
pub(super) struct Inspect {
    #[command(flatten)]
    guest: Guest,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    logs: Logs,
}

impl Inspect {
    pub(super) fn run(self) -> Result<(), Failure> {
        let loaded = config::load(&self.guest.sources(&[])?)?;
        logging::init(loaded.value.log_format, self.logs.into())?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let (inspection, failure) = inspect::inspect(&loaded.value)?;
        if self.json {
            let text = serde_json::to_string_pretty(&inspection);
            let text = text.map_err(|error| Failure::new(ExitKind::Bug, error))?;
            print(&format!("{text}\n"))?;
        } else {
            print(&inspection.text())?;
        }
        failure.map_or(Ok(()), Err)
    }
}
