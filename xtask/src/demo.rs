//! `cargo xtask demo`: from nothing to checked sums, on the embedded broker or on a real Kafka.

use crate::command::{cargo, run as run_command};
use crate::kafka::{Broker, BrokerConfig};
use crate::setup::{Need, ensure};
use crate::{guests, kafka, paths};
use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::Instant;

/// Lines produced unless `--records` says otherwise.
const RECORDS_DEFAULT: u64 = 400_000;

#[derive(Debug, PartialEq, Eq)]
struct Options {
    records: u64,
    /// A real one, and not the embedded broker.
    kafka: bool,
    /// It goes on afterwards.
    keep: bool,
}

/// Builds host and guests, lets the program `demo` produce, run the host and check: on a broker that it brings itself,
/// or on an empty Kafka.
///
/// # Errors
/// Something does not build or start, or a sum or dead letter is not what it must be.
pub fn run(arguments: &[String]) -> Result<()> {
    let options = parse(arguments)?;
    ensure(if options.kafka { Need::ALL } else { Need::BUILD })?;
    guests::build().context("the guests do not build")?;
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    let started = Instant::now();
    if options.kafka {
        on_kafka(&options, started)?;
    } else {
        run_command(&mut demo(&options))?;
    }
    println!("the demo took {:.1} s after the build", started.elapsed().as_secs_f64());
    Ok(())
}

fn demo(options: &Options) -> Command {
    let mut command = Command::new(paths::release_binary("demo"));
    command.args(["--records", &options.records.to_string()]);
    command
}

fn on_kafka(options: &Options, started: Instant) -> Result<()> {
    let config = if options.keep {
        kafka::service::remove("demo")?;
        BrokerConfig::staying_on_free_ports("demo")?
    } else {
        BrokerConfig::on_free_ports("demo")?
    };
    let broker = Broker::start(config)?;
    let servers = broker.bootstrap_servers();
    println!(
        "Apache Kafka {} is ready on {servers} ({:.1} s)",
        kafka::VERSION,
        started.elapsed().as_secs_f64()
    );
    let outcome = run_command(demo(options).args(["--bootstrap-servers", &servers]));
    if options.keep {
        println!("kafka goes on at {servers}; look around, then: cargo xtask kafka stop");
    } else {
        broker.stop()?;
    }
    outcome
}

fn parse(arguments: &[String]) -> Result<Options> {
    let mut options = Options { records: RECORDS_DEFAULT, kafka: false, keep: false };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--kafka" => options.kafka = true,
            "--keep" => (options.kafka, options.keep) = (true, true),
            "--records" => {
                let number = words.next().context("--records needs a number")?;
                options.records = number
                    .replace(['_', ','], "")
                    .parse()
                    .with_context(|| format!("not a number: \"{number}\""))?;
            }
            other => bail!("unknown argument \"{other}\"; demo takes --records N, --kafka and --keep"),
        }
    }
    Ok(options)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn arguments_are_read_and_others_refused() {
        assert_eq!(parse(&[]).expect("empty"), Options { records: 400_000, kafka: false, keep: false });
        let both = parse(&words("--records 1_000 --keep")).expect("both");
        assert_eq!(both, Options { records: 1000, kafka: true, keep: true });
        assert!(parse(&words("--kafka")).expect("a real one").kafka);
        assert!(parse(&words("--records many")).is_err());
        assert!(parse(&words("--fast")).is_err());
    }
}
