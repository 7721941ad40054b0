//! One point of a curve: as many hosts as it asks for, over the whole input and over nothing.

use super::curve::Shape;
use super::lines::{self, Sums};
use crate::figures::median;
use crate::hosted;
use crate::measure::{self, Measured, Place};
use anyhow::{Context, Result};
use std::path::PathBuf;
use std::thread;
use std::{fs, time::Instant};
use testkit::{Kafka, files};

/// A topic with lines, one without, and the sums.
pub(super) struct Input {
    topic: String,
    empty: String,
    sums: Sums,
}

impl Input {
    pub(super) fn load(kafka: &Kafka, curve: &str, shape: Shape) -> Result<Self> {
        let Shape { keys, partitions, record_bytes, workers, batch_records, modules, records } = shape;
        let topic = format!(
            "scale-{curve}-{keys}-{partitions}-{record_bytes}-{workers}-{batch_records}-{modules}-input"
        );
        let empty = format!("{topic}-empty");
        let started = Instant::now();
        kafka.create_topic(&empty, partitions)?;
        kafka.create_topic(&topic, partitions)?;
        let sums = lines::produce(kafka, &topic, shape)?;
        eprintln!("{records} records are in {topic} ({:.1} s)", started.elapsed().as_secs_f64());
        Ok(Self { topic, empty, sums })
    }

    pub(super) fn remove(self, kafka: &Kafka) -> Result<()> {
        kafka.delete_topics(&[&self.topic, &self.empty])
    }
}

/// A shape and what it took in each round.
pub(super) struct Point {
    pub(super) shape: Shape,
    pub(super) rounds: Vec<Round>,
}

/// All hosts of one run together.
pub(super) struct Round {
    records: u64,
    seconds: f64,
    cpu_s: f64,
    memory_mib: f64,
}

impl Round {
    /// For a person who waits.
    pub(super) fn line(&self) -> String {
        let Self { records, seconds, cpu_s, memory_mib } = self;
        format!(
            "{seconds:.2} s, {:.3} s of CPU per million, {memory_mib:.0} MiB",
            cpu_s / (*records as f64 / 1e6)
        )
    }
}

impl Point {
    pub(super) fn new(shape: Shape) -> Self {
        Self { shape, rounds: Vec::new() }
    }

    /// CPU seconds for a million records, without those to start and to end.
    pub(super) fn cpu(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.cpu_s / (round.records as f64 / 1e6)))
    }

    /// The largest resident sets of all processes, added up.
    pub(super) fn memory(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.memory_mib))
    }

    /// Thousand records a second, without the time to start and to end.
    pub(super) fn rate(&self) -> f64 {
        median(self.rounds.iter().map(|round| round.records as f64 / round.seconds / 1000.0))
    }
}

/// Runs one point once and checks all results.
pub(super) fn one(kafka: &Kafka, shape: Shape, input: &Input, round: u32) -> Result<Round> {
    let prefix = input.topic.trim_end_matches("-input");
    let start = hosts(kafka, shape, &format!("{prefix}-{round}-start"), &input.empty, None)?;
    let whole = hosts(kafka, shape, &format!("{prefix}-{round}"), &input.topic, Some(&input.sums))?;
    let most = |runs: &[Measured]| runs.iter().map(|run| run.wall_s).fold(0.0, f64::max);
    let cpu = |runs: &[Measured]| runs.iter().map(|run| run.cpu_s).sum::<f64>();
    Ok(Round {
        records: shape.records * u64::from(shape.modules),
        seconds: most(&whole) - most(&start),
        cpu_s: cpu(&whole) - cpu(&start),
        memory_mib: whole.iter().map(|run| run.memory_mib).sum(),
    })
}

/// As many applications at once as the shape has modules, each over the whole of `topic`.
fn hosts(
    kafka: &Kafka,
    shape: Shape,
    prefix: &str,
    topic: &str,
    sums: Option<&Sums>,
) -> Result<Vec<Measured>> {
    thread::scope(|scope| {
        let running: Vec<_> = (0..shape.modules)
            .map(|number| {
                scope.spawn(move || host(kafka, shape, &format!("{prefix}-{number}"), number, topic))
            })
            .collect();
        running.into_iter().map(|one| one.join().expect("measuring does not panic")).collect::<Result<_>>()
    })
    .and_then(|measured| {
        for number in 0..shape.modules {
            let application = format!("{prefix}-{number}");
            let output = format!("{application}-output");
            if let Some(sums) = sums {
                sums.check(kafka, &output)?;
            }
            let [repartition, changelog, dead] = hosted::internal_topics(&application);
            kafka.delete_topics(&[&output, &repartition, &changelog, &dead])?;
        }
        Ok(measured)
    })
}

fn host(kafka: &Kafka, shape: Shape, application: &str, number: u32, topic: &str) -> Result<Measured> {
    let output = format!("{application}-output");
    kafka.create_topic(&output, shape.partitions)?;
    let place = Place::new(application)?;
    let module = module(&place, number)?;
    let mut command = hosted::command(kafka, &place, application, topic, &output);
    command
        .args(["--repartition", "never", "--workers", &shape.workers.to_string()])
        .env("HOST_BATCH_RECORDS_MAX", shape.batch_records.to_string())
        .arg("--module")
        .arg(module);
    let measured = measure::run(&mut command, &place, None, None)?;
    place.remove()?;
    Ok(measured)
}

/// The sum with a number in a custom section: the same code, another module to everyone who looks at its bytes.
fn module(place: &Place, number: u32) -> Result<PathBuf> {
    let mut bytes = fs::read(files::guest("sum")).context("cannot read the module")?;
    let name = format!("number {number}");
    let length = u8::try_from(name.len()).context("a short name")?;
    // Section 0 is a custom one: its size, then its name with a length; no content.
    bytes.extend([0, length + 1, length]);
    bytes.extend(name.as_bytes());
    let path = place.0.join(format!("{}.wasm", hosted::OPERATOR));
    fs::write(&path, bytes)?;
    Ok(path)
}
