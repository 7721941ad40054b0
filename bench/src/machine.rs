//! On what and when it was measured.

use std::fs;
use std::process::Command;

/// Date, processor, cores, memory, kernel, load, in one line.
pub(crate) fn line() -> String {
    format!("{}; {}, load {}", date(), kind(), load(3))
}

/// Processor, cores, memory, kernel.
pub(crate) fn kind() -> String {
    let kernel = output("uname", &["-sr"]);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".into());
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    format!("{model}, {cores} cores, {memory} memory, {kernel}")
}

/// Date, and the load of the minute before.
pub(crate) fn moment() -> String {
    format!("{}, load {}", date(), load(1))
}

fn date() -> String {
    output("date", &["-u", "+%Y-%m-%d %H:%M UTC"])
}

/// Of one, five and fifteen minutes, or fewer.
fn load(figures: usize) -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(figures).collect::<Vec<_>>().join(" ")
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What stands behind `name:` in the first such line.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
