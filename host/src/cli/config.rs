//! `host config`.

use super::print;
use super::settings::Settings;
use crate::config;
use crate::exit::Failure;
use clap::Subcommand;
use std::io::{Write as _, stderr};

/// Look at the settings.
#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Print all settings as TOML, each with where it comes from; secrets are hidden
    Show(Box<Settings>),
}

impl Verb {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self::Show(settings) = self;
        let loaded = config::show(&settings.sources()?)?;
        for warning in &loaded.warnings {
            // As for errors: nobody is left to tell when standard error is gone.
            let _ = writeln!(stderr(), "warning: {warning}");
        }
        print(&config::toml(&loaded.value))
    }
}
