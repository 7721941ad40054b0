//! The real `host` as a child process.

use crate::files::host_binary;
use crate::kafka::Kafka;
use crate::wait::wait_until;
use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use xtask::process::{self, Signal};

/// A host says so where its admin API is.
const ADMIN: &str = "\"message\":\"admin API\"";

/// How to run the host. A clone shares the state folder, as two processes of one machine do.
#[derive(Clone, Debug)]
pub struct HostCommand {
    folder: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(String, String)>,
}

impl HostCommand {
    /// `host run` of `module` (a path, or `native:NAME`) as this application. State and logs go below
    /// `folder`.
    pub fn run(folder: &Path, kafka: &Kafka, module: impl Into<OsString>, application_id: &str) -> Self {
        let command = Self { folder: folder.to_owned(), arguments: Vec::new(), environment: Vec::new() };
        command
            .args(["run", "--bootstrap-servers", kafka.servers(), "--application-id", application_id])
            .args([OsString::from("--module"), module.into()])
    }

    /// `host` with this verb, and nothing else yet; it brings a broker of its own. State and logs go below `folder`.
    pub fn alone(folder: &Path, verb: &str) -> Self {
        Self { folder: folder.to_owned(), arguments: vec![verb.into()], environment: Vec::new() }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(self, argument: impl Into<OsString>) -> Self {
        self.args([argument])
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The same on another Kafka.
    ///
    /// # Panics
    /// It was given none, as it brings its own.
    #[must_use]
    pub fn at(mut self, servers: &str) -> Self {
        let flag = self.arguments.iter().position(|word| word == "--bootstrap-servers");
        self.arguments[flag.expect("it was given a Kafka") + 1] = servers.into();
        self
    }

    /// Sets the setting `name` of `host/default.toml`, by the environment.
    #[must_use]
    pub fn setting(mut self, name: &str, value: &str) -> Self {
        self.environment.push((format!("HOST_{}", name.to_uppercase()), value.to_owned()));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// It can't be started.
    pub fn start(&self) -> Result<HostProcess> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        fs::create_dir_all(&self.folder)?;
        let [stdout, stderr] = ["out", "log"].map(|kind| self.folder.join(format!("host-{number}.{kind}")));
        let mut command = host();
        command
            .args(&self.arguments)
            .env("XDG_STATE_HOME", self.folder.join("state"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            // A host.toml beside the tests must not change them.
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .stderr(File::create(&stderr)?);
        process::die_with_parent(&mut command);
        let child = command.spawn().with_context(|| format!("cannot start {}", host_binary().display()))?;
        Ok(HostProcess { child, stdout, stderr })
    }

    /// Starts it and waits until it has drained.
    ///
    /// # Errors
    /// It does not end in time, or not with 0.
    pub fn complete(&self, within: Duration) -> Result<Ended> {
        self.start()?.wait(within)?.succeeded()
    }
}

/// The real host, without the settings that the environment of this process may have for others.
pub fn host() -> Command {
    let mut command = Command::new(host_binary());
    for (name, _) in std::env::vars_os() {
        if ["HOST_", "OTEL_"].iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            command.env_remove(name);
        }
    }
    command
}

/// A running host; killed when dropped.
#[derive(Debug)]
pub struct HostProcess {
    child: Child,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// Where a host serves its admin API over HTTP.
#[derive(Clone, Debug)]
pub struct Admin {
    /// Address and port.
    pub address: String,
    /// What changes need is in it.
    pub token_file: PathBuf,
}

/// How a host ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; none when a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it logged.
    pub stderr: String,
}

impl Ended {
    /// Itself, when the exit code is 0.
    ///
    /// # Errors
    /// Another end; the text has the last lines of the log.
    pub fn succeeded(self) -> Result<Self> {
        self.with_code(0)
    }

    /// Itself, when the exit code is `code`.
    ///
    /// # Errors
    /// Another end; the text has the last lines of the log.
    pub fn with_code(self, code: i32) -> Result<Self> {
        ensure!(
            self.code == Some(code),
            "host ended with code {:?}, signal {:?}, and not with code {code}:\n{}",
            self.code,
            self.signal,
            last_lines(&self.stderr, 30)
        );
        Ok(self)
    }
}

impl HostProcess {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        read_lossy(&self.stderr)
    }

    /// What it has written to standard output so far.
    pub fn output(&self) -> String {
        read_lossy(&self.stdout)
    }

    /// Waits until it says where its admin API is. It logs JSON.
    ///
    /// # Errors
    /// It has ended, or does not say so in time.
    pub fn admin(&mut self, within: Duration) -> Result<Admin> {
        let mut found = None;
        wait_until("the admin API", within, || {
            self.ensure_running()?;
            let log = self.log();
            found = log.lines().find(|line| line.contains(ADMIN)).map(str::to_owned);
            Ok(found.is_some())
        })?;
        let line: Value = serde_json::from_str(&found.context("it was found")?)?;
        let field = |name: &str| {
            line[name].as_str().map(str::to_owned).with_context(|| format!("no {name} in {line}"))
        };
        Ok(Admin { address: field("address")?, token_file: field("token_file")?.into() })
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// It has ended.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("host has ended already ({status}):\n{}", last_lines(&self.log(), 30));
        }
        process::send(self.child.id(), signal).context("cannot signal host")
    }

    /// SIGTERM, then waits for its end.
    ///
    /// # Errors
    /// It does not end in time, or not with 0.
    pub fn drain(mut self, within: Duration) -> Result<Ended> {
        self.signal(Signal::Terminate)?;
        self.wait(within)?.succeeded()
    }

    /// SIGKILL, and waits until it is gone.
    ///
    /// # Errors
    /// It has ended before.
    pub fn kill(mut self) -> Result<()> {
        self.signal(Signal::Kill)?;
        self.child.wait()?;
        Ok(())
    }

    /// Still running?
    ///
    /// # Errors
    /// It has ended; the text has the last lines of the log.
    pub fn ensure_running(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("host ended ({status}):\n{}", last_lines(&self.log(), 30)),
        }
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It does not come in time; the host is killed, the text has the last lines of its log.
    pub fn wait(mut self, within: Duration) -> Result<Ended> {
        let mut status = None;
        wait_until("the end of host", within, || {
            status = self.child.try_wait()?;
            Ok(status.is_some())
        })
        .with_context(|| format!("host is killed; its last lines:\n{}", last_lines(&self.log(), 30)))?;
        let status = status.expect("waited for it");
        let (stdout, stderr) = (read_lossy(&self.stdout), self.log());
        Ok(Ended { code: status.code(), signal: status.signal(), stdout, stderr })
    }
}

impl Drop for HostProcess {
    fn drop(&mut self) {
        // It may have ended; then neither does anything.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn read_lossy(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned()
}

/// The last `count` lines of a text.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

/// What stands behind a field's name in the last line of a log in JSON that has it.
pub fn last_field(log: &str, name: &str) -> Option<serde_json::Value> {
    let of_line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        value.get(name).or_else(|| value.get("fields")?.get(name)).cloned()
    };
    log.lines().rev().find_map(of_line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_that_of_the_last_line_that_has_it() {
        let log =
            "text\n{\"fields\":{\"commits\":3}}\n{\"message\":\"summary\",\"commits\":7}\n{\"fields\":{}}\n";
        assert_eq!(last_field(log, "commits"), Some(7.into()));
        assert_eq!(last_field("{\"fields\":{\"commits\":3}}", "commits"), Some(3.into()));
        assert_eq!(last_field("no json", "commits"), None);
    }
}
