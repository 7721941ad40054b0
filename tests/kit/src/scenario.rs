//! One end-to-end test: its own application, topics and folder on a broker that tests share. When it fails, the
//! last log lines of its hosts are shown and the folder is kept.

use crate::check;
use crate::files::guest;
use crate::host::{HostCommand, last_lines};
use crate::kafka::Kafka;
use crate::workload::{Workload, WorkloadSpec};
use crate::{Isolation, Record};
use anyhow::Result;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};
use xtask::paths;

/// For a host that has little to do, on a busy machine.
pub const SOON: Duration = Duration::from_mins(1);

/// The place of one test.
#[derive(Debug)]
pub struct Scenario {
    /// The broker.
    pub kafka: Kafka,
    /// The same as its hosts reach it.
    pub entry: Kafka,
    /// The application id, and the prefix of all its topics.
    pub id: String,
    folder: PathBuf,
}

/// Runs the test `name`, which is not used twice in one process, on Apache Kafka: for what is promised about it.
///
/// # Panics
/// The test fails.
pub fn scenario(name: &str, body: impl FnOnce(&Scenario) -> Result<()>) {
    run(&Kafka::shared(), name, body);
}

/// The same on the embedded broker: for what any broker shows, sooner.
///
/// # Panics
/// The test fails.
pub fn embedded(name: &str, body: impl FnOnce(&Scenario) -> Result<()>) {
    run(&Kafka::embedded(), name, body);
}

fn run(kafka: &Kafka, name: &str, body: impl FnOnce(&Scenario) -> Result<()>) {
    let started = Instant::now();
    if let Err(error) = scenario_at(kafka, kafka, name, body) {
        panic!("{name} failed after {:.1} s: {error:?}", started.elapsed().as_secs_f64());
    }
}

/// Runs `name`, which is not used twice on this Kafka; its hosts reach it by `entry`.
///
/// # Errors
/// Those of the body; the last lines of the hosts' logs are shown then.
pub fn scenario_at(
    kafka: &Kafka,
    entry: &Kafka,
    name: &str,
    body: impl FnOnce(&Scenario) -> Result<()>,
) -> Result<()> {
    let folder = paths::target().join("tests").join(format!("{name}-{}", std::process::id()));
    let (kafka, entry) = (kafka.clone(), entry.clone());
    let place = Scenario { kafka, entry, id: name.to_owned(), folder };
    let result = body(&place);
    if result.is_err() {
        show_logs(&place.folder);
    } else {
        drop(fs::remove_dir_all(&place.folder));
    }
    result
}

impl Scenario {
    /// `<id>-input`.
    pub fn input(&self) -> String {
        self.topic("input")
    }

    /// `<id>-output`.
    pub fn output(&self) -> String {
        self.topic("output")
    }

    /// `<id>-<what>`.
    pub fn topic(&self, what: &str) -> String {
        format!("{}-{what}", self.id)
    }

    /// `host run` of the sum, from `<id>-input` to `<id>-output`.
    pub fn sum(&self) -> HostCommand {
        self.host(guest("sum"))
    }

    /// `host run` of any module, from `<id>-input` to `<id>-output`.
    pub fn host(&self, module: impl Into<OsString>) -> HostCommand {
        self.bare(module).args(["--input", &self.input(), "--output", &self.output()])
    }

    /// `host run` of any module, without topics.
    pub fn bare(&self, module: impl Into<OsString>) -> HostCommand {
        self.application(&self.id, module)
    }

    /// `host run` of any module as another application, without topics.
    pub fn application(&self, id: &str, module: impl Into<OsString>) -> HostCommand {
        HostCommand::run(&self.folder, &self.entry, module, id)
    }

    /// A path in the test's folder, which is made.
    ///
    /// # Errors
    /// The folder can't be made.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        Ok(self.folder.join(name))
    }

    /// Creates the input and writes the whole workload into it.
    ///
    /// # Errors
    /// Kafka refuses.
    pub fn load(&self, spec: WorkloadSpec) -> Result<Workload> {
        self.kafka.create_topic(&self.input(), spec.partitions)?;
        let records = spec.records;
        let mut workload = Workload::new(spec);
        workload.produce(&mut self.kafka.producer()?, &self.input(), records)?;
        Ok(workload)
    }

    /// Checks the last results in the output and gives all of them.
    ///
    /// # Errors
    /// A sum is wrong.
    pub fn check_sums(&self, workload: &Workload) -> Result<Vec<Record>> {
        check::final_sums_of(&self.kafka, &self.output(), workload.sums())
    }

    /// The committed records of one of its topics.
    ///
    /// # Errors
    /// The topic can't be read.
    pub fn read(&self, what: &str) -> Result<Vec<Record>> {
        self.kafka.read(&self.topic(what), Isolation::Committed)
    }
}

impl Drop for Scenario {
    fn drop(&mut self) {
        if thread::panicking() {
            show_logs(&self.folder);
        }
    }
}

#[expect(clippy::print_stderr, reason = "the test harness shows it beside the failure")]
fn show_logs(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut logs: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.sort_by_key(|path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok());
    for path in logs.iter().rev().take(3).rev() {
        let text = String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        eprintln!("--- {} ---\n{}", path.display(), last_lines(&text, 25));
    }
}
