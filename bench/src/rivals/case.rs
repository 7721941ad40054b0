//! Who takes part, and how each is told to do the job.

use super::THREADS;
use crate::hosted;
use crate::input::PARTITIONS;
use crate::measure::Place;
use crate::verify::Results;
use anyhow::Result;
use std::process::Command;
use testkit::Kafka;
use xtask::bench::rivals::class_path;
use xtask::paths;

/// Of all that commit at intervals.
const COMMIT_INTERVAL_MS: u32 = 100;
/// Flink's results appear and its positions are kept once a checkpoint; this often is already often for it.
const CHECKPOINT_INTERVAL_MS: u32 = 1000;
/// Records in a micro-batch of Spark.
const SPARK_BATCH_RECORDS: u32 = 500_000;
/// The heap of each JVM.
const HEAP_MIB: u32 = 2048;

/// What is compared with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Equal keys share a partition already.
    Keyed,
    /// Through a repartition topic.
    Rekeyed,
    /// A result after every record.
    Every,
}

impl Group {
    pub(super) const ALL: [Self; 3] = [Self::Keyed, Self::Rekeyed, Self::Every];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Keyed => "Equal keys share a partition; one result a changed key and commit",
            Self::Rekeyed => "Re-keyed through a repartition topic; one result a changed key and commit",
            Self::Every => "A result after every record",
        }
    }
}

/// One that takes part.
#[derive(Clone, Debug)]
pub(super) struct Rival {
    /// For `--only`, and in the names of topics.
    pub(super) name: &'static str,
    /// For tables and charts.
    pub(super) title: &'static str,
    pub(super) group: Group,
    /// What it promises from input to output.
    pub(super) guarantee: &'static str,
    program: Program,
}

#[derive(Clone, Copy, Debug)]
enum Program {
    Host { wasm: bool },
    Native { binary: &'static str },
    Streams,
    Flink { store: &'static str },
    Spark,
}

/// One run of a rival.
pub(crate) struct Job<'a> {
    pub(crate) kafka: &'a Kafka,
    /// Its group, and the prefix of its topics.
    pub(crate) application: String,
    pub(crate) input: &'a str,
    pub(crate) records: u64,
}

impl Job<'_> {
    pub(super) fn output(&self) -> String {
        format!("{}-output", self.application)
    }
}

const EXACTLY_ONCE: &str = "exactly-once";
const LOOP: Program = Program::Native { binary: "native-loop" };
const LOOP_MIMALLOC: Program = Program::Native { binary: "native-loop-mimalloc" };

impl Rival {
    /// All, group by group; the first of each group is the one that the others are compared with.
    pub(super) fn all() -> Vec<Self> {
        let (wasm, native) = (Program::Host { wasm: true }, Program::Host { wasm: false });
        let rival = |name, title, group, program| {
            let guarantee = if matches!(program, Program::Spark) { "at-least-once" } else { EXACTLY_ONCE };
            Self { name, title, group, guarantee, program }
        };
        let keyed = |name, title, program| rival(name, title, Group::Keyed, program);
        let rekeyed = |name, title, program| rival(name, title, Group::Rekeyed, program);
        let every = |name, title, program| rival(name, title, Group::Every, program);
        vec![
            keyed("host-wasm-keyed", "host, Wasm module", wasm),
            keyed("host-native-keyed", "host, native operator", native),
            keyed("loop-mimalloc-keyed", "native Rust loop, mimalloc", LOOP_MIMALLOC),
            keyed("loop-keyed", "native Rust loop", LOOP),
            keyed("streams-keyed", "Kafka Streams, RocksDB", Program::Streams),
            keyed("spark", "Spark, in memory", Program::Spark),
            rekeyed("host-wasm-rekeyed", "host, Wasm module", wasm),
            rekeyed("host-native-rekeyed", "host, native operator", native),
            rekeyed("streams-rekeyed", "Kafka Streams, RocksDB", Program::Streams),
            every("host-wasm-every", "host, Wasm module", wasm),
            every("host-native-every", "host, native operator", native),
            every("loop-mimalloc-every", "native Rust loop, mimalloc", LOOP_MIMALLOC),
            every("loop-every", "native Rust loop", LOOP),
            every("streams-every", "Kafka Streams, no cache", Program::Streams),
            every("flink-heap", "Flink, heap", Program::Flink { store: "hashmap" }),
            every("flink-rocksdb", "Flink, RocksDB", Program::Flink { store: "rocksdb" }),
        ]
    }

    /// How many results it must write.
    pub(super) fn results(&self) -> Results {
        if self.group == Group::Every { Results::All } else { Results::Some }
    }

