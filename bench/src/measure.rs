//! Runs one child and measures it: wall time, CPU time and memory as the kernel counts them.

use crate::case::Case;
use crate::options::WORKERS;
use anyhow::{Context, Result, bail, ensure};
use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use testkit::Kafka;
use testkit::host::last_lines;
use xtask::{paths, process};

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// From the start of the process to its end.
    pub(crate) wall_s: f64,
    /// User and system time.
    pub(crate) cpu_s: f64,
    /// The largest resident set.
    pub(crate) memory_mib: f64,
    /// From the host's own summary.
    pub(crate) commits: u64,
}

impl Measured {
    /// For a person who waits.
    pub(crate) fn line(&self, records: u64) -> String {
        let Self { wall_s, cpu_s, memory_mib, commits } = self;
        let rate = records as f64 / wall_s / 1000.0;
        format!(
            "{wall_s:.2} s, {rate:.0} thousand records/s, {cpu_s:.2} s of CPU, {memory_mib:.0} MiB, {commits} commits"
        )
    }
}

/// Runs the host over the whole of `input`.
pub(crate) fn run(
    kafka: &Kafka,
    case: Case,
    application: &str,
    input: &str,
    output: &str,
) -> Result<Measured> {
    let folder = paths::target().join("bench").join(application);
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let log = folder.join("host.log");
    let mut command = testkit::host::host();
    command
        .args(["run", "--bootstrap-servers", kafka.servers(), "--application-id", application])
        .args(case.arguments())
        .args(["--input", input, "--output", output, "--until-end"])
        .args(["--workers", &WORKERS.to_string()])
        .env("XDG_STATE_HOME", folder.join("state"))
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?);
    process::die_with_parent(&mut command);
    let measured = measure(&mut command, &log)?;
    fs::remove_dir_all(&folder)?;
    Ok(measured)
}

fn measure(command: &mut Command, log: &Path) -> Result<Measured> {
    let started = Instant::now();
    let child = command.spawn().context("cannot start host")?;
    let pid = libc::pid_t::try_from(child.id())?;
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::uninit());
    // SAFETY: wait4(2) writes one int and one rusage; both live until it returns.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) };
    let wall_s = started.elapsed().as_secs_f64();
    ensure!(waited == pid, "cannot wait for host: {}", std::io::Error::last_os_error());
    // SAFETY: wait4 returned the child, so it has filled in the usage.
    let usage = unsafe { usage.assume_init() };
    let text = fs::read_to_string(log).unwrap_or_default();
    if !(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0) {
        bail!("host failed (wait status {status}):\n{}", last_lines(&text, 20));
    }
    Ok(Measured {
        wall_s,
        cpu_s: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        memory_mib: usage.ru_maxrss as f64 / 1024.0,
        commits: commits(&text).context("the host's log has no summary with a number of commits")?,
    })
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

/// The `commits` of the last log line that has them.
fn commits(log: &str) -> Option<u64> {
    log.lines().rev().find_map(|line| {
        let value: serde_json::Value = serde_json::from_str(line).ok()?;
        value.get("commits").or_else(|| value.get("fields")?.get("commits"))?.as_u64()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_are_those_of_the_last_line_that_has_them() {
        let log =
            "text\n{\"fields\":{\"commits\":3}}\n{\"message\":\"summary\",\"commits\":7}\n{\"fields\":{}}\n";
        assert_eq!(commits(log), Some(7));
        assert_eq!(commits("{\"fields\":{\"commits\":3}}"), Some(3));
        assert_eq!(commits("no json"), None);
    }
}
