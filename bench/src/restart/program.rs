//! What is restarted, and how it is told to do the job.

use super::INPUT;
use super::log::{self, Restore};
use crate::hosted;
use crate::measure::Place;
use crate::rivals::{Job, streams};
use anyhow::Result;
use std::fs::{self, File};
use std::process::{Child, Stdio};
use testkit::Kafka;
use xtask::process;

/// How the host's log shows restores and snapshots, and little else.
const LOG_FILTER: &str = "info,host::snapshot=debug,host::kafka::changelog=debug";
const SNAPSHOT_INTERVAL_MS: &str = "1000";

/// A program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program {
    Host,
    Streams,
}

/// How its group knows it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    /// By a name that stays: it gets its partitions back at once.
    Static,
    /// Not at all: the one that was killed is waited for until its session ends.
    Dynamic,
}

impl Membership {
    fn name(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Dynamic => "dynamic",
        }
    }
}

/// All, ours first.
pub(super) fn all() -> [(Program, Membership); 4] {
    [
        (Program::Host, Membership::Static),
        (Program::Streams, Membership::Static),
        (Program::Host, Membership::Dynamic),
        (Program::Streams, Membership::Dynamic),
    ]
}

/// Where an application writes its results.
pub(super) fn output(application: &str) -> String {
    format!("{application}-output")
}

impl Program {
    /// For topics and folders.
    pub(super) fn name(self, membership: Membership) -> String {
        let program = match self {
            Self::Host => "host",
            Self::Streams => "streams",
        };
        format!("restart-{program}-{}", membership.name())
    }

    /// For tables.
    pub(super) fn title(self, membership: Membership) -> String {
        let program = match self {
            Self::Host => "host, Wasm module",
            Self::Streams => "Kafka Streams, RocksDB",
        };
        format!("{program}, {} membership", membership.name())
    }

    /// Starts it; its log begins anew.
    pub(super) fn start(
        self,
        kafka: &Kafka,
        application: &str,
        membership: Membership,
        place: &Place,
    ) -> Result<Child> {
        let mut command = match self {
            Self::Host => {
                let output = output(application);
                let topics = ["--input", INPUT, "--output", &output];
                let flags = ["--repartition", "never", "--from-beginning", "--membership", membership.name()];
                let arguments = [&topics[..], &flags].concat();
                let mut command =
                    hosted::endless(kafka, &place.0, application, &hosted::module(true), &arguments);
                command.env("RUST_LOG", LOG_FILTER);
                command.env("HOST_SNAPSHOT_INTERVAL_MS", SNAPSHOT_INTERVAL_MS);
                command
            }
            Self::Streams => {
                let application = application.to_owned();
                // It ends by a signal, and not after so many records.
                let job = Job { kafka, application, input: INPUT, records: i64::MAX.cast_unsigned() };
                let mut command = streams(&job, place, "keyed", "commit")?;
                command.args(["--membership", membership.name(), "--instance", "0"]);
                command
            }
        };
        command
            .stdin(Stdio::null())
            .stdout(File::create(place.0.join("out"))?)
            .stderr(File::create(place.0.join("log"))?);
        process::die_with_parent(&mut command);
        Ok(command.spawn()?)
    }

    /// Removes the state that it has on this machine; its changelog is all that is left.
    pub(super) fn forget(self, application: &str, place: &Place) -> Result<()> {
        let folder = match self {
            Self::Host => place.0.join("state/wasmhost").join(application).join("snapshots"),
            Self::Streams => place.0.join(application),
        };
        Ok(fs::remove_dir_all(folder)?)
    }

    /// How its last start restored from the changelog.
    pub(super) fn restore(self, place: &Place) -> Result<Option<Restore>> {
        match self {
            Self::Host => log::of_host(&place.log()),
            Self::Streams => log::of_streams(&place.output()),
        }
    }
}
