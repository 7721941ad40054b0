//! What is restarted, and how it is told to do the job.

use super::INPUT;
use super::log::{self, Restore};
use crate::hosted;
use crate::measure::Place;
use crate::program::{Membership, Program, spawn};
use crate::rivals::{Job, streams};
use anyhow::Result;
use std::fs;
use std::process::Child;
use testkit::Kafka;

/// How the host's log shows restores and snapshots, and little else.
const LOG_FILTER: &str = "info,host::snapshot=debug,host::kafka::changelog=debug";
const SNAPSHOT_INTERVAL_MS: &str = "1000";

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

/// Of the program's application, for topics and folders.
pub(super) fn name(program: Program, membership: Membership) -> String {
    format!("restart-{}-{}", program.name(), membership.name())
}

/// For tables.
pub(super) fn title(program: Program, membership: Membership) -> String {
    let what = match program {
        Program::Host => "Wasm module",
        Program::Streams => "RocksDB",
    };
    format!("{}, {what}, {} membership", program.title(), membership.name())
}

/// Starts it; its log begins anew.
pub(super) fn start(
    program: Program,
    kafka: &Kafka,
    application: &str,
    membership: Membership,
    place: &Place,
) -> Result<Child> {
    let mut command = match program {
        Program::Host => {
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
        Program::Streams => {
            let application = application.to_owned();
            // It ends by a signal, and not after so many records.
            let job = Job { kafka, application, input: INPUT, records: i64::MAX.cast_unsigned() };
            let mut command = streams(&job, place, "keyed", "commit")?;
            command.args(["--membership", membership.name(), "--instance", "0"]);
            command
        }
    };
    spawn(&mut command, &place.0)
}

/// Removes the state that it has on this machine; its changelog is all that is left.
pub(super) fn forget(program: Program, application: &str, place: &Place) -> Result<()> {
    let folder = match program {
        Program::Host => place.0.join("state/wasmhost").join(application).join("snapshots"),
        Program::Streams => place.0.join(application),
    };
    Ok(fs::remove_dir_all(folder)?)
}

/// How its last start restored from the changelog.
pub(super) fn restore(program: Program, place: &Place) -> Result<Option<Restore>> {
    match program {
        Program::Host => log::of_host(&place.log()),
        Program::Streams => log::of_streams(&place.output()),
    }
}
