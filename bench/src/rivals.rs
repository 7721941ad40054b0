//! The host beside what people use instead: the same topic, the same sums, the same guarantee where they have
//! it, one after another and again in every round.

mod case;
mod chart;
mod table;

use crate::input::{self, EMPTY, INPUT, PARTITIONS};
use crate::measure::{self, Measured, Place};
use crate::options::Options;
use crate::verify;
use crate::{hosted, machine, results};
use anyhow::{Context, Result, ensure};
pub(crate) use case::{Job, streams};

use case::Rival;
use table::Run;
use testkit::{Isolation, Kafka, Workload};

/// Records of the input unless `--records` says otherwise.
const RECORDS: u64 = 5_000_000;
/// With fewer the time over an empty input, which is taken off, is most of what is measured.
const RECORDS_MIN: u64 = 1_000_000;
const ROUNDS: u32 = 3;
/// Threads of each.
const THREADS: u32 = 2;

/// Measures, prints, and keeps what was measured in `bench/RESULTS.md` and `bench/rivals.svg`.
pub(crate) fn run(options: &Options) -> Result<()> {
    let rivals = options.choose(Rival::all(), |rival| rival.name.to_owned())?;
    let (records, rounds) = (options.records(RECORDS), options.rounds(ROUNDS));
    ensure!(
        records >= RECORDS_MIN,
        "starting weighs as much as {records} records: take {RECORDS_MIN} or more"
    );
    let kafka = options.kafka();
    let workload = input::load(&kafka, records)?;
    let mut runs: Vec<Run> = Vec::new();
    for round in 1..=rounds {
        // Interleaved: what changes on the machine meanwhile meets all alike.
        for rival in &rivals {
            let run = one(&kafka, options.broker_pid, rival, round, &workload)
                .with_context(|| format!("{}, round {round}", rival.name))?;
            eprintln!("round {round}: {}: {}", rival.name, run.whole.line(records));
            runs.push(run);
        }
    }
    let what = format!("{}; {THREADS} threads each; {rounds} round(s), interleaved", input::line(records));
    let machine = machine::line();
    let text = format!("{machine}\n\n{what}.\n\n{}", table::all(&rivals, &runs, records));
    println!("{text}");
    if options.is_whole() {
        results::write("rivals", &text)?;
        results::write_chart("rivals", &chart::draw(&rivals, &runs, records, &[&what, &machine]))?;
    }
    Ok(())
}

/// A run over nothing and one over everything, whose results are checked.
fn one(kafka: &Kafka, broker: Option<u32>, rival: &Rival, round: u32, workload: &Workload) -> Result<Run> {
    let application = format!("bench-{}-{round}", rival.name);
    let job = Job { kafka, application: format!("{application}-start"), input: EMPTY, records: 0 };
    let (start, _) = measured(&job, broker, rival, |_| Ok(0))?;
    let job = Job { kafka, application, input: INPUT, records: workload.given() };
    let (whole, results) =
        measured(&job, broker, rival, |output| verify::results(kafka, output, workload, rival.results()))?;
    Ok(Run { rival: rival.name, whole, start, results })
}

fn measured(
    job: &Job<'_>,
    broker: Option<u32>,
    rival: &Rival,
    check: impl FnOnce(&str) -> Result<u64>,
) -> Result<(Measured, u64)> {
    let (kafka, output) = (job.kafka, job.output());
    kafka.create_topic(&output, PARTITIONS)?;
    let log = kafka.log(&output, Isolation::Committed)?;
    let place = Place::new(&job.application)?;
    let measured = measure::run(&mut rival.command(job, &place)?, &place, Some(&log), broker)?;
    let results = check(&output)?;
    let internal = hosted::internal_topics(&job.application);
    kafka.delete_topics(&[&output, &internal[0], &internal[1], &internal[2]])?;
    place.remove()?;
    Ok((measured, results))
}
