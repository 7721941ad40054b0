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
        let loaded = config::load_all(&self.settings.sources()?)?;
        logging::init(loaded[0].value.log_format, self.logs.into())?;
        for warning in &loaded[0].warnings {
            tracing::warn!("{warning}");
        }
        let text = |config| {
            let module = crate::run::describe(config)?;
            Ok::<_, Failure>(Topology::new(config, &module).text(self.format))
        };
        let texts: Vec<_> = loaded.iter().map(|loaded| text(&loaded.value)).collect::<Result<_, _>>()?;
        print(&texts.concat())
    }
}
