//! Sets logs up, once: text on a terminal, else one JSON object a line; always to standard error, as
//! standard output is data.

use crate::config::LogFormat;
use crate::exit::{ExitKind, Failure};
use crate::progress::AboveLine;
use crate::shown::colours_are_wanted;
use std::io::{IsTerminal as _, stderr};
use tracing_subscriber::filter::{EnvFilter, LevelFilter};
use tracing_subscriber::fmt;

/// How much is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verbosity {
    /// Times `-v`.
    pub verbose: u8,
    /// Times `-q`.
    pub quiet: u8,
}

impl Verbosity {
    fn level(self) -> LevelFilter {
        match i16::from(self.verbose) - i16::from(self.quiet) {
            ..=-3 => LevelFilter::OFF,
            -2 => LevelFilter::ERROR,
            -1 => LevelFilter::WARN,
            0 => LevelFilter::INFO,
            1 => LevelFilter::DEBUG,
            2.. => LevelFilter::TRACE,
        }
    }
}

/// Starts logging. `HOST_LOG`, else `RUST_LOG`, is a filter (`debug,rdkafka=warn`) and wins over `verbosity`.
///
/// # Errors
/// A filter that cannot be read, or a second call.
pub fn init(format: LogFormat, verbosity: Verbosity) -> Result<(), Failure> {
    let terminal = stderr().is_terminal();
    // A log that cannot be written (its disk is full) is lost, and nothing else.
    let logs = fmt().with_env_filter(filter(verbosity)?).log_internal_errors(false).with_writer(|| AboveLine);
    let json = match format {
        LogFormat::Auto => !terminal,
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let started = if json {
        logs.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        logs.with_ansi(colours_are_wanted(&stderr())).with_target(verbosity.verbose > 0).try_init()
    };
    started.map_err(|error| Failure::new(ExitKind::Bug, anyhow::anyhow!("cannot start logging: {error}")))
}

fn filter(verbosity: Verbosity) -> Result<EnvFilter, Failure> {
    for variable in ["HOST_LOG", "RUST_LOG"] {
        if let Ok(text) = std::env::var(variable)
            && !text.is_empty()
        {
            return EnvFilter::try_new(&text).map_err(|error| {
                let error =
                    anyhow::anyhow!("environment variable {variable}: {text:?} is no filter: {error}");
                Failure::new(ExitKind::BadConfig, error).hint("for example info, or info,rdkafka=debug")
            });
        }
    }
    Ok(EnvFilter::new(verbosity.level().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_flag_is_one_level() {
        let level = |verbose, quiet| Verbosity { verbose, quiet }.level();
        assert_eq!(level(0, 0), LevelFilter::INFO);
        assert_eq!(level(1, 0), LevelFilter::DEBUG);
        assert_eq!(level(9, 0), LevelFilter::TRACE);
        assert_eq!(level(0, 1), LevelFilter::WARN);
        assert_eq!(level(0, 9), LevelFilter::OFF);
    }
}
