//! `host swap`, `host rollback` and `host modules`: commands to a running application.

#![allow(clippy::doc_markdown, reason = "doc comments are help texts here")]

use super::print;
use crate::admin::{self, Answer, Installed, ModuleVersion};
use crate::config;
use crate::exit::{ExitKind, Failure};
use anyhow::{Context as _, anyhow};
use clap::Args;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

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
            query.push(format!("signature={}", crate::wasm::hex(&signature)));
        }
        let path = format!("/api/v1/modules/{}/swap?{}", self.target.name, query.join("&"));
        swapped(&self.target.call("POST", &path, bytes)?)
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
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        print(&table(&versions, now.as_secs()))
    }
}

impl Target {
    /// Asks the one process that runs on the state folder. Several of them are never swapped one by one here:
    /// each would refuse because of the others.
    fn call(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Answer, Failure> {
        let failed = |error| Failure::new(ExitKind::Failure, error);
        let state_dir = match &self.state_dir {
            Some(path) => path.clone(),
            None => config::default_state_dir(&std::env::vars().collect::<Vec<_>>())?,
        };
        let id = self.application_id.as_deref().unwrap_or(&self.name);
        let mut running = admin::running(&state_dir, id)
            .with_context(|| format!("cannot look into the state folder \"{}\"", state_dir.display()))
            .map_err(failed)?;
        let stream = match (running.pop(), running.len()) {
            (Some(stream), 0) => stream,
            (None, _) => {
                let text = anyhow!(
                    "application \"{id}\" does not run on the state folder \"{}\"",
                    state_dir.display()
                );
                return Err(failed(text).hint("is it started, with this --state-dir and as this user?"));
            }
            (Some(_), others) => {
                let text = anyhow!("{} processes of application \"{id}\" run here", others + 1);
                return Err(failed(text).hint("restart them one after the other with the new module"));
            }
        };
        let answer = admin::call(stream, method, path, body).map_err(failed)?;
        if answer.status == 200 { Ok(answer) } else { Err(failed(problem(&answer))) }
    }
}

fn problem(answer: &Answer) -> anyhow::Error {
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

/// As short as `12s`, `5m`, `3h` or `2d`.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn table(versions: &[ModuleVersion], now_s: u64) -> String {
    use std::fmt::Write as _;
    let mut text = String::from("NUMBER  STATE     AGE    VERSION     DIGEST\n");
    for version in versions {
        let number = version.number.map_or("-".to_owned(), |number| number.to_string());
        let ModuleVersion { state, since_s, version: name, digest, reason, .. } = version;
        let age = age(now_s.saturating_sub(*since_s));
        let reason = reason.as_deref().and_then(|reason| reason.lines().next()).unwrap_or_default();
        writeln!(text, "{number:<7} {state:<9} {age:<6} {name:<11} {digest}  {reason}")
            .expect("a string takes everything");
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
        };
        let versions = [
            version(Some(1), "current", None),
            version(None, "refused", Some("refused at step x: y\nhint: z")),
        ];
        assert_eq!(
            table(&versions, 1_300),
            "NUMBER  STATE     AGE    VERSION     DIGEST\n\
             1       current   5m     0.1.0       abc  \n\
             -       refused   5m     0.1.0       abc  refused at step x: y\n"
        );
        assert_eq!([age(5), age(8_000), age(200_000)], ["5s", "2h", "2d"]);
    }
}
