//! `host topology`.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use super::settings::Settings;
use super::{Logs, print};
use crate::exit::Failure;
use crate::topology::{Format, Topology};
use crate::{config, logging};
use clap::Args;

/// Print the topology.
#[derive(Args, Debug)]
pub(super) struct PrintTopology {
    /// ascii, or describe (as Kafka Streams' Topology.describe())
    #[arg(long, value_enum, default_value = "ascii", hide_possible_values = true, value_name = "FORMAT")]
    format: Format,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    logs: Logs,
}

impl PrintTopology {
    pub(super) fn run(self) -> Result<(), Failure> {
        let loaded = config::load(&self.settings.sources()?)?;
        logging::init(loaded.value.log_format, self.logs.into())?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        let module = crate::run::describe(&loaded.value)?;
        print(&Topology::new(&loaded.value, &module).text(self.format))
    }
}
