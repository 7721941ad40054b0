//! `cargo xtask VERB`: the commands of a person who works on the project.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "these are commands that talk to a person")]

use anyhow::{Result, bail};
use std::process::ExitCode;
use xtask::setup::{self, Need};
use xtask::{bench, demo, faults, guests, kafka, lint, test};

const HELP: &str = "\
cargo xtask VERB, from anywhere in the repository:

  demo [--kafka] [...]         build all, sum 400,000 lines, check every sum; --kafka: on a real Kafka, --keep: it stays
  test [FILTER]                build all, run all tests (FILTER: as cargo test takes it)
  fuzz [CASES]                 spoiled modules and spoiled answers, 20,000 cases each (tests try fewer)
  faults [--tier pr|nightly|release] [--seed N] [--at-once N] [--only F1,F12]
                               the fault matrix and the simulation, or some rows (--only simulation: that alone);
                               their lines go into tests/FAULTS.md
  faults --streams [--rounds N] [--only F1,F12]  some of its rows, beside Kafka Streams; into the same
  lint                         rustfmt, clippy, rustdoc, the core by itself; warnings are errors
  bench limits|burn            what the limits cost; what a partition full of faults costs the others
  bench languages              the sum in each language: size, compilation, start, ns a record, memory
  bench [--rounds N] [...]     our figures on a real Kafka (bench/README.md)
  bench rivals [...]           beside Kafka Streams, Flink, Spark and a native loop; written into bench/RESULTS.md
  bench latency                a record's way into a committed result, at a low load; into the same
  bench restart [...]          SIGKILL and start again with a million keys, beside Kafka Streams; into the same
  bench scale|fetch [...]      more keys, partitions, bytes, modules; a fetch without librdkafka; into the same
  guests [--all]               build every Wasm module in Rust (in every language) into target/guests
  kafka start|stop|status|wipe a real Apache Kafka on 127.0.0.1:19092, data below the target folder
  help                         this text

What a verb needs and does not find (C compiler, make, perl, Java 17, Maven, Python 3, Chromium, kcat, curl, javac
for the rivals) is installed with apt-get as root or with password-less sudo; otherwise the line to run is printed.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<()> {
    let (verb, rest) = match arguments.split_first() {
        Some((verb, rest)) => (verb.as_str(), rest),
        None => ("help", arguments),
    };
    match (verb, rest) {
        ("demo", rest) => demo::run(rest),
        ("test", rest) => test::run(rest),
        ("fuzz", []) => test::fuzz("20000"),
        ("fuzz", [cases]) => test::fuzz(cases),
        ("faults", rest) => faults::run(rest),
        ("lint", []) => lint::run(),
        ("bench", rest) => bench::run(rest),
        ("guests", []) => {
            setup::ensure(&[Need::Compiler])?;
            guests::build().map(|_| ())
        }
        ("guests", [all]) if all == "--all" => {
            setup::ensure(&[Need::Compiler, Need::Python])?;
            guests::build_all().map(|_| ())
        }
        ("kafka", [what]) => kafka::service::run(what),
        ("help" | "--help" | "-h", []) => {
            println!("{HELP}");
            Ok(())
        }
        _ => bail!("cannot do \"{}\"\n\n{HELP}", arguments.join(" ")),
    }
}
