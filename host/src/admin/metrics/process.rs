//! What the system knows of this process, under the names that all Prometheus clients use.

use super::text::Text;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, Timespec, clock_gettime};
use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The kernel counts in hundredths of a second wherever a program sees it.
const TICKS_PER_SECOND: u64 = 100;
/// Fields of `/proc/self/stat` between the name in parentheses and the start time.
const BEFORE_START_TIME: usize = 19;

/// Adds `process_*`. What cannot be read has no sample.
pub(super) fn write(text: &mut Text) {
    let mut add = |name: &str, kind: &str, help: &str, value: Option<f64>| {
        text.family(name, kind, help);
        if let Some(value) = value {
            text.sample(&[], value);
        }
    };
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let cpu = duration(clock_gettime(ClockId::ProcessCPUTime));
    add(
        "process_cpu_seconds_total",
        "counter",
        "User and system CPU time of the process.",
        Some(cpu.as_secs_f64()),
    );
    add(
        "process_start_time_seconds",
        "gauge",
        "When the process started, in seconds since 1970.",
        start_time_s(),
    );
    add(
        "process_resident_memory_bytes",
        "gauge",
        "Memory of the process that is resident.",
        bytes(&status, "VmRSS:"),
    );
    add("process_virtual_memory_bytes", "gauge", "Virtual memory of the process.", bytes(&status, "VmSize:"));
    add("process_threads", "gauge", "Threads of the process.", field(&status, "Threads:"));
    let open = fs::read_dir("/proc/self/fd").map(|files| files.count() as f64).ok();
    add("process_open_fds", "gauge", "Open file descriptors.", open);
    let max = getrlimit(Resource::Nofile).current.map(|max| max as f64);
    add("process_max_fds", "gauge", "File descriptors that may be open.", max);
}

fn duration(time: Timespec) -> Duration {
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

fn start_time_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (_, behind_name) = stat.rsplit_once(')')?;
    let ticks: u64 = behind_name.split_whitespace().nth(BEFORE_START_TIME)?.parse().ok()?;
    let since_boot = Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND);
    let age = duration(clock_gettime(ClockId::Boottime)).saturating_sub(since_boot);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(now.saturating_sub(age).as_millis() as f64 / 1000.0)
}

fn field(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn bytes(status: &str, name: &str) -> Option<f64> {
    field(status, name).map(|kib| kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_seen() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs_f64();
        let started = start_time_s().expect("it started");
        assert!(started <= now + 1.0 && now - started < 3600.0, "{started}, {now}");
        let mut text = Text::default();
        write(&mut text);
        let text = text.into_string();
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            assert!(value.is_some_and(|value| value.parse::<f64>().is_ok_and(|n| n > 0.0)), "{name}: {text}");
        }
    }
}
