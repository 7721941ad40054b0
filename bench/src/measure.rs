//! Runs one child and measures it from outside: wall time, CPU time and memory as the kernel counts them, when
//! its first output is committed, and what the broker and others used meanwhile.

use crate::program;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use testkit::host::last_lines;
use testkit::kafka::Log;
use xtask::process::Signal;
use xtask::{paths, process};

/// A child that takes longer hangs.
const RUN_DEADLINE: Duration = Duration::from_mins(10);
/// Between two looks at the child's memory and output.
const LOOK_INTERVAL: Duration = Duration::from_millis(10);

/// One run.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// From the start of the process to its end.
    pub(crate) wall_s: f64,
    /// User and system time.
    pub(crate) cpu_s: f64,
    /// The largest resident set.
    pub(crate) memory_mib: f64,
    /// From the start of the process to its first output that a read-committed reader sees, within 10 ms.
    pub(crate) first_output_s: Option<f64>,
    /// The broker's CPU time meanwhile.
    pub(crate) broker_cpu_s: f64,
    /// The share of the machine's CPU time that neither had: ours, the kernel's, and other programs'.
    pub(crate) others_share: f64,
}

impl Measured {
    /// For a person who waits.
    pub(crate) fn line(&self, records: u64) -> String {
        let Self { wall_s, cpu_s, memory_mib, .. } = self;
        let rate = records as f64 / wall_s / 1000.0;
        format!("{wall_s:.2} s, {rate:.0} thousand records/s, {cpu_s:.2} s of CPU, {memory_mib:.0} MiB")
    }
}

/// Where a child runs: a folder of its own, with its standard output and error in files.
pub(crate) struct Place(pub(crate) PathBuf);

impl Place {
    /// An empty folder.
    pub(crate) fn new(name: &str) -> Result<Self> {
        let folder = paths::target().join("bench").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("tmp"))?;
        Ok(Self(folder))
    }

    /// What the child logged so far.
    pub(crate) fn log(&self) -> String {
        self.read("log")
    }

    /// What the child printed so far.
    pub(crate) fn output(&self) -> String {
        self.read("out")
    }

    fn read(&self, name: &str) -> String {
        fs::read(self.0.join(name))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Removes the folder; what failed stays to be looked at.
    pub(crate) fn remove(self) -> Result<()> {
        Ok(fs::remove_dir_all(self.0)?)
    }
}

/// Runs `command` in `place` to its end. `output` is watched for the first committed record.
pub(crate) fn run(
    command: &mut Command,
    place: &Place,
    output: Option<&Log>,
    broker_pid: Option<u32>,
) -> Result<Measured> {
    let broker = || broker_pid.and_then(cpu_of).unwrap_or_default();
    let (broker_before, machine_before) = (broker(), machine_cpu());
    let started = Instant::now();
    let child = program::spawn(command.current_dir(&place.0), &place.0)?;
    let ended = AtomicBool::new(false);
    let (waited, looked) = thread::scope(|scope| {
        let looking = scope.spawn(|| look(child.id(), output, started, &ended));
        let waited = wait(child.id());
        ended.store(true, Ordering::Relaxed);
        (waited, looking.join().expect("looking does not panic"))
    });
    let wall_s = started.elapsed().as_secs_f64();
    let (status, cpu_s) = waited?;
    let broker_cpu_s = broker() - broker_before;
    let (busy, all) = machine_cpu();
    let others = busy - machine_before.0 - broker_cpu_s - cpu_s;
    ensure!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        "{} failed (wait status {status}):\n{}",
        command.get_program().display(),
        last_lines(&(place.output() + &place.log()), 20)
    );
    let Looked { memory_mib, first_output_s } = looked?;
    let others_share = (others / (all - machine_before.1)).max(0.0);
    Ok(Measured { wall_s, cpu_s, memory_mib, first_output_s, broker_cpu_s, others_share })
}

