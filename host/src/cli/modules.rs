//! `host swap`, `host rollback` and `host modules`: commands to a running application.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use super::print;
use crate::admin::{self, Answer, Difference, Door, Installed, ModuleVersion, ShadowReport};
use crate::config;
use crate::exit::{ExitKind, Failure};
use crate::shown::harmless;
use crate::time::now_ms;
use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::de::DeserializeOwned;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

/// Which application is meant.
#[derive(Args, Debug)]
struct Target {
    /// The operator's name
    name: String,
    /// Consumer group of the application [default: the name]
    #[arg(long, value_name = "ID")]
    application_id: Option<String>,
    /// State folder of the application [default: $XDG_STATE_HOME/wasmhost]
    #[arg(long, value_name = "PATH", env = "HOST_STATE_DIR")]
    state_dir: Option<PathBuf>,
}

/// Swap the module of a running application.
#[derive(Args, Debug)]
pub(super) struct Swap {
    #[command(flatten)]
    target: Target,
    /// The .wasm file; PATH.sig is sent with it when it is there
    file: PathBuf,
    /// What the SHA-256 of the file must be, in hexadecimal digits
    #[arg(long, value_name = "HEX")]
    sha256: Option<String>,
    /// Empty the repartition topic first, so that the module may have another row-schema
    #[arg(long, conflicts_with = "shadow")]
    drain: bool,
    /// Do not swap: run it beside the current module for so many records, and compare
    #[arg(long, value_name = "RECORDS", value_parser = clap::value_parser!(u64).range(1..))]
    shadow: Option<u64>,
    /// How long to wait for those records, at most 1h
    #[arg(long, value_name = "DURATION", default_value = "1m", requires = "shadow", value_parser = millis)]
    shadow_timeout: u64,
    /// Swap when every answer was the same
    #[arg(long, requires = "shadow")]
    promote_if_equal: bool,
    /// Show keys and values that differ, not their hashes
    #[arg(long, requires = "shadow")]
    show_keys: bool,
}

/// Swap back to the module before.
#[derive(Args, Debug)]
pub(super) struct Rollback {
    #[command(flatten)]
    target: Target,
}

/// List the versions of the module.
#[derive(Args, Debug)]
pub(super) struct Modules {
    #[command(flatten)]
    target: Target,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Swap {
    pub(super) fn run(self) -> Result<(), Failure> {
        let read = std::fs::read(&self.file)
            .with_context(|| format!("cannot read the module \"{}\"", self.file.display()));
        let bytes = read.map_err(|error| Failure::new(ExitKind::NoModule, error))?;
        let mut signature_file = self.file.clone().into_os_string();
        signature_file.push(".sig");
        let mut query = Vec::new();
        query.extend(self.sha256.map(|digest| format!("sha256={digest}")));
        if let Ok(signature) = std::fs::read(signature_file) {
            query.push(format!("signature={}", crate::hex::write(&signature)));
        }
        if self.drain {
            query.push("drain=true".into());
        }
        let name = &self.target.name;
        let Some(records) = self.shadow else {
            let path = format!("/api/v1/modules/{name}/swap?{}", query.join("&"));
            return swapped(&self.target.call("POST", &path, bytes)?);
        };
        query.push(format!("records={records}&timeout_ms={}", self.shadow_timeout));
        query.push(format!("promote_if_equal={}&show_keys={}", self.promote_if_equal, self.show_keys));
        let path = format!("/api/v1/modules/{name}/shadow?{}", query.join("&"));
        compared(&self.target.call("POST", &path, bytes)?, records)
    }
}

impl Rollback {
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = format!("/api/v1/modules/{}/rollback", self.target.name);
        swapped(&self.target.call("POST", &path, Vec::new())?)
    }
}

impl Modules {
    pub(super) fn run(self) -> Result<(), Failure> {
        let answer = self.target.call("GET", "/api/v1/modules", Vec::new())?;
        let versions: Vec<ModuleVersion> = read(&answer)?;
        if self.json {
            return print(&format!("{}\n", String::from_utf8_lossy(&answer.body)));
        }
        print(&table(&versions, now_ms() / 1000))
    }
}

