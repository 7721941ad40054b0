//! The sum and the sessions in every language through the real host: the same input gives the same output and the same dead
//! letters, byte for byte; and one language goes on with the state of another.

use anyhow::{Context as _, Result, ensure};
use std::time::Duration;
use testkit::files::guest;
use testkit::{Isolation, NewRecord, Record, Rng, Scenario, Workload, WorkloadSpec, check, embedded};

/// The oracle first.
const MODULES: [&str; 5] = ["sum", "sum-c", "sum-go", "sum-javascript", "sum-python"];
/// The same of the processor.
const PROCESSORS: [&str; 5] =
    ["sessions", "sessions-c", "sessions-go", "sessions-javascript", "sessions-python"];
/// A module that holds an interpreter is compiled before it runs.
const IN_TIME: Duration = Duration::from_mins(5);

/// What an application has written.
#[derive(Debug, PartialEq, Eq)]
struct Written {
    output: Vec<Record>,
    dead_letters: Vec<Record>,
}

/// Runs a module over the whole input as an application of its own. One commit and no shuffle, so that even the order of
/// the results is the module's and not that of the clock.
fn run(s: &Scenario, module: &str, flags: &[&str]) -> Result<Written> {
    let (id, output) = (format!("{}-{module}", s.id), s.topic(module));
    s.kafka.create_topic(&output, 1)?;
    s.application(&id, guest(module))
        .args(["--input", &s.input(), "--output", &output, "--until-end"])
        .args(["--repartition", "never", "--commit-interval", "15s", "--workers", "1"])
        .args(flags)
        .complete(IN_TIME)
        .with_context(|| module.to_owned())?;
    let dead_letters = s.kafka.read(&format!("{id}-dead-letter"), Isolation::Committed)?;
    Ok(Written { output: s.kafka.read(&output, Isolation::Committed)?, dead_letters })
}

#[test]
fn every_language_gives_the_same_output_and_dead_letters() {
    embedded("languages-same", |s| {
        let spec = WorkloadSpec { records: 5_000, partitions: 1, bad_one_in: 20, ..WorkloadSpec::default() };
        let workload = s.load(spec)?;
        let expected = run(s, MODULES[0], &[])?;
        ensure!(expected.output.len() == workload.sums().len(), "a key has its result once");
        check::final_sums(&expected.output, 1, workload.sums())?;
        check::dead_letters(&expected.dead_letters, &s.input(), workload.bad())?;
        for module in &MODULES[1..] {
            let found = run(s, module, &[])?;
            ensure!(found.output == expected.output, "the output of {module} differs");
            ensure!(found.dead_letters == expected.dead_letters, "the dead letters of {module} differ");
        }
        Ok(())
    });
}

/// Events of some keys, in one partition.
fn load_events(s: &Scenario) -> Result<()> {
    s.kafka.create_topic(&s.input(), 1)?;
    let (mut producer, mut random, mut time_ms) = (s.kafka.producer()?, Rng::new(7), 1_700_000_000_000);
    for _ in 0..3_000 {
        let jump = i64::try_from(random.below(900_000))?;
        time_ms += if random.below(4) == 0 { -jump } else { jump };
        let key = format!("visitor-{}", random.below(3));
        let value: &[u8] = if random.below(5) == 0 { b"end" } else { b"/" };
        let record = NewRecord { key: Some(key.as_bytes()), value: Some(value), ..NewRecord::default() };
        producer.send_at(&s.input(), &record, time_ms)?;
    }
    producer.flush()
}

/// The rows of each key in their order: that between keys is the batches'.
fn by_key(mut written: Written) -> Written {
    written.output.sort_by(|a, b| a.key.cmp(&b.key));
    written.output.iter_mut().for_each(|row| row.offset = 0);
    written.dead_letters.sort_by_key(|letter| letter.header("__streams.errors.offset"));
    written.dead_letters.iter_mut().for_each(|letter| letter.offset = 0);
    written
}

#[test]
fn a_processor_in_every_language_writes_the_same_rows_and_dead_letters() {
    embedded("languages-processor", |s| {
        load_events(s)?;
        let gap = ["--set", "gap_ms=900000"];
        let expected = by_key(run(s, PROCESSORS[0], &gap)?);
        let (sessions, refused) = (expected.output.len(), expected.dead_letters.len());
        ensure!(sessions > 500 && refused > 20, "{sessions} sessions, {refused} refused: too few");
        for module in &PROCESSORS[1..] {
            let found = by_key(run(s, module, &gap)?);
            ensure!(found.output == expected.output, "the output of {module} differs");
            ensure!(found.dead_letters == expected.dead_letters, "the dead letters of {module} differ");
        }
        Ok(())
    });
}

#[test]
fn a_language_goes_on_with_the_state_of_another() {
    embedded("languages-state", |s| {
        let spec = WorkloadSpec { records: 10_000, ..WorkloadSpec::default() };
        s.kafka.create_topic(&s.input(), spec.partitions)?;
        let mut workload = Workload::new(spec);
        for module in MODULES {
            workload.produce(&mut s.kafka.producer()?, &s.input(), 2_000)?;
            // The operator's name is that of its file, and names the topic with the state.
            let same = s.file("sum.wasm")?;
            std::fs::copy(guest(module), &same)?;
            s.host(&same).arg("--until-end").complete(IN_TIME).with_context(|| module.to_owned())?;
            s.check_sums(&workload).with_context(|| format!("after {module}"))?;
        }
        Ok(())
    });
}
