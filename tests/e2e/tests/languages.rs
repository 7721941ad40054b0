//! The sum in every language through the real host: the same input gives the same output and the same dead letters, byte
//! for byte; and one language goes on with the state of another.

use anyhow::{Context as _, Result, ensure};
use std::time::Duration;
use testkit::files::guest;
use testkit::{Isolation, Record, Scenario, Workload, WorkloadSpec, check, scenario};

/// The oracle first.
const MODULES: [&str; 5] = ["sum", "sum-c", "sum-go", "sum-javascript", "sum-python"];
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
fn run(s: &Scenario, module: &str) -> Result<Written> {
    let (id, output) = (format!("{}-{module}", s.id), s.topic(module));
    s.kafka.create_topic(&output, 1)?;
    s.application(&id, guest(module))
        .args(["--input", &s.input(), "--output", &output, "--until-end"])
        .args(["--repartition", "never", "--commit-interval", "60s", "--workers", "1"])
        .complete(IN_TIME)
        .with_context(|| module.to_owned())?;
    let dead_letters = s.kafka.read(&format!("{id}-dead-letter"), Isolation::Committed)?;
    Ok(Written { output: s.kafka.read(&output, Isolation::Committed)?, dead_letters })
}

#[test]
fn every_language_gives_the_same_output_and_dead_letters() {
    scenario("languages-same", |s| {
        let spec = WorkloadSpec { records: 5_000, partitions: 1, bad_one_in: 20, ..WorkloadSpec::default() };
        let workload = s.load(spec)?;
        let expected = run(s, MODULES[0])?;
        ensure!(expected.output.len() == workload.sums().len(), "a key has its result once");
        check::final_sums(&expected.output, 1, workload.sums())?;
        check::dead_letters(&expected.dead_letters, &s.input(), workload.bad())?;
        for module in &MODULES[1..] {
            let found = run(s, module)?;
            ensure!(found.output == expected.output, "the output of {module} differs");
            ensure!(found.dead_letters == expected.dead_letters, "the dead letters of {module} differ");
        }
        Ok(())
    });
}

#[test]
fn a_language_goes_on_with_the_state_of_another() {
    scenario("languages-state", |s| {
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
