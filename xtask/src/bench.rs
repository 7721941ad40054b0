//! `cargo xtask bench`: figures, measured by the package `bench` on a real Kafka.

pub mod rivals;

use crate::command::{cargo, run as run_command};
use crate::kafka::{Broker, BrokerConfig};
use crate::setup::{Need, ensure};
use crate::{guests, paths};
use anyhow::{Context, Result};
use std::process::Command;

/// The broker's heap: enough for 5,000,000 records in flight between topics.
const HEAP_MIB: u32 = 1024;

/// Builds host, guests and the benchmark, starts an empty Kafka of its own and measures. `arguments` go on
/// to the benchmark, see `bench/README.md`.
///
/// # Errors
/// Something does not build or start, or a measured run gives a wrong sum.
pub fn run(arguments: &[String]) -> Result<()> {
    ensure(Need::ALL)?;
    match arguments.first().map(String::as_str) {
        Some("rivals") => {
            ensure(Need::RIVALS)?;
            rivals::build()?;
        }
        Some("restart" | "faults") => {
            ensure(Need::RIVALS)?;
            rivals::build_streams()?;
        }
        _ => {}
    }
    let in_all_languages = arguments == ["languages"];
    let guests = if in_all_languages {
        ensure(Need::LANGUAGES)?;
        guests::build_all()
    } else {
        guests::build()
    };
    guests.context("the guests do not build")?;
    run_command(&mut cargo(&["build", "--release", "--workspace"]))?;
    let mut bench = Command::new(paths::release_binary("bench"));
    bench.args(arguments);
    if in_all_languages || arguments == ["limits"] || arguments.first().is_some_and(|verb| verb == "faults") {
        return run_command(&mut bench);
    }
    let mut config = BrokerConfig::on_free_ports("bench")?;
    config.heap_mib = HEAP_MIB;
    config.fast_start = false;
    let broker = Broker::start(config)?;
    eprintln!("kafka is ready on {}", broker.bootstrap_servers());
    bench.args(["--bootstrap-servers", &broker.bootstrap_servers()]);
    bench.args(["--broker-pid", &broker.pid().to_string()]);
    let measured = run_command(&mut bench);
    broker.stop()?;
    measured
}