    /// Ours?
    pub(super) fn is_ours(&self) -> bool {
        matches!(self.program, Program::Host { .. })
    }

    /// The program and its arguments; makes the topics that it does not make for itself.
    pub(super) fn command(&self, job: &Job<'_>, place: &Place) -> Result<Command> {
        match self.program {
            Program::Host { wasm } => Ok(self.host(job, place, wasm)),
            Program::Native { binary } => self.native(job, binary),
            Program::Streams => {
                let path = if self.group == Group::Rekeyed { "rekeyed" } else { "keyed" };
                let mut command = streams(job, place, path, self.emit())?;
                command.args(["--membership", "dynamic"]);
                Ok(command)
            }
            Program::Flink { store } => {
                let mut command = java(job, place, "flink", "FlinkSum")?;
                let interval = CHECKPOINT_INTERVAL_MS.to_string();
                command.args(["--store", store, "--checkpoint-interval-ms", &interval]);
                Ok(command)
            }
            Program::Spark => {
                let mut command = java(job, place, "spark", "SparkSum")?;
                command.args(["--batch-records", &SPARK_BATCH_RECORDS.to_string()]);
                Ok(command)
            }
        }
    }

    fn emit(&self) -> &'static str {
        if self.group == Group::Every { "record" } else { "commit" }
    }

    fn host(&self, job: &Job<'_>, place: &Place, wasm: bool) -> Command {
        let mut command = hosted::command(job.kafka, place, &job.application, job.input, &job.output());
        let interval = format!("{COMMIT_INTERVAL_MS}ms");
        command.arg("--module").arg(hosted::module(wasm));
        command.args(["--workers", &THREADS.to_string(), "--commit-interval", &interval]);
        match self.group {
            // As it comes: the module does not say that it keeps keys.
            Group::Rekeyed => {}
            Group::Keyed => {
                command.args(["--repartition", "never"]);
            }
            Group::Every => {
                command.args(["--repartition", "never", "--emit", self.emit()]);
            }
        }
        command
    }

    fn native(&self, job: &Job<'_>, binary: &str) -> Result<Command> {
        let changelog = hosted::changelog(&job.application);
        job.kafka.create_topic_with(&changelog, PARTITIONS, &[("cleanup.policy", "compact")])?;
        let mut command = Command::new(paths::release_binary(binary));
        command.args(["sum", "--changelog", &changelog, "--emit", self.emit()]);
        Ok(with_interval(with_job(command, job)))
    }
}

/// What all rivals are told.
fn with_job(mut command: Command, job: &Job<'_>) -> Command {
    command.args(["--bootstrap-servers", job.kafka.servers(), "--application-id", &job.application]).args([
        "--input",
        job.input,
        "--output",
        &job.output(),
        "--threads",
        &THREADS.to_string(),
    ]);
    command
}

fn with_interval(mut command: Command) -> Command {
    command.args(["--commit-interval-ms", &COMMIT_INTERVAL_MS.to_string()]);
    command
}

/// Kafka Streams; its membership is still to be said.
pub(crate) fn streams(job: &Job<'_>, place: &Place, path: &str, emit: &str) -> Result<Command> {
    let mut command = java(job, place, "streams", "StreamsSum")?;
    command.args(["--records", &job.records.to_string(), "--path", path, "--emit", emit]);
    Ok(with_interval(command))
}

/// A program of `bench/rivals`.
fn java(job: &Job<'_>, place: &Place, folder: &str, class: &str) -> Result<Command> {
    let mut command = Command::new("java");
    command
        .arg(format!("-Xmx{HEAP_MIB}m"))
        .arg("-XX:+UseG1GC")
        .args(OPENED.iter().map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")))
        .arg("-Djdk.reflect.useDirectMethodHandle=false")
        .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=error")
        .arg(format!("-Djava.io.tmpdir={}", place.0.join("tmp").display()))
        .arg("-classpath")
        .arg(class_path(folder)?)
        .arg(class);
    command.arg("--folder").arg(&place.0);
    Ok(with_job(command, job))
}

/// Packages that Spark and Flink look into.
const OPENED: [&str; 14] = [
    "java.io",
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.ref",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
    "sun.util.calendar",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rival_has_a_name_and_every_group_begins_with_ours() {
        let all = Rival::all();
        let mut names: Vec<&str> = all.iter().map(|rival| rival.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        for group in Group::ALL {
            let first = all.iter().find(|rival| rival.group == group).expect("no group is empty");
            assert!(first.is_ours(), "{}", first.name);
        }
    }
}
