//! The real host as it is measured.

use crate::measure::Place;
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use testkit::Kafka;
use testkit::files;
use xtask::process;

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
    let mut command = endless(kafka, folder, application, module, arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(folder.join("log"))?);
    process::die_with_parent(&mut command);
    command.spawn().context("the host does not start")
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
    let of_line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        value.get("commits").or_else(|| value.get("fields")?.get("commits"))?.as_u64()
    };
    log.lines().rev().find_map(of_line).context("the host's log has no summary with a number of commits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_those_of_the_last_line_that_has_them() {
        let log =
            "text\n{\"fields\":{\"commits\":3}}\n{\"message\":\"summary\",\"commits\":7}\n{\"fields\":{}}\n";
        assert_eq!(commits(log).ok(), Some(7));
        assert_eq!(commits("{\"fields\":{\"commits\":3}}").ok(), Some(3));
        assert!(commits("no json").is_err());
    }
}
