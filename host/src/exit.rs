//! How the program ends: exit codes that supervisors can tell apart, and the one place where an error is
//! printed.

use crate::config::{ConfigError, Origin};
use host_core::error::{Stop, StopKind};
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// Kinds of ends that are not a success. Codes are part of the command line's promise; see `sysexits.h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ExitKind {
    /// Something failed while running.
    Failure = 1,
    /// A flag is wrong.
    Usage = 2,
    /// A record failed and the policy is to stop, too many records failed, or a file is not what it must be.
    BadData = 65,
    /// The module is missing or cannot be loaded.
    NoModule = 66,
    /// Kafka was not reached at the start.
    KafkaUnreachable = 69,
    /// A bug in this program.
    Bug = 70,
    /// State could not be read or written, or is not what it must be.
    StateIo = 74,
    /// Kafka does not let us.
    NotAuthorised = 77,
    /// A setting is wrong.
    BadConfig = 78,
    /// SIGINT before the drain ended.
    Interrupted = 130,
    /// SIGTERM before the drain ended.
    Terminated = 143,
}

impl ExitKind {
    /// The exit code.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl From<ExitKind> for ExitCode {
    fn from(kind: ExitKind) -> Self {
        Self::from(kind.code())
    }
}

impl From<StopKind> for ExitKind {
    fn from(kind: StopKind) -> Self {
        match kind {
            StopKind::BadData => Self::BadData,
            StopKind::Guest | StopKind::Kafka => Self::Failure,
            StopKind::NotAuthorised => Self::NotAuthorised,
            StopKind::State => Self::StateIo,
        }
    }
}

/// An end with its cause and what to do.
#[derive(Debug)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: ExitKind,
    /// What happened, outermost first.
    pub error: anyhow::Error,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(kind: ExitKind, error: impl Into<anyhow::Error>) -> Self {
        Self { kind, error: error.into(), hint: None }
    }

    /// The same with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints the chain on one line and the hint on its own.
    ///
    /// # Errors
    /// As `out`.
    pub fn print(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "{self}")?;
        match &self.hint {
            Some(hint) => writeln!(out, "hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {:#}", self.error)
    }
}

impl From<ConfigError> for Failure {
    /// A wrong flag is a usage error, everything else a wrong setting.
    fn from(error: ConfigError) -> Self {
        let kind = match error.origin {
            Some(Origin::Flag(_)) => ExitKind::Usage,
            _ => ExitKind::BadConfig,
        };
        let hint = error.hint.clone();
        Self { kind, error: error.into(), hint }
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::new(stop.kind.into(), stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn the_chain_is_one_line_and_the_hint_another() {
        let cause = Err::<(), _>(io::Error::other("disk on fire"));
        let error = cause.context("cannot open the module \"sum.wasm\"").expect_err("it is an error");
        let mut out = Vec::new();
        let failure = Failure::new(ExitKind::NoModule, error).hint("check the path");
        failure.print(&mut out).expect("memory is writable");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, "error: cannot open the module \"sum.wasm\": disk on fire\nhint: check the path\n");
    }

    #[test]
    fn wrong_flags_are_usage_and_wrong_files_are_config() {
        let kind = |origin| Failure::from(ConfigError::at(&origin, "no")).kind.code();
        assert_eq!(kind(Origin::Flag("--workers")), 2);
        assert_eq!(kind(Origin::Variable("HOST_WORKERS".into())), 78);
        assert_eq!(kind(Origin::File("host.toml".into(), 1)), 78);
        assert_eq!(Failure::from(ConfigError::nowhere("no module")).kind.code(), 78);
    }

    /// The next one; so none is forgotten.
    fn next(kind: ExitKind) -> Option<ExitKind> {
        Some(match kind {
            ExitKind::Failure => ExitKind::Usage,
            ExitKind::Usage => ExitKind::BadData,
            ExitKind::BadData => ExitKind::NoModule,
            ExitKind::NoModule => ExitKind::KafkaUnreachable,
            ExitKind::KafkaUnreachable => ExitKind::Bug,
            ExitKind::Bug => ExitKind::StateIo,
            ExitKind::StateIo => ExitKind::NotAuthorised,
            ExitKind::NotAuthorised => ExitKind::BadConfig,
            ExitKind::BadConfig => ExitKind::Interrupted,
            ExitKind::Interrupted => ExitKind::Terminated,
            ExitKind::Terminated => return None,
        })
    }

    fn numbers(text: &str) -> Vec<u8> {
        text.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
    }

    #[test]
    fn the_help_and_the_operations_page_have_all_codes_and_no_others() {
        let kinds = std::iter::successors(Some(ExitKind::Failure), |kind| next(*kind));
        let codes: Vec<u8> = std::iter::once(0).chain(kinds.map(ExitKind::code)).collect();
        assert_eq!(numbers(crate::cli::EXIT_CODES), codes);
        let page = include_str!("../../docs/operations.md");
        let (_, table) = page.split_once("| code | meaning | what to do |\n").expect("the table of codes");
        let rows = table.lines().skip(1).take_while(|line| line.starts_with('|'));
        let found: Vec<u8> =
            rows.flat_map(|row| numbers(row.split('|').nth(1).unwrap_or_default())).collect();
        assert_eq!(found, codes);
        let (_, kept) = page.split_once("RestartPreventExitStatus=").expect("the systemd unit");
        assert!(numbers(kept.lines().next().unwrap_or_default()).iter().all(|code| codes.contains(code)));
    }

    #[test]
    fn stops_have_codes() {
        let code = |kind| Failure::from(Stop::new(kind, "why")).kind.code();
        assert_eq!(code(StopKind::BadData), 65);
        assert_eq!(code(StopKind::Guest), 1);
        assert_eq!(code(StopKind::Kafka), 1);
        assert_eq!(code(StopKind::NotAuthorised), 77);
        assert_eq!(code(StopKind::State), 74);
    }
}