impl Target {
    /// Asks a process that runs on the state folder.
    fn call(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Answer, Failure> {
        let id = self.application_id.as_deref().unwrap_or(&self.name);
        let stream = connect(self.state_dir.as_deref(), id)?;
        let answer = admin::call(Door::Unix(stream), method, path, body).map_err(failed)?;
        if answer.status == 200 { Ok(answer) } else { Err(failed(problem(&answer))) }
    }
}

fn failed(error: anyhow::Error) -> Failure {
    Failure::new(ExitKind::Failure, error)
}

/// A connection to a process of application `id` on this state folder, or on the usual one.
pub(super) fn connect(state_dir: Option<&Path>, id: &str) -> Result<UnixStream, Failure> {
    let state_dir = match state_dir {
        Some(path) => path.to_owned(),
        None => config::default_state_dir(&std::env::vars().collect::<Vec<_>>())?,
    };
    let mut running = admin::running(&state_dir, id)
        .with_context(|| format!("cannot look into the state folder \"{}\"", state_dir.display()))
        .map_err(failed)?;
    // Any of several will do: without a control topic it refuses swaps.
    running.pop().ok_or_else(|| {
        let text =
            anyhow!("application \"{id}\" does not run on the state folder \"{}\"", state_dir.display());
        failed(text).hint("is it started, with this --state-dir and as this user?")
    })
}

/// Why it was not done, as the process says.
pub(super) fn problem(answer: &Answer) -> anyhow::Error {
    let problem: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let text = |name| problem.get(name).and_then(serde_json::Value::as_str).unwrap_or("no reason given");
    anyhow!("{}: {}", text("title"), text("detail"))
}

fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body)
        .context("the answer is not what this version of host expects")
        .map_err(|error| Failure::new(ExitKind::Failure, error))
}

fn swapped(answer: &Answer) -> Result<(), Failure> {
    let done: Installed = read(answer)?;
    let pause_ms = done.pause_us as f64 / 1000.0;
    print(&format!(
        "version {} works: {} ({} ms, workers paused up to {pause_ms:.1} ms)\n",
        done.number, done.digest, done.took_ms
    ))
}

/// Prints the report; it is a failure when not all answers were the same.
fn compared(answer: &Answer, asked: u64) -> Result<(), Failure> {
    let report: ShadowReport = read(answer)?;
    print(&report_text(&report))?;
    if let Some(done) = &report.promoted {
        return print(&format!("promoted: version {} works: {}\n", done.number, done.digest));
    }
    let failed = |text: String| Err(failed(anyhow!(text)));
    if let Some(why) = report.dropped {
        return failed(format!("the candidate was dropped: {why}"));
    }
    if report.different + report.failed > 0 {
        return failed("the candidate does not answer as the current module does".into());
    }
    if !report.is_complete {
        return failed(format!("only {} of {asked} records came in time", report.records));
    }
    Ok(())
}

fn report_text(report: &ShadowReport) -> String {
    use std::fmt::Write as _;
    let ShadowReport { records, equal, different, failed, current_us, candidate_us, .. } = report;
    let ratio = *candidate_us as f64 / (*current_us).max(1) as f64;
    let mut text = format!(
        "{records} records: {equal} answers equal, {different} different, {failed} failed; \
         {ratio:.2} times the CPU time of the current module\n"
    );
    for difference in &report.differences {
        let Difference { interface, at, current, candidate } = difference;
        writeln!(text, "{interface} of {at}\n  current:   {current}\n  candidate: {candidate}")
            .expect("a string takes everything");
    }
    text
}

fn millis(text: &str) -> Result<u64, String> {
    config::duration_ms(text).ok_or_else(|| "a duration with its unit, such as 30s or 5m".into())
}

/// As short as `12s`, `5m`, `3h` or `2d`.
pub(super) fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// Words of modules must not steer the terminal.
fn table(versions: &[ModuleVersion], now_s: u64) -> String {
    let mut text = String::from("NUMBER  STATE     AGE    VERSION     CALLS      FAULTS  DIGEST\n");
    for version in versions {
        let number = version.number.map_or("-".to_owned(), |number| number.to_string());
        let ModuleVersion { state, since_s, version: name, digest, reason, .. } = version;
        let age = age(now_s.saturating_sub(*since_s));
        let reason = reason.as_deref().and_then(|reason| reason.lines().next()).unwrap_or_default();
        let count = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
        let (calls, faults) = (count(version.calls), count(version.faults));
        let line =
            format!("{number:<7} {state:<9} {age:<6} {name:<11} {calls:<10} {faults:<7} {digest}  {reason}");
        text.extend(line.chars().map(harmless));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_a_version() {
        let version = |number, state: &str, reason: Option<&str>| ModuleVersion {
            number,
            digest: "abc".to_owned(),
            version: "0.1.0".to_owned(),
            since_s: 1_000,
            state: state.to_owned(),
            reason: reason.map(str::to_owned),
            calls: number.map(|_| 7),
            faults: number.map(|_| 0),
            cpu_us: None,
            memory_bytes_max: None,
        };
        let versions = [
            version(Some(1), "current", None),
            version(None, "refused", Some("refused at step x: y\u{1b}[2J\nhint: z")),
        ];
        assert_eq!(
            table(&versions, 1_300),
            "NUMBER  STATE     AGE    VERSION     CALLS      FAULTS  DIGEST\n\
             1       current   5m     0.1.0       7          0       abc  \n\
             -       refused   5m     0.1.0       -          -       abc  refused at step x: y?[2J\n"
        );
        assert_eq!([age(5), age(8_000), age(200_000)], ["5s", "2h", "2d"]);
    }
}
