//! The flags of commands that look at a module without Kafka: which one, its settings and its grants.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use super::settings::{pair, variables};
use crate::config::{ConfigError, Entry, Origin, Raw, Sources};
use clap::Args;
use std::path::PathBuf;

/// A module and what it is given.
#[derive(Args, Debug)]
pub(super) struct Guest {
    /// The .wasm file, or native:NAME [default: that of the settings file]
    #[arg(value_name = "MODULE")]
    pub(super) module: Option<String>,
    /// Settings file [default: ./host.toml when it exists]
    #[arg(long, value_name = "PATH", help_heading = "Module")]
    config: Option<PathBuf>,
    /// A setting for the module; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Module")]
    set: Vec<String>,
    /// A folder that the module may see; repeatable
    #[arg(long, value_name = "HOST::GUEST[::ro]", help_heading = "Module")]
    dir: Vec<String>,
    /// An environment variable that the module may see; repeatable
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Module")]
    env: Vec<String>,
    /// Let the module see the clock, or random numbers: clock,random
    #[arg(long, value_name = "WHAT", value_delimiter = ',', help_heading = "Module")]
    allow: Vec<String>,
}

impl Guest {
    /// What [`crate::config::load`] reads; `more`: other settings with their flags.
    ///
    /// # Errors
    /// A `name=value` without `=`.
    pub(super) fn sources(
        &self,
        more: &[(&str, &'static str, &Option<String>)],
    ) -> Result<Sources, ConfigError> {
        let mut flags = Vec::new();
        let module = [("module", "MODULE", &self.module)];
        for (key, flag, value) in module.iter().chain(more) {
            if let Some(text) = value {
                flags.push(Entry::for_key(key, Raw::Text(text.clone()), Origin::Flag(flag))?);
            }
        }
        for (key, flag, items) in
            [("grants.dirs", "--dir", &self.dir), ("grants.allow", "--allow", &self.allow)]
        {
            if !items.is_empty() {
                flags.push(Entry::for_key(key, Raw::List(items.clone()), Origin::Flag(flag))?);
            }
        }
        for text in &self.env {
            flags.push(pair(text, "grants.env", "--env")?);
        }
        for text in &self.set {
            flags.push(pair(text, "settings", "--set")?);
        }
        Ok(Sources { file: self.config.clone(), variables: variables(), flags, ..Sources::default() })
    }
}
