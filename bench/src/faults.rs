//! Some faults of the matrix (`tests/FAULTS.md`), done to the host and to Kafka Streams in the same way, on the same
//! broker: is what a read-committed reader sees still exact, and how long is it until all partitions go on?

mod check;
mod rows;
mod run;
mod subject;
mod table;

use crate::machine;
use crate::options::Options;
use crate::program::Program;
use anyhow::{Result, bail, ensure};
use rows::Row;
use run::Run;
use table::Outcome;
use testkit::Bed;
use testkit::bed::KAFKAS_SWEEP;
use xtask::faults::means;
use xtask::{blocks, paths};

/// Does all rows so many times, prints, and keeps: each row that was run gets its lines anew, the others keep theirs.
pub(crate) fn run(options: &Options) -> Result<()> {
    let (rows, measured) = (chosen(options)?, machine::moment());
    let bed = Bed::start_with("faults-compared", &[KAFKAS_SWEEP])?;
    let mut outcomes = Vec::new();
    for row in rows {
        for program in [Program::Host, Program::Streams] {
            let outcome = all_rounds(&bed, &row, program, options.rounds(1), &measured)?;
            eprintln!("{}", outcome.line());
            outcomes.push(outcome);
        }
    }
    blocks::update(&paths::root().join("tests/FAULTS.md"), "streams", |old| {
        let text = table::all(old, &outcomes);
        println!("{text}");
        Ok(text)
    })?;
    let violations: Vec<&str> = outcomes.iter().flat_map(|one| &one.violations).map(String::as_str).collect();
    ensure!(violations.is_empty(), "{} runs failed:\n{}", violations.len(), violations.join("\n"));
    Ok(())
}

/// The rows that are asked for.
fn chosen(options: &Options) -> Result<Vec<Row>> {
    let Some(only) = options.only() else { return Ok(rows::ALL.to_vec()) };
    let word = only.split(',').find(|word| !rows::ALL.iter().any(|row| means(word, row.name)));
    if let Some(word) = word {
        bail!("--only {word}: there are {}", rows::ALL.map(|row| row.name).join(", "));
    }
    Ok(rows::ALL.into_iter().filter(|row| only.split(',').any(|word| means(word, row.name))).collect())
}

fn all_rounds(bed: &Bed, row: &Row, program: Program, rounds: u32, measured: &str) -> Result<Outcome> {
    let mut outcome = Outcome {
        row: row.name,
        fault: row.fault,
        program,
        seconds: Vec::new(),
        violations: Vec::new(),
        measured: measured.to_owned(),
    };
    for round in 1..=rounds {
        let name = format!("{}-{}-{round}", row.name.to_lowercase(), program.name());
        let mut run = Run::new(bed, program, row.membership, &name, round.into())?;
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
    Ok(outcome)
}
