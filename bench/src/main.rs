//! `bench`: our own figures on a real Kafka, see `bench/README.md`. `cargo xtask bench` starts it.
//!
//! It runs the real `host` as a child, one case at a time, and checks every sum of every run: a fast wrong
//! answer is no figure.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark talks to a person")]

mod burn;
mod case;
mod limits;
mod machine;
mod measure;
mod options;
mod table;

use anyhow::{Context, Result};
use case::Case;
use measure::Measured;
use options::Options;
use std::time::Instant;
use table::Run;
use testkit::{Kafka, Workload, WorkloadSpec, check};

const INPUT: &str = "bench-input";
/// What a run costs without records.
const EMPTY: &str = "bench-empty";
/// The name of both operators in internal topics.
const OPERATOR: &str = "sum";
const KEYS: u64 = 10_000;
const PARTITIONS: u32 = 2;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["limits"] => return limits::run(),
        ["--bootstrap-servers", servers, "burn"] => return burn::run(&Kafka::at(servers)),
        _ => {}
    }
    let options = Options::parse(arguments.into_iter())?;
    let kafka = Kafka::at(&options.bootstrap_servers);
    let workload = load(&kafka, options.records)?;
    let cases: Vec<Case> = Case::all().into_iter().filter(|case| options.wants(*case)).collect();
    kafka.create_topic(EMPTY, PARTITIONS)?;
    let mut runs: Vec<Run> = Vec::new();
    for round in 1..=options.rounds {
        // Interleaved: what changes on the machine meanwhile meets all cases alike.
        for case in &cases {
            let run =
                run(&kafka, *case, round, &workload).with_context(|| format!("{case}, round {round}"))?;
            eprintln!("round {round}: {case}: {}", run.whole.line(options.records));
            runs.push(run);
        }
    }
    println!("{}", machine::line());
    println!("{}", options.line(KEYS, PARTITIONS));
    println!("\n{}", table::cases(&cases, &runs, options.records));
    println!("{}", table::modules(&cases, &runs, options.records));
    Ok(())
}

/// Writes the input once. Its record keys are the lines' keys, placed as a Java client does, so that the
/// same topic serves with and without repartition.
fn load(kafka: &Kafka, records: u64) -> Result<Workload> {
    let spec =
        WorkloadSpec { records, keys: KEYS, partitions: PARTITIONS, keyed: true, ..WorkloadSpec::default() };
    let started = Instant::now();
    kafka.create_topic(INPUT, PARTITIONS)?;
    let mut workload = Workload::new(spec);
    workload.produce(&mut kafka.producer()?, INPUT, records)?;
    eprintln!("{records} records are in {INPUT} ({:.1} s)", started.elapsed().as_secs_f64());
    Ok(workload)
}

/// One measured run with an application and an output of its own, checked and then removed.
fn run(kafka: &Kafka, case: Case, round: u32, workload: &Workload) -> Result<Run> {
    let application = format!("bench-{}-{round}", case.name());
    let start = measured(kafka, case, &format!("{application}-start"), EMPTY, |_| Ok(()))?;
    let whole = measured(kafka, case, &application, INPUT, |output| {
        check::final_sums_of(kafka, output, workload.sums()).map(|_| ())
    })?;
    Ok(Run { case, whole, start })
}

fn measured(
    kafka: &Kafka,
    case: Case,
    application: &str,
    input: &str,
    check: impl FnOnce(&str) -> Result<()>,
) -> Result<Measured> {
    let output = format!("{application}-output");
    let measured = measure::run(kafka, case, application, input, &output)?;
    check(&output)?;
    let internal = ["repartition", "changelog"].map(|what| format!("{application}-{OPERATOR}-{what}"));
    kafka.delete_topics(&[&output, &internal[0], &internal[1], &format!("{application}-dead-letter")])?;
    Ok(measured)
}