/// Waits for the child: its status and its CPU seconds, those of its own children included.
fn wait(pid: u32) -> Result<(libc::c_int, f64)> {
    let pid = libc::pid_t::try_from(pid)?;
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::uninit());
    // SAFETY: wait4(2) writes one int and one rusage; both live until it returns.
    let waited = unsafe { libc::wait4(pid, &raw mut status, 0, usage.as_mut_ptr()) };
    ensure!(waited == pid, "cannot wait for the child: {}", std::io::Error::last_os_error());
    // SAFETY: wait4 returned the child, so it has filled in the usage.
    let usage = unsafe { usage.assume_init() };
    Ok((status, seconds(usage.ru_utime) + seconds(usage.ru_stime)))
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

struct Looked {
    memory_mib: f64,
    first_output_s: Option<f64>,
}

/// Looks again and again until the child has ended. Its memory is read here and not from what wait4 says: the
/// kernel counts our own resident set as the child's until it runs its program.
fn look(pid: u32, output: Option<&Log>, started: Instant, ended: &AtomicBool) -> Result<Looked> {
    let mut looked = Looked { memory_mib: 0.0, first_output_s: None };
    while !ended.load(Ordering::Relaxed) {
        if let Some(peak) = memory_of(pid) {
            looked.memory_mib = looked.memory_mib.max(peak);
        }
        if let Some(log) = output.filter(|_| looked.first_output_s.is_none())
            && log.ends()?.iter().any(|end| *end > 0)
        {
            looked.first_output_s = Some(started.elapsed().as_secs_f64());
        }
        if started.elapsed() > RUN_DEADLINE {
            process::send(pid, Signal::Kill).context("the child hangs and can't be killed")?;
        }
        thread::sleep(LOOK_INTERVAL);
    }
    Ok(looked)
}

/// The largest resident set so far, in MiB.
fn memory_of(pid: u32) -> Option<f64> {
    peak_of(&fs::read_to_string(format!("/proc/{pid}/status")).ok()?)
}

fn peak_of(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib / 1024.0)
}

/// CPU seconds of a process so far.
pub(crate) fn cpu_of(pid: u32) -> Option<f64> {
    ticks_of(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?).map(|ticks| ticks / ticks_per_second())
}

fn ticks_of(stat: &str) -> Option<f64> {
    // The name, in parentheses, may have spaces; user and system time are the 12th and 13th words behind it.
    let words: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(words.get(11)?.parse::<f64>().ok()? + words.get(12)?.parse::<f64>().ok()?)
}

/// Busy and all CPU seconds of the machine so far; zeros when the kernel does not say.
fn machine_cpu() -> (f64, f64) {
    let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
    let (busy, all) = busy_of(&stat).unwrap_or_default();
    (busy / ticks_per_second(), all / ticks_per_second())
}

fn busy_of(stat: &str) -> Option<(f64, f64)> {
    let words = stat.lines().next()?.strip_prefix("cpu ")?.split_whitespace().take(8);
    let ticks: Vec<f64> = words.map(str::parse).collect::<std::result::Result<_, _>>().ok()?;
    let all: f64 = ticks.iter().sum();
    // Idle, and waiting for disks.
    Some((all - ticks.get(3)? - ticks.get(4)?, all))
}

fn ticks_per_second() -> f64 {
    // SAFETY: sysconf(3) takes a number and touches no memory of ours.
    unsafe { libc::sysconf(libc::_SC_CLK_TCK) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_s_words_are_read() {
        assert_eq!(peak_of("Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"), Some(2.0));
        assert_eq!(peak_of("Name:\tx\nState:\tZ (zombie)\n"), None);
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0";
        assert_eq!(ticks_of(stat), Some(200.0));
        assert_eq!(ticks_of("7 (x"), None);
        assert_eq!(busy_of("cpu  10 0 5 80 5 0 0 0 9 9\ncpu0 1"), Some((15.0, 100.0)));
        assert_eq!(busy_of("intr 1"), None);
    }

    #[test]
    fn a_child_is_measured_and_its_failure_is_told() -> Result<()> {
        let place = Place::new("measure-test")?;
        let measured = run(Command::new("sh").args(["-c", "sleep 0.2; echo done"]), &place, None, None)?;
        assert!(measured.wall_s >= 0.2 && measured.memory_mib > 0.0, "{measured:?}");
        assert_eq!(place.output(), "done\n");
        let failed = run(Command::new("sh").args(["-c", "echo why >&2; exit 3"]), &place, None, None);
        assert!(failed.expect_err("3 is no success").to_string().contains("why"));
        place.remove()
    }
}
