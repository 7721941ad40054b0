//! The real host as it is measured.

use crate::measure::Place;
use crate::program;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Child, Command};
use testkit::Kafka;
use testkit::files;

/// The operator's name, the same for the module and the native one, so that internal topics are too.
pub(crate) const OPERATOR: &str = "sum";

/// `host run` over the whole of `input` and no longer.
pub(crate) fn command(kafka: &Kafka, place: &Place, application: &str, input: &str, output: &str) -> Command {
    let mut command = testkit::host::host();
    command
        .args(["run", "--bootstrap-servers", kafka.servers(), "--application-id", application])
        .args(["--input", input, "--output", output, "--until-end", "--admin", "off"])
        .args(["--name", OPERATOR])
        .env("XDG_STATE_HOME", place.0.join("state"));
    command
}

/// `host run` without an end, in a folder of its own.
pub(crate) fn endless(
    kafka: &Kafka,
    folder: &Path,
    application: &str,
    module: &OsStr,
    arguments: &[&str],
) -> Command {
    let mut command = testkit::host::host();
    command
        .args(["run", "--bootstrap-servers", kafka.servers(), "--application-id", application])
        .args(["--name", OPERATOR, "--workers", "1", "--admin", "off", "--module"])
        .arg(module)
        .args(arguments)
        .env("XDG_STATE_HOME", folder.join("state"));
    command
}

/// Starts it with its log in `log`.
pub(crate) fn start(
    kafka: &Kafka,
    folder: &Path,
    application: &str,
    module: &OsStr,
    arguments: &[&str],
) -> Result<Child> {
    program::spawn(&mut endless(kafka, folder, application, module, arguments), folder)
}

/// What stands behind `--module`.
pub(crate) fn module(wasm: bool) -> std::ffi::OsString {
    if wasm { files::guest("sum").into_os_string() } else { OsStr::new("native:sum").to_owned() }
}

/// The topics that an application makes for itself; other programs are made to use the same names.
pub(crate) fn internal_topics(application: &str) -> [String; 3] {
    [
        format!("{application}-{OPERATOR}-repartition"),
        changelog(application),
        format!("{application}-dead-letter"),
    ]
}

/// The changelog's topic.
pub(crate) fn changelog(application: &str) -> String {
    format!("{application}-{OPERATOR}-changelog")
}

/// The number of commits, from the summary in the host's log.
pub(crate) fn commits(log: &str) -> Result<u64> {
    let commits = testkit::host::last_field(log, "commits").and_then(|commits| commits.as_u64());
    commits.context("the host's log has no summary with a number of commits")
}
