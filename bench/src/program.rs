//! The two programs that are killed and started again beside each other.

use anyhow::{Context, Result};
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use xtask::process;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Host,
    Streams,
}

impl Program {
    /// For topics and folders.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Streams => "streams",
        }
    }

    /// For tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Streams => "Kafka Streams",
        }
    }
}

/// How its group knows it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Membership {
    /// By a name that stays: it gets its partitions back at once.
    Static,
    /// Not at all: the one that was killed is waited for until its session ends.
    Dynamic,
}

impl Membership {
    /// As both programs have it on their command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
        }
    }
}

/// Starts a process that ends with us; what it prints goes into `out` and `log` of the folder, which begin anew.
pub(crate) fn spawn(command: &mut Command, folder: &Path) -> Result<Child> {
    command
        .stdin(Stdio::null())
        .stdout(File::create(folder.join("out"))?)
        .stderr(File::create(folder.join("log"))?);
    process::die_with_parent(command);
    command.spawn().with_context(|| format!("cannot start {}", command.get_program().display()))
}
