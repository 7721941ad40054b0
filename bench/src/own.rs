//! The host against itself: the module and the native operator, each guarantee, each path.

mod case;
mod table;

use crate::input::{self, EMPTY, INPUT, PARTITIONS};
use crate::measure::{self, Measured, Place};
use crate::options::Options;
use crate::verify::{self, Results};
use crate::{hosted, machine};
use anyhow::{Context, Result};
use case::Case;
use table::Run;
use testkit::{Kafka, Workload};

/// Records of the input unless `--records` says otherwise.
const RECORDS: u64 = 5_000_000;
const ROUNDS: u32 = 1;
/// Worker threads of the host.
const WORKERS: u32 = 2;

/// Measures and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    let cases = options.choose(Case::all(), |case| case.name())?;
    let (records, rounds) = (options.records(RECORDS), options.rounds(ROUNDS));
    let kafka = options.kafka();
    let workload = input::load(&kafka, records)?;
    let mut runs: Vec<Run> = Vec::new();
    for round in 1..=rounds {
        // Interleaved: what changes on the machine meanwhile meets all cases alike.
        for case in &cases {
            let run = one(&kafka, options.broker_pid, *case, round, &workload)
                .with_context(|| format!("{case}, round {round}"))?;
            eprintln!("round {round}: {case}: {}", run.whole.line(records));
            runs.push(run);
        }
    }
    println!("{}", machine::line());
    println!("{}, {WORKERS} workers, {rounds} round(s), median shown", input::line(records));
    println!("\n{}", table::cases(&cases, &runs, records));
    println!("{}", table::modules(&cases, &runs, records));
    Ok(())
}

/// One measured run with an application and an output of its own, checked and then removed.
fn one(kafka: &Kafka, broker: Option<u32>, case: Case, round: u32, workload: &Workload) -> Result<Run> {
    let application = format!("bench-{}-{round}", case.name());
    let (start, _) = measured(kafka, broker, case, &format!("{application}-start"), EMPTY, |_| Ok(()))?;
    let (whole, commits) = measured(kafka, broker, case, &application, INPUT, |output| {
        verify::results(kafka, output, workload, Results::Some).map(|_| ())
    })?;
    Ok(Run { case, whole, start, commits })
}

fn measured(
    kafka: &Kafka,
    broker: Option<u32>,
    case: Case,
    application: &str,
    input: &str,
    check: impl FnOnce(&str) -> Result<()>,
) -> Result<(Measured, u64)> {
    let output = format!("{application}-output");
    kafka.create_topic(&output, PARTITIONS)?;
    let place = Place::new(application)?;
    let mut command = hosted::command(kafka, &place, application, input, &output);
    command.args(case.arguments()).args(["--workers", &WORKERS.to_string()]);
    let measured = measure::run(&mut command, &place, None, broker)?;
    let commits = hosted::commits(&place.log())?;
    check(&output)?;
    let internal = hosted::internal_topics(application);
    kafka.delete_topics(&[&output, &internal[0], &internal[1], &internal[2]])?;
    place.remove()?;
    Ok((measured, commits))
}
