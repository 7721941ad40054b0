//! Some faults of the matrix (`tests/FAULTS.md`), done to the host and to Kafka Streams in the same way, on the same
//! broker: is what a read-committed reader sees still exact, and how long is it until all partitions go on?

mod bed;
mod check;
mod rows;
mod run;
mod subject;

use crate::figures::{median, range};
use crate::options::Options;
use crate::{machine, results};
use anyhow::Result;
use bed::Bed;
use run::Run;
use std::fmt::Write as _;
use subject::Program;
use xtask::kafka::VERSION;
use xtask::paths;

/// What came of one row with one program.
struct Outcome {
    row: &'static str,
    fault: &'static str,
    program: Program,
    /// From each fault until each partition has gone on, in seconds.
    seconds: Vec<f64>,
    /// What went wrong, in words.
    violations: Vec<String>,
}

/// Does all rows so many times, prints, and keeps.
pub(crate) fn run(options: &Options) -> Result<()> {
    let mut outcomes = Vec::new();
    let bed = Bed::start()?;
    for row in options.choose(rows::ALL.to_vec(), |row| row.name.to_owned())? {
        for program in [Program::Host, Program::Streams] {
            let mut outcome = Outcome {
                row: row.name,
                fault: row.fault,
                program,
                seconds: Vec::new(),
                violations: Vec::new(),
            };
            for round in 1..=options.rounds(1) {
                let name = format!("{}-{}-{round}", row.name.to_lowercase(), program.name());
                let mut run = Run::new(&bed, program, row.membership, &name)?;
                let done = (row.body)(&mut run).and_then(|()| run.finish());
                outcome.seconds.append(&mut run.seconds);
                match done {
                    Ok(()) => run.remove()?,
                    Err(error) => {
                        eprintln!("{name}: {error:#}\n{}", run.logs());
                        outcome.violations.push(format!("{name}: {error:#}"));
                    }
                }
            }
            eprintln!("{}", line(&outcome));
            outcomes.push(outcome);
        }
    }
    let text = table(&outcomes);
    println!("{text}");
    if options.is_whole() {
        results::write_into(&paths::root().join("tests/FAULTS.md"), "streams", &text)?;
    }
    Ok(())
}

fn table(outcomes: &[Outcome]) -> String {
    let mut text = format!(
        "{}; Apache Kafka and Kafka Streams {VERSION}.\n\n\
         | row | fault | program | faults | violations | next commit s, median | longest |\n\
         | --- | --- | --- | ---: | ---: | ---: | ---: |\n",
        machine::line()
    );
    for outcome in outcomes {
        text.extend([line(outcome), "\n".to_owned()]);
    }
    for violation in outcomes.iter().flat_map(|outcome| &outcome.violations) {
        let _ = write!(text, "\n* {}", violation.lines().next().unwrap_or_default());
    }
    text
}

fn line(outcome: &Outcome) -> String {
    let Outcome { row, fault, program, seconds, violations } = outcome;
    let (faults, wrong, name) = (seconds.len(), violations.len(), program.title());
    let (half, (_, longest)) = (median(seconds.iter().copied()), range(seconds.iter().copied()));
    let shown = |time: f64| if time.is_finite() { format!("{time:.1}") } else { "–".to_owned() };
    format!("| {row} | {fault} | {name} | {faults} | {wrong} | {} | {} |", shown(half), shown(longest))
}
